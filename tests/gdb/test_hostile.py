"""Nothing of a program's data reaches a terminal, spreadsheet, JSON, page, picture or path raw."""

from __future__ import annotations

import csv
import html.parser
import json
import re
import xml.etree.ElementTree
from collections.abc import Sequence
from pathlib import Path

import hostile
import limits
from go_fixtures import main_toolchains
from harness import ROOT, Fails, Outcome, Tries, clean_environment, gdb_session

# As a person may type them.
KEYS = ('"\\x1b[31mred"', '"\x1b]52;c;ZXZpbA==\x07"', '"a;=1+1"', '"\u202e"')
RUNS = re.compile(r"(?:^|;)[\s\x00-\x1f\"]*[=+\-@\t\r\uff1d]")
NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")


def commands_on(name: str, out: Path) -> list[str | Fails | Tries]:
    """Every command on a map; the files go to `out`."""
    stem = f"{out}/{re.sub(r'[^a-z]', '', name)[:8]}"
    files = f"--csv {stem}.o.csv --entries {stem}.csv --json {stem}.json --plot {stem}.svg --guard"
    return [
        f"hmap-dump {name} {files}",
        f"hmap-dump {name} --plot {stem}.png",
        Tries(f"hmap-dump {name} --buckets 0-0"),
        f"hmap-check {name}",
        Tries(f"hmap-layout {name}"),
        Tries(f"hmap-layout {name} --json {stem}.layout.json"),
        *(Tries(f"hmap-find {name} -- {key}") for key in KEYS),
        *(Tries(f"print $hmap_get({name}, {key})") for key in KEYS),
        Tries(f"print $hmap_len({name})"),
    ]


def listed(out: Path) -> list[str | Fails | Tries]:
    return [
        "hmap-list --limit 0",
        f"hmap-list --csv {out}/list.csv --json {out}/list.json --pprof {out}/p.gz --guard",
        f"hmap-list --save {out}/saved.json",
        f"hmap-diff {out}/saved.json --csv {out}/diff.csv --json {out}/diff.json --guard",
        Tries("hmap-list --match \x1b[31m("),
        Fails("hmap-list --sort \x1b[31m"),
        Fails(f"hmap-diff {out}/\x1b[31m"),
        Fails("hmap-dump no\x1b[31msuch"),
        Fails('print $hmap_len("no\x1b[31msuch")'),
    ]


def assert_safe(session: Sequence[Outcome]) -> None:
    for outcome in session:
        for text in (outcome.output, outcome.messages, outcome.error or ""):
            assert hostile.raw_bytes(text) == [], (outcome.command, text[:3000])
            assert len(text) < 1_000_000, outcome.command
        assert "\n" not in (outcome.error or ""), outcome
        assert "failed inside" not in (outcome.error or ""), outcome


def assert_files_safe(out: Path) -> None:
    """The files are whole, and nothing in them is run by what opens them."""
    suffixes = set()
    for path in out.iterdir():
        suffixes.add(path.suffix)
        if path.suffix == ".json":
            text = path.read_text(encoding="utf-8")
            assert json.loads(text) and not hostile.raw_bytes(text), path
        elif path.suffix == ".csv":
            assert_guarded(path)
        elif path.suffix == ".svg":
            root = xml.etree.ElementTree.parse(path).getroot()
            tags = {element.tag.rpartition("}")[2] for element in root.iter()}
            assert not tags & {"script", "foreignObject", "image", "img", "a"}, tags
        elif path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
    assert {".json", ".csv", ".svg", ".png"} <= suffixes


