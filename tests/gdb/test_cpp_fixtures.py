"""The truth of libstdc++'s unordered containers: what gdb reads of one equals what the container
itself says through its bucket interface, byte by byte.

All states of fixtures/cpp/states_cpp in one process, live, from its core, and through gdbserver.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import ROOT, Outcome, Session, gdb_session
from truth import ENTRIES_HEADER, OCCUPANCY_HEADER, assert_same, first_line, read_csv

# In each build: as it is, in the library's debug mode, and, where it is optimised, not so.
PROGRAMS = ("states_cpp", "states_cpp_checked", "states_cpp_plain")

# The remote protocol moves 5 MB a second.
SLOW_REMOTELY = ("million", "many_strings", "clustered", "long_run")

AT_STOP = ("break fixture_stop", "run")


@dataclass(frozen=True)
class State:
    """A state of states_cpp, and how to name its container."""

    name: str
    expression: str


def cpp_program(build: str, name: str) -> Path:
    """A C++ fixture that scripts/test has built."""
    path = ROOT / "build" / build / "fixtures" / "cpp" / name
    if not path.exists():
        raise pytest.UsageError(
            f"no '{path.relative_to(ROOT)}': "
            f"build it by cmake --preset {build} && cmake --build --preset {build}"
        )
    return path


@functools.cache
def states_of(exe: Path) -> list[State]:
    """What `states_cpp --list` prints."""
    listing = subprocess.run([exe, "--list"], check=True, capture_output=True, text=True).stdout
    rows = [line.split("\t") for line in listing.splitlines()]
    return [State(name, expression) for name, expression, _ in rows]


def dump_command(state: State, view: Path) -> str:
    """hmap-dump to the files of a state's view."""
    (view / state.name).mkdir(parents=True)
    stem = view / state.name
    return (
        f"hmap-dump {state.expression} --csv {stem}/occupancy.csv --entries {stem}/entries.csv"
        f" --json {stem}/dump.json"
    )


def commands_for(states: Sequence[State], view: Path) -> list[str]:
    return [
        command
        for state in states
        for command in (dump_command(state, view), f"hmap-check {state.expression}")
    ]


def check_state(state: State, truth: Path, view: Path, dump: Outcome, check: Outcome) -> None:
    """A state's view against its truth."""
    told, seen = truth / state.name, view / state.name
    assert first_line(told / "occupancy.csv") == OCCUPANCY_HEADER
    assert first_line(told / "entries.csv") == ENTRIES_HEADER
    assert_same(seen / "occupancy.csv", told / "occupancy.csv")
    assert_same(seen / "entries.csv", told / "entries.csv")
    facts = {row["field"]: row["value"] for row in read_csv(told / "facts.csv")}
    count, buckets = int(facts["count"]), int(facts["bucket_count"])
    title, entries = dump.output.splitlines()[:2]
    noun = "bucket" if buckets == 1 else "buckets"
    load = f"load {facts['load_factor']} of {facts['max_load_factor']}"
    assert title.startswith(f"{state.expression}   ("), dump.output
    assert entries.startswith(f"entries    {count:,} in {buckets:,} {noun}, {load}, "), dump.output
    assert "Problem" not in dump.output, dump.output
    assert dump.messages == check.messages == ""
    assert check.output == f"consistent: {count:,} entries\n"
    document = json.loads((seen / "dump.json").read_text(encoding="utf-8"))
    assert document["header"]["count"] == document["statistics"]["live"] == count
    assert document["problems"] == []


def check_states(
    states: Sequence[State], truth: Path, view: Path, outcomes: Sequence[Outcome]
) -> None:
    assert len(outcomes) == 2 * len(states)
    for state, dump, check in zip(states, outcomes[::2], outcomes[1::2], strict=True):
        check_state(state, truth, view, dump, check)


