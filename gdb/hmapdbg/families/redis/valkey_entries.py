"""What the entries of a Valkey hashtable are, by the names of its type's functions:

    entryGetKey              an entry
    none                     the key, of the kind that the hash function's name tells
    hashtableObjectGetKey    a robj, with its key behind it
    zsetHashtableGetKey      a zskiplistNode: its ele and its score
    hashHashtableTypeGetKey  text, its field: its value behind it, or a pointer before it
    any other                unknown: a pointer
"""

from __future__ import annotations

import numpy as np

from ...block import Addresses, Column
from ...compat import dataclass
from ...geometry.columns import Mask, Raw
from ...geometry.presence.layout import EntryReader
from ...languages.redis.sds import CHAR, KIND_BITS, SHORT, WIDTHS, Sds, sds_type
from ...target import Field, Kind, Memory, Target, Type
from ...target.types import pointer_to

NOTHING = Type(Kind.OTHER, "", 0)  # the elem of a set
OBJECTS = ("robj", "struct serverObject")
EXPIRE = 8  # bytes of a time to live
VALUE_HEADER = 3  # of a value behind its field, whose length has one byte
HAS_POINTER = 1 << KIND_BITS  # in the flags of a field: its value is elsewhere
MAX_TEXT = 1 << 32  # bytes of a key, more than one has


def reader_of(target: Target, get_key: str, hash_name: str) -> EntryReader:
    """How entries are read, by the names of two functions; empty: there is none."""
    size = target.pointer_size
    if get_key == "hashtableObjectGetKey":
        found = _lookup(target, OBJECTS)
        if found is not None:
            return Objects(found, size)
    if get_key == "zsetHashtableGetKey":
        found = _lookup(target, ("zskiplistNode", "struct zskiplistNode"))
        key, score = (found.find(name) if found else None for name in ("ele", "score"))
        if found is not None and key is not None and score is not None:
            return Nodes(found, key, score, size)
    if get_key in ("hashHashtableTypeGetKey", "entryGetField"):
        return Fields(size)
    if not get_key and "sds" in hash_name.lower():
        return Pointers(sds_type(size))
    if not get_key and "CStr" in hash_name:
        return Pointers(pointer_to(CHAR, size))
    return Pointers(pointer_to(Type(Kind.OTHER, "void", 1), size))


def _lookup(target: Target, names: tuple[str, ...]) -> Type | None:
    types = (target.lookup_type(name) for name in names)
    return next((one for one in types if one is not None and one.fields), None)


def _words(memory: Memory, numbers: Addresses, failed: Mask | None = None) -> Column:
    """Pointers as a Column; those that failed are 0."""
    width = memory.pointer_size
    data = numbers.astype(f"{memory.order}u{width}").view(np.uint8).reshape(-1, width)
    if failed is None or not failed.any():
        return Column(data)
    return Column(data, np.where(failed, numbers, np.uint64(0)), failed)


class Pointers(EntryReader):
    """Entries that are the keys themselves, of a set."""

    def __init__(self, key: Type) -> None:
        self.key = key
        self.elem = NOTHING

    def values(
        self, target: Target, pointers: Addresses, slots: Addresses
    ) -> tuple[Column, Column]:
        """See EntryReader."""
        return _words(target, pointers), Column(np.zeros((len(pointers), 0), np.uint8))

    def places(
        self, target: Target, pointers: Addresses, slots: Addresses
    ) -> tuple[Addresses, Addresses]:
        """See EntryReader."""
        return slots, slots


