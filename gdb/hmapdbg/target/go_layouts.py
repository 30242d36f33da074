"""The structs of Go's runtime by version, for programs without debug info: go_layouts.json, which
scripts/go-layouts makes of real programs.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..compat import dataclass

TABLE = Path(__file__).with_suffix(".json")
_VERSION = re.compile(r"(?:go|devel go)?(\d+)\.(\d+)")
# Experiments with structs of their own: the table has them as versions, "1.24-noswissmap".
EXPERIMENTS = ("noswissmap",)  # of go1.24 and 1.25: bucket maps, as before


@dataclass(frozen=True, slots=True)
class RuntimeLayouts:
    """The runtime's structs of a version. `version`: whose they are, "1.26"; `is_exact`: it is the
    program's. `types`, `constants`: as a layout file has them; `variables`: the number of the type
    of each variable."""

    version: str
    is_exact: bool
    types: list[dict[str, Any]]
    constants: list[dict[str, Any]]
    variables: dict[str, int]


def layouts_of(version: str) -> Sequence[RuntimeLayouts]:
    """The structs of the Go version "go1.26.1 X:nothing", or of the nearest that is known; of what
    is no version, as garble writes it, those of all known ones, the newest first: values decide.
    Empty: that version has no such experiment."""
    found = _VERSION.match(version)
    if found is None:
        every = sorted(_table()["versions"], key=lambda one: ("-" in one, -_minor(one)))
        return [_made(one, False) for one in every]
    wanted = int(found[1]), int(found[2])
    experiment = next((one for one in EXPERIMENTS if one in version), "")
    known = [one for one in _table()["versions"] if one.partition("-")[2] == experiment]
    nearest = min(known, key=lambda one: (abs(_minor(one) - wanted[1]), -_minor(one)))
    is_exact = wanted == (1, _minor(nearest))
    return [_made(nearest, is_exact)] if is_exact or not experiment else []


def known_versions() -> Sequence[str]:
    """The versions whose structs are known, as "1.26"; without experiments."""
    return [one for one in _table()["versions"] if "-" not in one]


def _minor(version: str) -> int:
    return int(version.partition("-")[0].split(".")[1])


@functools.lru_cache(maxsize=1)
def _table() -> Any:
    return json.loads(TABLE.read_text("utf-8"))


@functools.cache
def _made(version: str, is_exact: bool) -> RuntimeLayouts:
    def of(part: str) -> dict[str, Any]:
        return {
            name: row
            for name, rows in _table()[part].items()
            for versions, row in rows
            if version in versions.split()
        }

    rows = of("rows")
    numbers = {name: number for number, name in enumerate(rows)}
    types = []
    for name, row in rows.items():
        one: dict[str, Any] = {**row, "name": name}
        if "target" in row:
            one["target"] = numbers[row["target"]]
        if "fields" in row:
            one["fields"] = [
                {"name": field, "offset": offset, "type": numbers[kind]}
                for field, offset, kind in row["fields"]
            ]
        types.append(one)
    constants = [
        {"name": name, "value": value, "type": numbers[kind]}
        for name, (value, kind) in of("constants").items()
    ]
    variables = {name: numbers[kind] for name, kind in of("variables").items()}
    return RuntimeLayouts(version, is_exact, types, constants, variables)
