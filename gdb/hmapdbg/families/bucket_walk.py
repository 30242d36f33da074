"""The walk of 8-slot bucket maps with overflow chains: libhmap, and Go up to 1.23.

Blocks of adjacent main buckets are read at once; one that cannot be read gets a Problem and no row,
since a row would say what nobody has seen. Their chains are followed side by side, one
generation of overflow buckets after the other, each gathered in bulk. What is still not at its end
after MAX_GENERATIONS is a handful of very long chains, each followed on its own.

The marks are those of runtime/map.go (go1.23): emptyRest, emptyOne, evacuatedX, evacuatedY,
evacuatedEmpty, then live; the numbers come from the target's debug info.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Union

import numpy as np
from numpy.typing import NDArray

from ..block import Array, Block, Buckets, Cells, Column, Problem
from ..target import MemoryFault, Target
from .address_set import AddressSet
from .family import Place

Raw = NDArray[np.uint8]  # (n, bucket size)
Ints = NDArray[np.int64]
Addresses = NDArray[np.uint64]

BLOCK_BYTES = 4 << 20  # of main buckets in a Block, and of a long chain's buckets in one
MAX_GENERATIONS = 64
MAX_PROBLEMS = 100  # of one kind told one by one; the rest is counted
WINDOW = 64 << 10  # a long chain is read in windows of so many bytes


@dataclass(frozen=True)
class Marks:
    """Tophash bytes with a meaning."""

    empty_rest: int = 0
    empty_one: int = 1
    evacuated_x: int = 2
    evacuated_y: int = 3
    evacuated_empty: int = 4
    min_tophash: int = 5

    def name(self, tophash: int) -> str:
        """What a byte means, in the words of Go's runtime."""
        if tophash >= self.min_tophash:
            return "live"
        return {
            self.empty_rest: "emptyRest",
            self.empty_one: "emptyOne",
            self.evacuated_x: "evacuatedX",
            self.evacuated_y: "evacuatedY",
            self.evacuated_empty: "evacuatedEmpty",
        }[tophash]

    def describe(self, tophash: int) -> str:
        """A byte with its meaning: "tophash 0x2 (evacuatedX)"."""
        return f"tophash 0x{tophash:x} ({self.name(tophash)})"


@dataclass(frozen=True)
class BucketLayout:
    """Where things lie in a bucket, in bytes; a boxed slot holds a pointer to its value."""

    size: int
    tophash: int
    keys: int
    key_slot: int
    elems: int
    elem_slot: int
    overflow: int
    key_size: int
    elem_size: int
    key_boxed: bool
    elem_boxed: bool
    slots: int = 8
    align: int = 1


class Auditor(Protocol):
    """Looks at every bucket of a walk, for what only a full check needs."""

    def take(
        self,
        array: Array,
        buckets: Ints,
        evacuated: NDArray[np.bool_],
        addrs: Addresses,
        raw: Raw,
        tophash: Raw,
    ) -> list[Problem]:
        """n chains' k successive buckets: numbers (n,), whether they are evacuated (n,), addresses
        (n, k), bytes (n, k, size), tophash (n, k, slots)."""


