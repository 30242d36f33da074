"""What languages and libraries have beyond maps: a package each.

    language    what a package offers: the class to derive from
    strings     types whose values are text
    elements    types that lead to values elsewhere: containers, slices, smart pointers
    shown       types that are shown as something simpler than their members
    holders     types that hold a value of a type known only at run time: interfaces
    go          Go: names, symbols, type descriptors, goroutines, the heap
    cxx         what the standard libraries of C++ have in common
    libstdcxx   gcc's C++ standard library
    libcxx      LLVM's C++ standard library
    rust        Rust and its standard library
    glib        GLib
    absl        Abseil, a library of C++
    qt          Qt 6
    boost       Boost
    redis       Redis and Valkey
    llvm        LLVM's support library
    libhmap     the C library of this project: its registry
    c           texts with a length, of which only a definition tells

A new language is a package with a Language, and a line in LANGUAGES. values and reach ask here and
name no language; families ask their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from ..target import Kind, Memory, Target, Type
from .absl import ABSL
from .boost import BOOST
from .c import LANGUAGE as C
from .cxx.names import short_name
from .elements import Access, Elements, Places, spread
from .go import GO
from .glib import GLIB
from .holders import Contents, Held, Holder, TellsUnknown
from .language import Language
from .libcxx import LIBCXX
from .libhmap import LIBHMAP
from .libstdcxx import LIBSTDCXX
from .qt import QT
from .llvm import LLVM
from .redis import REDIS
from .rust import RUST
from .shown import Shown
from .strings import StringType, is_letter, located, points_to_text, text_unit, unit_of

__all__ = [
    "Access",
    "Contents",
    "Elements",
    "Held",
    "Holder",
    "LANGUAGES",
    "Language",
    "Places",
    "Shown",
    "StringType",
    "TellsUnknown",
    "find_counted_string",
    "find_elements",
    "find_holder",
    "find_listed",
    "find_object",
    "find_shown",
    "is_internal",
    "is_letter",
    "is_text",
    "language_of",
    "located",
    "points_to_text",
    "read_counted_string",
    "short_name",
    "spread",
    "text_unit",
    "unit_of",
]

Answer = TypeVar("Answer")

LANGUAGES: tuple[Language, ...] = (
    GO,
    LIBSTDCXX,
    LIBCXX,
    RUST,
    ABSL,
    GLIB,
    QT,
    BOOST,
    REDIS,
    LLVM,
    LIBHMAP,
    C,
)


def language_of(target: Target) -> Language:
    """The language that a target's program is written in; C if no other matches."""
    return next((one for one in LANGUAGES if one.runs(target)), Language())


def _of_struct(found: Type, ask: Callable[[Language], Answer | None]) -> Answer | None:
    """The first answer of a language about a struct; None for any other type."""
    if found.kind is not Kind.STRUCT:
        return None
    answers = map(ask, LANGUAGES)
    return next((one for one in answers if one is not None), None)


def find_counted_string(found: Type) -> StringType | None:
    """A type as a string with a length; None for any other type."""
    return _of_struct(found, lambda one: one.find_string(found))


def read_counted_string(memory: Memory, found: Type, data: bytes, limit: int) -> bytes | None:
    """The bytes of a string with a length; None for other types, or if the string is longer than
    `limit`. MemoryFault."""
    string = find_counted_string(found)
    if string is None:
        return None
    where, addrs, sizes = located(memory, string, np.frombuffer(data, np.uint8)[None])
    return where.read(int(addrs[0]), int(sizes[0])) if 0 <= sizes[0] <= limit else None


def is_text(found: Type) -> bool:
    """Whether values of a type are text."""
    if found.kind in (Kind.POINTER, Kind.ARRAY) and found.resolve is not None:
        return text_unit(found) > 0
    return find_counted_string(found) is not None


def find_elements(found: Type) -> Elements | None:
    """A type as a container, slice or smart pointer; None for any other type."""
    return _of_struct(found, lambda one: one.find_elements(found))


def find_listed(found: Type) -> Elements | None:
    """A type that is shown as its elements, as an array is; None for any other type."""
    return _of_struct(found, lambda one: one.find_listed(found))


def find_holder(found: Type) -> Holder | None:
    """A type as a Holder; None for any other type."""
    return _of_struct(found, lambda one: one.find_holder(found))


def find_object(found: Type, pointer_size: int) -> Holder | None:
    """A type whose values may be parts of objects of another type, as in C++ the one that a pointer
    to a base class leads to; as a holder of those objects. None for any other type."""
    return _of_struct(found, lambda one: one.find_object(found, pointer_size))


def find_shown(found: Type) -> Shown | None:
    """What a struct is shown as, if not as its members; None for any other type."""
    return _of_struct(found, lambda one: one.find_shown(found))


def is_internal(found: Type) -> bool:
    """Whether a struct is a language's own, from which no map can be opened."""
    return any(one.is_internal(found) for one in LANGUAGES)
