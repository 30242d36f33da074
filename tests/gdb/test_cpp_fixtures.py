"""libstdc++'s unordered containers: gdb's files equal the ground truth from the containers' own
bucket interface, byte by byte.

All states of fixtures/cpp/states_cpp in one process, live, from its core, and through gdbserver.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from built import fixture_program
from harness import Outcome, gdb_session
from truth import assert_files_same, read_csv

# Of each build, see fixtures/cpp/CMakeLists.txt.
PROGRAMS = {
    "dev": ("states_cpp", "states_cpp_checked"),
    "release": ("states_cpp",),
    "clang": ("states_cpp", "states_cpp_plain"),
}

# The remote protocol transfers a few MB per second.
SLOW_REMOTELY = ("many_strings", "long_run")

AT_STOP = ("break fixture_stop", "run")


@dataclass(frozen=True)
class State:
    """A state of states_cpp, and the expression for its container."""

    name: str
    expression: str
    is_large: bool


def cpp_program(build: str, name: str) -> Path:
    """The path of a C++ fixture built by scripts/test."""
    return fixture_program(build, name, "cpp")


@functools.cache
def states_of(exe: Path) -> list[State]:
    """What `states_cpp --list` prints."""
    listing = subprocess.run([exe, "--list"], check=True, capture_output=True, text=True).stdout
    rows = [line.split("\t") for line in listing.splitlines()]
    return [State(name, expression, size == "large") for name, expression, _, size in rows]


def dump_command(state: State, view: Path) -> str:
    """The hmap-dump command that writes gdb's view of a state."""
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
    """Compares gdb's view of a state with its ground truth."""
    told, seen = truth / state.name, view / state.name
    assert_files_same(seen, told)
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


