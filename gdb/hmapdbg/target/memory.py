"""Bulk reads of the target's memory: few large reads, and a gap never affects its neighbours."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from .core_file import Gap
from .intervals import merge_ranges

Bytes = NDArray[np.uint8]
Addresses = NDArray[np.uint64]
Mask = NDArray[np.bool_]

PAGE = 4096
# A small read costs as much as some KiB of a large one: closer addresses share a read.
MERGE_GAP = 4096
# The largest single read; keeps a walk interruptible and its memory bounded.
MAX_READ = 16 << 20
# Without a memory map, this many unreadable pages in a row end the search for readable ones.
MAX_BLIND_PAGES = 4096

M = TypeVar("M", bound="Memory")
T = TypeVar("T")


class MemoryFault(Exception):
    """Memory that the target does not have, or that a core does not hold."""

    def __init__(self, addr: int, size: int) -> None:
        super().__init__(f"cannot read {size:,} bytes at 0x{addr:x}")
        self.addr = addr
        self.size = size


class Memory(abc.ABC):
    """The memory of a target. Implementations have `read_exactly`, and `mappings` if known."""

    pointer_size: int  # bytes
    byte_order: Literal["little", "big"]

    @abc.abstractmethod
    def read_exactly(self, addr: int, size: int) -> bytes | memoryview:
        """`size` bytes at `addr`, or MemoryFault if any of them is unreadable."""

    def mappings(self) -> Sequence[tuple[int, int]] | None:
        """Readable ranges [start, end), sorted and disjoint; None: unknown."""
        return None

    @property
    def order(self) -> str:
        """The byte order in numpy's notation."""
        return "<" if self.byte_order == "little" else ">"

    @property
    def address_limit(self) -> int:
        """One past the largest address."""
        return 1 << (8 * self.pointer_size)

    def gap_at(self, addr: int) -> Gap | None:
        """The memory at an address that the process had and its core lacks; None if that is not
        known, or the core has it."""
        return None

    def kept(self: M, make: Callable[[M], T]) -> T:
        """The result of `make` for this memory: computed at its first call, and kept as long as the
        memory itself, which does not change meanwhile. For what the layers above compute once per
        target: a table of theirs would keep the target alive."""
        known = vars(self).setdefault("_kept", {})
        if make not in known:
            known[make] = make(self)
        return cast(T, known[make])

    def pointer_column(self, rows: Bytes, offset: int = 0) -> Addresses:
        """The pointers at an offset of each of n rows (n, size)."""
        return self.integer_column(rows, offset, self.pointer_size).astype(np.uint64)

    def integer_column(
        self, rows: Bytes, offset: int, size: int, signed: bool = False
    ) -> NDArray[Any]:
        """The integers of 1, 2, 4 or 8 bytes at an offset of each of n rows (n, size)."""
        column = np.ascontiguousarray(rows[:, offset : offset + size])
        return column.view(f"{self.order}{'i' if signed else 'u'}{size}").ravel()

    def read(self, addr: int, size: int) -> bytes:
        """`size` bytes at `addr`; MemoryFault if not all of them can be read."""
        if addr < 0 or size < 0 or addr + size > self.address_limit:
            raise MemoryFault(addr, size)
        if size == 0:
            return b""
        if not self.is_mapped(addr, size):
            raise MemoryFault(addr, size)
        return bytes(self.read_exactly(addr, size))

    def read_uint(self, addr: int, size: int | None = None) -> int:
        """The unsigned integer of `size` bytes (a pointer's by default) at `addr`."""
        return int.from_bytes(self.read(addr, size or self.pointer_size), self.byte_order)

    def is_readable(self, addr: int, size: int) -> bool:
        """Whether all `size` bytes at `addr` can be read."""
        try:
            self.read(addr, size)
        except MemoryFault:
            return False
        return True

    def read_span(self, start: int, end: int) -> tuple[Bytes, list[tuple[int, int]]]:
        """The bytes of [start, end), zero where unreadable, and the list of unreadable ranges."""
        end = min(end, self.address_limit)
        out = np.zeros(max(end - start, 0), np.uint8)
        holes: list[tuple[int, int]] = []
        for low, high, mapped in self._split_by_mappings(start, end):
            if not mapped:
                holes.append((low, high))
                continue
            for piece in range(low, high, MAX_READ):
                self._read_bisected(piece, min(piece + MAX_READ, high), start, out, holes)
        return out, merge_ranges(holes)

    def read_rows(self, addr: int, count: int, size: int) -> tuple[Bytes, Mask]:
        """`count` adjacent rows of `size` bytes: array (count, size), and which rows are whole."""
        data, holes = self.read_span(addr, addr + count * size)
        if len(data) < count * size:
            data = np.concatenate([data, np.zeros(count * size - len(data), np.uint8)])
            holes.append((max(addr, self.address_limit), addr + count * size))
        ok = np.ones(count, np.bool_)
        for low, high in holes:
            ok[(low - addr) // size : -(-(high - addr) // size)] = False
        return data.reshape(count, size), ok

    def gather(self, addrs: Addresses, size: int) -> tuple[Bytes, Mask]:
        """Rows of `size` bytes at each address, in the order given: array (n, size), and which rows
        are whole. Close addresses share a read; each byte is read once."""
        count = len(addrs)
        rows = np.zeros((count, size), np.uint8)
        ok = np.zeros(count, np.bool_)
        if count == 0 or size == 0:
            ok[:] = size == 0
            return rows, ok
        order = np.argsort(addrs, kind="stable")
        ordered = addrs[order]
        # A row that would wrap around the address space is a fault.
        fits = int(np.searchsorted(ordered, np.uint64(self.address_limit - size), side="right"))
        order, ordered = order[:fits], ordered[:fits]
        begin = 0
        while begin < fits:
            end = self._batch_end(ordered, begin, size)
            data, offsets, whole = self._read_batch(ordered[begin:end], size)
            windows = np.lib.stride_tricks.sliding_window_view(data, size)
            rows[order[begin:end]] = windows[offsets]
            ok[order[begin:end]] = whole
            begin = end
        return rows, ok

    def _batch_end(self, ordered: Addresses, begin: int, size: int) -> int:
        """The end of one batch of sorted addresses, whose reads total at most about MAX_READ
        bytes."""
        steps = np.diff(ordered[begin : begin + MAX_READ // size + 1])
        reads = np.minimum(steps, np.uint64(MERGE_GAP + size)).astype(np.int64)
        return begin + 1 + int(np.searchsorted(np.cumsum(reads), MAX_READ, side="right"))

    def _read_batch(self, ordered: Addresses, size: int) -> tuple[Bytes, NDArray[np.int64], Mask]:
        """Reads sorted addresses in merged spans: all bytes, each row's offset in them, and which
        rows are whole."""
        breaks = np.flatnonzero(np.diff(ordered) > np.uint64(MERGE_GAP + size)) + 1
        firsts = np.concatenate([[0], breaks])
        starts = ordered[firsts]
        lasts = ordered[np.concatenate([breaks, [len(ordered)]]) - 1]
        # Lengths, not ends: one past the largest address is not a uint64.
        lengths = (lasts - starts).astype(np.int64) + size
        bases = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        parts: list[Bytes] = []
        holes: list[tuple[int, int]] = []
        for start, length in zip(starts.tolist(), lengths.tolist()):
            try:
                if not self.is_mapped(start, length):
                    raise MemoryFault(start, length)
                parts.append(np.frombuffer(self.read_exactly(start, length), np.uint8))
            except MemoryFault:
                data, missing = self.read_span(start, start + length)
                parts.append(data)
                holes += missing
        counts = np.diff(np.concatenate([firsts, [len(ordered)]]))
        offsets = (ordered - np.repeat(starts, counts)).astype(np.int64) + np.repeat(bases, counts)
        whole = np.ones(len(ordered), np.bool_)
        for low, high in holes:
            first = int(np.searchsorted(ordered, np.uint64(max(low - size + 1, 0))))
            last = int(np.searchsorted(ordered, np.uint64(high - 1), side="right"))
            whole[first:last] = False
        return np.concatenate(parts), offsets, whole

    def is_mapped(self, addr: int, size: int) -> bool:
        """Whether all `size` bytes at `addr` are mapped, or that is not known."""
        return all(mapped for _, _, mapped in self._split_by_mappings(addr, addr + size))

    def _split_by_mappings(self, start: int, end: int) -> list[tuple[int, int, bool]]:
        """[start, end) split into ranges that are mapped and ranges that are not."""
        ranges = self.mappings()
        if ranges is None:
            return [(start, end, True)]
        out: list[tuple[int, int, bool]] = []
        index = _first_ending_after(ranges, start)
        while start < end:
            low, high = ranges[index] if index < len(ranges) else (end, end)
            if start < low:
                out.append((start, min(low, end), False))
            elif high > start:
                out.append((start, min(high, end), True))
                index += 1
            start = out[-1][1]
        return out

    def _read_bisected(
        self, low: int, high: int, start: int, out: Bytes, holes: list[tuple[int, int]]
    ) -> None:
        """Reads [low, high) into `out` (which begins at `start`); what fails is bisected down to
        pages."""
        pending = [(low, high)]
        blind = 0
        while pending:
            low, high = pending.pop()
            if blind < MAX_BLIND_PAGES:
                try:
                    data = self.read_exactly(low, high - low)
                    out[low - start : high - start] = np.frombuffer(data, np.uint8)
                    blind = 0
                    continue
                except MemoryFault:
                    pass
            middle = (low + high) // 2 // PAGE * PAGE
            if blind >= MAX_BLIND_PAGES or not low < middle < high:
                # Less than two pages, or one page boundary inside: split there, or give up.
                boundary = (low // PAGE + 1) * PAGE
                if blind < MAX_BLIND_PAGES and low < boundary < high:
                    pending += [(boundary, high), (low, boundary)]
                    continue
                holes.append((low, high))
                blind += 1
                continue
            pending += [(middle, high), (low, middle)]


def _first_ending_after(ranges: Sequence[tuple[int, int]], addr: int) -> int:
    """The index of the first range that ends after `addr`."""
    low, high = 0, len(ranges)
    while low < high:
        middle = (low + high) // 2
        if ranges[middle][1] <= addr:
            low = middle + 1
        else:
            high = middle
    return low


def mapped_parts(memory: Memory, ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The parts of ranges [low, high) that are mapped, as far as that is known."""
    mappings = memory.mappings()
    for low, high in ranges:
        if mappings is None:
            yield low, high
            continue
        for begin, end in mappings[_first_ending_after(mappings, low) :]:
            if begin >= high:
                break
            yield max(begin, low), min(end, high)