class Objects(EntryReader):
    """Objects, each with its key behind it: after a time to live, if it has one, and a byte that
    tells how long the key's header is."""

    def __init__(self, found: Type, pointer_size: int) -> None:
        self.key = sds_type(pointer_size)
        self.elem = found
        self._flags = [found.find(name) for name in ("hasexpire", "hasembval")]
        self._value = found.find("val_ptr")

    def values(
        self, target: Target, pointers: Addresses, slots: Addresses
    ) -> tuple[Column, Column]:
        """See EntryReader."""
        raw, ok = target.gather(pointers, self.elem.size)
        expires, inside = (_flag(raw, one, target) for one in self._flags)
        starts = (
            pointers + np.uint64(self.elem.size) + np.where(expires, EXPIRE, 0).astype(np.uint64)
        )
        if self._value is not None:
            # The pointer gives way to a value behind the key.
            starts -= np.where(inside, self._value.type.size, 0).astype(np.uint64)
        header, read = target.gather(starts, 1)
        keys = starts + np.uint64(1) + header[:, 0].astype(np.uint64)
        known = ok & read
        keys = np.where(known, keys, pointers)
        return _words(target, keys, ~known), Column.read(raw, ok, pointers)

    def places(
        self, target: Target, pointers: Addresses, slots: Addresses
    ) -> tuple[Addresses, Addresses]:
        """See EntryReader."""
        return np.zeros(len(pointers), np.uint64), pointers


@dataclass(frozen=True)
class _Member:
    """A member of a node."""

    offset: int
    size: int


class Nodes(EntryReader):
    """Nodes of a skip list: two of their members."""

    def __init__(self, found: Type, key: Field, elem: Field, pointer_size: int) -> None:
        self.key = sds_type(pointer_size)
        self.elem = elem.type
        self._members = [_Member(one.offset, one.type.size) for one in (key, elem)]

    def values(
        self, target: Target, pointers: Addresses, slots: Addresses
    ) -> tuple[Column, Column]:
        """See EntryReader."""
        key, elem = (self._column(target, pointers, one) for one in self._members)
        return key, elem

    def places(
        self, target: Target, pointers: Addresses, slots: Addresses
    ) -> tuple[Addresses, Addresses]:
        """See EntryReader."""
        key, elem = (
            np.where(pointers != 0, pointers + np.uint64(one.offset), np.uint64(0))
            for one in self._members
        )
        return key, elem

    def _column(self, target: Target, pointers: Addresses, member: _Member) -> Column:
        addrs = pointers + np.uint64(member.offset)
        data, ok = target.gather(addrs, member.size)
        return Column.read(data, ok, addrs)


class Fields(EntryReader):
    """Fields of a hash, which are sds: the value is one too, right behind the field's NUL, or a
    pointer to it lies before the field's header."""

    def __init__(self, pointer_size: int) -> None:
        self.key = self.elem = sds_type(pointer_size)

    def values(
        self, target: Target, pointers: Addresses, slots: Addresses
    ) -> tuple[Column, Column]:
        """See EntryReader."""
        keys = _words(target, pointers)
        elems, known = self._values(target, pointers, keys)
        return keys, _words(target, np.where(known, elems, pointers), ~known)

    def places(
        self, target: Target, pointers: Addresses, slots: Addresses
    ) -> tuple[Addresses, Addresses]:
        """See EntryReader."""
        return slots, np.zeros(len(pointers), np.uint64)

    def _values(self, target: Target, pointers: Addresses, keys: Column) -> tuple[Addresses, Mask]:
        """The values' addresses, and which are known."""
        addrs, lengths = Sds().locate(target, keys.data)
        known = (lengths >= 0) & (lengths < MAX_TEXT)
        before, ok = target.gather(np.where(known, addrs - np.uint64(1), addrs), 1)
        known &= ok
        flags = before[:, 0]
        kinds = flags & ((1 << KIND_BITS) - 1)
        behind = addrs + np.where(known, lengths + 1 + VALUE_HEADER, 0).astype(np.uint64)
        elsewhere = known & (kinds != SHORT) & (flags & HAS_POINTER != 0)
        headers = 2 * np.array([*WIDTHS, 0, 0, 0], np.int64)[kinds] + 1
        places = addrs - (headers + target.pointer_size).astype(np.uint64)
        data, ok = target.gather(places[elsewhere], target.pointer_size)
        found = behind.copy()
        found[elsewhere] = target.pointer_column(data)
        known[elsewhere] &= ok
        return found, known


def _flag(raw: Raw, field: Field | None, target: Target) -> Mask:
    """Which of n structs (n, size) have a bit set; none if they have no such bit."""
    if field is None or not field.bit_size:
        return np.zeros(len(raw), np.bool_)
    at = field.bit_offset % 8
    shift = 7 - at if target.byte_order == "big" else at
    found: Mask = raw[:, field.bit_offset // 8] >> shift & 1 != 0
    return found
