"""Structs of which one variant is there at a time (Rust's enums): as programs write their values,
`None`, `Some(5)`, `Rect {width = 1, height = 2}`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..target import Field, Type, Variants

UNKNOWN = "?"  # a variant that is not known

_NUMBERED = re.compile(r"__\d+\Z")


def iter_present(
    variants: Variants, data: NDArray[np.uint8]
) -> Iterator[tuple[NDArray[np.intp], Field | None]]:
    """Which of n structs (n, size) have a variant, and its member; None: unknown ones."""
    chosen = variants.choose(data)
    for number in np.unique(chosen).tolist():
        member = variants.members[number] if number >= 0 else None
        yield np.flatnonzero(chosen == number), member


def has_numbers(found: Type) -> bool:
    """Whether a variant's values have numbers and no names."""
    fields = [one for one in found.fields if one.type.size or one.name]
    return bool(fields) and all(_NUMBERED.match(one.name) for one in fields)


def values_of(found: Type) -> list[Field]:
    """The values of a variant, in their order."""
    if has_numbers(found):
        return sorted(found.fields, key=lambda one: int(one.name[2:]))
    return list(found.iter_fields())
