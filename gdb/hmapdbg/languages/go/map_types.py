"""Go's map types by their descriptors: also those that debug info lacks, because no variable has
them any more (the compiler keeps no variable for a map that stays on the stack).

What is put together is what debug info would have: the runtime's own structs, with the buckets or
groups of the map type in place of what they do not tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...target import Field, Kind, MemoryFault, Target, TargetError, Type
from ...target.types import array_of, byte_array, pointer_to
from .abi import GoKind
from .declared import DeclaredTypes
from .described import DescribedTypes
from .descriptors import Descriptor, Descriptors, Member, NoDescriptor
from .modules import Module, modules_of
from .type_names import type_name

MAX_TYPES = 200_000  # of a module, that have no names
MAX_BYTES = 64 << 20  # of a module's descriptors
SWISS, BUCKET = "internal/runtime/maps.Map", "runtime.hmap"
TABLE = "internal/runtime/maps.table"
MAX_PART = 1 << 20  # bytes of a bucket or group


class MapTypes:
    """The map types of a target."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._descriptors = target.kept(Descriptors)
        self._known: dict[int, Type | None] = {}
        self._all: list[Type] | None = None

    def of(self, addr: int) -> Type | None:
        """The map type whose descriptor is at an address, a pointer as debug info has it; None
        where there is none that makes sense."""
        if addr not in self._known:
            try:
                self._known[addr] = self._make(addr)
            except (NoDescriptor, RecursionError):
                self._known[addr] = None
        return self._known[addr]

    def all(self) -> list[Type]:
        """The map types without names of their own; those that have names are not told of."""
        if self._all is None:
            found = (self.of(addr) for addr in self.iter_links())
            self._all = [one for one in found if one is not None]
        return self._all

    def named(self, name: str) -> Type | None:
        """The map type of a name, where one alone has it; None: there is no such type."""
        found = [one for one in self.all() if one.name == name]
        return found[0] if len(found) == 1 else None

    def iter_links(self) -> Iterator[int]:
        """The descriptors of map types that have no names."""
        for module in modules_of(self._target):
            try:
                found = self._listed(module) if module.has("typelinks") else self._met(module)
            except (TargetError, MemoryFault, NoDescriptor):
                continue
            yield from found[self._descriptors.are_of(found, GoKind.MAP)].tolist()

    def _listed(self, module: Module) -> NDArray[np.uint64]:
        """Up to go1.26 (runtime/symtab.go typelinks): descriptors of all kinds."""
        start, count = module.word("types"), module.word("typelinks", "len")
        data = self._target.read(module.word("typelinks", "array"), 4 * min(count, MAX_TYPES))
        offsets = np.frombuffer(data, f"{self._target.order}i4").astype(np.int64)
        return np.uint64(start) + offsets.astype(np.uint64)

    def _met(self, module: Module) -> NDArray[np.uint64]:
        """From go1.27 on there is no list (runtime/type.go moduleTypelinks): what looks like a map
        type's where descriptors lie one after the other."""
        start, size = module.word("types"), module.word("typedesclen")
        data = np.frombuffer(self._target.read(start, min(size, MAX_BYTES)), np.uint8)
        return np.uint64(start) + self._descriptors.maps_in(data)

    # ---- one type

    def _make(self, addr: int) -> Type | None:
        found = self._descriptors.at(addr)
        if found.kind is not GoKind.MAP:
            return None
        name = type_name(self._descriptors, addr)
        known = self._target.lookup_type(name)
        if known is not None and known.kind is Kind.POINTER and known.resolve is not None:
            return known
        key = self._value(self._descriptors.key(found))
        elem = self._value(self._descriptors.elem(found))
        part = self._descriptors.at(self._descriptors.bucket(found))
        if part.kind is not GoKind.STRUCT or not 0 < part.size <= MAX_PART:
            return None
        members = {one.name: one for one in self._descriptors.members(part)}
        header = self._swiss(part, members, key, elem) or self._bucket(part, members, key, elem)
        if header is None:
            return None
        return pointer_to(header, self._target.pointer_size).renamed(name)

    def _value(self, addr: int) -> Type:
        """A type of keys or elems: of debug info, where that has it."""
        name = type_name(self._descriptors, addr)
        size = self._descriptors.at(addr).size
        declared = self._target.kept(DeclaredTypes).of(addr)
        if declared is not None and declared.type.size == size:
            return declared.type.renamed(name)
        described = self._target.kept(DescribedTypes).of(addr)
        return (described or byte_array(size)).renamed(name)

    # ---- from go1.24 on

    def _swiss(
        self, part: Descriptor, members: dict[str, Member], key: Type, elem: Type
    ) -> Type | None:
        header, table = self._target.lookup_type(SWISS), self._target.lookup_type(TABLE)
        if header is None or table is None or "ctrl" not in members:
            return None
        word = Type(Kind.INTEGER, "uint64", 8)
        fields = [Field("ctrl", members["ctrl"].offset, word)]
        if "slots" in members:
            slots = self._descriptors.at(members["slots"].type)
            one = self._descriptors.at(self._descriptors.elem(slots))
            inner = {member.name: member for member in self._descriptors.members(one)}
            if not {"key", "elem"} <= inner.keys():
                return None
            parts = tuple(
                Field(name, inner[name].offset, self._boxed(inner[name].type, found))
                for name, found in (("key", key), ("elem", elem))
            )
            slot = Type(Kind.STRUCT, "struct", one.size, fields=parts)
            count = self._descriptors.count(slots)
            fields.append(Field("slots", members["slots"].offset, array_of(slot, count)))
        elif {"keys", "elems"} <= members.keys():
            for name, found in (("keys", key), ("elems", elem)):
                fields.append(Field(name, members[name].offset, self._array(members[name], found)))
        else:
            return None
        group = Type(
            Kind.STRUCT, f"map.group[{key.name}]{elem.name}", part.size, fields=tuple(fields)
        )
        whole = self._with(table, "groups", lambda found: self._with_pointer(found, "data", group))
        directory = pointer_to(pointer_to(whole, self._width), self._width)
        made = self._with(header, "dirPtr", lambda _: directory)
        return made.renamed(f"map<{key.name},{elem.name}>")

    # ---- up to go1.23

    def _bucket(
        self, part: Descriptor, members: dict[str, Member], key: Type, elem: Type
    ) -> Type | None:
        header = self._target.lookup_type(BUCKET)
        if header is None or not {"topbits", "keys", "elems", "overflow"} <= members.keys():
            return None
        keys, elems = (
            self._array(members[name], found) for name, found in (("keys", key), ("elems", elem))
        )
        byte = Type(Kind.INTEGER, "uint8", 1)
        count = self._descriptors.count(self._descriptors.at(members["topbits"].type))
        fields = (
            Field("tophash", members["topbits"].offset, array_of(byte, count)),
            Field("keys", members["keys"].offset, keys.renamed(f"[]key<{key.name}>")),
            Field("values", members["elems"].offset, elems.renamed(f"[]val<{elem.name}>")),
            Field("overflow", members["overflow"].offset, pointer_to(byte, self._width)),
        )
        bucket = Type(Kind.STRUCT, f"bucket<{key.name},{elem.name}>", part.size, fields=fields)
        made = self._with_pointer(
            self._with_pointer(header, "buckets", bucket), "oldbuckets", bucket
        )
        return made.renamed(f"hash<{key.name},{elem.name}>")

    # ---- parts

    @property
    def _width(self) -> int:
        return self._target.pointer_size

    def _array(self, member: Member, inside: Type) -> Type:
        """An array of slots."""
        found = self._descriptors.at(member.type)
        slot = self._boxed(self._descriptors.elem(found), inside)
        return array_of(slot, self._descriptors.count(found))

    def _boxed(self, addr: int, inside: Type) -> Type:
        """What a slot of the type at `addr` holds: a value, or a pointer to one that is larger."""
        found = self._descriptors.at(addr)
        if found.kind is GoKind.POINTER and inside.size != found.size:
            return pointer_to(inside, self._width)
        return inside

    def _with_pointer(self, struct: Type, name: str, pointee: Type) -> Type:
        return self._with(struct, name, lambda _: pointer_to(pointee, self._width))

    def _with(self, struct: Type, name: str, make: Callable[[Type], Type]) -> Type:
        """A struct of the runtime's, one field's type replaced."""
        fields = tuple(
            replace(one, type=make(one.type)) if one.name == name else one for one in struct.fields
        )
        return replace(struct, fields=fields, source="type descriptors")
