"""The bucket arrays of a Go map up to go1.23 (runtime/map.go makeBucketArray()), and the spare
buckets of each."""

from __future__ import annotations

import numpy as np

from ...geometry.chains.layout import BucketLayout
from ...geometry.columns import pointer_column
from ...header import Array, Role
from ...layout import StructLayout
from ...target import Kind, MemoryFault, Target, TargetError, Type
from ...languages.go import required_field
from ..reading import unsound
from ..two_arrays import TwoArrays, spare_buckets
from .blocks import Blocks
from .bucket_types import BucketTypes

MAX_LISTED = 1 << 40  # overflow buckets of a map
PAGE_SIZE = 8192  # of the runtime (runtime/sizeclasses.go)


class BucketArrays(TwoArrays):
    """See TwoArrays; checks I12 for arrays, too."""

    def __init__(
        self,
        target: Target,
        struct: StructLayout,
        address: int,
        fields: dict[str, int],
        bucket: BucketLayout,
        types: BucketTypes,
        same_size: bool,
        expression: str,
    ) -> None:
        self._types = types
        super().__init__(target, struct, address, fields, bucket, same_size, expression)
        self.extra_size = 0
        self.next_overflow_at = 0
        self.next_overflow = self._read_next_overflow()
        self.marked_end = False  # whether the new array's end mark was found
        self.walked = self.read_arrays()
        self.spare_left = self._spare_left(self.walked)

    def unsound(self, why: str) -> TargetError:
        """See TwoArrays."""
        return unsound(self.expression, why)

    def _old_array(self, B: int) -> Array | None:
        old = super()._old_array(B)
        if old is None and B >= 0:
            text = f"there is no room for the old array at 0x{self.fields['oldbuckets']:x}"
            self.problem("I2", text, "oldbuckets")
        return old

    def array_at(self, name: str, address: int, B: int, role: Role) -> Array | None:
        """The array of 2^B main buckets at an address, with the spare buckets after it; None if
        memory has no room for it there."""
        size = self.bucket.size
        limit = (self.target.address_limit - address) // size
        if not 0 <= B < 64 or 1 << B > limit or address % self.bucket.align:
            return None
        main = 1 << B
        spare = spare_buckets(main)
        if spare:  # what the allocator gives more than was asked for is used, too
            spare = self._types.usable((main + spare) * size) // size - main
        spare = min(spare, limit - main)
        # The new array has no mark once all of its spare buckets are used.
        if spare and (role is not Role.MAIN or self.next_overflow):
            marked = self._find_end_mark(address, main, spare)
            if role is Role.MAIN:
                self.marked_end = marked is not None
            spare = spare if marked is None else marked
        held = self._types.array_size((main + spare) * size)
        return Array(name, address, main, held, spare, role=role)

    def _find_end_mark(self, address: int, main: int, least: int) -> int | None:
        """How many spare buckets an array has: `least`, and those that fit into what the allocator
        adds (runtime/map.go makeBucketArray()). The overflow pointer of the last one is the array's
        own address, until it is used. None: no such mark."""
        size = self.bucket.size
        first = address + main * size
        # Size classes waste an eighth at most, larger blocks a page (runtime/sizeclasses.go).
        more = max((main + least) * size // 8, PAGE_SIZE) // size + 1
        at = first + least * size - size
        rows, ok = self.target.read_rows(at, min(more, 1 << 16), size)
        links = pointer_column(self.target, rows, self.bucket.overflow)
        found = np.flatnonzero(ok & (links == np.uint64(address)))
        return least + int(found[0]) if len(found) else None

    def _read_next_overflow(self) -> int:
        """The first unused spare bucket, from the map's extra fields; 0: there is none."""
        extra = self.fields["extra"]
        if not extra:
            return 0
        found = self.struct["extra"].type.target
        self.next_overflow_at = extra + required_field(found, "nextOverflow").offset
        self.extra_size = self.target.kept(Blocks).size(found.size)
        for name in ("overflow", "oldoverflow"):
            self.extra_size += self._list_size(extra, found, name)
        try:
            return self.target.read_uint(self.next_overflow_at)
        except MemoryFault:
            self.problem("", "the map's extra fields cannot be read", "extra", extra)
            return 0

    def _list_size(self, extra: int, found: Type, name: str) -> int:
        """Bytes of a list that keeps overflow buckets alive, of maps whose buckets have no pointers
        (runtime/map.go mapextra)."""
        field = found.find(name)
        if field is None or field.type.kind is not Kind.POINTER or field.type.resolve is None:
            return 0
        blocks, width = self.target.kept(Blocks), self.target.pointer_size
        slice_type = field.type.target
        room = slice_type.find("cap")
        try:
            at = self.target.read_uint(extra + field.offset)
            count = self.target.read_uint(at + room.offset) if at and room is not None else 0
        except MemoryFault:
            return 0
        if not at or count > MAX_LISTED:
            return 0
        return blocks.size(slice_type.size) + blocks.size(count * width)

    def _spare_left(self, arrays: tuple[Array, ...]) -> int:
        """Spare buckets of the new array that are not used yet."""
        following, at = self.next_overflow, self.next_overflow_at
        if not following:
            return 0
        if not arrays:
            self.problem("I12", "nextOverflow is set, but there are no buckets", "extra", at)
            return 0
        index = self.place_of_spare(arrays[0], following)
        if index is None:
            text = f"nextOverflow is 0x{following:x}, not a spare bucket of the array"
            self.problem("I12", text, "extra", at)
            self.next_overflow = 0
            return 0
        if not self.marked_end:
            text = "nextOverflow is set, but no spare bucket has the end mark"
            self.problem("I12", text, "extra", at)
        return arrays[0].spare - index
