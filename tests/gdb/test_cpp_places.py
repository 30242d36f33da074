"""Maps named by expressions of C++ that gdb has a meaning for, and by references: commands and
convenience functions agree with the program, and with one another."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from pathlib import Path

import pytest

from harness import Fails, Session, Tries, gdb_session

PROGRAM = Path(__file__).resolve().parent / "programs" / "places.cc"
STOP = ("break stop", "run")
NO_CALLS = "set may-call-functions off"  # which 'print *owned' would bring about


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("places") / "places"
    subprocess.run(["g++", "-g", "-std=c++17", "-o", out, PROGRAM], check=True)
    gdb_session(out, commands=[*STOP, f"generate-core-file {out.parent}/core"])
    return out


def run(built: Path, stopped: str, commands: list[str | Fails | Tries]) -> Session:
    if stopped == "core":
        core = built.parent / "core"
        return Session(gdb_session(built, core=core, commands=[NO_CALLS, *commands])[1:])
    return Session(gdb_session(built, commands=[*STOP, NO_CALLS, *commands])[3:])


@pytest.mark.parametrize("stopped", ["live", "core"])
def test_an_index_behind_a_pointer_is_that_of_an_array(built: Path, stopped: str) -> None:
    told = re.findall(
        r"^TRUTH (.*)\|(\d+)$", subprocess.run([built], capture_output=True, text=True).stdout, re.M
    )
    assert len(told) == 21
    asked: list[str | Fails | Tries] = []
    for expression, _ in told:
        # gdb itself cannot evaluate all of them, but what it can must agree.
        asked += [
            f'print $hmap_len("{expression}")',
            f"hmap-dump {expression}",
            Tries(f"print $hmap_len({expression})"),
        ]
    outcomes = run(built, stopped, asked)
    agreed = 0
    for number, (expression, size) in enumerate(told):
        text, dump, value = outcomes[3 * number : 3 * number + 3]
        assert text.output.endswith(f" = {size}\n"), (expression, text.output)
        assert re.search(rf"^entries +{size}\b", dump.output, re.M), (expression, dump.output)
        if value.error is None:
            assert value.output.endswith(f" = {size}\n"), (expression, value.output)
            agreed += 1
    assert agreed == 12


@pytest.mark.parametrize("stopped", ["live", "core"])
def test_listed_paths_of_inner_maps_open_them(built: Path, stopped: str) -> None:
    (listed,) = run(built, stopped, ["hmap-list --csv - --limit 0"])
    rows = list(csv.DictReader(listed.output.splitlines()))
    inner = [row for row in rows if row["path"].startswith("(*")]
    assert len(inner) == 26 and len(rows) == 37
    dumps = run(built, stopped, [f"hmap-dump {row['path']} --json -" for row in rows])
    for row, dump in zip(rows, dumps):
        header = json.loads(dump.output)["header"]
        assert header["address"] == row["address"] or stopped == "live", row
        assert str(header["count"]) == row["entries"], row


def test_a_key_behind_a_pointer_is_refused_with_what_to_write(built: Path) -> None:
    (first, second) = run(
        built, "live", [Fails('hmap-dump pointer["x"]'), 'print $hmap_get(*pointer, "x")']
    )
    assert first.error is not None and "write '(*pointer)[\"x\"]'" in first.error
    assert second.output.endswith(" = 1\n")


@pytest.mark.parametrize("stopped", ["live", "core"])
def test_references_in_convenience_functions(built: Path, stopped: str) -> None:
    cases = {
        "$hmap_len(table)": "3",
        '$hmap_len("table")': "3",
        "$hmap_len(moved)": "2",
        "$hmap_len(pointer)": "3",
        "$hmap_len(*pointer)": "3",
        "$hmap_len(alias)": "5",
        "$hmap_len(*volatile_map)": "23",
        "$hmap_len(holder->reference)": "24",
        "$hmap_len(owned)": "12",
        "$hmap_len(shared)": "23",
        '$hmap_get(table, "z")': "3",
        '$hmap_get(moved, "y")': "6",
        "$hmap_get(table, key)": "2",
        "$hmap_get(*holder->volatile_one, 4)": "4",
    }
    outcomes = run(built, stopped, [f"print {case}" for case in cases])
    for (case, value), outcome in zip(cases.items(), outcomes):
        assert outcome.output.endswith(f" = {value}\n"), (case, outcome.output)
