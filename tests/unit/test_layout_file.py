"""Layout files: types are preserved, and invalid files are rejected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hmapdbg.target import Kind
from hmapdbg.target.layout_file import LayoutFile, LayoutFileError

INT, CHAR, TEXT, POINT, POINTER, ARRAY, ALIAS, COLOUR, OPAQUE, BITS = range(10)

TYPES: list[dict[str, Any]] = [
    {"kind": "integer", "name": "int", "size": 4, "signed": True},
    {"kind": "integer", "name": "char", "size": 1, "signed": True, "character": True},
    {"kind": "pointer", "name": "char *", "size": 8, "target": CHAR},
    {
        "kind": "struct",
        "name": "struct point",
        "size": 24,
        "fields": [
            {"name": "x", "offset": 0, "type": INT},
            {"name": "next", "offset": 8, "type": POINTER},
            {"name": "", "offset": 16, "type": BITS, "base": True},
        ],
        "arguments": [{"type": INT}, {"value": -3}],
    },
    {"kind": "pointer", "name": "struct point *", "size": 8, "target": POINT},
    {"kind": "array", "name": "int [3]", "size": 12, "count": 3, "target": INT},
    {"kind": "alias", "name": "number", "size": 4, "target": INT},
    {"kind": "enum", "name": "enum colour", "size": 4, "enumerators": [["RED", -1], ["BLUE", 7]]},
    {"kind": "struct", "name": "struct hidden", "size": 8, "opaque": True},
    {
        "kind": "struct",
        "name": "struct bits",
        "size": 4,
        "fields": [
            {"name": "b", "offset": 0, "type": INT, "bit_offset": 3, "bit_size": 5},
        ],
    },
]


def document(**changes: Any) -> dict[str, Any]:
    return {
        "format": "hmap-layout/1",
        "program": "server",
        "identity": {"kind": "GNU", "value": "ab12"},
        "byte_order": "big",
        "pointer_size": 8,
        "text": "0x1000",
        "types": TYPES,
        "globals": [{"name": "table", "address": "0x4010", "type": POINTER}],
        "functions": [{"name": "hmap_hash_8", "address": "0x1234"}],
        "constants": [{"name": "runtime.emptyOne", "value": 1, "type": INT}],
    } | changes


def loaded(folder: Path, **changes: Any) -> LayoutFile:
    path = folder / "layout.json"
    path.write_text(json.dumps(document(**changes)), encoding="utf-8")
    return LayoutFile(str(path))


def test_types_are_what_they_were(tmp_path: Path) -> None:
    file = loaded(tmp_path)
    point = file.lookup_type("struct point")
    assert point is not None and file.lookup_type("point") is point
    assert (point.kind, point.size, point.source) == (Kind.STRUCT, 24, "layout file")
    assert point.argument(0) is file.lookup_type("int") and point.argument(1) == -3
    assert point.argument(2) is None
    following = point.find("next")
    assert following is not None and following.type.target is point
    bits = point.find("b")
    assert bits is not None and (bits.offset, bits.bit_offset, bits.bit_size) == (16, 131, 5)
    array = file.lookup_type("int [3]")
    assert array is not None and (array.count, array.target.name) == (3, "int")
    alias = file.lookup_type("number")
    assert alias is not None and (alias.kind, alias.name) == (Kind.INTEGER, "number")
    colour = file.lookup_type("enum colour")
    assert colour is not None and colour.enumerators == (("RED", -1), ("BLUE", 7))
    hidden = file.lookup_type("struct hidden")
    assert hidden is not None and (hidden.size, hidden.fields) == (8, ())
    assert file.lookup_type("nosuch") is None


def test_symbols(tmp_path: Path) -> None:
    file = loaded(tmp_path)
    table, constant = file.variable("table"), file.constant("runtime.emptyOne")
    assert table is not None and (table.value, table.type.name) == (0x4010, "struct point *")
    assert constant is not None and constant.value == 1
    assert (file.function_at(0x1234), file.function_at(0x1235)) == ("hmap_hash_8", "")
    assert file.variable("nosuch") is None and file.global_names == ["table"]
    assert (file.text, file.byte_order, file.pointer_size) == (0x1000, "big", 8)


def test_a_complete_struct_goes_before_one_without_fields(tmp_path: Path) -> None:
    whole = {"kind": "struct", "name": "struct hidden", "size": 8, "fields": []}
    file = loaded(tmp_path, types=[*TYPES, whole | {"fields": [TYPES[POINT]["fields"][0]]}])
    found = file.lookup_type("struct hidden")
    assert found is not None and len(found.fields) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "hmap-dump/1"},
        {"identity": []},
        {"types": 1},
        {"types": [{}]},
        {"text": "here"},
        {"pointer_size": True},
        {"pointer_size": -8},
        {"globals": [{}]},
        {"functions": [{"name": "f", "address": 7}]},
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(LayoutFileError) as error:
        loaded(tmp_path, **changes)
    assert "layout.json' is no" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "cube", "name": "x", "size": 1},
        {"kind": "struct", "name": "x", "size": 1, "fields": [{"name": "y", "offset": 0}]},
        {
            "kind": "struct",
            "name": "x",
            "size": 1,
            "fields": [{"name": "", "offset": 0, "type": 0}],
        },
        {"kind": "alias", "name": "x", "size": 1, "target": 0},
        {"kind": "alias", "name": "x", "size": 1, "target": 99},
        {"kind": "array", "name": "x", "size": 1},
        {"kind": "enum", "name": "x", "size": 1, "enumerators": [["a", "b"]]},
    ],
)
def test_a_type_that_makes_no_sense_is_an_error_when_asked_for(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    file = loaded(tmp_path, types=[wrong], globals=[], constants=[])
    with pytest.raises(LayoutFileError):
        file.lookup_type("x")


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "layout.json"
    for text in ("", "{", "[" * 100_000, "\x7fELF"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(LayoutFileError):
            LayoutFile(str(path))
    with pytest.raises(LayoutFileError, match="cannot open"):
        LayoutFile(str(tmp_path / "nosuch"))
