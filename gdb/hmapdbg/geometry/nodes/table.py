"""A hash table of nodes as it is read: cells and links."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import numpy as np

from ...block import Addresses, Ints
from ...header import Array
from ...target import MemoryFault, Target
from ..columns import Mask, iter_runs, pointer_column
from ..problems import Told
from ..ranges import next_readable
from .layout import NodeLayout

SLAB = 1 << 19  # rows at a time
FIRST_STEP = 1 << 12  # cells read first if there is no memory map
PAGE = 4096
MAX_PAGES = 4096


class Table:
    """A hash table as it is read: cells and links.

    head_at: the address of the list's first link; header: the address range of the table itself."""

    def __init__(
        self,
        target: Target,
        layout: NodeLayout,
        array: Array,
        head_at: int,
        header: tuple[int, int],
    ) -> None:
        self.target = target
        self.layout = layout
        self.array = array
        self.head_at = head_at
        self.header = header
        self.unreadable: list[tuple[int, int]] = []  # buckets whose cell cannot be read
        self._end = array.buckets  # after the last bucket whose cell can be read
        self._pages: dict[int, bytes | None] = {}
        self._pointer = struct.Struct(target.order + ("Q" if self.width == 8 else "I"))
        self.told = Told()

    @property
    def width(self) -> int:
        """Bytes of a pointer."""
        return self.target.pointer_size

    # ---- cells

    def iter_cells(self, low: int, high: int) -> Iterator[tuple[Ints, Addresses]]:
        """(buckets, contents of their cells) of the readable cells of [low, high), slab by slab.
        Fills `unreadable`."""
        self.unreadable = []
        hole = first = low
        # Without a memory map, its end is searched for in growing steps.
        blind = self.target.mappings() is None
        step = min(FIRST_STEP, SLAB) if blind else SLAB
        stop = min(high, self._end)
        while first < stop:
            count = min(step, stop - first)
            step = min(2 * step, SLAB)
            raw, ok = self.target.read_rows(
                self.array.address + first * self.width, count, self.width
            )
            cells = pointer_column(self.target, raw)
            for begin, end in iter_runs(ok):
                self._skip(hole, first + begin)
                hole = first + end
            if ok.all():
                yield np.arange(first, first + count), cells
            elif ok.any():
                yield first + np.flatnonzero(ok), cells[ok]
            elif blind:
                # A wild array is endless.
                self._end = first
                break
            first = next_readable(self.target, self.array.address, self.width, first + count, stop)
        self._skip(hole, high)

    def _skip(self, low: int, high: int) -> None:
        if low < high:
            self.unreadable.append((low, high))

    def buckets_of(self, befores: Sequence[int]) -> dict[int, int]:
        """The first bucket whose cell has each of these, if there is one."""
        wanted = np.array(sorted(set(befores)), np.uint64)
        out: dict[int, int] = {}
        if len(wanted):
            for bucket, cells in self.iter_cells(0, self.array.buckets):
                place = np.minimum(np.searchsorted(wanted, cells), len(wanted) - 1)
                hits = np.flatnonzero(wanted[place] == cells)
                for at in hits[np.unique(cells[hits], return_index=True)[1]].tolist():
                    out.setdefault(int(cells[at]), int(bucket[at]))
        return out

    # ---- links

    def links(self, nodes: Addresses) -> tuple[Addresses, Mask]:
        """The link of each node, and which could be read."""
        raw, ok = self.target.gather(nodes + np.uint64(self.layout.link), self.width)
        return pointer_column(self.target, raw), ok

    def is_no_node(self, addrs: Addresses) -> Mask:
        """Which addresses cannot be a node's: not aligned, or in the table itself."""
        wrong: Mask = addrs % np.uint64(self.layout.align) != 0
        array = self.array.address, self.array.address + self.array.buckets * self.width
        for low, end in (array, self.header):
            low = max(low - self.layout.size + 1, 0)
            wrong |= (addrs >= np.uint64(low)) & (addrs - np.uint64(low) < np.uint64(end - low))
        return wrong

    def stretch(self, node: int, limit: int, size: int) -> tuple[list[int], list[bytes], int, bool]:
        """Follows links for at most `limit` nodes: their addresses, the first `size` bytes of each
        (with the link; an empty list if that is all), the next link, and whether the node there
        cannot be read."""
        addrs: list[int] = []
        parts: list[bytes] = []
        link, unpack, pages = self.layout.link, self._pointer.unpack_from, self._pages
        whole = size > link + self.width
        limit_of_address = self.target.address_limit - size
        while node and len(addrs) < limit:
            start = node & -PAGE
            offset = node - start
            page = pages[start] if start in pages else self._load(start)
            if page is None or offset + size > PAGE:
                try:
                    page = self.target.read(node, size) if node <= limit_of_address else None
                except MemoryFault:
                    page = None
                if page is None:
                    return addrs, parts, node, True
                offset = 0
            addrs.append(node)
            if whole:
                parts.append(page[offset : offset + size])
            (node,) = unpack(page, offset + link)
        return addrs, parts, node, False

    def _load(self, start: int) -> bytes | None:
        if len(self._pages) >= MAX_PAGES:
            self._pages.clear()
        try:
            page = self.target.read(start, PAGE)
        except MemoryFault:
            page = None
        self._pages[start] = page
        return page

    def next_of(self, node: int) -> int:
        """The node after a node; 0 if there is none, or it cannot be read."""
        size = self.layout.link + self.width
        addrs, _, after, _ = self.stretch(node, 1, size)
        return after if addrs else 0
