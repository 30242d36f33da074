"""The bytes that maps of C and C++ hold are those of malloc's chunks, where they are from malloc;
else it is said that the allocator's rounding is not known."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cpp_programs import PROGRAMS, compiled
from harness import Outcome, gdb_session

UNKNOWN = (
    "held without the allocator's rounding: {}, whose memory is not from glibc's malloc, but from "
    "another allocator or a pool"
)


def held(
    exe: Path, folder: Path, *dumped: str
) -> tuple[Outcome, dict[str, Any], Sequence[Outcome]]:
    """What a program has printed, its list, and dumps of some of its maps."""
    document = folder / "list.json"
    dumps = [f"hmap-dump {one}" for one in dumped]
    session = gdb_session(
        exe, commands=["break stop", "run", f"hmap-list --json {document}", *dumps]
    )
    return session[1], json.loads(document.read_text("utf-8")), session[3:]


def rows_of(document: dict[str, Any]) -> dict[str, Any]:
    return {row["path"]: row for row in document["maps"]}


def test_cpp(folder: Path) -> None:
    exe = compiled(folder, "g++", "held.cc")
    told, document, dumps = held(exe, folder, "reserved", "pooled", "unused")
    rows = rows_of(document)
    numbers = re.findall(r"^held (\w+) (\d+) (\d+)$", told.output, re.MULTILINE)
    assert len(numbers) == 9
    for name, size, grown in numbers:
        # A freed array may leave a rest that is too small for a chunk.
        more = int(size) - rows[name]["held"]
        assert more in range(0, 16 * int(grown) + 1, 16), name
        assert not more or name == "grows"
    assert "KiB held with rounding (buckets" in dumps[0].output
    assert "KiB held without rounding (buckets" in dumps[1].output
    assert "56 bytes held, wasted" in dumps[2].output
    assert document["notes"] == [UNKNOWN.format("1 map")]


def test_another_allocator_for_all(folder: Path) -> None:
    exe = compiled(folder, "g++", "held.cc", flags=["-DOTHER_MALLOC"])
    _, document, dumps = held(exe, folder, "reserved")
    reserved = rows_of(document)["reserved"]
    assert reserved["held"] == 56 + 8 * reserved["capacity"] + 24 * 1000
    assert "held without rounding (" in dumps[0].output
    assert document["notes"] == [UNKNOWN.format("9 maps")]


def test_libhmap(folder: Path, compile_program: Callable[..., Path]) -> None:
    exe = compile_program("held", (PROGRAMS / "held.c").read_text("utf-8"))
    told, document, dumps = held(exe, folder, "plain", "pooled")
    rows = rows_of(document)
    numbers = re.findall(r"^held (\w+) (\d+)$", told.output, re.MULTILINE)
    assert len(numbers) == 7
    sizes = {name: int(size) for name, size in numbers}
    found = {name: rows[name]["held"] for name in sizes}
    # A block that is aligned more than others may keep a rest of up to two words on each side.
    assert 0 <= sizes.pop("boxes_of_lines") - found.pop("boxes_of_lines") <= 32 * 100
    assert found == sizes
    assert "held with rounding (buckets" in dumps[0].output
    assert "held without rounding (buckets" in dumps[1].output
    assert document["notes"] == [UNKNOWN.format("1 map")]
