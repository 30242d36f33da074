"""The rule for each type, and nested values."""

from __future__ import annotations

import dataclasses
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..languages import (
    Elements,
    Holder,
    Shown,
    StringType,
    find_counted_string,
    located,
    find_holder,
    find_listed,
    find_shown,
    is_letter,
    points_to_text,
    text_unit,
    unit_of,
)
from ..target import Field, Kind, Memory, Target, Type, Variants
from . import numbers, text
from .strings import MAX_STRINGS, StringReader, Strings
from .variants import UNKNOWN, has_numbers, iter_present, values_of
from .wide import narrowed

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

MAX_STRING = 64 << 10
MAX_TEXT = 64 << 20
MAX_ELEMENTS = 200
MAX_DEPTH = 8
# Values inside structs and arrays that are rendered at once.
MAX_VALUES = 1 << 17
# Holders inside other values, and bytes of their contents read at once.
MAX_NESTED = 1 << 20
MAX_SYMBOLS = 10_000  # of values that are shown as the names of symbols
MAX_HELD_BYTES = 8 << 20


class Column(Protocol):
    """Raw values of one type, as block.Column holds them."""

    @property
    def data(self) -> Bytes:
        """Array (n, size)."""

    @property
    def faults(self) -> NDArray[np.uint64] | None:
        """Array (n,) of addresses that could not be read; None: all were read."""

    @property
    def failed(self) -> NDArray[np.bool_] | None:
        """Array (n,): which values could not be read."""


