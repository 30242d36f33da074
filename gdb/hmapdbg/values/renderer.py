"""The rule for each type, and values made of values."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..target import Field, Kind, Memory, Target, Type
from . import numbers, text
from .interfaces import RuntimeTypes, is_interface
from .strings import MAX_STRINGS, StringReader, Strings

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

MAX_STRING = 64 << 10
MAX_TEXT = 64 << 20
MAX_ELEMENTS = 200
MAX_DEPTH = 8
# Values inside structs and arrays that are rendered at one time.
MAX_VALUES = 1 << 17
# Values of interfaces inside other values, and the bytes of dynamic values read at one time.
MAX_NESTED = 1 << 20
MAX_DYNAMIC_BYTES = 8 << 20


class Column(Protocol):
    """Raw values of one type, as block.Column holds them."""

    @property
    def data(self) -> Bytes:
        """Array (n, size)."""

    @property
    def faults(self) -> NDArray[np.uint64] | None:
        """Array (n,) of addresses that could not be read; None: values everywhere."""

    @property
    def failed(self) -> NDArray[np.bool_] | None:
        """Array (n,) that tells where there is a fault in place of a value."""


class Renderer:
    """Columns of values -> text, by the rules of DESIGN §5.

    max_string: bytes shown of one string, character array or byte array; a longer one ends with
    "…". max_text: bytes of the strings behind pointers in one call, about; once they are reached,
    the strings left are cut after their first chunk. max_elements: elements shown of any other
    array; a longer one ends with ", ...". `cut_strings` and `cut_arrays` count the values cut so
    far.

    A struct or an array within MAX_DEPTH others is `{...}`; a member that faulty debug info puts
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
        self._order = memory.order
        self._max_string = max_string
        self._max_text = max_text
        self._max_elements = max_elements
        self._strings = StringReader(memory, max_string, max_text)
        self._runtime_types = RuntimeTypes(memory) if isinstance(memory, Target) else None
        self._nested = 0  # values of interfaces inside other values, in one call

    def render(self, type: Type, column: Column) -> list[str]:
        """The text of each of the column's n values; `<fault 0x…>` where there is none. Never
        raises for what memory holds."""
        self._strings.budget = self._max_text
        self._nested = 0
        data, faults = column.data, column.faults
        # Text of values in values takes far more memory than their bytes: part by part.
        rows = len(data)
        if type.kind in (Kind.ARRAY, Kind.STRUCT, Kind.UNION):
            rows = max(MAX_VALUES // self._count_values(type, 0), 1)
        texts: list[str] = []
        for begin in range(0, len(data), max(rows, 1)):
            texts += self._render(type, data[begin : begin + rows], False, 0)
        if faults is not None and column.failed is not None:
            places = np.flatnonzero(column.failed)
            for row, addr in zip(places.tolist(), faults[places].tolist()):
                texts[row] = f"<fault 0x{addr:x}>"
        return texts

    def decode_integers(self, type: Type, column: Column) -> list[int] | None:
        """The column's n values as Python integers if `render` would give no more than their
        decimals; None else. A sink writes these faster than text."""
        data = column.data
        if (
            type.kind is not Kind.INTEGER
            or data.shape[1] != type.size
            or not 0 < type.size <= numbers.MAX_INTEGER_SIZE
            or (column.failed is not None and column.failed.any())
        ):
            return None
        values: list[int] = numbers.decode_integers(data, self._order, type.signed).tolist()
        return values

    def _count_values(self, type: Type, depth: int) -> int:
        """Values rendered for one of that type, about."""
        if depth >= MAX_DEPTH:
            return 1
        if type.kind is Kind.ARRAY:
            if type.target.size == 1:
                return 1 + type.size // 64
            shown = max(min(type.count, self._max_elements), 1)
            return shown * self._count_values(type.target, depth + 1)
        inner = (self._count_values(field.type, depth + 1) for field in type.iter_fields())
        return max(sum(inner), 1)

    def _render(self, type: Type, data: Bytes, quoted: bool, depth: int) -> list[str]:
        """`quoted`: the values stand inside others, so that text needs quotes."""
        kind = type.kind
        if data.shape[1] != type.size:
            return numbers.render_bytes(data)
        if kind is Kind.ARRAY:
            return self._render_arrays(type, data, quoted, depth)
        if kind in (Kind.STRUCT, Kind.UNION):
            return self._render_structs(type, data, quoted, depth)
        if type.size == 0:
            return [""] * len(data)
        if kind is Kind.BOOLEAN:
            return numbers.render_booleans(data)
        if kind is Kind.FLOAT:
            return numbers.render_floats(data, self._order)
        if kind is Kind.OTHER or type.size > numbers.MAX_INTEGER_SIZE:
            return numbers.render_bytes(data)
        if kind is Kind.ENUM:
            return numbers.render_enums(data, self._order, type.signed, type.enumerators)
        if kind is Kind.POINTER:
            if _points_to_text(type):
                return self._render_c_strings(type, data, quoted)
            return numbers.render_addresses(data, self._order)
        return numbers.render_integers(data, self._order, type.signed)

    def _render_arrays(self, type: Type, data: Bytes, quoted: bool, depth: int) -> list[str]:
        element = type.target
        count = type.count
        if count <= 0 or type.size != count * element.size:
            return numbers.render_bytes(data) if type.size else ["{}"] * len(data)
        if element.kind is Kind.INTEGER and element.size == 1:
            return self._render_byte_arrays(element, data, quoted)
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

    def _render_structs(self, type: Type, data: Bytes, quoted: bool, depth: int) -> list[str]:
        counted = find_counted_string(type)
        if counted is not None:
            return self._render_counted_strings(*counted, data, quoted)
        if self._runtime_types is not None and is_interface(type):
            return self._render_interfaces(type, data, quoted, depth)
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

    def _render_interfaces(self, type: Type, data: Bytes, quoted: bool, depth: int) -> list[str]:
        """The dynamic values of Go's interfaces; of an unknown type, the word that leads to it."""
        assert self._runtime_types is not None
        types, values = (self._decode(field, data).astype(np.uint64) for field in type.fields)
        texts = np.array(numbers.render_addresses(_bytes_of(values), "<"), dtype=object)
        ok = np.ones(len(types), np.bool_)
        if type.fields[0].name == "tab":
            itabs = types
            types, ok = self._runtime_types.of_itabs(itabs)
            for row in np.flatnonzero(~ok).tolist():
                texts[row] = f"<fault 0x{int(itabs[row]):x}>"
        texts[ok & (types == 0)] = "nil"
        # A value may hold interfaces again, and a hostile one itself.
        self._nested += len(data) if depth else 0
        if depth >= MAX_DEPTH or self._nested > MAX_NESTED:
            texts[ok & (types != 0)] = "{...}"
            return list(texts.tolist())
        for addr in np.unique(types[ok & (types != 0)]).tolist():
            found = self._runtime_types.dynamic(addr)
            if found is None:
                continue
            rows = np.flatnonzero(ok & (types == np.uint64(addr)))
            size = found.type.size
            if found.direct:
                content = data[rows, len(data[0]) - size :]
                texts[rows] = self._render(found.type, content, quoted, depth + 1)
                continue
            step = max(MAX_DYNAMIC_BYTES // max(size, 1), 1)
            for begin in range(0, len(rows), step):
                part = rows[begin : begin + step]
                content, readable = self._runtime_types.gather(values[part], size)
                shown = np.array(self._render(found.type, content, quoted, depth + 1), dtype=object)
                for row in np.flatnonzero(~readable).tolist():
                    shown[row] = f"<fault 0x{int(values[part[row]]):x}>"
                texts[part] = shown
        return list(texts.tolist())

    def _render_field(self, field: Field, data: Bytes, depth: int) -> list[str]:
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
        return self._render(type, values, True, depth + 1)

    def _render_c_strings(self, type: Type, data: Bytes, quoted: bool) -> list[str]:
        addrs, places, weights = np.unique(
            numbers.decode_integers(data, self._order, False).astype(np.uint64),
            return_inverse=True,
            return_counts=True,
        )
        texts = np.empty(len(addrs), object)
        for begin in range(0, len(addrs), MAX_STRINGS):
            part = slice(begin, begin + MAX_STRINGS)
            strings = self._strings.read_terminated(addrs[part], weights[part])
            texts[part] = self._render_strings(strings, quoted)
            self.cut_strings += int(weights[part][strings.cut].sum())
        if len(addrs) and addrs[0] == 0:
            texts[0] = "0x0"
        out: list[str] = texts[places].tolist()
        return out

    def _render_counted_strings(
        self, pointer: Field, length: Field, data: Bytes, quoted: bool
    ) -> list[str]:
        addrs = self._decode(pointer, data).astype(np.uint64)
        sizes = self._decode(length, data)
        if not length.type.signed:
            sizes = np.minimum(sizes, np.iinfo(np.int64).max)
        sizes = sizes.astype(np.int64)
        texts: list[str] = []
        for begin in range(0, len(addrs), MAX_STRINGS):
            part = slice(begin, begin + MAX_STRINGS)
            strings = self._strings.read_counted(addrs[part], sizes[part])
            texts += self._render_strings(strings, quoted)
            self.cut_strings += int(strings.cut.sum())
        return texts

    def _decode(self, field: Field, data: Bytes) -> NDArray[Any]:
        values = data[:, field.offset : field.offset + field.type.size]
        return numbers.decode_integers(values, self._order, field.type.signed)

    def _render_strings(self, strings: Strings, quoted: bool) -> list[str]:
        texts = text.render_text(strings.joined, strings.lengths, strings.cut, quoted)
        failed = np.flatnonzero(strings.failed)
        for row, addr in zip(failed.tolist(), strings.faults[failed].tolist()):
            texts[row] = f"<fault 0x{addr:x}>"
        return texts


def _bytes_of(words: NDArray[np.uint64]) -> Bytes:
    return words.astype("<u8").view(np.uint8).reshape(len(words), 8)


def _points_to_text(type: Type) -> bool:
    """Whether a pointer is a `char *`."""
    if type.resolve is None:
        return False
    target = type.target
    return target.kind is Kind.INTEGER and target.character and target.size == 1


def _is_go_string(type: Type) -> bool:
    """Go's string, or a type of the program's that is one: main.ID has the same fields."""
    if [field.name for field in type.fields] != ["str", "len"]:
        return False
    text, length = (field.type for field in type.fields)
    return type.name in ("string", "struct string") or (
        text.kind is Kind.POINTER
        and text.target.name == "uint8"
        and length.name == "int"
        and length.size == text.size
    )


def find_counted_string(type: Type) -> tuple[Field, Field] | None:
    """The pointer and the length of a string that knows its length: Go's `string`, and
    std::string and std::string_view of libstdc++; None for any other struct."""
    pointer = length = None
    if _is_go_string(type):
        pointer, length = type.find("str"), type.find("len")
    else:
        # The struct's own: a class made of a string has more to show.
        own = {field.name: field for field in type.fields if not field.base}
        length, holder = own.get("_M_string_length"), own.get("_M_dataplus")
        inner = None if holder is None else holder.type.find("_M_p")
        if holder is not None and inner is not None and _points_to_text(inner.type):
            pointer = Field(inner.name, holder.offset + inner.offset, inner.type)
        view = own.get("_M_str")
        if view is not None and _points_to_text(view.type):
            length, pointer = own.get("_M_len"), view
    if pointer is None or length is None:
        return None
    if pointer.type.kind is not Kind.POINTER or length.type.kind is not Kind.INTEGER:
        return None
    for field in (pointer, length):
        if not 0 < field.type.size <= 8 or not 0 <= field.offset <= type.size - field.type.size:
            return None
    return pointer, length


def read_counted_string(memory: Memory, type: Type, data: bytes, limit: int) -> bytes | None:
    """The bytes of a string that knows its length; None where the type is none, or the string is
    longer than `limit`. MemoryFault."""
    found = find_counted_string(type)
    if found is None:
        return None
    address, size = (
        int.from_bytes(data[one.offset : one.offset + one.type.size], memory.byte_order)
        for one in found
    )
    return memory.read(address, size) if size <= limit else None
