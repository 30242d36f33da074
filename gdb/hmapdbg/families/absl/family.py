"""The family of Abseil's hash maps and sets, and of phmap's: recognises them by their fields.

Invariants, checked by hmap-check, are those of geometry.control.map; docs/absl.md uses the same
numbers, and

    R2  size and growth_left are no more than the table has room for
"""

from __future__ import annotations

from ...compat import dataclass
from ...target import Field, Target, TargetError, Type, Value
from ...target import Kind as TypeKind
from ..family import Family, Map
from ..reading import kept_for_type
from .entries import find_entry
from .layouts import OLDEST, PLAIN, SETTINGS, SOO, Layout, find_layout
from .opened import Spec, make_map
from .table import Kind, open_table, window_of

SHARDS, SHARD = "sets_", "set_"
MAX_SHARDS = 1 << 12


@dataclass(frozen=True)
class Shards:
    """The shards of a parallel map. Offsets in bytes."""

    first: int  # of the first one's table in the map
    step: int
    count: int


class AbslFamily:
    """See Family."""

    name = "Abseil map"
    words = ("abseil",)
    describes = "flat_hash_map, node_hash_map and their sets (Abseil, phmap)"
    has_nil = False
    is_handle = False
    headers = (OLDEST, PLAIN, (SOO,))

    def recognise(self, found: Type) -> bool:
        return _find(found) is not None

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        parts = _find(found)
        assert parts is not None  # it was recognised
        _, shards = parts
        kind = kept_for_type(target, found, _kind_of)
        if kind is None:
            find_entry(target, parts[0], value.expression)  # raises what is missing
            raise TargetError(f"no debug info for the slots of '{value.expression}'")
        places = [address]
        if shards is not None:
            places = [address + shards.first + one * shards.step for one in range(shards.count)]
        tables = [open_table(target, kind, place, value.expression) for place in places]
        spec = Spec(kind=kind, size=found.size, tables=tables, is_sharded=shards is not None)
        return make_map(target, value, address, spec)


FAMILY: Family = AbslFamily()


def _find(found: Type) -> tuple[Layout, Shards | None] | None:
    """A struct as a map: where its table has its fields, and its shards, if it has any."""
    if found.kind is not TypeKind.STRUCT:
        return None
    if found.find(SETTINGS) is not None:
        layout = find_layout(found)
        return None if layout is None else (layout, None)
    sets = found.find(SHARDS)
    return None if sets is None else _find_shards(sets)


def _find_shards(sets: Field) -> tuple[Layout, Shards] | None:
    """The array of shards, in a std::array."""
    inner = [one for one in sets.type.iter_fields() if one.type.kind is TypeKind.ARRAY]
    array = sets if sets.type.kind is TypeKind.ARRAY else inner[0] if len(inner) == 1 else None
    if array is None or not 0 < array.type.count <= MAX_SHARDS:
        return None
    shard = array.type.target
    table = shard.find(SHARD)
    layout = None if table is None else find_layout(table.type)
    if table is None or layout is None:
        return None
    at = table.offset + (0 if array is sets else array.offset) + sets.offset
    return layout, Shards(at, shard.size, array.type.count)


def _kind_of(target: Target, found: Type) -> Kind | None:
    parts = _find(found)
    assert parts is not None  # it was recognised
    layout, _ = parts
    try:
        entry = find_entry(target, layout, "")
    except TargetError:
        return None
    return Kind(layout, entry, window_of(target, layout.raw))
