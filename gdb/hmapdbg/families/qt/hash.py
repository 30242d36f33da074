"""Qt's hash of numbers, and where their keys belong (qhashfunctions.h, QHashPrivate::hash()).

Those of text depend on what the processor can do, and are not computed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...target import Kind, Type

Words = NDArray[np.uint64]
Bytes = NDArray[np.uint8]

_OWN = (Kind.INTEGER, Kind.ENUM, Kind.BOOLEAN, Kind.POINTER)
_FACTOR_64 = np.uint64(0xD6E8FEB86659FD93)
_FACTOR_32 = np.uint64(0x45D9F3B)
_MASK_32 = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True)
class NumberHash:
    """The hash of keys of a type in one map."""

    key: Type
    seed: int
    pointer_size: int
    order: str  # "<" or ">"

    def codes(self, keys: Bytes) -> Words:
        """The hash codes of keys (n, size)."""
        signed = "i" if self.key.signed else "u"
        column = np.ascontiguousarray(keys).view(f"{self.order}{signed}{self.key.size}")[:, 0]
        numbers = column.astype(np.int64 if self.key.signed else np.uint64).astype(np.uint64)
        return hashed(numbers, self.seed, self.pointer_size)


def number_hash(key: Type, seed: int, pointer_size: int, order: str) -> NumberHash | None:
    """The hash of keys of a type; None if it is unknown."""
    if key.kind not in _OWN or key.size not in (1, 2, 4, 8) or key.size > pointer_size:
        return None
    return NumberHash(key, seed, pointer_size, order)


def hashed(numbers: Words, seed: int, pointer_size: int) -> Words:
    """QHashPrivate::hash() of numbers.

    >>> hex(int(hashed(np.array([1], np.uint64), 0, 8)[0]))
    '0x1fb87ca1a84a0bd4'
    """
    half = np.uint64(4 * pointer_size)
    factor = _FACTOR_64 if pointer_size == 8 else _FACTOR_32
    code = numbers ^ np.uint64(seed)
    for _ in range(2):
        code = code if pointer_size == 8 else code & _MASK_32
        code ^= code >> half
        code *= factor
    code = code if pointer_size == 8 else code & _MASK_32
    code ^= code >> half
    return code
