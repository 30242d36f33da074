"""The standard containers of libc++, by field names."""

from __future__ import annotations

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Memory, Type
from ..cxx.containers import Container, Shape, container, joined
from ..elements import MAX_ELEMENTS, Access, Bytes, Places, Words
from .pairs import part

# <deque>, __deque_block_size.
BLOCK = 4096  # bytes of a block of a deque's
LARGE = 256  # bytes of an element of which a block has FEW
FEW = 16


@dataclass(frozen=True)
class Deque:
    """A std::deque: blocks of equal size, an array of pointers to them, the place of the first
    element and the number of all; see elements.Elements. Offsets in bytes from its start."""

    element: Type
    size: int  # of the part to read
    begin: int  # of the pointers to the blocks
    end: int
    start: int
    length: int

    noun = "deque"
    access = Access.INDEX

    def find(self, memory: Memory, _addrs: Words, raw: Bytes) -> Places:
        """See Elements."""
        width, size = memory.pointer_size, self.element.size
        each = BLOCK // size if size < LARGE else FEW
        columns = (self.begin, self.end, self.start, self.length)
        words = [memory.pointer_column(raw, at).tolist() for at in columns]
        parts = []
        cut = False
        for row, (begin, end, start, count) in enumerate(zip(*words)):
            blocks = (end - begin) // width
            if not (0 < blocks <= MAX_ELEMENTS and 0 < count and start + count <= blocks * each):
                continue
            cut |= count > MAX_ELEMENTS
            pointers, ok = memory.read_rows(begin, blocks, width)
            starts = memory.pointer_column(pointers)
            at = np.arange(start, start + min(count, MAX_ELEMENTS))
            found = starts[at // each] + (at % each * size).astype(np.uint64)
            there = ok[at // each]
            parts.append((found[there], np.full(int(there.sum()), row), (at - start)[there]))
        return joined(parts, cut)

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """See Elements."""
        places = self.find(memory, np.array([addr], np.uint64), raw)
        at = np.flatnonzero(places.numbers == number)
        return int(places.addrs[at[0]]) if len(at) else None


def recognise(found: Type) -> Container | Deque | None:
    """A struct as a container; None for any other type."""
    if found.kind is not Kind.STRUCT:
        return None
    tree = found.find("__tree_")
    if tree is not None:
        return _tree(tree)
    return _vector(found) or _deque(found) or _list(found) or _forward_list(found)


def _vector(found: Type) -> Container | None:
    begin, end = found.find("__begin_"), found.find("__end_")
    if begin is None or end is None or any(not _is_pointer(one.type) for one in (begin, end)):
        return None
    if found.find("__first_") is not None:  # a buffer of a deque's
        return None
    words = (begin.offset, end.offset)
    return container(Shape.VECTOR, begin.type.target, words, begin.type.size)


def _deque(found: Type) -> Deque | None:
    blocks, start, length = found.find("__map_"), found.find("__start_"), part(found, "__size_")
    element = found.argument(0)
    if blocks is None or start is None or length is None or not isinstance(element, Type):
        return None
    ends = [blocks.type.find(name) for name in ("__begin_", "__end_")]
    begin, end = ends
    if begin is None or end is None or not _is_pointer(begin.type) or element.size <= 0:
        return None
    at = blocks.offset
    places = (at + begin.offset, at + end.offset, start.offset, length.offset)
    return Deque(element, max(places) + begin.type.size, *places)


def _list(found: Type) -> Container | None:
    end, element = found.find("__end_"), found.argument(0)
    link = None if end is None else end.type.find("__next_")
    if end is None or link is None or not isinstance(element, Type) or not _is_pointer(link.type):
        return None
    width = link.type.size
    node = _node(part(found, "__node_alloc_", "__size_alloc_", half=1))
    value_at = 2 * width if node is None else node.offset
    at = end.offset + link.offset
    return container(Shape.LIST, element, (at,), width, value_at, link.offset)


def _forward_list(found: Type) -> Container | None:
    before, element = part(found, "__before_begin_"), found.argument(0)
    link = None if before is None else before.type.find("__next_")
    if before is None or link is None or not isinstance(element, Type):
        return None
    if not _is_pointer(link.type):
        return None
    width = link.type.size
    node = _node(part(found, "__alloc_", "__before_begin_", half=1))
    value_at = width if node is None else node.offset
    at = before.offset + link.offset
    return container(Shape.FORWARD, element, (at,), width, value_at, link.offset)


def _tree(member: Field) -> Container | None:
    """std::map, set, multimap and multiset."""
    tree = member.type
    end = part(tree, "__end_node_", "__pair1_")
    root = None if end is None else end.type.find("__left_")
    value = _node(part(tree, "__node_alloc_", "__pair1_", half=1))
    if end is None or root is None or value is None or not _is_pointer(root.type):
        return None
    pair = value.type.find("__cc") or value.type.find("__cc_")
    held = value if pair is None else Field("", value.offset + pair.offset, pair.type)
    at = member.offset + end.offset + root.offset
    return container(Shape.TREE, held.type, (at,), root.type.size, held.offset)


def _node(allocator: Field | None) -> Field | None:
    """The value in the nodes that an allocator makes."""
    node = None if allocator is None else allocator.type.argument(0)
    return node.find("__value_") if isinstance(node, Type) else None


def _is_pointer(found: Type) -> bool:
    return found.kind is Kind.POINTER and found.resolve is not None
