"""hmap-cores --diff and --html: the leak is listed first, pages are complete and load nothing."""

from __future__ import annotations

import csv
import json
import re
import resource
from dataclasses import replace
from pathlib import Path

import pytest

import limits
from hmapdbg.cores.job import MapResult
from hmapdbg.cores.page import write_pages
from hmapdbg.cores.run import Core, CoreResult
from hmapdbg.listing.rows import Listing, Row
from rig import fixture_program, hmap_cores, take_cores

HOSTILE = '<script>alert("x")</script>&amp;\'"'
LEAK = "service.tenants[133].sessions"


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A program with a leak, and two cores of one run of it."""
    folder = tmp_path_factory.mktemp("looks")
    program = fixture_program("tenants")
    first, second = folder / "monday", folder / "tuesday"
    take_cores(
        program,
        [],
        "break fixture_stop",
        "run",
        f"generate-core-file {first}",
        "continue",
        f"generate-core-file {second}",
    )
    return program, first, second


def lift_memory_limit() -> None:
    """Lifts the limit of scripts/test: a browser reserves far more memory than it uses."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def show(page: Path, *options: str) -> tuple[str, bytes]:
    """A browser's console output without a network, and its screenshot of the page."""
    picture = page.with_suffix(".shot.png")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += ["--enable-logging=stderr", "--host-resolver-rules=MAP * ~NOTFOUND"]
    command += [f"--user-data-dir={page.parent}/.browser", f"--screenshot={picture}", *options]
    done = limits.run([*command, page.as_uri()], before=lift_memory_limit, capture_output=True)
    assert done.returncode == 0, done.stderr
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return "\n".join(console), picture.read_bytes()


def test_two_cores_name_the_leak_and_make_pages(
    looks: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ("--diff", "--html", "--no-entries", "--most", "2")
    run = hmap_cores(*options, *looks, output=out)
    assert run.status == 0, run
    lines = run.output.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("compared with "))
    assert lines[at + 2].split()[0] == "+800" and LEAK in lines[at + 2]
    assert "no old keys are gone" in lines[at + 3]
    rows = (out / "diff.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("path,state,family,") and rows[1].startswith(f"{LEAK},,libhmap,")
    index = (out / "index.html").read_text(encoding="utf-8").replace("<wbr>", "")
    assert index.index(LEAK) < index.index(".jobs")
    assert 'href="tuesday/index.html"' in index and "<polyline" in index
    page = (out / "tuesday" / "index.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 2
    assert f"hmap-dump {LEAK}" in page and str(looks[2]) in page
    for text in (index, page):
        # The page loads nothing.
        assert not re.search(r'(?:src|href)="(?!data:|#|[\w.%/-]+\.html)', text)
    for path, size in (
        (out / "index.html", "390,900"),
        (out / "tuesday" / "index.html", "1200,900"),
    ):
        console, picture = show(path, f"--window-size={size}")
        assert console == ""
        assert len(picture) > 20_000  # a blank one has 5,000 bytes


def test_cores_that_were_not_searched_to_the_end_say_so(
    looks: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    """And what one look may have missed is neither new nor gone."""
    out = tmp_path / "out"
    program, first, second = looks
    cut = (
        "python import itertools, time; "
        "time.process_time = lambda looks=itertools.count(): 0 if next(looks) < 300 else 10000"
    )
    options = ("--diff", "--html", "--no-entries", "--no-plots", "--most", "2", "--ex", cut)
    run = hmap_cores(*options, program, first, second, output=out)
    assert run.status == 2, run
    lines = run.output.splitlines()
    for name in (first, second):
        told = next(line for line in lines if line.startswith(str(name)))
        assert "; incomplete: the search ended after 90 s: of " in told
    assert "incomplete before: the search ended after 90 s: of " in run.output
    assert "maps seen by both looks" in run.output
    states = {row["state"] for row in csv.DictReader((out / "diff.csv").read_text().splitlines())}
    assert states <= {""}
    for name in ("monday", "tuesday"):
        assert json.loads((out / name / "maps.json").read_text())["complete"] is False
    index = (out / "index.html").read_text(encoding="utf-8")
    assert "incomplete before: " in index and "at least " in index
    assert "at least " in (out / "monday" / "index.html").read_text(encoding="utf-8")


def test_diff_and_html_mistakes(looks: tuple[Path, Path, Path], tmp_path: Path) -> None:
    program, first, _ = looks
    run = hmap_cores("--diff", "--map", "service", program, first, output=tmp_path / "out")
    assert run.status == 3
    assert run.messages == "hmap-cores: --diff is of all maps: leave --map out\n"
    (tmp_path / "empty").write_bytes(b"")
    options = ("--diff", "--html", "--no-entries", "--no-plots", "--most", "1")
    run = hmap_cores(*options, program, first, tmp_path / "empty", output=tmp_path / "out")
    assert run.status == 2
    assert "no difference: needs two cores with listed maps" in run.output
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "an empty file" in index and "<polyline" not in index


def test_what_cores_say_is_escaped(tmp_path: Path) -> None:
    row = Row(HOSTILE, "global", "libhmap", HOSTILE, HOSTILE, 1, 2, 8, 0, 300, 100, name=HOSTILE)
    one = MapResult("m", HOSTILE, family=HOSTILE, types=HOSTILE, evidence=[HOSTILE], problems=1)
    results = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        core = Core(f"/{name}", f"{HOSTILE}{name}", name)
        results.append(CoreResult(core, [one], [HOSTILE], [HOSTILE], has_folder=True))
    listings = [Listing([row]), Listing([replace(row, entries=5)])]
    write_pages(str(tmp_path), f"/bin/{HOSTILE}", results, listings)
    for page in (tmp_path / "index.html", tmp_path / "b" / "index.html"):
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text.replace("<wbr>", "") and "&lt;script&gt;" in text
    console, _ = show(tmp_path / "b" / "index.html", "--blink-settings=preferredColorScheme=0")
    assert console == ""
