"""The text behind pointers, gathered in bulk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compat import dataclass
from ..target import Memory

Bytes = NDArray[np.uint8]
Addresses = NDArray[np.uint64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

# A string is read in chunks that do not cross a page, so that it is whole even if it ends right
# before unmapped memory. Most strings end in the first chunk.
PAGE = 4096
FIRST_CHUNK = 64
LAST_CHUNK = PAGE
# Strings read together, and bytes of their chunks read at once.
MAX_STRINGS = 1 << 15
MAX_CHUNK_BYTES = 8 << 20


@dataclass(slots=True)
class Strings:
    """n strings for text.render_text, and which of them failed."""

    joined: Bytes  # each string followed by one NUL
    lengths: Ints
    cut: Mask  # only the beginning was read
    failed: Mask  # could not be read: no text
    faults: Addresses  # of failed ones


class StringReader:
    """Reads strings of at most `max_string` bytes each. `budget`: bytes that may still be read, for
    all strings together; once they are spent, strings are cut after their first chunk."""

    def __init__(self, memory: Memory, max_string: int, budget: int) -> None:
        self._memory = memory
        self._max_string = max_string
        self.budget = budget

    def read_terminated(self, addrs: Addresses, weights: Ints, unit: int = 1) -> Strings:
        """C strings, of characters of `unit` bytes. weights (n,): how many values show each string,
        for the budget."""
        # One character more than is shown: if it is NUL, the string is whole.
        limits = np.full(len(addrs), (self._max_string // unit + 1) * unit, np.int64)
        scan = _Scan(self._memory, addrs, limits, terminated=True, unit=unit)
        wild = ~scan.done & (addrs % np.uint64(unit) != 0)  # no character lies there
        scan.fail(np.flatnonzero(wild), addrs[wild])
        self._run(scan, weights)
        return scan.collect(scan.unfinished, self._max_string)

    def read_counted(self, addrs: Addresses, sizes: Ints, memory: Memory | None = None) -> Strings:
        """Strings of `sizes` (n,) bytes, which may hold NUL; a negative size is a fault. `memory`:
        where they are, by default the reader's own."""
        memory = self._memory if memory is None else memory
        scan = _Scan(memory, addrs, np.clip(sizes, 0, self._max_string), terminated=False)
        scan.failed |= sizes < 0
        scan.faults[sizes < 0] = addrs[sizes < 0]
        scan.done |= scan.failed
        self._run(scan, np.ones(len(addrs), np.int64))
        cut = scan.unfinished | (sizes > self._max_string)
        return scan.collect(cut, self._max_string)

    def _run(self, scan: _Scan, weights: Ints) -> None:
        """Rounds of ever larger chunks over unfinished strings."""
        chunk = FIRST_CHUNK
        spent = 0
        while True:
            active = np.flatnonzero(~scan.done)
            if len(active) == 0:
                break
            if chunk > FIRST_CHUNK and int(weights[active].sum()) * chunk > self.budget - spent:
                scan.unfinished[active] = True
                break
            rows = max(MAX_CHUNK_BYTES // chunk, 1)
            for begin in range(0, len(active), rows):
                scan.advance(active[begin : begin + rows], chunk)
            spent = int((weights * scan.have).sum())
            chunk = min(2 * chunk, LAST_CHUNK)
        self.budget = max(self.budget - spent, 0)


class _Scan:
    """Unfinished strings: each one's cursor moves from chunk to chunk."""

    def __init__(
        self, memory: Memory, addrs: Addresses, limits: Ints, terminated: bool, unit: int = 1
    ) -> None:
        count = len(addrs)
        self.memory = memory
        self.terminated = terminated
        self.unit = unit  # bytes of a character
        self.cursor = addrs.astype(np.uint64)
        self.left = limits.astype(np.int64)  # bytes that may still be read
        self.have = np.zeros(count, np.int64)
        self.done = self.left == 0
        self.failed = np.zeros(count, np.bool_)
        self.unfinished = np.zeros(count, np.bool_)  # stopped before the string's end
        self.faults = np.zeros(count, np.uint64)
        self.pieces: list[tuple[NDArray[np.intp], Ints, Bytes]] = []  # rows, lengths, bytes

    def advance(self, rows: NDArray[np.intp], chunk: int) -> None:
        """Reads the strings `rows` in chunks that begin at their cursors, or before them if a chunk
        would cross the end of the page."""
        cursors = self.cursor[rows]
        starts = np.minimum(cursors, (cursors | np.uint64(PAGE - 1)) - np.uint64(chunk - 1))
        data, ok = self.memory.gather(starts, chunk)
        if not ok.all():
            self._advance_at_gap(rows[~ok], chunk)
            rows, cursors, starts, data = rows[ok], cursors[ok], starts[ok], data[ok]
        begins = (cursors - starts).astype(np.int64)
        ends = np.minimum(begins + self.left[rows], chunk)
        shifted = np.flatnonzero(begins)
        columns = np.arange(chunk)
        before = columns < begins[shifted, None]
        found = np.zeros(len(rows), np.bool_)
        if self.terminated:
            zeros = data == 0
            if self.unit > 1:  # the first byte of a character all of whose bytes are zero
                whole = zeros.reshape(len(rows), chunk // self.unit, self.unit).all(axis=2)
                zeros = np.zeros_like(zeros)
                zeros[:, :: self.unit] = whole
            zeros[shifted] &= ~before
            first = np.argmax(zeros, axis=1)
            found = zeros[np.arange(len(rows)), first] & (first < ends)
            ends = np.where(found, first, ends)
        inside = columns < ends[:, None]
        inside[shifted] &= ~before
        lengths = ends - begins
        self.pieces.append((rows, lengths, data[inside]))
        self.have[rows] += lengths
        self.left[rows] -= lengths
        exhausted = ~found & (self.left[rows] == 0)
        self.done[rows] = found | exhausted
        if self.terminated:
            self.unfinished[rows] = exhausted
        # After the last byte of the address space there is nothing to read.
        last = np.uint64(self.memory.address_limit - 1)
        over = ~self.done[rows] & (starts + np.uint64(chunk - 1) >= last)
        self.cursor[rows] = starts + np.uint64(chunk)
        self.fail(rows[over], np.full(int(over.sum()), last))

    def _advance_at_gap(self, rows: NDArray[np.intp], chunk: int) -> None:
        """Strings whose chunk is not whole. Memory may end inside a page (sections of an executable
        do), so if the cursor's own byte is readable, smaller chunks go up to the edge."""
        cursors = self.cursor[rows]
        ok = np.zeros(len(rows), np.bool_)
        if chunk > self.unit:
            _, ok = self.memory.gather(cursors, self.unit)
        self.fail(rows[~ok], cursors[~ok])
        if ok.any():
            self.advance(rows[ok], chunk // 2)

    def fail(self, rows: NDArray[np.intp], addrs: Addresses) -> None:
        self.failed[rows] = True
        self.done[rows] = True
        self.faults[rows] = addrs

    def collect(self, cut: Mask, max_string: int) -> Strings:
        """The pieces put in order."""
        ends = np.cumsum(self.have + 1)
        bases = ends - self.have - 1
        joined = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
        filled = bases.copy()
        for rows, lengths, data in self.pieces:
            shifts = filled[rows] - (np.cumsum(lengths) - lengths)
            joined[np.arange(len(data)) + np.repeat(shifts, lengths)] = data
            filled[rows] += lengths
        over = self.have > max_string
        if over.any():
            keep = np.ones(len(joined), np.bool_)
            keep[ends[over] - 2] = False
            joined = joined[keep]
        lengths = self.have - over
        return Strings(joined, lengths, cut & ~self.failed, self.failed, self.faults)
