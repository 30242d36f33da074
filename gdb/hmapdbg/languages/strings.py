"""Types whose values are text of a known length."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..compat import dataclass
from ..target import Field, Kind, Memory, Type
from .values_memory import ValuesMemory

Bytes = NDArray[np.uint8]
Addresses = NDArray[np.uint64]
Ints = NDArray[np.int64]

SIZES = (1, 2, 4, 8)  # of pointers and lengths, in bytes


class WideText:
    """A string whose characters have more than one byte."""

    unit: int


class TextInside:
    """A string that may have its text in itself: such a text's address is where it would be if the
    values lay side by side from values_memory.START on. See `located`."""


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


@dataclass(frozen=True, slots=True)
class WideString(WideText):
    """A string, of characters of `unit` bytes; `inner` counts those."""

    inner: StringType
    unit: int

    def locate(self, memory: Memory, raw: Bytes) -> tuple[Addresses, Ints]:
        """See StringType."""
        addrs, counts = self.inner.locate(memory, raw)
        limit = np.iinfo(np.int64).max // self.unit
        return addrs, np.minimum(counts, limit) * self.unit


def located(memory: Memory, string: StringType, raw: Bytes) -> tuple[Memory, Addresses, Ints]:
    """The texts of n values (n, size): the memory to read them from, their addresses there, and
    their lengths in bytes, as StringType.locate has them."""
    inner = string.inner if isinstance(string, WideString) else string
    where = ValuesMemory(memory, raw) if isinstance(inner, TextInside) else memory
    return (where, *string.locate(memory, raw))


def unit_of(string: StringType) -> int:
    """Bytes of a character of a string."""
    return string.unit if isinstance(string, WideText) else 1


def text_unit(found: Type) -> int:
    """Bytes of a character of the text that a pointer leads to, or that an array is; 0: no text."""
    if found.kind not in (Kind.POINTER, Kind.ARRAY) or found.resolve is None:
        return 0
    target = found.target
    is_text = target.kind is Kind.INTEGER and target.character and target.size in (1, 2, 4)
    return target.size if is_text else 0


def is_letter(found: Type) -> bool:
    """Whether a value of a type is a letter by itself, whatever its language calls a character:
    Rust's char, any code point."""
    return (
        found.kind is Kind.INTEGER
        and found.character
        and found.size == 4
        and (found.name == "char")
    )


def points_to_text(found: Type) -> bool:
    """Whether a type is `char *`, or a pointer to wider characters."""
    return found.kind is Kind.POINTER and text_unit(found) > 0
