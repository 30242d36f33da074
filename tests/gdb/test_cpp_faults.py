"""Corrupt containers of libstdc++: hmap-check reports the fault by invariant and address; hmap-dump
continues, and neither hangs. gdb plants the faults in states of states_cpp.

The invariants are those of families/libstdcxx/unordered.py and docs/cpp.md.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import Fails, Outcome, Tries, gdb_session
from test_cpp_fixtures import AT_STOP, cpp_program
from truth import ENTRIES_HEADER, OCCUPANCY_HEADER, first_line, read_csv

PROBLEM = re.compile(r"(U\d|fault) (0x[0-9a-f]+): (\S.*)")
WILD = 0xDEAD0000000

HELPERS = f"""python
import gdb
def addr(text): return int(gdb.parse_and_eval(f"(unsigned long)({{text}})"))
def read(at): return int.from_bytes(gdb.selected_inferior().read_memory(at, 8), "little")
def write(at, value):
    UNDO.append((at, read(at)))
    put(at, value)
def put(at, value): gdb.selected_inferior().write_memory(at, value.to_bytes(8, "little"))
def undo():
    while UNDO:
        put(*UNDO.pop())
UNDO = []
def table(name): return addr(f"&{{name}}._M_h")
def cell(name, bucket): return read(table(name)) + 8 * bucket
def run(name, bucket):
    # The nodes of a bucket, and the cells of the buckets: by the list and the cells alone.
    at, count = read(table(name)), read(table(name) + 8)
    befores = {{read(at + 8 * n) for n in range(count)}}
    node = read(read(cell(name, bucket)))
    nodes = [node]
    while node not in befores and read(node):
        node = read(node)
        nodes.append(node)
    return nodes
def bucket_with(name, least):
    count = read(table(name) + 8)
    return next(n for n in range(count) if read(cell(name, n)) and len(run(name, n)) >= least)
