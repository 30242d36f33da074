"""The invariants of 8-slot bucket maps that a plain walk does not look at: I6 to I10 and I12 to I15
of hmap_internal.h, on top of what the walk itself tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

import numpy as np
from numpy.typing import NDArray

from ..block import Array, Block, Buckets, Cells, Column, Header, Problem
from ..target import Target
from .bucket_walk import Addresses, BucketLayout, BucketWalk, Ints, Marks, Raw, pointer_column
from .key_hash import Hashes, KeyHash

MAX_TOUCHED = 1 << 32  # bytes of memory that is only taken where the target has buckets


class BucketAudit:
    """One walk with everything checked; iterate `run`.

    owned_keys: a key's slot holds a pointer that is NULL in an empty cell, as a box's is.
    next_overflow: the first unused spare bucket of the new array, 0 for none that is one.
    noverflow_at: address of the map's count of overflow buckets.
    compare_keys: whether two keys are one key if their bytes are the same, where the hash is not
    known.
    """

    def __init__(
        self,
        header: Header,
        walk: BucketWalk,
        *,
        key_hash: KeyHash | None,
        owned_keys: bool,
        next_overflow: int,
        noverflow_at: int,
        compare_keys: bool = True,
    ) -> None:
        self.header = header
        self.walk = walk
        self.key_hash = key_hash
        self.owned_keys = owned_keys
        self.next_overflow = next_overflow
        self.noverflow_at = noverflow_at
        self.compare_keys = compare_keys
        layout = walk.layout
        self.owned = [
            (name, offset, size)
            for name, offset, size, owned in (
                ("key", layout.keys, layout.key_slot, layout.key_boxed or owned_keys),
                ("elem", layout.elems, layout.elem_slot, layout.elem_boxed),
            )
            if owned
        ]
        # What each new main bucket holds, for I7: its first used cell plus 1, `linked` for only
        # an overflow pointer, 0 for nothing. Empty where nobody asks, or a garbage B would make it
        # larger than any map.
        asked = walk.old is not None and walk.new.buckets <= MAX_TOUCHED
        self.touched = np.zeros(walk.new.buckets if asked else 0, np.uint8)
        self.linked = walk.layout.slots + 1
        self.new_overflow = 0
        self.unreadable = False
        # Of live cells: what stands for the key, and its slot. 16 bytes an entry, as in check.c.
        self.same: list[Hashes] = []
        self.slots: list[Addresses] = []
        self.null_keys: list[int] = []  # slots of live keys whose pointer is NULL
        self.spare_links: list[tuple[int, int]] = []  # unused spare bucket, the field that links it
        walk.audit = self

    def run(self) -> Iterator[Union[Block, Problem]]:
        """The walk's Blocks, the Problems of the arrays, then those of the map as a whole."""
        for item in self.walk.walk(cells=True):
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
        yield from self.walk.iter_cut()

    # ---- what the walk shows: I14, and what I7 and I12 need

    def take(
        self,
        array: Array,
        buckets: Ints,
        evacuated: NDArray[np.bool_],
        addrs: Addresses,
        raw: Raw,
        tophash: Raw,
    ) -> list[Problem]:
        """See bucket_walk.Auditor."""
        if array is self.walk.new:
            self._take_new(buckets, addrs, raw, tophash)
        problems: list[Problem] = []
        marks, layout = self.walk.marks, self.walk.layout
        moved = (tophash >= marks.evacuated_x) & (tophash < marks.min_tophash)
        moved |= evacuated[:, None, None]
        live = tophash >= marks.min_tophash
        for name, offset, size in self.owned:
            end = offset + layout.slots * size
            slots = raw[:, :, offset:end].reshape(-1, size)
            there = (pointer_column(self.walk.target, slots, 0) != 0).reshape(tophash.shape)
            absent = live & ~moved & ~there
            for wrong, state in ((absent, "live"), (~live & ~moved & there, "empty")):
                for chain, link, slot in np.argwhere(wrong).tolist():
                    at = int(addrs[chain, link]) + offset + slot * size
                    if state == "live" and name == "key":
                        self.null_keys.append(at)
                    what = "NULL" if state == "live" else "not NULL"
                    problems += self.walk.problem(
                        f"I14 {state} {name}",
                        f"bucket {buckets[chain]:,} slot {slot}: {state}, but the pointer of its "
                        f"{name} is {what}",
                        at,
                        "I14",
                    )
        return problems

    def _take_new(self, buckets: Ints, addrs: Addresses, raw: Raw, tophash: Raw) -> None:
        walk, layout = self.walk, self.walk.layout
        size = layout.size
        links = pointer_column(walk.target, raw.reshape(-1, size), layout.overflow)
        links = links.reshape(addrs.shape)
        # The first of the buckets taken together may be a main one.
        offsets = buckets.astype(np.uint64) * np.uint64(size)
        main = addrs[:, 0] == np.uint64(walk.new.address) + offsets
        if len(self.touched):
            used = tophash[main, 0] != walk.marks.empty_rest
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
        if block.array == self.walk.new.name:
            self.new_overflow += block.overflow
        if rows is None:
            return
        if block.array != self.walk.new.name:
            yield from self._old_rows(rows)

    def _old_rows(self, rows: Buckets) -> Iterator[Problem]:
        staying = ~rows.evacuated
        late = staying & (rows.bucket < self.header.nevacuate)
        for bucket, addr in zip(rows.bucket[late].tolist(), rows.address[late].tolist()):
            yield from self.walk.problem(
                "I6 nevacuate",
                f"old bucket {bucket:,} is not evacuated, but nevacuate is "
                f"{self.header.nevacuate:,}",
                addr,
                "I6",
            )
        old = self.walk.old.buckets if self.walk.old else 0
        waiting = rows.bucket[staying]
        layout = self.walk.layout
        for first in range(0, len(self.touched), old):
            there = waiting[waiting + first < len(self.touched)]
            for bucket in there[self.touched[there + first] != 0].tolist():
                cell = int(self.touched[bucket + first])
                at = layout.overflow if cell == self.linked else layout.tophash + cell - 1
                yield from self.walk.problem(
                    "I7",
                    f"bucket {bucket + first:,} is not empty, but old bucket {bucket:,} is not "
                    "evacuated yet",
                    self.walk.new.address + (bucket + first) * layout.size + at,
                    "I7",
                )

    # ---- cells: I8, I9, I10

    def _cells(self, array: str, cells: Cells) -> Iterator[Problem]:
        layout = self.walk.layout
        slots = cells.address + (layout.keys + cells.slot * layout.key_slot).astype(np.uint64)
        where = _Names("" if array == self.walk.new.name else "old ", cells)
        for name, column in (("key", cells.keys), ("elem", cells.elems)):
            yield from self._faults(name, where, column)
        known = cells.keys.known
        if self.null_keys:
            known &= ~np.isin(slots, np.array(self.null_keys, np.uint64))
        if self.key_hash is None:
            if not self.compare_keys:
                return
            # Without the hash only keys of equal bytes are known to be equal.
            same = np.zeros(len(cells), np.int64)
            width = cells.keys.data.shape[1]
            if width:
                rows = np.ascontiguousarray(cells.keys.data).view(f"V{width}").ravel()
                same = np.fromiter(map(hash, map(bytes, rows.tolist())), np.int64, len(rows))
            self._keep(same.view(np.uint64), slots, known)
            return
        hashes, ok = self.key_hash.hashes(cells.keys)
        if self.key_hash.is_string:
            yield from self._string_faults(where, cells.keys, known & ~ok)
        known &= ok
        self._keep(hashes, slots, known)
        buckets = next(one.buckets for one in self.header.arrays if one.name == array)
        place = (hashes % np.uint64(buckets)).astype(np.int64)
        for at in np.flatnonzero(known & (place != cells.bucket)).tolist():
            yield from self.walk.problem(
                "I8", f"{where[at]}: its key hashes to bucket {place[at]:,}", int(slots[at]), "I8"
            )
        top = (hashes >> np.uint64(56)).astype(np.int64)
        top += np.where(top < self.walk.marks.min_tophash, self.walk.marks.min_tophash, 0)
        for at in np.flatnonzero(known & (top != cells.tophash)).tolist():
            yield from self.walk.problem(
                "I9",
                f"{where[at]}: tophash is 0x{cells.tophash[at]:x}, its key's is 0x{top[at]:x}",
                int(cells.address[at]) + layout.tophash + int(cells.slot[at]),
                "I9",
            )

    def _faults(self, name: str, where: _Names, column: Column) -> Iterator[Problem]:
        """Boxes that are not there to be read."""
        if column.faults is None or column.failed is None:
            return
        for at in np.flatnonzero(column.faults).tolist():
            text = f"{where[at]}: its {name} cannot be read"
            yield from self.walk.problem(f"unreadable {name}", text, int(column.faults[at]), "")

    def _string_faults(
        self, where: _Names, keys: Column, failed: NDArray[np.bool_]
    ) -> Iterator[Problem]:
        """Strings that are not there to be read; NULL is told by I14 where the map owns them."""
        target = self.walk.target
        pointers = pointer_column(target, keys.data, 0)
        for at in np.flatnonzero(failed).tolist():
            pointer = int(pointers[at])
            if (pointer or not self.owned_keys) and not target.is_readable(pointer, 1):
                text = f"{where[at]}: the string of its key cannot be read"
                yield from self.walk.problem("unreadable key", text, pointer, "")

    def _keep(self, same: Hashes, slots: Addresses, known: NDArray[np.bool_]) -> None:
        self.same.append(same[known])
        self.slots.append(slots[known])

    def _twice(self) -> Iterator[Problem]:
        """Live cells whose keys are the same (I10). 64 bits decide: two different keys with one
        hash would need 2^32 entries to be likely."""
        if not self.same:
            return
        ordered = np.sort(np.concatenate(self.same))
        repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        if not len(repeated):
            return
        chosen = [np.isin(same, repeated) for same in self.same]
        same = np.concatenate([part[which] for part, which in zip(self.same, chosen)])
        slots = np.concatenate([part[which] for part, which in zip(self.slots, chosen)])
        order = np.argsort(same, kind="stable")
        before, after = order[:-1], order[1:]
        equal = same[before] == same[after]
        for first, second in zip(slots[before[equal]].tolist(), slots[after[equal]].tolist()):
            text = f"the key at 0x{second:x} is also live at 0x{first:x}"
            yield from self.walk.problem("I10", text, second, "I10")

    # ---- the map as a whole: I12, I13

    def _spares(self) -> Iterator[Problem]:
        """Unused spare buckets are in no chain, and zero but for the end mark in the last one
        (I12)."""
        if not self.next_overflow:
            return
        walk, layout = self.walk, self.walk.layout
        end = self._end_of_spares()
        fields: dict[int, int] = {}
        for link, field in self.spare_links:
            fields.setdefault(link, field)
        for addr in walk.met.between(self.next_overflow, end).tolist():
            yield from walk.problem(
                "I12 used",
                f"spare bucket 0x{addr:x} is in a chain, but nextOverflow is "
                f"0x{self.next_overflow:x}",
                fields.get(addr, addr),
                "I12",
            )
        count = (end - self.next_overflow) // layout.size
        raw, ok = walk.target.read_rows(self.next_overflow, count, layout.size)
        raw = raw.copy()
        marks = pointer_column(walk.target, raw, layout.overflow)
        wanted = np.zeros(count, np.uint64)
        wanted[-1:] = walk.new.address
        raw[:, layout.overflow : layout.overflow + walk.target.pointer_size] = 0
        addrs = np.uint64(self.next_overflow) + np.arange(count, dtype=np.uint64) * np.uint64(
            layout.size
        )
        for at in np.flatnonzero(ok & (marks != wanted)).tolist():
            yield from walk.problem(
                "I12 mark",
                f"overflow pointer of unused spare bucket 0x{addrs[at]:x} is 0x{marks[at]:x}, not "
                f"0x{wanted[at]:x}",
                int(addrs[at]) + layout.overflow,
                "I12",
            )
        for at in np.flatnonzero(ok & raw.any(axis=1)).tolist():
            yield from walk.problem(
                "I12 zero",
                f"spare bucket 0x{addrs[at]:x} is unused, but not zero",
                int(addrs[at]),
                "I12",
            )

    def _end_of_spares(self) -> int:
        new = self.walk.new
        return new.address + (new.buckets + new.spare) * self.walk.layout.size

    def _noverflow(self) -> Iterator[Problem]:
        """The map's count of overflow buckets, where it is exact and all of them could be seen
        (I13)."""
        if self.unreadable:
            return
        told = self.header.overflow_estimate
        found = min(self.new_overflow, 0xFFFF)
        if self.header.overflow_exact and told is not None and told != found:
            yield Problem(
                f"noverflow is {told:,}, but the chains have {self.new_overflow:,} overflow "
                "buckets",
                self.noverflow_at,
                "I13",
            )


