"""A definition file read and checked: each key is known, has a value of its type, and each
expression can be parsed. Whether a struct has the fields that it names, the program shows."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from .definition import (
    CHAINS,
    CONTROL,
    GEOMETRIES,
    SLOTS,
    ArrayRule,
    ControlRule,
    Definition,
    Expression,
    HashRule,
    NamedRule,
    NodeRule,
    OldRule,
    PartRule,
    StateRule,
    Text,
)
from .expression import ExpressionError, Node, parse, parse_path
from .toml_file import TomlFile, Where, read_toml

PROBINGS = ("linear", "triangular")
FORMAT = "hmap-definition/1"
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+ -]{0,60}")

# What each table may have: keys and how their values are read.
_EXPRESSION, _PATH, _TEXT, _TEXTS, _INTEGER, _BOOLEAN, _VALUES, _TABLE = (
    "an expression",
    "a member",
    "a text",
    "a list of texts",
    "an integer",
    "true or false",
    "an integer, a list of them, or an expression",
    "a table",
)
_PART = {
    "member": _PATH,
    "offset": _EXPRESSION,
    "size": _EXPRESSION,
    "type": _TEXT,
    "pointer": _BOOLEAN,
    "length": _PATH,
    "address": _EXPRESSION,
}
_ARRAY = {
    "address": _EXPRESSION,
    "length": _EXPRESSION,
    "type": _TEXT,
    "first": _PATH,
    "segment": _EXPRESSION,
}
TABLES: Mapping[str, Mapping[str, str]] = {
    "family": {
        "name": _TEXT,
        "geometry": _TEXT,
        "struct": _TEXT,
        "fields": _TEXTS,
        "count": _EXPRESSION,
        "set": _BOOLEAN,
        "multi": _BOOLEAN,
        "handle": _BOOLEAN,
        "grows_at": _EXPRESSION,
    },
    "array": _ARRAY,
    "old": {"when": _EXPRESSION, "moved": _EXPRESSION, **_ARRAY},
    "node": {
        "type": _TEXT,
        "link": _PATH,
        "next": _PATH,
        "end": _EXPRESSION,
        "address": _EXPRESSION,
    },
    "state": {
        "member": _PATH,
        "address": _EXPRESSION,
        "empty": _VALUES,
        "deleted": _VALUES,
        "tombstones": _EXPRESSION,
    },
    "control": {
        "address": _EXPRESSION,
        "empty": _INTEGER,
        "deleted": _INTEGER,
        "window": _INTEGER,
        "clones": _EXPRESSION,
        "growth_left": _EXPRESSION,
        "limit": _EXPRESSION,
    },
    "key": _PART,
    "elem": _PART,
    "hash": {"stored": _PATH, "bucket": _EXPRESSION, "probing": _TEXT},
    "named": {"member": _PATH, "types": _TABLE},
}
_OF_GEOMETRY = {
    CHAINS: {"node", "old", "hash"},
    SLOTS: {"state", "hash"},
    CONTROL: {"control"},
}
_ALWAYS = {"family", "array", "key", "elem", "named"}


def read_definition(path: str) -> Definition:
    """Reads a definition file. DefinitionError."""
    file = read_toml(path)
    _check_names(file)
    return _Reader(file).definition()


def _check_names(file: TomlFile) -> None:
    for name, table in file.content.items():
        if name == "format":
            if table != FORMAT:
                raise file.where(name).error(f"this version of hmap reads '{FORMAT}'")
            continue
        known = TABLES.get(name)
        if known is None:
            raise file.where(name).error(_unknown("table", name, TABLES))
        if not isinstance(table, dict):
            raise file.where(name).error(f"must be a table: write '[{name}]' on a line of its own")
        for key in table:
            if key not in known:
                raise file.where(name, key).error(_unknown("key", key, known))


def _unknown(what: str, name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    if near:
        return f"unknown {what} '{name}': did you mean '{near[0]}'?"
    return f"unknown {what} '{name}': use one of {', '.join(known)}"


class _Reader:
    """Reads the tables of a file."""

    def __init__(self, file: TomlFile) -> None:
        self.file = file

    def definition(self) -> Definition:
        file = self.file
        name = self._needed("family", "name", self._text)
        if not NAME.fullmatch(name.text):
            raise name.where.error("a name has letters, digits and _ . + -, at most 60")
        geometry = self._needed("family", "geometry", self._text)
        if geometry.text not in GEOMETRIES:
            raise geometry.where.error(
                _unknown("geometry", geometry.text, dict.fromkeys(GEOMETRIES))
            )
        for table in file.content:
            is_used = table in _ALWAYS or table in _OF_GEOMETRY[geometry.text]
            if table != "format" and not is_used:
                raise file.where(table).error(
                    f"'{table}' says nothing of the geometry '{geometry.text}': remove it"
                )
        fields = self._texts("family", "fields")
        if not fields:
            raise file.where("family").error(
                "no 'fields': list some by which the struct is recognised"
            )
        is_set = self._flag("family", "set")
        if is_set and "elem" in file.content:
            raise file.where("elem").error("a set has no elems: remove it, or 'family.set'")
        return Definition(
            path=os.path.abspath(file.path),
            where=file.where("family"),
            name=name.text,
            geometry=geometry.text,
            struct=self._text("family", "struct"),
            fields=tuple(fields),
            array=self._array("array", geometry.text),
            count=self._expression("family", "count"),
            is_set=is_set,
            is_multi=self._flag("family", "multi"),
            is_handle=self._flag("family", "handle"),
            grows_at=self._expression("family", "grows_at"),
            old=self._old(geometry.text) if "old" in file.content else None,
            node=self._node() if geometry.text == CHAINS else None,
            state=self._state() if geometry.text == SLOTS else None,
            control=self._control() if geometry.text == CONTROL else None,
            key=self._part("key", geometry.text),
            elem=self._part("elem", geometry.text) if "elem" in file.content else None,
            hash=self._hash(geometry.text) if "hash" in file.content else None,
            named=self._named() if "named" in file.content else None,
        )

    # ---- tables

    def _array(self, table: str, geometry: str) -> ArrayRule:
        for key in ("first", "segment"):
            if geometry != CHAINS and key in self.file.content.get(table, {}):
                raise self.file.where(table, key).error("is for chains: remove it")
        return ArrayRule(
            self._needed(table, "address", self._expression),
            self._needed(table, "length", self._expression),
            self._text(table, "type"),
            self._path(table, "first"),
            self._expression(table, "segment"),
        )

    def _old(self, geometry: str) -> OldRule:
        return OldRule(
            self._needed("old", "when", self._expression),
            self._array("old", geometry),
            self._expression("old", "moved"),
        )

    def _node(self) -> NodeRule:
        return NodeRule(
            self.file.where("node"),
            self._text("node", "type"),
            self._path("node", "link"),
            self._needed("node", "next", self._path),
            self._expression("node", "end"),
            self._expression("node", "address"),
        )

    def _state(self) -> StateRule:
        member, address = self._path("state", "member"), self._expression("state", "address")
        if member is not None and address is not None:
            raise self.file.where("state").error(
                "has both 'member', of a slot, and 'address', of an array of states: one says it"
            )
        return StateRule(
            self.file.where("state"),
            member,
            address,
            self._needed("state", "empty", self._values),
            self._values("state", "deleted"),
            self._expression("state", "tombstones"),
        )

    def _control(self) -> ControlRule:
        return ControlRule(
            self.file.where("control"),
            self._needed("control", "address", self._expression),
            self._integer("control", "empty", 0x80, 0x80, 0xFF),
            self._integer("control", "deleted", 0xFE, 0x80, 0xFF),
            self._integer("control", "window", 16, 1, 64),
            self._expression("control", "clones"),
            self._expression("control", "growth_left"),
            self._expression("control", "limit"),
        )

    def _part(self, table: str, geometry: str) -> PartRule:
        where = self.file.where(table)
        if table not in self.file.content:
            raise self.file.where("family").error(f"no table '[{table}]': say where the {table} is")
        found = PartRule(
            where,
            self._path(table, "member"),
            self._expression(table, "offset"),
            self._expression(table, "size"),
            self._text(table, "type"),
            self._flag(table, "pointer"),
            self._path(table, "length"),
            self._expression(table, "address"),
        )
        if found.member is not None and found.offset is not None:
            raise where.error("has both 'member' and 'offset': one says where it is")
        if found.address is not None and geometry != SLOTS:
            raise where.error("'address' is for slots: an array of keys or elems of its own")
        if found.size is not None and found.member is not None:
            raise where.error("'size' goes with 'offset': a member has its own")
        if found.offset is not None and found.size is None and found.type is None:
            raise where.error("'offset' needs 'type' or 'size'")
        if found.length is not None and found.member is None:
            raise where.error("'length' goes with 'member', the text or a pointer to it")
        if found.is_pointer and found.type is None:
            raise where.error("'pointer' needs 'type', of what the pointer leads to")
        return found

    def _hash(self, geometry: str) -> HashRule:
        probing = self._text("hash", "probing")
        if probing is not None:
            if geometry != SLOTS:
                raise probing.where.error("is for slots: remove it")
            if probing.text not in PROBINGS:
                raise probing.where.error(
                    _unknown("probing", probing.text, dict.fromkeys(PROBINGS))
                )
        elif geometry == SLOTS:
            raise self.file.where("hash").error(
                f"no 'probing': how lookups go on, one of {', '.join(PROBINGS)}"
            )
        return HashRule(
            self.file.where("hash"),
            self._needed("hash", "stored", self._path),
            self._needed("hash", "bucket", self._expression),
            "" if probing is None else probing.text,
        )

    def _named(self) -> NamedRule:
        file = self.file
        types: dict[str, tuple[Text | None, Text | None]] = {}
        for name, given in file.content["named"].get("types", {}).items():
            where = file.where("named", "types", name)
            if not isinstance(given, dict):
                raise where.error("must be a table with 'key' and 'elem'")
            both: list[Text | None] = []
            for key in given:
                if key not in ("key", "elem"):
                    raise where.error(_unknown("key", key, {"key": 0, "elem": 0}))
            for part in ("key", "elem"):
                text = given.get(part)
                if text is not None and not isinstance(text, str):
                    raise where.error(f"'{part}' must be a text, and is {_kind(text)}")
                both.append(None if text is None else Text(where, text))
            types[name] = both[0], both[1]
        return NamedRule(file.where("named"), self._needed("named", "member", self._path), types)

    # ---- keys

    def _value(self, table: str, key: str) -> Any:
        return self.file.content.get(table, {}).get(key)

    def _needed(self, table: str, key: str, read: Callable[[str, str], Any]) -> Any:
        found = read(table, key)
        if found is None:
            raise self.file.where(table).error(f"no '{key}': it must have one")
        return found

    def _wrong(self, table: str, key: str, wanted: str) -> Exception:
        value = self._value(table, key)
        return self.file.where(table, key).error(f"must be {wanted}, and is {_kind(value)}")

    def _text(self, table: str, key: str) -> Text | None:
        value = self._value(table, key)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(table, key, TABLES[table][key])
        return Text(self.file.where(table, key), value.strip())

    def _texts(self, table: str, key: str) -> list[Text]:
        value = self._value(table, key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._wrong(table, key, _TEXTS)
        return [Text(self.file.where(table, key), one) for one in value]

    def _flag(self, table: str, key: str) -> bool:
        value = self._value(table, key)
        if value not in (None, True, False) or isinstance(value, (int, float)) > isinstance(
            value, bool
        ):
            raise self._wrong(table, key, _BOOLEAN)
        return bool(value)

    def _integer(self, table: str, key: str, default: int, low: int, high: int) -> int:
        value = self._value(table, key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(table, key, _INTEGER)
        if not low <= value <= high:
            raise self.file.where(table, key).error(f"must be from {low} to {high}, and is {value}")
        return value

    def _expression(
        self, table: str, key: str, reader: Callable[[str], Node] = parse
    ) -> Expression | None:
        value, where = self._value(table, key), self.file.where(table, key)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and reader is parse:
            value = str(value)
        if not isinstance(value, str):
            raise self._wrong(table, key, TABLES[table][key])
        return expression_of(where, value, reader)

    def _path(self, table: str, key: str) -> Expression | None:
        return self._expression(table, key, parse_path)

    def _values(self, table: str, key: str) -> Expression | None:
        """Values of a state: a number, some, or an expression on 'state'."""
        value, where = self._value(table, key), self.file.where(table, key)
        numbers: Sequence[Any] = value if isinstance(value, list) else [value]
        if value is None:
            return None
        if all(isinstance(one, int) and not isinstance(one, bool) for one in numbers) and numbers:
            text = " || ".join(f"state == {one}" for one in numbers)
            return expression_of(where, text, parse)
        if not isinstance(value, str):
            raise self._wrong(table, key, _VALUES)
        return expression_of(where, value, parse)


def expression_of(where: Where, text: str, reader: Callable[[str], Node] = parse) -> Expression:
    """An expression that stands somewhere. DefinitionError."""
    try:
        return Expression(where, text, reader(text))
    except ExpressionError as error:
        raise where.error(f"'{text}': {error}") from None


def _kind(value: object) -> str:
    """What a value is, for people."""
    names = {bool: "true or false", int: "an integer", float: "a float", str: "a text"}
    return names.get(type(value), "a list" if isinstance(value, list) else "a table")