def check_live_and_core(exe: Path, states: Sequence[State], folder: Path) -> None:
    """Live and from a core, in one gdb."""
    truth, core = folder / "truth", folder / "gdb.core"
    folder.mkdir()
    truth.mkdir()
    live = commands_for(states, folder / "live")
    outcomes = gdb_session(
        exe,
        [str(truth), *(state.name for state in states)],
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


def test_view_of_live_process_and_of_its_core_equals_the_truth(build: str, folder: Path) -> None:
    for name in PROGRAMS[build]:
        exe = cpp_program(build, name)
        states = [state for state in states_of(exe) if not state.is_large]
        check_live_and_core(exe, states, folder / name)


def test_view_of_a_million_entries_equals_the_truth(folder: Path) -> None:
    exe = cpp_program("dev", "states_cpp")
    large = [state for state in states_of(exe) if state.is_large]
    assert [state.name for state in large] == ["million"]
    check_live_and_core(exe, large, folder / "large")


def test_view_through_gdbserver_equals_the_truth(folder: Path) -> None:
    exe = cpp_program("dev", "states_cpp")
    states = [
        state for state in states_of(exe) if not state.is_large and state.name not in SLOW_REMOTELY
    ]
    truth = folder / "truth"
    truth.mkdir()
    names = " ".join(state.name for state in states)
    outcomes = gdb_session(
        exe,
        commands=[
            f"target remote | gdbserver --once - {exe} {truth} {names}",
            "break fixture_stop",
            "continue",
            *commands_for(states, folder / "remote"),
            "kill",
        ],
    )
    check_states(states, truth, folder / "remote", outcomes[3:-1])


# ---- output of the commands ----------------------------------------------------------------------

FINDS = [
    ("map_int", "42", "by its hash"),
    ("map_int", "1 + 2", "by its hash"),
    ("map_int", "43", "absent (by its hash, would be in bucket 43)"),
    ("map_string", '"word5"', "by its hash"),
    ("map_string", '"word7000"', "absent (by its hash, would be in bucket"),
    ("awkward_strings", '"nul\\0in"', "by its hash"),
    ("many_strings", '"word99999-99999-99999-99999-99999-99999"', "by its hash"),
    ("doubles", "0.25", "entries compared"),
    ("enums", "Color::Blue", "by its hash"),
    ("views", '"alpha"', "by its hash"),
    ("c_strings", '"beta"', "5 entries compared"),
    ("one_bucket", "300", "entries compared"),
    ("pairs", '{first = 3, second = "word3"}', "entries compared"),
    ("empty", "1", "absent"),
    ("moved_from", "1", "absent"),
    ("multimap_int", "5", "by its hash"),
]
BUCKETS = "hmap-dump map_string --buckets 0-1108"
WITH_PRINTERS = (
    "python import sys; sys.path.insert(0, '/usr/share/gcc/python')",
    "python from libstdcxx.v6 import register_libstdcxx_printers as r; r(None)",
)
ASKED = (
    *(f"hmap-find {container} -- {key}" for container, key, _ in FINDS),
    *(
        f"hmap-dump {name}"
        for name in ("one_bucket", "long_run", "reserved", "map_string", "set_string", "clustered")
    ),
    BUCKETS,
    f"{BUCKETS} --limit 3",
    "print $hmap_len(pairs)",
    "print $hmap_len(registry)",
    "print $hmap_len(&pairs)",
    "print $hmap_get(structs, 0).y",
    'print $hmap_get(map_string, "word5")',
    "hmap-layout map_string",
)


@dataclass(frozen=True)
class Answers:
    """Outcomes of one gdb by command, and the ground truth of the states it examined."""

    outputs: dict[str, str]
    truth: Path
    picture: Path
    printed: str  # by libstdc++'s own printer
    with_printers: str  # run on map_string with libstdc++'s printers loaded
    without_printers: str

    def __getitem__(self, command: str) -> str:
        return self.outputs[command]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """All commands of the tests below, in one gdb on one process."""
    folder = tmp_path_factory.mktemp("cpp")
    truth, picture = folder / "truth", folder / "clustered.png"
    truth.mkdir()
    entries = "hmap-dump map_string --entries - --limit 50"
    asked = [*AT_STOP, *ASKED, f"hmap-dump clustered --plot {picture}", entries]
    session = gdb_session(
        cpp_program("dev", "states_cpp"),
        [str(truth)],
        commands=[*asked, *WITH_PRINTERS, "print map_string", entries],
    )
    outputs = dict(zip(asked, (one.output for one in session), strict=False))
    yield Answers(outputs, truth, picture, *(one.output for one in session[-2:]), outputs[entries])


def test_libstdcxx_printers_make_no_difference(answers: Answers) -> None:
    assert "std::unordered_map with 1000 elements" in answers.printed
    assert answers.with_printers == answers.without_printers != ""


def test_summary_of_one_bucket_blames_the_hash(answers: Answers) -> None:
    dump = answers["hmap-dump one_bucket"]
    assert re.search(r"^verdict +skewed: .*a chain of 3,000 nodes", dump, re.MULTILINE)
    assert "a hit looks at 1500.50 nodes on average" in dump


def test_summary_of_equal_keys_says_that_they_may_be_the_reason(answers: Answers) -> None:
    dump = answers["hmap-dump long_run"]
    assert re.search(r"^verdict +skewed: .*, or many keys are equal;", dump, re.MULTILINE)


def test_summary_of_a_reserved_map_calls_its_bucket_array_oversized(answers: Answers) -> None:
    dump = answers["hmap-dump reserved"]
    assert re.search(r"^verdict +oversized: a bucket array of [\d,]+ bytes", dump, re.M)


def test_names_are_those_that_people_write(answers: Answers) -> None:
    plain = answers["hmap-dump map_string"].splitlines()[0]
    assert plain.endswith("std::unordered_map   std::string -> int")
    assert "(std::unordered_map<std::string, int>) 0x" in plain
    keys = answers["hmap-dump set_string"].splitlines()[0]
    assert keys.endswith("std::unordered_set   std::string")


def test_buckets_are_printed_node_by_node(answers: Answers) -> None:
    dump = answers[BUCKETS]
    folder = answers.truth / "map_string"
    nodes = re.findall(r"^    (\d+)  0x[0-9a-f]+  hash 0x[0-9a-f]+  (\S+) -> (\d+)$", dump, re.M)
    assert "output cut after 200 nodes" in dump
    assert len(nodes) == 200
    entries = [
        (row["chain_index"], row["key"], row["value"]) for row in read_csv(folder / "entries.csv")
    ]
    assert nodes == entries[:200]
    cells = re.findall(r"^bucket ([\d,]+)  (0x[0-9a-f]+)$", dump, re.M)
    rows = read_csv(folder / "occupancy.csv")
    assert cells == [(f"{int(row['bucket']):,}", row["address"]) for row in rows][: len(cells)]
    cut = answers[f"{BUCKETS} --limit 3"]
    assert len(re.findall(r" -> ", cut)) - 1 == 3  # and the title's


@pytest.mark.parametrize(("container", "key", "answer"), FINDS)
def test_key_is_found_and_it_is_said_how(
    container: str, key: str, answer: str, answers: Answers
) -> None:
    found = answers[f"hmap-find {container} -- {key}"]
    assert answer in found
    if "absent" in answer:
        return
    place = re.search(r" is in bucket ([\d,]+), node (\d+) of its chain, at 0x", found)
    assert place, found
    rows = read_csv(answers.truth / container / "entries.csv")
    shown = re.search(r"^  key   0x[0-9a-f]+  (.*)$", found, re.M)
    assert shown
    bucket, index = place[1].replace(",", ""), place[2]
    row = next(row for row in rows if (row["bucket"], row["chain_index"]) == (bucket, index))
    assert row["key"].replace("\n", "\\x0a") == shown[1]


def test_convenience_functions(answers: Answers) -> None:
    values = [
        answers[command].split(" = ")[1] for command in ASKED if command.startswith("print $hmap_")
    ]
    assert values == ["100\n", "100\n", "100\n", "0.5\n", "5\n"]


def test_layout_names_the_fields_with_their_offsets(answers: Answers) -> None:
    for field in (
        r"/\* +0 +8 \*/ .*_M_buckets;",
        r"/\* +8 +8 \*/ .*_M_bucket_count;",
        r"/\* +0 +4 \*/ +float _M_max_load_factor;",
        r"/\* +8 +32 \*/ +const std::string first;",
        r"/\* +48 +8 \*/ .*_M_hash_code;",
    ):
        assert re.search(field, answers["hmap-layout map_string"]), field


def test_picture_is_drawn(answers: Answers) -> None:
    assert answers.picture.read_bytes().startswith(b"\x89PNG")
