"""The standard containers of C++ by their shapes in memory, which its libraries share: where their
elements are. The libraries' own modules know the names of the fields.

Elements of all containers of a batch are found together: vectors by arithmetic, trees and lists a
generation of nodes at a time.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...target import Memory, Type
from ..elements import MAX_ELEMENTS, Access, Ints, Places, Words, spread

MAX_GENERATIONS = 20_000  # nodes of a list, or levels of a tree
DEQUE_BUFFER = 512  # bytes (bits/stl_deque.h _GLIBCXX_DEQUE_BUF_SIZE)


class Shape(enum.Enum):
    """How a container stores its elements."""

    VECTOR = "vector"
    DEQUE = "deque"
    LIST = "list"
    FORWARD = "forward_list"
    TREE = "tree"


@dataclass(frozen=True)
class Container:
    """A container, for finding its elements; offsets in bytes from its start."""

    shape: Shape
    element: Type
    size: int  # of the part to read
    words: tuple[int, ...]  # offsets of the pointers to the elements
    value_at: int = 0  # of nodes: offset of the element
    link_at: int = 0  # ... of the link to the next node, or to the left one below

    @property
    def noun(self) -> str:
        """See Elements."""
        return self.shape.value

    @property
    def access(self) -> Access:
        """See Elements."""
        return Access.NUMBER if self.shape is Shape.TREE else Access.INDEX

    def find(self, memory: Memory, addrs: Words, raw: NDArray[np.uint8]) -> Places:
        """See Elements."""
        words = [memory.pointer_column(raw, at) for at in self.words]
        finders: dict[Shape, Callable[[Memory, Words, list[Words]], Places]] = {
            Shape.VECTOR: self._find_in_vector,
            Shape.DEQUE: self._find_in_deque,
            Shape.LIST: self._find_in_list,
            Shape.FORWARD: self._find_in_list,
            Shape.TREE: self._find_in_tree,
        }
        return finders[self.shape](memory, addrs, words)

    def locate(self, memory: Memory, addr: int, raw: NDArray[np.uint8], number: int) -> int | None:
        """See Elements."""
        places = self.find(memory, np.array([addr], np.uint64), raw)
        at = np.flatnonzero(places.numbers == number)
        return int(places.addrs[at[0]]) if len(at) else None

    def _find_in_vector(self, _memory: Memory, _addrs: Words, words: list[Words]) -> Places:
        start, finish = words
        sane = (
            (start > 0) & (finish > start) & ((finish - start) % np.uint64(self.element.size) == 0)
        )
        counts = np.where(sane, (finish - start) // np.uint64(self.element.size), 0)
        return spread(start, counts.astype(np.int64), self.element.size)

    def _find_in_deque(self, memory: Memory, _addrs: Words, words: list[Words]) -> Places:
        """Buffers of equal size, with an array of pointers to them."""
        width, size = memory.pointer_size, self.element.size
        each = max(DEQUE_BUFFER // size, 1)
        parts = []
        cut = False
        for row, (cur, first, node, last_cur, last_first, last_node) in enumerate(zip(*words)):
            before = (int(cur) - int(first)) // size
            buffers = (int(last_node) - int(node)) // width
            count = buffers * each + (int(last_cur) - int(last_first)) // size - before
            if not (0 < count and 0 <= buffers <= MAX_ELEMENTS and 0 <= before < each):
                continue
            cut |= count > MAX_ELEMENTS
            rows, ok = memory.read_rows(int(node), buffers + 1, width)
            starts = memory.pointer_column(rows)
            at = np.arange(before, before + min(count, MAX_ELEMENTS))
            found = starts[at // each] + (at % each * size).astype(np.uint64)
            there = ok[at // each]
            parts.append((found[there], np.full(int(there.sum()), row), (at - before)[there]))
        return joined(parts, cut)

    def _find_in_list(self, memory: Memory, addrs: Words, words: list[Words]) -> Places:
        """The list's head node is in the container; it ends there."""
        width, link = memory.pointer_size, np.uint64(self.link_at)
        heads = addrs + np.uint64(self.words[0]) - link
        rows, nodes = np.arange(len(addrs)), words[0]
        parts, total = [], 0
        for number in range(MAX_GENERATIONS):
            going = (nodes != 0) & (nodes != heads[rows])
            rows, nodes = rows[going], nodes[going]
            if len(rows) == 0 or total > MAX_ELEMENTS:
                break
            total += len(rows)
            found = nodes + np.uint64(self.value_at)
            parts.append((found, rows, np.full(len(rows), number)))
            data, ok = memory.gather(nodes + link, width)
            rows, nodes = rows[ok], memory.pointer_column(data[ok])
        return joined(parts, len(rows) > 0)

    def _find_in_tree(self, memory: Memory, _addrs: Words, words: list[Words]) -> Places:
        """From the root down, a level at a time; elements are numbered as they are found."""
        width = memory.pointer_size
        rows, nodes = np.arange(len(words[0])), words[0]
        numbers = np.zeros(len(nodes), np.int64)
        parts, total, levels = [], 0, 0
        while len(nodes) and levels < 128 and total < MAX_ELEMENTS:
            going = nodes != 0
            rows, nodes = rows[going], nodes[going]
            order = np.argsort(rows, kind="stable")
            rows, nodes = rows[order], nodes[order]
            first = np.searchsorted(rows, rows)
            own = numbers[rows] + np.arange(len(rows)) - first
            numbers += np.bincount(rows, minlength=len(numbers))
            parts.append((nodes + np.uint64(self.value_at), rows, own))
            total, levels = total + len(rows), levels + 1
            links, ok = memory.gather(nodes + np.uint64(self.link_at), 2 * width)
            below = [memory.pointer_column(links[ok], at) for at in (0, width)]
            rows, nodes = np.concatenate([rows[ok], rows[ok]]), np.concatenate(below)
        return joined(parts, len(nodes[nodes != 0]) > 0)


def joined(parts: list[tuple[Words, Ints, Ints]], cut: bool) -> Places:
    """Elements found in parts: their addresses, containers and numbers."""
    if not parts:
        none = np.zeros(0, np.int64)
        return Places(none.astype(np.uint64), none, none, cut)
    addrs, rows, numbers = (np.concatenate(column) for column in zip(*parts))
    return Places(addrs.astype(np.uint64), rows, numbers, cut)


def container(
    shape: Shape,
    element: Type,
    words: tuple[int, ...],
    width: int,
    value_at: int = 0,
    link_at: int = 0,
) -> Container | None:
    """Such a container, with pointers of `width` bytes; None if its elements have no size."""
    if element.size <= 0:
        return None
    return Container(shape, element, max(words) + width, words, value_at, link_at)
