"""Iterators of range loops, found on the stacks of goroutines.

A map does not know its iterators, but an iterator knows its map: it is in the frame of the loop,
also in a parked goroutine. The stacks are searched for words that are the map's address; if the
words around one look like an iterator, it probably is in one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...target import Target, TargetError
from .goroutines import stacks_of
from .structs import go_layout

MAX_HITS = 10_000


def find_iterators(
    target: Target, name: str, map_field: str, fields: Sequence[str], address: int
) -> list[dict[str, int]]:
    """Structs of the type `name` on stacks whose field `map_field` is the address of a map: their
    scalar fields by name, those in inner structs as "group.data". The caller must judge whether
    they are iterators."""
    starts = stacks_of(target).places_of(address)[:MAX_HITS]
    if not address or len(starts) == 0:
        return []
    found = target.lookup_type(name)
    if found is None or not found.fields:
        return []
    try:
        layout = go_layout(found, [map_field, *fields])
    except TargetError:
        return []
    back = np.uint64(layout[map_field].offset)
    rows, ok = target.gather(starts[starts >= back] - back, found.size)
    records = rows[ok].view(layout.dtype(target.order)).ravel()
    names = records.dtype.names or ()
    return [dict(zip(names, map(int, record))) for record in records.tolist()]


def iterator_notes(target: Target, address: int, count: int) -> list[str]:
    """Notes for the user about the search for iterators."""
    notes = []
    if count:
        what = "1 probable iterator" if count == 1 else f"{count:,} probable iterators"
        notes.append(f"{what}, recognised on the stacks of goroutines")
    if address and stacks_of(target).cut:
        notes.append("only part of the goroutines' stacks was searched for iterators")
    return notes
