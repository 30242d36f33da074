"""The commands besides hmap-dump's files: their results equal the ground truth."""

from __future__ import annotations

import ast
import csv
import json
import re
from pathlib import Path

import pytest

import limits
from built import fixture_program
from harness import ROOT, Fails, Session, gdb_session


def at_stop(state: str, folder: Path, *commands: str | Fails) -> Session:
    """The outcomes of commands in the fixture `states` at its stop."""
    outcomes = gdb_session(
        fixture_program("dev", "states"),
        [state, str(folder / "truth")],
        commands=["break fixture_stop", "run", *commands],
    )
    return Session(outcomes[2:])


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    """A CSV of the program's ground truth."""
    text = (folder / "truth" / f"{name}.csv").read_bytes().decode("utf-8", "surrogateescape")
    return list(csv.DictReader(text.splitlines(keepends=True)))


# ---- hmap-find -----------------------------------------------------------------------------------

FOUND = re.compile(
    r"is in bucket (?P<bucket>[\d,]+)(?P<old> of the old array)?, "
    r"(main bucket|overflow bucket (?P<chain>\d+)) at 0x[0-9a-f]+, "
    r"slot (?P<slot>\d+) \((?P<how>.*)\)"
)


def quoted(text: str) -> str:
    """Text as a C string literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


@pytest.mark.parametrize(
    ("stop", "how"),
    [
        ("doubling_half", "by its hash"),
        ("many_16", "by its hash"),
        ("int32_keys", "by its hash"),
        ("uint64_keys", "by its hash"),
        ("string_keys", "by its hash"),
        ("fixed_bytes_keys", "by its hash"),
        ("same_size_half", "compared"),
        ("overflow_chains", "compared"),
        ("boxed_both", ""),
        ("struct_keys", ""),
    ],
)
def test_find_knows_the_place_of_each_key(stop: str, how: str, folder: Path) -> None:
    at_stop(stop, folder)
    entries = rows(folder, "entries")
    chosen = entries[:: max(1, len(entries) // 8)]
    text = stop == "string_keys"
    keys = [quoted(row["key"]) if text else row["key"] for row in chosen]
    outcomes = at_stop(stop, folder, *(f"hmap-find fixture_map -- {key}" for key in keys))
    for row, outcome in zip(chosen, outcomes):
        found = FOUND.search(outcome.output)
        assert found, outcome
        assert how in found["how"]
        assert int(found["bucket"].replace(",", "")) == int(row["bucket"])
        assert bool(found["old"]) == (row["array"] == "oldbuckets")
        assert int(found["chain"] or 0) == int(row["chain_index"])
        assert int(found["slot"]) == int(row["slot"])
        assert outcome.output.endswith(f"  {row['value']}\n")


def test_find_tells_what_is_absent(folder: Path) -> None:
    absent, compared, *errors = at_stop(
        "half_deleted",
        folder,
        "hmap-find fixture_map -- 123456789",
        "hmap-find fixture_map -- -5 + 1",
        Fails("hmap-find fixture_map -- 1 +"),
        Fails('hmap-find fixture_map -- "text"'),
        Fails("hmap-find fixture_map -- nosuch"),
        Fails("hmap-find fixture_map"),
        Fails("hmap-find -- 1"),
    )
    assert re.match(r"123456789 is absent \(by its hash, would be in bucket \d+\)\n", absent.output)
    assert compared.output.startswith("-4 is absent")
    assert [outcome.error.split(":")[0] for outcome in errors if outcome.error] == [
        "cannot evaluate '1 +'",
        "key \"text\" is a string, but the keys are 'int64_t'",
        "no symbol 'nosuch' in the current context",
        "no key given",
        "no key given",
    ]


# ---- functions and printers ----------------------------------------------------------------------


def test_functions_call_nothing_in_the_program(folder: Path) -> None:
    # For a string literal gdb itself would call malloc.
    *_, points = at_stop(
        "string_keys",
        folder,
        "break malloc",
        Fails('print $hmap_get(fixture_map, "no key")'),
        'print $hmap_len("fixture_map")',
        "info breakpoints",
    )
    assert "malloc" in points.output
    assert points.output.count("already hit") == 1, points.output  # where the fixture stops


def test_functions_give_count_and_elem(folder: Path) -> None:
    length, direct, path, elem, missing, few, print_struct = at_stop(
        "doubling_half",
        folder,
        "print $hmap_len(fixture_map)",
        "print $hmap_len(*fixture_map)",
        'print $hmap_len("registry \\"doubling_half\\"") + $hmap_get("fixture_map", 2) * 0',
        "print $hmap_get(fixture_map, 2) * 10",
        Fails("print $hmap_get(fixture_map, -1)"),
        Fails("print $hmap_get(fixture_map)"),
        "print fixture_map->count",
    )
    count = rows(folder, "header")
    wanted = next(row["value"] for row in count if row["field"] == "count")
    for one in (length, direct, path):
        assert one.output.split("= ")[1] == f"{wanted}\n"
    assert print_struct.output.endswith(f"= {wanted}\n")
    value = next(row["value"] for row in rows(folder, "entries") if row["key"] == "2")
    assert elem.output.endswith(f"= {int(value) * 10}\n")
    assert "'-1' is absent" in str(missing.error)
    assert "takes two" in str(few.error)


def test_an_editor_gets_one_child_per_entry(folder: Path) -> None:
    printer = "gdb.default_visualizer(gdb.parse_and_eval('*fixture_map'))"
    counted, shown = at_stop(
        "owned_string_keys",
        folder,
        f"python print({printer}.num_children(), len(list({printer}.children())))",
        f"python p = {printer}; print([(n, str(v)) for n, v in map(p.child, range(3))])",
    )
    count = next(row["value"] for row in rows(folder, "header") if row["field"] == "count")
    assert counted.output.split() == [count, str(2 * int(count))]
    values = {f"[{row['key']}]": row["value"] for row in rows(folder, "entries")}
    found = ast.literal_eval(shown.output)
    assert len(found) == 3
    for name, value in found:
        assert values[name.encode().decode("unicode_escape")] == value


def test_get_takes_strings(folder: Path) -> None:
    by_text, negative = at_stop(
        "owned_string_keys",
        folder,
        'print $hmap_get(fixture_map, "plain")',
        'print -$hmap_get(fixture_map, "plain")',
    )
    value = next(row["value"] for row in rows(folder, "entries") if row["key"] == "plain")
    assert by_text.output.endswith(f"= {value}\n")
    assert negative.output.endswith(f"= {-int(value)}\n")


def test_printer_shows_the_entries_and_honours_the_limit(folder: Path) -> None:
    whole, cut, broken = at_stop(
        "one_bucket",
        folder,
        "print *fixture_map",
        "with print elements 4 -- print *fixture_map",
        "print *(struct hmap *) fixture_map->type",
    )
    entries = rows(folder, "entries")
    pairs = ", ".join(f"[{row['key']}] = {row['value']}" for row in entries)
    assert whole.output.endswith(f'"one_bucket" with 5 entries = {{{pairs}}}\n')
    assert cut.output.rstrip().endswith("...}")
    assert cut.output.count("] = ") == 2
    assert "= <" in broken.output and "Traceback" not in broken.output + broken.messages


# ---- --buckets, --json, --limit ------------------------------------------------------------------


@pytest.mark.parametrize("stop", ["overflow_chains", "doubling_half", "tombstones", "boxed_both"])
def test_buckets_are_shown_slot_by_slot(stop: str, folder: Path) -> None:
    at_stop(stop, folder)
    occupancy = rows(folder, "occupancy")
    entries = rows(folder, "entries")
    arrays = {row["array"] for row in occupancy}
    commands = {
        array: f"hmap-dump fixture_map --limit 0 --buckets {'old:' if array != 'buckets' else ''}"
        f"0-{sum(row['array'] == array for row in occupancy) - 1}"
        for array in sorted(arrays)
    }
    outcomes = at_stop(stop, folder, *commands.values())
    for array, outcome in zip(commands, outcomes):
        mine = [row for row in occupancy if row["array"] == array]
        text = outcome.output
        assert len(re.findall(r"^(old )?bucket [\d,]+ +0x", text, re.M)) == len(mine)
        links = re.findall(r"^ *(?:overflow \d+ of )?(?:old )?bucket .*0x", text, re.M)
        assert len(links) == sum(int(row["chain"]) for row in mine)
        live = re.findall(r"^ +\d  0x([0-9a-f]{2}) live +(.*) -> (.*)$", text, re.M)
        wanted = [row for row in entries if row["array"] == array]
        assert [(int(byte, 16), key, value) for byte, key, value in live] == [
            (int(row["tophash"]), row["key"], row["value"]) for row in wanted
        ]
        staying = [row for row in mine if row["evacuated"] == "0"]
        dead = len(re.findall(r"^ +\d  0x01 emptyOne", text, re.M))
        assert dead == sum(int(row["deleted"]) for row in staying)


def test_buckets_that_are_not_there(folder: Path) -> None:
    outcomes = at_stop(
        "half_deleted",
        folder,
        *(
            Fails(f"hmap-dump fixture_map --buckets {text}")
            for text in ("x", "5-3", "0-256", "old:0", "spare:1", "-1", "1-2-3")
        ),
    )
    for outcome in outcomes:
        assert outcome.error and "\n" not in outcome.error and ": " in outcome.error, outcome


def test_json_says_what_the_summary_and_the_csv_say(folder: Path) -> None:
    (outcome,) = at_stop("doubling_half", folder, f"hmap-dump fixture_map --json {folder}/d.json")
    document = json.loads((folder / "d.json").read_text(encoding="utf-8"))
    occupancy = rows(folder, "occupancy")
    numbers = document["statistics"]
    assert document["format"] == "hmap-dump/1"
    for name in ("live", "deleted", "empty", "evacuated"):
        assert numbers[name] == sum(int(row[name]) for row in occupancy)
    assert sum(k * count for k, count in enumerate(numbers["occupancy"])) == numbers["live"]
    assert document["header"]["growing"] is True
    assert [one["name"] for one in document["verdicts"]] == ["growing"]
    assert document["problems"] == []
    memory = document["memory"]
    assert memory["held"] >= memory["buckets"] + memory["overflow"] + memory["spare"]
    assert f"{numbers['live']:,} in " in outcome.output


def test_limit_cuts_the_rows_and_says_so(folder: Path) -> None:
    (outcome,) = at_stop(
        "half_deleted", folder, f"hmap-dump fixture_map --limit 7 --entries {folder}/e.csv"
    )
    wanted = (folder / "truth" / "entries.csv").read_text().splitlines(keepends=True)
    assert (folder / "e.csv").read_text() == "".join(wanted[:8])
    assert "the first 7 of 500 entries" in outcome.output


def test_plots_are_pictures_of_their_kind(folder: Path) -> None:
    names = ("a.png", "b.svg", "c.pdf")
    options = " ".join(f"--plot {folder}/{name}" for name in names)
    at_stop("half_deleted", folder, f"hmap-dump fixture_map {options}")
    starts = [(folder / name).read_bytes()[:5] for name in names]
    assert starts == [b"\x89PNG\r", b"<?xml", b"%PDF-"]


def test_bare_address_with_its_type(folder: Path) -> None:
    plain, typed = at_stop(
        "half_deleted",
        folder,
        "hmap-dump fixture_map",
        'hmap-dump --type "struct hmap" fixture_map->buckets ? (long) fixture_map : 0',
    )
    assert plain.output.splitlines()[1:] == typed.output.splitlines()[1:]


# ---- layouts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", ["one_bucket", "boxed_both", "align_32", "align_1", "struct_keys"])
def test_layout_is_that_of_offsetof(stop: str, folder: Path) -> None:
    at_stop(stop, folder, f"hmap-layout fixture_map --json {folder}/l.json")
    document = json.loads((folder / "l.json").read_text(encoding="utf-8"))
    wanted = {(row["struct"], row["field"]): row for row in rows(folder, "layout")}
    checked = 0
    for struct in document["structs"]:
        name = struct["name"].replace("struct ", "")
        whole = wanted[name, ""]
        assert struct["size"] == int(whole["size"])
        for field in struct["fields"]:
            row = wanted[name, field["name"]]
            assert (field["offset"], field["size"]) == (int(row["offset"]), int(row["size"]))
            checked += 1
    assert checked > 30


# ---- the commands themselves ---------------------------------------------------------------------

COMMANDS = ("hmap-dump", "hmap-check", "hmap-find", "hmap-layout")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_and_h_are_one_text(command: str) -> None:
    by_help, by_h, by_long = gdb_session(
        commands=[f"help {command}", f"{command} -h", f"{command} nosuch --help"]
    )
    normal = [line.strip() for line in by_help.output.strip().splitlines()]
    assert normal == [line.strip() for line in by_h.output.strip().splitlines()]
    assert by_h.output == by_long.output
    assert "Example:" in by_h.output


def test_overview_names_every_command() -> None:
    (overview,) = gdb_session(commands=["hmap"])
    for command in COMMANDS:
        assert f"\n  {command} " in overview.output


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("hmap-dump fixture_map --c", {"hmap-dump fixture_map --csv"}),
        (
            "hmap-dump fixture_map --",
            {
                f"hmap-dump fixture_map --{name}"
                for name in (
                    "buckets csv elem-type entries guard json key-type limit plot type".split()
                )
            },
        ),
        ("hmap-dump fixture_ma", {"hmap-dump fixture_map", "hmap-dump fixture_maps"}),
        ("hmap-check fixture_map->bucke", {"hmap-check fixture_map->buckets"}),
        ("hmap-dump fixture_map --csv READM", {"hmap-dump fixture_map --csv README.md"}),
        ("set hmap max", {"set hmap max-string"}),
    ],
)
def test_completion(line: str, wanted: set[str]) -> None:
    (outcome,) = gdb_session(fixture_program("dev", "states"), commands=[f"complete {line}"])
    got = {text for text in outcome.output.splitlines() if not text.endswith("_count")}
    assert wanted <= got, got
    if "fixture_ma" not in line or "--" in line:
        assert got == wanted


def test_debug_shows_where_an_error_arose() -> None:
    """Without another setting; and also of an error that cost a list only one map."""
    broken = "python import {0} as m; m.{1} = lambda *given, **named: (lambda: 1 / 0)()"
    words = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set width 0"]
    for command in (
        "source gdb/hmap.py",
        "break fixture_stop",
        "run",
        broken.format("hmapdbg.reach.resolve", "resolve"),
        "hmap-dump fixture_map",
        "set hmap debug on",
        "hmap-dump fixture_map",
        broken.format("hmapdbg.listing.collect", "survey"),
        "hmap-list --limit 1",
    ):
        words += ["-ex", command]
    done = limits.run([*words, fixture_program("dev", "service")], cwd=ROOT, capture_output=True)
    before, between, after = done.stderr.split("hmap-dump failed inside: ZeroDivisionError: ")
    assert "Traceback" not in before
    first = "division by zero: "
    assert between.startswith(first + "'set hmap debug on' shows where; please report it\n")
    assert after.startswith(first + "please report it\n")
    for text, function in ((between, "open_map"), (after, "_walked_row")):
        assert "Traceback (most recent call last):\n" in text and f", in {function}\n" in text
        assert "ZeroDivisionError: division by zero\n" in text
    assert "incomplete: left out: " in done.stdout


def test_parameters_hold_defaults(folder: Path) -> None:
    *_, cut, show, wrong = at_stop(
        "owned_string_keys",
        folder,
        "set hmap limit 8",
        "set hmap max-string 4",
        "hmap-dump fixture_map --buckets 0-7",
        "show hmap",
        Fails("set hmap limit -3"),
    )
    assert "output cut after 8 slots" in cut.output
    assert "the" not in str(wrong.error)[:3]
    assert "is 8." in show.output and "is 4." in show.output
