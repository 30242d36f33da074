"""Rust's HashMap and HashSet, of the standard library and of the crate hashbrown, and hashbrown's
HashTable and RawTable.

They are structs around a RawTable (see table), recognised by the names of their fields, from the
outermost: {base}, {map}, {hash_builder, table}, {raw}. Invariants, checked by hmap-check, beside
those of geometry.control.map; docs/rust.md uses the same numbers:

    R2  items and growth_left are no more than the table has room for

From source: hashbrown 0.12 to 0.17 (raw/mod.rs); std of 1.63 to 1.96 contains 0.12 to 0.16.
"""

from __future__ import annotations

from ...compat import dataclass
from ...languages.rust import base_name, full_name
from ...target import Field, Kind, Target, Type, Value
from ..family import Map
from ..reading import kept_for_type, read_number
from .opened import Spec, make_map
from .placement import RandomState
from .table import NOTHING, RawTable, key_and_elem, open_table, raw_table, window_of

HASHER = "hash_builder"
# Members that lead from a map to its table.
_INWARD = ("base", "map", "table", "raw")
_KINDS = ("HashMap", "HashSet", "HashTable", "RawTable")
_SEEDS = {"k0", "k1"}  # std's RandomState has these, and no others
MAX_DEPTH = 6


@dataclass(frozen=True)
class HashKind:
    """What all maps of one type have in common. Offsets in bytes."""

    name: str  # "HashMap"
    raw: RawTable
    offset: int  # of the RawTable in the map
    key: Field  # in an entry
    elem: Field
    seeds: tuple[Field, Field] | None  # of RandomState, in the map; None: another hash


def find_kind(found: Type) -> HashKind | None:
    """A struct as one of these maps; None for any other type."""
    at, inner, hasher, name = 0, found, None, ""
    for _ in range(MAX_DEPTH):
        word = base_name(full_name(inner))
        name = name or (word if word in _KINDS else "")
        raw = raw_table(inner)
        if raw is not None:
            key, elem = _parts(raw.entry, name)
            return HashKind(name or "RawTable", raw, at, key, elem, hasher)
        step = _inward(inner)
        if step is None:
            return None
        builder = inner.find(HASHER)
        if builder is not None:
            hasher = seeds_of(builder, at)
        at, inner = at + step.offset, step.type
    return None


def _inward(found: Type) -> Field | None:
    """The member that leads on to the table of a generic struct which has nothing else."""
    others = [one for one in found.fields if one.type.size and one.name != HASHER]
    if found.kind is not Kind.STRUCT or len(others) != 1 or others[0].name not in _INWARD:
        return None
    is_generic = isinstance(found.argument(0), Type)
    return others[0] if is_generic and others[0].type.kind is Kind.STRUCT else None


def _parts(entry: Type, name: str) -> tuple[Field, Field]:
    """Key and elem in an entry. Of a set, and of a table of anything, there are only keys."""
    pair = None if name == "HashTable" else key_and_elem(entry)
    if pair is None:
        return Field("", 0, entry), Field("", 0, NOTHING)
    key, elem = pair
    return key, Field("", 0, NOTHING) if name == "HashSet" and not elem.type.size else elem


def seeds_of(builder: Field, offset: int = 0) -> tuple[Field, Field] | None:
    """The keys of std's RandomState, in the struct that has it at an offset; None for any other."""
    if {one.name for one in builder.type.fields} != _SEEDS:
        return None
    k0, k1 = builder.type.find("k0"), builder.type.find("k1")
    if k0 is None or k1 is None or k0.type.size != 8 or k1.type.size != 8:
        return None
    at = offset + builder.offset
    return k0.moved("k0", at), k1.moved("k1", at)


def kind_of(_: Target, found: Type) -> HashKind:
    """find_kind of a type that is one."""
    kind = find_kind(found)
    assert kind is not None  # the family recognised it
    return kind


def open_map(target: Target, value: Value, found: Type, address: int) -> Map:
    """The map of a type that find_kind knows. TargetError."""
    kind = kept_for_type(target, found, kind_of)
    window = target.kept(window_of)
    opened = open_table(target, kind.raw, address + kind.offset, window, value.expression)
    placement = None
    if kind.seeds is not None:
        k0, k1 = (
            read_number(target, address + one.offset, one.type.size, value.expression, "the hash")
            for one in kind.seeds
        )
        placement = RandomState(target, kind.key.type, k0, k1)
    spec = Spec(
        name=kind.name,
        size=found.size,
        slot=kind.raw.entry.size,
        key=kind.key,
        elem=kind.elem,
        tables=(opened,),
        structs=(kind.raw.struct,),
        window=window,
        has_unique_keys=kind.name in ("HashMap", "HashSet"),
    )
    return make_map(target, value, address, spec, placement)
