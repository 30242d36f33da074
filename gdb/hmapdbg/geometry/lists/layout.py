"""Offsets in cells and nodes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Ints
from ...compat import dataclass
from ..columns import Mask


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
class Seen:
    """Nodes of a walk, as they were read: the start of each."""

    buckets: Ints  # (n,)
    addrs: Addresses  # (n,)
    raw: NDArray[np.uint8]  # (n, size)
    ok: Mask  # (n,) which could be read
