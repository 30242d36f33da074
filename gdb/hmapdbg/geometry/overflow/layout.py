"""Where the metadata and the slots of groups lie, and what metadata says."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ...block import Addresses, Buckets, Ints
from ...compat import dataclass
from ...header import Array
from ..columns import Mask, Raw
from ..control.layout import Reach

EMPTY = 0  # what metadata has of a slot without an entry


class Metadata(Protocol):
    """What the metadata of a group says."""

    @property
    def size(self) -> int:
        """Its bytes."""

    @property
    def slots(self) -> int:
        """Slots of a group."""

    @property
    def classes(self) -> int:
        """Keys are of one of so many classes, by their hash; a mark of overflow is for a class."""

    @property
    def sentinel(self) -> int:
        """The byte of the place behind the last slot of a table; -1: it has none."""

    @property
    def least(self) -> int:
        """The least byte that an entry has."""

    def bytes_of(self, raw: Raw) -> Raw:
        """The bytes of the slots (n, slots) of groups with that metadata (n, size): EMPTY, or a
        part of the hash of the entry's key."""

    def passed(self, raw: Raw) -> Mask:
        """For which classes a lookup goes on behind each group (n, classes)."""


@dataclass(frozen=True)
class GroupLayout:
    """Offsets and sizes in bytes; those of key and elem are in an entry, which is the slot itself
    where `reach` is None. A set has elems of 0 bytes."""

    metadata: Metadata
    stride: int  # from one group's metadata to the next
    step: int  # from a group's first slot to the next one's
    size: int  # of a slot
    key: int
    key_size: int
    elem: int
    elem_size: int
    reach: Reach | None = None

    @property
    def slots(self) -> int:
        """Slots of a group."""
        return self.metadata.slots

    def slot_addresses(self, base: int, groups: Ints, slots: Ints) -> Addresses:
        """Where slots lie, by their groups and their numbers there."""
        places = groups.astype(np.uint64) * np.uint64(self.step)
        return np.uint64(base) + places + slots.astype(np.uint64) * np.uint64(self.size)


@dataclass(frozen=True)
class Table:
    """One table. The metadata of its groups is the Array of the same index in the Header."""

    groups: int  # a power of two
    slots: int  # of all groups: the last one may have fewer than others
    base: int  # address of the first slot
    items: int  # as the table counts them
    items_at: int  # where it counts them


@dataclass(frozen=True)
class Seen:
    """Adjacent groups of a table, as they were read."""

    number: int  # index of the array in the header
    array: Array
    rows: Buckets
    bytes: Raw  # (n, slots) EMPTY where there is no slot, or it is unreadable
    behind: Ints  # (k,) the bytes of the places behind the table's last slot
    passed: Mask  # (n, classes)
    ok: Mask  # (n,) which were read
