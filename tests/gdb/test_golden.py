"""The output of the commands, word for word, with addresses and folders masked.

Other tests compare the numbers with the ground truth; these pin the wording. `scripts/test
--update` rewrites tests/golden; review the difference.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest

from built import fixture_program
from harness import ROOT, Session, gdb_session

GOLDEN = ROOT / "tests" / "golden"

# State -> the commands shown.
SHOWN: dict[str, tuple[str, ...]] = {
    "empty": ("hmap-dump fixture_map", "hmap-check fixture_map", "print *fixture_map"),
    "one_bucket": ("hmap-dump fixture_map --buckets 0", "print *fixture_map"),
    "overflow_chains": ("hmap-dump fixture_map --buckets 0-2", "hmap-check fixture_map"),
    "one_chain": ("hmap-dump fixture_map --buckets 3 --limit 16", "hmap-find fixture_map -- 77"),
    "half_deleted": ("hmap-dump fixture_map", "hmap-dump fixture_map --buckets 0-1"),
    "tombstones": ("hmap-dump fixture_map", "hmap-dump fixture_map --buckets 0"),
    "never_shrunk": ("hmap-dump fixture_map",),
    "doubling_half": (
        "hmap-dump fixture_map",
        "hmap-dump fixture_map --buckets old:0",
        "hmap-dump fixture_map --buckets old:600",
        "hmap-find fixture_map -- 2",
        "hmap-find fixture_map -- -1",
    ),
    "same_size_half": ("hmap-dump fixture_map --buckets old:24",),
    "parked_iterators": ("hmap-dump fixture_map", "hmap-check fixture_map"),
    "boxed_both": ("hmap-dump fixture_map --buckets 0", "hmap-layout fixture_map"),
    "struct_keys": ("hmap-dump fixture_map --entries -", "hmap-layout fixture_map"),
    "owned_string_keys": ("hmap-dump fixture_map", 'hmap-find fixture_map -- "plain"'),
    "writer_interrupted": ("hmap-dump fixture_map",),
    "evacuation_interrupted": ("hmap-dump fixture_map", "hmap-check fixture_map"),
    "maps": ("hmap-dump fixture_maps[1] --json -", "hmap-layout struct hmap_array"),
}


def masked(text: str) -> str:
    """Text without what differs between machines: addresses (except NULL) and folders."""
    text = re.sub(r"0x[0-9a-f]{6,}", "0xADDRESS", text)
    return text.replace(str(ROOT), "ROOT")


@pytest.mark.parametrize("stop", SHOWN)
def test_output_is_the_golden_one(stop: str, folder: Path, request: pytest.FixtureRequest) -> None:
    outcomes: Session = gdb_session(
        fixture_program("dev", "states"),
        [stop, str(folder / "truth")],
        commands=["break fixture_stop", "run", *SHOWN[stop]],
    )
    shown = "".join(
        f"(gdb) {outcome.command}\n{masked(outcome.output)}\n" for outcome in outcomes[2:]
    )
    path = GOLDEN / f"{stop}.txt"
    if request.config.getoption("--update"):
        path.write_text(shown, encoding="utf-8")
        return
    assert path.exists(), f"no golden '{path.name}': make it with scripts/test --update"
    wanted = path.read_text(encoding="utf-8")
    difference = difflib.unified_diff(
        wanted.splitlines(), shown.splitlines(), "golden", "now", lineterm=""
    )
    assert shown == wanted, "\n".join(difference)


def test_no_golden_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(SHOWN)