class BucketWalk:
    """One pass over a map's arrays. `old` is the array that growth empties, if there is one.

    A retired array is walked on its own, as `new`, with its name as `prefix` of its buckets' names:
    its marks are those of an array that is done with, and not looked at."""

    def __init__(
        self,
        target: Target,
        layout: BucketLayout,
        marks: Marks,
        new: Array,
        old: Array | None,
        prefix: str = "",
    ) -> None:
        self.target = target
        self.layout = layout
        self.marks = marks
        self.new = new
        self.old = old
        self.prefix = prefix
        self.met = AddressSet()  # overflow buckets, each with the number of its chain
        self.audit: Auditor | None = None
        self._told: dict[str, int] = {}

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """Blocks of the new array, then of the old one, with Problems where they are met; with
        `only` that main bucket alone."""
        for array, owners in ((self.new, 0), (self.old, self.new.buckets)):
            if array is not None and only is None:
                yield from self._walk_array(array, cells, owners, 0, array.buckets)
            elif array is not None and only is not None and only.array == array.name:
                yield from self._walk_array(array, cells, owners, only.bucket, only.bucket + 1)
        if self.audit is None:
            yield from self.iter_cut()

    def iter_cut(self) -> Iterator[Problem]:
        """How many Problems of each kind were not told; an auditor asks when it has told all."""
        for kind, count in self._told.items():
            if count > MAX_PROBLEMS:
                yield Problem(f"{count - MAX_PROBLEMS:,} more like this: {kind}")

    def _walk_array(
        self, array: Array, cells: bool, owner_base: int, first: int, end: int
    ) -> Iterator[Union[Block, Problem]]:
        """Main buckets [first, end) of an array."""
        size = self.layout.size
        step = max(1, BLOCK_BYTES // size)
        hole = first  # the first of the buckets before `first` that could not be read
        while first < end:
            count = min(step, end - first)
            raw, ok = self.target.read_rows(array.address + first * size, count, size)
            runs = np.flatnonzero(np.diff(np.concatenate([[False], ok, [False]]))) + first
            for low, high in zip(runs[::2].tolist(), runs[1::2].tolist()):
                yield from self._unreadable(array, hole, low)
                hole = high
            if ok.any():
                bucket = first + np.flatnonzero(ok)
                yield from _BlockWalk(self, array, bucket, cells, owner_base).run(raw[ok])
            elif self.target.mappings() is None and first + count < end:
                # Nothing tells where memory goes on, and a wild array is endless.
                more = ", and those behind them were not tried"
                yield from self._unreadable(array, hole, first + count, more)
                return
            first = self._next_readable(array, first + count, end)
        yield from self._unreadable(array, hole, end)

    def _next_readable(self, array: Array, first: int, end: int) -> int:
        """The first bucket in [first, end) that is not all outside of memory; else `end`."""
        ranges = self.target.mappings()
        if ranges is None:
            return first
        size = self.layout.size
        # Ranges are disjoint, so that their ends are sorted too.
        index = bisect_right([high for _, high in ranges], array.address + first * size)
        if index == len(ranges):
            return end
        return max(first, min((ranges[index][0] - array.address) // size, end))

    def _unreadable(self, array: Array, low: int, high: int, more: str = "") -> list[Problem]:
        """One Problem for the main buckets [low, high), if there are any."""
        if low >= high:
            return []
        which = f"bucket {low:,}" if high == low + 1 else f"buckets {low:,} to {high - 1:,}"
        text = f"{which} of '{array.name}' cannot be read{more}"
        return self.problem("unreadable", text, array.address + low * self.layout.size, "")

    def problem(self, kind: str, text: str, addr: int, invariant: str) -> list[Problem]:
        """The Problem, unless too many of its kind have been told already."""
        self._told[kind] = self._told.get(kind, 0) + 1
        return [Problem(text, addr, invariant)] if self._told[kind] <= MAX_PROBLEMS else []

    def owner_name(self, owner: int) -> str:
        """The chain of that number: the new array's chains come first, then the old one's."""
        if owner < self.new.buckets:
            return f"{self.prefix}bucket {owner:,}"
        return f"old bucket {owner - self.new.buckets:,}"

    def is_no_overflow(self, addrs: Addresses, of: Array) -> NDArray[np.bool_]:
        """Which addresses cannot be an overflow bucket's in a chain of the array `of`: not aligned,
        in or across a main bucket, across two spare ones, or among those of the other array."""
        size = self.layout.size
        wrong: NDArray[np.bool_] = addrs % np.uint64(self.layout.align) != 0
        for array in (self.new, self.old):
            if array is not None:
                low = max(array.address - size + 1, 0)
                end = array.address + array.buckets * size
                wrong |= (addrs >= np.uint64(low)) & (addrs - np.uint64(low) < np.uint64(end - low))
                spare = self.is_spare(addrs, array)
                if array is of:
                    spare &= (addrs - np.uint64(array.address)) % np.uint64(size) != 0
                wrong |= spare
        return wrong

    def is_spare(self, addrs: Addresses, array: Array) -> NDArray[np.bool_]:
        """Which addresses lie among the preallocated overflow buckets of an array."""
        if array.spare <= 0:
            return np.zeros(len(addrs), np.bool_)
        low = np.uint64(array.address + array.buckets * self.layout.size)
        return (addrs >= low) & (addrs - low < np.uint64(array.spare * self.layout.size))


class _BlockWalk:
    """The chains of some main buckets of one array, all of which can be read."""

    def __init__(
        self, walk: BucketWalk, array: Array, bucket: Ints, cells: bool, owner_base: int
    ) -> None:
        count = len(bucket)
        self.walk = walk
        self.array = array
        self.cells = cells
        self.is_old = array is walk.old
        self.owners = owner_base + bucket  # number of each chain among all
        self.buckets = Buckets(
            bucket=bucket,
            address=np.uint64(array.address)
            + bucket.astype(np.uint64) * np.uint64(walk.layout.size),
            chain=np.zeros(count, np.int64),
            slots=np.zeros(count, np.int64),
            live=np.zeros(count, np.int64),
            deleted=np.zeros(count, np.int64),
            empty=np.zeros(count, np.int64),
            evacuated=np.zeros(count, np.bool_),
        )
        self.at_rest = np.zeros(count, np.bool_)  # emptyRest has been met in the chain
        self.told_rest = np.zeros(count, np.bool_)  # and something behind it, which was told
        self.parts: list[Cells] = []
        self.overflow = 0
        self.spare_used = 0

    def run(self, raw: Raw) -> Iterator[Union[Block, Problem]]:
        """The walk from the main buckets' bytes (n, size) on."""
        walk, layout = self.walk, self.walk.layout
        rows = np.arange(len(self.buckets))
        addrs = self.buckets.address
        if self.is_old:
            self.buckets.evacuated[:] = self._is_evacuated(raw[:, layout.tophash])
        generation = 0
        while len(rows):
            yield from self._take(rows, generation, addrs[:, None], raw[:, None])
            links = pointer_column(walk.target, raw, layout.overflow)
            fields = addrs[links != 0] + np.uint64(layout.overflow)
            rows, links = rows[links != 0], links[links != 0]
            good, problems = self._judge_links(rows, links, fields)
            yield from problems
            rows, links = rows[good], links[good]
            generation += 1
            if generation == MAX_GENERATIONS:
                break
            raw, ok = walk.target.gather(links, layout.size)
            yield from self._unreadable_overflow(rows[~ok], links[~ok])
            rows, raw, addrs = rows[ok], raw[ok], links[ok]
            self._count_overflow(addrs)
        # What is left are very long chains: each on its own, the buckets between them on the way.
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
    ) -> tuple[NDArray[np.bool_], list[Problem]]:
        """Which overflow pointers of distinct rows can be followed (I11). `fields`: where each
        lies."""
        walk = self.walk
        problems: list[Problem] = []
        good = ~walk.is_no_overflow(links, self.array)
        for row, link, at in _rows(~good, rows, links, fields):
            problems += self._no_overflow(row, link, at)
        former = np.full(len(links), -1, np.int64)
        former[good] = walk.met.add(links[good], self.owners[rows[good]])
        for row, link, at, owner in _rows(former >= 0, rows, links, fields, former):
            problems += self._met_again(row, link, at, owner)
        return good & (former < 0), problems

    def _chase(self, row: int, link: int, place: int) -> Iterator[Union[Block, Problem]]:
        """One long chain from the bucket at `link` on, which has been judged and is the `place`-th
        of its chain. It is read in stretches as long as the chain is so far: where it turns out to
        have left its way, no more was read in vain than to good use."""
        walk, layout = self.walk, self.walk.layout
        reader = _WindowReader(walk.target)
        one = np.array([row])
        while link:
            links, raw, after, faulty = self._read_stretch(reader, link, place)
            # Each is the overflow pointer of the bucket before it.
            following = np.array(links[1:] + ([after] if after and links else []), np.uint64)
            wrong = np.flatnonzero(walk.is_no_overflow(following, self.array))
            within = int(wrong[0]) if len(wrong) else len(following)
            # What lies behind the first wrong one is not this chain's to claim.
            sound, owner = walk.met.add_prefix(following[:within], int(self.owners[row]))
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
                    yield from self._met_again(row, next_link, at, owner)
                else:
                    yield from self._no_overflow(row, next_link, at)
                return
            if faulty:
                yield from self._unreadable_overflow(one, np.array([after], np.uint64))
                return
            link = after

    def _read_stretch(
        self, reader: _WindowReader, link: int, limit: int
    ) -> tuple[list[int], bytes, int, bool]:
        """Follows a chain for at most `limit` buckets and a Block's bytes: the addresses of the
        buckets read, their bytes, the link behind them (0: the chain ends), and whether that one
        cannot be read."""
        layout, width = self.walk.layout, self.walk.target.pointer_size
        order = self.walk.target.byte_order
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

    def _take(self, rows: Ints, place: int, addrs: Addresses, raw: Raw) -> list[Problem]:
        """Counts successive buckets of chains, the first of them the `place`-th of its chain, and
        keeps their live cells if they are wanted. `rows` (n,) distinct, `addrs` (n, k), `raw`
        (n, k, size)."""
        walk, layout, marks, out = self.walk, self.walk.layout, self.walk.marks, self.buckets
        count, links = raw.shape[:2]
        tophash = raw[:, :, layout.tophash : layout.tophash + layout.slots].reshape(count, -1)
        problems = [] if walk.prefix else self._check_marks(rows, addrs, tophash)
        counted = ~out.evacuated[rows]
        live = (tophash >= marks.min_tophash) & counted[:, None]
        deleted = (tophash == marks.empty_one) & counted[:, None]
        out.chain[rows] += links
        out.slots[rows] += links * layout.slots
        out.live[rows] += live.sum(axis=1)
        out.deleted[rows] += deleted.sum(axis=1)
        out.empty[rows] = np.where(counted, out.slots[rows] - out.live[rows] - out.deleted[rows], 0)
        if walk.audit is not None:
            cells = tophash.reshape(raw.shape[0], links, layout.slots)
            problems += walk.audit.take(
                self.array, out.bucket[rows], out.evacuated[rows], addrs, raw, cells
            )
        if self.cells:
            self._keep_cells(rows, place, addrs, raw, live.reshape(count, links, layout.slots))
        return problems

    def _check_marks(self, rows: Ints, addrs: Addresses, tophash: Raw) -> list[Problem]:
        """I4, I5 and I6 on successive cells (n, cells) of the chains of distinct rows; of I5 the
        first cell of a chain."""
        marks, layout = self.walk.marks, self.walk.layout
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
            ("I5", used, "behind emptyRest"),
            ("I6", evacuated & ~moved, "in an evacuated bucket"),
        ]
        if self.is_old and self.array.buckets == self.walk.new.buckets:
            no_half = evacuated & (tophash == marks.evacuated_y)
            wrong.append(("I4", no_half, "in growth of the same size, which has no half Y"))
        for number, cells, what in wrong:
            for at, cell in np.argwhere(cells).tolist():
                link, slot = divmod(cell, layout.slots)
                problems += self.walk.problem(
                    number,
                    f"{self._name(int(rows[at]))} slot {slot}: "
                    f"{marks.describe(int(tophash[at, cell]))} {what}",
                    int(addrs[at, link]) + layout.tophash + slot,
                    number,
                )
        return problems

    def _keep_cells(
        self, rows: Ints, place: int, addrs: Addresses, raw: Raw, live: NDArray[np.bool_]
    ) -> None:
        """Keeps the cells marked in `live` (n, k, slots) of the buckets `raw` (n, k, size)."""
        layout = self.walk.layout
        row, link, slot = np.nonzero(live)

        def slots(offset: int, size: int) -> Raw:
            end = offset + layout.slots * size
            return raw[:, :, offset:end].reshape(*raw.shape[:2], layout.slots, size)[
                row, link, slot
            ]

        self.parts.append(
            Cells(
                bucket=rows[row],  # the row's number until the cells are given out
                chain_index=link + place,
                slot=slot,
                tophash=slots(layout.tophash, 1)[:, 0].astype(np.int64),
                address=addrs[row, link],
                keys=Column(slots(layout.keys, layout.key_slot)),
                elems=Column(slots(layout.elems, layout.elem_slot)),
            )
        )

    def _take_cells(self, high: int) -> Cells | None:
        """Takes out the cells of all rows below `high`, in the order bucket, chain, slot. Their
        `bucket` is still the row's number, and boxed values are still pointers."""
        if not self.parts:
            return None
        cells = Cells.join(self.parts)
        ready = cells.bucket < high
        self.parts = [] if ready.all() else [cells.take(~ready)]
        # Parts come generation by generation, so a stable sort by row is the order wanted.
        ready_at = np.flatnonzero(ready)
        return cells.take(ready_at[np.argsort(cells.bucket[ready_at], kind="stable")])

    def _give(self, low: int, high: int) -> Iterator[Block]:
        """Blocks with the cells of the rows below `high`, the last with the rows [low, high) too;
        where low == high, the cells so far of row `low`, whose chain goes on."""
        layout = self.walk.layout
        cells = self._take_cells(max(high, low + 1))
        if cells is not None:
            # Boxes can make little cells large: a Block is bounded with them.
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
        layout, target = self.walk.layout, self.walk.target
        cells.bucket = self.buckets.bucket[cells.bucket]
        if layout.key_boxed:
            cells.keys = unboxed(target, cells.keys.data, layout.key_size)
        if layout.elem_boxed:
            cells.elems = unboxed(target, cells.elems.data, layout.elem_size)
        return cells

    def _count_overflow(self, addrs: Addresses) -> None:
        self.overflow += len(addrs)
        self.spare_used += int(self.walk.is_spare(addrs, self.array).sum())

    # ---- words

    def _is_evacuated(self, tophash: Raw) -> NDArray[np.bool_]:
        return (tophash >= self.walk.marks.evacuated_x) & (tophash < self.walk.marks.min_tophash)

    def _name(self, row: int) -> str:
        return self.walk.owner_name(int(self.owners[row]))

    def _no_overflow(self, row: int, link: int, at: int) -> list[Problem]:
        text = f"overflow pointer of {self._name(row)} is 0x{link:x}, no overflow bucket"
        return self.walk.problem("overflow pointer", text, at, "I11")

    def _met_again(self, row: int, link: int, at: int, owner: int) -> list[Problem]:
        if owner == self.owners[row]:
            text = f"chain of {self._name(row)} is a cycle: it comes back to 0x{link:x}"
        else:
            text = (
                f"overflow bucket 0x{link:x} is in the chains of {self.walk.owner_name(owner)} "
                f"and of {self._name(row)}"
            )
        return self.walk.problem("chain", text, at, "I11")

    def _unreadable_overflow(self, rows: Ints, links: Addresses) -> list[Problem]:
        problems: list[Problem] = []
        for row, link in zip(rows.tolist(), links.tolist()):
            problems += self.walk.problem(
                "unreadable overflow",
                f"overflow bucket in the chain of {self._name(row)} cannot be read",
                link,
                "",
            )
        return problems


class _WindowReader:
    """Single buckets out of big aligned reads, for chains that are followed link by link."""

    MAX_WINDOWS = 256

    def __init__(self, target: Target) -> None:
        self._target = target
        self._windows: dict[int, bytes | None] = {}

    def read(self, addr: int, size: int) -> bytes:
        """`size` bytes at `addr`. MemoryFault."""
        start = addr // WINDOW * WINDOW
        if start not in self._windows:
            if len(self._windows) >= self.MAX_WINDOWS:
                self._windows.clear()
            try:
                self._windows[start] = self._target.read(start, WINDOW)
            except MemoryFault:
                self._windows[start] = None
        window = self._windows[start]
        if window is None or addr - start + size > WINDOW:
            return self._target.read(addr, size)
        return window[addr - start : addr - start + size]


def unboxed(target: Target, pointers: Raw, size: int) -> Column:
    """What n pointers (n, pointer size) lead to: values of `size` bytes."""
    addrs = pointer_column(target, pointers, 0)
    values, ok = target.gather(addrs, size)
    return Column.read(values, ok, addrs)


def pointer_column(target: Target, raw: Raw, offset: int) -> Addresses:
    """The pointer at `offset` of each row of bytes (n, size)."""
    width = target.pointer_size
    column = np.ascontiguousarray(raw[:, offset : offset + width])
    return column.view(f"{target.order}u{width}").ravel().astype(np.uint64)


def _rows(which: NDArray[np.bool_], *columns: NDArray[Any]) -> Iterator[tuple[int, ...]]:
    """The chosen rows of some columns, as Python integers."""
    return zip(*(column[which].tolist() for column in columns))
