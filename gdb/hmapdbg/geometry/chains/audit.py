"""The invariants of bucket chains that a plain walk does not check: I6 to I10 and I12 to I15 of
hmap_internal.h, in addition to what the walk itself reports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, Union

import numpy as np

from ...block import Addresses, Block, Buckets, Cells, Column, Problem
from ...header import Header
from ...target.memory import mapped_parts
from ..columns import KeySet, Mask, pointer_column
from .arrays import Arrays
from .layout import Seen
from .walk import BucketWalk

MAX_ABSENT = 16  # an array is there if one part in so many of it is in memory
MAX_TOUCHED = 1 << 32  # buckets, where it may not be known what is in memory


class KeyHash(Protocol):
    """A map's hash function, if it is known."""

    is_string: bool  # keys are pointers to the strings that are hashed

    def hashes(self, keys: Column) -> tuple[Addresses, Mask]:
        """The 64-bit hash of each of n keys, and which of them could be hashed."""


class BucketAudit:
    """A walk that checks everything; iterate over `run`.

    owned_keys: a key's slot holds a pointer, which is NULL in an empty cell, as for a box.
    next_overflow: the first unused spare bucket of the new array, 0 if there is none. noverflow_at:
    address of the map's count of overflow buckets. compare_keys: whether keys with equal bytes are
    equal, if the hash is unknown.
    """

    def __init__(
        self,
        header: Header,
        arrays: Arrays,
        *,
        key_hash: KeyHash | None,
        owned_keys: bool,
        next_overflow: int,
        noverflow_at: int,
        compare_keys: bool = True,
    ) -> None:
        self.header = header
        self.arrays = arrays
        self.key_hash = key_hash
        self.owned_keys = owned_keys
        self.next_overflow = next_overflow
        self.noverflow_at = noverflow_at
        self.compare_keys = compare_keys
        layout = arrays.layout
        self.owned = [
            (name, offset, size)
            for name, offset, size, owned in (
                ("key", layout.keys, layout.key_slot, layout.key_boxed or owned_keys),
                ("elem", layout.elems, layout.elem_slot, layout.elem_boxed),
            )
            if owned
        ]
        # What each new main bucket holds, for I7: its first used cell plus 1, `linked` for only an
        # overflow pointer, 0 for nothing. Empty if not needed, or if B is garbage.
        asked = arrays.old is not None and _is_there(arrays)
        self.touched = np.zeros(arrays.new.buckets if asked else 0, np.uint8)
        self.linked = layout.slots + 1
        self.nevacuate = 0 if header.growth is None else header.growth.nevacuate
        self.new_overflow = 0
        self.unreadable = False
        self.keys = KeySet()  # of live cells; as much memory as check.c uses
        self.null_keys: list[int] = []  # slots of live keys whose pointer is NULL
        self.spare_links: list[tuple[int, int]] = []  # unused spare bucket, the field that links it

    def run(self) -> Iterator[Union[Block, Problem]]:
        """The walk's Blocks, the Problems of the arrays, then those of the map as a whole."""
        for item in BucketWalk(self.arrays).walk_with_evidence(cells=True):
            if isinstance(item, Seen):
                yield from self._take(item)
                continue
            yield item
            if isinstance(item, Problem):
                self.unreadable |= not item.invariant
                continue
            yield from self._rows(item)
            if item.cells is not None and len(item.cells):
                yield from self._cells(item.array, item.cells)
        yield from self._twice()
        yield from self._spares()
        yield from self._noverflow()
        yield from self.arrays.told.iter_cut()

    # ---- what the walk shows: I14, and what I7 and I12 need

    def _take(self, seen: Seen) -> list[Problem]:
        addrs, raw, tophash = seen.addrs, seen.raw, seen.tophash
        if seen.array is self.arrays.new:
            self._take_new(seen)
        problems: list[Problem] = []
        marks, layout = self.arrays.marks, self.arrays.layout
        moved = (tophash >= marks.evacuated_x) & (tophash < marks.min_tophash)
        moved |= seen.evacuated[:, None, None]
        live = tophash >= marks.min_tophash
        for name, offset, size in self.owned:
            end = offset + layout.slots * size
            slots = raw[:, :, offset:end].reshape(-1, size)
            there = (pointer_column(self.arrays.target, slots, 0) != 0).reshape(tophash.shape)
            absent = live & ~moved & ~there
            for wrong, state in ((absent, "live"), (~live & ~moved & there, "empty")):
                for chain, link, slot in np.argwhere(wrong).tolist():
                    at = int(addrs[chain, link]) + offset + slot * size
                    if state == "live" and name == "key":
                        self.null_keys.append(at)
                    what = "NULL" if state == "live" else "not NULL"
                    problems += self.arrays.told.problem(
                        f"I14 {state} {name}",
                        f"bucket {seen.buckets[chain]:,} slot {slot}: {state}, but the pointer of "
                        f"its {name} is {what}",
                        at,
                        "I14",
                    )
        return problems

    def _take_new(self, seen: Seen) -> None:
        arrays, layout = self.arrays, self.arrays.layout
        buckets, addrs, raw, tophash = seen.buckets, seen.addrs, seen.raw, seen.tophash
        size = layout.size
        links = pointer_column(arrays.target, raw.reshape(-1, size), layout.overflow)
        links = links.reshape(addrs.shape)
        # The first of successive buckets may be a main one.
        offsets = buckets.astype(np.uint64) * np.uint64(size)
        main = addrs[:, 0] == np.uint64(arrays.new.address) + offsets
        if len(self.touched):
            used = tophash[main, 0] != arrays.marks.empty_rest
            first = np.where(used.any(axis=1), np.argmax(used, axis=1) + 1, 0)
            first[(first == 0) & (links[main, 0] != 0)] = self.linked
            self.touched[buckets[main]] = first
        if self.next_overflow:
            low, end = np.uint64(self.next_overflow), np.uint64(self._end_of_spares())
            unused = (links >= low) & (links < end)
            unused &= (links - low) % np.uint64(size) == 0
            fields = addrs[unused] + np.uint64(layout.overflow)
            self.spare_links += zip(links[unused].tolist(), fields.tolist())

    # ---- main buckets: I6, I7

    def _rows(self, block: Block) -> Iterator[Problem]:
        rows = block.buckets
        if block.array == self.arrays.new.name:
            self.new_overflow += block.overflow
        if rows is None:
            return
        if block.array != self.arrays.new.name:
            yield from self._old_rows(rows)

    def _old_rows(self, rows: Buckets) -> Iterator[Problem]:
        staying = ~rows.evacuated
        late = staying & (rows.bucket < self.nevacuate)
        for bucket, addr in zip(rows.bucket[late].tolist(), rows.address[late].tolist()):
            yield from self.arrays.told.problem(
                "I6 nevacuate",
                f"old bucket {bucket:,} is not evacuated, but nevacuate is " f"{self.nevacuate:,}",
                addr,
                "I6",
            )
        old = self.arrays.old.buckets if self.arrays.old else 0
        waiting = rows.bucket[staying]
        layout = self.arrays.layout
        for first in range(0, len(self.touched), old):
            there = waiting[waiting + first < len(self.touched)]
            for bucket in there[self.touched[there + first] != 0].tolist():
                cell = int(self.touched[bucket + first])
                at = layout.overflow if cell == self.linked else layout.tophash + cell - 1
                yield from self.arrays.told.problem(
                    "I7",
                    f"bucket {bucket + first:,} is not empty, but old bucket {bucket:,} is not "
                    "evacuated yet",
                    self.arrays.new.address + (bucket + first) * layout.size + at,
                    "I7",
                )

    # ---- cells: I8, I9, I10

    def _cells(self, array: str, cells: Cells) -> Iterator[Problem]:
        layout = self.arrays.layout
        slots = cells.address + (layout.keys + cells.slot * layout.key_slot).astype(np.uint64)
        where = _Names("" if array == self.arrays.new.name else "old ", cells)
        for name, column in (("key", cells.keys), ("elem", cells.elems)):
            yield from self._faults(name, where, column)
        known = cells.keys.known
        if self.null_keys:
            known &= ~np.isin(slots, np.array(self.null_keys, np.uint64))
        if self.key_hash is None:
            if not self.compare_keys:
                return
            # Without the hash only keys of equal bytes are known to be equal.
            self.keys.add_bytes(cells.keys, slots, known)
            return
        hashes, ok = self.key_hash.hashes(cells.keys)
        if self.key_hash.is_string:
            yield from self._string_faults(where, cells.keys, known & ~ok)
        known &= ok
        self.keys.add(hashes[known], slots[known])
        buckets = self.header.array(array).buckets
        place = (hashes % np.uint64(buckets)).astype(np.int64)
        for at in np.flatnonzero(known & (place != cells.bucket)).tolist():
            yield from self.arrays.told.problem(
                "I8", f"{where[at]}: its key hashes to bucket {place[at]:,}", int(slots[at]), "I8"
            )
        top = (hashes >> np.uint64(56)).astype(np.int64)
        top += np.where(top < self.arrays.marks.min_tophash, self.arrays.marks.min_tophash, 0)
        for at in np.flatnonzero(known & (top != cells.tophash)).tolist():
            yield from self.arrays.told.problem(
                "I9",
                f"{where[at]}: tophash is 0x{cells.tophash[at]:x}, its key's is 0x{top[at]:x}",
                int(cells.address[at]) + layout.tophash + int(cells.slot[at]),
                "I9",
            )

    def _faults(self, name: str, where: _Names, column: Column) -> Iterator[Problem]:
        """Boxes that cannot be read."""
        if column.faults is None or column.failed is None:
            return
        for at in np.flatnonzero(column.faults).tolist():
            text = f"{where[at]}: its {name} cannot be read"
            yield from self.arrays.told.problem(
                f"unreadable {name}", text, int(column.faults[at]), ""
            )

    def _string_faults(self, where: _Names, keys: Column, failed: Mask) -> Iterator[Problem]:
        """Strings that cannot be read; I14 reports NULL if the map owns them."""
        target = self.arrays.target
        if keys.data.shape[1] != target.pointer_size:
            return  # a damaged type object
        pointers = pointer_column(target, keys.data, 0)
        for at in np.flatnonzero(failed).tolist():
            pointer = int(pointers[at])
            if (pointer or not self.owned_keys) and not target.is_readable(pointer, 1):
                text = f"{where[at]}: the string of its key cannot be read"
                yield from self.arrays.told.problem("unreadable key", text, pointer, "")

    def _twice(self) -> Iterator[Problem]:
        """Live cells with equal keys (I10)."""
        for first, second in self.keys.iter_twice():
            text = f"the key at 0x{second:x} is also live at 0x{first:x}"
            yield from self.arrays.told.problem("I10", text, second, "I10")

    # ---- the map as a whole: I12, I13

    def _spares(self) -> Iterator[Problem]:
        """Unused spare buckets are in no chain, and zero except for the end mark in the last one
        (I12)."""
        if not self.next_overflow:
            return
        arrays, layout = self.arrays, self.arrays.layout
        end = self._end_of_spares()
        fields: dict[int, int] = {}
        for link, field in self.spare_links:
            fields.setdefault(link, field)
        for addr in arrays.met.between(self.next_overflow, end).tolist():
            yield from arrays.told.problem(
                "I12 used",
                f"spare bucket 0x{addr:x} is in a chain, but nextOverflow is "
                f"0x{self.next_overflow:x}",
                fields.get(addr, addr),
                "I12",
            )
        count = (end - self.next_overflow) // layout.size
        raw, ok = arrays.target.read_rows(self.next_overflow, count, layout.size)
        raw = raw.copy()
        marks = pointer_column(arrays.target, raw, layout.overflow)
        wanted = np.zeros(count, np.uint64)
        wanted[-1:] = arrays.new.address
        raw[:, layout.overflow : layout.overflow + arrays.target.pointer_size] = 0
        addrs = np.uint64(self.next_overflow) + np.arange(count, dtype=np.uint64) * np.uint64(
            layout.size
        )
        for at in np.flatnonzero(ok & (marks != wanted)).tolist():
            yield from arrays.told.problem(
                "I12 mark",
                f"overflow pointer of unused spare bucket 0x{addrs[at]:x} is 0x{marks[at]:x}, not "
                f"0x{wanted[at]:x}",
                int(addrs[at]) + layout.overflow,
                "I12",
            )
        for at in np.flatnonzero(ok & raw.any(axis=1)).tolist():
            yield from arrays.told.problem(
                "I12 zero",
                f"spare bucket 0x{addrs[at]:x} is unused, but not zero",
                int(addrs[at]),
                "I12",
            )

    def _end_of_spares(self) -> int:
        new = self.arrays.new
        return new.address + (new.buckets + new.spare) * self.arrays.layout.size

    def _noverflow(self) -> Iterator[Problem]:
        """The map's count of overflow buckets, if it is exact and all were read (I13)."""
        if self.unreadable:
            return
        told = self.header.overflow
        if told is not None and told.is_exact and told.estimate != min(self.new_overflow, 0xFFFF):
            yield Problem(
                f"noverflow is {told.estimate:,}, but the chains have {self.new_overflow:,} "
                "overflow buckets",
                self.noverflow_at,
                "I13",
            )


