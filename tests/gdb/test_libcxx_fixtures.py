"""libc++'s unordered containers: gdb's files equal the ground truth from the containers' own bucket
interface, byte by byte; and what the commands say of them.

The states are those of fixtures/cpp, which are compiled with libc++ here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import Outcome, gdb_session
from libcxx_programs import states
from test_cpp_fixtures import AT_STOP, State, check_state, commands_for, states_of
from truth import assert_files_same, read_csv

# libc++ has no bucket until something is put into a container.
WITHOUT_BUCKETS = ("empty", "empty_set", "moved_from")
TOO_SLOW = ("long_run", "many_strings")  # for the time that the tests have

FINDS = [
    ("map_int", "42", "by its hash"),
    ("map_int", "43", "absent (by its hash, would be in bucket 43)"),
    ("map_string", '"word5"', "by its hash"),
    ("map_string", '"word31-31-31-31-31-31-31-31-31-31"', "by its hash"),
    ("map_string", '"word7000"', "absent (by its hash, would be in bucket"),
    ("awkward_strings", '"nul\\0in"', "by its hash"),
    ("awkward_strings", '""', "by its hash"),
    ("doubles", "0.25", "100 entries compared"),
    ("enums", "Color::Blue", "by its hash"),
    ("views", '"alpha"', "by its hash"),
    ("c_strings", '"beta"', "5 entries compared"),
    ("one_bucket", "300", "entries compared"),
    ("pairs", '{first = 3, second = "word3"}', "entries compared"),
    ("empty", "1", "absent"),
    ("moved_from", "1", "absent"),
    ("multimap_int", "5", "by its hash"),
]
ASKED = (
    *(f"hmap-find {container} -- {key}" for container, key, _ in FINDS),
    *(f"hmap-dump {name}" for name in ("one_bucket", "reserved", "map_string", "set_string")),
    "hmap-dump map_string --buckets 0-1108",
    "print $hmap_len(pairs)",
    "print $hmap_len(registry)",
    "print $hmap_get(structs, 0).y",
    'print $hmap_get(map_string, "word5")',
    "print one",
    "hmap-layout map_string",
    "hmap-list --family libc++ --limit 0",
)


OF_CORE = 3  # one in so many states is also looked at in the core


def chosen(stopped: str = "live") -> list[State]:
    """The states that are looked at."""
    every = OF_CORE if stopped == "core" else 1
    found = [one for one in states_of(states()) if not one.is_large and one.name not in TOO_SLOW]
    return found[::every]


@dataclass(frozen=True)
class Answers:
    """Outcomes of one gdb by command, of the live process and of its core, and the truth."""

    outputs: dict[str, str]
    live: Sequence[Outcome]
    dead: Sequence[Outcome]
    folder: Path

    def __getitem__(self, command: str) -> str:
        return self.outputs[command]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """All commands of the tests below, in one gdb on one process and its core."""
    exe, folder = states(), tmp_path_factory.mktemp("libcxx")
    truth, core = folder / "truth", folder / "dumped"
    truth.mkdir()
    names = [one.name for one in chosen()]
    live = commands_for(chosen(), folder / "live")
    dead = commands_for(chosen("core"), folder / "core")
    picture = f"hmap-dump clustered --plot {folder}/clustered.png"
    asked = [*AT_STOP, *ASKED, picture, *live]
    session = gdb_session(
        exe,
        [str(truth), *names],
        commands=[*asked, f"generate-core-file {core}", "kill", f"core-file {core}", *dead],
    )
    outputs = dict(zip(asked, (one.output for one in session), strict=False))
    first = len(asked) - len(live)
    yield Answers(outputs, session[first : len(asked)], session[-len(dead) :], folder)


@pytest.mark.parametrize("stopped", ["live", "core"])
def test_view_equals_the_truth(stopped: str, answers: Answers) -> None:
    outcomes = answers.live if stopped == "live" else answers.dead
    truth, view = answers.folder / "truth", answers.folder / stopped
    for state, dump, check in zip(chosen(stopped), outcomes[::2], outcomes[1::2], strict=True):
        if state.name not in WITHOUT_BUCKETS:
            check_state(state, truth, view, dump, check)
            continue
        assert_files_same(view / state.name, truth / state.name)
        assert "\nentries    0, no bucket array yet\n" in dump.output, dump.output
        assert dump.messages == check.messages == ""
        assert check.output == "consistent: 0 entries\n"
        document = json.loads((view / state.name / "dump.json").read_text(encoding="utf-8"))
        assert document["problems"] == []


def test_summary_of_one_bucket_blames_the_hash(answers: Answers) -> None:
    dump = answers["hmap-dump one_bucket"]
    assert re.search(r"^verdict +skewed: .*a chain of 3,000 nodes", dump, re.MULTILINE)


def test_summary_of_a_reserved_map_calls_its_bucket_array_oversized(answers: Answers) -> None:
    dump = answers["hmap-dump reserved"]
    assert re.search(r"^verdict +oversized: a bucket array of [\d,]+ bytes", dump, re.M)


def test_names_are_those_that_people_write(answers: Answers) -> None:
    plain = answers["hmap-dump map_string"].splitlines()[0]
    assert plain.endswith("libc++ std::unordered_map   std::string -> int")
    assert "(std::unordered_map<std::string, int>) 0x" in plain
    keys = answers["hmap-dump set_string"].splitlines()[0]
    assert keys.endswith("libc++ std::unordered_set   std::string")


def test_buckets_are_printed_node_by_node(answers: Answers) -> None:
    dump = answers["hmap-dump map_string --buckets 0-1108"]
    nodes = re.findall(r"^    (\d+)  0x[0-9a-f]+  hash 0x[0-9a-f]+  (\S+) -> (\d+)$", dump, re.M)
    rows = read_csv(answers.folder / "truth" / "map_string" / "entries.csv")
    assert nodes == [(row["chain_index"], row["key"], row["value"]) for row in rows[:200]]


@pytest.mark.parametrize(("container", "key", "answer"), FINDS)
def test_key_is_found_and_it_is_said_how(
    container: str, key: str, answer: str, answers: Answers
) -> None:
    found = answers[f"hmap-find {container} -- {key}"]
    assert answer in found
    if "absent" in answer:
        return
    place = re.search(r" is in bucket ([\d,]+), node (\d+) of its chain, at 0x", found)
    shown = re.search(r"^  key   0x[0-9a-f]+  (.*)$", found, re.M)
    assert place and shown, found
    rows = read_csv(answers.folder / "truth" / container / "entries.csv")
    bucket, index = place[1].replace(",", ""), place[2]
    row = next(row for row in rows if (row["bucket"], row["chain_index"]) == (bucket, index))
    assert row["key"].replace("\n", "\\x0a") == shown[1]


def test_convenience_functions_and_print(answers: Answers) -> None:
    values = [
        answers[command].split(" = ", 1)[1] for command in ASKED if command.startswith("print ")
    ]
    assert values[:4] == ["100\n", "100\n", "0.5\n", "5\n"]
    assert re.search(r"\b1 entry.*\[42\] = 43", values[4].replace("\n", " ")), values[4]


def test_layout_names_the_fields_with_their_offsets(answers: Answers) -> None:
    for field in (
        r"/\* +0 +8 \*/ .*__bucket_list_\.__ptr_;",
        r"/\* +8 +8 \*/ .*__bucket_list_\.__size_;",
        r"/\* +32 +4 \*/ +float __p3_;",
        r"/\* +8 +8 \*/ .*__hash_;",
        r"/\* +16 +24 \*/ +const std::string first;",
    ):
        assert re.search(field, answers["hmap-layout map_string"]), field


def test_the_family_has_a_word_of_its_own(answers: Answers) -> None:
    listed = answers["hmap-list --family libc++ --limit 0"]
    for state in chosen():
        assert re.search(rf"[ *]{state.expression.removeprefix('map_')}|{state.expression}", listed)


def test_picture_is_drawn(answers: Answers) -> None:
    assert (answers.folder / "clustered.png").read_bytes().startswith(b"\x89PNG")
