"""Corrupt maps: hmap-check reports exactly the fault; hmap-dump continues.

Each fault of fixtures/c/faults, live and from gdb's core. The program writes the expected Problems;
if hmap_check() survives the fault, it has confirmed them in the process.
"""

from __future__ import annotations

import functools
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from built import CHUNK, fixture_program, in_chunks
from harness import Outcome, Tries, gdb_session
from truth import (
    ENTRIES_HEADER,
    OCCUPANCY_HEADER,
    PROBLEM,
    Named,
    first_line,
    problems_of_check,
    read_csv,
)

SHOWN = 10  # Problems in the summary of hmap-dump
# Faults of a key or elem: the entries CSV has the fault as its text.
UNREADABLE_VALUES = (
    "key_box_wild",
    "key_boxes_wild",
    "elem_box_wild",
    "owned_key_wild",
    "borrowed_key_wild",
)
ERROR = "error"  # instead of an invariant: the commands fail


@dataclass(frozen=True)
class Examined:
    """Outcomes of commands_for() for a fault, live and from a core; the program's folder."""

    folder: Path
    live: Sequence[Outcome]
    dead: Sequence[Outcome]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fault" in metafunc.fixturenames:
        builds = metafunc.config.getoption("--builds").split(",")
        metafunc.parametrize("fault", in_chunks(faults_of(builds[0]), "faults"))


@functools.cache
def faults_of(build: str) -> list[str]:
    """The names that `faults --list` prints."""
    command = [fixture_program(build, "faults"), "--list"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line.split("\t")[0] for line in listing.splitlines()]


def problems_of_dump(outcome: Outcome) -> tuple[list[Named], int]:
    """The Problems that a summary shows, and the number of those it omits."""
    problems, more = [], 0
    for line in outcome.output.splitlines():
        label, _, rest = line.partition(" ")
        if label != "Problem":
            continue
        found = PROBLEM.fullmatch(rest.strip())
        if found:
            problems.append((found[1], found[2]))
        else:
            cut = re.fullmatch(r"([\d,]+) more: see them all with hmap-check", rest.strip())
            assert cut and more == 0, outcome.output
            more = int(cut[1].replace(",", ""))
    return problems, more


def assert_named(check: Outcome, rows: list[dict[str, str]]) -> None:
    """Checks that exactly the expected Problems are reported, each once."""
    named = Counter(problems_of_check(check))
    expected = Counter((row["invariant"], row["address"]) for row in rows)
    missing, extra = expected - named, named - expected
    assert not missing and not extra, f"missing {missing}\nextra {extra}\n{check.output}"


def assert_dumped(fault: str, dump: Outcome, rows: list[dict[str, str]], view: Path) -> None:
    """Checks the Problems in the summary, and that both files are complete."""
    assert dump.error is None and dump.messages == "", dump
    expected = [(row["invariant"], row["address"]) for row in rows if row["dump"] == "1"]
    shown, more = problems_of_dump(dump)
    if any(invariant == "I8" for invariant, _ in shown):
        # Long chains: the dump has verified the placement of all entries.
        expected += [("I8", row["address"]) for row in rows if row["invariant"] == "I8"]
        assert "verdict    skewed" not in dump.output
    assert len(shown) == min(len(expected), SHOWN), dump.output
    assert len(shown) + more == len(expected), dump.output
    assert not Counter(shown) - Counter(expected), f"expected {expected}\n{dump.output}"
    assert re.search(r"^entries +[\d,]+ ", dump.output, re.MULTILINE), dump.output
    assert first_line(view / "occupancy.csv") == OCCUPANCY_HEADER
    assert first_line(view / "entries.csv") == ENTRIES_HEADER
    # Each counted entry has its row, even if its key or elem is unreadable.
    entries = (view / "entries.csv").read_text(encoding="utf-8", errors="surrogateescape")
    live = sum(int(row["live"]) for row in read_csv(view / "occupancy.csv"))
    assert entries.count("\n") == 1 + live
    if fault in UNREADABLE_VALUES:
        for row in rows:
            assert f"<fault {row['address']}>" in entries


def assert_refused(outcome: Outcome, address: str, view: Path) -> None:
    """Checks that an error is one line: failure, subject in quotes, address, remedy."""
    error = outcome.error
    assert error is not None, f"'{outcome.command}' succeeded: {outcome.output}"
    assert outcome.output == outcome.messages == "" and "\n" not in error, outcome
    assert "'fixture_map'" in error and re.search(rf"\b{address}\b", error), error
    assert re.search(r".[:;] .", error), f"has no remedy: {error}"
    assert not list(view.iterdir()), "a file was left behind"


