"""Where keys belong in tables of hashbrown, by their hash codes.

A lookup begins at the slot that the lowest bits of the code select, and looks for its 7 highest
ones (hashbrown/src/raw/mod.rs h1(), control/tag.rs). The codes are those of std's RandomState,
SipHash-1-3 with two keys of each map's own, or stored with the entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...block import Addresses, Cells, Column, Ints
from ...compat import dataclass
from ...geometry.columns import Mask
from ...geometry.control.map import Codes
from ...languages import find_counted_string
from ...target import Target, Type
from .messages import is_certain, messages_of
from .siphash import siphash13

HASH_BITS = 7  # in a control byte
SAMPLE = 64  # entries that prove a hash that is not certain
AGREEING = 0.9  # of them; others may be the fault that is looked for
LEAST = 4  # entries that prove anything

Tables = Callable[[Codes], Ints]  # which table keys belong to


def only_table(codes: Codes) -> Ints:
    """The tables of keys of a map that has one."""
    return np.zeros(len(codes), np.int64)


@dataclass(frozen=True)
class Places:
    """What hashbrown makes of codes; `bits`: of a pointer."""

    bits: int

    def homes(self, codes: Codes, slots: int) -> Ints:
        """See Placement."""
        low = codes & np.uint64((1 << self.bits) - 1)
        return (low & np.uint64(slots - 1)).astype(np.int64)

    def control(self, codes: Codes) -> Ints:
        """See Placement."""
        shifted = codes >> np.uint64(self.bits - HASH_BITS)
        return (shifted & np.uint64((1 << HASH_BITS) - 1)).astype(np.int64)


class RandomState:
    """Codes of std's RandomState with the keys k0 and k1; see geometry.control.map.Placement."""

    def __init__(
        self, target: Target, key: Type, k0: int, k1: int, tables: Tables = only_table
    ) -> None:
        self._target = target
        self._key = key
        self._seeds = k0, k1
        self._places = Places(8 * target.pointer_size)
        self.table_of = tables
        self.homes = self._places.homes
        self.control = self._places.control

    def codes(self, cells: Cells, entries: Addresses) -> tuple[Codes, Mask]:
        """See Placement."""
        return self.codes_of(cells.keys)

    def codes_of(self, keys: Column) -> tuple[Codes, Mask]:
        """The codes of keys (n,), and which are known."""
        found = messages_of(self._target, self._key, keys.data)
        if found is None:
            return np.zeros(len(keys), np.uint64), np.zeros(len(keys), np.bool_)
        codes = siphash13(*self._seeds, found.joined, found.lengths)
        return codes, found.known & keys.known

    def code_of(self, key: bytes) -> int | None:
        """See Placement."""
        raw = np.frombuffer(key, np.uint8)
        if find_counted_string(self._key) is not None:
            message = np.concatenate([raw, np.array([0xFF], np.uint8)])
        elif len(raw) == self._key.size:
            found = messages_of(self._target, self._key, raw[None])
            if found is None or not found.known.all():
                return None
            message = found.joined
        else:
            return None
        return int(siphash13(*self._seeds, message, np.array([len(message)]))[0])


class StoredCodes:
    """Codes that are stored with the entries, at an offset; see geometry.control.map.Placement."""

    def __init__(self, target: Target, offset: int, size: int, inner: RandomState | None) -> None:
        """`inner`: the hash function, if it is known."""
        self._target = target
        self._offset = offset
        self._size = size
        self._inner = inner
        self._places = Places(8 * target.pointer_size)
        self.table_of = only_table
        self.homes = self._places.homes
        self.control = self._places.control

    def codes(self, cells: Cells, entries: Addresses) -> tuple[Codes, Mask]:
        """See Placement."""
        data, ok = self._target.gather(entries + np.uint64(self._offset), self._size)
        codes = self._target.integer_column(data, 0, self._size)
        return codes.astype(np.uint64), ok & (entries != 0)

    def code_of(self, key: bytes) -> int | None:
        """See Placement."""
        return None if self._inner is None else self._inner.code_of(key)


def is_proved(placement: RandomState, key: Type, sample: Callable[[], Iterator[Cells]]) -> bool:
    """Whether a map's keys are hashed so: the library's own types are; of others, what is derived
    for them must agree with the control bytes of some entries."""
    if is_certain(key):
        return True
    agreeing, total = 0, 0
    for cells in sample():
        some = cells.take(np.arange(min(len(cells), SAMPLE - total)))
        codes, known = placement.codes_of(some.keys)
        agreeing += int((known & (placement.control(codes) == some.tophash)).sum())
        total += len(some)
        if total >= SAMPLE:
            break
    return total >= LEAST and agreeing >= AGREEING * total
