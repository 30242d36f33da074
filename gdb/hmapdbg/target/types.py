"""Neutral descriptions of the target's types: what layout and values need, without gdb."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import field, replace
from typing import Union

from ..compat import dataclass


class Kind(enum.Enum):
    """What the bytes of a value mean."""

    INTEGER = "integer"  # also char; `character` tells text arrays from byte arrays
    BOOLEAN = "boolean"
    FLOAT = "float"
    ENUM = "enum"
    POINTER = "pointer"  # also references
    ARRAY = "array"
    STRUCT = "struct"
    UNION = "union"
    OTHER = "other"  # functions, void, complex numbers: shown as bytes


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a struct or union.

    `offset` is in bytes from the start of the struct. For a bit field `bit_size` is not 0, and
    `bit_offset` counts bits from the start of the struct, least significant first on little-endian
    targets and most significant first on big-endian ones, as DWARF's DW_AT_data_bit_offset does.
    """

    name: str
    offset: int
    type: Type
    bit_offset: int = 0
    bit_size: int = 0
    base: bool = False  # a base class of C++: its fields are the struct's own


@dataclass(frozen=True, slots=True)
class Type:
    """A type of the target, typedefs and qualifiers stripped (`name` keeps the name as written).

    >>> int64 = Type(Kind.INTEGER, "int64_t", 8, signed=True)
    >>> array_of(int64, 4).size
    32
    """

    kind: Kind
    name: str
    size: int  # bytes
    signed: bool = False  # integers and enums
    character: bool = False  # plain char: an array of them is text
    fields: tuple[Field, ...] = ()  # structs and unions, in order
    count: int = 0  # elements of an array
    enumerators: tuple[tuple[str, int], ...] = ()
    # Pointers and arrays: their target type. Lazy, since structs point to themselves.
    resolve: Callable[[], Type] | None = field(default=None, compare=False, repr=False)
    source: str = field(default="debug info", compare=False)  # of its numbers
    # The type as the target described it, if this one only has another name.
    origin: Type | None = field(default=None, compare=False, repr=False)
    # Template arguments of C++, by number; None: there is no such argument.
    resolve_argument: Callable[[int], Union[Type, int, None]] | None = field(
        default=None, compare=False, repr=False
    )

    def argument(self, number: int) -> Union[Type, int, None]:
        """A template argument: a type, or the value of a constant."""
        return None if self.resolve_argument is None else self.resolve_argument(number)

    def renamed(self, name: str) -> Type:
        """The same type under its name in the program's own language."""
        return replace(self, name=name, origin=self.origin or self)

    @property
    def target(self) -> Type:
        """What a pointer points to, or an array's element type."""
        if self.resolve is None:
            raise TypeError(f"type '{self.name}' has no target type")
        return self.resolve()

    def find(self, name: str) -> Field | None:
        """The field of that name, looked up through anonymous members and base classes (offsets
        added up)."""
        for found in self.iter_fields():
            if found.name == name:
                return found
        return None

    def iter_fields(self) -> Iterator[Field]:
        """All fields, including those of anonymous structs and unions and of base classes."""
        for member in self.fields:
            if not member.base and (member.name or not member.type.fields):
                yield member
                continue
            for inner in member.type.iter_fields():
                yield Field(
                    inner.name,
                    member.offset + inner.offset,
                    inner.type,
                    member.offset * 8 + inner.bit_offset if inner.bit_size else 0,
                    inner.bit_size,
                )


def array_of(element: Type, count: int) -> Type:
    """The type of an array of `count` elements."""
    return Type(
        Kind.ARRAY,
        f"{element.name}[{count}]",
        element.size * count,
        count=count,
        resolve=lambda: element,
    )


def pointer_to(pointee: Type, size: int) -> Type:
    """The type of a pointer of `size` bytes."""
    return Type(Kind.POINTER, f"{pointee.name} *", size, resolve=lambda: pointee)


def byte_array(size: int) -> Type:
    """`size` bytes of an unknown type: shown as hexadecimal."""
    return array_of(Type(Kind.INTEGER, "uint8_t", 1), size)
