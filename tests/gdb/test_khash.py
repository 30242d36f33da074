"""klib's khash: gdb's files equal the ground truth that the program has written by khash's own
macros; planted faults are named."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from glib_programs import STOP, built
from harness import ROOT, Fails, gdb_session
from truth import assert_files_same, read_csv

HEADER = Path("/usr/include/htslib/khash.h")
SOURCE = ROOT / "fixtures" / "khash" / "states.c"
BUILDS = (("gcc", "-O0"), ("clang", "-O2"))

if not HEADER.exists():
    if os.environ.get("CI") == "true":
        raise pytest.UsageError("no khash.h: run scripts/setup")
    pytest.skip("no khash.h on this machine: run scripts/setup", allow_module_level=True)


def states(*by: str) -> Path:
    """fixtures/khash/states, built by a compiler with those flags."""
    return built("khash", (SOURCE,), by[0], *by[1:], "-w")  # for what khash.h itself does


@pytest.mark.parametrize("by", BUILDS, ids="".join)
def test_view_of_live_process_and_of_its_core_equals_the_truth(
    by: tuple[str, ...], folder: Path
) -> None:
    exe = states(*by)
    names = subprocess.run([exe, "--list"], check=True, capture_output=True, text=True).stdout
    truth, core = folder / "truth", folder / "core"
    commands: dict[str, list[str]] = {"live": [], "dead": []}
    for view, asked in commands.items():
        for name in names.split():
            stem = folder / view / name
            stem.mkdir(parents=True)
            asked.append(
                f"hmap-dump {name} --csv {stem}/occupancy.csv --entries {stem}/entries.csv"
            )
            asked.append(f"hmap-check {name}")
    more = [f"generate-core-file {core}", "kill", f"core-file {core}"]
    session = gdb_session(
        exe, [str(truth)], commands=[*STOP, *commands["live"], *more, *commands["dead"]]
    )
    of_view = {"live": session[2:], "dead": session[-len(commands["dead"]) :]}
    for view, outcomes in of_view.items():
        for name, dump, check in zip(names.split(), outcomes[::2], outcomes[1::2]):
            assert_files_same(folder / view / name, truth / name)
            (count, room) = (row["value"] for row in read_csv(truth / name / "facts.csv"))
            assert check.output == f"consistent: {int(count):,} entries\n", name
            if name != "empty":
                assert re.search(rf"grows above {int(room):,} entr(y|ies)\n", dump.output), name


FAULTS = {
    "ints->size = 999": ("F1", "F2"),
    "ints->n_occupied = 1001": ("F2",),
    "ints->upper_bound = 5000": ("F9",),
    "ints->flags[3] = 0xaaaaaaaa": ("F1",),
    "ints->keys[$slot] = ints->keys[$other]": ("F6",),
}
SLOTS = (
    "python live = [slot for slot in range(2048) if not int(gdb.parse_and_eval("
    "f'ints->flags[{slot >> 4}] >> {2 * (slot & 15)} & 3'))][:2];"
    "gdb.set_convenience_variable('slot', live[0]); gdb.set_convenience_variable('other', live[1])"
)


def test_commands_and_planted_faults(folder: Path) -> None:
    commands = [*STOP, SLOTS]
    for poke in FAULTS:
        place = poke.partition(" = ")[0]
        commands += [
            f"set var $before = {place}",
            f"set var {poke}",
            "hmap-check ints",
            f"set var {place} = $before",
        ]
    asked = {
        "hmap-list --family khash": r"points   const char \* -> Point\n",
        'hmap-find texts -- "key-77"': r"is in slot \d+, flags at 0x[0-9a-f]+ \(500 entries",
        "hmap-find wide -- 8589934592": r"  elem  0x[0-9a-f]+  0.5\n",
        "hmap-dump tombstoned": r"slots      live 1\d\.\d%   deleted \d+\.\d%",
        'print $hmap_get(points, "point-9")': r"= \{x = 9, y = 9\}",
        "print $hmap_len(names)": r"= 500\n",
        "hmap-dump ints --buckets 0-0": r"run 0  0x[0-9a-f]+\n    0  0x0\d (live|empty)",
    }
    exe = states("gcc", "-O0")
    refused = ["set var ints->n_buckets = 77", Fails("hmap-dump ints")]
    session = gdb_session(exe, [str(folder)], commands=[*commands, *asked, *refused])
    for number, (poke, wanted) in enumerate(FAULTS.items()):
        check = session[3 + 4 * number + 2]
        found = set(re.findall(r"^(F\d+) 0x", check.output, re.MULTILINE))
        assert found == set(wanted), (poke, check.output)
    for (command, pattern), outcome in zip(asked.items(), session[len(commands) :]):
        assert re.search(pattern, outcome.output), (command, outcome.output)
    assert session[-1].error is not None and "is not a valid map" in session[-1].error
