"""A realistic program: words of Debian's licences, counted by the map and by sort and uniq."""

from __future__ import annotations

import csv
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from built import fixture_program
from harness import ROOT, clean_environment, gdb_session

INPUT = "/usr/share/common-licenses"
ALL = 10**9


def documented_pipeline() -> str:
    """The shell pipeline in fixtures/c/wordcount.c that gives the same counts."""
    source = (ROOT / "fixtures/c/wordcount.c").read_text(encoding="utf-8")
    found = re.search(r"^ \*     (find DIR/.*?uniq -c)$", source, re.MULTILINE | re.DOTALL)
    assert found, "wordcount.c documents no pipeline"
    return found[1].replace("\n *        ", "")


def counts_by_pipeline(words: int) -> dict[str, int]:
    pipeline = documented_pipeline().replace("DIR/", f"{shlex.quote(INPUT)}/")
    pipeline = re.sub(r"\bhead -n N\b", f"head -n {words}", pipeline)
    # Not pipefail: head exits before the commands that write to it.
    listing = subprocess.run(
        ["bash", "-c", pipeline],
        env=clean_environment(),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {word: int(count) for count, word in (line.split() for line in listing.splitlines())}


@pytest.mark.parametrize("words", [1, 1000, ALL])
def test_counts_in_core_are_those_of_the_shell(words: int, build: str, folder: Path) -> None:
    expected = counts_by_pipeline(words)
    assert sum(expected.values()) == words or words == ALL and len(expected) > 1000
    exe, core, entries = fixture_program(build, "wordcount"), folder / "core", folder / "words.csv"
    gdb_session(
        exe,
        ["--stop-after", str(words), INPUT],
        commands=["break fixture_stop", "run", f"generate-core-file {core}"],
        extension=False,
    )
    (dump,) = gdb_session(exe, core=core, commands=[f"hmap-dump words --entries {entries}"])
    with entries.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(expected)
    assert {row["key"]: int(row["value"]) for row in rows} == expected
    assert re.search(rf"^entries +{len(expected):,}\b", dump.output, re.MULTILINE), dump.output
