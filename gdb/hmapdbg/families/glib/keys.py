"""Types of keys and elems, which GHashTable does not know: by the functions that a map was made
with.

A function of GLib's own tells by its name; one of the program's, if debug info has a parameter that
is no void *.
"""

from __future__ import annotations

from ...compat import dataclass
from ...languages.glib.untyped import table_type
from ...target import Kind, Target, Type
from ...target.types import pointer_to
from .fields import Fields
from .placement import EQUALS, HASHES, Hash

_CHAR = Type(Kind.INTEGER, "char", 1, signed=True, character=True)
_POINTEES = {
    "g_str_hash": ("char", _CHAR),
    "g_int_hash": ("gint", Type(Kind.INTEGER, "gint", 4, signed=True)),
    "g_int64_hash": ("gint64", Type(Kind.INTEGER, "gint64", 8, signed=True)),
    "g_double_hash": ("gdouble", Type(Kind.FLOAT, "gdouble", 8, signed=True)),
}
# What a function that frees or compares takes, by its name.
_OWNERS = {
    "g_hash_table_unref": "GHashTable",
    "g_hash_table_destroy": "GHashTable",
    "g_ptr_array_unref": "GPtrArray",
    "g_array_unref": "GArray",
    "g_byte_array_unref": "GByteArray",
    "g_bytes_unref": "GBytes",
    "g_bytes_hash": "GBytes",
    "g_variant_unref": "GVariant",
    "g_variant_hash": "GVariant",
    "g_object_unref": "GObject",
    "g_date_time_unref": "GDateTime",
    "g_date_time_hash": "GDateTime",
    "g_list_free": "GList",
    "g_slist_free": "GSList",
    "g_queue_free": "GQueue",
}
# What has text, and nothing else.
_TEXTS = ("g_ref_string_release",)


@dataclass(frozen=True)
class Functions:
    """The names of a map's functions; empty: unknown, or there is none."""

    hash: str
    equal: str
    key_destroy: str
    elem_destroy: str


@dataclass(frozen=True)
class Parts:
    """What is known of a map's keys and elems. `key` and `elem`: their types, pointers; `is_box`:
    whether keys are shown as what they point to."""

    functions: Functions
    key: Type
    elem: Type
    is_box: bool
    hash: Hash | None
    equal: Hash | None


def parts_of(target: Target, fields: Fields) -> Parts:
    """What the functions of a map tell."""
    names = Functions(
        *(
            _name(target, fields[name])
            for name in ("hash_func", "key_equal_func", "key_destroy_func", "value_destroy_func")
        )
    )
    known = _POINTEES.get(names.hash)
    any_pointer = pointer_to(Type(Kind.OTHER, "void", 1), target.pointer_size)
    key = None if known is None else _pointer(target, *known)
    if key is None and names.hash != "g_direct_hash":
        key = _told(target, fields, ("hash_func", "key_equal_func"))
    if key is None:
        key = _told(target, fields, ("key_destroy_func",))
    elem = _told(target, fields, ("value_destroy_func",))
    equal = EQUALS.get(names.equal) if names.equal or not fields["key_equal_func"] else None
    return Parts(
        functions=names,
        key=key or any_pointer,
        elem=elem or any_pointer,
        is_box=known is not None and names.hash != "g_str_hash",
        hash=HASHES.get(names.hash),
        equal=None if equal is None else HASHES[equal],
    )


def table_pointer(target: Target) -> Type:
    """GHashTable *."""
    found = target.lookup_type("GHashTable") or table_type(target, target.pointer_size)
    return pointer_to(found, target.pointer_size)


def _name(target: Target, address: int) -> str:
    return target.function_at(address) if address else ""


def _pointer(target: Target, name: str, otherwise: Type) -> Type:
    found = target.lookup_type(name)
    is_same = found is not None and (found.kind, found.size) == (otherwise.kind, otherwise.size)
    return pointer_to(found if found is not None and is_same else otherwise, target.pointer_size)


def _told(target: Target, fields: Fields, which: tuple[str, ...]) -> Type | None:
    """The pointer that functions of a map take."""
    for field in which:
        address = fields[field]
        name = _name(target, address)
        owner = _OWNERS.get(name)
        if name in _TEXTS:
            return pointer_to(_CHAR, target.pointer_size)
        found = None
        if owner is not None:
            found = target.lookup_type(owner)
        elif address and not name.startswith("g_"):
            found = target.pointee_of_parameter(address)
        if found is not None:
            return pointer_to(found, target.pointer_size)
    return None
