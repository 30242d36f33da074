"""BTreeMap: B-trees whose nodes have up to 11 keys and values each (alloc/src/collections/btree).

A node of the lowest level is a LeafNode, any other an InternalNode, which begins with a LeafNode
and goes on with the pointers to the nodes below it (both repr(C)).
"""

from __future__ import annotations

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Memory, Type
from ..elements import MAX_ELEMENTS, Access, Bytes, Ints, Places, Words
from .members import behind, unwrapped
from .names import full_name

MAX_HEIGHT = 24  # of a tree that fits in memory
CAPACITY = 11  # of a node


@dataclass(frozen=True)
class Tree:
    """A BTreeMap, as the container of its values; see elements.Elements."""

    element: Type
    size: int
    root: int  # offset of the pointer to the first node
    height: Field
    node: int  # bytes of a LeafNode
    values: Field  # in a node, as the others
    length: Field

    noun = "BTreeMap"
    access = Access.NUMBER

    def find(self, memory: Memory, _addrs: Words, raw: Bytes) -> Places:
        """See Elements; the nodes of a level at a time."""
        nodes = memory.pointer_column(raw, self.root)
        heights = memory.pointer_column(raw, self.height.offset)
        rows = np.flatnonzero((nodes != 0) & (heights <= MAX_HEIGHT))
        nodes, left = nodes[rows], heights[rows].astype(np.int64)
        found: list[tuple[Words, Ints]] = []
        total = 0
        while len(rows) and total <= MAX_ELEMENTS:
            data, ok = memory.gather(nodes, self.node)
            rows, nodes, left, data = rows[ok], nodes[ok], left[ok], data[ok]
            counts = memory.integer_column(data, self.length.offset, self.length.type.size)
            counts = np.minimum(counts.astype(np.int64), CAPACITY)
            which, number = _pairs(counts)
            places = nodes[which] + np.uint64(self.values.offset)
            found.append((places + (number * self.element.size).astype(np.uint64), rows[which]))
            total += len(which)
            inner = left > 0
            which, number = _pairs(counts[inner] + 1)
            edges = nodes[inner][which] + np.uint64(self.node)
            width = memory.pointer_size
            data, ok = memory.gather(edges + (number * width).astype(np.uint64), width)
            nodes = memory.pointer_column(data)
            there = ok & (nodes != 0)
            nodes, rows, left = (
                nodes[there],
                rows[inner][which][there],
                left[inner][which][there] - 1,
            )
        return _ordered(found, len(rows) > 0)

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """See Elements."""
        places = self.find(memory, np.array([addr], np.uint64), raw)
        return int(places.addrs[number]) if 0 <= number < len(places.addrs) else None


def _pairs(counts: Ints) -> tuple[Ints, Ints]:
    """Which of n things each of their parts belongs to, and its number there."""
    which = np.repeat(np.arange(len(counts)), counts)
    begins = np.cumsum(counts) - counts
    return which, np.arange(len(which)) - begins[which]


def _ordered(found: list[tuple[Words, Ints]], cut: bool) -> Places:
    """Elements by their containers, and numbered there in the order in which they were found."""
    if not found:
        return Places(np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.int64))
    addrs = np.concatenate([part for part, _ in found])
    rows = np.concatenate([part for _, part in found])
    order = np.argsort(rows, kind="stable")
    addrs, rows = addrs[order], rows[order]
    _, starts, counts = np.unique(rows, return_index=True, return_counts=True)
    numbers = np.arange(len(rows)) - np.repeat(starts, counts)
    return Places(addrs, rows, numbers, cut)


def recognise(found: Type) -> Tree | None:
    """A struct as a BTreeMap; None for any other type."""
    root, element = found.find("root"), found.argument(1)
    if root is None or not isinstance(element, Type) or "::BTreeMap<" not in full_name(found):
        return None
    variants = root.type.variants
    some = next((one for one in variants.members if one.name == "Some"), None) if variants else None
    first = None if some is None else behind(some.type, "__0", "node")
    height = None if some is None else behind(some.type, "__0", "height")
    pointer = None if first is None else unwrapped(first)
    if pointer is None or height is None or pointer.type.resolve is None:
        return None
    node = pointer.type.target
    values, length = node.find("vals"), node.find("len")
    if values is None or length is None or values.type.kind is not Kind.ARRAY:
        return None
    at = root.offset
    return Tree(
        element,
        found.size,
        at + pointer.offset,
        height.moved("", at),
        node.size,
        values,
        length,
    )