def assert_guarded(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        csv.field_size_limit(1 << 24)
        for row in csv.reader(file):
            for cell in row:
                assert hostile.raw_bytes(cell) == [] and "\n" not in cell, (path, cell[:200])
                parts = [part for part in cell.split(";") if not NUMBER.match(part)]
                assert not any(RUNS.match(part) for part in parts), (path, cell[:200])


def evil(name: bytes) -> str:
    """What stands in the executable for a name of the source, as a command line has it."""
    return hostile.NAMES[name].decode("utf-8", "surrogateescape")


def test_maps_of_libhmap(folder: Path, out: Path) -> None:
    program = hostile.build_c(folder)
    variable = evil(b"EVILVARI_EVILVARI_EVIL")
    session = gdb_session(
        program,
        commands=[
            "break stop",
            "run",
            *(one for name in ("texts", "structs", "named[8]") for one in commands_on(name, out)),
            *(f"hmap-dump named[{one}] --plot {out}/{one}.svg" for one in (9, 10, 11, 12, 13)),
            *(Tries(f"{one} {variable}") for one in ("hmap-dump", "hmap-check")),
            *(
                Tries(f"{one} broken")
                for one in ("hmap-dump", "hmap-check", "hmap-find", "print *")
            ),
            "set print elements 0",
            *("print *structs", "print *named[1]", "print *named[6]", "print *named[25]"),
            *listed(out),
        ],
    )
    assert_safe(session[2:])
    assert_files_safe(out)


class Page(html.parser.HTMLParser):
    """What of a page could run or load something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, text in attrs:
            is_link = name in ("src", "href") and not re.match(
                r"(data:(image/png;base64)?,|#[\w%-]*$|[\w.%/-]+\.html$)", text or ""
            )
            if is_link or name.startswith("on"):
                self.wrong.append(f"<{tag} {name}={text}>")


def test_reports_about_cores(folder: Path, out: Path) -> None:
    program, core = hostile.build_c(folder), folder / "=core\x1b[31m\u202e<b>;=1+1"
    gdb_session(
        program,
        commands=["break stop", "run", f"generate-core-file {folder}/core"],
        extension=False,
    )
    (folder / "core").rename(core)
    (folder / "second").hardlink_to(core)
    before = set(folder.iterdir())
    done = limits.run(
        [
            *(ROOT / "scripts" / "hmap-cores", "--guard", "--html", "--diff", "--most", "0"),
            *("--no-plots", "-o", out, program, core, folder / "second"),
        ],
        env=clean_environment(),
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert hostile.raw_bytes(done.stdout + done.stderr) == []
    assert set(folder.iterdir()) == before
    files = [path for path in out.rglob("*") if path.is_file()]
    names = {path.relative_to(out).as_posix() for path in files}
    assert all(re.fullmatch(r"([\w-]+/)?[\w.-]+", name, re.ASCII) for name in names), names
    assert len([one for one in files if one.name.endswith(".entries.csv")]) > 2 * len(hostile.TEXTS)
    for path in files:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".csv":
            assert_guarded(path)
        elif path.suffix == ".json":
            assert json.loads(text)
        elif path.suffix == ".html":
            page = Page()
            page.feed(text)
            assert page.wrong == [] and not page.tags & {"script", "iframe", "img", "b", "i"}
        assert hostile.raw_bytes(text) == [], (path, hostile.raw_bytes(text))


def test_maps_of_cpp(folder: Path, out: Path) -> None:
    program = hostile.build_cpp(folder)
    session = gdb_session(
        program,
        commands=[
            "break stop",
            "run",
            *(one for name in ("texts", "structs") for one in commands_on(name, out)),
            *listed(out),
        ],
    )
    assert_safe(session[2:])
    assert_files_safe(out)


def test_maps_of_go(folder: Path, out: Path) -> None:
    program = hostile.build_go(folder, main_toolchains()[-1])
    names = ("main.texts", "main.structs", "main.synced")
    session = gdb_session(
        program,
        [str(folder / "hostile.hex")],
        commands=[
            "break main.stop",
            "run",
            *(one for name in names for one in commands_on(name, out)),
            *listed(out),
        ],
    )
    assert_safe(session[2:])
    assert_files_safe(out)
