"""Go's types by their descriptors, with all that they point to, so that the maps in them are found:
from debug info, or else from what the descriptors say. The descriptor's name is looked up in debug
info, never evaluated."""

from __future__ import annotations

from ...compat import dataclass
from ...target import Target, Type
from ...target.types import pointers_by_name
from .abi import GoKind
from .descriptors import Descriptors, NoDescriptor
from .type_names import type_name


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
        # Which is made of map types, as those are of the types here.
        from .made_types import MadeTypes

        found = pointers_by_name(self._sized, name, width) or self._target.kept(MadeTypes).of(addr)
        if found is None or not found.size:
            return None
        direct = self._descriptors.at(addr).direct and found.size == width
        return Declared(found, name, direct)

    def _sized(self, name: str) -> Type | None:
        """A type whose values are not empty."""
        found = self._target.lookup_leading(name)
        return None if found is None or not found.size else found
