"""The layouts of all releases of Abseil, and of parallel-hashmap, in a program of their structs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from cpp_programs import compiled
from harness import Fails, gdb_session
from truth import read_csv

STOP = ("break fixture_stop", "run")


@dataclass(frozen=True)
class Made:
    """A map of absl_layouts.cc, and what was put into it."""

    name: str
    size: int
    deleted: int = 0
    array: str = "slots"
    is_sampled: bool = False


SOME = [
    Made(f"{release}_some", 500, 100)
    for release in (
        "v2022 v2023_01 v2023_08 v2024_01 v2024_07 v2025_05 v2025_08 v2026_05 v2026_08 phmap"
    ).split()
]
SAMPLED = [
    Made(f"{release}_sampled", 20, 5, is_sampled=True)
    for release in ("v2024_01", "v2024_07", "v2025_05", "v2026_05", "v2026_08")
]
INLINE = [
    Made(f"{release}_inline", 1, array="inline")
    for release in ("v2024_07", "v2025_05", "v2025_08", "v2026_05", "v2026_08")
]
MAPS = (
    *SOME,
    *SAMPLED,
    *INLINE,
    Made("v2022_sampled", 10, 2, is_sampled=True),
    Made("v2023_08_nodes", 50, 3),
    Made("v2024_07_empty", 0, array="inline"),
    Made("v2024_07_large", 1),
    Made("v2024_07_moved", 0),
    Made("v2025_08_bare", 1),
    Made("v2025_08_node", 1, array="inline"),
    Made("v2026_05_moved", 0),
    Made("v2026_08_small", 60, 2),
    Made("v2026_08_blocked", 20),
    Made("v2026_08_bare", 1),
)


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_maps_of_every_release_are_read(compiler: str, folder: Path) -> None:
    program = compiled(folder, compiler, "absl_layouts.cc")
    commands: list[str | Fails] = [*STOP]
    for made in MAPS:
        stem = folder / made.name
        commands += [
            f"hmap-dump {made.name} --entries {stem}.entries.csv --csv {stem}.csv",
            f"hmap-check {made.name}",
        ]
    shards = folder / "shards"
    commands += [
        f"hmap-dump phmap_shards --entries {shards}.entries.csv --csv {shards}.csv",
        "hmap-check phmap_shards",
        "hmap-find phmap_shards -- 150",
        "print $hmap_get(v2026_08_some, 7)",
        Fails("hmap-dump v2024_07_destroyed"),
        "hmap-list --limit 0",
    ]
    session = gdb_session(program, commands=commands)[2:]
    for made, dump, check in zip(MAPS, session[::2], session[1::2]):
        assert check.output.startswith(f"consistent: {made.size} entries\n"), (made, check.output)
        rows = read_csv(folder / f"{made.name}.csv")
        assert sum(int(row["deleted"]) for row in rows) == made.deleted, made
        assert {row["array"] for row in rows} <= {made.array}, made
        found = {
            int(row["key"]): row["value"]
            for row in read_csv(Path(f"{folder}/{made.name}.entries.csv"))
        }
        assert sorted(found) == list(range(made.size)), made
        if "Large" not in dump.output:
            assert all(int(value) == -key for key, value in found.items()), made
        assert ("sampled by hashtablez" in dump.output) == made.is_sampled, dump.output
        assert ("moved from" in dump.output) == made.name.endswith("_moved"), dump.output
        assert "Problem" not in dump.output
    dump, check, find, got, destroyed, listing = session[2 * len(MAPS) :]
    assert "entries    300 in 24 runs of 3 tables" in dump.output
    assert check.output == "consistent: 300 entries\n"
    assert [row["array"] for row in read_csv(Path(f"{shards}.csv"))][::8] == ["0", "1", "2"]
    keys = [int(row["key"]) for row in read_csv(Path(f"{shards}.entries.csv"))]
    assert keys == list(range(300))
    assert "in slot 50 of table 1" in find.output
    assert got.output == "$1 = -7\n"
    assert destroyed.error is not None and "it was destroyed" in destroyed.error
    assert "phmap_shards   int -> int" in listing.output
