"""Boost's maps and sets: gdb's files equal the ground truth that the program has written from its
containers' own bucket interface, iterators and groups.

All states of fixtures/boost/states.cc in one process, live and from its core, of each release of
Boost on this machine.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from boost_programs import STOP, Build, builds, compiled
from harness import ROOT, gdb_session
from listings import list_maps, listed, told_by
from truth import check_state, dump_and_check, states_of

BUILDS = builds()
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
        check_state(state, folder / "truth", folder / "view", dump, check)


# ---- output of the commands ----------------------------------------------------------------------

# By the hash, straight to the bucket or group, where it is known.
FINDS = [
    ("flat_int", "42", "group"),
    ("flat_int", "43", "absent"),
    ("flat_string", '"word30-30-30-30-30-30-30-30-30"', "group"),
    ("flat_std_hash", '"word3"', "group"),
    ("flat_colors", "Color::green", "3 entries compared"),
    ("flat_pairs", '{5, "word5"}', "300 entries compared"),
    ("flat_bad_hash", "77", "100 entries compared"),
    ("flat_empty", "1", "absent"),
    ("list_int", "42", "bucket"),
    ("list_int", "43", "absent"),
    ("list_string", '"word3"', "bucket"),
    ("list_std_hash", '"no such"', "absent"),
    ("list_pairs", '{5, "word5"}', "300 entries compared"),
    ("list_one", "0", "1 entries compared"),
]
DUMPS = ("flat_erased", "flat_reserved", "flat_string", "list_string", "list_bad_hash")
ASKED = (
    *(f"hmap-find {name} -- {key}" for name, key, _ in FINDS),
    *(f"hmap-dump {name}" for name in DUMPS),
    "print $hmap_len(registry)",
    "print $hmap_get(flat_int, 42)",
    "print flat_nested",
    "hmap-layout flat_string",
    "hmap-layout list_string",
    "hmap-dump flat_full --buckets 0-1",
    "hmap-dump list_one --buckets 0-0",
    "hmap-list --family boost --limit 0",
)

# The tests of one session, which one worker runs.
together = pytest.mark.xdist_group("boost answers")


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All commands of the tests below, in one gdb on one process."""
    folder = tmp_path_factory.mktemp("boost")
    (folder / "truth").mkdir()
    names = ("flat_erased", "list_int")
    pictures = [f"hmap-dump {name} --plot {folder}/{name}.png" for name in names]
    session = gdb_session(
        compiled(BUILDS[0]), [str(folder / "truth")], commands=[*STOP, *ASKED, *pictures]
    )
    for name in names:
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    return {one.command: one.output for one in session[2:]}


@together
@pytest.mark.parametrize(("name", "key", "answer"), FINDS)
def test_key_is_found_where_its_hash_leads(
    name: str, key: str, answer: str, answers: dict[str, str]
) -> None:
    found = answers[f"hmap-find {name} -- {key}"]
    assert answer in found
    assert ("absent" in answer) == ("is absent" in found)
    if answer in ("group", "bucket"):
        assert "compared" not in found


@together
def test_marks_of_erased_entries_are_told(answers: dict[str, str]) -> None:
    dump = answers["hmap-dump flat_erased"]
    assert re.search(r"^erased +[\d,]+ from groups that had overflowed", dump, re.M), dump
    assert re.search(r"^probes +1: [\d.]+% +2: ", dump, re.M), dump


@together
def test_a_reserved_map_is_oversized(answers: dict[str, str]) -> None:
    dump = answers["hmap-dump flat_reserved"]
    assert re.search(r"^verdict +oversized: ", dump, re.M), dump


@together
def test_a_bad_hash_is_told(answers: dict[str, str]) -> None:
    dump = answers["hmap-dump list_bad_hash"]
    assert re.search(r"^verdict +skewed: ", dump, re.M), dump


@together
def test_names_are_those_that_people_write(answers: dict[str, str]) -> None:
    title = answers["hmap-dump flat_string"].splitlines()[0]
    assert "(boost::unordered_flat_map<std::string, std::string>) 0x" in title
    assert title.endswith("Boost unordered_flat_map   std::string -> std::string")
    title = answers["hmap-dump list_string"].splitlines()[0]
    assert "(boost::unordered_map<std::string, std::string>) 0x" in title


@together
def test_convenience_functions(answers: dict[str, str]) -> None:
    assert answers["print $hmap_len(registry)"] == "$1 = 300\n"
    assert answers["print $hmap_get(flat_int, 42)"] == "$2 = -14\n"


@together
def test_print_shows_entries(answers: dict[str, str]) -> None:
    shown = answers["print flat_nested"]
    assert shown.startswith("$3 = Boost unordered_flat_map with 10 entries = {"), shown
    assert "[2] = Boost unordered_flat_map with 2 entries = {" in shown, shown


@together
def test_layout_names_the_fields(answers: dict[str, str]) -> None:
    for name in ("size", "ml", "groups", "elements"):
        assert re.search(rf"\b{name}\w*;", answers["hmap-layout flat_string"])
    for name in ("size_", "max_load_", "buckets"):
        assert re.search(rf"\b{name};", answers["hmap-layout list_string"])


@together
def test_groups_and_buckets_are_printed_slot_by_slot(answers: dict[str, str]) -> None:
    assert len(re.findall(r" full ", answers["hmap-dump flat_full --buckets 0-1"])) == 29
    assert "0 -> 0" in answers["hmap-dump list_one --buckets 0-0"]


@together
def test_a_family_is_chosen_by_its_word(answers: dict[str, str]) -> None:
    listing = answers["hmap-list --family boost --limit 0"]
    assert "flat_structs   std::string -> Point" in listing
    assert 'service.by_name["name"]   int -> int' in listing
    assert "service.by_name   " not in listing
