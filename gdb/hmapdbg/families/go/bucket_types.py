"""What all bucket maps of one Go type share: layouts, key and elem types, marks, geometry."""

from __future__ import annotations

from collections.abc import Callable

from ...geometry.chains.layout import BucketLayout, Marks
from ...geometry.chains.shape import BucketChains
from ...languages.go import Constants, go_layout, slot_value
from ...layout import Member, StructLayout
from ...target import Kind, Target, TargetError, Type
from ..two_arrays import spare_buckets
from .blocks import Blocks, has_pointers
from .no_types import NoTypes

HEADER_FIELDS = "count flags B noverflow hash0 buckets oldbuckets nevacuate extra".split()
BUCKET_FIELDS = "tophash keys values overflow".split()

SOURCE = "runtime/map.go of go1.23"
MAX_BUCKET_SIZE = 1 << 20  # far above what 128-byte slots allow


class BucketTypes:
    """Of the map type with the header `found`. TargetError, NoTypes."""

    key_type: Type
    elem_type: Type
    bucket: BucketLayout

    def __init__(self, target: Target, found: Type) -> None:
        self.struct = go_layout(found, HEADER_FIELDS)
        self.bucket_struct = self._bucket_struct()
        constants = Constants(target)
        self.marks = _marks(constants)
        self.flags = _flags(constants)
        # 13/2, but 12/2 in go1.21 (runtime/map.go).
        least = max(constants.get(2, "runtime.loadFactorDen"), 1)
        load_factor = constants.get(13, "runtime.loadFactorNum") / least
        self.notes = constants.notes(SOURCE)
        self._set_types(target)
        blocks = target.kept(Blocks)
        pairs = (self.key_type, self.bucket.key_boxed), (self.elem_type, self.bucket.elem_boxed)
        scanned = any(boxed or has_pointers(one) for one, boxed in pairs)
        self.box_size = sum(
            blocks.size(one.size, has_pointers(one)) for one, boxed in pairs if boxed
        )
        self.array_size: Callable[[int], int] = lambda size: blocks.size(size, scanned)
        self.usable: Callable[[int], int] = lambda size: blocks.usable(size, scanned)
        self.header_size = blocks.size(self.struct.size)
        self.geometry = BucketChains(
            *(self.bucket.slots, self.bucket.size, load_factor, spare_buckets),
            block=self.array_size,
        )

    def _bucket_struct(self) -> StructLayout:
        pointer = self.struct["buckets"].type
        found = pointer.target if pointer.kind is Kind.POINTER else pointer
        if not found.fields:
            raise NoTypes
        layout = go_layout(found, BUCKET_FIELDS)
        for name in ("tophash", "keys", "values"):
            member = layout[name].type
            if member.kind is not Kind.ARRAY or member.count != layout["tophash"].type.count:
                raise TargetError(
                    f"field '{name}' of '{layout.name}' is not an array of its slots: not a map "
                    f"that this version knows; see 'ptype {layout.name}'"
                )
        return layout

    def _set_types(self, target: Target) -> None:
        """Key and elem types, and the layout of a bucket."""
        struct = self.bucket_struct
        slots = struct["tophash"].type.count
        if not 0 < struct.size <= MAX_BUCKET_SIZE or not slots:
            raise TargetError(
                f"'{struct.name}' has {struct.size:,} bytes: not a map that this version knows"
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
            align=target.pointer_size,
        )


def _inner(member: Member, prefix: str) -> str:
    """K of a type "[]key<K>"; empty for other names."""
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
