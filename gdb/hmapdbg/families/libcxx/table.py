"""The structs of libc++'s unordered containers, found in debug info: the table in the container,
and the node that holds an entry.

    to 19    __bucket_list_, and the pairs __p1_ (head of the list, allocator of nodes), __p2_
             (size, hash) and __p3_ (maximum load, equality)
    from 20  __bucket_list_, __first_node_, __size_, __max_load_factor_ and others

An entry's pair is a member of its own, __cc or __cc_, of the value in a node, or the value itself.
"""

from __future__ import annotations

import re

from ...compat import dataclass
from ...languages.libcxx.pairs import part
from ...layout import Member, StructLayout
from ...target import Field, Kind, Type
from .. import node_lists
from ..family import has_fields
from ..node_lists import NodeTypes

HEADERS = (
    ("__bucket_list_", "__p1_", "__p2_", "__p3_"),
    ("__bucket_list_", "__first_node_", "__size_", "__max_load_factor_"),
)

# Arguments of std::__hash_table, and of the hash of a map's table, __unordered_map_hasher.
VALUE, HASHER, MAP_HASH = 0, 1, 2

_OF_MAP = re.compile(r"\b__hash_value_type<|\b__unordered_map_hasher<")
_CONTAINER = re.compile(r"\bunordered_(multi)?(map|set)\Z")


@dataclass(frozen=True)
class Table:
    """A table's members in use, with offsets from its start."""

    struct: StructLayout  # as it is shown, and as it is read
    cells: Member
    count: Member  # of the cells
    head: Member  # the list's first link
    size: Member
    max_load: Member


def find_table(found: Type) -> tuple[int, Type] | None:
    """The table of a container, and its offset: the member __table_ of a container, or of a class
    made of one, or the table itself; None for any other type."""
    if found.kind is not Kind.STRUCT:
        return None
    if _is_table(found):
        return 0, found
    member = found.find("__table_")
    if member is None or not _is_table(member.type):
        return None
    return member.offset, member.type


def _is_table(found: Type) -> bool:
    return any(has_fields(found, names) for names in HEADERS)


def container_name(found: Type) -> str:
    """The container that a type is, or is derived from, as "unordered_map"; empty for a table. By
    the name of the table's type there, since the container's own may be that of a typedef."""
    member = found.find("__table_")
    name = None if member is None else _CONTAINER.search(member.type.name.partition("<")[0])
    return "" if name is None else name[0]


def table_of(table: Type, pointer_size: int) -> Table | None:
    """Where a table's members are; None if debug info does not say, or its pointers are no plain
    ones."""
    list_, head = table.find("__bucket_list_"), part(table, "__first_node_", "__p1_")
    size = part(table, "__size_", "__p2_")
    max_load = part(table, "__max_load_factor_", "__p3_")
    if list_ is None or head is None or size is None or max_load is None:
        return None
    cells, deleter = part(list_.type, "__ptr_"), part(list_.type, "__deleter_", "__ptr_", half=1)
    link = head.type.find("__next_")
    if cells is None or deleter is None or link is None:
        return None
    count = part(deleter.type, "__size_", "__data_")
    if count is None or any(one.type.kind is not Kind.POINTER for one in (cells, link)):
        return None
    at = list_.offset
    fields = (
        Field("__bucket_list_.__ptr_", at + cells.offset, cells.type),
        Field("__bucket_list_.__size_", at + deleter.offset + count.offset, count.type),
        Field(f"{head.name}.__next_", head.offset + link.offset, link.type),
        Field(size.name, size.offset, size.type),
        Field(max_load.name, max_load.offset, max_load.type),
    )
    members = tuple(Member(f.name, f.offset, f.type.size, f.type, table.source) for f in fields)
    if any(not 0 <= one.offset <= table.size - one.size for one in members):
        return None
    if any(one.size != pointer_size for one in members[:4]) or max_load.type.size != 4:
        return None
    return Table(StructLayout("std::__hash_table", table.size, members), *members)


def node_types(table: Type, container: str, pointer_size: int) -> NodeTypes | None:
    """The nodes of a table; None if debug info lacks them."""
    head = part(table, "__first_node_", "__p1_")
    pointer = None if head is None else head.type.argument(0)
    if not isinstance(pointer, Type) or pointer.kind is not Kind.POINTER or not pointer.resolve:
        return None
    node = pointer.target
    link, code, value = (node.find(name) for name in ("__next_", "__hash_", "__value_"))
    if link is None or code is None or value is None:
        return None
    is_set, held = not is_map(table), value
    pair = value.type.find("__cc") or value.type.find("__cc_")
    named = table.argument(VALUE)  # the key of a set, as its users know it
    if not is_set and pair is not None:
        held = Field("", value.offset + pair.offset, pair.type)
    elif is_set and isinstance(named, Type) and named.size == value.type.size:
        held = Field("", value.offset, named)
    notes: list[str] = []
    entry = node_lists.entry_fields(held, node.size - held.offset, is_set, notes)
    if entry is None:
        return None
    return node_lists.node_types(
        node,
        link,
        entry,
        code,
        is_set=is_set,
        is_unique=bool(container) and "multi" not in container,
        notes=notes,
        pointer_size=pointer_size,
    )


def is_map(table: Type) -> bool:
    """Whether a table has pairs of key and elem, and not keys that may be pairs."""
    arguments = (table.argument(number) for number in (VALUE, HASHER))
    return any(isinstance(one, Type) and _OF_MAP.search(one.name) for one in arguments)


def hash_of(table: Type) -> object:
    """The type of the hash function of a table's keys; None if it is not known."""
    hasher = table.argument(HASHER)
    if isinstance(hasher, Type) and is_map(table):
        return hasher.argument(MAP_HASH)
    return hasher
