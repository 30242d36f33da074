"""Opened maps: one table, or one for each shard of phmap's parallel maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...compat import dataclass
from ...geometry.control.layout import RUN, Boxes, SlotLayout, rows_of
from ...geometry.control.map import ControlMap
from ...geometry.control.shape import ControlSlots
from ...header import Array, Growth, Header, Role
from ...languages import short_name
from ...layout import StructLayout
from ...target import Target, Value
from ..control_tables import iter_counted, iter_limits
from ..malloc import Malloc, find_malloc
from .table import CONTROL, Kind, OpenedTable

FAMILY = "Abseil"  # before the name of a kind


@dataclass(frozen=True)
class Spec:
    """A map that was read. Sizes in bytes."""

    kind: Kind
    size: int  # of the map itself, with its shards
    tables: Sequence[OpenedTable]
    is_sharded: bool  # the tables are the map's shards; else there is one

    @property
    def name(self) -> str:
        """What the library calls such a map."""
        entry = self.kind.entry
        prefix = "parallel_" if self.is_sharded else ""
        return (
            f"{prefix}{'node' if entry.is_node else 'flat'}_hash_{'map' if entry.is_map else 'set'}"
        )


def make_map(target: Target, value: Value, address: int, spec: Spec) -> ControlMap:
    """The opened map."""
    kind, entry = spec.kind, spec.kind.entry
    there = [one for one in spec.tables if one.table.slots]
    blocks = [one.block for one in there if one.block is not None]
    rounding = find_malloc(target, blocks)
    malloc = None if rounding is None else rounding[0]
    given = [one.size for one in blocks] if rounding is None else rounding[1]
    sizes = dict(zip((one.address for one in blocks), given))
    arrays = tuple(_iter_arrays(spec, there, sizes))
    box = entry.size if entry.is_node else 0
    first = there[0] if there else None
    header = Header(
        family=f"{FAMILY} {spec.name}",
        expression=value.expression,
        type_name=short_name(value.type.name),
        address=address,
        count_at=spec.tables[0].table.items_at,
        key_type=entry.key.type,
        elem_type=entry.elem.type,
        count=sum(one.table.items for one in spec.tables),
        arrays=arrays,
        geometry=_geometry(spec, there, arrays, malloc),
        header_size=spec.size,
        box_size=malloc.size(box) if malloc is not None and box else box,
        is_rounded=None if not blocks else rounding is not None,
        unique_keys=True,
        count_rule="R1",
        growth=(
            Growth(above=first.table.items + first.table.growth_left)
            if first is not None and not spec.is_sharded
            else None
        ),
        tables=tuple(iter_counted((one.table, one.control) for one in there))
        if spec.is_sharded
        else (),
        notes=(*entry.notes, *_notes(spec.tables)),
        problems=tuple(iter_limits(one.table for one in there)),
        # Others may have nothing at all in memory that proves them.
        certain_if_empty=kind.layout.soo is None,
    )
    layout = SlotLayout(
        size=entry.slot,
        key=entry.key.offset,
        key_size=entry.key.type.size,
        elem=entry.elem.offset,
        elem_size=entry.elem.type.size,
        control=CONTROL,
        window=kind.window,
        clones=kind.window - 1,
        clones_first=True,
        reach=Boxes() if entry.is_node else None,
    )
    structs = [kind.layout.struct]
    return ControlMap(
        target,
        header,
        layout,
        [one.table for one in there],
        [_short(one) for one in structs],
        compare_keys=True,
    )


def _short(struct: StructLayout) -> StructLayout:
    return StructLayout(short_name(struct.name), struct.size, struct.members)


def _notes(tables: Sequence[OpenedTable]) -> Iterator[str]:
    yield from dict.fromkeys(note for one in tables for note in one.notes)
    if any(one.is_sampled for one in tables):
        yield "sampled by hashtablez: its block has a word more"


def _iter_arrays(
    spec: Spec, there: Sequence[OpenedTable], sizes: dict[int, int]
) -> Iterator[Array]:
    for number, one in enumerate(spec.tables):
        if not one.table.slots:
            continue
        size = sizes[one.block.address] if one.block is not None else 0
        if spec.is_sharded:
            yield one.array(str(number), size, Role.TABLE)
        else:
            yield one.array("inline" if one.is_inline else "slots", size)


def _geometry(
    spec: Spec, there: Sequence[OpenedTable], arrays: Sequence[Array], malloc: Malloc | None
) -> ControlSlots:
    kind, count = spec.kind, max(len(spec.tables), 1)
    # What is known of tables of a size: large ones take whole pages.
    known = {one.capacity: array.size for one, array in zip(there, arrays)}

    def made_for(live: int) -> int:
        capacity = kind.capacity_for(-(-live // count)) if live else 0
        size = kind.block_size(capacity)
        if malloc is None or not size:
            return count * size
        return count * (known.get(capacity) or malloc.size(size))

    largest = max(there, key=lambda one: one.table.slots, default=None)
    slots = largest.table.slots if largest is not None else RUN
    rows = max(rows_of(slots), 1)
    return ControlSlots(
        slots=min(slots, RUN),
        bucket_size=min(slots, RUN),
        load_factor=(largest.table.limit if largest is not None else RUN) / rows,
        window=kind.window,
        sentinels=largest.table.sentinels if largest is not None else 1,
        has_control=largest is None or largest.table.has_control,
        made_for=made_for,
    )
