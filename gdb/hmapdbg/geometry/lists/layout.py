"""Offsets in cells and nodes."""

from __future__ import annotations

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


@dataclass(frozen=True)
class Seen:
    """Nodes of a walk, as they were read: the start of each."""

    buckets: Ints  # (n,)
    addrs: Addresses  # (n,)
    raw: NDArray[np.uint8]  # (n, size)
    ok: Mask  # (n,) which could be read
