"""Go programs built by -ldflags="-s -w": maps in each state of fixtures/go/states are found, and
what is read of them equals the program's truth: live, and in cores by gdb and by the kernel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from go_fixtures import MILLION, expressions, main_toolchains, on, program_of, toolchains
from go_toolchains import Toolchain
from harness import gdb_session, run_aborting
from truth import read_csv

TRIMMED, STRIPPED, PIE = "-trimpath", "-ldflags=-s -w", "-buildmode=pie"
DUMP = f"python exec(open('{Path(__file__).resolve().parent / 'dump_listed.py'}').read())"
FEW = ("many", "growing_half", "same_size_half", "alias", "sync_large", "strings", "interfaces")


def states_of(go: Toolchain) -> list[str]:
    return [name for name in expressions(go) if name != MILLION]


def check(folder: Path, truth: Path, go: Toolchain) -> str:
    """What was dumped equals what the program told, map by map; how many there were."""
    rows = json.loads((folder / "list.json").read_text(encoding="utf-8"))["maps"]
    by_address = {row["address"]: row for row in rows}
    found = typed = 0
    missed = []
    for state in sorted(truth.iterdir()):
        told = {row["field"]: row["value"] for row in read_csv(state / "header.csv")}
        if int(told["count"]) == 0:
            continue
        row = by_address.get(told["address"])
        if row is None:
            # An array of sync.Maps: no code names their addresses (docs/go.md).
            if not state.name.startswith("sync_"):
                missed.append(f"{state.name}: {told['address']}")
            continue
        found += 1
        assert row["entries"] == int(told["count"]), row
        base = folder / row["address"]
        occupancy = Path(f"{base}.occupancy").read_bytes()
        assert occupancy == (state / "occupancy.csv").read_bytes(), state.name
        if "?" not in row["key_type"] + row["elem_type"]:
            typed += 1
            entries = Path(f"{base}.entries").read_bytes()
            assert entries == (state / "entries.csv").read_bytes(), (state.name, row)
    assert not missed, missed
    print(f"{go.name}: {found} maps found, {typed} with types")
    assert typed >= found * 0.6  # the others are arrays of maps of numbers of one size
    return f"{found}"


# All of them at a fixed address; at another one, Debian's Go and the newest, or those asked for.
BUILT: list[tuple[Toolchain, tuple[str, ...]]] = [(go, ()) for go in toolchains()] + [
    (go, (PIE,)) for go in main_toolchains()
]


@pytest.mark.parametrize(
    "go, flags", [pytest.param(*one, id=f"{one[0].name}{''.join(one[1])}") for one in BUILT]
)
def test_core_of_the_kernel(
    go: Toolchain, flags: tuple[str, ...], folder: Path, kernel_cores: None
) -> None:
    stripped = program_of("states", go, TRIMMED, STRIPPED, *flags)
    truth = folder / "truth"
    core = run_aborting([stripped, truth, *states_of(go)], folder, {"FIXTURE_ABORT": "1"})
    view = folder / "view"
    view.mkdir()
    gdb_session(stripped, core=core, commands=[DUMP, f"python dump_listed('{view}')"])
    check(view, truth, go)


@pytest.mark.parametrize("flags", [(), (PIE,)], ids=["exe", "pie"])
@on(main_toolchains())
def test_live_process_and_core_of_gdb(go: Toolchain, flags: tuple[str, ...], folder: Path) -> None:
    stripped = program_of("states", go, TRIMMED, STRIPPED, *flags)
    twin = program_of("states", go, TRIMMED, *flags)
    truth, core = folder / "truth", folder / "gdb.core"
    names = [name for name in FEW if name in expressions(go)]
    views = [folder / "live", folder / "core"]
    for view in views:
        view.mkdir()
    try:
        gdb_session(
            stripped,
            [str(truth), *names],
            commands=[
                f"symbol-file {twin}",
                "break main.fixtureStop",
                "run",
                f"symbol-file {stripped}",
                DUMP,
                f"python dump_listed('{views[0]}')",
                f"generate-core-file {core}",
            ],
        )
        gdb_session(stripped, core=core, commands=[DUMP, f"python dump_listed('{views[1]}')"])
    finally:
        core.unlink(missing_ok=True)
    assert check(views[0], truth, go) == check(views[1], truth, go)
