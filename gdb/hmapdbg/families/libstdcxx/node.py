"""The structs of libstdc++'s unordered containers, found in debug info: the table in the container,
and the node that holds an entry."""

from __future__ import annotations

from collections.abc import Iterator

from ...compat import dataclass
from ...geometry.nodes.layout import NodeLayout
from ...layout import Member, StructLayout, struct_layout
from ...target import Field, Kind, Type
from ...target.types import byte_array
from ..family import has_fields

TABLE_FIELDS = (
    "_M_buckets",
    "_M_bucket_count",
    "_M_before_begin",
    "_M_element_count",
    "_M_rehash_policy",
    "_M_single_bucket",
)
POLICY_FIELDS = ("_M_max_load_factor", "_M_next_resize")

# Arguments of std::_Hashtable, and of its last, std::__detail::_Hashtable_traits.
KEY, VALUE, HASH, TRAITS = 0, 1, 5, 9
CACHED, IS_SET, IS_UNIQUE = 0, 1, 2

MAX_ARGUMENTS = 16  # of an allocator
MAX_ALLOCATORS = 4  # in one another

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


def find_table(found: Type) -> tuple[int, Type] | None:
    """The table of a container, and its offset: the member _M_h of a container, or of a class made
    of one, or the table itself; None for any other type."""
    if found.kind is not Kind.STRUCT:
        return None
    if _is_table(found):
        return 0, found
    member = found.find("_M_h")
    if member is None or not _is_table(member.type):
        return None
    return member.offset, member.type


def _is_table(found: Type) -> bool:
    return has_fields(found, TABLE_FIELDS)


def node_types(table: Type, pointer_size: int) -> NodeTypes | None:
    """The nodes of a table; None if debug info lacks them."""
    node = _node_type(table)
    traits = table.argument(TRAITS)
    if node is None or not node.fields or not isinstance(traits, Type):
        return None
    is_set, is_unique = (bool(traits.argument(number)) for number in (IS_SET, IS_UNIQUE))
    link, code = node.find("_M_nxt"), node.find("_M_hash_code")
    storage = node.find("_M_storage") or node.find("_M_v")
    value = node.argument(0)
    if link is None or storage is None or not isinstance(value, Type):
        return None
    notes: list[str] = []
    room = storage.type.size
    if is_set:
        key = Field("key", storage.offset, _completed(value, room, notes))
        elem = Field("value", storage.offset + key.type.size, NOTHING)
    else:
        first, second = value.find("first"), value.find("second")
        if first is None or second is None or not 0 < second.offset < room:
            return None
        key_type = _completed(first.type, second.offset - first.offset, notes)
        elem_type = _completed(second.type, room - second.offset, notes)
        key = Field("first", storage.offset + first.offset, key_type)
        elem = Field("second", storage.offset + second.offset, elem_type)
    members = [
        Member("_M_nxt", link.offset, link.type.size, link.type, node.source),
        Member(key.name, key.offset, key.type.size, key.type, node.source),
    ]
    if not is_set:
        members.append(Member(elem.name, elem.offset, elem.type.size, elem.type, node.source))
    if code is not None:
        members.append(Member("_M_hash_code", code.offset, code.type.size, code.type, node.source))
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


def _node_type(table: Type) -> Type | None:
    """The node: what the base class _Hashtable_alloc<std::allocator<node>> allocates. By the types
    themselves: the spelling of names in debug info varies, and two files may have different types
    of one name."""
    value = table.argument(VALUE)
    for base in _iter_bases(table):
        if "_Hashtable_alloc<" in base.name:
            allocator = base.argument(0)
            if not isinstance(allocator, Type) or not isinstance(value, Type):
                return None
            return _allocated(allocator, value, MAX_ALLOCATORS)
    return None


def _allocated(allocator: Type, value: Type, depth: int) -> Type | None:
    """The node that an allocator is made for: an argument of its own, often not the first one, or
    of its base class; or of the allocator that it adapts (std::scoped_allocator_adaptor)."""
    # gcc writes down no template argument of std::allocator itself, and the debugger then looks for
    # one of that name, in any file: its base class has the argument.
    candidates = [*reversed(list(_iter_bases(allocator))), allocator]
    arguments = [one for candidate in candidates for one in _iter_arguments(candidate)]
    found = next((one for one in arguments if _holds(one, value)), None)
    if found is None and depth > 0:
        inner = (_allocated(one, value, depth - 1) for one in arguments)
        found = next((one for one in inner if one is not None), None)
    return found


def _iter_arguments(found: Type) -> Iterator[Type]:
    """The template arguments that are types."""
    for number in range(MAX_ARGUMENTS):
        argument = found.argument(number)
        if argument is None:
            return
        if isinstance(argument, Type):
            yield argument


def _holds(node: Type, value: Type) -> bool:
    """Whether a type is that of nodes which hold values of a type."""
    if node.find("_M_nxt") is None:
        return False
    held = node.argument(0)
    return isinstance(held, Type) and held.is_same(value)


def _iter_bases(found: Type) -> Iterator[Type]:
    for member in found.fields:
        if member.base:
            yield member.type
            yield from _iter_bases(member.type)


def _completed(found: Type, room: int, notes: list[str]) -> Type:
    """The type, or bytes if debug info only declares it."""
    if found.size or found.kind not in (Kind.STRUCT, Kind.UNION, Kind.OTHER):
        return found
    notes.append(
        f"no debug info for '{found.name}', shown as bytes: build with -g, with clang also "
        "-fstandalone-debug, or load the debug info of the library that has it"
    )
    return byte_array(room)


def policy_layout(table: StructLayout) -> StructLayout:
    """The known fields of the rehash policy; the standard one has all."""
    policy = table["_M_rehash_policy"].type
    return struct_layout(policy, (), POLICY_FIELDS)
