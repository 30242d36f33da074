"""Go's types by their descriptors, with all that they point to, so that the maps in them are found.

Types are those of debug info, by the names in the descriptors, which are looked up and never
evaluated; else they are made from what the descriptors say: of programs without debug info, and
types that no variable has (the compiler keeps no variable for a map that stays on the stack). A map
type is put together as debug info would have it: the runtime's own structs, with the buckets or
groups of the map type in place of what they do not tell.

Descriptors lie anywhere, and lead to each other in circles, as the three classes here do: what a
type points to is read when it is asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Target, Type
from ...target.types import array_of, byte_array, pointer_to, pointers_by_name
from .abi import GoKind
from .described import CODE, DescribedTypes, Part
from .descriptors import MAX_TYPES, Descriptor, Descriptors, Member, NoDescriptor
from .found_types import FoundTypes
from .type_names import type_name

SWISS, BUCKET = "internal/runtime/maps.Map", "runtime.hmap"
TABLE = "internal/runtime/maps.table"
MAX_PART = 1 << 20  # bytes of a bucket or group
CHANNEL, WAITING = "runtime.hchan", "recvq"


@dataclass(frozen=True, slots=True)
class Declared:
    """A type. `direct`: interfaces hold its values themselves."""

    type: Type
    name: str  # in Go's spelling
    direct: bool


class DeclaredTypes:
    """The types of a target by the address of the descriptor."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._descriptors = target.kept(Descriptors)
        self._known: dict[int, Declared | None] = {}

    def of(self, addr: int) -> Declared | None:
        """The type of the descriptor at `addr`; None if it is not valid."""
        if addr not in self._known:
            try:
                self._known[addr] = self._find(addr)
            except (NoDescriptor, RecursionError):
                self._known[addr] = None
        return self._known[addr]

    def name_at(self, addr: int) -> str:
        """The name in a descriptor; empty if the descriptor is not valid."""
        try:
            return type_name(self._descriptors, addr)
        except NoDescriptor:
            return ""

    def _find(self, addr: int) -> Declared | None:
        width = self._target.pointer_size
        if self._descriptors.at(addr).kind is GoKind.FUNC:
            return None  # debug info has few of them, and looks for the others everywhere
        name = type_name(self._descriptors, addr)
        found = pointers_by_name(self._sized, name, width) or self._target.kept(MadeTypes).of(addr)
        if found is None or not found.size:
            return None
        direct = self._descriptors.at(addr).direct and found.size == width
        return Declared(found, name, direct)

    def _sized(self, name: str) -> Type | None:
        """A type whose values are not empty."""
        found = self._target.lookup_leading(name)
        return None if found is None or not found.size else found


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
        """The map types, under names without those of their own: a map's type may be named, but
        has another of the same keys and elems then."""
        if self._all is None:
            found: dict[tuple[str, int, int], Type] = {}
            for addr in self._target.kept(FoundTypes).of_kind(GoKind.MAP).tolist():
                one = self.of(addr)
                if one is not None:
                    found.setdefault(self._parts(addr), one)
            self._all = [one.renamed(name) for (name, _, _), one in found.items()]
        return self._all

    def plain(self, addr: int) -> Type | None:
        """The map type whose descriptor is at an address, under a name without one of its own."""
        found = self.of(addr)
        return None if found is None else found.renamed(self._parts(addr)[0])

    def named(self, name: str) -> Type | None:
        """The map type of a name, where one alone has it; None: there is no such type."""
        found = [one for one in self.all() if one.name == name]
        return found[0] if len(found) == 1 else None

    def _parts(self, addr: int) -> tuple[str, int, int]:
        """What a map type is called if it has no name of its own; its key's and elem's types."""
        found = self._descriptors.at(addr)
        key, elem = self._descriptors.key(found), self._descriptors.elem(found)
        names = type_name(self._descriptors, key), type_name(self._descriptors, elem)
        return f"map[{names[0]}]{names[1]}", key, elem

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