def tell(*numbers): print("planted", *(hex(number) for number in numbers))
WILD = {WILD}
"""


@dataclass(frozen=True)
class Fault:
    """A fault (Python in gdb, which reports the expected addresses), and the invariants besides U1
    that hmap-check reports for it, in order."""

    name: str
    state: str
    plant: str
    named: tuple[str, ...]
    count: bool = False  # whether the number of nodes is also wrong


FAULTS = (
    Fault(
        "count",
        "map_string",
        "at = table('map_string') + 24; write(at, 999); tell(at)",
        ("U1",),
    ),
    Fault(
        "wrong_cached_code",
        "map_string",
        "b = bucket_with('map_string', 2); n = run('map_string', b)[1];"
        "write(n + 48, read(n + 48) + 1); tell(n + 48)",
        ("U5",),
    ),
    Fault(
        "key_changed_in_place",
        "map_int",
        "b = bucket_with('map_int', 1); n = run('map_int', b)[0];"
        "write(n + 8, read(n + 8) + 1); tell(n + 8)",
        ("U5",),
    ),
    Fault(
        "cycle_of_one",
        "map_string",
        "b = bucket_with('map_string', 3); n = run('map_string', b)[1]; write(n, n); tell(n)",
        ("U4",),
        True,
    ),
    Fault(
        "cycle_of_two",
        "set_string",
        "b = bucket_with('set_string', 3); n = run('set_string', b); write(n[1], n[0]); tell(n[0])",
        ("U4",),
        True,
    ),
    Fault(
        "cycle_in_a_long_run",
        "long_run",
        "n = run('long_run', 12); write(n[90000], n[1000]); tell(n[1000])",
        ("U4",),
        True,
    ),
    Fault(
        "wild_link",
        "map_string",
        "b = bucket_with('map_string', 2); n = run('map_string', b)[0]; write(n, WILD); tell(WILD)",
        ("fault",),
        True,
    ),
    Fault(
        "misaligned_link",
        "map_string",
        "b = bucket_with('map_string', 2); n = run('map_string', b)[0];"
        "write(n, read(n) + 1); tell(n)",
        ("U4",),
        True,
    ),
    Fault(
        "link_into_the_cells",
        "map_string",
        "b = bucket_with('map_string', 2); n = run('map_string', b)[0];"
        "write(n, cell('map_string', 3)); tell(n)",
        ("U4",),
        True,
    ),
    Fault(
        "wild_link_in_a_long_run",
        "long_run",
        "n = run('long_run', 12)[80000]; write(n, WILD); tell(WILD)",
        ("fault",),
        True,
    ),
    Fault(
        "list_cut",
        "map_string",
        "b = bucket_with('map_string', 3); n = run('map_string', b); write(n[0], 0);" "tell(n[0])",
        ("U4", "U4"),
        True,
    ),
    Fault(
        "runs_joined",
        "map_int",
        "b = bucket_with('map_int', 1); a = run('map_int', b);"
        "o = next(n for n in range(b + 1, 1000) if read(cell('map_int', n)) and n > 500);"
        "t = run('map_int', o); write(a[-1], t[-1]); tell(t[-1])",
        ("U4",),
    ),
    Fault(
        "wild_cell",
        "map_string",
        "b = bucket_with('map_string', 1); write(cell('map_string', b), WILD + 1);"
        "tell(cell('map_string', b))",
        ("U3",),
    ),
    Fault(
        "unreadable_before_node",
        "map_string",
        "b = bucket_with('map_string', 1); write(cell('map_string', b), WILD); tell(WILD)",
        ("fault",),
    ),
    Fault(
        "two_cells_alike",
        "map_string",
        "b = bucket_with('map_string', 1); o = next(n for n in range(b + 1, 1000)"
        " if not read(cell('map_string', n)));"
        "write(cell('map_string', o), read(cell('map_string', b))); tell(cell('map_string', b))",
        ("U3",),
    ),
    Fault(
        "next_resize",
        "map_int",
        "at = table('map_int') + 40; write(at, 5); tell(at)",
        ("U6",),
    ),
    Fault(
        "more_than_the_load_allows",
        "map_int",
        "write(table('map_int') + 24, 5000); tell(table('map_int') + 40)",
        ("U6",),
        True,
    ),
    Fault(
        "buckets_in_the_table",
        "empty",
        "at = table('empty') + 8; write(at, 2); tell(at)",
        ("U2",),
    ),
    Fault(
        "single_bucket_moved",
        "one",
        "at = table('one') + 8; write(at, 1); tell(at)",
        ("U2",),
    ),
)
EXACT = ("count", "wrong_cached_code", "key_changed_in_place")


def commands_for(state: str, view: Path) -> list[Tries]:
    view.mkdir()
    return [
        Tries(f"hmap-check {state}"),
        Tries(f"hmap-dump {state} --csv {view}/occupancy.csv --entries {view}/entries.csv"),
    ]


def problems_of(outcome: Outcome) -> list[tuple[str, str, str]]:
    """The Problems that hmap-check reports: a line each, and a last line with their number."""
    assert outcome.error is None and outcome.messages == "", outcome
    *lines, last = outcome.output.splitlines()
    found = [PROBLEM.fullmatch(line) for line in lines]
    assert all(found), outcome.output
    assert last == (f"{len(lines):,} Problem" if len(lines) == 1 else f"{len(lines):,} Problems")
    return [(one[1], one[2], one[3]) for one in found if one]


def assert_named(fault: Fault, planted: Sequence[str], check: Outcome) -> None:
    assert planted, fault
    problems = problems_of(check)
    others = [one for one in problems if one[0] != "U1"]
    if fault.name == "count":
        assert [one[:2] for one in problems] == [("U1", planted[0])]
        return
    assert fault.named[0] in {one[0] for one in others}, check.output
    for address in planted:
        assert address in {one[1] for one in others}, check.output
    if fault.name in EXACT:
        assert [one[0] for one in problems] == list(fault.named), check.output
    if fault.count:
        assert "U1" in {one[0] for one in problems}, check.output
        # Consequences of a fault are not reported again.
        assert len(others) <= 1 + len(fault.named), check.output


def assert_dumped(dump: Outcome, view: Path) -> None:
    assert dump.error is None and dump.messages == "", dump
    assert re.search(r"^entries +[\d,]+ in ", dump.output, re.MULTILINE), dump.output
    assert first_line(view / "occupancy.csv") == OCCUPANCY_HEADER
    assert first_line(view / "entries.csv") == ENTRIES_HEADER
    entries = (view / "entries.csv").read_text(encoding="utf-8", errors="surrogateescape")
    live = sum(int(row["live"]) for row in read_csv(view / "occupancy.csv"))
    assert entries.count("\nbuckets,") == live


def test_faults_are_named_live_and_from_a_core(folder: Path) -> None:
    # One process in one gdb: each fault is planted, examined, saved in a core, and undone.
    helpers = folder / "helpers.py"
    helpers.write_text(HELPERS.removeprefix("python\n"))
    commands: list[str | Fails | Tries] = [*AT_STOP, f"source {helpers}"]
    for fault in FAULTS:
        commands += [
            f"python {fault.plant}",
            *commands_for(fault.state, folder / f"{fault.name}-live"),
            f"generate-core-file {folder}/{fault.name}.core",
            "python undo()",
            f"hmap-check {fault.state}",
        ]
    commands.append("kill")
    for fault in FAULTS:
        commands += [
            f"core-file {folder}/{fault.name}.core",
            *commands_for(fault.state, folder / f"{fault.name}-core"),
        ]
    states = sorted({fault.state for fault in FAULTS})
    (folder / "truth").mkdir()
    program = cpp_program("dev", "states_cpp")
    outcomes = gdb_session(program, [str(folder / "truth"), *states], commands=commands)[3:]
    live, core = outcomes[: 6 * len(FAULTS)], outcomes[6 * len(FAULTS) + 1 :]
    for index, fault in enumerate(FAULTS):
        plant, check, dump, _, _, undone = live[6 * index : 6 * index + 6]
        _, *addresses = plant.output.split()
        assert_named(fault, addresses, check)
        assert_dumped(dump, folder / f"{fault.name}-live")
        assert undone.output.startswith("consistent: "), undone
        _, check, dump = core[3 * index : 3 * index + 3]
        assert_named(fault, addresses, check)
        assert_dumped(dump, folder / f"{fault.name}-core")


HEADERS = (
    "_M_buckets = 0",
    "_M_buckets = 8",
    "_M_buckets = 0x7ffffffff000",
    "_M_bucket_count = 0",
    "_M_bucket_count = 0xffffffffffffffff",
)
FIELDS = (
    "_M_bucket_count = 1",
    "_M_bucket_count = 5",
    "_M_bucket_count = 100000",
    "_M_bucket_count = 1000000000000",
    "_M_buckets = (unsigned long) &map_int",
    "_M_buckets = (unsigned long) &map_string",
    "_M_buckets = (unsigned long) map_int._M_h._M_buckets + 24",
    "_M_before_begin._M_nxt = 0",
    "_M_before_begin._M_nxt = 1",
    "_M_before_begin._M_nxt = (unsigned long) map_int._M_h._M_before_begin._M_nxt->_M_nxt",
    "_M_before_begin._M_nxt = (unsigned long) &map_int._M_h._M_before_begin",
    "_M_element_count = 0xffffffffffffffff",
    "_M_rehash_policy._M_next_resize = 0xfffffffffffffff0",
    "_M_rehash_policy._M_max_load_factor = 0xffffffff",
)


def test_garbage_in_the_header_is_told_in_good_order(folder: Path) -> None:
    # The consequences of a wrong field vary; they are reported, and the walk ends.
    commands: list[str | Fails | Tries] = [*AT_STOP]
    for index, poke in enumerate((*HEADERS, *FIELDS)):
        name, value = poke.split(" = ")
        size = "unsigned" if "max_load" in poke else "unsigned long"
        field = f"*({size} *) &map_int._M_h.{name}"
        commands += [
            f"set var $before = {field}",
            f"set var {field} = {value}",
            *commands_for("map_int", folder / str(index)),
            Tries("hmap-find map_int -- 3"),
            f"set var {field} = $before",
        ]
    commands.append("hmap-check map_int")
    program = cpp_program("dev", "states_cpp")
    outcomes = gdb_session(program, [str(folder), "map_int", "map_string"], commands=commands)
    assert outcomes[-1].output == "consistent: 1,000 entries\n"
    for index, poke in enumerate((*HEADERS, *FIELDS)):
        told = outcomes[6 * index + 4 : 6 * index + 7]
        if poke in HEADERS:
            assert_refused(poke, told)
        else:
            check, dump, _ = told
            assert check.error is None and dump.error is None, (poke, check, dump)
            named = [line for line in check.output.splitlines() if PROBLEM.match(line)]
            assert named, (poke, check.output)
            assert re.search(r"^Problem ", dump.output, re.MULTILINE), (poke, dump.output)


def assert_refused(poke: str, told: Sequence[Outcome]) -> None:
    for outcome in told:
        assert outcome.error is not None and "\n" not in outcome.error, (poke, outcome)
        assert outcome.error.startswith("'map_int' is not a valid map: "), (poke, outcome)
        assert outcome.output == "", (poke, outcome)


GARBAGE = """
#include <cstring>
#include <string>
#include <unordered_map>
#include <new>

