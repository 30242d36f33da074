"""IndexMap and IndexSet of the crate indexmap: entries in the order of their insertion in a Vec,
each with its hash code, and a table of hashbrown with their numbers.

    IndexMap {core: {entries: Vec<Bucket {hash, key, value}>, indices: HashTable<usize>},
              hash_builder}

Beside the invariants of geometry.control.map:

    R10  there are as many entries in the Vec as the table counts
"""

from __future__ import annotations

from ...block import Problem
from ...compat import dataclass
from ...geometry.control.layout import Dense
from ...languages.rust import base_name, full_name
from ...languages.rust.members import unwrapped
from ...languages.rust.sequences import Sequence, recognise
from ...target import Field, Kind, Target, Type, Value
from ..family import Map, has_fields
from ..malloc import Allocation
from ..reading import kept_for_type, read_number, unsound
from .hashbrown import HASHER, HashKind, find_kind as find_table, seeds_of
from .opened import Spec, make_map
from .placement import RandomState, StoredCodes
from .table import NOTHING, open_table, window_of

CORE = ("indices", "entries")
ENTRY = ("hash", "key", "value")
MAX_DEPTH = 4


@dataclass(frozen=True)
class IndexKind:
    """What all maps of one type have in common. Offsets in bytes."""

    name: str
    indices: HashKind
    indices_at: int
    entries: Sequence  # its pointer and length from `entries_at` on
    entries_at: int
    capacity: Field | None
    entry: Type
    seeds: tuple[Field, Field] | None


def find_kind(found: Type) -> IndexKind | None:
    """A struct as an IndexMap or IndexSet, or what they are made of; None for any other type."""
    at, inner, seeds = 0, found, None
    for _ in range(MAX_DEPTH):
        if has_fields(inner, CORE):
            return _kind(found, inner, at, seeds)
        builder = inner.find(HASHER)
        if builder is not None:
            seeds = seeds_of(builder, at)
        others = [one for one in inner.fields if one.type.size and one.name != HASHER]
        if len(others) != 1 or others[0].name not in ("core", "map"):
            return None
        at, inner = at + others[0].offset, others[0].type
    return None


def _kind(found: Type, core: Type, at: int, seeds: tuple[Field, Field] | None) -> IndexKind | None:
    indices, entries = core.find("indices"), core.find("entries")
    if indices is None or entries is None:
        return None
    table, vector = find_table(indices.type), recognise(entries.type)
    if table is None or not isinstance(vector, Sequence) or not has_fields(vector.element, ENTRY):
        return None
    if table.key.type.kind is not Kind.INTEGER:
        return None
    buffer = entries.type.find("buf")
    capacity = None
    inner = None if buffer is None else buffer.type.find("inner")
    holder = inner.type if inner is not None else None if buffer is None else buffer.type
    own = None if holder is None else holder.find("cap")
    if buffer is not None and own is not None:
        whole = unwrapped(own, Kind.INTEGER)
        before = buffer.offset + (0 if inner is None else inner.offset)
        capacity = None if whole is None else whole.moved("cap", before)
    name = base_name(full_name(found))
    return IndexKind(
        name=name if name in ("IndexMap", "IndexSet") else "IndexMap",
        indices=table,
        indices_at=at + indices.offset,
        entries=vector,
        entries_at=at + entries.offset,
        capacity=capacity,
        entry=vector.element,
        seeds=seeds,
    )


def kind_of(_: Target, found: Type) -> IndexKind:
    """find_kind of a type that is one."""
    kind = find_kind(found)
    assert kind is not None  # the family recognised it
    return kind


def open_map(target: Target, value: Value, found: Type, address: int) -> Map:
    """The map of a type that find_kind knows. TargetError."""
    kind = kept_for_type(target, found, kind_of)
    window, text = target.kept(window_of), value.expression

    def number(field: Field, what: str) -> int:
        return read_number(target, vector + field.offset, field.type.size, text, what)

    vector = address + kind.entries_at
    raw = kind.indices.raw
    opened = open_table(target, raw, address + kind.indices_at + kind.indices.offset, window, text)
    start = number(kind.entries.pointer, "the entries")
    count = number(kind.entries.length, "the number of entries")
    capacity = count if kind.capacity is None else number(kind.capacity, "the capacity")
    entry = kind.entry
    if count > capacity or capacity * entry.size > target.address_limit:
        raise unsound(text, f"{count:,} entries where there is room for {capacity:,}")
    problems = []
    if count != opened.table.items:
        words = f"{count:,} entries, but the table counts {opened.table.items:,}"
        at = vector + kind.entries.length.offset
        problems.append(Problem(words, at, "R10"))
    key, elem, code = (entry.find(name) for name in ("key", "value", "hash"))
    assert key is not None and elem is not None and code is not None  # see ENTRY
    stored = unwrapped(code, Kind.INTEGER)
    hasher = None
    if kind.seeds is not None:
        k0, k1 = (
            read_number(target, address + one.offset, one.type.size, text, "the hash")
            for one in kind.seeds
        )
        hasher = RandomState(target, key.type, k0, k1)
    placement = (
        None if stored is None else StoredCodes(target, stored.offset, stored.type.size, hasher)
    )
    held = capacity * entry.size
    spec = Spec(
        name=kind.name,
        size=found.size,
        slot=raw.entry.size,
        key=key,
        elem=Field("", 0, NOTHING) if kind.name == "IndexSet" and not elem.type.size else elem,
        tables=(opened,),
        structs=(raw.struct,),
        window=window,
        reach=Dense(start, count, entry.size),
        held=(("entries", held),) if held else (),
        blocks=[Allocation(start, held)] if held else [],
        dense=entry.size,
    )
    return make_map(target, value, address, spec, placement, problems)
