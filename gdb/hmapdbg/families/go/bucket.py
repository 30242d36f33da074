"""Go's maps up to go1.23: runtime.hmap with its buckets (src/runtime/map.go).

libhmap is modelled on them, so walk, audit and view are the same; the numbers of invariants are
those of hmap_internal.h if they mean the same here:

    I1   count is the number of live cells
    I2   B, flags, nevacuate and the arrays agree with one another
    I4-I7, I11   marks, evacuation and chains, as the walk and the audit report them
    I10  no key is live twice (for key types where equal bytes are equal keys)
    I12  nextOverflow is a spare bucket of the array, unused ones are zero, the last has an end mark
    I13  noverflow is the number of overflow buckets, if it is exact (B < 16)
    I14  the slot of a boxed key or elem holds a pointer if it is live, nil if it is empty
    H1   an array fits into the block of the heap in which it begins
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Union

from ...block import Block, Problem
from ...geometry.chains.audit import BucketAudit
from ...geometry.chains.map import ChainMap
from ...header import Array, Header, Pins, Role
from ...languages.go import bytes_tell_keys_apart, find_iterators, go_name, iterator_notes
from ...layout import StructLayout
from ...target import Target, Type, Value
from ..family import Family, Map, has_fields
from ..reading import kept_for_type, read_struct, unsound
from .blocks import Blocks, iter_too_large
from .bucket_arrays import BucketArrays
from .bucket_types import HEADER_FIELDS, BucketTypes
from .no_types import NoTypes, no_types

ITERATOR_FIELDS = "key t buckets startBucket offset wrapped B i bucket".split()


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


class _GoBucketMap(ChainMap):
    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        self.target = target
        self.address = address
        self.expression = value.expression
        try:
            types = self.types = kept_for_type(target, found, BucketTypes)
        except NoTypes:
            raise no_types(self.expression, found) from None
        self.struct, self.layout, self.marks = types.struct, types.bucket, types.marks
        self.notes = list(types.notes)
        self.fields = self._read_header()
        self.arrays = BucketArrays(
            target,
            self.struct,
            address,
            self.fields,
            self.layout,
            types,
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
            key_type=types.key_type,
            elem_type=types.elem_type,
            count=self.fields["count"],
            arrays=arrays,
            geometry=types.geometry,
            header_size=(types.header_size if address else 0) + self.arrays.extra_size,
            box_size=types.box_size,
            is_rounded=target.kept(Blocks).are_known,
            writing=self._flag("hashWriting"),
            growth=self.arrays.growth,
            overflow=self.arrays.overflow,
            pins=pins,
            notes=tuple(self.notes),
            problems=tuple(self.problems),
        )

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """The invariants above, except what the header already showed; see family.Map."""
        if self.header.arrays:
            yield from iter_too_large(self.target, self.header)
            yield from BucketAudit(
                self.header,
                self.walked(),
                key_hash=None,
                owned_keys=False,
                next_overflow=self.arrays.next_overflow if self.arrays.marked_end else 0,
                noverflow_at=self._field_address("noverflow"),
                compare_keys=bytes_tell_keys_apart(self.types.key_type),
            ).run()

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        return [self.struct, self.types.bucket_struct]

    def _read_header(self) -> dict[str, int]:
        if not self.address:
            self.notes.append("the map is nil")
            return dict.fromkeys(HEADER_FIELDS, 0)
        fields = read_struct(self.target, self.struct, self.address, self.expression)
        if fields["count"] < 0:
            raise unsound(self.expression, f"count is {fields['count']:,}")
        return fields

    def _flag(self, name: str) -> bool:
        return bool(self.fields["flags"] & self.types.flags[name])

    def _pinned(self, arrays: tuple[Array, ...]) -> tuple[tuple[Array, ...], Pins]:
        """The arrays with their pins, and the Pins; if no iterator was found, some may be
        elsewhere."""
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
        """Whether it is in a state that runtime/map.go mapiternext() leaves: not at its end, and
        its numbers fit the map."""
        main = 1 << min(one["B"], 63)
        return (
            one["key"] != 0
            and one["t"] != 0
            and one["B"] <= self.fields["B"]
            and one["startBucket"] < main
            and one["bucket"] <= main
            and one["offset"] < self.layout.slots
            and one["i"] <= self.layout.slots
            and one["wrapped"] <= 1
            and one["buckets"] % self.layout.align == 0
            and self.target.is_readable(one["buckets"], self.layout.size)
        )

    def _check_header(self, arrays: tuple[Array, ...]) -> None:
        """I2: what needs no walk and the arrays have not shown."""
        fields = self.fields
        unknown = fields["flags"] & ~sum(self.types.flags.values())
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
