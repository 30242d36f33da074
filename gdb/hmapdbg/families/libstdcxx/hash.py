"""libstdc++'s std::hash, for known types: from a key's bytes to its hash code.

Integers, enums, booleans and pointers are their own hash code (bits/functional_hash.h); strings and
floating-point numbers go through _Hash_bytes (libsupc++/hash_bytes.cc), a MurmurHash2 of 64 bits.
"""

from __future__ import annotations

import re

import numpy as np

from ...target import Kind, Type

SEED = 0xC70F6907  # functional_hash.h, _Hash_impl::hash()
MULTIPLIER = (0xC6A4A793 << 32) + 0x5BD1E995
MASK = (1 << 64) - 1

_OWN = (Kind.INTEGER, Kind.ENUM, Kind.BOOLEAN, Kind.POINTER)
_STANDARD = re.compile(r"(?:struct |class )?std::hash<")


def is_standard(function: Type) -> bool:
    """Whether a hash function object is std::hash: for a user's type, that is the user's own."""
    return _STANDARD.match(function.name) is not None


def is_own_code(key: Type) -> bool:
    """Whether a key of that type is its own hash code."""
    return key.kind in _OWN and 0 < key.size <= 8


def is_text(key: Type) -> bool:
    """Whether a key is a string or a string view, whose bytes are hashed."""
    return (
        re.search(r"\bbasic_string(_view)?<(char(8|16|32)?(_t)?|wchar_t)[,>]", key.name) is not None
        or re.fullmatch(r"(std::(__cxx11::)?)?(w|u8|u16|u32)?string(_view)?", key.name) is not None
    )


def own_codes(
    keys: np.ndarray[tuple[int, int], np.dtype[np.uint8]], key: Type, order: str
) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """The hash codes of a column (n, size) of keys, which are their own."""
    signed = "i" if key.signed else "u"
    column = np.ascontiguousarray(keys).view(f"{order}{signed}{key.size}")[:, 0]
    return column.astype(np.int64 if key.signed else np.uint64).astype(np.uint64)


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
