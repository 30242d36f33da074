"""Rust's type names as people write them: without the paths of well-known crates, and without the
arguments that nearly all types have.

>>> short_name("alloc::vec::Vec<alloc::string::String, alloc::alloc::Global>")
'Vec<String>'
"""

from __future__ import annotations

import functools
import re

from ...target import Kind, Type

# Of types that programs name without a path, after `use`.
_CRATES = r"core|std|alloc|hashbrown|indexmap|dashmap|lock_api|parking_lot|once_cell"
_PATH = re.compile(rf"\b(?:{_CRATES})::(?:\w+::)*(?=\w)")
_DEFAULTED = re.compile(r", (?:Global|RandomState|DefaultHashBuilder)(?=[,>])")
_C_PREFIX = re.compile(r"^(?:struct|union|enum) ")


def full_name(found: Type) -> str:
    """A type's name as debug info has it."""
    return _C_PREFIX.sub("", (found.origin or found).name)


@functools.lru_cache(4096)
def short_name(name: str) -> str:
    """The name shortened."""
    return _DEFAULTED.sub("", _PATH.sub("", _C_PREFIX.sub("", name)))


def base_name(name: str) -> str:
    """The last word of a path, without arguments.

    >>> base_name("std::collections::hash::map::HashMap<u64, a::B>")
    'HashMap'
    """
    return name.partition("<")[0].rpartition("::")[2]


def named(found: Type) -> Type:
    """The type under its short name. Debuggers write arrays as C does."""
    name = short_name(found.name)
    if found.kind is Kind.ARRAY and not name.startswith("["):
        name = f"[{named(found.target).name}; {found.count}]"
    return found if name == found.name else found.renamed(name)
