"""Where keys belong in a GHashTable, by the hashes that are stored, and GLib's own hash functions.

A lookup begins at hash * 11 modulo a prime, without the factor before 2.59, and goes on by 1, 2, 3
… slots. 0 and 1 stand for slots without an entry: a hash that is one of them is stored as 2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...block import Column, Ints
from ...compat import dataclass
from ...geometry.columns import Mask, byte_hashes
from ...geometry.flat.layout import Codes
from ...geometry.flat.map import Hashed
from ...geometry.flat.probes import triangular_from
from ...target import Memory
from ...values.strings import StringReader

UNUSED, TOMBSTONE, FIRST_REAL = 0, 1, 2  # what is stored
FACTOR = 11
BITS_32 = 0xFFFFFFFF
MAX_STRING = 1 << 20  # bytes of one key
MAX_STRINGS = 256 << 20  # of all keys of a Block

# From what keys are, their contents (n, size) in a byte order, to their hashes, and which are
# known.
Function = Callable[[NDArray[np.uint8], str], tuple[Codes, Mask]]


def of_int(data: NDArray[np.uint8], order: str) -> tuple[Codes, Mask]:
    """g_int_hash; g_int64_hash, and of 4 or 8 bytes g_direct_hash: the lowest 32 bits."""
    numbers = np.ascontiguousarray(data).view(f"{order}u{data.shape[1]}").ravel().astype(np.uint64)
    codes: Codes = numbers & np.uint64(BITS_32)
    return codes, np.ones(len(codes), np.bool_)


def of_double(data: NDArray[np.uint8], order: str) -> tuple[Codes, Mask]:
    """g_double_hash: the number as a guint. What does not fit into one is up to the processor."""
    numbers = np.ascontiguousarray(data).view(f"{order}f8").ravel()
    known = (numbers > -1) & (numbers <= BITS_32)
    return np.where(known, numbers, 0).astype(np.uint64), known


def of_text(joined: NDArray[np.uint8], lengths: Ints) -> Codes:
    """g_str_hash of n strings, each followed by a NUL in `joined`: 33 times the hash, plus a signed
    char, from 5381 on.

    >>> [hex(code) for code in of_text(np.frombuffer(b"a\\0", np.uint8), np.array([1]))]
    ['0x2b606']
    """
    starts = np.cumsum(lengths + 1) - lengths - 1
    out = np.zeros(len(lengths), np.uint64)
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        powers = np.array([pow(33, length - at, 1 << 32) for at in range(length + 1)], np.uint64)
        total = np.full(len(rows), 5381, np.uint64) * powers[0]
        for begin in range(0, length, 256):  # the letters of many rows at once take much memory
            places = starts[rows, None] + np.arange(begin, min(begin + 256, length))
            letters = joined[places].view(np.int8).astype(np.int64).astype(np.uint64)
            total += (letters * powers[begin + 1 : begin + 1 + letters.shape[1]]).sum(
                axis=1, dtype=np.uint64
            )
        out[rows] = total & np.uint64(BITS_32)
    return out


@dataclass(frozen=True)
class Hash:
    """A hash function of GLib's. `size`: bytes of what a key points to; 0: the key itself is
    hashed; -1: text."""

    size: int
    function: Function

    def content(self, memory: Memory, keys: Column) -> tuple[NDArray[np.uint8], Mask]:
        """What is hashed of keys of a fixed size, and which of them could be read."""
        if not self.size:
            return keys.data, keys.known
        data, ok = memory.gather(memory.pointer_column(keys.data), self.size)
        return data, ok & keys.known


STRING = Hash(-1, of_int)
HASHES = {
    "g_str_hash": STRING,
    "g_direct_hash": Hash(0, of_int),
    "g_int_hash": Hash(4, of_int),
    "g_int64_hash": Hash(8, of_int),
    "g_double_hash": Hash(8, of_double),
}
# The comparisons under which equal keys have equal hashes of these.
EQUALS = {
    "g_str_equal": "g_str_hash",
    "g_direct_equal": "g_direct_hash",
    "": "g_direct_hash",
    "g_int_equal": "g_int_hash",
    "g_int64_equal": "g_int64_hash",
    "g_double_equal": "g_double_hash",
}


class Places:
    """See geometry.flat.map.Placement. `hash`: None if the function is the program's own; `equal`:
    the hash of those keys that are equal, None if the comparison is the program's own."""

    def __init__(
        self, memory: Memory, mod: int, is_old: bool, hash: Hash | None, equal: Hash | None
    ) -> None:
        self._memory = memory
        self._mod = mod
        self._factor = 1 if is_old else FACTOR
        self._hash = hash
        self._equal = equal
        self.probing = triangular_from(mod)

    def homes(self, codes: Codes) -> Ints:
        """See Placement."""
        mixed = codes * np.uint64(self._factor) & np.uint64(BITS_32)
        return (mixed % np.uint64(self._mod)).astype(np.int64)

    def codes(self, keys: Column) -> Hashed | None:
        """See Placement."""
        if self._hash is None:
            return None
        if self._hash is STRING:
            joined, lengths, known, failed = self._text(keys)
            codes = of_text(joined, lengths)
        else:
            data, known = self._hash.content(self._memory, keys)
            failed = keys.known & ~known
            codes, told = self._hash.function(data, self._memory.order)
            known = known & told
        faults = np.zeros(len(keys), np.uint64)
        faults[failed] = self._memory.pointer_column(keys.data)[failed]
        return Hashed(_stored(codes), known, faults)

    def code_of(self, key: bytes) -> int | None:
        """See Placement."""
        if self._hash is None:
            return None
        raw = np.frombuffer(key, np.uint8)
        if self._hash is STRING:
            joined = np.concatenate([raw, np.zeros(1, np.uint8)])
            return int(_stored(of_text(joined, np.array([len(raw)])))[0])
        if len(raw) != (self._hash.size or self._memory.pointer_size):
            return None
        codes, told = self._hash.function(raw[None], self._memory.order)
        return int(_stored(codes)[0]) if told.all() else None

    def identities(self, keys: Column) -> tuple[NDArray[np.int64], Mask] | None:
        """See Placement."""
        if self._equal is None:
            return None
        if self._equal is STRING:
            joined, lengths, known, _ = self._text(keys)
            ends = np.cumsum(lengths + 1).tolist()
            whole = joined.tobytes()
            texts = (hash(whole[end - size - 1 : end - 1]) for end, size in zip(ends, lengths))
            return np.fromiter(texts, np.int64, len(lengths)), known
        data, known = self._equal.content(self._memory, keys)
        return byte_hashes(data), known

    def _text(self, keys: Column) -> tuple[NDArray[np.uint8], Ints, Mask, Mask]:
        """The text that keys point to, which of it is known, and which could not be read."""
        reader = StringReader(self._memory, MAX_STRING, MAX_STRINGS)
        addrs = self._memory.pointer_column(keys.data)
        found = reader.read_terminated(addrs, np.ones(len(addrs), np.int64))
        there = keys.known & (addrs != 0)
        known = there & ~found.cut & ~found.failed
        return found.joined, found.lengths, known, there & found.failed


def _stored(codes: Codes) -> Codes:
    """What is stored of hashes."""
    return np.where(codes < np.uint64(FIRST_REAL), np.uint64(FIRST_REAL), codes)
