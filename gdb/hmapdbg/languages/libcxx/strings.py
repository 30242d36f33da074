"""std::basic_string and std::basic_string_view of libc++ (<string>, <string_view>), of characters
of any size.

A string is long or short, by a flag in the byte that also has the length of a short one. In the
usual layout that byte comes first; in the alternate one, of Apple's 64-bit ARM and Chromium, it is
the last one, and the pointer of a long string comes first. Since version 15 debug info has the flag
as a bit field; before, the order of the bytes and the layout tell which bit it is.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Memory, Type
from ..strings import (
    Addresses,
    Bytes,
    Ints,
    StringType,
    TextInside,
    WideString,
    counted_string,
    points_to_text,
    text_unit,
)
from ..values_memory import START
from .pairs import part

MOST = 0x7F  # bits of the byte that are a short string's length, shifted


@dataclass(frozen=True, slots=True)
class ShortOrLong(TextInside):
    """Such a string, as StringType; its lengths are in characters. `flag`: the bit field; None: by
    the layout."""

    pointer: Field  # of a long one
    length: Field
    text: Field  # of a short one
    short: Field  # its length
    flag: Field | None

    def locate(self, memory: Memory, raw: Bytes) -> tuple[Addresses, Ints]:
        """See StringType."""
        at, mask, shift = self._bits(memory.order == "<")
        byte = raw[:, at].astype(np.int64)
        is_long = byte & mask != 0
        short = byte >> shift & MOST
        inside = np.arange(len(raw)) * raw.shape[1] + START + self.text.offset
        lengths = memory.integer_column(raw, self.length.offset, self.length.type.size)
        sizes = np.minimum(lengths, np.iinfo(np.int64).max).astype(np.int64)
        # One of its characters is NUL, and not counted.
        sane = short < self.text.type.count
        addrs = np.where(
            is_long, memory.pointer_column(raw, self.pointer.offset), inside.astype(np.uint64)
        )
        return addrs, np.where(is_long, sizes, np.where(sane, short, -1))

    def _bits(self, is_little: bool) -> tuple[int, int, int]:
        """Where the byte is, its bit that says that a string is long, and how far the length is
        shifted."""
        if self.flag is not None:
            at, bit = divmod(self.flag.bit_offset, 8)
            is_lowest = (bit == 0) == is_little
        else:
            at = self.short.offset
            is_lowest = (self.pointer.offset > 0) == is_little
        return (at, 1, 1) if is_lowest else (at, 0x80, 0)


def find_string(found: Type) -> StringType | None:
    """A struct as a string, by its own fields: a class derived from one has more to show."""
    own = set(_own_names(found))
    string: StringType | None = None
    unit = 0
    if own & {"__rep_", "__r_"}:
        string, unit = _owner(found)
    elif own in ({"__data", "__size"}, {"__data_", "__size_"}) and "span<" not in found.name:
        pointer, length = (found.find(one) or found.find(f"{one}_") for one in ("__data", "__size"))
        if pointer is not None and points_to_text(pointer.type):
            unit, string = text_unit(pointer.type), counted_string(found, pointer, length)
    return WideString(string, unit) if string is not None and unit > 1 else string


def _own_names(found: Type) -> Iterator[str]:
    """The names of a struct's own members; from version 21 on, some are in an anonymous one."""
    for member in found.fields:
        if member.name and not member.base:
            yield member.name
        elif not member.base:
            yield from _own_names(member.type)


def _owner(found: Type) -> tuple[StringType | None, int]:
    """A std::basic_string, and the bytes of a character."""
    rep = part(found, "__rep_", "__r_")
    forms = [None if rep is None else rep.type.find(name) for name in ("__l", "__s")]
    long, short = forms
    if rep is None or long is None or short is None:
        return None, 0
    fields = [
        _placed(rep.offset, form, name)
        for form, names in ((long, ("__data_", "__size_")), (short, ("__data_", "__size_")))
        for name in names
    ]
    pointer, length, text, size = fields
    if pointer is None or length is None or text is None or size is None:
        return None, 0
    unit = text_unit(text.type)
    if not points_to_text(pointer.type) or text.type.kind is not Kind.ARRAY or not unit:
        return None, 0
    ends = (pointer, length, text, size)
    if any(not 0 <= one.offset <= found.size - one.type.size for one in ends):
        return None, 0
    if length.type.kind is not Kind.INTEGER or length.type.size not in (4, 8):
        return None, 0
    flag = _placed(rep.offset, short, "__is_long_")
    if flag is not None and not (flag.bit_size and 0 <= flag.bit_offset < 8 * found.size):
        return None, 0
    return ShortOrLong(pointer, length, text, size, flag), unit


def _placed(offset: int, form: Field, name: str) -> Field | None:
    """The member of a form of the string, with its offset in the string."""
    member = form.type.find(name)
    return None if member is None else member.moved(name, offset + form.offset)
