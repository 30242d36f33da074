"""Go's types from their descriptors alone: also those that debug info lacks, because no variable
has them. They tell how to show a value; pointers are not followed."""

from __future__ import annotations

from ...compat import dataclass
from ...target import Field, Kind, Target, Type
from ...target.types import array_of, pointer_to
from .abi import GoKind
from .descriptors import MAX_TYPES, Descriptor, Descriptors, NoDescriptor

MAX_SIZE = 1 << 20  # bytes of a value; larger: a broken descriptor
MAX_DEPTH = 16  # of nested structs and arrays
# A value has at most as many simple values as bytes, except for empty structs: they take none, and
# could be nested endlessly.
MAX_EMPTY = 1000
MAX_EMPTY_ELEMENTS = 200  # counted in an array of those

BYTE = Type(Kind.INTEGER, "uint8", 1)
CODE = Type(Kind.OTHER, "code", 0)


@dataclass(frozen=True, slots=True)
class Part:
    """A type, and how many simple values each of its values has."""

    type: Type
    values: int


class DescribedTypes:
    """The types of a target by the address of the descriptor."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._descriptors = target.kept(Descriptors)
        self._known: dict[int, Type | None] = {}
        self._parts: dict[int, Part] = {}

    def of(self, addr: int) -> Type | None:
        """The type of the descriptor at `addr`; None if that is not valid."""
        if addr not in self._known:
            if len(self._known) >= MAX_TYPES:
                self._known.clear()
                self._parts.clear()
            try:
                self._known[addr] = self._part(addr, 0).type
            except NoDescriptor:
                self._known[addr] = None
        return self._known[addr]

    def _part(self, addr: int, depth: int) -> Part:
        if addr not in self._parts:
            if depth > MAX_DEPTH:
                raise NoDescriptor
            found = self._descriptors.at(addr)
            if found.size > MAX_SIZE:
                raise NoDescriptor
            part = self._make(found, depth)
            if part.type.size != found.size or part.values > found.size + MAX_EMPTY:
                raise NoDescriptor
            self._parts[addr] = part
        return self._parts[addr]

    def _make(self, found: Descriptor, depth: int) -> Part:
        if found.kind is GoKind.ARRAY:
            element = self._part(self._descriptors.elem(found), depth + 1)
            count = self._descriptors.count(found)
            if count * element.type.size > MAX_SIZE:
                raise NoDescriptor
            shown = count if element.type.size else min(count, MAX_EMPTY_ELEMENTS)
            return Part(array_of(element.type, count), max(shown * element.values, 1))
        if found.kind is GoKind.STRUCT:
            return self._struct(found, depth)
        return Part(self._simple(found), 1)

    def _struct(self, found: Descriptor, depth: int) -> Part:
        fields: list[Field] = []
        values = 0
        for member in self._descriptors.members(found):
            part = self._part(member.type, depth + 1)
            if member.offset + part.type.size > found.size:
                raise NoDescriptor
            values += part.values
            fields.append(Field(member.name, member.offset, part.type))
        struct = Type(Kind.STRUCT, "struct", found.size, fields=tuple(fields))
        return Part(struct, max(values, 1))

    def _simple(self, found: Descriptor) -> Type:
        """A type that does not consist of other types."""
        kind, size, width = found.kind, found.size, self._target.pointer_size
        name = kind.name.lower()
        if kind is GoKind.BOOL:
            return Type(Kind.BOOLEAN, name, size)
        if GoKind.INT <= kind <= GoKind.UINTPTR:
            return Type(Kind.INTEGER, name, size, signed=kind < GoKind.UINT)
        if kind in (GoKind.FLOAT32, GoKind.FLOAT64):
            return Type(Kind.FLOAT, name, size, signed=True)
        if kind in (GoKind.COMPLEX64, GoKind.COMPLEX128):
            part = Type(Kind.FLOAT, f"float{size * 4}", size // 2, signed=True)
            halves = Field("real", 0, part), Field("imag", size // 2, part)
            return Type(Kind.STRUCT, name, size, fields=halves)
        pointer = Type(Kind.POINTER, "unsafe.Pointer", width, resolve=lambda: CODE)
        length = Type(Kind.INTEGER, "int", width, signed=True)
        if kind is GoKind.STRING:
            text = Field("str", 0, pointer_to(BYTE, width)), Field("len", width, length)
            return Type(Kind.STRUCT, name, size, fields=text)
        if kind is GoKind.SLICE:
            words = (
                Field("array", 0, pointer),
                Field("len", width, length),
                Field("cap", 2 * width, length),
            )
            return Type(Kind.STRUCT, name, size, fields=words)
        if kind is GoKind.INTERFACE:
            first = "tab" if self._descriptors.has_methods(found) else "_type"
            pair = Field(first, 0, pointer), Field("data", width, pointer)
            return Type(Kind.STRUCT, name, size, fields=pair)
        return pointer