class _Names:
    """The names of cells, made only for reported ones."""

    def __init__(self, prefix: str, cells: Cells) -> None:
        self._prefix = prefix
        self._cells = cells

    def __getitem__(self, at: int) -> str:
        return f"{self._prefix}bucket {self._cells.bucket[at]:,} slot {self._cells.slot[at]}"


def iter_retired_problems(arrays: Arrays) -> Iterator[Problem]:
    """A superseded array that an iterator keeps, walked on its own: links, and that nothing is live
    (I15)."""
    marks, layout = arrays.marks, arrays.layout
    for item in BucketWalk(arrays).walk_with_evidence(cells=False):
        if isinstance(item, Problem):
            yield item
        if not isinstance(item, Seen):
            continue
        for chain, link, slot in np.argwhere(item.tophash >= marks.min_tophash).tolist():
            text = f"{arrays.prefix}bucket {item.buckets[chain]:,} slot {slot}: live, but retired"
            at = int(item.addrs[chain, link]) + layout.tophash + slot
            yield from arrays.told.problem("I15", text, at, "I15")
    yield from arrays.told.iter_cut()


def _is_there(arrays: Arrays) -> bool:
    """Whether the target can have the new array: one that a garbage B makes large is not in
    memory."""
    low, size = arrays.new.address, arrays.new.buckets * arrays.layout.size
    parts = mapped_parts(arrays.target, [(low, low + size)])
    there = sum(end - begin for begin, end in parts)
    return arrays.new.buckets <= MAX_TOUCHED and there * MAX_ABSENT >= size
