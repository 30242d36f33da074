"""Members of structs as paths name them: a member that another of its name hides, and a base class
itself, by base classes in quotes.

    server.cache        server.'Base::cache'        both.'std::unordered_map<int, int>'
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..compat import dataclass
from ..languages import Access, Places, short_name
from ..languages.elements import Bytes, Words
from ..target import Field, Memory, Type, Variants, VirtualBase


@dataclass(frozen=True)
class InVirtualBase:
    """The part of an object that a virtual base class is, as Elements have it."""

    base: VirtualBase
    noun = "virtual base class"
    access = Access.POINTEE
    size = 1  # the object's own table is read one object at a time

    @property
    def element(self) -> Type:
        """See Elements."""
        return self.base.type

    @property
    def step(self) -> str:
        """As a path has it."""
        return f"'{short_name(self.base.name)}'"

    def find(self, _memory: Memory, addrs: Words, _raw: Bytes) -> Places:
        """See Elements."""
        found = [self.base.locate(addr) or 0 for addr in addrs.tolist()]
        places = np.array(found, np.uint64)
        rows = np.flatnonzero(places)
        return Places(places[rows], rows, np.zeros(len(rows), np.int64))

    def locate(self, _memory: Memory, addr: int, _raw: Bytes, _number: int) -> int | None:
        """See Elements."""
        return self.base.locate(addr)


@dataclass(frozen=True)
class InVariant:
    """What one variant of a struct has, where it is the active one, as Elements have it."""

    variants: Variants
    number: int  # of the variant
    size: int  # of the struct
    noun = "variant"
    access = Access.POINTEE

    @property
    def element(self) -> Type:
        """See Elements."""
        return self.variants.members[self.number].type

    def find(self, _memory: Memory, addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        rows = np.flatnonzero(self.variants.choose(raw) == self.number)
        offset = np.uint64(self.variants.members[self.number].offset)
        return Places(addrs[rows] + offset, rows, np.zeros(len(rows), np.int64))

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """See Elements."""
        places = self.find(memory, np.array([addr], np.uint64), raw)
        return int(places.addrs[0]) if len(places.addrs) and number == 0 else None


def iter_variants(struct: Type) -> Iterator[InVariant]:
    """The variants of a struct."""
    variants = struct.variants
    for number in range(len(variants.members)) if variants is not None else ():
        assert variants is not None
        yield InVariant(variants, number, struct.size)


def find_virtual_base(struct: Type, name: str) -> VirtualBase | None:
    """The virtual base class of a struct that a name in a path means."""
    return next((one for one in struct.virtual_bases if short_name(one.name) == name), None)


def find_qualified(struct: Type, name: str) -> Field | None:
    """The member of a struct that "Base::member" means, or the base class that "Base" means, with
    as many base classes in front as tell it from others. None where that is none, or not one."""
    found = {
        (field.offset, field.type.name): field
        for bases, field in struct.iter_routes()
        if name in _qualified(bases, field.name)
    }
    return next(iter(found.values())) if len(found) == 1 else None


def _qualified(bases: Sequence[str], name: str) -> list[str]:
    """The names of a member by base classes, the shortest first; of a base class without one."""
    parts = [*map(short_name, bases), *([name] if name else [])]
    return ["::".join(parts[start:]) for start in reversed(range(len(bases)))]


@dataclass(frozen=True)
class Members:
    """The members from one struct down to another."""

    _named: tuple[str, ...] = ()
    # Behind the last of these: base classes and unnamed members, in which struct they begin, and
    # how many bytes they are from its start.
    _bases: tuple[str, ...] = ()
    _struct: Type | None = None
    _offset: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each step down; an empty one where a member cannot be named."""
        if self._struct is None or not self._bases:
            return self._named
        return (*self._named, _name_of(self._struct, self._bases, "", self._offset))

    def into(self, struct: Type, member: Field) -> Members:
        """One member further down, which is one of `struct`."""
        begin, offset = self._struct or struct, self._offset + member.offset
        if member.base:
            return Members(self._named, (*self._bases, member.name), begin, offset)
        if not member.name:
            return Members(self._named, self._bases, begin, offset)
        name = _name_of(begin, self._bases, member.name, offset)
        return Members((*self._named, name))


def _name_of(struct: Type, bases: tuple[str, ...], name: str, offset: int) -> str:
    """The shortest name that means the member, or the base class if `name` is empty, that lies
    `offset` bytes from the start of a struct; empty if there is none that can be typed."""
    plain = struct.find(name) if name else None
    if plain is not None and plain.offset == offset:
        return name
    for qualified in _qualified(bases, name):
        found = find_qualified(struct, qualified)
        if found is not None and found.offset == offset:
            return "" if "'" in qualified or " --" in qualified else f"'{qualified}'"
    return ""
