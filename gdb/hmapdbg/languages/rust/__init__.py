"""Rust and its standard library.

    names          types as people write them
    members        values in several structs, one in another
    strings        str, String, OsString, PathBuf
    sequences      Vec, slices, VecDeque
    trees          BTreeMap and BTreeSet
    weak           Weak
    trait_objects  Box<dyn Trait> and its like
    shown          what types are shown as

Enums are the target's: see target.Variants.
"""

from __future__ import annotations

from ...target import Target, Type
from ..elements import Elements
from ..holders import Holder
from ..language import Language
from ..shown import Shown
from ..strings import StringType
from . import sequences, shown, strings, trait_objects, trees, weak
from .names import base_name, full_name, named, short_name

__all__ = ["RUST", "base_name", "full_name", "named", "short_name"]

# What each program with Rust's standard library has, whatever has mangled it.
_ALWAYS_THERE = ("rust_eh_personality", "rust_begin_unwind")


class Rust(Language):
    """Rust's types, recognised by their names and fields."""

    name = "Rust"
    arrow = "."

    def runs(self, target: Target) -> bool:
        return target.kept(_is_rust)

    def find_string(self, found: Type) -> StringType | None:
        return strings.find_string(found)

    def find_shown(self, found: Type) -> Shown | None:
        return shown.recognise(found)

    def find_elements(self, found: Type) -> Elements | None:
        return weak.recognise(found) or trees.recognise(found) or sequences.recognise(found)

    def find_listed(self, found: Type) -> Elements | None:
        return sequences.recognise(found)

    def find_holder(self, found: Type) -> Holder | None:
        return trait_objects.recognise(found)


def _is_rust(target: Target) -> bool:
    return any(target.address_of_function(name) is not None for name in _ALWAYS_THERE)


RUST = Rust()
