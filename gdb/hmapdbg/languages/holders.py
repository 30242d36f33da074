"""Types whose values hold one of a type that is only known at run time, such as interfaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..compat import dataclass
from ..target import Target, Type
from .elements import Access

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Held:
    """Values of one type that k of n holders hold, at least one."""

    rows: Ints  # which of the holders, (k,)
    type: Type
    name: str  # of the type, as a path has it; empty where it is not asked for
    addrs: Words  # where each value lies, (k,); 0: in a holder that lies nowhere
    data: Bytes | None = None  # (k, size): of values that lie in the holders themselves


class Contents(Protocol):
    """What n holders hold."""

    words: Words  # (n,) what stands for a value of an unknown type
    empty: Mask  # (n,) which hold nothing
    faults: Words  # (n,) where memory that tells the type could not be read; 0: it could

    def iter_shown(self) -> Iterator[Held]:
        """The values by the types to print them by. Those of unknown types are in none."""

    def iter_followed(self) -> Iterator[Held]:
        """The values by types of debug info, in which maps are recognised, named as paths have
        them. Those of unknown types are in none."""


class Holder(Protocol):
    """A type whose values are holders."""

    @property
    def size(self) -> int:
        """Bytes of a holder."""

    @property
    def access(self) -> Access:
        """How a path goes to what is held."""

    @property
    def nothing(self) -> str:
        """The text of a holder that holds nothing."""

    def open(self, target: Target, raw: Bytes, addrs: Words | None = None) -> Contents:
        """What n holders hold, from their bytes (n, size); `addrs` (n,): where they lie, if known.
        Never raises for what memory holds."""
