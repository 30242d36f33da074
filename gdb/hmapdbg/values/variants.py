"""Structs of which one variant is there at a time (Rust's enums): as programs write their values,
`None`, `Some(5)`, `Rect {width = 1, height = 2}`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..languages import Shown, find_listed, find_shown
from ..target import Field, Kind, Type, Variants

UNKNOWN = "?"  # a variant that is not known
MAX_DEPTH = 8

_NUMBERED = re.compile(r"__\d+\Z")


def iter_present(
    variants: Variants, data: NDArray[np.uint8]
) -> Iterator[tuple[NDArray[np.intp], Field | None]]:
    """Which of n structs (n, size) have a variant, and its member; None: unknown ones."""
    chosen = variants.choose(data)
    for number in np.unique(chosen).tolist():
        member = variants.members[number] if number >= 0 else None
        yield np.flatnonzero(chosen == number), member


def has_tags(found: Type, depth: int = 0) -> bool:
    """Whether values of a type are shown with names before values: of variants, or of structs."""
    if found.variants is not None or depth > MAX_DEPTH:
        return found.variants is not None
    shown = find_shown(found)
    if shown is not None:
        parts = (has_tags(one.type, depth + 1) for one in shown.fields)
        return tag_of(shown) != "" or any(parts)
    if found.kind is Kind.ARRAY:
        return has_tags(found.target, depth + 1)
    if found.kind is not Kind.STRUCT:
        return False
    listed = find_listed(found)
    if listed is not None:
        return has_tags(listed.element, depth + 1)
    return any(has_tags(one.type, depth + 1) for one in found.iter_fields())


def tag_of(shown: Shown) -> str:
    """The name before the values of a struct, as in `UserId(5)`; empty if it has none."""
    return shown.before[:-1] if shown.before.endswith("(") else ""


def has_numbers(found: Type) -> bool:
    """Whether a variant's values have numbers and no names."""
    fields = [one for one in found.fields if one.type.size or one.name]
    return bool(fields) and all(_NUMBERED.match(one.name) for one in fields)


def values_of(found: Type) -> list[Field]:
    """The values of a variant, in their order."""
    if has_numbers(found):
        return sorted(found.fields, key=lambda one: int(one.name[2:]))
    return list(found.iter_fields())
