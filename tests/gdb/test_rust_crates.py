"""Maps of the crates hashbrown, indexmap and dashmap, and maps in the wrappers of other crates:
gdb's entries equal those that the program has written, live and from a core.

The crates are those of fixtures/rust/crates/Cargo.lock; where they are not on this machine, the
tests are skipped.
"""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest

from harness import gdb_session
from listings import listed_live_and_in_core, told_by
from rust_programs import STOP, of_crates

LEVELS = ("debug", "release")
KINDS = {
    "brown": "HashMap",
    "brown_std": "HashMap",
    "brown_set": "HashSet",
    "brown_table": "HashTable",
    "old_brown": "HashMap",
    "index": "IndexMap",
    "index_removed": "IndexMap",
    "index_set": "IndexSet",
    "index_empty": "IndexMap",
    "dash": "DashMap",
    "dash_empty": "DashMap",
    "dash_set": "DashSet",
}
FINDS = [
    ("brown", "7", "500 entries compared"),
    ("brown_std", "7", "by its hash"),
    ("brown_table", "(299, 598)", "300 entries compared"),
    ("index", '"key 7"', "by its hash"),
    ("index_removed", "999", "by its hash"),
    ("index_removed", "1000", "absent (by its hash"),
    ("dash", "1999", "by its hash"),
    ("dash", "2000", "absent (by its hash"),
    ("dash_set", "1999", "by its hash"),
]


def entries_in(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return sorted((row["key"], row["value"]) for row in csv.DictReader(file))


def test_the_states_are_those_of_the_program() -> None:
    listing = subprocess.run([of_crates(), "--list"], check=True, capture_output=True, text=True)
    assert [line.split("\t")[0] for line in listing.stdout.splitlines()] == list(KINDS)


@pytest.mark.parametrize("level", LEVELS)
def test_entries_of_live_process_and_of_its_core_equal_the_truth(level: str, folder: Path) -> None:
    exe, truth, core = of_crates(level), folder / "truth", folder / "core"

    def commands(view: Path) -> list[str]:
        view.mkdir()
        return [
            text
            for name in KINDS
            for text in (
                f"hmap-dump crates::STATES.{name} --entries {view / name}.csv",
                f"hmap-check crates::STATES.{name}",
            )
        ]

    live, dead = commands(folder / "live"), commands(folder / "dead")
    session = gdb_session(
        exe,
        [str(truth)],
        commands=[*STOP, *live, f"generate-core-file {core}", "kill", f"core-file {core}", *dead],
    )
    for view, outcomes in ("live", session[2:]), ("dead", session[-len(dead) :]):
        for (name, kind), dump, check in zip(KINDS.items(), outcomes[::2], outcomes[1::2]):
            told = entries_in(truth / f"{name}.csv")
            assert entries_in(folder / view / f"{name}.csv") == told
            assert f"   Rust {kind}   " in dump.output.splitlines()[0]
            assert "Problem" not in dump.output, dump.output
            assert check.output == f"consistent: {len(told):,} entries\n"


def test_keys_are_found(folder: Path) -> None:
    finds = [f"hmap-find crates::STATES.{name} -- {key}" for name, key, _ in FINDS]
    session = gdb_session(of_crates(), [str(folder / "truth")], commands=[*STOP, *finds])
    for (_, _, answer), found in zip(FINDS, session[2:]):
        assert answer in found.output, found.command
        assert ("absent" in answer) == ("is absent" in found.output), found.command


@pytest.mark.parametrize("level", LEVELS)
def test_every_map_is_listed_and_each_path_opens_it(level: str, folder: Path) -> None:
    rows, live, _ = listed_live_and_in_core(of_crates(level), folder, STOP, [str(folder / "truth")])
    told = told_by(live[1].output)
    found = {int(row["address"], 16): row["entries"] for row in rows}
    assert {one.address: one.count for one in told}.items() <= found.items()
    paths = [row["path"] for row in rows]
    assert {f"crates::STATES.{name}" for name in KINDS} <= set(paths)
    # A lazy static that nothing has used yet has no map.
    assert len(rows) == len(KINDS) + len(told)
