"""The modules of a Go program: the executable, and each plugin (runtime/symtab.go moduledata).

A type's descriptor counts the places of names from the start of its own module's types, and a
function's code is described in the tables of its own module.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...compat import dataclass
from ...target import MemoryFault, Target, TargetError, Type
from .structs import required_field
from .symbols import find_value

MAX_MODULES = 1000


@dataclass(frozen=True, slots=True)
class Module:
    """The runtime's record of a module, its bytes as they were read."""

    target: Target
    type: Type
    data: bytes

    def has(self, name: str) -> bool:
        """Whether this version's records have a field."""
        return self.type.find(name) is not None

    def word(self, *path: str) -> int:
        """A word of the record, by the names of its field and that field's. TargetError."""
        found = required_field(self.type, *path)
        data = self.data[found.offset : found.offset + found.type.size]
        return int.from_bytes(data, self.target.byte_order)


def modules_of(target: Target) -> tuple[Module, ...]:
    """The modules of a target, the executable first; none where debug info lacks them. Read once
    for a target."""
    return target.kept(_Modules).found


# Where a module has variables, and what they are made from; and where it has what never changes.
VARIABLES = (("data", "edata"), ("bss", "ebss"))
STATIC = (*VARIABLES, ("noptrdata", "enoptrdata"), ("noptrbss", "enoptrbss"))


def ranges_of(target: Target, names: Iterable[tuple[str, str]]) -> list[tuple[int, int]]:
    """Parts of the modules, by the names of the fields with their starts and ends."""
    out = []
    for module in modules_of(target):
        for first, last in names:
            if module.has(first) and module.has(last):
                low, high = module.word(first), module.word(last)
                if low < high:
                    out.append((low, high))
    return out


class _Modules:
    def __init__(self, target: Target) -> None:
        self.found = tuple(_iter_modules(target))


def _iter_modules(target: Target) -> Iterator[Module]:
    first = find_value(target, "runtime.firstmoduledata")
    if first is None or not first.type.fields:
        return
    module = Module(target, first.type, first.data)
    met = set()
    for _ in range(MAX_MODULES):
        yield module
        try:
            following = module.word("next")
            if following == 0 or following in met:
                return
            met.add(following)
            module = Module(target, first.type, target.read(following, first.type.size))
        except (TargetError, MemoryFault):
            return
