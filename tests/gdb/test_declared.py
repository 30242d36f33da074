"""Declared families: gdb's files equal the ground truth that the programs have written, live and
from a core, by the definition files that users get; faults are named."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from declared_programs import DEFINITIONS, FILES, STOP, define, names_of, program
from harness import ROOT, Fails, Tries, gdb_session
from truth import assert_files_same, read_csv

HMAP_LAYOUT = ROOT / "build" / "dev" / "libhmap" / "layout" / "hmap-layout"
BUILDS = (
    *((name, ("gcc", "-O0")) for name in sorted(DEFINITIONS)),
    *((name, ("clang", "-O2", "-gdwarf-4")) for name in ("dynahash", "own")),
)


@pytest.mark.parametrize(("name", "by"), BUILDS, ids=str)
def test_view_of_live_process_and_of_its_core_equals_the_truth(
    name: str, by: tuple[str, ...], folder: Path
) -> None:
    exe, truth, core = program(name, *by), folder / "truth", folder / "core"
    commands: dict[str, list[str]] = {"live": [], "dead": []}
    for view, asked in commands.items():
        for table in names_of(exe):
            stem = folder / view / table
            stem.mkdir(parents=True)
            asked += [
                f"hmap-dump {table} --csv {stem}/occupancy.csv --entries {stem}/entries.csv",
                f"hmap-check {table}",
            ]
    dead = [f"generate-core-file {core}", "kill", f"core-file {core}", *commands["dead"]]
    session = gdb_session(
        exe, [str(truth)], commands=[define(name), *STOP, *commands["live"], *dead]
    )
    count = len(commands["live"])
    for view, outcomes in ("live", session[3 : 3 + count]), ("dead", session[-count:]):
        for table, check in zip(names_of(exe), outcomes[1::2]):
            assert_files_same(folder / view / table, truth / table)
            entries = len(read_csv(truth / table / "entries.csv"))
            assert check.output == f"consistent: {entries:,} entries\n", check.output


HELPERS = """
import gdb
INFERIOR = gdb.selected_inferior()
UNDO = []
def read(at, size): return bytes(INFERIOR.read_memory(at, size))
def write(at, data):
    UNDO.append((at, read(at, len(data))))
    INFERIOR.write_memory(at, data)
def undo():
    while UNDO:
        INFERIOR.write_memory(*UNDO.pop())
def number(text): return int(gdb.parse_and_eval(text))
def at(text): return number("(unsigned long) &" + text)
def put(text, value):
    size = gdb.parse_and_eval(text).type.sizeof
    write(at(text), (value % (1 << 8 * size)).to_bytes(size, "little"))
def first(text, test): return next(text % i for i in range(4096) if test(text % i))
def tell(*numbers): print("planted", *(hex(number) for number in numbers))
"""
# Names for the places of faults.
NAMES = {
    "hlist": """
CHAIN = first("many.heads[%d].first", lambda it: number(it) and number(it + "->next"))
NODE = f"((struct session *) ((char *) {CHAIN} - 8))"
NEXT = f"((struct session *) ((char *) {CHAIN}->next - 8))"
""",
    "own": """
HASH = first("cache.slots[%d].hash", lambda it: number(it) > 1)
OLD = first("growing.table[0][%d]", number)
""",
    "dynahash": """
HASH = first("relations->dir[0][%d]", number) + "->hashvalue"
ENTRIES = "relations->hctl->freeList[%d].nentries"
""",
    "ngx_hash": """