@pytest.mark.parametrize("program", PROGRAMS)
def test_view_of_live_process_and_of_its_core_equals_the_truth(
    program: str, build: str, folder: Path
) -> None:
    if build == "dev" and program == "states_cpp_plain":
        program = "states_cpp"
    exe = cpp_program(build, program)
    states = states_of(exe)
    truth, core = folder / "truth", folder / "gdb.core"
    truth.mkdir()
    live = commands_for(states, folder / "live")
    outcomes = gdb_session(
        exe,
        ["--all", str(truth)],
        commands=[
            *AT_STOP,
            *live,
            f"generate-core-file {core}",
            "kill",
            f"core-file {core}",
            *commands_for(states, folder / "core"),
        ],
    )
    check_states(states, truth, folder / "live", outcomes[2 : 2 + len(live)])
    check_states(states, truth, folder / "core", outcomes[-len(live) :])


def test_view_through_gdbserver_equals_the_truth(folder: Path) -> None:
    exe = cpp_program("dev", "states_cpp")
    states = [state for state in states_of(exe) if state.name not in SLOW_REMOTELY]
    truth = folder / "truth"
    truth.mkdir()
    commands = commands_for(states, folder / "remote")
    outcomes = gdb_session(
        exe,
        commands=[
            f"target remote | gdbserver --once - {exe} --all {truth}",
            "break fixture_stop",
            "continue",
            *commands,
            "kill",
        ],
    )
    check_states(states, truth, folder / "remote", outcomes[3:-1])


def session(state: str, folder: Path, *commands: str, program: str = "states_cpp") -> Session:
    """Commands on one state of the build `dev`."""
    arguments = [state, str(folder)]
    exe = cpp_program("dev", program)
    return Session(gdb_session(exe, arguments, commands=[*AT_STOP, *commands])[2:])


def test_libstdcxx_printers_make_no_difference(folder: Path) -> None:
    exe = cpp_program("dev", "states_cpp")
    dump = "hmap-dump map_string --entries - --limit 50"
    printers = "python import sys; sys.path.insert(0, '/usr/share/gcc/python')"
    register = "python from libstdcxx.v6 import register_libstdcxx_printers as r; r(None)"
    outcomes = gdb_session(
        exe,
        ["map_string", str(folder)],
        commands=[*AT_STOP, dump, printers, register, "print map_string", dump],
    )
    assert "std::unordered_map with 1000 elements" in outcomes[5].output
    assert outcomes[2].output == outcomes[6].output != ""


def test_summary_of_one_bucket_blames_the_hash(folder: Path) -> None:
    (dump,) = session("one_bucket", folder, "hmap-dump one_bucket")
    assert re.search(r"^verdict +skewed: .* a chain of 3,000 nodes", dump.output, re.MULTILINE)
    assert "a hit looks at 1500.50 nodes on average" in dump.output


def test_summary_of_equal_keys_says_that_they_may_be_the_reason(folder: Path) -> None:
    (dump,) = session("long_run", folder, "hmap-dump long_run")
    assert re.search(r"^verdict +skewed: .*, or many keys are equal;", dump.output, re.MULTILINE)


def test_summary_of_a_reserved_map_calls_its_bucket_array_oversized(folder: Path) -> None:
    (dump,) = session("reserved", folder, "hmap-dump reserved")
    assert re.search(r"^verdict +oversized: a bucket array of [\d,]+ bytes", dump.output, re.M)


def test_names_are_those_that_people_write(folder: Path) -> None:
    (plain,) = session("map_string", folder, "hmap-dump map_string")
    assert plain.output.splitlines()[0].endswith("std::unordered_map   std::string -> int")
    assert "(std::unordered_map<std::string, int>) 0x" in plain.output.splitlines()[0]
    (keys,) = session("set_string", folder, "hmap-dump set_string")
    assert keys.output.splitlines()[0].endswith("std::unordered_set   std::string")


