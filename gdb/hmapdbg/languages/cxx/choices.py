"""Types of C++'s libraries that have room for a value and say whether it is there, or which of
several: std::optional, std::variant, std::expected. What they do not say to be there is a
remnant."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...target import Field, Target, Type
from ..elements import Access
from ..holders import Bytes, Contents, Held, Mask, Words
from .names import short_name

MAX_ALTERNATIVES = 1000
NOTHING = "[no contained value]"  # as libstdc++'s printers have it


@dataclass(frozen=True)
class Choice:
    """Such a type; see holders.Holder. A tag of value n, which may be a flag, says that the n-th
    of the alternatives is there, if there is one of that number."""

    size: int
    access: Access
    tag: Field
    alternatives: tuple[Field | None, ...]

    nothing = NOTHING

    def open(self, target: Target, raw: Bytes, addrs: Words | None = None) -> Contents:
        """See Holder."""
        return _Choices(self, target, raw, addrs)


class _Choices:
    """n values of one such type."""

    def __init__(self, kind: Choice, target: Target, raw: Bytes, addrs: Words | None) -> None:
        self._kind = kind
        self._raw = raw
        self._addrs = addrs
        tags = target.integer_column(raw, kind.tag.offset, kind.tag.type.size)
        self._tags: NDArray[np.uint64] = tags.astype(np.uint64)
        there = np.array([one is not None for one in kind.alternatives] + [False])
        # A tag of another number stands for nothing.
        self.empty: Mask = ~there[np.minimum(self._tags, np.uint64(len(there) - 1)).astype(int)]
        self.words = np.zeros(len(raw), np.uint64)
        self.faults = np.zeros(len(raw), np.uint64)

    def iter_shown(self) -> Iterator[Held]:
        """See holders.Contents."""
        for number in np.unique(self._tags[~self.empty]).tolist():
            field = self._kind.alternatives[number]
            assert field is not None  # it would be empty
            rows = np.flatnonzero(self._tags == np.uint64(number))
            at = field.offset
            addrs = np.zeros(len(rows), np.uint64)
            if self._addrs is not None:
                addrs = self._addrs[rows] + np.uint64(at)
            data = self._raw[rows, at : at + field.type.size]
            yield Held(rows, field.type, short_name(field.type.name), addrs, data)

    iter_followed = iter_shown


def sole(found: Type, names: set[str]) -> tuple[int, Type] | None:
    """The struct with members of those names and no others that is all that a struct has, behind
    bases; and its offset. None for any other struct."""
    own = {one.name for one in found.fields if not one.base}
    if own:
        return (0, found) if own == names else None
    full = [one for one in found.fields if next(one.type.iter_fields(), None) is not None]
    inner = sole(full[0].type, names) if len(full) == 1 else None
    return None if inner is None else (full[0].offset + inner[0], inner[1])


def choice(
    found: Type,
    access: Access,
    offset: int,
    tag: Field,
    alternatives: tuple[Field | None, ...],
) -> Choice | None:
    """The type, if all of its parts lie in it; the tag from `offset` on."""
    placed = Field("", offset + tag.offset, tag.type)
    for one in (placed, *alternatives):
        if one is not None and not 0 <= one.offset <= found.size - max(one.type.size, 0):
            return None
    if placed.type.size not in (1, 2, 4, 8) or not alternatives:
        return None
    return Choice(found.size, access, placed, alternatives)
