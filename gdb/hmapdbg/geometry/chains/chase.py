"""The chains of some main buckets of one array, all of them readable.

They are followed in parallel, one generation of overflow buckets after the other, each gathered in
bulk. What is left after MAX_GENERATIONS is a few very long chains, each followed on its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

import numpy as np

from ...block import Addresses, Block, Buckets, Cells, Column, Ints, Problem
from ...header import Array
from ...target import MemoryFault
from ..columns import BLOCK_BYTES, Mask, Raw, iter_chosen, pointer_column, unboxed
from .arrays import Arrays
from .layout import Seen
from .windows import WindowReader

MAX_GENERATIONS = 64

# The results of reading buckets.
Found = list[Union[Problem, Seen]]


class Chase:
    """The chains of the main buckets `bucket` (n,) of an array. `owner_base`: the number of the
    array's first chain among all; `evidence`: whether what was read is also yielded."""

    def __init__(
        self,
        arrays: Arrays,
        array: Array,
        bucket: Ints,
        cells: bool,
        owner_base: int,
        evidence: bool,
    ) -> None:
        count = len(bucket)
        self.arrays = arrays
        self.array = array
        self.cells = cells
        self.evidence = evidence
        self.is_old = array is arrays.old
        self.owners = owner_base + bucket  # number of each chain among all
        self.buckets = Buckets(
            bucket=bucket,
            address=np.uint64(array.address)
            + bucket.astype(np.uint64) * np.uint64(arrays.layout.size),
            chain=np.zeros(count, np.int64),
            slots=np.zeros(count, np.int64),
            live=np.zeros(count, np.int64),
            deleted=np.zeros(count, np.int64),
            empty=np.zeros(count, np.int64),
            evacuated=np.zeros(count, np.bool_),
        )
        self.at_rest = np.zeros(count, np.bool_)  # emptyRest was found in the chain
        self.told_rest = np.zeros(count, np.bool_)  # and something after it, which was reported
        self.parts: list[Cells] = []
        self.overflow = 0
        self.spare_used = 0

    def run(self, raw: Raw) -> Iterator[Union[Block, Problem, Seen]]:
        """The walk, from the main buckets' bytes (n, size)."""
        arrays, layout = self.arrays, self.arrays.layout
        rows = np.arange(len(self.buckets))
        addrs = self.buckets.address
        if self.is_old:
            self.buckets.evacuated[:] = self._is_evacuated(raw[:, layout.tophash])
        generation = 0
        while len(rows):
            yield from self._take(rows, generation, addrs[:, None], raw[:, None])
            links = pointer_column(arrays.target, raw, layout.overflow)
            fields = addrs[links != 0] + np.uint64(layout.overflow)
            rows, links = rows[links != 0], links[links != 0]
            good, problems = self._judge_links(rows, links, fields)
            yield from problems
            rows, links = rows[good], links[good]
            generation += 1
            if generation == MAX_GENERATIONS:
                break
            raw, ok = arrays.target.gather(links, layout.size)
            yield from arrays.unreadable_overflow(self.owners[rows[~ok]], links[~ok])
            rows, raw, addrs = rows[ok], raw[ok], links[ok]
            self._count_overflow(addrs)
        # Very long chains are left: each on its own, with the buckets between them.
        done = 0
        for row, link in zip(rows.tolist(), links.tolist() if len(rows) else []):
            yield from self._give(done, row)
            yield from self._chase(row, link, generation)
            yield from self._give(row, row + 1)
            done = row + 1
        yield from self._give(done, len(self.buckets))

    # ---- chains

    def _judge_links(
        self, rows: Ints, links: Addresses, fields: Addresses
    ) -> tuple[Mask, list[Problem]]:
        """Which overflow pointers of distinct rows can be followed (I11). `fields`: their
        addresses."""
        arrays = self.arrays
        problems: list[Problem] = []
        good = ~arrays.is_no_overflow(links, self.array)
        for row, link, at in iter_chosen(~good, rows, links, fields):
            problems += arrays.no_overflow(int(self.owners[row]), link, at)
        former = np.full(len(links), -1, np.int64)
        former[good] = arrays.met.add(links[good], self.owners[rows[good]])
        for row, link, at, owner in iter_chosen(former >= 0, rows, links, fields, former):
            problems += arrays.met_again(int(self.owners[row]), link, at, owner)
        return good & (former < 0), problems

    def _chase(self, row: int, link: int, place: int) -> Iterator[Union[Block, Problem, Seen]]:
        """One long chain from the bucket at `link` on, which was judged and is the `place`-th of
        its chain. It is read in stretches as long as the chain so far: if it turns out to be wrong,
        no more was read in vain than was useful."""
        arrays, layout = self.arrays, self.arrays.layout
        reader = WindowReader(arrays.target)
        one = np.array([row])
        while link:
            links, raw, after, faulty = self._read_stretch(reader, link, place)
            # Each is the overflow pointer of the bucket before it.
            following = np.array(links[1:] + ([after] if after and links else []), np.uint64)
            wrong = np.flatnonzero(arrays.is_no_overflow(following, self.array))
            within = int(wrong[0]) if len(wrong) else len(following)
            # What follows the first wrong one does not belong to this chain.
            sound, owner = arrays.met.add_prefix(following[:within], int(self.owners[row]))
            count = min(len(links), 1 + sound)
            if count:
                addrs = np.array(links[:count], np.uint64)
                self._count_overflow(addrs)
                chain = np.frombuffer(raw, np.uint8)[: count * layout.size]
                chain = chain.reshape(1, count, layout.size)
                yield from self._take(one, place, addrs[None], chain)
                yield from self._give(row, row)
            place += count
            if sound < len(following):
                at, next_link = links[sound] + layout.overflow, int(following[sound])
                if sound < within:
                    yield from arrays.met_again(int(self.owners[row]), next_link, at, owner)
                else:
                    yield from arrays.no_overflow(int(self.owners[row]), next_link, at)
                return
            if faulty:
                yield from arrays.unreadable_overflow(
                    self.owners[one], np.array([after], np.uint64)
                )
                return
            link = after

    def _read_stretch(
        self, reader: WindowReader, link: int, limit: int
    ) -> tuple[list[int], bytes, int, bool]:
        """Follows a chain for at most `limit` buckets and a Block's bytes: the addresses of the
        buckets read, their bytes, the next link (0: the chain ends), and whether that one cannot be
        read."""
        layout, width = self.arrays.layout, self.arrays.target.pointer_size
        order = self.arrays.target.byte_order
        links: list[int] = []
        parts: list[bytes] = []
        seen: set[int] = set()
        limit = min(limit, max(1, BLOCK_BYTES // layout.size))
        while link and link not in seen and len(links) < limit:
            try:
                bucket = reader.read(link, layout.size)
            except MemoryFault:
                return links, b"".join(parts), link, True
            links.append(link)
            parts.append(bucket)
            seen.add(link)
            link = int.from_bytes(bucket[layout.overflow : layout.overflow + width], order)
        return links, b"".join(parts), link, False

    # ---- buckets

    def _take(self, rows: Ints, place: int, addrs: Addresses, raw: Raw) -> Found:
        """Counts successive buckets of chains, the first of them the `place`-th of its chain, and
        keeps their live cells if wanted. `rows` (n,) distinct, `addrs` (n, k), `raw` (n, k,
        size)."""
        arrays, layout, marks, out = (
            self.arrays,
            self.arrays.layout,
            self.arrays.marks,
            self.buckets,
        )
        count, links = raw.shape[:2]
        tophash = raw[:, :, layout.tophash : layout.tophash + layout.slots].reshape(count, -1)
        found: Found = []
        if not arrays.prefix:
            found += self._check_marks(rows, addrs, tophash)
        counted = ~out.evacuated[rows]
        live = (tophash >= marks.min_tophash) & counted[:, None]
        deleted = (tophash == marks.empty_one) & counted[:, None]
        out.chain[rows] += links
        out.slots[rows] += links * layout.slots
        out.live[rows] += live.sum(axis=1)
        out.deleted[rows] += deleted.sum(axis=1)
        out.empty[rows] = np.where(counted, out.slots[rows] - out.live[rows] - out.deleted[rows], 0)
        if self.evidence:
            cells = tophash.reshape(count, links, layout.slots)
            seen = out.bucket[rows], out.evacuated[rows], addrs, raw, cells
            found.append(Seen(self.array, *seen))
        if self.cells:
            self._keep_cells(rows, place, addrs, raw, live.reshape(count, links, layout.slots))
        return found

    def _check_marks(self, rows: Ints, addrs: Addresses, tophash: Raw) -> list[Problem]:
        """I4, I5 and I6 on successive cells (n, cells) of the chains of distinct rows; for I5 the
        first such cell of a chain."""
        marks, layout = self.arrays.marks, self.arrays.layout
        problems: list[Problem] = []
        evacuated = self.buckets.evacuated[rows][:, None]
        moved = self._is_evacuated(tophash)
        rest = tophash == marks.empty_rest
        after_rest = np.logical_or.accumulate(rest, axis=1) | self.at_rest[rows][:, None]
        used = after_rest & ~rest & ~evacuated & ~self.told_rest[rows][:, None]
        used &= np.cumsum(used, axis=1) == 1
        self.at_rest[rows] |= rest.any(axis=1)
        self.told_rest[rows] |= used.any(axis=1)
        wrong = [
            ("I4", ~evacuated & moved, "in a bucket that is not evacuated"),
            ("I5", used, "after emptyRest"),
            ("I6", evacuated & ~moved, "in an evacuated bucket"),
        ]
        if self.is_old and self.array.buckets == self.arrays.new.buckets:
            no_half = evacuated & (tophash == marks.evacuated_y)
            wrong.append(("I4", no_half, "in same-size growth, which has no half Y"))
        for number, cells, what in wrong:
            for at, cell in np.argwhere(cells).tolist():
                link, slot = divmod(cell, layout.slots)
                problems += self.arrays.told.problem(
                    number,
                    f"{self._name(int(rows[at]))} slot {slot}: "
                    f"{marks.describe(int(tophash[at, cell]))} {what}",
                    int(addrs[at, link]) + layout.tophash + slot,
                    number,
                )
        return problems

    def _keep_cells(self, rows: Ints, place: int, addrs: Addresses, raw: Raw, live: Mask) -> None:
        """Keeps the cells marked in `live` (n, k, slots) of the buckets `raw` (n, k, size)."""
        layout = self.arrays.layout
        row, link, slot = np.nonzero(live)

        def slots(offset: int, size: int) -> Raw:
            end = offset + layout.slots * size
            return raw[:, :, offset:end].reshape(*raw.shape[:2], layout.slots, size)[
                row, link, slot
            ]

        self.parts.append(
            Cells(
                bucket=rows[row],  # the row's number until the cells are yielded
                chain_index=link + place,
                slot=slot,
                tophash=slots(layout.tophash, 1)[:, 0].astype(np.int64),
                address=addrs[row, link],
                keys=Column(slots(layout.keys, layout.key_slot)),
                elems=Column(slots(layout.elems, layout.elem_slot)),
            )
        )

    def _take_cells(self, high: int) -> Cells | None:
        """Removes the cells of all rows below `high`, in the order bucket, chain, slot. Their
        `bucket` is still the row's number, and boxed values are still pointers."""
        if not self.parts:
            return None
        cells = Cells.join(self.parts)
        ready = cells.bucket < high
        self.parts = [] if ready.all() else [cells.take(~ready)]
        # Parts come generation by generation, so a stable sort by row gives their order.
        ready_at = np.flatnonzero(ready)
        return cells.take(ready_at[np.argsort(cells.bucket[ready_at], kind="stable")])

    def _give(self, low: int, high: int) -> Iterator[Block]:
        """Blocks with the cells of the rows below `high`, the last with the rows [low, high) too;
        where low == high, the cells so far of row `low`, whose chain continues."""
        layout = self.arrays.layout
        cells = self._take_cells(max(high, low + 1))
        if cells is not None:
            # Boxes can make small cells large: they count in a Block's bound.
            step = max(1, BLOCK_BYTES // (layout.key_size + layout.elem_size))
            last = max(len(cells) - 1, 0) // step * step
            for begin in range(0, last, step):
                part = cells.take(np.arange(begin, begin + step))
                yield Block(self.array.name, None, self._unboxed(part))
            cells = self._unboxed(cells.take(np.arange(last, len(cells))))
        if low < high:
            rows = self.buckets.part(low, high)
            yield Block(self.array.name, rows, cells, self.overflow, self.spare_used)
            self.overflow = self.spare_used = 0
        elif cells is not None:
            yield Block(self.array.name, None, cells)

    def _unboxed(self, cells: Cells) -> Cells:
        """Cells as others see them: buckets in place of rows, values in place of their boxes."""
        layout, target = self.arrays.layout, self.arrays.target
        cells.bucket = self.buckets.bucket[cells.bucket]
        if layout.key_boxed:
            cells.keys = unboxed(target, cells.keys.data, layout.key_size)
        if layout.elem_boxed:
            cells.elems = unboxed(target, cells.elems.data, layout.elem_size)
        return cells

    def _count_overflow(self, addrs: Addresses) -> None:
        self.overflow += len(addrs)
        self.spare_used += int(self.arrays.is_spare(addrs, self.array).sum())

    # ---- names

    def _is_evacuated(self, tophash: Raw) -> Mask:
        return (tophash >= self.arrays.marks.evacuated_x) & (
            tophash < self.arrays.marks.min_tophash
        )

    def _name(self, row: int) -> str:
        return self.arrays.owner_name(int(self.owners[row]))
