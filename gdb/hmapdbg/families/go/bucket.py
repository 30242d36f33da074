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

from ...block import Addresses, Block, Cells, Chain, Place, Problem
from ...geometry.chains.arrays import Arrays
from ...geometry.chains.audit import BucketAudit
from ...geometry.chains.layout import BucketLayout, Marks
from ...geometry.chains.shape import BucketChains
from ...geometry.chains.view import iter_chains, slot_addresses
from ...geometry.chains.walk import BucketWalk
from ...header import Array, Growth, Header, Overflow, Pins, Role
from ...layout import Member, StructLayout
from ...target import Kind, Target, TargetError, Type, Value
from ..family import Family, Map, has_fields
from ..reading import read_struct, unsound
from ...languages.go import (
    find_iterators,
    iterator_notes,
    Constants,
    bytes_tell_keys_apart,
    go_layout,
    go_name,
    slot_value,
)
from .bucket_arrays import BucketArrays, spare_buckets

HEADER_FIELDS = "count flags B noverflow hash0 buckets oldbuckets nevacuate extra".split()
ITERATOR_FIELDS = "key t buckets startBucket offset wrapped B i bucket".split()
BUCKET_FIELDS = "tophash keys values overflow".split()

SOURCE = "runtime/map.go of go1.23"
MAX_BUCKET_SIZE = 1 << 20  # far above what 128-byte slots allow


class GoBucketFamily:
    """Recognises hash<K,V>, and runtime.hmap to say what is missing."""

    name = "Go bucket map"
    describes = "map[K]V (Go up to 1.23)"
    words = ("bucket", "go")
    has_nil = True
    is_handle = True
    headers = (("buckets", "oldbuckets", "B", "hash0"),)

    def recognise(self, found: Type) -> bool:
        return has_fields(found, self.headers[0]) and not found.find("type")

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        return _GoBucketMap(target, value, found, address)


FAMILY: Family = GoBucketFamily()


class _GoBucketMap:
    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        self.target = target
        self.address = address
        self.expression = value.expression
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
        self.arrays = BucketArrays(
            target,
            self.struct,
            address,
            self.fields,
            self.bucket,
            self._flag("sameSizeGrow"),
            self.expression,
        )
        self.problems = self.arrays.problems
        self._check_header(self.arrays.walked)
        arrays, pins = self._pinned(self.arrays.walked)
        self.header = Header(
            family=FAMILY.name,
            expression=value.expression,
            type_name=go_name(value.type.name),
            address=address,
            count_at=self._field_address("count"),
            key_type=self.key_type,
            elem_type=self.elem_type,
            count=self.fields["count"],
            arrays=arrays,
            geometry=BucketChains(
                self.bucket.slots, self.bucket.size, self.load_factor, spare_buckets
            ),
            header_size=(self.struct.size if address else 0) + self.arrays.extra_size,
            box_size=self.bucket.box_size,
            writing=self._flag("hashWriting"),
            growth=Growth(
                B=self.fields["B"],
                same_size=self._flag("sameSizeGrow"),
                nevacuate=self.fields["nevacuate"],
            ),
            overflow=Overflow(
                self.fields["noverflow"],
                is_exact=self.fields["B"] < 16,
                spare_left=self.arrays.spare_left,
            ),
            pins=pins,
            notes=tuple(self.notes),
            problems=tuple(self.problems),
        )

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map."""
        if self.header.arrays:
            yield from BucketWalk(self._walked()).walk(cells, only)

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """The invariants above, as far as the header did not show them already; see family.Map."""
        if self.header.arrays:
            yield from BucketAudit(
                self.header,
                self._walked(),
                key_hash=None,
                owned_keys=False,
                next_overflow=self.arrays.next_overflow if self.arrays.marked_end else 0,
                noverflow_at=self._field_address("noverflow"),
                compare_keys=bytes_tell_keys_apart(self.key_type),
            ).run()

    def check_placement(self) -> None:
        """See family.Map."""

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map."""
        found = self.header.array(array)
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

    def _walked(self) -> Arrays:
        header = self.header
        return Arrays(self.target, self.bucket, self.marks, header.arrays[0], header.old)

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

    # ---- the header

    def _read_header(self) -> dict[str, int]:
        if not self.address:
            self.notes.append("the map is nil")
            return dict.fromkeys(HEADER_FIELDS, 0)
        fields = read_struct(self.target, self.struct, self.address, self.expression)
        if fields["count"] < 0:
            raise unsound(self.expression, f"count is {fields['count']:,}")
        return fields

    def _flag(self, name: str) -> bool:
        return bool(self.fields["flags"] & self.flags[name])

    def _pinned(self, arrays: tuple[Array, ...]) -> tuple[tuple[Array, ...], Pins]:
        """The arrays with the iterators that walk them, and the Pins; where no iterator was found,
        some may be elsewhere."""
        found = [
            one
            for one in find_iterators(
                self.target, "runtime.hiter", "h", ITERATOR_FIELDS, self.address
            )
            if self._is_iterator(one)
        ]
        self.notes += iterator_notes(self.target, self.address, len(found))
        if not found:
            return arrays, Pins(is_probable=True)
        pins: dict[int, int] = {}
        sizes: dict[int, int] = {}
        for one in found:
            pins[one["buckets"]] = pins.get(one["buckets"], 0) + 1
            sizes[one["buckets"]] = one["B"]
        arrays = tuple(replace(one, pins=pins.pop(one.address, 0)) for one in arrays)
        retired: list[Array] = []
        for address, count in pins.items():
            name = f"retired {len(retired)}"
            array = self.arrays.array_at(name, address, sizes[address], Role.RETIRED)
            if array is not None:
                retired.append(replace(array, pins=count))
        return arrays, Pins(len(found), is_probable=True, retired=tuple(retired))

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