using Map = std::unordered_map<int, std::string>;

alignas(Map) unsigned char bytes[sizeof(Map)];
Map *zeroed, *patterned, *text, *null_map;

static void leave_garbage(unsigned seed)
{
    volatile unsigned long words[512];
    for (unsigned i = 0; i < 512; i++)
        words[i] = (i + seed) * 0x9e3779b97f4a7c15UL;
}

static void leave_pointers()
{
    void *volatile words[512];
    for (unsigned i = 0; i < 512; i++)
        words[i] = (void *) &words[(i * 7) % 512];
}

extern "C" void stop() {}

static void use(const char *)
{
    alignas(Map) char storage[sizeof(Map)];
    Map &local = reinterpret_cast<Map &>(storage);
    stop();
    if (zeroed == &local)
        stop();
}

int main()
{
    zeroed = new (std::nothrow) Map;
    std::memset((void *) zeroed, 0, sizeof(Map));
    patterned = (Map *) operator new(sizeof(Map));
    std::memset((void *) patterned, 0xa5, sizeof(Map));
    text = (Map *) operator new(sizeof(Map));
    std::memcpy((void *) text, "this is text, and no map at all, that is for certain", sizeof(Map));
    leave_garbage(3);
    use("garbage");
    leave_pointers();
    use("pointers");
}
"""


def test_garbage_locals_give_one_clear_line_or_problems(folder: Path) -> None:
    source = folder / "garbage.cc"
    source.write_text(GARBAGE)
    exe = folder / "garbage"
    subprocess.run(["g++", "-g", "-w", "-o", exe, source], check=True)
    commands = [
        Tries(f"{command} {name}")
        for name in ("zeroed", "patterned", "text", "null_map")
        for command in ("hmap-dump", "hmap-check")
    ]
    local = [Tries("up"), Tries("hmap-dump local --csv /dev/null"), Tries("hmap-check local")]
    outcomes = gdb_session(
        exe, commands=["break stop", "run", *commands, *local, "continue", *local]
    )
    for outcome in outcomes[2:]:
        if not outcome.command.startswith("hmap"):
            continue
        if outcome.error is not None:
            assert "\n" not in outcome.error and "inside" not in outcome.error, outcome.error
        else:
            assert re.search(r"^(Problem +)?(U\d|fault) 0x|Problem", outcome.output, re.M), outcome
    assert all(one.error for one in outcomes[2:10])


def test_what_is_no_container_is_told(folder: Path) -> None:
    expressions = ("sessions", "names[0]", "map_int._M_h._M_buckets")
    outcomes = gdb_session(
        cpp_program("dev", "states_cpp"),
        [str(folder), "one"],
        commands=[*AT_STOP, *(Fails(f"hmap-dump {expression}") for expression in expressions)],
    )
    for outcome in outcomes[2:]:
        assert outcome.error is not None and "\n" not in outcome.error
