"""Redis's strings: a pointer to text, with the length right before it, of 5 to 64 bits (sds.h).

    length  allocated  flags  text  NUL
                              ^ what an sds points to

The lowest bits of the flags tell how wide the length is; of the shortest, it is in the others. A
header of the program itself says char *: the type here stands for those of which it is known.
"""

from __future__ import annotations

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Memory, Type
from ...target.types import pointer_to
from ..strings import Addresses, Bytes, Ints, StringType

NAME = "sds"
CHAR = Type(Kind.INTEGER, "char", 1, signed=True, character=True)
KIND_BITS = 3  # of the flags
SHORT = 0  # the kind whose length is in the flags
WIDTHS = (0, 1, 2, 4, 8)  # bytes of the length, by kind


def sds_type(pointer_size: int) -> Type:
    """A pointer of that size to such text."""
    pointer = pointer_to(CHAR, pointer_size)
    return Type(Kind.STRUCT, NAME, pointer_size, fields=(Field(NAME, 0, pointer),))


def find_string(found: Type) -> StringType | None:
    """The type above as a string; None for any other."""
    is_one = found.name == NAME and len(found.fields) == 1 and found.fields[0].name == NAME
    return Sds() if is_one else None


@dataclass(frozen=True, slots=True)
class Sds:
    """See StringType."""

    def locate(self, memory: Memory, raw: Bytes) -> tuple[Addresses, Ints]:
        """See StringType."""
        addrs = memory.pointer_column(raw)
        lengths = np.full(len(addrs), -1, np.int64)
        there = np.flatnonzero(addrs > sum(WIDTHS))
        before, ok = memory.gather(addrs[there] - np.uint64(1), 1)
        there, flags = there[ok], before[ok, 0]
        kinds = flags & np.uint8((1 << KIND_BITS) - 1)
        lengths[there[kinds == SHORT]] = flags[kinds == SHORT] >> KIND_BITS
        for kind, width in enumerate(WIDTHS):
            rows = there[kinds == kind]
            if kind == SHORT or not len(rows):
                continue
            # The length and the bytes allocated are equally wide, the flags one byte.
            data, ok = memory.gather(addrs[rows] - np.uint64(2 * width + 1), width)
            sizes = memory.integer_column(data, 0, width)[ok]
            largest = np.iinfo(np.int64).max
            lengths[rows[ok]] = np.minimum(sizes.astype(np.uint64), np.uint64(largest))
        return addrs, lengths
