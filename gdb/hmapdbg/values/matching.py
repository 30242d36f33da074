"""What keys are compared with: patterns, each of which matches a column of keys.

Padding is not compared.
"""

from __future__ import annotations

import abc
import math

import numpy as np
from numpy.typing import NDArray

from ..compat import dataclass
from ..languages import Elements, StringType, find_counted_string, located, text_unit
from ..target import Kind, Target, Type, Variants
from .ends import counted_with_ends, letters_with_ends, terminated_with_ends
from .strings import StringReader

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


class Pattern(abc.ABC):
    """What keys are compared with."""

    @abc.abstractmethod
    def matches(self, target: Target, raw: Bytes) -> Mask:
        """Which of n keys (n, size) match."""


@dataclass(frozen=True)
class Same(Pattern):
    """The same bytes at an offset."""

    offset: int
    content: bytes

    def matches(self, target: Target, raw: Bytes) -> Mask:
        """See Pattern."""
        wanted = np.frombuffer(self.content, np.uint8)
        found: Mask = (raw[:, self.offset : self.offset + len(wanted)] == wanted).all(axis=1)
        return found


@dataclass(frozen=True)
class Float(Pattern):
    """The same number: both zeros are equal, and NaN matches any NaN."""

    offset: int
    size: int
    value: float

    def matches(self, target: Target, raw: Bytes) -> Mask:
        """See Pattern."""
        dtype = np.dtype(f"{target.order}f{self.size}")
        column = np.ascontiguousarray(raw[:, self.offset : self.offset + self.size])
        numbers = column.view(dtype)[:, 0]
        found: Mask = (
            np.isnan(numbers) if math.isnan(self.value) else numbers == dtype.type(self.value)
        )
        return found


@dataclass(frozen=True)
class Bits(Pattern):
    """The same value of a bit field, marked by `mask` (both as long as the struct)."""

    mask: bytes
    content: bytes

    def matches(self, target: Target, raw: Bytes) -> Mask:
        """See Pattern."""
        mask = np.frombuffer(self.mask, np.uint8)
        found: Mask = ((raw & mask) == np.frombuffer(self.content, np.uint8)).all(axis=1)
        return found


@dataclass(frozen=True)
class Letters(Pattern):
    """The text of an array of characters: up to its first NUL, or all of it."""

    offset: int
    size: int
    content: bytes

    def matches(self, target: Target, raw: Bytes) -> Mask:
        """See Pattern."""
        wanted = (self.content + b"\0")[: self.size]
        return Same(self.offset, wanted).matches(target, raw)


@dataclass(frozen=True)
class Counted(Pattern):
    """A string with a known length."""

    offset: int
    size: int
    string: StringType
    content: bytes

    def matches(self, target: Target, raw: Bytes) -> Mask:
        """See Pattern."""
        part = np.ascontiguousarray(raw[:, self.offset : self.offset + self.size])
        memory, addrs, sizes = located(target, self.string, part)
        found: Mask = sizes == len(self.content)
        rows = np.flatnonzero(found)
        if self.content and len(rows):
            texts, ok = memory.gather(addrs[rows].astype(np.uint64), len(self.content))
            wanted = np.frombuffer(self.content, np.uint8)
            found[rows] = ok & (texts == wanted).all(axis=1)
        return found


@dataclass(frozen=True)
class Pointed(Pattern):
    """A pointer to a string that ends with NUL."""

    offset: int
    content: bytes
    unit: int = 1  # bytes of a character

    def matches(self, target: Target, raw: Bytes) -> Mask:
        """See Pattern."""
        addrs = target.pointer_column(raw, self.offset)
        reader = StringReader(target, len(self.content), 1 << 40)
        strings = reader.read_terminated(addrs, np.ones(len(addrs), np.int64), self.unit)
        found: Mask = ~strings.failed & ~strings.cut & (strings.lengths == len(self.content))
        rows = np.flatnonzero(found)
        if self.content and len(rows):
            starts = np.cumsum(strings.lengths + 1) - strings.lengths - 1
            places = starts[rows, None] + np.arange(len(self.content))
            wanted = np.frombuffer(self.content, np.uint8)
            found[rows] = (strings.joined[places] == wanted).all(axis=1)
        return found


@dataclass(frozen=True)
class WithEnds(Pattern):
    """A text of any kind that is longer than how it begins and ends."""

    offset: int
    type: Type
    start: bytes
    end: bytes

    def matches(self, target: Target, raw: Bytes) -> Mask:
        """See Pattern."""
        part = np.ascontiguousarray(raw[:, self.offset : self.offset + self.type.size])
        string = find_counted_string(self.type)
        if string is not None:
            return counted_with_ends(target, string, part, self.start, self.end)
        if self.type.kind is Kind.ARRAY:
            return letters_with_ends(part, self.start, self.end)
        addrs = target.pointer_column(part)
        return terminated_with_ends(target, addrs, text_unit(self.type), self.start, self.end)


@dataclass(frozen=True)
class All(Pattern):
    """Each of some patterns."""

    parts: tuple[Pattern, ...]

    def matches(self, target: Target, raw: Bytes) -> Mask:
        """See Pattern."""
        found = np.ones(len(raw), np.bool_)
        for part in self.parts:
            rows = np.flatnonzero(found)
            if len(rows):
                found[rows] = part.matches(target, raw[rows])
        return found


@dataclass(frozen=True)
class OfVariant(Pattern):
    """One of a struct's variants, by its number, with what it has."""

    offset: int
    size: int
    variants: Variants
    number: int
    inner: Pattern

    def matches(self, target: Target, raw: Bytes) -> Mask:
        """See Pattern."""
        part = np.ascontiguousarray(raw[:, self.offset : self.offset + self.size])
        found: Mask = self.variants.choose(part) == self.number
        rows = np.flatnonzero(found)
        if len(rows):
            found[rows] = self.inner.matches(target, raw[rows])
        return found


@dataclass(frozen=True)
class Listed(Pattern):
    """Values elsewhere, of a list, each of which fits a pattern of its own."""

    offset: int
    size: int
    elements: Elements
    parts: tuple[Pattern, ...]

    def matches(self, target: Target, raw: Bytes) -> Mask:
        """See Pattern."""
        part = np.ascontiguousarray(raw[:, self.offset : self.offset + self.size])
        places = self.elements.find(target, np.zeros(len(part), np.uint64), part)
        counts = np.bincount(places.rows, minlength=len(part))
        found: Mask = counts == len(self.parts)
        for number, pattern in enumerate(self.parts):
            at = np.flatnonzero((places.numbers == number) & found[places.rows])
            data, ok = target.gather(places.addrs[at], self.elements.element.size)
            rows = places.rows[at]
            found[rows] = ok & pattern.matches(target, data)
        return found
