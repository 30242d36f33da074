"""The standard containers of C++ (libstdc++), by field names: where their
elements are.

Elements of all containers of a batch are found together: vectors by arithmetic, trees and lists a
generation of nodes at a time.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...target import Field, Kind, Memory, Type
from ..elements import MAX_ELEMENTS, Access, Ints, Places, Words, spread

MAX_GENERATIONS = 20_000  # nodes of a list, or levels of a tree
MAX_ARGUMENTS = 16  # of an allocator
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
        return _joined(parts, cut)

    def _find_in_list(self, memory: Memory, addrs: Words, words: list[Words]) -> Places:
        """The list's head node is in the container; it ends there."""
        width = memory.pointer_size
        heads = addrs + np.uint64(self.words[0])
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
            data, ok = memory.gather(nodes, width)
            rows, nodes = rows[ok], memory.pointer_column(data[ok])
        return _joined(parts, len(rows) > 0)

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
            links, ok = memory.gather(nodes + np.uint64(2 * width), 2 * width)
            below = [memory.pointer_column(links[ok], at) for at in (0, width)]
            rows, nodes = np.concatenate([rows[ok], rows[ok]]), np.concatenate(below)
        return _joined(parts, len(nodes[nodes != 0]) > 0)


def _joined(parts: list[tuple[Words, Ints, Ints]], cut: bool) -> Places:
    if not parts:
        none = np.zeros(0, np.int64)
        return Places(none.astype(np.uint64), none, none, cut)
    addrs, rows, numbers = (np.concatenate(column) for column in zip(*parts))
    return Places(addrs.astype(np.uint64), rows, numbers, cut)


def recognise(found: Type) -> Container | None:
    """A struct as a Container; None for any other type."""
    if found.kind is not Kind.STRUCT:
        return None
    tree = found.find("_M_t")
    if tree is not None:
        return _tree(tree)
    inner = found.find("_M_impl")
    if inner is None or inner.type.kind is not Kind.STRUCT:
        return None
    if inner.type.find("_M_header") is not None:
        return _tree(Field("", 0, found))
    return _sequence(found, inner)


def _tree(member: Field) -> Container | None:
    inner = member.type.find("_M_impl")
    header = inner.type.find("_M_header") if inner is not None else None
    parent = header.type.find("_M_parent") if header is not None else None
    element = member.type.argument(1)
    if inner is None or header is None or parent is None or not isinstance(element, Type):
        return None
    at = member.offset + inner.offset + header.offset + parent.offset
    width = parent.type.size
    return Container(Shape.TREE, element, at + width, (at,), _value_at(inner.type, 4 * width))


def _sequence(found: Type, inner: Field) -> Container | None:
    """std::vector, std::deque, std::list, std::forward_list."""
    start, finish = inner.type.find("_M_start"), inner.type.find("_M_finish")
    if start is not None and finish is not None:
        if start.type.kind is Kind.POINTER:
            words = (inner.offset + start.offset, inner.offset + finish.offset)
            return _of(Shape.VECTOR, start.type.target, words, start.type.size)
        places = [
            inner.offset + end.offset + member.offset
            for end in (start, finish)
            for member in (end.type.find(name) for name in ("_M_cur", "_M_first", "_M_node"))
            if member is not None
        ]
        cur = start.type.find("_M_cur")
        if len(places) != 6 or cur is None or cur.type.kind is not Kind.POINTER:
            return None
        return _of(Shape.DEQUE, cur.type.target, tuple(places), cur.type.size)
    shape = Shape.LIST
    node = inner.type.find("_M_node")
    if node is None:
        shape, node = Shape.FORWARD, inner.type.find("_M_head")
    link = node.type.find("_M_next") if node is not None else None
    element = found.argument(0)
    if node is None or link is None or not isinstance(element, Type):
        return None
    width = link.type.size
    value_at = _value_at(inner.type, width if shape is Shape.FORWARD else 2 * width)
    return _of(shape, element, (inner.offset + node.offset + link.offset,), width, value_at)


def _of(
    shape: Shape, element: Type, words: tuple[int, ...], width: int, value_at: int = 0
) -> Container | None:
    if element.size <= 0:
        return None
    return Container(shape, element, max(words) + width, words, value_at)


def _value_at(owner: Type, behind_links: int) -> int:
    """Where the element lies in the nodes that the allocator among the bases of a struct makes: not
    right behind the links, if it is aligned to more than a pointer."""
    for base in _iter_bases(owner):
        for number in range(MAX_ARGUMENTS):
            node = base.argument(number)
            if node is None:
                break
            value = node.find("_M_storage") if isinstance(node, Type) else None
            if value is not None and value.offset >= behind_links:
                return value.offset
    return behind_links


def _iter_bases(found: Type) -> Iterator[Type]:
    """The bases of a struct, those of a base before it: gcc writes down no template argument of
    std::allocator itself, and the debugger then looks for one of that name, in any file."""
    for member in found.fields:
        if member.base:
            yield from _iter_bases(member.type)
            yield member.type