ELEMENT = first("types.buckets[%d]", number)
""",
}
# For each program: Python that plants a fault, the table, and the invariants that hmap-check names.
# Where it tells addresses, they are those that are named, in that order.
FAULTS: dict[str, Sequence[tuple[str, str, str]]] = {
    "hlist": (
        ("put('many.count', 2999); tell(at('many.count'))", "many", "L1"),
        ("put(CHAIN, 0x10); tell(0x10, at('many.count'))", "many", "L3 L1"),
        (
            "put(NODE + '->hash', number(NODE + '->hash') ^ 1); tell(at(NODE + '->hash'))",
            "many",
            "L5",
        ),
        ("put(CHAIN + '->next->next', number(CHAIN))", "many", "L1 L3 L4"),
        ("put(NODE + '->id', number(NEXT + '->id'))", "many", "L6"),
        # A list that leads nowhere, where an odd number should end it.
        ("put('peers.chains[1].first', 0x10); tell(0x10)", "peers", "L3"),
    ),
    "own": (
        ("put('thinned_cache.gone', 1); tell(at('thinned_cache.gone'))", "thinned_cache", "F2"),
        ("put('cache.used', 7); tell(at('cache.used'))", "cache", "F1"),
        ("put(HASH, number(HASH) ^ 0x100); tell(at(HASH))", "cache", "F5"),
        (
            "put('numbers.keys[3]', number('numbers.keys[2]')); tell(at('numbers.keys[3]'))",
            "numbers",
            "F6",
        ),
        ("put('swiss.control[130]', 0x11); tell(at('swiss.control[130]'))", "swiss", "R4"),
        ("put('swiss.growth_left', 5); tell(at('swiss.growth_left'))", "swiss", "R5"),
        ("put('swiss.items', 5); tell(at('swiss.items'))", "swiss", "R1"),
        ("put('growing.table[0][2]', number(OLD))", "growing", "L7"),
    ),
    "dynahash": (
        ("put('relations->dir[2]', 0)", "relations", "L1 fault"),
        ("put(ENTRIES % 3, 9); tell(at(ENTRIES % 0))", "relations", "L1"),
        ("put(HASH, 4); tell(at(HASH))", "relations", "L5"),
    ),
    "ngx_hash": (
        ("put(ELEMENT + '->name[0]', 1); tell(number(ELEMENT))", "types", "L5"),
        ("put('types.buckets[5]', 0x10); tell(0x10)", "types", "L3"),
    ),
}
REFUSED = {
    "hlist": (("put('many.bits', 60)", "many", "'many' is not a valid map: it has"),),
    "own": (
        ("put('cache.slots', 8)", "cache", "cannot read the slots of 'cache' at 0x8"),
        ("put('swiss.control', 8)", "swiss", "cannot read the control bytes of 'swiss'"),
    ),
    "dynahash": (
        ("put('relations->hctl', 8)", "relations", "of 'relations' at 0x"),
        ("put('relations->hctl->keysize', 1 << 40)", "relations", "is no size of a key or elem"),
        ("put('relations->dir', 8)", "relations", "cannot read the directory of 'relations'"),
    ),
    "ngx_hash": (("put('types.buckets', 8)", "types", "cannot read the buckets of 'types'"),),
}


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_faults_are_named_and_walks_end(name: str, folder: Path) -> None:
    helpers = folder / "helpers.py"
    helpers.write_text(HELPERS + NAMES[name], encoding="utf-8")
    start = [define(name), *STOP, f"source {helpers}"]
    commands: list[str | Fails | Tries] = []
    for plant, table, _ in FAULTS[name]:
        commands += [
            f"python {plant}",
            Tries(f"hmap-check {table}"),
            f"hmap-dump {table}",
            f"hmap-dump {table} --buckets 0-3",
            "python undo()",
            f"hmap-check {table}",
        ]
    for plant, table, _ in REFUSED[name]:
        commands += [f"python {plant}", Fails(f"hmap-check {table}"), "python undo()"]
    session = gdb_session(program(name), [str(folder / "truth")], commands=[*start, *commands])
    outcomes = list(session[len(start) :])
    for plant, _, invariants in FAULTS[name]:
        planted, check, dump, _, _, sound = outcomes[:6]
        del outcomes[:6]
        found = re.findall(r"^(\w+) (0x[0-9a-f]+): ", check.output + (check.error or ""), re.M)
        assert {one for one, _ in found} == set(invariants.split()), (plant, check)
        if planted.output:
            told = [(one, at) for one, at in zip(invariants.split(), planted.output.split()[1:])]
            assert found == told, (plant, check)
        assert "entries  " in dump.output and dump.error is None
        assert sound.output.startswith("consistent: "), plant
    for (_, _, text), (_, check, _) in zip(REFUSED[name], zip(*[iter(outcomes)] * 3)):
        assert text in str(check.error), check


def test_maps_are_found_looked_up_printed_and_drawn(folder: Path) -> None:
    listing, later = folder / "list.json", folder / "later.json"
    commands = [
        f"hmap-list --limit 0 --json {listing} --save {later}",
        'hmap-find cache -- "name-7"',
        'hmap-find cache -- "name-9999"',
        "hmap-find points -- {3, 7}",
        "hmap-find growing -- 415",
        "print $hmap_len(growing)",
        'print $hmap_get(cache, "name-7")',
        "print $hmap_get(growing, 415).y",
        "print full_cache",
        "print points",
        "hmap-dump growing --buckets old:25-25",
        "hmap-dump cache",
        "hmap-list --family cache",
        f"hmap-diff {later}",
        f"hmap-dump growing --plot {folder}/growing.png",
        f"hmap-dump thinned_cache --plot {folder}/thinned.svg",
        "hmap-layout growing",
        "hmap-define",
        "hmap-define --forget",
        Fails("hmap-dump cache"),
    ]
    session = gdb_session(
        program("own"), [str(folder / "truth")], commands=[define("own"), *STOP, *commands]
    )
    found = {row["path"]: row for row in json.loads(listing.read_text("utf-8"))["maps"]}
    assert {path: row["entries"] for path, row in found.items()} == {
        "no_cache": 0,
        "cache": 600,
        "thinned_cache": 98,
        "full_cache": 15,
        "numbers": 32,
        "points": 7,
        "swiss": 100,
        "old_swiss": 36,
        "still": 20,
        "growing": 120,
    }
    (
        text,
        absent,
        point,
        moved,
        length,
        value,
        field,
        entries,
        members,
        chain,
        skewed,
        family,
        same,
    ) = (outcome.output for outcome in session[4:17])
    assert text.startswith("name-7 is in slot ") and text.endswith("  7.5\n")
    assert absent.startswith("name-9999 is absent")
    assert "{x = 3, y = 7}" in point
    assert "of the old array" in moved and "{x = 83, y = -83}" in moved
    assert (length, value, field) == ("$1 = 120\n", "$2 = 7.5\n", "$3 = -83\n")
    assert (
        entries.startswith("$4 = cache map with 15 entries = {") and '["name-3"] = 3.5' in entries
    )
    assert members.startswith("$5 = point_set with 7 entries = {{x = 0, y = 7}, {x = 3")
    assert "415 -> {x = 83, y = -83}" in chain
    assert "verdict    skewed: " in skewed
    assert "4 maps hold" in family
    assert "600" not in same
    assert (folder / "growing.png").stat().st_size > 10_000 and (folder / "thinned.svg").exists()
    layout, listed, forgotten, gone = session[-4:]
    assert "dict {" in layout.output and "link {" in layout.output
    assert "  in a layout file by: --also dict --also link --also point\n" in listed.output
    assert forgotten.output == "5 definition files forgotten\n"
    assert str(gone.error).startswith("'cache' is not a map: its type is 'struct cache'")


@pytest.mark.parametrize("name", ["dynahash", "own"])
def test_a_stripped_program_is_read_by_a_layout_file(name: str, folder: Path) -> None:
    """Which hmap-layout makes as hmap-define says."""
    exe, truth, core = program(name), folder / "truth", folder / "core"
    live = gdb_session(
        exe,
        [str(truth)],
        commands=[define(name), *STOP, f"generate-core-file {core}", "hmap-define"],
    )
    words = re.findall(r"--also (\S+)", live[-1].output)
    stripped, layout = folder / "stripped", folder / "layout.json"
    also = [word for struct in words for word in ("--also", struct)]
    subprocess.run([HMAP_LAYOUT, exe, "--json", layout, *also], check=True)
    subprocess.run(["strip", "-o", stripped, exe], check=True)
    commands = [define(name), f"hmap-layout load {layout}"]
    for table in names_of(exe):
        stem = folder / "view" / table
        stem.mkdir(parents=True)
        commands += [
            f"hmap-dump {table} --csv {stem}/occupancy.csv --entries {stem}/entries.csv",
            f"hmap-check {table}",
        ]
    session = gdb_session(stripped, core=core, commands=[*commands, "hmap-list"])
    for table, check in zip(names_of(exe), session[3:-1:2]):
        assert_files_same(folder / "view" / table, truth / table)
        assert check.output.startswith("consistent: "), check.output
    assert f"{len(names_of(exe))} maps hold" in session[-1].output


def test_a_definition_that_does_not_fit_the_program_is_refused(folder: Path) -> None:
    text = (FILES / "hlist.toml").read_text(encoding="utf-8")
    files = {
        "field": text.replace('"bits", ', '"bts", '),
        "expression": text.replace("1 << bits", "1 << size"),
        "member": text.replace('next = "by_id.next"', 'next = "by_id.nxt"'),
        "type": text.replace('type = "struct session"', 'type = "struct sesion"'),
        "good": text,
    }
    for name, content in files.items():
        (folder / f"{name}.toml").write_text(content, encoding="utf-8")
    start = [f"hmap-define {folder}/expression.toml", *STOP]
    commands = [
        Fails("hmap-dump many"),
        Fails(f"hmap-define {folder}/expression.toml"),
        f"hmap-define --forget {folder}/expression.toml",
        Fails(f"hmap-define {folder}/field.toml"),
        Fails(f"hmap-define {folder}/member.toml"),
        f"hmap-define {folder}/type.toml",
        Fails("hmap-dump many"),
        f"hmap-define --forget {folder}/type.toml",
        f"hmap-define {folder}/good.toml",
        "hmap-dump many",
        Fails(f"hmap-define {folder}/nowhere.toml"),
        Fails(f"set hmap definitions {folder}/good.toml:{folder}/nowhere.toml"),
        "show hmap definitions",
    ]
    session = gdb_session(program("hlist"), [str(folder / "truth")], commands=[*start, *commands])
    line = {
        name: text.splitlines().index(one) + 1
        for name, one in (
            ("fields", 'fields = ["heads", "bits", "count"]     # by which it is recognised'),
            ("length", 'length = "1 << bits"'),
            ("next", 'next = "by_id.next"'),
            ("type", 'type = "struct session"'),
        )
    }
    opened, expression, _, field, member, _, named, _, _, good, nowhere, several, shown = session[
        3:
    ]
    has = "it has name, heads, bits, count"
    lacks = (
        f":{line['length']}: array.length: '1 << size': 'struct session_table' has no field "
        f"'size': {has}"
    )
    assert opened.error == f"{folder}/expression.toml{lacks}"
    assert expression.error == f"{folder}/expression.toml{lacks}"
    assert field.error == (
        f"{folder}/field.toml:{line['fields']}: family.fields: 'struct session_table' has no field "
        f"'bts': {has}"
    )
    assert member.error == (
        f"{folder}/member.toml:{line['next']}: node.next: 'by_id.nxt': 'struct hlist_node' has no "
        "field 'nxt': it has next, pprev"
    )
    assert named.error == (
        f"{folder}/type.toml:{line['type']}: node.type: no type 'struct sesion' in the program: "
        "build with -g, or name it to 'hmap-layout --also'"
    )
    assert "3,000 in 1,024 buckets" in good.output
    assert (
        nowhere.error
        == several.error
        == (f"cannot read '{folder}/nowhere.toml': No such file or directory")
    )
    assert shown.output == "Definition files of map families: none.\n"
