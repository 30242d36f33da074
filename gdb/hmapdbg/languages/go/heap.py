"""Go's heap: its spans, each of blocks of one size (runtime/mheap.go, mbitmap.go)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...layout import Member, StructLayout
from ...target import Kind, MemoryFault, Target, TargetError, Type
from .structs import required_field
from .symbols import find_value

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

IN_USE = 1  # runtime/mheap.go mSpanInUse
PAGE = 8192  # bytes of a page of the runtime's (runtime/malloc.go pageSize)
MAX_SPANS = 2_000_000
MAX_PAGES = 1 << 32  # of a span
MAX_PAGES_UNSEEN = 1 << 17  # of one that the target does not hold: 1 GiB
HEADED = 512  # bytes; smaller blocks have no header (runtime/mbitmap.go heapBitsInSpan)


@dataclass(frozen=True, slots=True)
class HeapBlock:
    """A block of the heap."""

    start: int
    size: int  # bytes
    type: int  # descriptor of what it was allocated for; 0: unknown


@dataclass(frozen=True)
class Heap:
    """The spans in use, sorted by address."""

    starts: Words
    sizes: Words  # of the span
    blocks: Words  # of each block in it
    free: Words  # blocks from this index on are not allocated, except those with a bit
    bits: Words  # address of those bits
    types: Words  # descriptor of what is in a span of one large block; 0: unknown
    noscan: NDArray[np.bool_]  # its blocks have no pointers
    has_headers: bool  # blocks of over HEADED bytes with pointers begin with their descriptor

    def headed_blocks(self) -> tuple[Words, Words]:
        """The blocks that begin with a descriptor, allocated or not, and their sizes."""
        spans = np.flatnonzero(~self.noscan & (self.types == 0) & (self.blocks > HEADED))
        counts = (self.sizes[spans] // self.blocks[spans]).astype(np.int64)
        which = np.repeat(spans, counts)
        numbers = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        return (
            self.starts[which] + numbers.astype(np.uint64) * self.blocks[which],
            self.blocks[which],
        )

    def are_allocated(self, target: Target, addrs: Words) -> NDArray[np.bool_]:
        """Which addresses are not in a free block; those outside of the heap are in none."""
        out = np.ones(len(addrs), np.bool_)
        rows, spans = self._spans_at(addrs)
        numbers = (addrs[rows] - self.starts[spans]) // self.blocks[spans]
        places, inverse = np.unique(self.bits[spans] + numbers // np.uint64(8), return_inverse=True)
        data, ok = target.gather(places, 1)
        bits = np.where(ok, data[:, 0], np.uint8(255))[inverse]
        is_marked = (bits >> (numbers % np.uint64(8)).astype(np.uint8)) & 1
        out[rows] = (numbers < self.free[spans]) | (is_marked != 0)
        return out

    def block_at(self, addr: int) -> HeapBlock | None:
        """The block that contains an address; None: no block does."""
        at = int(np.searchsorted(self.starts, np.uint64(addr), side="right")) - 1
        if at < 0 or addr >= int(self.starts[at]) + int(self.sizes[at]):
            return None
        start, size = int(self.starts[at]), int(self.blocks[at])
        return HeapBlock(start + (addr - start) // size * size, size, int(self.types[at]))

    def block_ends(self, addrs: Words) -> Words:
        """Where the block that contains each address ends; 0 where no block does."""
        ends: Words = np.zeros(len(addrs), np.uint64)
        rows, spans = self._spans_at(addrs)
        sizes = self.blocks[spans]
        ends[rows] = addrs[rows] - (addrs[rows] - self.starts[spans]) % sizes + sizes
        return ends

    def blocks_at(self, addrs: Words) -> tuple[Ints, Words, Words]:
        """Which of n addresses are in blocks; where these begin, and their sizes."""
        rows, spans = self._spans_at(addrs)
        sizes, starts = self.blocks[spans], self.starts[spans]
        return rows, starts + (addrs[rows] - starts) // sizes * sizes, sizes

    def largest_below(self, size: int) -> int:
        """The size of the blocks next smaller than those of `size` bytes, 0 if there are none."""
        smaller = self.blocks[self.blocks < size]
        return int(smaller.max()) if len(smaller) else 0

    def are_noscan(self, addrs: Words) -> NDArray[np.bool_]:
        """Which of n addresses are in blocks without pointers."""
        out = np.zeros(len(addrs), np.bool_)
        rows, spans = self._spans_at(addrs)
        out[rows] = self.noscan[spans]
        return out

    def _spans_at(self, addrs: Words) -> tuple[Ints, Ints]:
        """Which of n addresses are in a span, and in which each of these is."""
        if not len(self.starts):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        at = np.searchsorted(self.starts, addrs, side="right") - 1
        rows = np.flatnonzero((at >= 0) & (addrs - self.starts[at] < self.sizes[at]))
        return rows, at[rows]

    def spans_of(self, least: int) -> Iterator[int]:
        """The spans of the smallest blocks with at least `least` bytes: where objects of that size
        are allocated."""
        sizes = np.unique(self.blocks)
        fitting = sizes[sizes >= least]
        if len(fitting):
            yield from np.flatnonzero(self.blocks == fitting[0]).tolist()

    def read_blocks(self, target: Target, span: int) -> tuple[Words, Bytes]:
        """The blocks of a span that are allocated and readable: their addresses, and their bytes
        (n, size)."""
        size, start = int(self.blocks[span]), int(self.starts[span])
        count = int(self.sizes[span]) // size
        raw, ok = target.read_rows(start, count, size)
        numbers = np.arange(count)
        given_out = numbers < int(self.free[span])
        try:
            bits = np.frombuffer(target.read(int(self.bits[span]), -(-count // 8)), np.uint8)
            given_out |= np.unpackbits(bits, bitorder="little")[:count].astype(np.bool_)
        except MemoryFault:
            given_out[:] = True
        ok &= given_out
        return np.uint64(start) + (numbers[ok] * size).astype(np.uint64), raw[ok]


def read_heap(target: Target) -> Heap:
    """The heap's spans, read once for a target. TargetError, MemoryFault."""
    return target.kept(_read_heap)


