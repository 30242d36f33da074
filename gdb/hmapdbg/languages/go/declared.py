"""Go's types by their descriptors, as debug info has them: with all that they point to, so that the
maps in them are found. Debug info is asked by the name that the descriptor has; that is looked up,
never evaluated."""

from __future__ import annotations

from ...compat import dataclass
from ...target import Target, Type
from ...target.types import pointer_to
from .descriptors import Descriptors, NoDescriptor
from .type_names import type_name


@dataclass(frozen=True, slots=True)
class Declared:
    """A type of debug info. `direct`: its values lie in interfaces themselves."""

    type: Type
    name: str  # as Go writes it
    direct: bool


class DeclaredTypes:
    """The types of a target by the address of their descriptor."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._descriptors = target.kept(Descriptors)
        self._known: dict[int, Declared | None] = {}

    def of(self, addr: int) -> Declared | None:
        """The type that a descriptor describes; None where debug info has none of its name."""
        if addr not in self._known:
            try:
                self._known[addr] = self._find(addr)
            except (NoDescriptor, RecursionError):
                self._known[addr] = None
        return self._known[addr]

    def name_at(self, addr: int) -> str:
        """The name in a descriptor; empty where there is none that makes sense."""
        try:
            return type_name(self._descriptors, addr)
        except NoDescriptor:
            return ""

    def _find(self, addr: int) -> Declared | None:
        width = self._target.pointer_size
        name = type_name(self._descriptors, addr)
        stars = len(name) - len(name.lstrip("*"))
        found = self._target.lookup_type(name[stars:])
        if found is None or not found.size:
            return None
        for _ in range(stars):
            found = pointer_to(found, width)
        direct = self._descriptors.at(addr).direct and found.size == width
        return Declared(found, name, direct)
