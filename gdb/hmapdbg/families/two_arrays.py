"""Growth with two arrays, as in Go and libhmap: `buckets`, `oldbuckets` and `B` of a header.

The new array has 2^B main buckets; the old one half as many, or as many in same-size growth.
"""

from __future__ import annotations

import abc

from ..block import Problem
from ..geometry.chains.layout import BucketLayout
from ..header import Array, Growth, Overflow, Role
from ..layout import StructLayout
from ..target import Target, TargetError


def spare_buckets(buckets: int) -> int:
    """The overflow buckets allocated with that many main ones, at least (runtime/map.go
    makeBucketArray(), and libhmap's array.c)."""
    return buckets >> 4 if buckets >= 16 else 0


class TwoArrays(abc.ABC):
    """The arrays of the map with the header fields `fields`, at `address` with the layout `struct`;
    checks I2 for arrays. TargetError if there can be none."""

    spare_left: int  # spare buckets that are not in use yet

    def __init__(
        self,
        target: Target,
        struct: StructLayout,
        address: int,
        fields: dict[str, int],
        bucket: BucketLayout,
        same_size: bool,
        expression: str,
    ) -> None:
        self.target = target
        self.struct = struct
        self.address = address
        self.fields = fields
        self.bucket = bucket
        self.same_size = same_size
        self.expression = expression
        self.problems: list[Problem] = []

    @property
    def growth(self) -> Growth:
        """How far growth is, by the header."""
        return Growth(self.fields["B"], self.same_size, self.fields["nevacuate"])

    @property
    def overflow(self) -> Overflow:
        """The overflow buckets, by the header, which counts them only roughly from B = 16 on."""
        fields = self.fields
        return Overflow(fields["noverflow"], fields["B"] < 16, self.spare_left)

    @abc.abstractmethod
    def array_at(self, name: str, address: int, B: int, role: Role) -> Array | None:
        """The array whose first bucket is at `address`, of 2^B main buckets; None if there can be
        no such array."""

    @abc.abstractmethod
    def unsound(self, why: str) -> TargetError:
        """The error for a map that is not valid."""

    def read_arrays(self) -> tuple[Array, ...]:
        """The new array, and the old one during growth."""
        fields = self.fields
        if not fields["buckets"]:
            if fields["count"] or fields["oldbuckets"]:
                self.problem("I2", "the map has entries or an old array, but no buckets", "buckets")
            return ()
        new = self.array_at("buckets", fields["buckets"], fields["B"], Role.MAIN)
        if new is None:
            at = fields["buckets"]
            raise self.unsound(f"B is {fields['B']}, more buckets than fit in memory at 0x{at:x}")
        old = None
        if fields["oldbuckets"]:
            old = self._old_array(fields["B"] if self.same_size else fields["B"] - 1)
        elif self.same_size:
            self.problem("I2", "the flag sameSizeGrow is set, but no growth is under way", "flags")
        return (new,) if old is None else (new, old)

    def _old_array(self, B: int) -> Array | None:
        if B < 0:
            self.problem("I2", "B is 0, but the map is doubling", "B")
        return self.array_at("oldbuckets", self.fields["oldbuckets"], B, Role.OLD)

    def place_of_spare(self, array: Array, address: int) -> int | None:
        """The index of a spare bucket of an array; None if it is not one."""
        first = array.address + array.buckets * self.bucket.size
        index, rest = divmod(address - first, self.bucket.size)
        return index if rest == 0 and 0 <= index < array.spare else None

    def problem(
        self, invariant: str, text: str, field: str | None, address: int | None = None
    ) -> None:
        """A Problem at an address, or at a field of the header."""
        if address is None:
            assert field is not None
            address = self.address + self.struct[field].offset
        self.problems.append(Problem(text, address, invariant))
