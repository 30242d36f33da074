"""Opened maps over tables of hashbrown: what all of them have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ...block import Block, Cells, Problem
from ...compat import dataclass
from ...geometry.control.layout import RUN, Reach, SlotLayout, rows_of
from ...geometry.control.map import ControlMap, Placement
from ...geometry.control.shape import ControlSlots
from ...header import Array, Growth, Header, Role
from ...languages.rust import named, short_name
from ...layout import StructLayout
from ...target import Field, Target, Value
from ..control_tables import iter_counted, iter_limits
from ..malloc import Allocation, Malloc, find_malloc
from .placement import RandomState, is_proved
from .table import CONTROL, OpenedTable, capacity_of, slots_for, slots_size, table_size

FAMILY = "Rust"  # before the name of a kind


@dataclass(frozen=True)
class Spec:
    """A map that was read. Sizes in bytes."""

    name: str  # "HashMap"
    size: int  # of the map itself, with its shards
    slot: int
    key: Field  # in an entry
    elem: Field
    tables: Sequence[OpenedTable]
    structs: Sequence[StructLayout]
    window: int
    has_unique_keys: bool = True
    is_sharded: bool = False  # the tables are the map's shards; else there is one
    reach: Reach | None = None  # where entries are, if not in their slots
    held: tuple[tuple[str, int], ...] = ()  # allocated beside the tables
    blocks: Sequence[Allocation] = ()  # ... as blocks
    dense: int = 0  # of an entry in a block of its own


def make_map(
    target: Target,
    value: Value,
    address: int,
    spec: Spec,
    placement: Placement | None,
    problems: Sequence[Problem] = (),
) -> ControlMap:
    """The opened map. A hash that the entries do not prove is none."""
    allocated = [one for one in spec.tables if one.table.slots]
    arrays = _arrays(spec, allocated)
    blocks = [_block(spec, one) for one in allocated]
    rounding = find_malloc(target, [*blocks, *spec.blocks])
    malloc = None
    held = spec.held
    if rounding is not None:
        malloc, sizes = rounding
        arrays = [replace(array, size=size) for array, size in zip(arrays, sizes)]
        held = (
            tuple((noun, given) for (noun, _), given in zip(spec.held, sizes[len(blocks) :]))
            or spec.held
        )
    first = allocated[0].table if allocated else None
    header = Header(
        family=f"{FAMILY} {spec.name}",
        expression=value.expression,
        type_name=short_name(value.type.name),
        address=address,
        count_at=spec.tables[0].table.items_at if spec.tables else address,
        key_type=named(spec.key.type),
        elem_type=named(spec.elem.type) if spec.elem.type.name else spec.elem.type,
        count=sum(one.table.items for one in spec.tables),
        arrays=tuple(arrays),
        geometry=_geometry(spec, malloc, arrays),
        header_size=spec.size,
        is_rounded=None if not blocks and not spec.blocks else rounding is not None,
        held=held,
        unique_keys=spec.has_unique_keys,
        count_rule="R1",
        growth=(
            Growth(above=first.items + first.growth_left)
            if first is not None and not spec.is_sharded
            else None
        ),
        tables=tuple(iter_counted((one.table, one.control) for one in allocated))
        if spec.is_sharded
        else (),
        problems=(*problems, *iter_limits(one.table for one in allocated)),
        certain_if_empty=True,
    )
    layout = SlotLayout(
        size=spec.slot,
        key=spec.key.offset,
        key_size=spec.key.type.size,
        elem=spec.elem.offset,
        elem_size=spec.elem.type.size,
        control=CONTROL,
        window=spec.window,
        clones=spec.window,
        is_downward=True,
        reach=spec.reach,
    )
    tables = [one.table for one in allocated]

    def opened(known: Placement | None) -> ControlMap:
        return ControlMap(target, header, layout, tables, spec.structs, known, spec.has_unique_keys)

    if isinstance(placement, RandomState):
        unproved = opened(None)
        if not is_proved(placement, spec.key.type, lambda: _iter_cells(unproved)):
            return unproved
    return opened(placement)


def _iter_cells(opened: ControlMap) -> Iterator[Cells]:
    for item in opened.walk(cells=True):
        if isinstance(item, Block) and item.cells is not None and len(item.cells):
            known = np.flatnonzero(item.cells.keys.known)
            yield item.cells.take(known)


def _arrays(spec: Spec, allocated: Sequence[OpenedTable]) -> list[Array]:
    if not spec.is_sharded:
        return [one.array("slots", spec.slot, spec.window) for one in allocated]
    return [
        one.array(str(spec.tables.index(one)), spec.slot, spec.window, Role.TABLE)
        for one in allocated
    ]


def _block(spec: Spec, one: OpenedTable) -> Allocation:
    slots = one.table.slots
    before = slots_size(slots, spec.slot)
    return Allocation(one.control - before, table_size(slots, spec.slot, spec.window))


def _geometry(spec: Spec, malloc: Malloc | None, arrays: Sequence[Array]) -> ControlSlots:
    count = max(len(spec.tables), 1)
    # What is known of tables of a size: large ones take whole pages.
    known = {array.buckets: array.size for array in arrays if array.buckets > 1}

    def made_for(live: int) -> int:
        slots = slots_for(max(-(-live // count), 1), spec.slot, spec.window)
        size = table_size(slots, spec.slot, spec.window)
        if malloc is None:
            return count * size + live * spec.dense
        given = known.get(rows_of(slots)) or malloc.size(size)
        return count * given + (malloc.size(live * spec.dense) if live * spec.dense else 0)

    allocated = [one.table for one in spec.tables if one.table.slots]
    slots = max((one.slots for one in allocated), default=RUN)
    rows = max(slots // RUN, 1)
    return ControlSlots(
        slots=min(slots, RUN),
        bucket_size=min(slots, RUN),
        load_factor=capacity_of(slots) / rows,
        window=spec.window,
        made_for=made_for,
    )
