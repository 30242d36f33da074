"""Rust's HashMap and HashSet: gdb's files equal the ground truth that the program has written from
its maps' entries, their addresses and hashbrown's source.

All states of fixtures/rust/states.rs in one process, live and from its core.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness import Outcome, gdb_session
from rust_programs import LEVELS, SOURCE, STOP, compiled, on, toolchains
from rust_toolchains import Toolchain
from truth import State, check_state, dump_and_check, states_of

RUSTS = toolchains()
STATES = SOURCE / "states.rs"
# Their tables have no entries, so that the truth does not know where they are.
WITHOUT_TABLE = ("empty", "empty_set", "moved_from")
UNKNOWN_HASH = ("other_hash", "bad_hash")


def check_view(state: State, truth: Path, view: Path, dump: Outcome, check: Outcome) -> None:
    """Compares gdb's view of a state with its ground truth."""
    room = int(check_state(state, truth, view, dump, check)["room"])
    if state.name not in WITHOUT_TABLE:
        grows = f"grows above {room:,} " + ("entry" if room == 1 else "entries")
        assert dump.output.splitlines()[1].endswith(grows), dump.output
    document = json.loads((view / state.name / "dump.json").read_text(encoding="utf-8"))
    assert document["header"]["geometry"] == "control"


@on(RUSTS)
@pytest.mark.parametrize("level", LEVELS)
def test_view_of_live_process_and_of_its_core_equals_the_truth(
    rust: Toolchain, level: str, folder: Path
) -> None:
    exe = compiled(rust, STATES, level)
    states = states_of(exe)
    truth, core = folder / "truth", folder / "core"
    live, dead = dump_and_check(states, folder / "live"), dump_and_check(states, folder / "dead")
    session = gdb_session(
        exe,
        [str(truth)],
        commands=[*STOP, *live, f"generate-core-file {core}", "kill", f"core-file {core}", *dead],
    )
    for view, outcomes in ("live", session[2:]), ("dead", session[-len(dead) :]):
        for state, dump, check in zip(states, outcomes[::2], outcomes[1::2]):
            check_view(state, truth, folder / view, dump, check)


# ---- output of the commands ----------------------------------------------------------------------

FINDS = [
    ("map_u64", "42", "by its hash"),
    ("map_u64", "43", "absent (by its hash, would be in run"),
    ("big", "599997", "by its hash"),
    ("strings", '"word5-5-5-5-5-5-5-5"', "by its hash"),
    ("strings", '"word5"', "absent (by its hash"),
    ("strs", '"bc"', "by its hash"),
    ("boxed", '"word3-3-3-3-3-3-3-3-3-3-3-3-3-3-3-3-3-3-3-3-3-3"', "by its hash"),
    ("small_keys", "-100", "by its hash"),
    ("wide_keys", "1180591620717411303424", "by its hash"),
    ("set", "-500", "by its hash"),
    ("ids", "7", "entries compared"),
    ("ids", "UserId(7)", "entries compared"),
    ("ids", "{1000}", "absent (100 entries compared)"),
    ("arrays", "{3, 4, 5}", "entries compared"),
    ("colors", "Green", "3 entries compared"),
    ("shapes", "Nothing", "entries compared"),
    ("shapes", "Circle(39)", "entries compared"),
    ("shapes", "Shape::Circle(40)", "absent"),
    ("shapes", 'Rect {width = 1, height = 2, label = Some("word1-1-1-1-1-1-1-1")}', "compared"),
    ("options", "Some(7)", "entries compared"),
    ("options", "None", "entries compared"),
    ("tuples", '(0, "word0", 0)', "entries compared"),
    ("vectors", "{0, 1}", "entries compared"),
    ("other_hash", "499", "500 entries compared"),
    ("unit_pairs", "(3, ())", "5 entries compared"),
    ("empty", "1", "absent"),
    ("tombstoned", "20", "by its hash"),
    ("tombstoned", "21", "absent (by its hash"),
]
DUMPS = ("tombstoned", "rehash_edge", "bad_hash", "reserved", "map_u64")
ASKED = (
    *(f"hmap-find states::STATES.{name} -- {key}" for name, key, _ in FINDS),
    *(f"hmap-dump states::STATES.{name}" for name in DUMPS),
    "print $hmap_len(states::STATES.sessions)",
    "print $hmap_get(states::STATES.map_u64, 42)",
    "hmap-layout states::STATES.map_u64",
    "hmap-dump states::STATES.strs --buckets 0-0",
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All commands of the tests below, in one gdb on one process of the newest compiler's."""
    folder = tmp_path_factory.mktemp("rust")
    picture = f"hmap-dump states::STATES.tombstoned --plot {folder / 'picture.png'}"
    exe = compiled(RUSTS[-1], STATES)
    session = gdb_session(exe, [str(folder / "truth")], commands=[*STOP, *ASKED, picture])
    outputs = {one.command: one.output for one in session[2:]}
    assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")
    return outputs


@pytest.mark.parametrize(("name", "key", "answer"), FINDS)
def test_key_is_found_and_it_is_said_how(
    name: str, key: str, answer: str, answers: dict[str, str]
) -> None:
    found = answers[f"hmap-find states::STATES.{name} -- {key}"]
    assert answer in found
    assert ("absent" in answer) == ("is absent" in found)


def test_tombstones_are_told(answers: dict[str, str]) -> None:
    dump = answers["hmap-dump states::STATES.tombstoned"]
    deleted = re.search(r"^slots .* deleted ([\d.]+)%", dump, re.M)
    assert deleted and float(deleted[1]) > 25, dump
    assert re.search(r"^verdict +emptied: ", dump, re.M), dump


def test_a_constant_hash_is_blamed(answers: dict[str, str]) -> None:
    dump = answers["hmap-dump states::STATES.bad_hash"]
    assert re.search(r"^probes .*   longest \d+, first from slot 7$", dump, re.M), dump


def test_a_reserved_map_is_oversized(answers: dict[str, str]) -> None:
    dump = answers["hmap-dump states::STATES.reserved"]
    assert re.search(r"^verdict +oversized: ", dump, re.M), dump


def test_names_are_those_that_people_write(answers: dict[str, str]) -> None:
    title = answers["hmap-dump states::STATES.map_u64"].splitlines()[0]
    assert title.endswith("Rust HashMap   u64 -> u64")
    assert "(HashMap<u64, u64>) 0x" in title


def test_convenience_functions(answers: dict[str, str]) -> None:
    assert answers["print $hmap_len(states::STATES.sessions)"] == "$1 = 500\n"
    assert answers["print $hmap_get(states::STATES.map_u64, 42)"] == "$2 = 196\n"


def test_layout_names_the_fields(answers: dict[str, str]) -> None:
    layout = answers["hmap-layout states::STATES.map_u64"]
    for name in ("bucket_mask", "ctrl", "growth_left", "items"):
        assert re.search(rf"\b{name};", layout), layout


def test_a_run_of_slots_is_printed_slot_by_slot(answers: dict[str, str]) -> None:
    dump = answers["hmap-dump states::STATES.strs --buckets 0-0"]
    assert len(re.findall(r" full ", dump)) == 3, dump
    assert "'é'" in dump
