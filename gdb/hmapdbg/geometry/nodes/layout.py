"""Offsets in a node."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Ints
from ...compat import dataclass
from ..columns import Mask


@dataclass(frozen=True)
class NodeLayout:
    """Offsets and sizes in a node, in bytes."""

    size: int
    link: int
    key: int
    key_size: int
    elem: int
    elem_size: int
    code: int  # of the cached hash code; -1: not cached
    code_size: int
    align: int  # of a node's address


@dataclass(frozen=True)
class Seen:
    """Nodes of a walk, as they were read."""

    buckets: Ints  # (n,) the bucket of each
    addrs: Addresses  # (n,)
    raw: NDArray[np.uint8]  # (n, size)
    ok: Mask  # (n,) which could be read
