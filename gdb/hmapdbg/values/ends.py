"""Which of many texts begin with some bytes, end with others, and are longer than both together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..languages import StringType, located
from ..target import Memory
from .strings import StringReader, Strings

Bytes = NDArray[np.uint8]
Addresses = NDArray[np.uint64]
Mask = NDArray[np.bool_]

MAX_TERMINATED = 1 << 20  # bytes of a string that is read to its end
NO_BUDGET = 1 << 40


def counted_with_ends(
    memory: Memory, string: StringType, raw: Bytes, start: bytes, end: bytes
) -> Mask:
    """Of n strings with a known length, by their structs (n, size)."""
    memory, addrs, sizes = located(memory, string, raw)
    found: Mask = sizes > len(start) + len(end)
    for content, offset in ((start, np.zeros(len(sizes), np.int64)), (end, sizes - len(end))):
        rows = np.flatnonzero(found)
        if content and len(rows):
            places = addrs[rows].astype(np.uint64) + offset[rows].astype(np.uint64)
            texts, ok = memory.gather(places, len(content))
            found[rows] = ok & (texts == np.frombuffer(content, np.uint8)).all(axis=1)
    return found


def terminated_with_ends(
    memory: Memory, addrs: Addresses, unit: int, start: bytes, end: bytes
) -> Mask:
    """Of n strings that end with NUL, of characters of `unit` bytes, by their addresses (n,)."""
    found = np.ones(len(addrs), np.bool_)
    # One character more tells that a string is longer.
    for most in (len(start), MAX_TERMINATED) if end else (len(start),):
        rows = np.flatnonzero(found)
        reader = StringReader(memory, most, NO_BUDGET)
        strings = reader.read_terminated(addrs[rows], np.ones(len(rows), np.int64), unit)
        if most == len(start):
            found[rows] = ~strings.failed & strings.cut & _has(strings, start, False)
        else:
            is_long = strings.lengths > len(start) + len(end)
            found[rows] = ~strings.failed & ~strings.cut & is_long & _has(strings, end, True)
    return found


def _has(strings: Strings, content: bytes, at_end: bool) -> Mask:
    """Which of n strings begin, or end, with some bytes."""
    lengths = strings.lengths
    found: Mask = lengths >= len(content)
    rows = np.flatnonzero(found)
    ends = np.cumsum(lengths + 1) - 1
    first = ends - len(content) if at_end else ends - lengths
    places = first[rows, None] + np.arange(len(content))
    found[rows] = (strings.joined[places] == np.frombuffer(content, np.uint8)).all(axis=1)
    return found


def letters_with_ends(data: Bytes, start: bytes, end: bytes) -> Mask:
    """Of n arrays of characters (n, size), up to the first NUL."""
    padded = np.pad(data, ((0, 0), (0, 1)))
    lengths = np.argmax(padded == 0, axis=1)
    found: Mask = lengths > len(start) + len(end)
    rows = np.flatnonzero(found)
    for content, first in ((start, lengths[rows] * 0), (end, lengths[rows] - len(end))):
        texts = padded[rows[:, None], first[:, None] + np.arange(len(content))]
        found[rows] &= (texts == np.frombuffer(content, np.uint8)).all(axis=1)
    return found
