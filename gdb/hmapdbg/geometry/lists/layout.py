"""Offsets in cells and nodes, and what leads from one to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Column, Ints
from ...compat import dataclass
from ...header import Array
from ...target import Memory
from ..columns import Mask, Raw

# Which links end a list, from links (n,) and the addresses of the cells of their lists (n,).
Ends = Callable[[Addresses, Addresses], Mask]


class Links(Protocol):
    """What leads from cells to nodes, and from node to node; 0 ends a list."""

    def heads(self, memory: Memory, raw: Raw, cells: Addresses) -> Addresses:
        """The links of n cells (n, stride), which lie at `cells` (n,)."""

    def following(
        self, memory: Memory, starts: Addresses, cells: Addresses
    ) -> tuple[Addresses, Mask]:
        """The links behind nodes, by where they start (n,), and which could be read; `cells` (n,):
        those of their lists."""


class Values(Protocol):
    """The keys, or the elems, of nodes."""

    def column(self, memory: Memory, addrs: Addresses, raw: Raw, ok: Mask) -> Column:
        """Those of nodes that start at `addrs` (n,), as they were read (n, size)."""

    def addresses(self, addrs: Addresses) -> Addresses:
        """Where they are (n,)."""


@dataclass(frozen=True)
class Pointers:
    """A link is a pointer, at an offset in a cell or node, and 0 or what `ends` says ends a
    list."""

    head: int
    link: int
    ends: Ends | None = None

    def heads(self, memory: Memory, raw: Raw, cells: Addresses) -> Addresses:
        """See Links."""
        return self._ended(memory.pointer_column(raw, self.head), cells)

    def following(
        self, memory: Memory, starts: Addresses, cells: Addresses
    ) -> tuple[Addresses, Mask]:
        """See Links."""
        raw, ok = memory.gather(starts + np.uint64(self.link), memory.pointer_size)
        return self._ended(memory.pointer_column(raw), cells), ok

    def _ended(self, links: Addresses, cells: Addresses) -> Addresses:
        return links if self.ends is None else np.where(self.ends(links, cells), 0, links)


@dataclass(frozen=True)
class ListLayout:
    """Where things are, in bytes. A link leads to the place in a node `lead` bytes behind its
    start; the next one lies `link` bytes behind its start."""

    stride: int  # from one cell to the next
    head: int  # of the link to the first node, in a cell
    size: int  # of a node
    lead: int
    link: int
    key: int
    key_size: int
    elem: int
    elem_size: int
    code: int  # of the stored hash code; -1: none
    code_size: int
    align: int  # of a node's address
    links: Links | None = None  # where they are not just pointers that end with NULL
    keys: Values | None = None  # where they are not just bytes of a node
    elems: Values | None = None
    # Which links (n,) lead to no node, but are themselves the key of the last entry of their list,
    # and that key; None: none is.
    direct: Callable[[Addresses], tuple[Mask, Addresses]] | None = None
    inside: Inside | None = None  # the key, if it is text in the node: the key is its address


@dataclass(frozen=True)
class Inside:
    """Text in a node: it begins `buffer` bytes behind the node's start, and as many more as the
    byte at `skip` tells."""

    skip: int
    buffer: int

    def addresses(self, starts: Addresses, raw: NDArray[np.uint8]) -> Addresses:
        """Where the text of nodes (n, size) begins."""
        found: Addresses = starts + np.uint64(self.buffer) + raw[:, self.skip].astype(np.uint64)
        return found


@dataclass(frozen=True)
class Segments:
    """An array that is not in one piece: where its segments are, of `size` cells each."""

    addresses: Addresses  # (n,)
    size: int

    def cells(self, buckets: Ints, stride: int) -> Addresses:
        """Where cells are (n,), of `stride` bytes each; 0: in a segment that is missing."""
        starts = self.addresses[buckets // self.size]
        places = starts + (buckets % self.size * stride).astype(np.uint64)
        return np.where(starts != 0, places, np.uint64(0))


@dataclass(frozen=True)
class Seen:
    """Nodes of a walk, as they were read: the start of each."""

    array: Array
    buckets: Ints  # (n,)
    addrs: Addresses  # (n,)
    raw: NDArray[np.uint8]  # (n, size)
    ok: Mask  # (n,) which could be read
