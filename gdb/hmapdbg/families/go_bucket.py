"""Go's maps up to go1.23: runtime.hmap with its buckets (src/runtime/map.go).

They are what libhmap is made after, so walk, audit and view are the same; the numbers of invariants
are those of hmap_internal.h as far as they mean the same here:

    I1   count is the number of live cells
    I2   B, flags, nevacuate and the arrays agree with one another
    I4-I7, I11   marks, evacuation and chains, as told by the walk and the audit
    I10  no key is there twice (of key types whose equal bytes are equal keys)
    I12  nextOverflow is a spare bucket of the array, unused ones are zero, the last has an end mark
    I13  noverflow is the number of overflow buckets, where it is exact (B < 16)
    I14  the slot of a boxed key or elem holds a pointer where it is live, nil where it is empty
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Union

import numpy as np

from ..block import Addresses, Array, Block, Cells, Chain, Header, Problem
from ..languages.go import (
    Constants,
    bytes_tell_keys_apart,
    find_iterators,
    go_layout,
    go_name,
    iterator_notes,
    required_field,
    slot_value,
)
from ..layout import Member, StructLayout
from ..target import Kind, MemoryFault, Target, TargetError, Type, Value
from .bucket_audit import BucketAudit
from .bucket_view import iter_chains, slot_addresses
from .bucket_walk import BucketLayout, BucketWalk, Marks, pointer_column
from .family import Family, Map, Place

HEADER_FIELDS = "count flags B noverflow hash0 buckets oldbuckets nevacuate extra".split()
ITERATOR_FIELDS = "key t buckets startBucket offset wrapped B i bucket".split()
BUCKET_FIELDS = "tophash keys values overflow".split()

SOURCE = "runtime/map.go of go1.23"
MAX_BUCKET_SIZE = 1 << 20  # far above what 128-byte slots allow
PAGE_SIZE = 8192  # of the runtime (runtime/sizeclasses.go)


class GoBucketFamily:
    """Recognises hash<K,V>, and runtime.hmap to say what is missing."""

    name = "Go bucket map"
    describes = "map[K]V (Go up to 1.23)"
    has_nil = True

    def recognise(self, found: Type) -> bool:
        return (
            found.kind is Kind.STRUCT
            and all(found.find(name) for name in ("buckets", "oldbuckets", "B", "hash0"))
            and not found.find("type")
        )

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        return _GoBucketMap(target, value, found, address)


FAMILY: Family = GoBucketFamily()


class _GoBucketMap:
    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        self.target = target
        self.address = address
        self.expression = value.expression
        self.problems: list[Problem] = []
        self.struct = go_layout(found, HEADER_FIELDS)
        self.bucket_struct = self._bucket_struct()
        constants = Constants(target)
        self.marks = _marks(constants)
        self.flags = _flags(constants)
        # 13/2, but 12/2 in go1.21 (runtime/map.go).
        least = max(constants.get(2, "runtime.loadFactorDen"), 1)
        self.load_factor = constants.get(13, "runtime.loadFactorNum") / least
        self.notes = constants.notes(SOURCE)
        self._set_types()
        self.fields = self._read_header()
        self.extra_size = 0
        self.next_overflow_at = 0
        self.next_overflow = self._read_next_overflow()
        self.marked_end = False  # whether the new array's end mark was found
        arrays = self._arrays()
        spare_left = self._spare_left(arrays)
        self._check_header(arrays)
        arrays, retired, iterators = self._pinned(arrays)
        self.header = Header(
            family="Go bucket map",
            expression=value.expression,
            type_name=go_name(value.type.name),
            address=address,
            count_at=self._field_address("count"),
            key_type=self.key_type,
            elem_type=self.elem_type,
            count=self.fields["count"],
            arrays=arrays,
            bucket_size=self.bucket.size,
            slots_per_bucket=self.bucket.slots,
            header_size=(self.struct.size if address else 0) + self.extra_size,
            box_size=self._box_size(),
            load_factor=self.load_factor,
            B=self.fields["B"],
            same_size_grow=self._flag("sameSizeGrow"),
            nevacuate=self.fields["nevacuate"],
            overflow_estimate=self.fields["noverflow"],
            overflow_exact=self.fields["B"] < 16,
            spare_left=spare_left,
            writing=self._flag("hashWriting"),
            iterators=iterators,
            probable_iterators=True,
            retired=retired,
            notes=tuple(self.notes),
            problems=tuple(self.problems),
        )

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map."""
        if self.header.arrays:
            yield from self._bucket_walk().walk(cells, only)

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """The invariants above, as far as the header did not show them already; see family.Map."""
        if self.header.arrays:
            yield from BucketAudit(
                self.header,
                self._bucket_walk(),
                key_hash=None,
                owned_keys=False,
                next_overflow=self.next_overflow if self.marked_end else 0,
                noverflow_at=self._field_address("noverflow"),
                compare_keys=bytes_tell_keys_apart(self.key_type),
            ).run()

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map."""
        found = next(one for one in self.header.arrays if one.name == array)
        return iter_chains(self.target, self.bucket, self.marks, found, low, high)

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map: Go's hash is seeded by the process, and in assembly."""
        return None

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """See family.Map."""
        return slot_addresses(self.target, self.bucket, cells)

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        return [self.struct, self.bucket_struct]

    def _bucket_walk(self) -> BucketWalk:
        arrays = self.header.arrays
        return BucketWalk(self.target, self.bucket, self.marks, arrays[0], self.header.old)

    # ---- types

    def _bucket_struct(self) -> StructLayout:
        pointer = self.struct["buckets"].type
        found = pointer.target if pointer.kind is Kind.POINTER else pointer
        if not found.fields:
            raise TargetError(
                f"'{self.expression}' has no key and elem types: its type is '{self.struct.name}'; "
                "give the map itself, or name its type: --type 'map[K]V' ADDRESS"
            )
        layout = go_layout(found, BUCKET_FIELDS)
        for name in ("tophash", "keys", "values"):
            member = layout[name].type
            if member.kind is not Kind.ARRAY or member.count != layout["tophash"].type.count:
                raise TargetError(
                    f"field '{name}' of '{layout.name}' is no array of its slots: it is not a map "
                    f"this version knows; see what it is with 'ptype {layout.name}'"
                )
        return layout

    def _set_types(self) -> None:
        """Key and elem types, and the layout of a bucket."""
        struct, target = self.bucket_struct, self.target
        slots = struct["tophash"].type.count
        if not 0 < struct.size <= MAX_BUCKET_SIZE or not slots:
            raise TargetError(
                f"'{struct.name}' has {struct.size:,} bytes: it is not a map this version knows"
            )
        keys, elems = struct["keys"], struct["values"]
        key_slot, elem_slot = keys.type.target, elems.type.target
        self.key_type, key_boxed = slot_value(target, key_slot, _inner(keys, "[]key<"))
        self.elem_type, elem_boxed = slot_value(target, elem_slot, _inner(elems, "[]val<"))
        self.bucket = BucketLayout(
            size=struct.size,
            tophash=struct["tophash"].offset,
            keys=keys.offset,
            key_slot=key_slot.size,
            elems=elems.offset,
            elem_slot=elem_slot.size,
            overflow=struct["overflow"].offset,
            key_size=self.key_type.size,
            elem_size=self.elem_type.size,
            key_boxed=key_boxed,
            elem_boxed=elem_boxed,
            slots=slots,
            align=self.target.pointer_size,
        )

    def _box_size(self) -> int:
        boxed = (self.bucket.key_boxed, self.key_type), (self.bucket.elem_boxed, self.elem_type)
        return sum(found.size for is_boxed, found in boxed if is_boxed)

    # ---- the header

    def _read_header(self) -> dict[str, int]:
        if not self.address:
            self.notes.append("the map is nil")
            return dict.fromkeys(HEADER_FIELDS, 0)
        try:
            data = self.target.read(self.address, self.struct.size)
        except MemoryFault:
            raise TargetError(
                f"cannot read the map of '{self.expression}' at 0x{self.address:x}: "
                "the pointer is wild, or the core does not hold that memory"
            ) from None
        fields = self.struct.decode(data, self.target.byte_order)
        if fields["count"] < 0:
            raise self._unsound(f"count is {fields['count']:,}")
        return fields

    def _unsound(self, why: str) -> TargetError:
        return TargetError(
            f"'{self.expression}' is not a sound map: {why}: the variable is not set yet in this "
            "frame, or the pointer is wild"
        )

    def _flag(self, name: str) -> bool:
        return bool(self.fields["flags"] & self.flags[name])

    def _arrays(self) -> tuple[Array, ...]:
        fields = self.fields
        if not fields["buckets"]:
            if fields["count"] or fields["oldbuckets"]:
                self._problem(
                    "I2", "the map has entries or an old array, but no buckets", "buckets"
                )
            return ()
        new = self._array("buckets", fields["buckets"], fields["B"])
        if new is None:
            raise self._unsound(
                f"B is {fields['B']}, more buckets than memory has at 0x{fields['buckets']:x}"
            )
        old = None
        if fields["oldbuckets"]:
            B = fields["B"] if self._flag("sameSizeGrow") else fields["B"] - 1
            if B < 0:
                self._problem("I2", "the map doubles from no bucket: B is 0", "B")
            else:
                old = self._array("oldbuckets", fields["oldbuckets"], B)
                if old is None:
                    text = f"the old array at 0x{fields['oldbuckets']:x} is no place for buckets"
                    self._problem("I2", text, "oldbuckets")
        elif self._flag("sameSizeGrow"):
            self._problem("I2", "the flag sameSizeGrow is set, but no growth is under way", "flags")
        return (new,) if old is None else (new, old)

    def _array(self, name: str, address: int, B: int) -> Array | None:
        """The array of 2^B main buckets at an address, with the spare buckets behind it; None where
        memory has no room for it there."""
        size = self.bucket.size
        limit = (self.target.address_limit - address) // size
        if B >= 64 or 1 << B > limit or address % self.bucket.align:
            return None
        main = 1 << B
        spare = min(main >> 4, limit - main) if B >= 4 else 0
        # The new array has no mark any more when all of its spare buckets are used.
        if spare and (name != "buckets" or self.next_overflow):
            marked = self._find_end_mark(address, main, spare)
            if name == "buckets":
                self.marked_end = marked is not None
            spare = spare if marked is None else marked
        return Array(name, address, main, (main + spare) * size, spare)

    def _find_end_mark(self, address: int, main: int, least: int) -> int | None:
        """How many spare buckets an array has: `least`, and what fits into what the allocator gave
        beyond that (runtime/map.go makeBucketArray()). The overflow pointer of the last one is the
        array's own address, until it is used. None: there is no such mark."""
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
        self.extra_size = found.size
        try:
            return self.target.read_uint(self.next_overflow_at)
        except MemoryFault:
            self._problem("", "the map's extra fields cannot be read", "extra", extra)
            return 0

    def _spare_left(self, arrays: tuple[Array, ...]) -> int:
        """Spare buckets of the new array that are not used yet."""
        following, at = self.next_overflow, self.next_overflow_at
        if not following:
            return 0
        if not arrays:
            self._problem("I12", "nextOverflow is set, but there are no buckets", "extra", at)
            return 0
        first = arrays[0].address + arrays[0].buckets * self.bucket.size
        index, rest = divmod(following - first, self.bucket.size)
        if rest or not 0 <= index < arrays[0].spare:
            text = f"nextOverflow is 0x{following:x}, no spare bucket of the array"
            self._problem("I12", text, "extra", at)
            self.next_overflow = 0
            return 0
        if not self.marked_end:
            text = "nextOverflow is set, but no spare bucket has the end mark"
            self._problem("I12", text, "extra", at)
        return arrays[0].spare - index

    def _pinned(
        self, arrays: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...], int | None]:
        """The arrays with the iterators that walk them, superseded ones that iterators keep, and
        the number of iterators, None where none was found: they may be elsewhere."""
        found = [
            one
            for one in find_iterators(
                self.target, "runtime.hiter", "h", ITERATOR_FIELDS, self.address
            )
            if self._is_iterator(one)
        ]
        self.notes += iterator_notes(self.target, self.address, len(found))
        if not found:
            return arrays, (), None
        pins: dict[int, int] = {}
        sizes: dict[int, int] = {}
        for one in found:
            pins[one["buckets"]] = pins.get(one["buckets"], 0) + 1
            sizes[one["buckets"]] = one["B"]
        arrays = tuple(replace(one, pins=pins.pop(one.address, 0)) for one in arrays)
        retired: list[Array] = []
        for address, count in pins.items():
            array = self._array(f"retired {len(retired)}", address, sizes[address])
            if array is not None:
                retired.append(replace(array, pins=count))
        return arrays, tuple(retired), len(found)

    def _is_iterator(self, one: dict[str, int]) -> bool:
        """Whether what was found is in a state that runtime/map.go mapiternext() leaves: not at its
        end, and its numbers fit the map."""
        main = 1 << min(one["B"], 63)
        return (
            one["key"] != 0
            and one["t"] != 0
            and one["B"] <= self.fields["B"]
            and one["startBucket"] < main
            and one["bucket"] <= main
            and one["offset"] < self.bucket.slots
            and one["i"] <= self.bucket.slots
            and one["wrapped"] <= 1
            and one["buckets"] % self.bucket.align == 0
            and self.target.is_readable(one["buckets"], self.bucket.size)
        )

    def _check_header(self, arrays: tuple[Array, ...]) -> None:
        """I2: what needs no walk, beyond what the arrays have shown."""
        fields = self.fields
        unknown = fields["flags"] & ~sum(self.flags.values())
        if unknown:
            self._problem("I2", f"flags has unknown bits 0x{unknown:x}", "flags")
        if len(arrays) > 1 and fields["nevacuate"] >= arrays[1].buckets:
            text = (
                f"nevacuate is {fields['nevacuate']:,} of {arrays[1].buckets:,} old buckets, still "
                "growing"
            )
            self._problem("I2", text, "nevacuate")

    def _field_address(self, name: str) -> int:
        return self.address + self.struct[name].offset

    def _problem(self, invariant: str, text: str, field: str, address: int | None = None) -> None:
        at = self._field_address(field) if address is None else address
        self.problems.append(Problem(text, at, invariant))


def _inner(member: Member, prefix: str) -> str:
    """K of a type "[]key<K>"; empty where it has another name."""
    name = member.type.name
    return name[len(prefix) : -1] if name.startswith(prefix) and name.endswith(">") else ""


def _marks(constants: Constants) -> Marks:
    known = Marks()
    return Marks(
        constants.get(known.empty_rest, "runtime.emptyRest"),
        constants.get(known.empty_one, "runtime.emptyOne"),
        constants.get(known.evacuated_x, "runtime.evacuatedX"),
        constants.get(known.evacuated_y, "runtime.evacuatedY"),
        constants.get(known.evacuated_empty, "runtime.evacuatedEmpty"),
        constants.get(known.min_tophash, "runtime.minTopHash"),
    )


def _flags(constants: Constants) -> dict[str, int]:
    names = ("iterator", 1), ("oldIterator", 2), ("hashWriting", 4), ("sameSizeGrow", 8)
    return {name: constants.get(known, f"runtime.{name}") for name, known in names}