class _Names:
    """What cells are called, made for those that are told."""

    def __init__(self, prefix: str, cells: Cells) -> None:
        self._prefix = prefix
        self._cells = cells

    def __getitem__(self, at: int) -> str:
        return f"{self._prefix}bucket {self._cells.bucket[at]:,} slot {self._cells.slot[at]}"


class RetiredAudit:
    """A superseded array that an iterator keeps: links, and that nothing in it is live (I15)."""

    def __init__(self, target: Target, layout: BucketLayout, marks: Marks, array: Array) -> None:
        self.walk = BucketWalk(target, layout, marks, array, None, prefix=f"{array.name} ")
        self.walk.audit = self

    def run(self) -> Iterator[Problem]:
        """The array's Problems."""
        for item in self.walk.walk(cells=False):
            if isinstance(item, Problem):
                yield item
        yield from self.walk.iter_cut()

    def take(
        self,
        array: Array,
        buckets: Ints,
        evacuated: NDArray[np.bool_],
        addrs: Addresses,
        raw: Raw,
        tophash: Raw,
    ) -> list[Problem]:
        """See bucket_walk.Auditor."""
        problems: list[Problem] = []
        for chain, link, slot in np.argwhere(tophash >= self.walk.marks.min_tophash).tolist():
            text = f"{array.name} bucket {buckets[chain]:,} slot {slot}: live, but retired"
            at = int(addrs[chain, link]) + self.walk.layout.tophash + slot
            problems += self.walk.problem("I15", text, at, "I15")
        return problems