def _read_heap(target: Target) -> Heap:
    heap = find_value(target, "runtime.mheap_")
    span = target.lookup_type("runtime.mspan")
    if heap is None or span is None:
        raise TargetError("debug info lacks the runtime's heap")
    member = required_field(heap.type, "allspans")
    width = target.pointer_size
    head = np.frombuffer(heap.data[member.offset : member.offset + 2 * width], np.uint8)[None]
    first, count = (int(target.pointer_column(head, at)[0]) for at in (0, width))
    rows, ok = target.read_rows(first, min(count, MAX_SPANS), width)
    state = required_field(span, "state")
    names = ("startAddr", "npages", "elemsize", "freeindex", "allocBits", "spanclass")
    members = [required_field(span, name) for name in names]
    large = span.find("largeType")
    if large is not None:
        members.append(large)
    layout = StructLayout(
        span.name,
        span.size,
        tuple(Member(one.name, one.offset, one.type.size, one.type, "") for one in members)
        + (Member("state", state.offset, 1, Type(Kind.INTEGER, "uint8", 1), ""),),
    )
    raw, ok = target.gather(target.pointer_column(rows[ok]), span.size)
    found = raw[ok].view(layout.dtype(target.order)).ravel()
    found = found[(found["state"] == IN_USE) & (found["elemsize"] > 0)]
    found = found[np.argsort(found["startAddr"])]
    sizes = _sizes(target, found["startAddr"].astype(np.uint64), found["npages"].astype(np.uint64))
    sound = found["elemsize"] <= sizes
    found, sizes = found[sound], sizes[sound]
    noscan = (found["spanclass"] & 1).astype(np.bool_)
    # Of a block without pointers, the runtime does not set it: it is that of the block before.
    tells_type = ~noscan & (large is not None)
    return Heap(
        found["startAddr"].astype(np.uint64),
        sizes,
        found["elemsize"].astype(np.uint64),
        found["freeindex"].astype(np.uint64),
        found["allocBits"].astype(np.uint64),
        found["allocBits" if large is None else large.name].astype(np.uint64) * tells_type,
        noscan,
        large is not None,
    )


def _sizes(target: Target, starts: Words, pages: Words) -> Words:
    """Bytes of spans (n,), sorted by address: a damaged one ends where the next begins, or what is
    mapped ends; 0 for one that cannot be."""
    sizes: Words = np.where(pages < MAX_PAGES, pages, np.uint64(0)) * np.uint64(PAGE)
    sizes[:-1] = np.minimum(sizes[:-1], np.diff(starts))
    ranges = target.mappings()
    if ranges and len(starts):
        lows, highs = np.array(ranges, np.uint64).T
        at = np.maximum(np.searchsorted(lows, starts, side="right") - 1, 0)
        inside = (starts >= lows[at]) & (starts < highs[at])
        # What a core lacks of the heap is told where it is read.
        sizes = np.where(inside, np.minimum(sizes, highs[at] - starts), sizes)
        sizes[~inside & (pages > MAX_PAGES_UNSEEN)] = 0
    return sizes
