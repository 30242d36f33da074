"""What libstdc++'s std::hash makes of bytes: of strings and of floating-point numbers, by
_Hash_bytes (libsupc++/hash_bytes.cc), a MurmurHash2 of 64 bits. Integers, enums, booleans and
pointers are their own hash code (bits/functional_hash.h)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SEED = 0xC70F6907  # functional_hash.h, _Hash_impl::hash()
MULTIPLIER = (0xC6A4A793 << 32) + 0x5BD1E995
MASK = (1 << 64) - 1


def hash_bytes(content: bytes) -> int:
    """_Hash_bytes() of 64-bit targets.

    >>> hex(hash_bytes(b"hello"))
    '0x26553298fdbe39c8'
    """
    whole = len(content) & ~7
    code = SEED ^ (len(content) * MULTIPLIER & MASK)
    for at in range(0, whole, 8):
        code = _mixed(code, _scrambled(int.from_bytes(content[at : at + 8], "little")))
    if whole != len(content):
        code = _mixed(code, int.from_bytes(content[whole:], "little"))
    code = _shifted(code) * MULTIPLIER & MASK
    return _shifted(code)


def _scrambled(data: int) -> int:
    return _shifted(data * MULTIPLIER & MASK) * MULTIPLIER & MASK


def _mixed(code: int, data: int) -> int:
    return (code ^ data) * MULTIPLIER & MASK


def _shifted(value: int) -> int:
    return value ^ value >> 47


def hash_rows(rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """hash_bytes() of contents of one length (n, size).

    >>> hex(int(hash_rows(np.frombuffer(b"hello", np.uint8)[None])[0]))
    '0x26553298fdbe39c8'
    """
    count, size = rows.shape
    factor = np.uint64(MULTIPLIER)
    code = np.full(count, SEED ^ (size * MULTIPLIER & MASK), np.uint64)
    padded = np.zeros((count, -(-size // 8) * 8), np.uint8)
    padded[:, :size] = rows
    for number, word in enumerate(padded.view("<u8").T):
        word = word.astype(np.uint64)
        if 8 * number + 8 <= size:
            word = word * factor
            word = (word ^ word >> np.uint64(47)) * factor
        code = (code ^ word) * factor
    code = (code ^ code >> np.uint64(47)) * factor
    out: NDArray[np.uint64] = code ^ code >> np.uint64(47)
    return out
