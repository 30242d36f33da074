"""Types whose values are text of a known length."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..compat import dataclass
from ..target import Field, Kind, Memory, Type

Bytes = NDArray[np.uint8]
Addresses = NDArray[np.uint64]
Ints = NDArray[np.int64]

SIZES = (1, 2, 4, 8)  # of pointers and lengths, in bytes


class StringType(Protocol):
    """A type whose values have the address and the length of their text."""

    def locate(self, memory: Memory, raw: Bytes) -> tuple[Addresses, Ints]:
        """The address of the text of each of n values (n, size), and its length in bytes; a
        negative length is not valid."""


@dataclass(frozen=True, slots=True)
class CountedString:
    """A struct with a pointer and a length."""

    pointer: Field
    length: Field

    def locate(self, memory: Memory, raw: Bytes) -> tuple[Addresses, Ints]:
        """See StringType."""
        pointer, length = self.pointer, self.length
        addrs = memory.integer_column(raw, pointer.offset, pointer.type.size)
        sizes = memory.integer_column(raw, length.offset, length.type.size, length.type.signed)
        if not length.type.signed:
            sizes = np.minimum(sizes, np.iinfo(np.int64).max)
        return addrs.astype(np.uint64), sizes.astype(np.int64)


def counted_string(found: Type, pointer: Field | None, length: Field | None) -> StringType | None:
    """The string given by a pointer and a length of a struct; None if they cannot be."""
    if pointer is None or length is None:
        return None
    if pointer.type.kind is not Kind.POINTER or length.type.kind is not Kind.INTEGER:
        return None
    for field in (pointer, length):
        if field.type.size not in SIZES or not 0 <= field.offset <= found.size - field.type.size:
            return None
    return CountedString(pointer, length)


def points_to_text(found: Type) -> bool:
    """Whether a type is `char *`."""
    if found.kind is not Kind.POINTER or found.resolve is None:
        return False
    target = found.target
    return target.kind is Kind.INTEGER and target.character and target.size == 1
