"""Redis's objects (robj): a type, an encoding, and a pointer to what they hold, or an integer in
its place (server.h).

    encoding 0, 8   text: an sds
             1      an integer
             2      a hash table
             7      a sorted set: a hash table and a skip list
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Target, Type
from ..elements import Access
from ..holders import Bytes, Contents, Held, Ints, Mask, Words
from .sds import sds_type

FIELDS = ("type", "encoding", "lru", "refcount")
POINTERS = ("ptr", "val_ptr")  # of Valkey 9, where it may be missing
RAW, INTEGER, TABLE, SORTED, EMBEDDED = 0, 1, 2, 7, 8
LONG = Type(Kind.INTEGER, "long", 8, signed=True)
TABLES = ("hashtable", "dict")  # Valkey's since 8.1, and before
SORTED_SET = "zset"


def recognise(found: Type) -> Object | None:
    """A struct as such an object; None for any other."""
    fields = [found.find(name) for name in FIELDS]
    if any(one is None for one in fields) or len(found.fields) > 10:
        return None
    encoding = found.find("encoding")
    pointer = next((one for one in map(found.find, POINTERS) if one is not None), None)
    if (
        encoding is None
        or pointer is None
        or not encoding.bit_size
        or pointer.type.kind is not Kind.POINTER
    ):
        return None
    return Object(found.size, encoding, pointer)


@dataclass(frozen=True)
class Object:
    """See holders.Holder."""

    size: int
    encoding: Field  # of some bits
    pointer: Field

    access = Access.ASSERTION
    nothing = "nil"

    def open(self, target: Target, raw: Bytes, addrs: Words | None = None) -> Contents:
        """See Holder."""
        return _Contents(self, target, raw, addrs)

    def encodings(self, target: Target, raw: Bytes) -> Ints:
        """How n objects (n, size) are encoded."""
        field = self.encoding
        numbers = raw[:, field.bit_offset // 8].astype(np.int64)
        at = field.bit_offset % 8
        if target.byte_order == "big":
            at = 8 - at - field.bit_size
        out: Ints = numbers >> max(at, 0) & ((1 << field.bit_size) - 1)
        return out


class _Contents:
    """See holders.Contents."""

    def __init__(self, kind: Object, target: Target, raw: Bytes, addrs: Words | None) -> None:
        self._target = target
        self._raw = raw
        self._addrs = addrs
        self._at = kind.pointer.offset
        self._encodings = kind.encodings(target, raw)
        self.words = target.pointer_column(raw, self._at)
        self.empty: Mask = (self.words == 0) & (self._encodings != INTEGER)
        self.faults = np.zeros(len(raw), np.uint64)

    def iter_shown(self) -> Iterator[Held]:
        """See holders.Contents."""
        size = self._target.pointer_size
        yield from self._inside((RAW, EMBEDDED), sds_type(size))
        integer = LONG if size == LONG.size else Type(Kind.INTEGER, "long", size, signed=True)
        yield from self._inside((INTEGER,), integer)

    def iter_followed(self) -> Iterator[Held]:
        """See holders.Contents."""
        yield from self._behind(TABLE, TABLES)
        yield from self._behind(SORTED, (SORTED_SET,))

    def _inside(self, encodings: tuple[int, ...], found: Type) -> Iterator[Held]:
        """Objects that have such a value in place of the pointer."""
        rows = np.flatnonzero(np.isin(self._encodings, encodings) & ~self.empty)
        if not len(rows):
            return
        addrs = np.zeros(len(rows), np.uint64)
        if self._addrs is not None:
            addrs = self._addrs[rows] + np.uint64(self._at)
        data = self._raw[rows, self._at : self._at + found.size]
        yield Held(rows, found, found.name, addrs, data)

    def _behind(self, encoding: int, names: tuple[str, ...]) -> Iterator[Held]:
        """Objects that point to a value of the first of the types that the program has."""
        rows = np.flatnonzero((self._encodings == encoding) & ~self.empty)
        types = (self._target.lookup_type(name) for name in names) if len(rows) else ()
        found = next((one for one in types if one is not None), None)
        if found is not None:
            yield Held(rows, found, found.name, self.words[rows])
