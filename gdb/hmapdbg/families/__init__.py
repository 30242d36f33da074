"""Map families: each recognises a value by its field names, reads its header and walks it.

A new family is one new module, or folder, with a `Family` in it, and one line in FAMILIES; one that
is not part of the package calls `register`, or is in a definition file (DEFINITIONS).
"""

from __future__ import annotations

from ..target import Kind, Target, TargetError, Type, Value
from . import folly, khash, robin_map, unordered_dense, uthash
from .absl import family as absl
from .boost import family as boost
from .declared.loading import Definitions
from .family import Family, Map
from .go import bucket, swiss, sync
from .libcxx import unordered as libcxx
from .glib import family as glib
from .libhmap import map as libhmap
from .libstdcxx import unordered
from .llvm import dense_map, string_map
from .qt import family as qt
from .redis import dict as redis
from .redis import hashtable as valkey
from .rust import family as rust
from .reading import kept_for_type, why_unreadable

# In the order in which they are tried.
FAMILIES: list[Family] = [
    libhmap.FAMILY,
    bucket.FAMILY,
    swiss.FAMILY,
    sync.FAMILY,
    unordered.FAMILY,
    libcxx.FAMILY,
    rust.FAMILY,
    glib.FAMILY,
    qt.FAMILY,
    khash.FAMILY,
    absl.FAMILY,
    uthash.FAMILY,
    boost.FAMILY,
    redis.FAMILY,
    valkey.FAMILY,
    robin_map.FAMILY,
    unordered_dense.FAMILY,
    dense_map.FAMILY,
    string_map.FAMILY,
    folly.FAMILY,
]

# What users declare, in front of them.
DEFINITIONS = Definitions(FAMILIES)

# A map may be behind several pointers (struct hmap **), but not arbitrarily many.
MAX_POINTERS = 4


def register(family: Family) -> None:
    """Adds a family, replacing one of the same name."""
    FAMILIES[:] = [one for one in FAMILIES if one.name != family.name] + [family]


def words() -> list[str]:
    """What --family takes: the words of all families, each once."""
    return list(dict.fromkeys(word for family in FAMILIES for word in family.words))


def goes_by(name: str, word: str) -> bool:
    """Whether --family selects the family of that name, as in a Header, by that word."""
    return word.lower() in name.lower()


def family_of(found: Type) -> Family | None:
    """The family whose header a struct is; None: it is not a map's."""
    return next((family for family in FAMILIES if family.recognise(found)), None)


def _family_of(_: Target, found: Type) -> Family | None:
    return family_of(found)


def is_handle(found: Type) -> bool:
    """Whether a pointer to a struct stands for the one map behind it; see Family."""
    family = family_of(found)
    # A family from outside may not say: then the pointer is what it is in C.
    return family is not None and bool(getattr(family, "is_handle", False))


def open_map(target: Target, value: Value) -> Map:
    """The map that a value is or points to. TargetError if it is not one, or cannot be read."""
    found, address = value.type, value.address
    data = value.data
    for _ in range(MAX_POINTERS):
        if found.kind is not Kind.POINTER:
            break
        address = int.from_bytes(data, target.byte_order)
        if address == 0 and not _may_be_nil(found.target):
            raise TargetError(
                f"'{value.expression}' is a null pointer: "
                "no map has been made there yet, or the wrong frame is selected"
            )
        found = found.target
        if found.kind is Kind.POINTER:
            if not target.is_readable(address, found.size):
                raise TargetError(
                    f"'{value.expression}' points to unreadable memory at 0x{address:x}: "
                    f"{why_unreadable(target, address)}"
                )
            data = target.read(address, found.size)
    family = kept_for_type(target, found, _family_of)
    if family is None:
        raise TargetError(_why_not(target, value, found))
    if address is None:
        raise TargetError(
            f"'{value.expression}' is not in memory: name the variable that holds the map"
        )
    return family.open(target, value, found, address)


def _may_be_nil(found: Type) -> bool:
    """Whether a null pointer to such a struct is an empty map."""
    return any(family.has_nil and family.recognise(found) for family in FAMILIES)


def _why_not(target: Target, value: Value, found: Type) -> str:
    known = ", ".join(family.describes for family in FAMILIES)
    if found.kind is Kind.STRUCT and not found.fields:
        return (
            f"no debug info for '{found.name}', the type of '{value.expression}': "
            f"build that part {target.how_to_build()}, or load its symbols with 'symbol-file' or "
            "'add-symbol-file'"
        )
    return f"'{value.expression}' is not a map: its type is '{value.type.name}'; maps are {known}"
