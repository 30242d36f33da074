"""Numbers and plain bytes. Every function takes a column (n, size) of bytes, which need not be
contiguous or aligned, and `order`, the byte order in numpy's notation ("<" or ">")."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

MAX_INTEGER_SIZE = 16  # bytes
FLOAT_SIZES = (2, 4, 8)

# The x87 extended format: 64 bits of significand, whose top bit is explicit, and 16 of sign and
# exponent; stored in 10, 12 or 16 bytes. numpy reads it only if the host has it.
_X87_SIZES = (10, 12, 16)
_HOST_HAS_X87 = (
    sys.byteorder == "little"
    and np.dtype(np.longdouble).itemsize == 16
    and np.finfo(np.longdouble).nmant == 63
)


def decode_integers(data: Bytes, order: str, signed: bool) -> NDArray[Any]:
    """Array (n,) of the integers in rows of 1 to 16 bytes: a numpy integer type up to 8 bytes,
    Python integers (dtype object) above."""
    size = data.shape[1]
    width = next(width for width in (1, 2, 4, 8, 16) if width >= size)
    if size < width:
        data = _widen(data, order, signed, width)
    letter = "i" if signed else "u"
    data = np.ascontiguousarray(data)
    if width <= 8:
        return data.view(f"{order}{letter}{width}")[:, 0]
    low, high = (0, 8) if order == "<" else (8, 0)
    lows = np.ascontiguousarray(data[:, low : low + 8]).view(f"{order}u8")[:, 0]
    highs = np.ascontiguousarray(data[:, high : high + 8]).view(f"{order}{letter}8")[:, 0]
    wide: NDArray[Any] = highs.astype(object) * (1 << 64) + lows.astype(object)
    return wide


def decode_bits(data: Bytes, order: str, signed: bool, first: int, count: int) -> Bytes:
    """A bit field of `count` bits that begins at bit `first` of each row (counted as in
    target.types.Field), as a column of whole integers of 8 bytes, or 16 if it needs them."""
    bit_order: Literal["little", "big"] = "little" if order == "<" else "big"
    begin, end = first // 8, -(-(first + count) // 8)
    bits = np.unpackbits(data[:, begin:end], axis=1, bitorder=bit_order)
    bits = bits[:, first - 8 * begin :][:, :count]
    width = 64 if count <= 64 else 128
    whole = np.zeros((len(data), width), np.uint8)
    if order == "<":
        whole[:, :count] = bits
        if signed:
            whole[:, count:] = bits[:, -1:]
    else:
        whole[:, width - count :] = bits
        if signed:
            whole[:, : width - count] = bits[:, :1]
    packed: Bytes = np.packbits(whole, axis=1, bitorder=bit_order)
    return packed


def render_integers(data: Bytes, order: str, signed: bool) -> list[str]:
    """Decimal."""
    return list(map(str, decode_integers(data, order, signed).tolist()))


def render_addresses(data: Bytes, order: str) -> list[str]:
    """`0x…`, lower case; nil is `0x0`."""
    return list(map("0x%x".__mod__, decode_integers(data, order, False).tolist()))


def render_booleans(data: Bytes) -> list[str]:
    """`true` if any bit is set: a byte other than 0 and 1 is not valid, but not false."""
    return list(map(("false", "true").__getitem__, data.any(axis=1).tolist()))


def render_enums(
    data: Bytes, order: str, signed: bool, enumerators: Sequence[tuple[str, int]]
) -> list[str]:
    """The enumerator's name, the first one if several share a value; decimal if none fits."""
    signed = signed or any(value < 0 for _, value in enumerators)
    values = decode_integers(data, order, signed).tolist()
    names = {value: name for name, value in reversed(enumerators)}
    return list(map(names.get, values, map(str, values)))


def render_floats(data: Bytes, order: str) -> list[str]:
    """The fewest digits that read back as the same float of that size, in the notation of Python's
    repr; bytes if this host cannot read the format."""
    size = data.shape[1]
    if size in FLOAT_SIZES:
        values = np.ascontiguousarray(data).view(f"{order}f{size}")[:, 0]
        if size == 8:
            return list(map(repr, values.tolist()))
        # numpy has the digits; its notation differs by version, 1e+08 or 100000000.0. No digits of
        # such a float are lost in a float of 8 bytes.
        texts = map(str, values.astype(values.dtype.newbyteorder("=")))
        return list(map(repr, map(float, texts)))
    if size in _X87_SIZES and order == "<" and _HOST_HAS_X87:
        return _render_x87(data)
    return render_bytes(data)


def render_bytes(data: Bytes) -> list[str]:
    """Two lower-case hex digits per byte."""
    count, size = data.shape
    if count == 0 or size == 0:
        return [""] * count
    return data.tobytes().hex("\n", size).split("\n")


def _widen(data: Bytes, order: str, signed: bool, width: int) -> Bytes:
    """Integers of an odd size with their sign, or zeros, extended to `width` bytes."""
    size = data.shape[1]
    wide = np.zeros((len(data), width), np.uint8)
    if order == "<":
        wide[:, :size] = data
        if signed:
            wide[:, size:] = np.where(data[:, -1:] >= 0x80, 0xFF, 0)
    else:
        wide[:, width - size :] = data
        if signed:
            wide[:, : width - size] = np.where(data[:, :1] >= 0x80, 0xFF, 0)
    return wide


def _in_repr_notation(text: str) -> str:
    """A number in the notation of Python's repr, which goes by the digits: without an exponent from
    1e-4 up to 1e16."""
    number = Decimal(text)
    if not number.is_finite():
        return text
    number = number.normalize()
    exponent = number.adjusted()
    if not number or -4 <= exponent < 16:
        plain = f"{number:f}"
        return plain if "." in plain else f"{plain}.0"
    digits = f"{number.scaleb(-exponent):f}"
    return f"{digits}e{exponent:+03d}"


def _render_x87(data: Bytes) -> list[str]:
    """Long doubles of x86. DWARF gives only size and name, so another format of 16 bytes (IEEE
    binary128, as on AArch64) is recognised by its content: bytes in the padding of x87, or a
    leading bit that does not fit the exponent. Such rows are shown as bytes."""
    padded = np.zeros((len(data), 16), np.uint8)
    padded[:, :10] = data[:, :10]
    leading = padded[:, 7] >= 0x80
    normal = (padded[:, 8] != 0) | (padded[:, 9] & 0x7F != 0)
    strange = data[:, 10:].any(axis=1) | (leading != normal)
    padded[strange] = 0
    texts = list(map(_in_repr_notation, map(str, padded.view(np.longdouble)[:, 0])))
    for row in np.flatnonzero(strange).tolist():
        texts[row] = data[row].tobytes().hex()
    return texts
