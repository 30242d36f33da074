"""Neutral descriptions of the target's types: what layout and values need, without gdb."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import field, replace
from typing import Union

import numpy as np
from numpy.typing import NDArray

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

    def moved(self, name: str, by: int) -> Field:
        """The field under a name, as one of a struct in which its own lies `by` bytes from the
        start."""
        bit_offset = by * 8 + self.bit_offset if self.bit_size else 0
        return Field(name, by + self.offset, self.type, bit_offset, self.bit_size)


# Integers of C and C++ whose arrays are text, of 1, 2 or 4 bytes a character.
CHARACTERS = ("char", "wchar_t", "char8_t", "char16_t", "char32_t")


@dataclass(frozen=True, slots=True)
class VirtualBase:
    """A virtual base class of C++: where it is, only the object itself tells."""

    name: str
    type: Type
    locate: Callable[[int], Union[int, None]]  # from the address of the object; None: unreadable


@dataclass(frozen=True, slots=True)
class Variants:
    """The variant part of a struct (DW_TAG_variant_part, Rust's enums): of its members one is there
    at a time. `choose` tells which of n structs, from their bytes (n, size), has which one: their
    indices (n,), -1 where that is not known."""

    members: tuple[Field, ...]
    choose: Callable[[NDArray[np.uint8]], NDArray[np.int64]]


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
    character: bool = False  # one of CHARACTERS: an array of them is text
    fields: tuple[Field, ...] = ()  # structs and unions, in order
    count: int = 0  # elements of an array
    enumerators: tuple[tuple[str, int], ...] = ()
    # Pointers and arrays: their target type. Lazy, since structs point to themselves.
    resolve: Callable[[], Type] | None = field(default=None, compare=False, repr=False)
    source: str = field(default="debug info", compare=False)  # of its numbers
    # Distinguishes types of one name, and is the same under all names of one; None: unknown.
    identity: int | None = field(default=None, compare=False, repr=False)
    # The type as the target described it, if this one only has another name.
    origin: Type | None = field(default=None, compare=False, repr=False)
    # Template arguments of C++, by number; None: there is no such argument.
    resolve_argument: Callable[[int], Union[Type, int, None]] | None = field(
        default=None, compare=False, repr=False
    )

    virtual_bases: tuple[VirtualBase, ...] = field(default=(), compare=False, repr=False)
    variants: Union[Variants, None] = field(default=None, compare=False, repr=False)
    # What `find` has found: each family asks every struct for its own fields.
    _found: dict[str, Union[Field, None]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def argument(self, number: int) -> Union[Type, int, None]:
        """A template argument: a type, or the value of a constant."""
        return None if self.resolve_argument is None else self.resolve_argument(number)

    def is_same(self, other: Type) -> bool:
        """Whether both are one type, by whatever name."""
        if self.identity is None or other.identity is None:
            return self == other
        return self.identity == other.identity

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
        """The field of that name, looked up through anonymous members and then base classes, with
        offsets added up. As in C++ a field hides those of base classes; None also where several
        base classes have one."""
        if name not in self._found:
            found = {one.offset: one for one in self._iter_visible(name)}
            self._found[name] = next(iter(found.values())) if len(found) == 1 else None
        return self._found[name]

    def iter_routes(self) -> Iterator[tuple[tuple[str, ...], Field]]:
        """All fields, and all base classes as fields without a name, with the base classes that
        lead to each."""
        for member in self.fields:
            if not member.base and (member.name or not member.type.fields):
                yield (), member
                continue
            bases = (member.name,) if member.base else ()
            if member.base:
                yield bases, member.moved("", 0)
            for inner, one in member.type.iter_routes():
                yield (*bases, *inner), one.moved(one.name, member.offset)

    def _iter_visible(self, name: str) -> Iterator[Field]:
        """The fields that a name means, those of the nearest classes."""
        found = [
            one
            for one in self.fields
            if one.name == name and not one.base and (name or not one.type.fields)
        ]
        for member in self.fields:
            if not member.base and not member.name and member.type.fields:
                found += [one.moved(name, member.offset) for one in member.type._iter_visible(name)]
        for member in self.fields if not found else ():
            if member.base:
                found += [one.moved(name, member.offset) for one in member.type._iter_visible(name)]
        yield from found

    def iter_fields(self) -> Iterator[Field]:
        """All fields, including those of anonymous structs and unions and of base classes."""
        for member in self.fields:
            if not member.base and (member.name or not member.type.fields):
                yield member
                continue
            for inner in member.type.iter_fields():
                yield inner.moved(inner.name, member.offset)


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


def is_untyped(found: Type) -> bool:
    """Whether a type is a pointer to anything: void *."""
    if found.kind is not Kind.POINTER or found.resolve is None:
        return False
    pointee = found.target
    return pointee.kind is Kind.OTHER and pointee.name.removeprefix("const ") == "void"


def pointers_by_name(
    lookup: Callable[[str], Union[Type, None]], name: str, size: int
) -> Union[Type, None]:
    """The type of a name in Go's spelling, where a "*" before it makes a pointer of `size` bytes;
    None where the type without any is unknown."""
    stars = len(name) - len(name.lstrip("*"))
    found = lookup(name[stars:])
    for _ in range(stars if found is not None else 0):
        assert found is not None
        found = pointer_to(found, size)
    return found


def byte_array(size: int) -> Type:
    """`size` bytes of an unknown type: shown as hexadecimal."""
    return array_of(Type(Kind.INTEGER, "uint8_t", 1), size)
