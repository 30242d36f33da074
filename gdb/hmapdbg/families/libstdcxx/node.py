"""The structs of libstdc++'s unordered containers, found in debug info: the table in the container,
and the node that holds an entry."""

from __future__ import annotations

from collections.abc import Iterator

from ...layout import StructLayout, struct_layout
from ...target import Field, Kind, Type
from .. import node_lists
from ..family import has_fields
from ..node_lists import NodeTypes

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
    held = Field("", storage.offset, value)
    entry = node_lists.entry_fields(held, storage.type.size, is_set, notes)
    if entry is None:
        return None
    return node_lists.node_types(
        node,
        link,
        entry,
        code,
        is_set=is_set,
        is_unique=is_unique,
        notes=notes,
        pointer_size=pointer_size,
    )


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


def policy_layout(table: StructLayout) -> StructLayout:
    """The known fields of the rehash policy; the standard one has all."""
    policy = table["_M_rehash_policy"].type
    return struct_layout(policy, (), POLICY_FIELDS)
