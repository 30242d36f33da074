"""Text of characters of 2 or 4 bytes (UTF-16, UTF-32) -> UTF-8, many strings at once.

What is no character, such as half of a pair, becomes U+FFFD.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

REPLACEMENT = 0xFFFD


def narrowed(joined: Bytes, lengths: Ints, unit: int, order: str) -> tuple[Bytes, Ints]:
    """Strings as text.render_text takes them, from such ones whose characters have `unit` bytes:
    joined, each followed by one byte, and lengths (n,) in bytes. A part of a character at the end
    of one is left out."""
    begins = np.cumsum(lengths + 1) - lengths - 1
    at = np.arange(len(joined)) - np.repeat(begins, lengths + 1)
    lengths = lengths - lengths % unit
    inside = at < np.repeat(lengths, np.diff(np.append(begins, len(joined))))
    units = np.ascontiguousarray(joined[inside]).view(f"{order}u{unit}").astype(np.uint32)
    rows = np.repeat(np.arange(len(lengths)), lengths // unit)
    if unit == 2:
        units, rows = _paired(units, rows)
    wrong = (units > 0x10FFFF) | ((units >= 0xD800) & (units < 0xE000))
    units[wrong] = REPLACEMENT
    text = units.astype("<u4").tobytes().decode("utf-32-le").encode("utf-8")
    sizes = 1 + (units >= 0x80) + (units >= 0x800).astype(np.int64) + (units >= 0x10000)
    out = np.bincount(rows, weights=sizes, minlength=len(lengths)).astype(np.int64)
    begins = np.cumsum(out + 1) - out - 1
    narrow = np.zeros(int(out.sum()) + len(out), np.uint8)
    places = np.arange(len(text)) + np.repeat(begins - (np.cumsum(out) - out), out)
    narrow[places] = np.frombuffer(text, np.uint8)
    return narrow, out


def widened(content: bytes, unit: int, order: str) -> bytes:
    """UTF-8 text with characters of `unit` bytes."""
    if unit == 1:
        return content
    name = f"utf-{8 * unit}-{'le' if order == '<' else 'be'}"
    return content.decode("utf-8", "replace").encode(name, "replace")


def _paired(units: NDArray[np.uint32], rows: Ints) -> tuple[NDArray[np.uint32], Ints]:
    """UTF-16 with each pair of one string as one character."""
    first = np.zeros(len(units), np.bool_)
    first[:-1] = (units[:-1] >> 10 == 0x36) & (units[1:] >> 10 == 0x37) & (rows[:-1] == rows[1:])
    at = np.flatnonzero(first)
    units[at] = 0x10000 + ((units[at] & 0x3FF) << 10) + (units[at + 1] & 0x3FF)
    keep = np.ones(len(units), np.bool_)
    keep[at + 1] = False
    return units[keep], rows[keep]


def narrow(content: bytes, unit: int, order: str) -> bytes:
    """Text of characters of `unit` bytes as UTF-8."""
    if unit == 1:
        return content
    joined = np.frombuffer(content + b"\0", np.uint8)
    return narrowed(joined, np.array([len(content)]), unit, order)[0][:-1].tobytes()
