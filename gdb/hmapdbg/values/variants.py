"""Structs of which one variant is there at a time (Rust's enums): as programs write their values,
`None`, `Some(5)`, `Rect {width = 1, height = 2}`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..languages import find_listed
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


def contains_variants(found: Type, depth: int = 0) -> bool:
    """Whether values of a type have a variant, themselves or in what they are shown as."""
    if found.variants is not None or depth > MAX_DEPTH:
        return found.variants is not None
    if found.kind is Kind.ARRAY:
        return contains_variants(found.target, depth + 1)
    if found.kind is not Kind.STRUCT:
        return False
    listed = find_listed(found)
    if listed is not None:
        return contains_variants(listed.element, depth + 1)
    return any(contains_variants(one.type, depth + 1) for one in found.iter_fields())


def has_numbers(found: Type) -> bool:
    """Whether a variant's values have numbers and no names."""
    fields = [one for one in found.fields if one.type.size or one.name]
    return bool(fields) and all(_NUMBERED.match(one.name) for one in fields)


def values_of(found: Type) -> list[Field]:
    """The values of a variant, in their order."""
    if has_numbers(found):
        return sorted(found.fields, key=lambda one: int(one.name[2:]))
    return list(found.iter_fields())
