"""libhmap's own map: struct hmap, struct hmap_type and struct hmap_array of hmap_internal.h."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator, Sequence
from typing import Union

from ...block import Block, Place, Problem
from ...geometry.chains.arrays import Arrays
from ...geometry.chains.audit import BucketAudit, iter_retired_problems
from ...geometry.chains.layout import Marks
from ...geometry.chains.map import ChainMap
from ...geometry.chains.shape import BucketChains
from ...header import Header, Pins
from ...layout import StructLayout, struct_layout
from ...target import Target, Type, Value
from ..family import Family, Map, has_fields
from ..malloc import Allocation
from ..two_arrays import spare_buckets
from .arrays import MapArrays
from .key_hash import FUNCTIONS, KeyHash
from .memory import taken
from .records import decode, enumerators, short_text
from .type_object import SLOTS, TypeObject

HEADER_FIELDS = (
    "count flags B noverflow key_kind hash0 buckets oldbuckets nevacuate nextOverflow type retired "
    "graveyard niterators name created_at"
).split()
FLAGS = "ITERATOR OLD_ITERATOR WRITING SAME_SIZE_GROW ALL".split()
MARKS = "EMPTY_REST EMPTY_ONE EVACUATED_X EVACUATED_Y EVACUATED_EMPTY MIN".split()

LOAD_FACTOR = 6.5  # entries per bucket (growth.c)


class LibhmapFamily:
    """Recognises struct hmap."""

    name = "libhmap"
    describes = "struct hmap (libhmap)"
    words = ("libhmap",)
    has_nil = False
    is_handle = True
    headers = (("buckets", "oldbuckets", "B", "type"),)

    def recognise(self, found: Type) -> bool:
        return has_fields(found, self.headers[0])

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        return _LibhmapMap(target, value, found, address)


FAMILY: Family = LibhmapFamily()


class _LibhmapMap(ChainMap):
    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        self.target = target
        self.address = address
        self.expression = value.expression
        self.marks = marks(target)
        self.flags = enumerators(target, "enum hmap_flags", "HMAP_FLAG_", FLAGS)
        self.struct = struct_layout(found, HEADER_FIELDS)
        self.fields = decode(target, self.struct, address, "map", self.expression)
        self.type = TypeObject(target, self.fields["type"], self.expression)
        self.layout = self.type.bucket
        self.arrays = MapArrays(
            target,
            self.struct,
            address,
            self.fields,
            self.flags,
            self.layout,
            self.expression,
        )
        self.problems = self.arrays.problems
        self._check_header()
        self.notes = [*self.type.notes, *self.arrays.notes]
        if importlib.util.find_spec("xxhash") is None:
            self.notes.append(
                "the xxhash module is missing, so no hashes are known: install python3-xxhash"
            )
        memory = taken(
            target,
            Allocation(address, found.size),
            self.arrays.walked,
            self.arrays.retired,
            self.layout.size,
            self.type.box_sizes(),
            self.type.box_align(),
        )
        self.header = Header(
            family=FAMILY.name,
            expression=value.expression,
            type_name=value.type.name,
            address=address,
            count_at=self._field_address("count"),
            key_type=self.type.key_type,
            elem_type=self.type.elem_type,
            count=self.fields["count"],
            arrays=memory.arrays,
            geometry=BucketChains(
                SLOTS,
                self.layout.size,
                LOAD_FACTOR,
                spare_buckets,
                front=memory.front,
                block=memory.block,
            ),
            header_size=memory.header,
            box_size=memory.boxes,
            is_rounded=memory.is_rounded,
            name=short_text(target, self.fields["name"]),
            created_at=self._creation_site(),
            writing=bool(self.fields["flags"] & self.flags["WRITING"]),
            growth=self.arrays.growth,
            overflow=self.arrays.overflow,
            pins=Pins(self.fields["niterators"], retired=memory.retired),
            notes=tuple(self.notes),
            problems=tuple(self.problems),
        )

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """I4 to I15 of hmap_internal.h, except what the header already showed; see family.Map."""
        if self.header.arrays:
            yield from BucketAudit(
                self.header,
                self.walked(),
                key_hash=self.key_hash,
                owned_keys=bool(self.type.fields["key_ownership"]),
                next_overflow=self.fields["nextOverflow"] if self.arrays.spare_left else 0,
                noverflow_at=self._field_address("noverflow"),
            ).run()
        for array in self.header.pins.retired:
            yield from iter_retired_problems(
                Arrays(self.target, self.layout, self.marks, array, None, f"{array.name} ")
            )

    def check_placement(self) -> Iterator[Problem] | None:
        """See family.Map."""
        if self.key_hash is None:
            return None
        return (one for one in self.audit() if isinstance(one, Problem) and one.invariant == "I8")

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map."""
        if self.key_hash is None or not self.header.arrays:
            return None
        number = self.key_hash.hash_bytes(key)
        new, *old = self.header.arrays
        if old:
            bucket = number % old[0].buckets
            chain = next(self.iter_chains(old[0].name, bucket, bucket + 1))
            main = next(chain.links)
            if main.tophash and not main.marks[0].startswith("evacuated"):
                return Place(old[0].name, bucket)
        return Place(new.name, number % new.buckets)

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        return [self.struct, self.type.layout, self.arrays.layout, self.type.bucket_struct()]

    @functools.cached_property
    def key_hash(self) -> KeyHash | None:
        """The map's hash if it is one of the library's own and can be computed here."""
        function = self.target.function_at(self.type.fields["hash"])
        if function not in FUNCTIONS or importlib.util.find_spec("xxhash") is None:
            return None
        return KeyHash(self.target, function, self.fields["hash0"])

    # ---- the header

    def _check_header(self) -> None:
        """I2, I3 and I15: what needs no walk and the arrays have not shown."""
        fields, arrays = self.fields, self.arrays.walked
        unknown = fields["flags"] & ~self.flags["ALL"]
        if unknown:
            self._problem("I2", f"flags has unknown bits 0x{unknown:x}", "flags")
        kinds = self.target.lookup_type("enum hmap_key_kind")
        if kinds is not None and fields["key_kind"] not in dict(kinds.enumerators).values():
            self._problem("I2", f"key_kind is {fields['key_kind']}, an unknown one", "key_kind")
        limit = arrays[-1].buckets if arrays else 1
        if len(arrays) > 1 and fields["nevacuate"] >= limit:
            text = f"nevacuate is {fields['nevacuate']:,} of {limit:,} old buckets, still growing"
            self._problem("I2", text, "nevacuate")
        elif not fields["oldbuckets"] and fields["nevacuate"] > limit:
            text = f"nevacuate is {fields['nevacuate']:,} of {limit:,} buckets"
            self._problem("I2", text, "nevacuate")
        self.arrays.check_pins()
        if fields["graveyard"] and not fields["niterators"]:
            text = "the graveyard is not empty, but no iterator is open"
            self._problem("I15", text, "graveyard")

    # ---- helpers

    def _field_address(self, name: str) -> int:
        return self.address + self.struct[name].offset

    def _problem(
        self, invariant: str, text: str, field: str | None, address: int | None = None
    ) -> None:
        at = address if field is None else self._field_address(field)
        self.problems.append(Problem(text, at, invariant))

    def _creation_site(self) -> str:
        # A return address: the call is just before it.
        site = self.fields["created_at"]
        return (self.target.describe_address(site - 1) or "") if site else ""


def marks(target: Target) -> Marks:
    values = enumerators(target, "enum hmap_tophash", "HMAP_TOPHASH_", MARKS)
    return Marks(*(values[name] for name in MARKS))