def assert_told(fault: str, outcomes: Sequence[Outcome], truth: Path, view: Path) -> None:
    """Compares the outcomes of commands_for() with what the program expects."""
    check, dump = outcomes
    rows = read_csv(truth / "expected.csv")
    assert rows
    if rows[0]["invariant"] == ERROR:
        assert len(rows) == 1
        for outcome in outcomes:
            assert_refused(outcome, rows[0]["address"], view)
    else:
        assert_named(check, rows)
        assert_dumped(fault, dump, rows, view)


def commands_for(view: Path) -> list[Tries]:
    view.mkdir()
    return [
        Tries("hmap-check fixture_map"),
        Tries(f"hmap-dump fixture_map --csv {view}/occupancy.csv --entries {view}/entries.csv"),
    ]


@pytest.fixture(scope="session")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Examined]:
    """The outcomes for a fault in a build. One gdb examines a chunk of faults."""
    faults = faults_of("dev")

    @functools.cache
    def chunk(build: str, number: int) -> dict[str, Examined]:
        root = tmp_path_factory.mktemp("faults")
        names = faults[number * CHUNK :][:CHUNK]
        commands: list[str | Tries] = ["break fixture_stop"]
        for name in names:
            (root / name).mkdir()
            commands += [
                f"set args {name} {root / name}",
                "run",
                *commands_for(root / name / "live"),
                f"generate-core-file {root / name}.core",
                "kill",
                f"core-file {root / name}.core",
                *commands_for(root / name / "dead"),
                "core-file",
            ]
        outcomes = gdb_session(fixture_program(build, "faults"), commands=commands)[1:]
        each = len(outcomes) // len(names)
        parts = [outcomes[at : at + each] for at in range(0, len(outcomes), each)]
        return {
            name: Examined(root / name, part[2:4], part[-3:-1]) for name, part in zip(names, parts)
        }

    return lambda build, fault: chunk(build, faults.index(fault) // CHUNK)[fault]


def test_fault_is_named_live_and_from_a_core(
    fault: str, build: str, examined: Callable[[str, str], Examined]
) -> None:
    told = examined(build, fault)
    assert_told(fault, told.live, told.folder, told.folder / "live")
    assert_told(fault, told.dead, told.folder, told.folder / "dead")


@pytest.mark.parametrize("B", [12, 24, 40, 56])
def test_garbage_B_that_no_header_contradicts_ends_soon(B: int, folder: Path) -> None:
    # The memory after the arrays is arbitrary; only the form of the report and its end are checked.
    outcomes = gdb_session(
        fixture_program("dev", "faults"),
        ["B_one_more_growing", str(folder)],
        commands=[
            "break fixture_stop",
            "run",
            f"set var fixture_map->B = {B}",
            "set var ((struct hmap_array *) fixture_map->buckets)[-1].size = 0",
            "set var ((struct hmap_array *) fixture_map->oldbuckets)[-1].size = 0",
            *commands_for(folder / "live"),
        ],
    )
    check, dump = outcomes[-2:]
    assert check.error is None and dump.error is None
    # An array as large as memory overlaps the other one: the report is long, but bounded.
    named = [line for line in check.output.splitlines() if PROBLEM.match(line)]
    assert len([line for line in named if line.startswith("I3 ")]) == 2
    assert len(named) < 5000
    assert problems_of_dump(dump)[0]


@pytest.mark.parametrize(
    "poke",
    [
        "set var $b = map->buckets, map->buckets = map->oldbuckets, map->oldbuckets = $b",
        "set var map->oldbuckets = map->buckets",
        "set var map->buckets = map->oldbuckets",
        "set var map->buckets = (struct bmap *) ((char *) map->buckets + 144)",
        "set var map->buckets = (struct bmap *) ((char *) map->buckets + 3)",
        "set var map->buckets = (struct bmap *) map",
        "set var map->buckets = (struct bmap *) 8",
        "set var map->retired = (struct hmap_array *) map",
        "set var map->nextOverflow = map->buckets",
        "set var map->count = 0, map->oldbuckets = 0",
        "set var map->hash0 = 0",
    ],
)
def test_garbage_pointers_are_told_in_good_order(poke: str, folder: Path) -> None:
    # Their consequences vary.
    outcomes = gdb_session(
        fixture_program("dev", "faults"),
        ["count_low", str(folder)],
        commands=[
            "break fixture_stop",
            "run",
            poke.replace("map->", "fixture_map->").replace(" map", " fixture_map"),
            *commands_for(folder / "live"),
        ],
    )
    check, dump = outcomes[-2:]
    assert check.error is None and dump.error is None
    assert [line for line in check.output.splitlines() if PROBLEM.match(line)]
    assert problems_of_dump(dump)[0]


def test_faults_have_names_of_their_own() -> None:
    names = faults_of("dev")
    assert len(names) > 100
    assert len(set(names)) == len(names)
