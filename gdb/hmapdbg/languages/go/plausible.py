"""Whether bytes can be values of a Go type: booleans are 0 or 1, pointers point to memory, and
lengths of strings and slices are possible."""

from __future__ import annotations

import numpy as np

from ...target import Kind, Target, Type
from .extents import Extents
from .slices import FIELDS as SLICE
from .slices import MAX_LENGTH
from .strings import FIELDS as STRING
from ..holders import Bytes


def may_be(target: Target, found: Type, raw: Bytes) -> bool:
    """Whether n values (n, size) can all be of a type."""
    if found.kind is Kind.BOOLEAN:
        return bool((raw <= 1).all())
    if found.kind is Kind.POINTER:
        words = target.pointer_column(raw)
        return target.kept(Extents).are_mapped(target, words[words != 0])
    if found.kind is Kind.ARRAY and found.count:
        rows = np.ascontiguousarray(raw).reshape(-1, found.target.size or 1)
        return not found.target.size or may_be(target, found.target, rows)
    width = target.pointer_size
    if tuple(one.name for one in found.fields) in (STRING, SLICE):
        sizes = target.integer_column(raw, width, width, signed=True)
        if ((sizes < 0) | (sizes > MAX_LENGTH)).any():
            return False
        return may_be(target, found.fields[0].type, raw[sizes > 0][:, :width])
    return all(
        may_be(target, one.type, raw[:, one.offset : one.offset + one.type.size])
        for one in found.fields
        if one.type.size
    )
