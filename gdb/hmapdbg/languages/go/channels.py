"""Go's channels: a ring of elements in a buffer (runtime/chan.go hchan).

Debug info has the buffer as a pointer to nothing; the type of its elements is that of the pointer
in what waits for the channel, a sudog.
"""

from __future__ import annotations

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Memory, Type
from ..elements import MAX_ELEMENTS, Access, Bytes, Places, Words

FIELDS = ("qcount", "dataqsiz", "buf", "recvx")
MAX_BUFFER = 1 << 40  # elements


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel type; see elements.Elements."""

    element: Type
    count: Field
    room: Field
    buffer: Field
    first: Field
    size: int  # bytes of the struct up to the last of these

    @property
    def noun(self) -> str:
        """See Elements."""
        return "channel"

    @property
    def access(self) -> Access:
        """See Elements."""
        return Access.INDEX

    def find(self, memory: Memory, addrs: Words, raw: Bytes) -> Places:
        """See Elements: numbered from the one that is received next."""
        count, room, buffer, first = self._words(memory, raw)
        sane = (buffer > 0) & (count <= room) & (first < room) & (room < MAX_BUFFER)
        counts = np.where(sane, count, 0).astype(np.int64)
        ends = np.cumsum(np.minimum(counts, MAX_ELEMENTS))
        cut = bool(len(ends) and (ends[-1] > MAX_ELEMENTS or (counts > MAX_ELEMENTS).any()))
        counts = np.where(ends <= MAX_ELEMENTS, counts, 0) if cut else counts
        rows = np.repeat(np.arange(len(counts)), counts)
        numbers = np.arange(len(rows)) - (np.cumsum(counts) - counts)[rows]
        slots = (first[rows] + numbers.astype(np.uint64)) % np.maximum(room[rows], np.uint64(1))
        return Places(buffer[rows] + slots * np.uint64(self.element.size), rows, numbers, cut)

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        """See Elements."""
        count, room, buffer, first = (int(one[0]) for one in self._words(memory, raw))
        if number >= count or not buffer or not count <= room:
            return None
        return buffer + (first + number) % room * self.element.size

    def _words(self, memory: Memory, raw: Bytes) -> list[Words]:
        fields = (self.count, self.room, self.buffer, self.first)
        return [memory.pointer_column(raw, one.offset) for one in fields]


def find_channel(found: Type) -> Channel | None:
    """The channel that a struct is: what a variable of a channel type points to; None for any other
    type."""
    if not found.name.removeprefix("struct ").startswith("hchan<"):
        return None
    fields = [found.find(name) for name in FIELDS]
    element = _element(found)
    words = [one for one in fields if one is not None]
    if element is None or len(words) < len(FIELDS) or not element.size:
        return None
    width = words[2].type.size
    if any(one.type.size != width for one in words):
        return None
    count, room, buffer, first = words
    return Channel(element, count, room, buffer, first, first.offset + width)


def _element(found: Type) -> Type | None:
    """What the elements of a channel are, by the pointer to one in its queues."""
    at = found
    for name in ("recvq", "first", "elem"):
        member = at.find(name)
        if member is None:
            return None
        at = member.type
        if at.kind is Kind.POINTER and at.resolve is not None:
            at = at.target
    return at
