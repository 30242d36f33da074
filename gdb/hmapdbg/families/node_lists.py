"""What the maps of C++'s libraries have in common whose entries are nodes on one list: the types in
a node, the bytes that nodes and cells take, names as people write them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

from ..compat import dataclass
from ..geometry.nodes.layout import NodeLayout
from ..geometry.nodes.shape import NodeLists
from ..header import Array
from ..languages import short_name
from ..layout import Member, StructLayout
from ..target import Field, Kind, MemoryFault, Target, TargetError, Type, Unreadable
from ..target.types import byte_array
from .malloc import Allocation, Malloc, find_malloc
from .reading import WILD, cannot_read

NODES_FOR_MALLOC = 2  # that are looked at to know the allocator

NOTHING = Type(Kind.OTHER, "", 0)  # the elem of a set


@dataclass(frozen=True)
class NodeTypes:
    """What debug info says of a container's nodes."""

    layout: NodeLayout
    struct: StructLayout  # as it is shown
    key: Type
    elem: Type
    is_set: bool
    is_unique: bool
    notes: tuple[str, ...]


def entry_fields(value: Field, room: int, is_set: bool, notes: list[str]) -> list[Field] | None:
    """The key and the elem in a node, from the value that it holds, a std::pair or the key of a
    set, which has `room` bytes; notes of what debug info lacks are added. None: it is no pair."""
    if is_set:
        key = completed(value.type, room, notes)
        return [Field("key", value.offset, key), Field("value", value.offset + key.size, NOTHING)]
    first, second = value.type.find("first"), value.type.find("second")
    if first is None or second is None or not 0 < second.offset < room:
        return None
    kept = [
        completed(first.type, second.offset - first.offset, notes),
        completed(second.type, room - second.offset, notes),
    ]
    return [
        Field(one.name, value.offset + one.offset, found)
        for one, found in zip((first, second), kept)
    ]


def node_types(
    node: Type,
    link: Field,
    entry: Sequence[Field],
    code: Field | None,
    *,
    is_set: bool,
    is_unique: bool,
    notes: Sequence[str],
    pointer_size: int,
) -> NodeTypes | None:
    """The nodes of a table, from their members: the link, key and elem, and the hash code where it
    is stored; None if these cannot be."""
    key, elem = entry
    shown = [link, key] if is_set else [link, key, elem]
    shown += [] if code is None else [code]
    members = [Member(one.name, one.offset, one.type.size, one.type, node.source) for one in shown]
    for member in members:
        if member.offset < 0 or member.offset + member.size > node.size:
            return None
    if link.type.size != pointer_size or code is not None and code.type.size != pointer_size:
        return None
    layout = NodeLayout(
        size=node.size,
        link=link.offset,
        key=key.offset,
        key_size=key.type.size,
        elem=elem.offset,
        elem_size=elem.type.size,
        code=-1 if code is None else code.offset,
        code_size=0 if code is None else code.type.size,
        align=pointer_size,
    )
    struct = StructLayout(node.name, node.size, tuple(members))
    return NodeTypes(layout, struct, key.type, elem.type, is_set, is_unique, tuple(notes))


def completed(found: Type, room: int, notes: list[str]) -> Type:
    """The type, or bytes if debug info only declares it."""
    if found.size or found.kind not in (Kind.STRUCT, Kind.UNION, Kind.OTHER):
        return found
    notes.append(
        f"no debug info for '{found.name}', shown as bytes: build with -g, with clang also "
        "-fstandalone-debug, or load the debug info of the library that has it"
    )
    return byte_array(room)


# ---- cells ---------------------------------------------------------------------------------------


def check_cells(target: Target, expression: str, address: int, count: int) -> None:
    """TargetError if there cannot be `count` cells, at least one, at an address."""
    width = target.pointer_size
    limit = (target.address_limit - address) // width
    if not address or address % width or not 0 < count <= limit:
        raise TargetError(
            f"'{expression}' is not a valid map: {count:,} buckets at 0x{address:x}; the "
            "pointer is wild, or the map is not initialised yet, or was destroyed"
        )
    if target.is_readable(address, width):
        return
    if target.gap_at(address) is not None:
        raise cannot_read(target, "the buckets", expression, address)
    raise Unreadable(
        f"'{expression}' is not a valid map: its buckets at 0x{address:x} cannot be read; {WILD}",
        address,
    )


# ---- bytes ---------------------------------------------------------------------------------------


def rounded(
    target: Target, array: Array, first_node: int, layout: NodeLayout
) -> tuple[Array, Malloc | None, bool | None]:
    """The array with the size that the allocator has given it; the allocator, if it is known; and
    whether it is (None: nothing is allocated)."""
    blocks = _allocations(target, array, first_node, layout)
    found = find_malloc(target, blocks)
    if found is None:
        return array, None, False if blocks else None
    malloc, sizes = found
    return (replace(array, size=sizes[0]) if array.size else array), malloc, True


def _allocations(
    target: Target, array: Array, first_node: int, layout: NodeLayout
) -> list[Allocation]:
    """Blocks by which the allocator is known: the array, unless it is in the container, and the
    first nodes of the list."""
    blocks = [Allocation(array.address, array.size)] if array.size else []
    node = first_node
    for _ in range(NODES_FOR_MALLOC):
        if not node:
            break
        blocks.append(Allocation(node, layout.size))
        try:
            node = target.read_uint(node + layout.link)
        except MemoryFault:
            break
    return blocks


@functools.lru_cache(64)
def geometry_of(pointer_size: int, max_load: float, malloc: Malloc | None) -> NodeLists:
    """The geometry of maps of that maximum load."""
    if malloc is None:
        return NodeLists(1, pointer_size, max_load)
    return NodeLists(1, pointer_size, max_load, block=malloc.size)


def taken(size: int, malloc: Malloc | None) -> int:
    """The bytes that a block takes, or its own size where the allocator is unknown."""
    return size if malloc is None else malloc.size(size)


# ---- names ---------------------------------------------------------------------------------------


def shortened(found: Type) -> Type:
    """The type under its short name; without the const of an entry's key."""
    name = short_name(found.name)
    for prefix, suffix in (("const ", ""), ("", " const")):
        if "*" not in name and name.startswith(prefix) and name.endswith(suffix):
            name = name[len(prefix) : len(name) - len(suffix)]
    return found.renamed(name)


def short_layout(layout: StructLayout) -> StructLayout:
    """The layout with names as people write them."""
    members = tuple(
        Member(
            one.name, one.offset, one.size, one.type.renamed(short_name(one.type.name)), one.source
        )
        for one in layout.members
    )
    return StructLayout(short_name(layout.name), layout.size, members)
