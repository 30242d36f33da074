"""hmap-list of Go programs as people have them: stripped of symbols, with plugins, in the middle of
a function, with maps that only goroutines know."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from go_fixtures import main_toolchains, on
from go_programs import Rows, PROGRAMS, build, look
from go_toolchains import Toolchain
from harness import ROOT, Fails, gdb_session

gos = on(main_toolchains())
newest = on(main_toolchains()[-1:])


@gos
def test_interfaces_that_hold_no_type(go: Toolchain, folder: Path) -> None:
    """What is no type costs no map."""
    found = look(build(go, "go_garbage", folder), folder)
    assert found.row("main.numbers")["entries"] == 2
    assert not any("left out" in note for note in found.notes), found.notes


@newest
def test_types_of_a_plugin(go: Toolchain, folder: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("plugins need a C compiler")
    plugin = build(go, "go_plugin", folder, "-buildmode=plugin", package="./plug")
    found = look(build(go, "go_plugin", folder), folder, args=str(plugin))
    holders = [f"main.pairs[{number}]" for number in range(5)] + ["main.held"]
    for holder in holders:
        row = found.row(f"{holder}.(*host/plug.Holder).Index")
        assert (row["entries"], row["key_type"], row["elem_type"]) == (4, "string", "uint16")
    assert found.row("host/plug.Inside")["entries"] == 3
    assert not any("left out" in note for note in found.notes), found.notes


# By the number of entries: where they are, of a build without optimisation, and optimised. There
# maps that stay on the stack have no name in debug info.
PARKED = {
    5001: ("onStack: seen", r"onStack: main\.go:\d+"),
    5002: ("rareType: rare", r"rareType: main\.go:\d+"),
    5003: ("onHeap: held", "onHeap: held"),
    5004: (r"\(\*server\)\.run: s\.index",) * 2,
    5005: (r"\(\*server\)\.run: s\.next\.index",) * 2,
    5010: ("recurse#3: own",) * 2,
    5011: ("recurse#2: own",) * 2,
    5012: ("recurse: own",) * 2,
    5021: ("nested: outer", r"nested: main\.go:\d+"),
    5022: (r'nested: outer\["inner"\]', r'nested: main\.go:\d+\["inner"\]'),
    5030: (r"\(\*pair\[\.\.\.\]\)\.hold: p\.table",) * 2,
    5040: ("syncMap: shared",) * 2,
    5041: (r"syncMapInside: s\.shared",) * 2,
    5050: ("ranging: walked", None),  # through the iterator alone
    5060: ("spinning: kept", r"spinning: main\.go:\d+"),
    5061: ("sleeping: slept", r"sleeping: main\.go:\d+"),
    5070: (None, r"main: main\.go:\d+"),  # of a goroutine that runs: a frame's local
}
TYPES = {
    5001: "int -> int",
    5002: "[3]uint16 -> int8",
    5022: "string -> int",
    5050: "string -> int",
    5060: "uint32 -> uint32",
    5070: "int16 -> int",
}


@gos
@pytest.mark.parametrize("flags", [("-gcflags=-N -l",), ()], ids=["not optimised", "optimised"])
def test_maps_that_only_parked_goroutines_know(
    go: Toolchain, flags: tuple[str, ...], folder: Path
) -> None:
    found = look(build(go, "go_stacks", folder, *flags), folder)
    by_entries = {row["entries"]: row for row in found.core if 5000 < row["entries"] < 6000}
    assert by_entries.keys() == PARKED.keys()
    for entries, patterns in PARKED.items():
        row, pattern = by_entries[entries], patterns[not flags]
        if pattern is not None and not (entries == 5060 and row["source"] == "local"):
            assert row["source"] == "goroutine", row
            assert re.fullmatch(rf"goroutine \d+ {pattern}", row["path"]), row
        if entries in TYPES:
            assert f"{row['key_type']} -> {row['elem_type']}" == TYPES[entries], row


@gos
def test_map_types_by_descriptors_are_those_of_debug_info(go: Toolchain, folder: Path) -> None:
    exe = build(go, "go_stacks", folder)
    script = PROGRAMS.parent / "compare_map_types.py"
    outcome = gdb_session(
        exe, commands=["break main.stop", "run", f"python exec(open('{script}').read())"]
    )[2]
    compared, different = outcome.output.splitlines()[-1].split()
    assert int(compared) > 5 and different == "0", outcome.output


def test_globals_without_a_symbol_table(folder: Path) -> None:
    go = main_toolchains()[-1]
    exe = build(go, "go_stacks", folder, "-ldflags=-s -w=0")
    found = look(exe, folder)
    assert {"unicode.FoldCategory", "reflect.layoutCache"} <= {row["path"] for row in found.core}
    assert not any("no debug info" in note for note in found.notes), found.notes


def test_program_without_globals_has_debug_info(folder: Path) -> None:
    source = folder / "local.cc"
    source.write_text(LOCAL, encoding="utf-8")
    subprocess.run(["g++", "-g", "-std=c++17", "-o", folder / "local", source], check=True)
    found = look(folder / "local", folder, stop="stop")
    assert [row["path"] for row in found.core] == ["frame 1: local"]
    assert not any("no debug info" in note for note in found.notes), found.notes


LOCAL = """\
#include <unordered_map>
__attribute__((noinline)) void stop(void *p) { asm volatile("" :: "r"(p) : "memory"); }
int main()
{
    std::unordered_map<int, int> local{{1, 2}};
    stop(&local);
}
"""


# What debug info and the types of a program do not lead to, and why; such maps are found in the
# heap, and are known by their address alone.
NAMELESS = {
    "closure in a global": "what a closure has captured is in no type",
    "closure in a map": "as above",
    "finalizer's closure": "as above; the runtime knows it by the object's address",
    "timer's closure": "as above",
    "deferred call's argument": "as above",
    "unsafe pointer by sync/atomic": "a pointer to nothing",
    "unsafe.Pointer to a map's variable": "as above",
    "reflect.Value": "as above",
    "range over a map": "only the iterator has it",
}

# What the list says of these instead of a path.
HOLDERS = {
    "closure in a global": "closure main.inGlobals.func1, held by 'main.closures'",
    "closure in a map": "closure main.inGlobals.func2",
    "finalizer's closure": "closure main.inGlobals.func3",
    "timer's closure": "closure main.inGlobals.func4",
    "method value": "closure main.(*worker).run-fm, held by 'main.methods'",
    "deferred call's argument": "goroutine N inGoroutines.func8",
    "unsafe pointer by sync/atomic": "'main.pointers + 72'",
    "unsafe.Pointer to a map's variable": "'main.hidden'",
    "reflect.Value": "'main.values'",
    "range over a map": "goroutine N inGoroutines.func9",
}


@gos
def test_recall_of_maps_in_awkward_places(go: Toolchain, folder: Path) -> None:
    exe = build(go, "go_places", folder)
    found = look(exe, folder, stop="main.arguments")
    told = {
        int(number): place
        for number, place in re.findall(r"^map (\d+) (.*)$", found.session[1].output, re.MULTILINE)
    }
    assert len(told) == 330
    rows = {row["entries"]: row for row in found.core if row["entries"] in told}
    reached: Counter[str] = Counter()
    total: Counter[str] = Counter()
    held_by: dict[str, str] = {}
    for number, place in told.items():
        row = rows.get(number)
        how = "missed"
        if row is not None:
            how = "by path" if not row["path"].startswith("--type") else "by address"
            if row["held_by"]:  # also of a path that begins at an address, as a receiver's
                held_by[place] = row["held_by"]
            known = row["key_type"] != "?"
            how += "" if known else ", its type is one of several"
            if known and go.minor >= (1, 22) and "box" not in place and "generic" not in place:
                types = row["key_type"], row["elem_type"]
                assert types in (("int", "int"), ("string", "int")), row
        reached[f"{place}: {how}"] += 1
        total[how] += 1
    for line, number in sorted(reached.items()):
        reason = NAMELESS.get(line.partition(":")[0], "")
        print(f"{number:4} {line}{f' ({reason})' if reason and 'address' in line else ''}")
    print(f"{go.name}: of {len(told)} maps {dict(total)}")
    for place, holder in HOLDERS.items():
        assert re.sub(r"goroutine \d+", "goroutine N", held_by[place]).startswith(holder), place
    assert total["missed"] == 0
    by_path = {line.partition(":")[0] for line in reached if line.endswith(": by path")}
    assert by_path == set(told.values()) - NAMELESS.keys()
    if go.minor >= (1, 22):  # blocks tell what they were allocated for
        assert total["by address, its type is one of several"] == 0
    guessed = [row for row in found.core if row["key_type"] == "?"]
    assert all(row["path"] == f"--type 'map[?]?' {row['address']}" for row in guessed)
    assert_guesses_are_told(exe, folder, guessed[:2])


def assert_guesses_are_told(exe: Path, folder: Path, rows: Rows) -> None:
    """Pasted back, a map whose type is one of several is shown as bytes, after a warning that
    names the types; any of them can be chosen."""
    if not rows:
        return
    commands: list[str | Fails] = [f"hmap-dump {row['path']} --entries -" for row in rows]
    commands += [f"hmap-check {rows[0]['path']}", f"hmap-dump {rows[0]['path']}"]
    commands.append(Fails(f"hmap-find {rows[0]['path']} -- 3"))
    session = gdb_session(exe, core=folder / "core", commands=commands)
    for outcome, row in zip(session, rows):
        (warning,) = outcome.messages.splitlines()
        start, _, names = warning.partition(": its type is one of ")
        assert start.startswith("warning: keys and values are shown as bytes")
        candidates = re.findall(r"'(map\[.*?)'(?=[, ]|;|$)", names.partition("; --type")[0])
        assert len(candidates) > 1 and names.endswith("; --type 'NAME' chooses one")
        entries = outcome.output.splitlines()[1:]
        assert len(entries) == row["entries"]
        assert all(re.search(r",[0-9a-f]+,[0-9a-f]+$", one) for one in entries), entries[0]
        chosen = f"hmap-dump --type '{candidates[1]}' {row['address']}"
        (plain,) = gdb_session(exe, core=folder / "core", commands=[chosen])
        assert "warning" not in plain.messages and f"{row['entries']:,} in " in plain.output
    assert session[-3].output.startswith("consistent: ")
    assert "(map[?]?)" in session[-2].output and "? -> ?" in session[-2].output
    assert "has keys of unknown type: name one" in str(session[-1].error)


@gos
def test_registers_of_inner_frames_are_not_those_of_outer_ones(go: Toolchain, folder: Path) -> None:
    exe = build(go, "go_registers", folder)
    found = look(exe, folder)
    paths = {row["entries"]: row["path"] for row in found.core if 8000 < row["entries"] < 9000}
    assert paths[8002] == "frame 0: m"
    assert re.fullmatch(r"goroutine 1 outer: held", paths[8001])
    outcome = gdb_session(exe, commands=["break main.stop", "run", "hmap-dump frame 2: held"])[2]
    assert "8,001" in outcome.output


def test_statics_of_functions_are_not_looked_for_in_go(folder: Path) -> None:
    """Go's functions have none, but its programs have so many variables without debug info that
    all of the code would be looked through for them."""
    go = main_toolchains()[-1]
    session = gdb_session(
        build(go, "go_registers", folder),
        commands=[
            "break main.stop",
            "run",
            "python seen = []; block_for_pc = gdb.block_for_pc",
            "python gdb.block_for_pc = lambda pc: (seen.append(pc), block_for_pc(pc))[1]",
            "hmap-list",
            "python print(len(seen))",
        ],
    )
    assert int(session[-1].output) < 100


@gos
def test_paths_through_keys_that_are_hard_to_spell(go: Toolchain, folder: Path) -> None:
    found = look(build(go, "go_paths", folder), folder)
    paths = {row["entries"]: row["path"] for row in found.core}
    assert {number: paths[number].replace("main.", "", 1) for number in SPELLED} == SPELLED
    assert re.fullmatch(r"main\.byPointer\[0x[0-9a-f]+\]\.key\.index", paths[101])
    assert re.fullmatch(r"main\.byAny\[0x[0-9a-f]+\]\.key\.\(\*main\.server\)\.index", paths[102])
    holder = r'main\.byHolder\[{at = 0x[0-9a-f]+, name = "a b"}\]'
    assert re.fullmatch(rf"{holder}\.key\.at\.index", paths[109])
    assert re.fullmatch(holder, paths[110])
    assert re.fullmatch(r"main\.byKeyed\[0x[0-9a-f]+\]\.key", paths[150])
    by_address = {number for number in range(101, 151) if paths[number].startswith("--type ")}
    # Keys that are shown as others, or are hidden by a field.
    assert by_address == {135, 136, 137, 142, 143, 147, 148, 149}
    assert found.notes[-1:] == [
        "maps behind 8 keys that no path can name go by address: 1 hidden by a field 'key' of the "
        "elem, 7 spelled as another key of the map"
    ]


@gos
def test_a_map_in_a_channel_that_an_interface_holds(go: Toolchain, folder: Path) -> None:
    found = look(build(go, "go_channel", folder), folder)
    paths = [row["path"] for row in found.core if row["entries"] == 33]
    assert len(paths) == 1
    by_channel = r"\(\*\(\*hchan<map\[string\]int>\)\(0x[0-9a-f]+\)\)\[0\]"
    assert re.fullmatch(by_channel, paths[0])


@gos
def test_a_beginning_of_several_keys_opens_none(go: Toolchain, folder: Path) -> None:
    exe = build(go, "go_paths", folder)
    session = gdb_session(
        exe,
        commands=[
            "break main.stop",
            "run",
            Fails('hmap-dump main.byText["long "...].index'),
            Fails('hmap-find main.byText -- "long "...'),
            Fails("hmap-dump main.byMixed[1].index"),
            Fails('hmap-dump main.byText[""..."long"].index'),
            'hmap-find main.byText -- "nothing "...',
            'hmap-find main.byText -- ""..."2"',
            'hmap-find main.byText -- "-- "..."option"',
            'hmap-find main.byText -- "-- "..."ption"',
        ],
    )
    assert str(session[2].error).startswith("\"long \"... fits 3 keys of 'main.byText': give more")
    assert str(session[3].error).startswith("\"long \"... fits 3 keys of 'main.byText': give more")
    assert str(session[4].error).startswith("1 fits 3 keys of 'main.byMixed': give more of the key")
    assert "is absent from 'main.byText'" in str(session[5].error)
    assert '"nothing "... is absent (15 entries compared)' in session[6].output
    assert f"{'long ' * 100}2\n" in session[7].output
    assert "is absent" in session[8].output  # there is nothing between them
    assert "-- option" in session[9].output


# By the number of entries; behind "main.".
SPELLED = {
    103: 'byAny["text"].index',
    105: "byAny[3.5].index",
    106: "byAny[{x = 1, y = -2}].index",
    108: "byStruct[{x = 1, y = -2}].index",
    112: 'byText[""].index',
    113: r'byText["new\x0aline"].index',
    114: r'byText["tab\x09and \x01"].index',
    115: r"""byText["quote \" and '"].index""",
    116: r'byText["back\\slash"].index',
    117: 'byText["]) [("].index',
    118: 'byText["-- option"].index',
    119: f'byText["{"é" * 70}"].index',
    122: r'byText["not utf-8 \xff"].index',
    123: 'byText[" spaces "].index',
    124: "byBool[true].index",
    126: "byFloat[-0.5].index",
    127: "byRune[-1].index",
    131: 'chained["a"]["b"]["c"].index',
    111: r"""byArray[{"a", "b\"]"}].index""",
    120: f'byText["{"long " * 16}"..."ong {"long " * 7}1"].index',
    121: f'byText["{"long " * 16}"..."ong {"long " * 7}2"].index',
    132: f'byText["ü{"long " * 15}lon"...].index',
    133: f'byText["x{"ü" * 39}"...].index',
    134: f'byText["{"long " * 16}"..."{"€" * 13}"].index',
    138: "byMixed[2].index",
    139: 'byMixed["2"].index',
    140: f'byMixed["{"any " * 20}"...].index',
    141: f'byMixed[{{text = "{"in any " * 11}in "..., n = 5}}].index',
    144: "byNaN[-inf].index",
    145: """byLabel[{text = "it's (short)", n = 1}].index""",
    146: f'byLabel[{{text = "{"label " * 13}la"..., n = 1}}].index',
}


@gos
@pytest.mark.parametrize("how", ["-w", "strip"])
def test_a_program_without_debug_info_is_told_of_in_go_words(
    go: Toolchain, folder: Path, how: str
) -> None:
    """Of gcc's -g, and of libhmap's registry, Go knows nothing."""
    exe = build(go, "go_garbage", folder, *(["-ldflags=-w"] if how == "-w" else []))
    if how == "strip":
        subprocess.run(["strip", exe], check=True)
    layout = ROOT / "build" / "dev" / "libhmap" / "layout" / "hmap-layout"
    made = subprocess.run([layout, exe], capture_output=True, text=True)
    session = gdb_session(
        exe,
        commands=[
            "starti",
            "hmap-list",
            *map(Fails, ("hmap-dump main.numbers", "hmap-layout runtime.hmap")),
            Fails('print $hmap_len("main.numbers")'),
        ],
    )
    first, none, last = session[1].output.splitlines()
    assert first == last and none.startswith("no maps found, but not everything was searched")
    for text in (first, *session.errors, made.stderr):
        assert "without -ldflags=-w or -s" in text and "-g" not in text.split()
