"""The type descriptors of a program, wherever its modules have them: what looks like one.

The modules' own list (typelinks, up to go1.26) lacks the types that no interface needs, and those
with names.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...target import MemoryFault, Target, TargetError
from .abi import GoKind
from .descriptors import Descriptors
from .modules import Module, modules_of

Words = NDArray[np.uint64]

MAX_BYTES = 256 << 20  # of a module's descriptors


class FoundTypes:
    """The descriptors of a target, by their kinds."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._parts = list(self._iter_parts())
        self._known: dict[GoKind, Words] = {}

    def of_kind(self, kind: GoKind) -> Words:
        """The addresses of what looks like a descriptor of a type of that kind, sorted."""
        if kind not in self._known:
            find = self._target.kept(Descriptors).find
            found = [np.uint64(start) + find(data, kind) for start, data in self._parts]
            self._known[kind] = np.unique(np.concatenate([np.zeros(0, np.uint64), *found]))
        return self._known[kind]

    def _iter_parts(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Where each module's descriptors begin, and their bytes."""
        for module in modules_of(self._target):
            try:
                start = module.word("types")
                data = self._target.read(start, min(_size(module), MAX_BYTES))
            except (TargetError, MemoryFault):
                continue
            yield start, np.frombuffer(data, np.uint8)


def _size(module: Module) -> int:
    """How many bytes of descriptors a module has; up to go1.26, of other things between them."""
    if module.has("typedesclen"):
        return module.word("typedesclen")
    return max(module.word("etypes") - module.word("types"), 0)
