"""The standard containers of libstdc++, by field names."""

from __future__ import annotations

from collections.abc import Iterator

from ...target import Field, Kind, Type
from ..cxx.containers import Container, Shape, container

MAX_ARGUMENTS = 16  # of an allocator


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
    value_at = _value_at(inner.type, 4 * width)
    return Container(Shape.TREE, element, at + width, (at,), value_at, 2 * width)


def _sequence(found: Type, inner: Field) -> Container | None:
    """std::vector, std::deque, std::list, std::forward_list."""
    start, finish = inner.type.find("_M_start"), inner.type.find("_M_finish")
    if start is not None and finish is not None:
        if start.type.kind is Kind.POINTER:
            words = (inner.offset + start.offset, inner.offset + finish.offset)
            return container(Shape.VECTOR, start.type.target, words, start.type.size)
        places = [
            inner.offset + end.offset + member.offset
            for end in (start, finish)
            for member in (end.type.find(name) for name in ("_M_cur", "_M_first", "_M_node"))
            if member is not None
        ]
        cur = start.type.find("_M_cur")
        if len(places) != 6 or cur is None or cur.type.kind is not Kind.POINTER:
            return None
        return container(Shape.DEQUE, cur.type.target, tuple(places), cur.type.size)
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
    return container(shape, element, (inner.offset + node.offset + link.offset,), width, value_at)


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