class Renderer:
    """Columns of values -> text.

    max_string: bytes shown of one string, character array or byte array; a longer one ends with
    "…". max_text: approximate bytes of the strings behind pointers in one call; the strings beyond
    that are cut after their first chunk. max_elements: elements shown of any other array; a longer
    one ends with ", ...". `cut_strings` and `cut_arrays` count the values cut so far.

    A struct or an array inside MAX_DEPTH others is `{...}`; a member that faulty debug info puts
    outside its struct is `?`.

    >>> int16 = Type(Kind.INTEGER, "short", 2, signed=True)
    >>> Renderer(memory).render(int16, Column(np.array([[1, 0], [255, 255]], np.uint8)))
    ['1', '-1']
    """

    def __init__(
        self,
        memory: Memory,
        *,
        max_string: int = MAX_STRING,
        max_text: int = MAX_TEXT,
        max_elements: int = MAX_ELEMENTS,
    ) -> None:
        self.cut_strings = 0
        self.cut_arrays = 0
        self._memory = memory
        self._target = memory if isinstance(memory, Target) else None
        self._order = memory.order
        self._max_string = max_string
        self._max_text = max_text
        self._max_elements = max_elements
        self._strings = StringReader(memory, max_string, max_text)
        self._nested = 0  # holders inside other values, in one call

    def render(self, type: Type, column: Column, quoted: bool = False) -> list[str]:
        """The text of each of the column's n values, `quoted` if it is text; `<fault 0x…>` if it
        could not be read. Never raises for what memory holds."""
        self._strings.budget = self._max_text
        self._nested = 0
        data, faults = column.data, column.faults
        # Text of nested values takes far more memory than their bytes: part by part.
        rows = len(data)
        if type.kind in (Kind.ARRAY, Kind.STRUCT, Kind.UNION):
            rows = max(MAX_VALUES // self._count_values(type, 0), 1)
        texts: list[str] = []
        for begin in range(0, len(data), max(rows, 1)):
            texts += self._render(type, data[begin : begin + rows], quoted, 0)
        if faults is not None and column.failed is not None:
            places = np.flatnonzero(column.failed)
            for row, addr in zip(places.tolist(), faults[places].tolist()):
                texts[row] = f"<fault 0x{addr:x}>"
        return texts

    def decode_integers(self, type: Type, column: Column) -> list[int] | None:
        """The column's n values as Python integers if `render` would only give their decimals;
        otherwise None. A sink writes these faster than text."""
        data = column.data
        if (
            type.kind is not Kind.INTEGER
            or is_letter(type)
            or data.shape[1] != type.size
            or not 0 < type.size <= numbers.MAX_INTEGER_SIZE
            or (column.failed is not None and column.failed.any())
        ):
            return None
        values: list[int] = numbers.decode_integers(data, self._order, type.signed).tolist()
        return values

    def _count_values(self, type: Type, depth: int) -> int:
        """About how many values one of that type renders."""
        if depth >= MAX_DEPTH:
            return 1
        if type.kind is Kind.ARRAY:
            if type.target.size == 1:
                return 1 + type.size // 64
            shown = max(min(type.count, self._max_elements), 1)
            return shown * self._count_values(type.target, depth + 1)
        fields = type.iter_fields() if type.variants is None else iter(type.variants.members)
        inner = (self._count_values(field.type, depth + 1) for field in fields)
        return max(sum(inner), 1)

    def _render(self, type: Type, data: Bytes, quoted: bool, depth: int) -> list[str]:
        """`quoted`: the values are inside others, so that text needs quotes."""
        kind = type.kind
        if data.shape[1] != type.size:
            return numbers.render_bytes(data)
        if kind is Kind.ARRAY:
            return self._render_arrays(type, data, quoted, depth)
        if kind in (Kind.STRUCT, Kind.UNION):
            return self._render_structs(type, data, quoted, depth)
        if type.size == 0:  # Rust's () has its name inside others
            return [type.name if quoted and type.name == "()" else ""] * len(data)
        if kind is Kind.BOOLEAN:
            return numbers.render_booleans(data)
        if kind is Kind.FLOAT:
            return numbers.render_floats(data, self._order)
        if kind is Kind.OTHER or type.size > numbers.MAX_INTEGER_SIZE:
            return numbers.render_bytes(data)
        if kind is Kind.ENUM:
            return numbers.render_enums(data, self._order, type.signed, type.enumerators)
        if kind is Kind.POINTER:
            if points_to_text(type):
                return self._render_c_strings(type, data, quoted)
            return numbers.render_addresses(data, self._order)
        if is_letter(type):
            return text.render_letters(numbers.decode_integers(data, self._order, False).tolist())
        return numbers.render_integers(data, self._order, type.signed)

    def _render_arrays(self, type: Type, data: Bytes, quoted: bool, depth: int) -> list[str]:
        element = type.target
        count = type.count
        if count <= 0 or type.size != count * element.size:
            return numbers.render_bytes(data) if type.size else ["{}"] * len(data)
        if element.kind is Kind.INTEGER and element.size == 1:
            return self._render_byte_arrays(element, data, quoted)
        if text_unit(type):
            return self._render_wide_arrays(element.size, data, quoted)
        if depth >= MAX_DEPTH:
            return ["{...}"] * len(data)
        shown = min(count, self._max_elements)
        values = data[:, : shown * element.size].reshape(len(data) * shown, element.size)
        texts = iter(self._render(element, values, True, depth + 1))
        template = "{" + ", ".join(["%s"] * shown)
        if shown < count:
            template += ", ..."
            self.cut_arrays += len(data)
        return list(map((template + "}").__mod__, zip(*[texts] * shown)))

    def _render_byte_arrays(self, element: Type, data: Bytes, quoted: bool) -> list[str]:
        if element.character:
            texts, cut = text.render_char_arrays(data, self._max_string, quoted)
            self.cut_strings += cut
            return texts
        texts = numbers.render_bytes(data[:, : self._max_string])
        if data.shape[1] > self._max_string:
            self.cut_strings += len(data)
            texts = list(map(("%s" + text.CUT).__mod__, texts))
        return texts

    def _render_wide_arrays(self, unit: int, data: Bytes, quoted: bool) -> list[str]:
        width = min(data.shape[1], max(self._max_string // unit, 1) * unit)
        ends = np.ascontiguousarray(data[:, :width]).view(f"u{unit}") == 0
        is_whole = ends.any(axis=1)
        lengths = np.where(is_whole, np.argmax(ends, axis=1) * unit, width).astype(np.int64)
        cut = ~is_whole & (width < data.shape[1])
        padded = np.pad(data[:, :width], ((0, 0), (0, 1)))
        joined = padded[np.arange(width + 1) <= lengths[:, None]]
        self.cut_strings += int(cut.sum())
        return text.render_text(*narrowed(joined, lengths, unit, self._order), cut, quoted)

    def _render_structs(self, type: Type, data: Bytes, quoted: bool, depth: int) -> list[str]:
        string = find_counted_string(type)
        if string is not None:
            return self._render_counted_strings(string, data, quoted)
        if type.variants is not None:
            return self._render_variants(type.variants, data, depth)
        listed = find_listed(type)
        if listed is not None:
            return self._render_listed(listed, data, depth)
        holder = find_holder(type)
        if holder is not None and self._target is not None:
            return self._render_held(holder, self._target, data, quoted, depth)
        shown = find_shown(type)
        if shown is not None and depth < MAX_DEPTH:
            return self._render_shown(shown, data, quoted, depth)
        fields = list(type.iter_fields())
        if not fields:
            return numbers.render_bytes(data) if type.size else ["{}"] * len(data)
        if depth >= MAX_DEPTH:
            return ["{...}"] * len(data)
        columns = [self._render_field(field, data, depth) for field in fields]
        parts = [
            (field.name.replace("%", "%%") + " = %s") if field.name else "%s" for field in fields
        ]
        return list(map(("{" + ", ".join(parts) + "}").__mod__, zip(*columns)))

    def _render_variants(self, variants: Variants, data: Bytes, depth: int) -> list[str]:
        """Of each value its variant alone."""
        texts = np.full(len(data), UNKNOWN, dtype=object)
        for rows, member in iter_present(variants, data):
            if member is None:
                continue
            inner = values_of(member.type)
            if not inner:
                texts[rows] = member.name
                continue
            if depth >= MAX_DEPTH:
                texts[rows] = f"{member.name}(...)"
                continue
            part = data[rows, member.offset : member.offset + member.type.size]
            columns = [self._render_field(one, part, depth) for one in inner]
            if has_numbers(member.type):
                names, before, after = [""] * len(inner), "(", ")"
            else:
                names, before, after = [f"{one.name} = " for one in inner], " {", "}"
            template = ", ".join(f"{name}%s" for name in names)
            template = f"{member.name}{before}{template}{after}"
            texts[rows] = list(map(template.__mod__, zip(*columns)))
        return list(texts.tolist())

    def _render_listed(self, listed: Elements, data: Bytes, depth: int) -> list[str]:
        """The elements of each of n values, which are elsewhere, as those of an array."""
        if depth >= MAX_DEPTH or self._nested > MAX_NESTED:
            return ["{...}"] * len(data)
        places = listed.find(self._memory, np.zeros(len(data), np.uint64), data)
        shown = places.numbers < self._max_elements
        addrs, rows = places.addrs[shown], places.rows[shown]
        self._nested += len(addrs)
        is_cut = np.bincount(places.rows[~shown], minlength=len(data)) > 0
        self.cut_arrays += int(is_cut.sum())
        content, ok = np.zeros((len(addrs), 0), np.uint8), np.ones(len(addrs), np.bool_)
        if listed.element.size:
            content, ok = self._memory.gather(addrs, listed.element.size)
        texts = self._render(listed.element, content, True, depth + 1)
        for row in np.flatnonzero(~ok).tolist():
            texts[row] = f"<fault 0x{int(addrs[row]):x}>"
        ends = np.cumsum(np.bincount(rows, minlength=len(data)))
        out = []
        for begin, end, cut in zip([0, *ends[:-1].tolist()], ends.tolist(), is_cut.tolist()):
            out.append(f"{{{', '.join(texts[begin:end])}{', ...' if cut else ''}}}")
        return out

    def _render_shown(self, shown: Shown, data: Bytes, quoted: bool, depth: int) -> list[str]:
        if shown.symbol and self._target is not None:
            return self._render_symbols(shown, self._target, data)
        is_quoted = quoted or shown.only is None
        columns = [self._render_field(one, data, depth, is_quoted) for one in shown.fields]
        texts = map(", ".join, zip(*columns)) if columns else [""] * len(data)
        return [f"{shown.before}{one}{shown.after}" for one in texts]

    def _render_symbols(self, shown: Shown, target: Target, data: Bytes) -> list[str]:
        """The names of what pointers lead to; addresses where that has none."""
        pointers = target.pointer_column(data, shown.fields[0].offset)
        known, places = np.unique(pointers, return_inverse=True)
        texts = np.array(numbers.render_addresses(_bytes_of(known), "<"), dtype=object)
        for row, addr in enumerate(known[:MAX_SYMBOLS].tolist()):
            _, prefix, name = target.symbol_at(addr).partition(shown.symbol)
            # A library's symbol may have its version behind it.
            texts[row] = name.split("@")[0] if prefix else texts[row]
        return list(texts[places].tolist())

    def _render_held(
        self, holder: Holder, target: Target, data: Bytes, quoted: bool, depth: int
    ) -> list[str]:
        """What holders hold; for an unknown type, the word that leads to it."""
        contents = holder.open(target, data)
        texts = np.array(numbers.render_addresses(_bytes_of(contents.words), "<"), dtype=object)
        for row in np.flatnonzero(contents.faults).tolist():
            texts[row] = f"<fault 0x{int(contents.faults[row]):x}>"
        texts[contents.empty] = holder.nothing
        # A value may contain holders, and a hostile one itself.
        self._nested += len(data) if depth else 0
        if depth >= MAX_DEPTH or self._nested > MAX_NESTED:
            texts[~contents.empty & (contents.faults == 0)] = "{...}"
            return list(texts.tolist())
        for held in contents.iter_shown():
            if held.data is not None:
                texts[held.rows] = self._render(held.type, held.data, quoted, depth + 1)
                continue
            step = max(MAX_HELD_BYTES // max(held.type.size, 1), 1)
            for begin in range(0, len(held.rows), step):
                addrs = held.addrs[begin : begin + step]
                content, readable = target.gather(addrs, held.type.size)
                shown = np.array(self._render(held.type, content, quoted, depth + 1), dtype=object)
                for row in np.flatnonzero(~readable).tolist():
                    shown[row] = f"<fault 0x{int(addrs[row]):x}>"
                texts[held.rows[begin : begin + step]] = shown
        return list(texts.tolist())

    def _render_field(
        self, field: Field, data: Bytes, depth: int, quoted: bool = True
    ) -> list[str]:
        type = field.type
        if field.bit_size:
            first, count = field.bit_offset, field.bit_size
            if first < 0 or first + count > 8 * data.shape[1] or count > 128:
                return ["?"] * len(data)
            values = numbers.decode_bits(data, self._order, type.signed, first, count)
            type = dataclasses.replace(type, size=values.shape[1])
        elif field.offset < 0 or field.offset + type.size > data.shape[1]:
            return ["?"] * len(data)
        else:
            values = data[:, field.offset : field.offset + type.size]
        return self._render(type, values, quoted, depth + 1)

    def _render_c_strings(self, type: Type, data: Bytes, quoted: bool) -> list[str]:
        addrs, places, weights = np.unique(
            numbers.decode_integers(data, self._order, False).astype(np.uint64),
            return_inverse=True,
            return_counts=True,
        )
        texts = np.empty(len(addrs), object)
        for begin in range(0, len(addrs), MAX_STRINGS):
            part = slice(begin, begin + MAX_STRINGS)
            strings = self._strings.read_terminated(addrs[part], weights[part], text_unit(type))
            texts[part] = self._render_strings(strings, quoted, text_unit(type))
            self.cut_strings += int(weights[part][strings.cut].sum())
        if len(addrs) and addrs[0] == 0:
            texts[0] = "0x0"
        out: list[str] = texts[places].tolist()
        return out

    def _render_counted_strings(self, string: StringType, data: Bytes, quoted: bool) -> list[str]:
        memory, addrs, sizes = located(self._memory, string, data)
        texts: list[str] = []
        for begin in range(0, len(addrs), MAX_STRINGS):
            part = slice(begin, begin + MAX_STRINGS)
            strings = self._strings.read_counted(addrs[part], sizes[part], memory)
            texts += self._render_strings(strings, quoted, unit_of(string))
            self.cut_strings += int(strings.cut.sum())
        return texts

    def _render_strings(self, strings: Strings, quoted: bool, unit: int) -> list[str]:
        joined, lengths = strings.joined, strings.lengths
        if unit > 1:
            joined, lengths = narrowed(joined, lengths, unit, self._order)
        texts = text.render_text(joined, lengths, strings.cut, quoted)
        failed = np.flatnonzero(strings.failed)
        for row, addr in zip(failed.tolist(), strings.faults[failed].tolist()):
            texts[row] = f"<fault 0x{addr:x}>"
        return texts


def _bytes_of(words: NDArray[np.uint64]) -> Bytes:
    return words.astype("<u8").view(np.uint8).reshape(len(words), 8)
