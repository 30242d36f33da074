"""Abseil's maps and sets: gdb's files equal the ground truth that the program has written from its
maps' iterators and from the library's own functions.

All states of fixtures/absl/states.cc in one process, live and from its core.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from absl_programs import BUILDS, STOP, Build, compiled, require_absl
from harness import ROOT, gdb_session
from listings import list_maps, listed, told_by
from truth import check_state, dump_and_check, states_of

require_absl()

HMAP_LAYOUT = ROOT / "build" / "dev" / "libhmap" / "layout" / "hmap-layout"


@pytest.mark.parametrize("made", BUILDS, ids=lambda made: made.name)
def test_view_of_live_process_and_of_its_core_equals_the_truth(made: Build, folder: Path) -> None:
    exe = compiled(made)
    states = states_of(exe)
    truth, core = folder / "truth", folder / "core"
    truth.mkdir()
    live, dead = dump_and_check(states, folder / "live"), dump_and_check(states, folder / "dead")
    listing = list_maps(folder / "list.json", every=1 if made is BUILDS[0] else 9)
    # From a core, all levels of optimising look alike.
    of_core = [f"generate-core-file {core}", "kill", f"core-file {core}", *dead]
    more = of_core if made is BUILDS[0] else []
    session = gdb_session(exe, [str(truth)], commands=[*STOP, *live, *listing, *more])
    views = {"live": session[2:], "dead": session[-len(dead) :] if more else []}
    for view, outcomes in views.items():
        for state, dump, check in zip(states, outcomes[::2], outcomes[1::2]):
            check_state(state, truth, folder / view, dump, check)
    check_held(session[1].output, folder / "list.json", made.level)


def check_held(output: str, file: Path, level: str) -> None:
    """Every map that the program says its types hold is listed, and each path opens its own."""
    listed(file)
    rows = json.loads(file.read_text(encoding="utf-8"))["maps"]
    found = {int(row["address"], 16): row["entries"] for row in rows}
    told = [one for one in told_by(output) if level == "-O0" or one.how != "local"]
    assert len(told) >= 12
    assert not [one.how for one in told if found.get(one.address) != one.count]


# A layout file does not say what alignment a type asks for.
ASK_FOR_ALIGNMENT = ("wide", "one_wide")


def test_a_program_without_debug_info_is_read_by_its_layout_file(folder: Path) -> None:
    exe, bare, file = compiled(BUILDS[0]), folder / "states", folder / "layout.json"
    subprocess.run(["strip", "--strip-debug", "-o", bare, exe], check=True)
    subprocess.run([HMAP_LAYOUT, exe, "--json", file], check=True)
    (folder / "truth").mkdir()
    states = [one for one in states_of(exe) if one.name == one.expression]
    load = f"hmap-layout load {file}"
    commands = [*STOP, load, *dump_and_check(states, folder / "view")]
    session = gdb_session(bare, [str(folder / "truth")], commands=commands)[3:]
    for state, dump, check in zip(states, session[::2], session[1::2]):
        if state.name not in ASK_FOR_ALIGNMENT:
            check_state(state, folder / "truth", folder / "view", dump, check)


# ---- output of the commands ----------------------------------------------------------------------

FINDS = [
    ("map_int", "42", "1,000 entries compared"),
    ("map_int", "43", "absent (1,000 entries compared)"),
    ("map_string", '"word30-30-30-30-30-30-30-30-30"', "500 entries compared"),
    ("structs", '"word3"', "500 entries compared"),
    ("colors", "Color::green", "3 entries compared"),
    ("pairs", '{5, "word5"}', "500 entries compared"),
    ("wide", "{7}", "500 entries compared"),
    ("node_map", "77", "500 entries compared"),
    ("one_node", "1", "slot 0"),
    ("empty", "1", "absent"),
    ("one", "0", "slot 0"),
]
DUMPS = ("tombstoned", "reserved", "map_string", "node_set")
ASKED = (
    *(f"hmap-find {name} -- {key}" for name, key, _ in FINDS),
    *(f"hmap-dump {name}" for name in DUMPS),
    "print $hmap_len(registry)",
    "print $hmap_get(map_int, 42)",
    "print three",
    "hmap-layout map_string",
    "hmap-dump three --buckets 0-0",
    "hmap-dump one --buckets 0-0",
    "hmap-list --family abseil --limit 0",
)


# The tests of one session, which one worker runs.
together = pytest.mark.xdist_group("absl answers")


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All commands of the tests below, in one gdb on one process."""
    folder = tmp_path_factory.mktemp("absl")
    (folder / "truth").mkdir()
    pictures = [f"hmap-dump {name} --plot {folder}/{name}.png" for name in ("tombstoned", "one")]
    session = gdb_session(
        compiled(BUILDS[0]), [str(folder / "truth")], commands=[*STOP, *ASKED, *pictures]
    )
    for name in ("tombstoned", "one"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    return {one.command: one.output for one in session[2:]}


@together
@pytest.mark.parametrize(("name", "key", "answer"), FINDS)
def test_key_is_found_by_its_bytes(
    name: str, key: str, answer: str, answers: dict[str, str]
) -> None:
    found = answers[f"hmap-find {name} -- {key}"]
    assert answer in found
    assert ("absent" in answer) == ("is absent" in found)


@together
def test_tombstones_are_told(answers: dict[str, str]) -> None:
    dump = answers["hmap-dump tombstoned"]
    deleted = re.search(r"^slots .* deleted ([\d.]+)%", dump, re.M)
    assert deleted and float(deleted[1]) > 25, dump
    assert re.search(r"^verdict +emptied: ", dump, re.M), dump


@together
def test_a_reserved_map_is_oversized(answers: dict[str, str]) -> None:
    dump = answers["hmap-dump reserved"]
    assert re.search(r"^verdict +oversized: ", dump, re.M), dump


@together
def test_names_are_those_that_people_write(answers: dict[str, str]) -> None:
    title = answers["hmap-dump map_string"].splitlines()[0]
    assert "(absl::flat_hash_map<std::string, std::string>) 0x" in title
    assert title.endswith("Abseil flat_hash_map   std::string -> std::string")
    title = answers["hmap-dump node_set"].splitlines()[0]
    assert "(absl::node_hash_set<std::string>) 0x" in title
    assert title.endswith("Abseil node_hash_set   std::string")


@together
def test_convenience_functions(answers: dict[str, str]) -> None:
    assert answers["print $hmap_len(registry)"] == "$1 = 500\n"
    assert answers["print $hmap_get(map_int, 42)"] == "$2 = -14\n"


@together
def test_print_shows_entries(answers: dict[str, str]) -> None:
    shown = answers["print three"]
    assert shown.startswith("$3 = Abseil flat_hash_map with 3 entries = {"), shown
    found = set(re.findall(r"\[(\d)\] = (-?\d)", shown))
    assert found == {("0", "0"), ("3", "-1"), ("6", "-2")}


@together
def test_layout_names_the_fields(answers: dict[str, str]) -> None:
    layout = answers["hmap-layout map_string"]
    for name in ("size", "capacity", "control|ctrl_"):
        assert re.search(rf"\b({name})\w*;", layout), layout


@together
def test_a_run_of_slots_is_printed_slot_by_slot(answers: dict[str, str]) -> None:
    assert len(re.findall(r" full ", answers["hmap-dump three --buckets 0-0"])) == 3
    assert "0 -> 0" in answers["hmap-dump one --buckets 0-0"]


@together
def test_a_family_is_chosen_by_its_word(answers: dict[str, str]) -> None:
    listing = answers["hmap-list --family abseil --limit 0"]
    assert "node_map   int -> std::string" in listing
    assert "service.by_name   " not in listing
