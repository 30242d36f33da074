"""Flat slots with a state, as a definition says where they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Block, Column, Ints, Problem
from ...compat import dataclass
from ...geometry.columns import Mask, identities_by_bytes
from ...geometry.counted_texts import CountedTexts
from ...geometry.flat.layout import (
    DELETED,
    EMPTY,
    LIVE,
    RUN,
    Integers,
    Part as Stored,
    SlotPart,
    States,
    Table,
    rows_of,
)
from ...geometry.flat.map import FlatMap
from ...geometry.flat.probes import Probing, hit_lengths, linear_from, triangular_from
from ...geometry.flat.shape import FlatTable
from ...geometry.problems import Told
from ...geometry.slot_problems import iter_lost
from ...header import Array, Header
from ...layout import StructLayout
from ...target import Memory, Target, Type
from ..family import Map
from ..malloc import Allocation, find_malloc
from .evaluation import NUMBERS, Numbers, Spot, column_of, spot_of
from .members import Part
from .opened import Parts, counted, finished, growth_of, parts_of, size_for
from .reading import Subject

MAX_SLOTS = 1 << 36
CHUNK = 1 << 20  # slots that are checked at a time


@dataclass(frozen=True)
class DeclaredFlat(FlatTable):
    """Slots of a declared family, of which it may be unknown when they grow."""

    needs_load_factor = False


@dataclass(frozen=True)
class CountedSlots:
    """Texts with a length in slots; see geometry.flat.layout.SlotPart."""

    base: int
    stride: int
    counted: CountedTexts
    size: int  # of an address and a length

    def places(self, slots: Ints) -> Addresses:
        """See SlotPart."""
        return np.uint64(self.base) + slots.astype(np.uint64) * np.uint64(self.stride)

    def values(self, memory: Memory, slots: Ints) -> Column:
        """See SlotPart."""
        places = self.places(slots)
        raw, ok = memory.gather(places, self.stride)
        return self.counted.column(memory, places, raw, ok)

    def addresses(self, slots: Ints) -> Addresses:
        """See SlotPart."""
        return np.zeros(len(slots), np.uint64)


@dataclass(frozen=True)
class Hashes:
    """The hash that each slot stores, and where lookups by it go."""

    subject: Subject
    base: int
    stride: int
    size: int
    slots: int
    probing: Probing

    def homes(self, first: int, end: int) -> tuple[Ints, Mask]:
        """Where the lookups of the keys in slots [first, end) begin, and which are known."""
        rule = self.subject.definition.hash
        assert rule is not None
        target = self.subject.target
        raw, ok = target.read_rows(self.base + first * self.stride, end - first, self.size)
        if self.stride != self.size:
            at = np.uint64(self.base) + np.arange(first, end, dtype=np.uint64) * np.uint64(
                self.stride
            )
            raw, ok = target.gather(at, self.size)
        codes = target.integer_column(raw, 0, self.size).astype(np.uint64)
        columns: dict[str, Numbers] = {"hash": column_of(codes), "length": self.slots}
        found = np.asarray(self.subject.compute(rule.bucket, columns)).astype(np.uint64)
        homes = np.broadcast_to(found, codes.shape)
        return np.minimum(homes, np.uint64(self.slots)).astype(np.int64), ok


class SlotsMap(FlatMap):
    """A table of a declared family. F5 is of the hash that slots store."""

    def __init__(
        self,
        target: Target,
        header: Header,
        tables: Sequence[Table],
        structs: Sequence[StructLayout],
        hashes: Hashes | None,
        compares: bool,
    ) -> None:
        super().__init__(target, header, tables, structs)
        self._hashes = hashes
        self._compares = compares

    def identities(self, keys: Column) -> tuple[NDArray[np.int64], Mask] | None:
        """See FlatMap."""
        return identities_by_bytes(keys) if self._compares else None

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """See FlatMap."""
        yield from super().audit()
        yield from self.check_placement() or ()

    def check_placement(self) -> Iterator[Problem] | None:
        """See family.Map."""
        hashes = self._hashes
        return None if hashes is None or not self.tables else self._iter_lost(hashes)

    def _iter_lost(self, hashes: Hashes) -> Iterator[Problem]:
        """F5. Slots whose state or hash cannot be read are left out, the walk has told of them."""
        table, told, walk = self.tables[0], Told(), self._walk()
        live: list[Ints] = []
        homes: list[Ints] = []
        empty = np.zeros(table.slots, np.bool_)
        for first in range(0, table.slots, CHUNK):
            end = min(first + CHUNK, table.slots)
            seen = walk.read(0, first, end)
            if not seen.ok.all():
                return
            empty[first:end] = seen.states == EMPTY
            begin, known = hashes.homes(first, end)
            chosen = (seen.states == LIVE) & known
            live.append(first + np.flatnonzero(chosen))
            homes.append(begin[chosen])
        slots, starts = np.concatenate(live), np.concatenate(homes)
        for at in np.flatnonzero(starts >= table.slots).tolist():
            text = f"slot {int(slots[at]):,}: its hash selects no slot of the table"
            yield from told.problem("F5", text, table.state.address(int(slots[at])), "F5")
        slots, starts = slots[starts < table.slots], starts[starts < table.slots]
        lengths = hit_lengths(empty, hashes.probing, starts, slots)
        yield from iter_lost(told, "", slots, starts, lengths, table.state.address, "F5")
        yield from told.iter_cut()


def open_slots(subject: Subject) -> Map:
    """Opens a map. DefinitionError, TargetError."""
    definition = subject.definition
    slots = subject.number(definition.array.length)
    if not 0 <= slots <= MAX_SLOTS:
        raise subject.unsound(f"it has {slots:,} slots")
    base, item = subject.pointer(definition.array.address)
    slot = subject.item_type(definition.array.item, item, definition.array.address)
    slots = slots if base else 0
    if slots:
        subject.require("slots", base, slots * slot.size)
    state = _state(subject, base, slot)
    if slots and not base <= state.base < base + slot.size:
        subject.require("states", state.base, slots * state.width)
    parts = parts_of(subject, slot, lambda: slot.size, ())
    for one in (parts.key, parts.elem):
        if slots and one.base:
            subject.require("array of keys or elems", one.base, slots * one.stride)
    return _open(subject, slots, (base, slot), state, parts)


def _state(subject: Subject, base: int, slot: Type) -> Integers:
    rule = subject.definition.state
    assert rule is not None  # the definition says so
    where, at, stride, spot = rule.where, base, slot.size, Spot(0, slot)
    if rule.member is not None:
        with subject.judging(rule.member):
            spot = spot_of(slot, rule.member.node)
        where, at = rule.member.where, base + spot.offset
    elif rule.address is not None:
        at, item = subject.pointer(rule.address)
        spot = Spot(0, subject.item_type(None, item, rule.address))
        where, stride = rule.address.where, spot.type.size
    if spot.type.kind not in NUMBERS or spot.type.size not in (1, 2, 4, 8):
        raise where.error(f"'{spot.type.name}' is no state: it must be a number or a pointer")

    is_empty, is_deleted = rule.empty, rule.deleted

    def meaning(stored: NDArray[Any]) -> States:
        columns = {"state": column_of(stored)}
        empty = np.asarray(subject.compute(is_empty, columns)) != 0
        found = np.where(empty, EMPTY, LIVE)
        if is_deleted is not None:
            deleted = np.asarray(subject.compute(is_deleted, columns)) != 0
            found = np.where(deleted & ~empty, DELETED, found)
        states: States = np.broadcast_to(found, stored.shape).astype(np.uint8)
        return states

    return Integers(at, stride, spot.type.size, meaning, spot.type.signed)


def _stored(base: int, stride: int, part: Part) -> SlotPart:
    base, stride = (part.base, part.stride) if part.base else (base, stride)
    if part.counted is not None:
        return CountedSlots(base, stride, part.counted, part.size)
    return Stored(base + part.offset, stride, part.size, part.size)


def _hashes(subject: Subject, base: int, slot: Type, slots: int) -> Hashes | None:
    rule = subject.definition.hash
    if rule is None:
        return None
    with subject.judging(rule.stored):
        spot = spot_of(slot, rule.stored.node)
    if spot.type.kind not in NUMBERS or spot.type.size not in (1, 2, 4, 8):
        raise rule.stored.where.error(f"'{spot.type.name}' is no number")
    made = {"linear": linear_from, "triangular": triangular_from}[rule.probing]
    return Hashes(subject, base + spot.offset, slot.size, spot.type.size, slots, made(slots))


def _open(
    subject: Subject, slots: int, array: tuple[int, Type], state: Integers, parts: Parts
) -> Map:
    definition, target, (base, slot) = subject.definition, subject.target, array
    stored = [_stored(base, slot.size, one) for one in (parts.key, parts.elem)]
    blocks = [Allocation(base, slots * slot.size)]
    if not base <= state.base < base + slot.size:
        blocks.append(Allocation(state.base, slots * state.width))
    blocks += [
        Allocation(one.base, slots * one.stride) for one in (parts.key, parts.elem) if one.base
    ]
    rounding = find_malloc(target, blocks) if slots else None
    size = sum(one.size for one in blocks) if rounding is None else sum(rounding[1])
    grows_at = subject.optional(definition.grows_at)
    hashes = _hashes(subject, base, slot, slots)
    rule = definition.state
    assert rule is not None
    tombstones = subject.optional(rule.tombstones, -1)
    tombstones_at = subject.address_of(rule.tombstones, subject.address)
    count = None if definition.count is None else subject.number(definition.count)
    count_at = subject.address_of(definition.count, subject.address)
    structs = subject.layouts({"slot": slot})
    geometry = DeclaredFlat(
        slots=min(slots, RUN) or RUN,
        bucket_size=state.width,
        load_factor=max(grows_at, 0) * RUN / max(slots, RUN),
        width=state.width,
        stored="state",
        probing=None if hashes is None else hashes.probing,
        made_for=lambda live: size_for(live, slots, grows_at, size),
    )

    def made(entries: int) -> SlotsMap:
        table = Table(
            slots=slots,
            state=state,
            key=stored[0],
            elem=stored[1],
            items=entries,
            items_at=count_at,
            deleted=tombstones,
            deleted_at=tombstones_at,
        )
        header = Header(
            family=definition.name,
            expression=subject.value.expression,
            type_name=subject.value.type.name,
            address=subject.address,
            count_at=count_at,
            key_type=parts.key.type,
            elem_type=parts.elem.type,
            count=entries,
            arrays=(Array("slots", state.base, rows_of(slots), size),) if slots else (),
            geometry=geometry,
            header_size=subject.type.size,
            is_rounded=rounding is not None if slots else None,
            unique_keys=not definition.is_multi,
            count_rule="F1",
            growth=growth_of(subject, grows_at),
        )
        compares = parts.compares_bytes and not definition.is_multi
        return SlotsMap(target, header, (table,) if slots else (), structs, hashes, compares)

    return finished(target, counted(made, count), parts)