def test_buckets_are_printed_node_by_node(folder: Path) -> None:
    truth = folder / "occupancy.csv"
    dump, cut = session(
        "map_string",
        folder,
        "hmap-dump map_string --buckets 0-1108",
        "hmap-dump map_string --buckets 0-1108 --limit 3",
    )
    nodes = re.findall(
        r"^    (\d+)  0x[0-9a-f]+  hash 0x[0-9a-f]+  (\S+) -> (\d+)$", dump.output, re.M
    )
    assert "more is cut after 200 nodes" in dump.output
    assert len(nodes) == 200
    entries = [
        (row["chain_index"], row["key"], row["value"]) for row in read_csv(folder / "entries.csv")
    ]
    assert nodes == entries[:200]
    cells = re.findall(r"^bucket ([\d,]+)  (0x[0-9a-f]+)$", dump.output, re.M)
    rows = [(f"{int(row['bucket']):,}", row["address"]) for row in read_csv(truth)]
    assert cells == rows[: len(cells)]
    assert len(re.findall(r" -> ", cut.output)) - 1 == 3  # and the title's


@pytest.mark.parametrize(
    ("container", "key", "answer"),
    [
        ("map_int", "42", "by its hash"),
        ("map_int", "1 + 2", "by its hash"),
        ("map_int", "43", "absent (by its hash, would be in bucket 43)"),
        ("map_string", '"word5"', "by its hash"),
        ("map_string", '"word7000"', "absent (by its hash, would be in bucket"),
        ("awkward_strings", '"nul\\0in"', "by its hash"),
        ("many_strings", '"word99999-99999-99999-99999-99999-99999"', "by its hash"),
        ("million", "12", "absent (by its hash"),
        ("doubles", "0.25", "entries compared"),
        ("enums", "Color::Blue", "by its hash"),
        ("views", '"alpha"', "by its hash"),
        ("c_strings", '"beta"', "5 entries compared"),
        ("one_bucket", "300", "entries compared"),
        ("pairs", '{first = 3, second = "word3"}', "entries compared"),
        ("empty", "1", "absent"),
        ("moved_from", "1", "absent"),
        ("multimap_int", "5", "by its hash"),
    ],
)
def test_key_is_found_and_it_is_said_how(
    container: str, key: str, answer: str, folder: Path
) -> None:
    (found,) = session(container, folder, f"hmap-find {container} -- {key}")
    assert answer in found.output
    if "absent" in answer:
        return
    place = re.search(r" is in bucket ([\d,]+), node (\d+) of its chain, at 0x", found.output)
    assert place, found.output
    rows = read_csv(folder / "entries.csv")
    shown = re.search(r"^  key   0x[0-9a-f]+  (.*)$", found.output, re.M)
    assert shown
    bucket, index = place[1].replace(",", ""), place[2]
    row = next(row for row in rows if (row["bucket"], row["chain_index"]) == (bucket, index))
    assert row["key"].replace("\n", "\\x0a") == shown[1]


def test_convenience_functions(folder: Path) -> None:
    outcomes = session(
        "pairs",
        folder,
        "print $hmap_len(pairs)",
        "print $hmap_len(registry)",
        "print $hmap_len(&pairs)",
    )
    assert [one.output for one in outcomes] == ["$1 = 100\n", "$2 = 0\n", "$3 = 100\n"]
    outcomes = session("structs", folder, "print $hmap_get(structs, 0).y")
    assert outcomes[0].output == "$1 = 0.5\n"
    outcomes = session("map_string", folder, 'print $hmap_get(map_string, "word5")')
    assert outcomes[0].output == "$1 = 5\n"


def test_layout_names_the_fields_with_their_offsets(folder: Path) -> None:
    (layout,) = session("map_string", folder, "hmap-layout map_string")
    for field in (
        r"/\* +0 +8 \*/ .*_M_buckets;",
        r"/\* +8 +8 \*/ .*_M_bucket_count;",
        r"/\* +0 +4 \*/ +float _M_max_load_factor;",
        r"/\* +8 +32 \*/ +const std::string first;",
        r"/\* +48 +8 \*/ .*_M_hash_code;",
    ):
        assert re.search(field, layout.output), field


def test_picture_is_drawn(folder: Path) -> None:
    picture = folder / "clustered.png"
    session("clustered", folder, f"hmap-dump clustered --plot {picture}")
    assert picture.read_bytes().startswith(b"\x89PNG")
