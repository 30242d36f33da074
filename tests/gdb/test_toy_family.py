"""A family is one module: a toy map, registered from outside the package, gets every command, file
and picture."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest

from harness import Fails, Session, gdb_session
from truth import assert_same, read_csv

TOY = Path(__file__).resolve().parent / "toy"
REGISTER = f"python import runpy; runpy.run_path({str(TOY / 'toy_family.py')!r})"
STOP = ("break fixture_stop", "run")


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("toy") / "toy"
    subprocess.run(["gcc", "-g", "-O0", "-o", program, TOY / "toy.c"], check=True)
    return program


def session_on(toy: Path, folder: Path, *commands: str | Fails) -> Session:
    every = [*STOP, REGISTER, *commands]
    return gdb_session(toy, [str(folder)], commands=every)[len(STOP) + 1 :]  # type: ignore


def test_a_toy_family_gets_every_command_and_file(toy: Path, folder: Path) -> None:
    view = folder / "view"
    view.mkdir()
    outcomes = session_on(
        toy,
        folder,
        f"hmap-dump toys --csv {view}/o.csv --entries {view}/e.csv --json {view}/d.json"
        f" --plot {view}/p.svg",
        "hmap-check toys",
        "hmap-find toys -- 841",
        "hmap-find toys -- 842",
        "hmap-list --csv -",
        "hmap-list --family toy --csv -",
        "hmap-dump toys --buckets 0-1",
        "hmap-layout toys",
        "print $hmap_len(toys)",
        "print $hmap_get(toys, 841)",
        f"generate-core-file {folder}/core",
        Fails("hmap-dump toys --buckets old:0"),
    )
    assert_same(view / "o.csv", folder / "occupancy.csv")
    assert_same(view / "e.csv", folder / "entries.csv")
    rows = read_csv(folder / "occupancy.csv")
    probes = probe_lengths([row["live"] == "1" for row in rows])

    summary = outcomes[0].output
    assert "toys   (struct toy_map *) 0x" in summary and "   toy   int64_t -> int32_t" in summary
    assert "entries    600 in 1,024 slots, load 0.59 of 0.75\n" in summary
    assert "slots      live 58.6%   deleted 0.0%   empty 41.4%   of 1,024 in use\n" in summary
    longest = f"longest {max(probes)}, first from slot {probes.index(max(probes))}\n"
    assert longest in summary
    assert "chains" not in summary and "chi²" not in summary and "Problem" not in summary
    document = json.loads((view / "d.json").read_text(encoding="utf-8"))
    assert document["header"]["geometry"] == "slots" and document["problems"] == []
    statistics = document["statistics"]
    assert statistics["live"] == 600 and statistics["empty"] == 424
    assert statistics["mean_probe"] == pytest.approx(sum(probes) / len(probes))
    # A header, and slots of 16 bytes; a rebuilt map needs the same.
    assert document["memory"]["held"] == document["memory"]["rebuilt"] == 24 + 1024 * 16
    assert "Occupancy of each slot" in (view / "p.svg").read_text(encoding="utf-8")

    assert outcomes[1].output == "consistent: 600 entries\n"
    entry = next(row for row in read_csv(folder / "entries.csv") if row["key"] == "841")
    address = next(row["address"] for row in rows if row["bucket"] == entry["bucket"])
    found = outcomes[2].output.splitlines()
    assert found[0] == (
        f"841 is in slot {int(entry['bucket']):,}, at {address} (600 entries compared)"
    )
    assert found[1].split()[-1] == "841" and found[2].split()[-1] == "-29"
    assert outcomes[3].output == "842 is absent (600 entries compared)\n"
    for listed in outcomes[4], outcomes[5]:
        (row,) = csv.DictReader(io.StringIO(listed.output))
        assert (row["path"], row["family"], row["entries"]) == ("toys", "toy", "600")
        assert (row["capacity"], row["held"]) == ("1024", str(24 + 1024 * 16))
    state = "live" if rows[0]["live"] == "1" else "empty"
    assert outcomes[6].output.splitlines()[-4:-2] == [
        f"slot 0  {rows[0]['address']}",
        f"    0  {state}"
        + "".join(f"  {one['key']} -> {one['value']}" for one in at_slot(folder, 0)),
    ]
    assert "toy_capacity" in outcomes[7].output
    assert outcomes[8].output == "$1 = 600\n" and outcomes[9].output.endswith(" = -29\n")
    assert "no array 'old'" in (outcomes[11].error or "")

    again = gdb_session(
        toy, core=folder / "core", commands=[REGISTER, f"hmap-dump toys --csv {view}/core.csv"]
    )
    assert again[1].output == summary
    assert_same(view / "core.csv", folder / "occupancy.csv")


def test_a_toy_with_planted_faults_is_told(toy: Path, folder: Path) -> None:
    outcomes = session_on(
        toy,
        folder,
        "set var toys->toy_count = 599",
        "hmap-check toys",
        "set var toys->toy_count = 600",
        "python m = gdb.parse_and_eval('toys')",
        "python used = [i for i in range(1024) if int(m['toy_slots'][i]['used'])]",
        "python gdb.execute(f'set var toys->toy_slots[{used[5]}].key = '"
        " f'toys->toy_slots[{used[9]}].key')",
        "hmap-check toys",
        "set var toys->toy_capacity = 1UL << 40",
        "hmap-dump toys",
    )
    assert (
        "I1 0x" in outcomes[1].output and "count is 599, but 600 live cells" in outcomes[1].output
    )
    assert "K1 0x" in outcomes[6].output and "is also live at" in outcomes[6].output
    assert "cannot be read" in outcomes[8].output


def at_slot(folder: Path, number: int) -> list[dict[str, str]]:
    rows = read_csv(folder / "entries.csv")
    return [row for row in rows if row["bucket"] == str(number)]


def probe_lengths(used: list[bool]) -> list[int]:
    """Linear probing: the slots that the lookup of an absent key visits, from each slot."""
    lengths = []
    for start in range(len(used)):
        length = 1
        while used[(start + length - 1) % len(used)]:
            length += 1
        lengths.append(length)
    return lengths
