"""Types that hold a value of a type known only at run time, such as interfaces."""

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
    """Values of one type in k of n holders, at least one."""

    rows: Ints  # which of the holders, (k,)
    type: Type
    name: str  # of the type, as in paths; empty if it is not needed
    addrs: Words  # of each value, (k,); 0: in a holder without an address
    data: Bytes | None = None  # (k, size): if the holders contain the values themselves


class Contents(Protocol):
    """The contents of n holders."""

    words: Words  # (n,) shown for a value of an unknown type
    empty: Mask  # (n,) which hold nothing
    faults: Words  # (n,) address of an unreadable type; 0: it could be read

    def iter_shown(self) -> Iterator[Held]:
        """The values with their types for printing, without those of unknown types."""

    def iter_followed(self) -> Iterator[Held]:
        """The values with their types of debug info, in which maps are recognised, named as in
        paths; without those of unknown types."""


@dataclass(frozen=True)
class Unknown:
    """What some holders hold is of a type that debug info does not have, though it should."""

    noun: str  # what the holders are
    rows: Mask  # (n,) which of them


class TellsUnknown:
    """Contents that tell of such holders."""

    unknown: Unknown


class Holder(Protocol):
    """A type whose values are holders."""

    @property
    def size(self) -> int:
        """Bytes of a holder."""

    @property
    def access(self) -> Access:
        """How a path leads to what is held."""

    @property
    def nothing(self) -> str:
        """The text of an empty holder."""

    def open(self, target: Target, raw: Bytes, addrs: Words | None = None) -> Contents:
        """The contents of n holders, from their bytes (n, size); `addrs` (n,): their addresses, if
        known. Never raises for what memory holds."""
