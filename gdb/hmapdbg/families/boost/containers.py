"""Which container of Boost.Unordered a type is.

The names of Boost's types in debug info are those of its typedefs: the member table_ of a container
is of "boost::unordered::unordered_flat_map<...>::table_type".
"""

from __future__ import annotations

import re

from ...compat import dataclass
from ...target import Field, Kind, TargetError, Type

TABLE = "table_"

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


def find_table(found: Type) -> Field | None:
    """The table in a container, or in a class made of one, or the table itself at offset 0."""
    if found.kind is not Kind.STRUCT:
        return None
    member = found.find(TABLE)
    return Field("", 0, found) if member is None else member


def other_pointers(expression: str, lacking: str) -> TargetError:
    """The error for a map whose pointers are classes, or whose debug info lacks what they lead
    to."""
    return TargetError(
        f"the pointers of '{expression}' are of its allocator's own kind, or debug info lacks "
        f"{lacking}: such maps are not read; see 'ptype {expression}'"
    )


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