class MadeTypes(DescribedTypes):
    """The types of a target by the address of the descriptor, under their names."""

    def named(self, name: str) -> Type | None:
        """The type of that name; None where no descriptor has it."""
        addr = self._by_name.get(name)
        return None if addr is None else self.of(addr)

    def _make(self, found: Descriptor, depth: int) -> Part:
        made = self._followed(found)
        part = super()._make(found, depth) if made is None else Part(made, 1)
        name = type_name(self._descriptors, found.address)
        return replace(part, type=part.type.renamed(name))

    def _followed(self, found: Descriptor) -> Type | None:
        """A type that points to another."""
        width = self._target.pointer_size
        if found.kind is GoKind.POINTER:
            return self._pointer(self._descriptors.elem(found))
        if found.kind is GoKind.SLICE:
            number = Type(Kind.INTEGER, "int", width, signed=True)
            return Type(
                Kind.STRUCT,
                "slice",
                3 * width,
                fields=(
                    Field("array", 0, self._pointer(self._descriptors.elem(found))),
                    Field("len", width, number),
                    Field("cap", 2 * width, number),
                ),
            )
        if found.kind is GoKind.MAP:
            return Type(
                Kind.POINTER, "map", width, resolve=functools.partial(self._header, found.address)
            )
        if found.kind is GoKind.CHAN:
            return Type(
                Kind.POINTER,
                "chan",
                width,
                resolve=functools.partial(self._channel, self._descriptors.elem(found)),
            )
        return None

    def _pointer(self, addr: int) -> Type:
        name = "*" + type_name(self._descriptors, addr)
        pointee = functools.partial(self._pointee, addr)
        return Type(Kind.POINTER, name, self._target.pointer_size, resolve=pointee)

    def _pointee(self, addr: int) -> Type:
        return self.of(addr) or CODE

    def _header(self, addr: int) -> Type:
        found = self._target.kept(MapTypes).of(addr)
        return CODE if found is None else found.target

    def _channel(self, addr: int) -> Type:
        """The runtime's channel, with the type of its elements where debug info has it: in what
        waits for it."""
        found, element = self._target.lookup_type(CHANNEL), self.of(addr)
        if found is None or element is None:
            return CODE
        width = self._target.pointer_size
        waiting = Field("elem", 0, pointer_to(element, width))
        one = Type(Kind.STRUCT, "sudog", width, fields=(waiting,))
        first = Field("first", 0, pointer_to(one, width))
        queue = Type(Kind.STRUCT, "waitq", 2 * width, fields=(first,))
        fields = (
            replace(field, type=queue) if field.name == WAITING else field for field in found.fields
        )
        return replace(found, name=f"hchan<{element.name}>", fields=tuple(fields))

    # ---- by name

    @functools.cached_property
    def _by_name(self) -> dict[str, int]:
        """Descriptors by the names of their types, the first of each: those that are found, and
        what these lead to."""
        names: dict[str, int] = {}
        known = self._target.kept(FoundTypes)
        found = [known.of_kind(one) for one in (GoKind.MAP, GoKind.STRUCT, GoKind.POINTER)]
        left = np.concatenate(found)[:MAX_TYPES].tolist()
        met = set(left)
        while left and len(met) < MAX_TYPES:
            addr = left.pop()
            try:
                one = self._descriptors.at(addr)
                names.setdefault(type_name(self._descriptors, addr), addr)
                following = list(self._iter_parts(one))
            except (NoDescriptor, RecursionError):
                continue
            left += [one for one in following if one not in met]
            met.update(following)
        return names

    def _iter_parts(self, found: Descriptor) -> Iterator[int]:
        if found.kind in (GoKind.POINTER, GoKind.SLICE, GoKind.ARRAY, GoKind.CHAN, GoKind.MAP):
            yield self._descriptors.elem(found)
        if found.kind is GoKind.MAP:
            yield self._descriptors.key(found)
        if found.kind is GoKind.STRUCT:
            yield from (one.type for one in self._descriptors.members(found))


def find_type(target: Target, name: str) -> Type | None:
    """The type of Go of that name, of debug info or else of a descriptor."""
    return target.lookup_type(name) or target.kept(MadeTypes).named(name)
