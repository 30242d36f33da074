"""boost::hash, and std::hash of libstdc++, of many keys at once (boost/container_hash/hash.hpp).

Numbers are their own hash codes; boost::hash of a pointer adds an eighth of it. Texts have had
three functions: to 1.80, 1.81, and from 1.82 on; those here are of 64-bit targets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...block import Column
from ...compat import dataclass
from ...languages import find_counted_string, located, unit_of
from ...languages.strings import StringType
from ...target import Kind, Target, Type
from ..libstdcxx.hash import hash_rows
from ..std_hash import is_own_code, is_standard, own_codes

Codes = NDArray[np.uint64]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

# From texts of one length (n, size) to their hash codes (n,).
HashRows = Callable[[Bytes], Codes]

MAX_TEXT = 1 << 20  # bytes of one key
_GOLDEN = 0x9E3779B97F4A7C15
_SQUARE = 0xDF442D22CE4859B9  # of it


class KeyHash(Protocol):
    """A hash function of keys of one type."""

    def codes(self, keys: Column) -> tuple[Codes, Mask]:
        """The hash codes of keys (n,), and which are known."""

    def code_of(self, key: bytes) -> int | None:
        """The code of a key, as Map.place_of has it; None if it is not known."""


@dataclass(frozen=True)
class NumberHash:
    """See KeyHash. `adds_eighth`: as boost::hash of pointers does."""

    target: Target
    key: Type
    adds_eighth: bool

    def codes(self, keys: Column) -> tuple[Codes, Mask]:
        """See KeyHash."""
        codes = own_codes(keys.data, self.key, self.target.order)
        if self.adds_eighth:
            codes = codes + (codes >> np.uint64(3))
        return codes & np.uint64(self.target.address_limit - 1), keys.known

    def code_of(self, key: bytes) -> int | None:
        """See KeyHash."""
        if len(key) != self.key.size:
            return None
        if self.key.kind is Kind.POINTER and self.key.target.character:
            return None  # the key is the text, but the pointer is hashed
        codes, _ = self.codes(Column(np.frombuffer(key, np.uint8)[None]))
        return int(codes[0])


@dataclass(frozen=True)
class TextHash:
    """See KeyHash; of strings with a length."""

    target: Target
    string: StringType
    hash_rows: HashRows

    def codes(self, keys: Column) -> tuple[Codes, Mask]:
        """See KeyHash."""
        where, addrs, sizes = located(self.target, self.string, np.ascontiguousarray(keys.data))
        known = keys.known & (sizes >= 0) & (sizes <= MAX_TEXT)
        codes = np.zeros(len(keys), np.uint64)
        for size in np.unique(sizes[known]).tolist():
            rows = np.flatnonzero(known & (sizes == size))
            data = np.zeros((len(rows), 0), np.uint8)
            if size:
                data, ok = where.gather(addrs[rows], size)
                known[rows] &= ok
            codes[rows] = self.hash_rows(data)
        return codes, known

    def code_of(self, key: bytes) -> int | None:
        """See KeyHash."""
        if len(key) > MAX_TEXT:
            return None
        return int(self.hash_rows(np.frombuffer(key, np.uint8)[None])[0])


def key_hashes(target: Target, function: object, key: Type) -> list[KeyHash]:
    """What a hash function object may compute of keys of a type; none: it is unknown."""
    if not isinstance(function, Type):
        return []
    is_boost = "boost::hash<" in function.name.partition("<")[0] + "<"
    if not is_boost and not is_standard(function):
        return []
    if is_own_code(key) and key.size <= target.pointer_size:
        return [NumberHash(target, key, is_boost and key.kind is Kind.POINTER)]
    string = find_counted_string(key)
    if string is None or unit_of(string) != 1 or target.pointer_size != 8:
        return []
    functions = (multiplied, words_mixed, bytes_combined) if is_boost else (hash_rows,)
    return [TextHash(target, string, one) for one in functions]


# ---- texts ---------------------------------------------------------------------------------------


def bytes_combined(rows: Bytes) -> Codes:
    """hash_range() to 1.80: hash_combine_impl() of each char.

    >>> hex(int(bytes_combined(np.zeros((1, 0), np.uint8))[0]))
    '0x0'
    """
    factor = np.uint64(0xC6A4A7935BD1E995)
    code = np.zeros(len(rows), np.uint64)
    for column in np.ascontiguousarray(rows.T).view(np.int8):
        part = column.astype(np.int64).astype(np.uint64) * factor
        part ^= part >> np.uint64(47)
        part *= factor
        code = (code ^ part) * factor + np.uint64(0xE6546B64)
    return code


def words_mixed(rows: Bytes) -> Codes:
    """hash_range() of 1.81: words of 4 bytes, the last one with the rest and a 1 behind it."""
    count, size = rows.shape
    padded = np.zeros((count, size // 4 * 4 + 4), np.uint8)
    padded[:, :size] = rows
    padded[:, size] = 1
    code = np.zeros(count, np.uint64)
    for column in padded.view("<u4").T:
        code = _mixed(code + np.uint64(0x9E3779B9) + column.astype(np.uint64))
    return code


def _mixed(code: Codes) -> Codes:
    """hash_mix() of 64 bits."""
    factor = np.uint64(0xE9846AF9B1A615D)
    for bits in (32, 32):
        code = (code ^ code >> np.uint64(bits)) * factor
    out: Codes = code ^ code >> np.uint64(28)
    return out


def multiplied(rows: Bytes) -> Codes:
    """hash_range() from 1.82 on: words of 8 bytes, multiplied."""
    count, size = rows.shape
    square, golden = np.uint64(_SQUARE), np.uint64(_GOLDEN)
    word = mulx(np.full(count, _GOLDEN, np.uint64), _SQUARE)
    code = word ^ np.uint64(size)
    whole = size // 8 * 8
    words = np.ascontiguousarray(rows[:, :whole]).view("<u8") if whole else rows[:, :0]
    for column in (*words.T, _rest(rows[:, whole:])):
        word = word + golden
        code = code ^ mulx(column.astype(np.uint64) + word, int(square))
    return mulx(code + word, int(square))


def _rest(rows: Bytes) -> Codes:
    """The number that is made of the last bytes, less than 8."""
    size = rows.shape[1]
    wide = rows.astype(np.uint64)
    if size >= 4:
        ends = [
            np.ascontiguousarray(part).view("<u4")[:, 0].astype(np.uint64)
            for part in (rows[:, :4], rows[:, -4:])
        ]
        both: Codes = ends[0] | ends[1] << np.uint64(8 * (size - 4))
        return both
    if not size:
        return np.zeros(len(rows), np.uint64)
    first, second = (size - 1) & 2, size >> 1
    out: Codes = (
        wide[:, first] << np.uint64(8 * first)
        | wide[:, second] << np.uint64(8 * second)
        | wide[:, 0]
    )
    return out


def mulx(codes: Codes, factor: int) -> Codes:
    """Both halves of the products of 64 bits, combined.

    >>> hex(int(mulx(np.array([1 << 63], np.uint64), 6)[0]))
    '0x3'
    """
    low, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    high_1, low_1 = codes >> shift, codes & low
    high_2, low_2 = np.uint64(factor >> 32), np.uint64(factor & 0xFFFFFFFF)
    middle = high_1 * low_2 + (low_1 * low_2 >> shift)
    other = low_1 * high_2 + (middle & low)
    top = high_1 * high_2 + (middle >> shift) + (other >> shift)
    out: Codes = codes * np.uint64(factor) ^ top
    return out
