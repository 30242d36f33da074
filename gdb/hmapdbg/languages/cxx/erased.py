"""Types of C++'s libraries that hold a value of any type, which only a function of theirs knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Union

import numpy as np

from ...compat import dataclass
from ...target import Field, Target, Type
from ..elements import Access
from ..holders import Bytes, Contents, Held, Mask, TellsUnknown, Unknown, Words


@dataclass(frozen=True)
class Managed:
    """What a function manages: its type, the name of that, and whether it lies in the std::any or
    std::function itself."""

    type: Type
    name: str
    is_inside: bool


# What a function manages, from its manager and invoker; None where that is not known.
ValueOf = Callable[[Target, "Erased", int, int], Union[Managed, None]]


@dataclass(frozen=True)
class Erased:
    """Such a type; see holders.Holder."""

    noun: str
    size: int
    manager: int  # offset of the pointer to the function
    storage: Field
    nothing: str
    value_of: ValueOf
    invoker: int = -1  # of a function: offset of the pointer to what calls the value
    moves: bool = False  # a std::move_only_function

    access = Access.ASSERTION

    def open(self, target: Target, raw: Bytes, addrs: Words | None = None) -> Contents:
        """See Holder."""
        return _Values(self, target, raw, addrs)


class _Values(TellsUnknown):
    """n values of one such type."""

    def __init__(self, kind: Erased, target: Target, raw: Bytes, addrs: Words | None) -> None:
        self._kind = kind
        self._raw = raw
        self._addrs = addrs
        managers = target.pointer_column(raw, kind.manager)
        self.words = target.pointer_column(raw, kind.storage.offset)
        invokers = self.words if kind.invoker < 0 else target.pointer_column(raw, kind.invoker)
        # Of a std::move_only_function, several types may have one manager.
        self._functions = invokers if kind.moves else managers
        self.empty: Mask = self._functions == 0
        self.faults = np.zeros(len(raw), np.uint64)
        self._values: dict[int, Managed] = {}  # by such a function
        unknown: Mask = ~self.empty
        for function in np.unique(self._functions[~self.empty]).tolist():
            rows = self._functions == np.uint64(function)
            found = kind.value_of(target, kind, int(managers[rows][0]), int(invokers[rows][0]))
            if found is not None:
                self._values[function] = found
                unknown &= ~rows
        self.unknown = Unknown(kind.noun, unknown)

    def iter_shown(self) -> Iterator[Held]:
        """See holders.Contents."""
        at = self._kind.storage.offset
        for function, value in self._values.items():
            rows = np.flatnonzero(self._functions == np.uint64(function))
            if not value.is_inside:
                yield Held(rows, value.type, value.name, self.words[rows])
                continue
            addrs = np.zeros(len(rows), np.uint64)
            if self._addrs is not None:
                addrs = self._addrs[rows] + np.uint64(at)
            data = self._raw[rows, at : at + value.type.size]
            yield Held(rows, value.type, value.name, addrs, data)

    iter_followed = iter_shown
