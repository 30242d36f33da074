"""hmap-list and hmap-diff: options, files, errors."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from built import fixture_program
from harness import Fails, gdb_session

STOP = ("break fixture_stop", "run")


def test_options_and_files(folder: Path) -> None:
    session = gdb_session(
        fixture_program("dev", "service"),
        commands=[
            *STOP,
            "hmap-list",
            "hmap-list --sort entries --limit 2",
            "hmap-list --match ^server.c --csv -",
            "hmap-list --family libhmap --min-bytes 1000000 --csv -",
            "hmap-list --family swiss",
            f"hmap-list --save {folder}/saved.json --csv {folder}/a.csv --pprof {folder}/p.pb.gz",
            f"hmap-diff {folder}/saved.json",
            "delete",
            "break shut_down",
            "continue",
            f"hmap-diff '{folder}/saved.json' --match sess --csv -",
        ],
    )
    lines = session[2].output.splitlines()
    assert lines[0].split() == ["held", "wasted", "entries", "fill", "deleted", "map"]
    assert [line.rpartition("   ")[0].split()[-1] for line in lines[1:7]] == [
        "server.subscriptions",
        "fixture_map",
        "server.connections",
        "server.prices",
        "server.cache",
        "server.rate_limits",
    ]
    assert lines[2].endswith('int64_t -> struct session *  "sessions"')
    assert lines[7] == "6 maps hold 8.6 MiB, 2.9 MiB of it wasted: 6 by globals"
    lines = session[3].output.splitlines()
    assert "fixture_map" in lines[1] and "server.subscriptions" in lines[2]
    assert lines[3] == "4 more, which hold 3.0 MiB: '--limit N' shows N, 0 all"
    chosen = list(csv.DictReader(io.StringIO(session[4].output)))
    assert [row["path"] for row in chosen] == ["server.connections", "server.cache"]
    chosen = list(csv.DictReader(io.StringIO(session[5].output)))
    assert [row["name"] for row in chosen] == ["subscriptions", "sessions", "connections"]
    assert session[6].output == "none of 6 maps matches\n"
    saved = json.loads((folder / "saved.json").read_text(encoding="utf-8"))
    assert saved["format"] == "hmap-list/1"
    assert all(0 < len(row["sample"]["keys"]) <= 256 for row in saved["maps"])
    assert session[8].output.splitlines()[1] == "no change in 6 maps"
    # The program has set its other pointer to the map to NULL; it is still the same map.
    assert session[12].output.splitlines()[1:] == []


def test_mistakes(folder: Path) -> None:
    (folder / "text").write_text("hello\n", encoding="utf-8")
    (folder / "other.json").write_text('{"format": "hmap-dump/1"}\n', encoding="utf-8")
    (folder / "damaged.json").write_text(
        '{"format": "hmap-list/1", "maps": [{"path": 3}], "taken_at": null}\n', encoding="utf-8"
    )
    mistakes = {
        "hmap-list": "no process and no core file: start the program",
        "hmap-list sessions": "unexpected 'sessions': hmap-list takes only options",
        "hmap-list --sort size": "option '--sort' takes held, wasted, entries, deleted, growth",
        "hmap-list --match (": "option '--match' takes a regular expression: ",
        "hmap-list --limit many": "option '--limit' takes a number",
        "hmap-diff": "name one file that 'hmap-list --save FILE' has written",
        f"hmap-diff {folder}/none": "no such file or directory: check the path",
        f"hmap-diff {folder}/text": "is no saved list: it is not JSON",
        f"hmap-diff {folder}/other.json": "its format is not 'hmap-list/1'",
        f"hmap-diff {folder}/damaged.json": "it is damaged: ",
        f"hmap-diff {folder}": "is a directory",
    }
    session = gdb_session(
        fixture_program("dev", "service"), commands=[Fails(line) for line in mistakes]
    )
    for (line, expected), error in zip(mistakes.items(), session.errors, strict=True):
        assert expected in error, line
        assert "\n" not in error


def test_program_without_maps_or_debug_info() -> None:
    session = gdb_session("/bin/true", commands=["starti", "hmap-list"])
    first, said, last = session[1].output.splitlines()
    assert said == "no maps found, but not everything was searched: see below"
    assert first == last
    assert first.startswith(
        "incomplete: no variables are known: the program has no debug info (build"
    )


def test_family_takes_its_words_alone() -> None:
    session = gdb_session(
        fixture_program("dev", "service"),
        commands=[*STOP, Fails("hmap-list --family std"), Fails("hmap-list --family o")],
    )
    for outcome in session[2:]:
        assert outcome.error and "option '--family' takes libhmap, bucket, go," in outcome.error


def test_a_map_is_chosen_by_any_of_its_paths() -> None:
    """fixture_map is server.sessions: hmap-list shows the path that matches."""
    session = gdb_session(
        fixture_program("dev", "service"),
        commands=[
            *STOP,
            "print fixture_map == server.sessions",
            "hmap-list --match ^fixture_map$ --csv -",
            "hmap-list --match ^server.sessions$ --csv -",
        ],
    )
    assert session[2].output == "$1 = 1\n"
    for outcome, path in zip(session[3:], ("fixture_map", "server.sessions")):
        (row,) = csv.DictReader(io.StringIO(outcome.output))
        assert row["path"] == path and row["name"] == "sessions"


def test_diff_says_that_the_saved_list_was_chosen(folder: Path) -> None:
    saved = f"{folder}/saved.json"
    session = gdb_session(
        fixture_program("dev", "service"),
        commands=[
            *STOP,
            f"hmap-list --match cache --save {saved}",
            f"hmap-diff {saved}",
            f"hmap-diff {saved} --match cache",
        ],
    )
    cut = "incomplete before: it has only the maps chosen by '--match cache'"
    assert session[3].output.count(cut) == 2 and "5 maps seen only now" in session[3].output
    assert session[3].output.splitlines()[3] == "no change in 1 maps seen by both looks"
    assert len(session[4].output.splitlines()) == 2, session[4].output


INTERRUPTING = Path(__file__).resolve().parent / "interrupting.py"


def interrupted(module: str, name: str, call: int) -> list[str]:
    """The commands that have the next command interrupted as by Ctrl-C."""
    return [
        f"python exec(open('{INTERRUPTING}').read())",
        f"python interrupt_at('{module}', '{name}', {call})",
    ]


def test_ctrl_c_in_the_search_shows_what_was_found(folder: Path) -> None:
    saved, document = folder / "saved.json", folder / "list.json"
    session = gdb_session(
        fixture_program("dev", "service"),
        commands=[
            *STOP,
            f"hmap-list --save {saved}",
            *interrupted("reach.walk", "open_map", 4),
            f"hmap-list --json {document} --csv -",
            *interrupted("reach.walk", "open_map", 4),
            "hmap-list",
            *interrupted("reach.walk", "open_map", 4),
            f"hmap-diff {saved}",
            *interrupted("listing.collect", "has_registry", 1),
            "hmap-list",
            f"hmap-diff {document}",
        ],
    )
    rows = list(csv.DictReader(io.StringIO(session[5].output)))
    assert len(rows) == 3 and {row["complete"] for row in rows} == {"0"}
    told = json.loads(document.read_text(encoding="utf-8"))
    assert told["complete"] is False and len(told["maps"]) == 3
    assert "ended by Ctrl-C: of " in told["cuts"][0]
    assert told["cuts"][1] == "globals searched only in part, locals, the registry not at all"
    first, second, *table, total, _, last = session[8].output.splitlines()
    assert first.startswith("incomplete: the search was ended by Ctrl-C")
    assert second == last == f"incomplete: {told['cuts'][1]}"
    assert len(table) == 4 and total.startswith("at least 3 maps hold at least ")
    assert "3 maps seen only before" in session[11].output and " gone" not in session[11].output
    assert "no change in 3 maps seen by both looks" in session[11].output
    # Before anything was searched.
    assert "no maps found, but not everything was searched" in session[14].output
    assert "3 maps seen only now" in session[15].output and " new" not in session[15].output


def test_ctrl_c_in_the_walks_leaves_the_numbers_of_headers() -> None:
    session = gdb_session(
        fixture_program("dev", "service"),
        commands=[*STOP, *interrupted("listing.collect", "survey", 3), "hmap-list"],
    )
    first, *rows, total, note = session[4].output.splitlines()
    assert first.startswith("4 of 6 maps were not walked: their numbers, marked '~'")
    assert [row.lstrip().startswith("~") for row in rows] == [False] * 3 + [True] * 4
    assert total.startswith("6 maps hold ")
    assert note.startswith("note: 4 maps were not walked because of Ctrl-C: their numbers are from")


def test_a_list_of_another_program_is_doubted(folder: Path) -> None:
    saved = folder / "saved.json"
    gdb_session(fixture_program("dev", "service"), commands=[*STOP, f"hmap-list --save {saved}"])
    renamed = folder / "renamed"
    renamed.write_bytes(fixture_program("dev", "service").read_bytes())
    renamed.chmod(0o755)
    doubt = "'renamed': unless it was renamed, maps that match do so by chance"
    session = gdb_session(renamed, commands=[*STOP, f"hmap-diff {saved}"])
    assert session[-1].output.splitlines()[-1] == (
        f"note: '{saved}' was saved of the program 'service', this one is {doubt}"
    )
