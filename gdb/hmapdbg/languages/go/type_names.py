"""Names of Go's types from their descriptors, spelled as in debug info."""

from __future__ import annotations

import re

from .abi import NAMED, GoKind
from .descriptors import Descriptors, NoDescriptor

MAX_DEPTH = 16  # of nested types without names

_SHAPE = "shape."  # of package go.shape, which has no path: what instances of a generic share
_QUALIFIER = re.compile(r"^[^.\[]*\.")


def type_name(descriptors: Descriptors, addr: int, depth: int = 0) -> str:
    """The name of the type at an address, with full paths of packages. NoDescriptor."""
    if depth > MAX_DEPTH:
        raise NoDescriptor
    found = descriptors.at(addr)
    text = descriptors.text(found)
    if found.flags & NAMED:
        package = descriptors.package(found) if "." in text else ""
        if not package and text.startswith(_SHAPE):
            return f"go.{text}"
        # The package's last part is in the text already; so are arguments of generics.
        return f"{package}.{_QUALIFIER.sub('', text)}" if package else text
    if found.kind not in (GoKind.POINTER, GoKind.SLICE, GoKind.ARRAY, GoKind.MAP):
        return text
    elem = type_name(descriptors, descriptors.elem(found), depth + 1)
    if found.kind is GoKind.POINTER:
        return f"*{elem}"
    if found.kind is GoKind.SLICE:
        return f"[]{elem}"
    if found.kind is GoKind.ARRAY:
        return f"[{descriptors.count(found)}]{elem}"
    return f"map[{type_name(descriptors, descriptors.key(found), depth + 1)}]{elem}"
