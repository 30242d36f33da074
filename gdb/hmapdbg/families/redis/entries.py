"""What a dict's type tells: how entries are stored, and, by the names of its functions, what keys
and values are.

    dictEntry          {key, v, next}
    dictEntryNoValue   {key, next}                 of sets, since 7.2
    dictEntryEmbedded  {v, next, ..., text}        of Valkey 8.0, tag 4
    the key itself     tags in the link to it      of sets, where it is the only one of a bucket

The tags of a set's entries: up to 7.4 and of Valkey 1 a key, 2 an entry; from 8.0 on 1 an odd key,
2 an even one, 4 an entry.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...block import Addresses
from ...compat import dataclass
from ...geometry.columns import Mask
from ...geometry.lists.layout import Inside, ListLayout
from ...languages.redis.sds import CHAR, sds_type
from ...layout import StructLayout, struct_layout
from ...target import Kind, MemoryFault, Target, TargetError, Type
from ...target.types import pointer_to
from ..reading import cannot_read, read_bit
from ..retyped import Reading
from .tables import Tables, is_dict

# Fields of a dictType, and what their functions are for.
FUNCTIONS = {
    "hashFunction": "hash",
    "keyCompare": "equal",
    "keyDestructor": "frees keys",
    "valDestructor": "frees elems",
}
OF_8 = "force_full_rehash"  # a flag of the types of Redis 8
ODD, EVEN = 1, 2  # tags of keys
NO_VALUE, NO_VALUE_OF_8, EMBEDDED = 2, 4, 4  # tags of entries
TAGS = 7
NOTHING = Type(Kind.OTHER, "", 0)  # the elem of a set
# What functions of Redis take, by a part of their names.
OBJECTS = ("robj", "struct redisObject", "struct serverObject")


@dataclass(frozen=True)
class Entries:
    """How those of a dict are stored, and what they are. `key`, `elem`: how their pointers are
    read; None: as pointers. `is_set`: they have no values; `some_direct`: and a key that is alone
    in its bucket has no node. `exact`: whether equal keys are those with equal text."""

    layout: ListLayout
    struct: StructLayout
    key_type: Type
    elem_type: Type
    key: Reading | None
    elem: Reading | None
    is_set: bool
    some_direct: bool
    exact: bool
    functions: tuple[tuple[str, str], ...]  # what for, and the name


def entries_of(target: Target, tables: Tables, expression: str) -> Entries:
    """How the entries of a dict are stored. TargetError."""
    kind = tables.layout["type"].type.target
    functions, flags = _read_type(target, kind, tables.type, expression)
    is_set, is_embedded = flags.get("no_value", False), flags.get("embedded_entry", False)
    found = _struct(target, tables, is_set, is_embedded)
    names = ("next",) if is_embedded else ("key", "next")
    names = names if is_set else (*names, "v")
    struct = struct_layout(found, names, ("key_header_size", "key_buf"))
    word = target.pointer_size
    any_pointer = pointer_to(Type(Kind.OTHER, "void", 1), word)
    is_8 = kind.find(OF_8) is not None
    tag = EMBEDDED if is_embedded else 0
    direct: Callable[[Addresses], tuple[Mask, Addresses]] | None = None
    if is_set:
        tag, direct = (NO_VALUE_OF_8, _direct_of_8) if is_8 else (NO_VALUE, _direct)
    inside = None
    if is_embedded:
        inside = Inside(struct["key_header_size"].offset, struct["key_buf"].offset)
    layout = ListLayout(
        stride=word,
        head=0,
        # Metadata may follow, which is none of ours.
        size=max(member.offset + member.size for member in struct.members),
        lead=tag,
        link=struct["next"].offset,
        key=0 if is_embedded else struct["key"].offset,
        key_size=word,
        elem=0 if is_set else struct["v"].offset,
        elem_size=0 if is_set else word,
        code=-1,
        code_size=0,
        align=word,
        direct=direct,
        inside=inside,
    )
    by_name = {
        name: target.function_at(address) if address else "" for name, address in functions.items()
    }
    hashes = by_name["hashFunction"]
    return Entries(
        layout=layout,
        struct=struct,
        key_type=any_pointer,
        elem_type=NOTHING if is_set else any_pointer,
        key=_reading(target, functions, by_name, ("hashFunction", "keyCompare", "keyDestructor")),
        elem=None if is_set else _reading(target, functions, by_name, ("valDestructor",)),
        is_set=is_set,
        some_direct=is_set and (is_8 or flags.get("keys_are_odd", False)),
        exact="Case" not in hashes and "Obj" not in hashes,
        functions=tuple((FUNCTIONS[name], text) for name, text in by_name.items() if text),
    )


def _direct(links: Addresses) -> tuple[Mask, Addresses]:
    """The links that are keys, up to Redis 7.4."""
    return links & np.uint64(ODD) != 0, links


def _direct_of_8(links: Addresses) -> tuple[Mask, Addresses]:
    """... from 8.0 on."""
    is_odd = links & np.uint64(ODD) != 0
    is_even = links & np.uint64(TAGS) == EVEN
    return is_odd | is_even, np.where(is_odd, links, links & ~np.uint64(TAGS))


def _read_type(
    target: Target, kind: Type, address: int, expression: str
) -> tuple[dict[str, int], dict[str, bool]]:
    """The functions of a dictType, by their fields, and its flags."""
    flags = ("no_value", "keys_are_odd", "embedded_entry")
    functions = {}
    try:
        for name in FUNCTIONS:
            field = kind.find(name)
            functions[name] = 0 if field is None else target.read_uint(address + field.offset)
        return functions, {name: read_bit(target, kind.find(name), address) for name in flags}
    except MemoryFault:
        raise cannot_read(target, "the type", expression, address) from None


def _struct(target: Target, tables: Tables, is_set: bool, is_embedded: bool) -> Type:
    """The struct of an entry. TargetError."""
    name = "dictEntryNoValue" if is_set else "dictEntryEmbedded" if is_embedded else ""
    found: Type | None = None
    if name:
        found = target.lookup_type(name)
    elif tables.link.kind is Kind.POINTER and tables.link.resolve is not None:
        found = tables.link.target
        if not found.fields:
            found = target.lookup_type("struct dictEntry")
    if found is None or not found.fields:
        found, name = (None, name) if name else (target.lookup_type("dictEntryNormal"), name)
    if found is None or found.find("next") is None:
        what = name or "dictEntry"
        raise TargetError(f"no debug info for '{what}': build dict.c {target.how_to_build()}")
    return found


def _reading(
    target: Target, functions: dict[str, int], names: dict[str, str], which: tuple[str, ...]
) -> Reading | None:
    """How pointers are read that those functions take; None: nothing tells."""
    for one in which:
        found = _of_name(target, names[one])
        if found is not None:
            return found
    for one in which:
        if functions[one]:
            pointee = target.pointee_of_parameter(functions[one])
            # The first parameter of most is the dict.
            if pointee is not None and not is_dict(pointee):
                return Reading(pointer_to(pointee, target.pointer_size), is_box=False)
    return None


def _of_name(target: Target, name: str) -> Reading | None:
    size = target.pointer_size
    if "sds" in name.lower():
        return Reading(sds_type(size), is_box=False)
    if "CStr" in name or name.startswith("dictString"):
        return Reading(pointer_to(CHAR, size), is_box=False)
    if "Obj" in name:
        types = (target.lookup_type(one) for one in OBJECTS)
        found = next((one for one in types if one is not None and one.fields), None)
        return None if found is None else Reading(found, is_box=True)
    return None
