"""Layout files: what hmap-layout(1) found in a program's DWARF, as neutral types and addresses.

The format is described in docs/layouts.md. A file may have been edited, or be something else:
invalid contents are a LayoutFileError, also when a type is looked up later.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal, Union, cast

from ..compat import dataclass
from .declared import definition
from .elf_symbols import Section
from .protocol import TargetError
from .types import Field, Kind, Type

FORMAT = "hmap-layout/1"
MODULE = "runtime.firstmoduledata"  # of Go programs
SOURCE = "layout file"  # where numbers come from, for people
MAX_DEPTH = 64  # of nested structs
KEYWORDS = ("struct ", "union ", "enum ", "class ")


class LayoutFileError(TargetError):
    """The file cannot be used; the text is one line for the user."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable (an address as linked) or a constant (a value), with its type."""

    name: str
    value: int
    type: Type


class LayoutFile:
    """The layout of one build of a program. `document`: what else would be read from the file.
    LayoutFileError if the file is not valid."""

    def __init__(self, path: str, source: str = SOURCE, document: Any = None) -> None:
        self.path = path
        self._source = source
        self._document = document = _read(path) if document is None else document
        identity = self._get(document, "identity", dict)
        self.program: str = self._get(document, "program", str)
        self.identity_kind: str = self._get(identity, "kind", str)
        self.identity: str = self._get(identity, "value", str)
        self.pointer_size: int = self._get(document, "pointer_size", int)
        self.byte_order: Literal["little", "big"] = (
            "big" if self._get(document, "byte_order", str) == "big" else "little"
        )
        self.text: int = self._address(document, "text")  # of the section .text
        self.sections = tuple(map(self._section, self._get(document, "sections", list, [])))
        # Where Go's linker puts things, by the fields of runtime.moduledata that say so.
        self.marks: dict[str, int] = {
            self._get(one, "name", str): self._address(one, "address")
            for one in self._get(document, "marks", list, [])
        }
        self._types: list[Any] = self._get(document, "types", list)
        self._made: dict[int, Type] = {}
        self._by_name = self._names()
        self._globals = self._symbols("globals")
        self._constants = self._symbols("constants")
        self._functions = {
            self._address(one, "address"): str(self._get(one, "name", str))
            for one in self._get(document, "functions", list)
        }

    @property
    def is_go(self) -> bool:
        """Whether it is of a Go program."""
        return MODULE in self._globals

    @property
    def type_count(self) -> int:
        return len(self._types)

    @property
    def global_names(self) -> Sequence[str]:
        """The variables that lead to maps."""
        return list(self._globals)

    def lookup_type(self, name: str) -> Type | None:
        """The type of that name, "struct hmap" or "hmap", complete if any of that name is."""
        index = self._by_name.get(_bare(name))
        return None if index is None else self._type(index, 0)

    def type_names(self, start: str) -> list[str]:
        """Type names that begin with `start`."""
        return [name for name in self._by_name if name.startswith(start)]

    def variable(self, name: str) -> Symbol | None:
        """A variable by its full name."""
        return self._symbol(self._globals, name, "address")

    def constant(self, name: str) -> Symbol | None:
        """A Go constant by its full name."""
        return self._symbol(self._constants, name, "value")

    def function_at(self, addr: int) -> str:
        """The function linked to an address; empty if unknown."""
        return self._functions.get(addr, "")

    def iter_described(self) -> Iterator[tuple[str, int, int]]:
        """The types of Go whose descriptors are known: name, size, and where the descriptor is,
        from the mark "types"."""
        for one in self._types:
            if isinstance(one, dict) and "descriptor" in one:
                place = self._get(one, "descriptor", int)
                yield self._get(one, "name", str), self._get(one, "size", int), place

    # ---- what the document has

    def _section(self, one: Any) -> Section:
        crc32 = self._address(one, "crc32") if "crc32" in self._checked(one) else None
        return Section(
            self._get(one, "name", str),
            self._address(one, "address"),
            self._get(one, "size", int),
            bool(one.get("writable")),
            bool(one.get("code")),
            crc32,
        )

    def _checked(self, one: Any) -> dict[str, Any]:
        if not isinstance(one, dict):
            raise self._wrong('"sections" is not a list of objects')
        return one

    def _wrong(self, why: str) -> LayoutFileError:
        return LayoutFileError(
            f"'{self.path}' is not a valid layout file: {why}: recreate it with "
            "'hmap-layout PROGRAM --json FILE'"
        )

    def _get(self, owner: Any, key: str, kind: type[Any], default: Any = None) -> Any:
        value = cast(Any, owner.get(key, default) if isinstance(owner, dict) else None)
        if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
            raise self._wrong(f'"{key}" is missing, or of the wrong type')
        if kind is int and key != "value" and value < 0:
            raise self._wrong(f'"{key}" is negative')
        return value

    def _address(self, owner: Any, key: str) -> int:
        try:
            return int(self._get(owner, key, str), 16)
        except ValueError:
            raise self._wrong(f'"{key}" is not an address') from None

    def _names(self) -> dict[str, int]:
        """Types by name. Complete ones take precedence over those without fields."""
        names: dict[str, int] = {}
        for wanted in (False, True):
            for index, one in enumerate(self._types):
                if bool(isinstance(one, dict) and one.get("opaque")) is wanted:
                    names.setdefault(_bare(self._get(one, "name", str)), index)
        return names

    def _symbols(self, key: str) -> dict[str, Any]:
        symbols: dict[str, Any] = {}
        for one in self._get(self._document, key, list):
            symbols.setdefault(self._get(one, "name", str), one)
        return symbols

    def _symbol(self, symbols: dict[str, Any], name: str, key: str) -> Symbol | None:
        found = symbols.get(name)
        if found is None:
            return None
        value = self._address(found, key) if key == "address" else self._get(found, key, int)
        return Symbol(name, value, self._type(self._get(found, "type", int), 0))

    # ---- types

    def _type(self, index: int, depth: int) -> Type:
        if index not in self._made:
            if index >= len(self._types):
                raise self._wrong(f"there is no type {index}")
            if depth > MAX_DEPTH:
                raise self._wrong(f"type {index} contains itself")
            self._made[index] = self._make(self._types[index], depth)
        return self._made[index]

    def _make(self, one: Any, depth: int) -> Type:
        kind, name = self._get(one, "kind", str), self._get(one, "name", str)
        if kind == "alias":
            real = self._type(self._get(one, "target", int), depth + 1)
            return real.renamed(name)
        try:
            known = Kind(kind)
        except ValueError:
            raise self._wrong(f"unknown kind of type '{kind}'") from None
        target = self._get(one, "target", int) if "target" in one else None
        if known is Kind.ARRAY and target is None:
            raise self._wrong(f"the array '{name}' has no elements")
        size = self._get(one, "size", int)
        if known is Kind.STRUCT and not size and not one.get("fields"):
            declared = definition(_bare(name), self.pointer_size)
            if declared is not None:
                return replace(declared, name=name)
        return Type(
            known,
            name,
            size,
            signed=bool(one.get("signed")),
            character=bool(one.get("character")),
            fields=self._fields(one, depth) if "fields" in one else (),
            count=self._get(one, "count", int, 0),
            enumerators=self._enumerators(one),
            resolve=None if target is None else functools.partial(self._type, target, 0),
            resolve_argument=lambda number: self._argument(one, number),
            source=self._source,
        )

    def _fields(self, one: Any, depth: int) -> tuple[Field, ...]:
        return tuple(
            Field(
                self._get(field, "name", str),
                self._get(field, "offset", int),
                self._type(self._get(field, "type", int), depth + 1),
                self._get(field, "bit_offset", int, 0),
                self._get(field, "bit_size", int, 0),
                bool(field.get("base")),
            )
            for field in self._get(one, "fields", list)
        )

    def _enumerators(self, one: Any) -> tuple[tuple[str, int], ...]:
        pairs = self._get(one, "enumerators", list, [])
        if not all(
            isinstance(pair, list) and [type(word) for word in pair] == [str, int] for pair in pairs
        ):
            raise self._wrong("an enumerator is not a name with a number")
        return tuple((name, value) for name, value in pairs)

    def _argument(self, one: Any, number: int) -> Union[Type, int, None]:
        arguments = self._get(one, "arguments", list, [])
        if not 0 <= number < len(arguments):
            return None
        argument = arguments[number]
        if isinstance(argument, dict) and "type" in argument:
            return self._type(self._get(argument, "type", int), 0)
        value: int = self._get(argument, "value", int)
        return value


def _read(path: str) -> Any:
    """The document of the file at `path`. LayoutFileError."""
    remedy = "create one with 'hmap-layout PROGRAM --json FILE'"
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise LayoutFileError(f"cannot open '{path}': {reason}: {remedy}") from None
    except (ValueError, RecursionError):
        raise LayoutFileError(f"'{path}' is not a layout file: it is not JSON: {remedy}") from None
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        what = f"its format is '{found}', not '{FORMAT}'" if found else 'it has no "format"'
        raise LayoutFileError(f"'{path}' is not a layout file: {what}: {remedy}")
    return document


def _bare(name: str) -> str:
    """A type's name without the keyword that some languages put before it."""
    name = " ".join(name.split())
    for keyword in KEYWORDS:
        if name.startswith(keyword) and not name.startswith(keyword + "{"):
            return name[len(keyword) :]
    return name
