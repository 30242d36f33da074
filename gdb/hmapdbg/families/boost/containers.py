"""Which container of Boost.Unordered a type is, and what is in its entries.

The names of Boost's types in debug info are those of its typedefs: the member table_ of a container
is of "boost::unordered::unordered_flat_map<...>::table_type".
"""

from __future__ import annotations

import re

from ...compat import dataclass
from ...languages import short_name
from ...target import Field, Kind, TargetError, Type
from ...target.types import byte_array

TABLE = "table_"
NOTHING = Type(Kind.OTHER, "", 0)  # the elem of a set

_CONTAINER = re.compile(
    r"\b(?:(?:unordered|concurrent)_(?:flat|node)|unordered(?:_multi)?)_?(?:map|set)(?=<|$)"
)
_POLICY = re.compile(r"\b(flat|node)_(map|set)_types<")
_TYPES = re.compile(r"\bdetail::(map|set)<")


@dataclass(frozen=True)
class Container:
    """A container: `name` as in source, "unordered_multimap"."""

    name: str

    @property
    def is_map(self) -> bool:
        """Whether entries are pairs of key and elem."""
        return self.name.endswith("map")

    @property
    def is_unique(self) -> bool:
        """Whether no two keys are equal."""
        return "multi" not in self.name


@dataclass(frozen=True)
class Entry:
    """The entries of a container; offsets in an entry, and sizes, in bytes."""

    size: int
    key: Field
    elem: Field
    notes: tuple[str, ...]


def find_table(found: Type) -> Field | None:
    """The table in a container, or in a class made of one, or the table itself at offset 0."""
    if found.kind is not Kind.STRUCT:
        return None
    member = found.find(TABLE)
    return Field("", 0, found) if member is None else member


def container_of(table: Type) -> Container:
    """The container that has a table of that type, by its names."""
    for name in (table.name, "" if table.origin is None else table.origin.name):
        # Before its arguments, which may be of other containers.
        found = _CONTAINER.search(name)
        if found is not None:
            return Container(found[0])
        policy = _POLICY.search(name)
        if policy is not None:
            prefix = "concurrent" if "concurrent_table<" in name else "unordered"
            return Container(f"{prefix}_{policy[1]}_{policy[2]}")
        types = _TYPES.search(name)
        if types is not None:
            return Container(f"unordered_{types[1]}")
    return Container("unordered_map")


def entry_of(value: Type, container: Container, expression: str) -> Entry:
    """The key and the elem of entries of a type. TargetError if debug info lacks them."""
    notes: list[str] = []
    if not value.size:
        raise TargetError(
            f"no debug info for the entries of '{expression}': build the part that uses the map "
            "with -g, with clang also -fstandalone-debug"
        )
    if not container.is_map:
        key = Field("key", 0, _completed(value, value.size, notes))
        return Entry(value.size, key, Field("", 0, NOTHING), tuple(notes))
    first, second = value.find("first"), value.find("second")
    if first is None or second is None:
        raise TargetError(f"the entries of '{expression}' are no pairs: see 'ptype {value.name}'")
    room = second.offset - first.offset
    key = Field("first", first.offset, _completed(first.type, room, notes))
    room = value.size - second.offset
    elem = Field("second", second.offset, _completed(second.type, room, notes))
    return Entry(value.size, key, elem, tuple(notes))


def _completed(found: Type, room: int, notes: list[str]) -> Type:
    """The type under its short name; bytes if debug info only declares it."""
    if not found.size and found.kind in (Kind.STRUCT, Kind.UNION, Kind.OTHER):
        notes.append(
            f"no debug info for '{found.name}', shown as bytes: build with -g, with clang also "
            "-fstandalone-debug, or load the debug info of the library that has it"
        )
        return byte_array(room)
    # Without the const of a key: behind its type, or before one that is no pointer.
    name = short_name(found.name).removesuffix(" const")
    return found.renamed(name if "*" in name else name.removeprefix("const "))


def number(found: Field) -> Field | None:
    """A number, or the only one in a std::atomic."""
    if found.type.kind is Kind.INTEGER:
        return found
    inner = [one for one in _deepest(found.type) if one.type.kind is Kind.INTEGER]
    if len(inner) != 1:
        return None
    return inner[0].moved(found.name, found.offset)


def _deepest(found: Type, depth: int = 0) -> list[Field]:
    """The fields of a struct that are no structs."""
    if depth > 8:
        return []
    out = []
    for one in found.iter_fields():
        if one.type.kind is Kind.STRUCT:
            out += [inner.moved(inner.name, one.offset) for inner in _deepest(one.type, depth + 1)]
        else:
            out.append(one)
    return out
