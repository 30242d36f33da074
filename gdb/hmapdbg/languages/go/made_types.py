"""Go's types from their descriptors, with all that they point to, as debug info would have them: of
programs without any, and types that no variable has.

Descriptors lie anywhere, and lead to each other in circles: what a type points to is read when it
is asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ...target import Field, Kind, MemoryFault, Target, TargetError, Type
from ...target.types import pointer_to
from .abi import GoKind
from .described import CODE, DescribedTypes, Part
from .descriptors import MAX_TYPES, Descriptor, NoDescriptor
from .map_types import MapTypes
from .modules import modules_of
from .type_names import type_name

CHANNEL, WAITING = "runtime.hchan", "recvq"


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
        """Descriptors by the names of their types, the first of each: those that the modules list,
        and what these lead to."""
        names: dict[str, int] = {}
        left = list(self._iter_listed())
        met = set(left)
        while left and len(met) < MAX_TYPES:
            addr = left.pop()
            try:
                found = self._descriptors.at(addr)
                names.setdefault(type_name(self._descriptors, addr), addr)
                following = list(self._iter_parts(found))
            except (NoDescriptor, RecursionError):
                continue
            left += [one for one in following if one not in met]
            met.update(following)
        return names

    def _iter_listed(self) -> Iterator[int]:
        for module in modules_of(self._target):
            try:
                if not module.has("typelinks"):  # from go1.27 on
                    yield from self._target.kept(MapTypes).iter_links()
                    continue
                count = min(module.word("typelinks", "len"), MAX_TYPES)
                data = self._target.read(module.word("typelinks", "array"), 4 * count)
                offsets = np.frombuffer(data, f"{self._target.order}i4")
                start = module.word("types")
                yield from (start + offset for offset in offsets.tolist())
            except (TargetError, MemoryFault):
                continue

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
