"""Whether bytes can be values of a Go type: booleans are 0 or 1, pointers point to memory, lengths
of strings and slices are possible; and, looked at more closely, what pointers lead to can be there.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...target import Kind, Target, Type
from ..holders import Bytes
from .extents import Extents
from .slices import FIELDS as SLICE
from .slices import MAX_LENGTH
from .strings import FIELDS as STRING

BOOLEAN, POINTER, FUNCTION, COUNTED, ARRAY = "boolean", "pointer", "function", "counted", "array"
MAX_LEAVES = 1000  # of a type; further ones are not looked at
MAX_FOLLOWED = 64  # pointers of a part, of which it is seen where they lead


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part of a type whose bytes cannot be just any."""

    offset: int
    what: str
    count: int = 0  # elements of an array
    size: int = 0  # of each of them, or of what a pointer leads to; 0: unknown
    has_pointers: bool = False  # what a pointer leads to
    inner: tuple[Leaf, ...] = ()  # of each element, or of what a pointer leads to


Shape = tuple[Leaf, ...]  # types of one shape cannot be distinguished by their values


def shape_of(found: Type, depth: int = 0) -> Shape:
    """The parts of a type that `fits` looks at; pointers are followed `depth` times."""
    leaves: list[Leaf] = []
    for leaf in _iter_leaves(found, 0, depth):
        if len(leaves) == MAX_LEAVES:
            break
        leaves.append(leaf)
    return tuple(leaves)


def fits(target: Target, shape: Shape, raw: Bytes) -> bool:
    """Whether n values (n, size) can all be of a type of that shape."""
    return all(_fits(target, leaf, raw) for leaf in shape)


# ---- shapes


def _iter_leaves(found: Type, at: int, depth: int) -> Iterator[Leaf]:
    if found.kind is Kind.BOOLEAN:
        yield Leaf(at, BOOLEAN)
    elif found.kind is Kind.POINTER:
        yield _pointer(found, at, depth)
    elif found.kind is Kind.ARRAY:
        size = found.target.size if found.count else 0
        inner = shape_of(found.target, depth) if size else ()
        if inner:
            yield Leaf(at, ARRAY, found.count, size, inner=inner)
    elif tuple(one.name for one in found.fields) in (STRING, SLICE):
        array = found.fields[0].type
        yield Leaf(at, COUNTED, size=array.size, inner=shape_of(array, depth))
    else:
        for one in found.fields:
            if one.type.size:
                yield from _iter_leaves(one.type, at + one.offset, depth)


def _pointer(found: Type, at: int, depth: int) -> Leaf:
    if found.name.startswith("func("):
        return Leaf(at, FUNCTION if depth else POINTER)
    if not depth or found.resolve is None or not found.target.size:
        return Leaf(at, POINTER)
    pointee = found.target
    inner = shape_of(pointee, depth - 1)
    return Leaf(at, POINTER, 1, pointee.size, _has_pointers(inner), inner)


def _has_pointers(shape: Shape) -> bool:
    return any(
        one.what in (POINTER, FUNCTION, COUNTED) or one.what == ARRAY and _has_pointers(one.inner)
        for one in shape
    )


# ---- values


def _fits(target: Target, leaf: Leaf, raw: Bytes) -> bool:
    at, width = leaf.offset, target.pointer_size
    if leaf.what == BOOLEAN:
        return bool((raw[:, at] <= 1).all())
    if leaf.what == ARRAY:
        rows = np.ascontiguousarray(raw[:, at : at + leaf.count * leaf.size])
        return fits(target, leaf.inner, rows.reshape(-1, leaf.size))
    if leaf.what == COUNTED:
        sizes = target.integer_column(raw, at + width, width, signed=True)
        if ((sizes < 0) | (sizes > MAX_LENGTH)).any():
            return False
        return fits(target, leaf.inner, raw[sizes > 0][:, at : at + width])
    words = target.pointer_column(raw, at)
    words = words[words != 0]
    extents = target.kept(Extents)
    if not extents.are_mapped(target, words):
        return False
    if leaf.what == FUNCTION:
        return extents.are_code(_words_at(target, np.unique(words)[:MAX_FOLLOWED]))
    if not leaf.size or not len(words):
        return True
    return extents.can_hold(words, leaf.size, leaf.has_pointers) and _leads_to(target, leaf, words)


def _leads_to(target: Target, leaf: Leaf, words: NDArray[np.uint64]) -> bool:
    """Whether what is at the addresses can be what a pointer leads to."""
    if not leaf.inner:
        return True
    data, ok = target.gather(np.unique(words)[:MAX_FOLLOWED], leaf.size)
    return bool(ok.all()) and fits(target, leaf.inner, data)


def _words_at(target: Target, addrs: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The words at addresses, 0 where there is none."""
    rows, ok = target.gather(addrs, target.pointer_size)
    return np.where(ok, target.pointer_column(rows), np.uint64(0))
