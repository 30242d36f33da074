"""hmap-layout --check reports changed layouts, and ignores what may differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matrix import HERE, INCLUDES, ROOT, Row, run
from tool import run_layout


def build(folder: Path, *changes: tuple[str, str], flags: str = "-O0") -> Path:
    """The sample with changed sources."""
    folder.mkdir()
    for name in ("sample.h", "sample.c", "other.c"):
        text = (HERE / name).read_text(encoding="utf-8")
        for old, new in changes:
            text = text.replace(old, new)
        (folder / name).write_text(text, encoding="utf-8")
    sources = [folder / "sample.c", folder / "other.c", ROOT / "libhmap/src/registry.c"]
    run(
        ["gcc", "-g", *flags.split(), "-std=gnu11", *INCLUDES, *map(str, sources)]
        + ["-o", str(folder / "sample")],
        folder,
    )
    return folder / "sample"


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before") / "build"
    layout = folder / "layout.json"
    run_layout(build(folder), "--json", layout)
    return layout


def test_another_build_of_the_same_layouts_is_no_drift(before: Path, tmp_path: Path) -> None:
    exe = build(tmp_path / "other", flags="-O2 -no-pie")
    told = run_layout(exe, "--check", before)
    assert told == f"no layout has changed since '{before}'\n"


def test_drift_is_told_line_by_line(before: Path, tmp_path: Path) -> None:
    exe = build(
        tmp_path / "other",
        ("    uint32_t port;\n", "    uint64_t port;\n    uint32_t opened;\n"),
        ("    struct hmap *caches[2];\n", "    struct hmap *cache;\n"),
        ("    FIELD(struct server, caches);\n", ""),
        ("    sample_server.caches[0] = kept;\n", ""),
        ("    unsigned second : 7;\n", "    unsigned second : 6;\n"),
        ("BLUE = 200", "BLUE = 201"),
        ("        uint16_t low;\n        uint16_t high;\n", "        uint32_t low_and_high;\n"),
    )
    told = run_layout(exe, "--check", before, status=1).splitlines()
    assert set(told[:-1]) >= {
        "struct server: field 'port': size 4 -> 8",
        "struct server: field 'port': type 'uint32_t' -> 'uint64_t'",
        "struct server: field 'sessions': offset 8 -> 16",
        "struct server: field 'caches' removed",
        "struct server: field 'opened' added, at offset 8",
        "struct server: field 'cache' added, at offset 24",
        "struct server: field 'limits.low' removed",
        "struct server: field 'limits.low_and_high' added, at offset 40",
        "struct flags: field 'second': bit offset 3, 7 bits -> 3, 6 bits",
        "enum colour: 'BLUE': 200 -> 201",
    }
    assert told[-1] == f"{len(told) - 1} differences from '{before}'"
    assert not [line for line in told if line.startswith("struct hmap")]


def test_a_struct_that_is_gone_is_drift_and_a_new_one_is_not(before: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.json"
    document = json.loads(before.read_text(encoding="utf-8"))
    document["types"].append({"kind": "struct", "name": "struct lost", "size": 0, "fields": []})
    more.write_text(json.dumps(document), encoding="utf-8")
    exe = before.parent / "sample"
    told = run_layout(exe, "--check", more, status=1)
    assert told == f"struct lost: removed\n1 difference from '{more}'\n"
    document["types"] = [
        one if one["name"] != "struct packed" else one | {"name": "struct renamed"}
        for one in document["types"][:-1]
    ]
    more.write_text(json.dumps(document), encoding="utf-8")
    told = run_layout(exe, "--check", more, status=1)
    assert "struct renamed: removed\n" in told and "struct packed: " not in told


def test_another_processor_is_drift(before: Path, tmp_path: Path) -> None:
    exe = Row("big", "s390x-linux-gnu-gcc -g -static").build(tmp_path)
    told = run_layout(exe, "--check", before, status=1)
    assert "sample: byte order little -> big\n" in told


def change(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.__setitem__(key, value)


@pytest.mark.parametrize(
    "spoil",
    [
        change("format", "hmap-layout/2"),
        change("types", {}),
        change("types", [1]),
        change("types", [{"kind": "cube", "name": "x", "size": 1}]),
        change("types", [{"kind": "alias", "name": "x", "size": 1, "target": 7}]),
        change("types", [{"kind": "alias", "name": "x", "size": 1, "target": 0}]),
        change("types", [{"kind": "struct", "name": "x", "size": -1, "fields": []}]),
        change("types", [{"kind": "struct", "name": "x", "size": 1, "fields": [{"name": "y"}]}]),
        change("types", [{"kind": "enum", "name": "x", "size": 1, "enumerators": [[1]]}]),
        change("globals", [{"name": "x", "address": "zero"}]),
        change("globals", None),
        change("pointer_size", "8"),
    ],
)
def test_a_file_that_makes_no_sense_is_one_line(
    before: Path, tmp_path: Path, spoil: Callable[[dict[str, Any]], None]
) -> None:
    document = json.loads(before.read_text(encoding="utf-8"))
    spoil(document)
    path = tmp_path / "spoiled.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    error = run_layout(before.parent / "sample", "--check", path, status=2)
    assert error.startswith(f"'{path}' is not a layout file: ")


def test_a_struct_in_itself_ends_the_comparison_in_good_order(before: Path, tmp_path: Path) -> None:
    document = json.loads(before.read_text(encoding="utf-8"))
    field = {"name": "", "offset": 0, "type": 0}
    document["types"] = [{"kind": "struct", "name": "struct x", "size": 8, "fields": [field]}]
    for key in ("globals", "functions", "constants"):
        document[key] = []
    path = tmp_path / "self.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    told = run_layout(before.parent / "sample", "--check", path, status=1)
    assert told.startswith("struct x: removed\n")
