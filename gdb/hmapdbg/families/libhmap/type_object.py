"""struct hmap_type: what a map's own type object says about keys, elems and buckets.

Key and elem types come from `struct TAG` if that agrees with the type object; otherwise they are
shown as bytes."""

from __future__ import annotations

import re

from ...geometry.chains.layout import BucketLayout
from ...layout import Member, StructLayout, struct_layout
from ...target import Field, Kind, Target, TargetError, Type
from ...target.types import array_of, byte_array, pointer_to
from .records import decode, required_type, short_text

TYPE_FIELDS = (
    "tag key_size elem_size key_slot_size elem_slot_size key_align elem_align keys_offset "
    "elems_offset overflow_offset bucket_size bucket_align key_ownership hash"
).split()
SLOTS = 8
MAX_BUCKET_SIZE = 1 << 20  # far above what 128-byte slots allow
MAX_VALUE_SIZE = 64 << 20  # of a key or elem; larger: a broken type object
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class TypeObject:
    """The type object at an address, of the map that the user called `expression`. TargetError."""

    def __init__(self, target: Target, address: int, expression: str) -> None:
        self.target = target
        self.notes: list[str] = []
        self.layout = struct_layout(required_type(target, "struct hmap_type"), TYPE_FIELDS)
        self.fields = decode(target, self.layout, address, "type object", expression)
        if not self._is_sound():
            raise TargetError(
                f"'{expression}' is not a valid map: its type object at 0x{address:x} is not "
                "valid: the pointer is wild, or the map was freed"
            )
        self.tag = short_text(target, self.fields["tag"])
        self.key_type, self.elem_type = self._value_types()
        self.bucket = self._bucket_layout()

    def _is_sound(self) -> bool:
        """Whether its geometry is valid, so that buckets can be read by it."""
        kind, slots, pointer = self.fields, SLOTS, self.target.pointer_size
        return (
            0 < kind["bucket_size"] <= MAX_BUCKET_SIZE
            and kind["key_size"] > 0
            and kind["elem_size"] > 0
            and kind["key_slot_size"] in (kind["key_size"], pointer)
            and kind["elem_slot_size"] in (kind["elem_size"], pointer)
            and slots <= kind["keys_offset"]
            and kind["keys_offset"] + slots * kind["key_slot_size"] <= kind["elems_offset"]
            and kind["elems_offset"] + slots * kind["elem_slot_size"] <= kind["overflow_offset"]
            and kind["overflow_offset"] + pointer <= kind["bucket_size"]
            and max(kind["key_size"], kind["elem_size"]) <= MAX_VALUE_SIZE
        )

    def _value_types(self) -> tuple[Type, Type]:
        """Key and elem types from `struct TAG` if it agrees with the type object; else bytes."""
        kind, tag = self.fields, self.tag
        fallback = byte_array(kind["key_size"]), byte_array(kind["elem_size"])
        if not _IDENTIFIER.match(tag):
            self.notes.append("the type object's tag is not an identifier: keys and elems as bytes")
            return fallback
        bucket = self.target.lookup_type(f"struct {tag}")
        if bucket is None or not bucket.fields:
            self.notes.append(f"no debug info for 'struct {tag}': keys and elems as bytes")
            return fallback
        keys, elems, overflow = (bucket.find(name) for name in ("keys", "elems", "overflow"))
        if (
            keys is None
            or elems is None
            or overflow is None
            or (bucket.size, keys.offset, elems.offset, overflow.offset)
            != tuple(
                kind[name]
                for name in ("bucket_size", "keys_offset", "elems_offset", "overflow_offset")
            )
            or (keys.type.kind, keys.type.size) != (Kind.ARRAY, 8 * kind["key_slot_size"])
            or (elems.type.kind, elems.type.size) != (Kind.ARRAY, 8 * kind["elem_slot_size"])
        ):
            self.notes.append(
                f"'struct {tag}' differs from the map's type object: keys and elems as bytes"
            )
            return fallback
        return (
            self._value_type(keys, kind["key_size"], kind["key_slot_size"], fallback[0]),
            self._value_type(elems, kind["elem_size"], kind["elem_slot_size"], fallback[1]),
        )

    def _value_type(self, slots: Field, size: int, slot_size: int, fallback: Type) -> Type:
        found = slots.type.target
        if found.size != slot_size:
            return fallback
        if size != slot_size:
            found = found.target if found.kind is Kind.POINTER else fallback
        return found if found.size == size else fallback

    def _bucket_layout(self) -> BucketLayout:
        kind = self.fields
        return BucketLayout(
            size=kind["bucket_size"],
            tophash=0,
            keys=kind["keys_offset"],
            key_slot=kind["key_slot_size"],
            elems=kind["elems_offset"],
            elem_slot=kind["elem_slot_size"],
            overflow=kind["overflow_offset"],
            key_size=kind["key_size"],
            elem_size=kind["elem_size"],
            key_boxed=kind["key_size"] != kind["key_slot_size"],
            elem_boxed=kind["elem_size"] != kind["elem_slot_size"],
            align=kind["bucket_align"] if kind["bucket_align"] in (1, 2, 4, 8, 16, 32, 64) else 1,
        )

    def box_sizes(self) -> list[int]:
        """Bytes of the boxes that an entry has outside the buckets, each with its front."""
        box = required_type(self.target, "struct hmap_box")
        before = max(box.size, self.box_align())
        return [self.fields[f"{part}_size"] + before for part in self._boxed_parts()]

    def box_align(self) -> int:
        """The alignment of a map's boxes: one for all (array.c box_alignment()); 0: unknown."""
        aligns = [self.fields[f"{part}_align"] for part in self._boxed_parts()]
        return max((one for one in aligns if one <= MAX_BUCKET_SIZE), default=0)

    def _boxed_parts(self) -> list[str]:
        kind = self.fields
        return [
            part for part in ("key", "elem") if kind[f"{part}_size"] != kind[f"{part}_slot_size"]
        ]

    def bucket_struct(self) -> StructLayout:
        """The bucket as it is read, from the numbers of the type object."""
        kind, pointer = self.fields, self.target.pointer_size
        byte = Type(Kind.INTEGER, "uint8_t", 1)
        link = Type(Kind.POINTER, f"struct {self.tag} *", pointer)
        keys, elems = self._slot_type("key"), self._slot_type("elem")
        members = (
            Member("tophash", 0, 8, array_of(byte, 8), "hmap.h"),
            Member("keys", kind["keys_offset"], keys.size, keys, "type object"),
            Member("elems", kind["elems_offset"], elems.size, elems, "type object"),
            Member("overflow", kind["overflow_offset"], pointer, link, "type object"),
        )
        return StructLayout(f"struct {self.tag}", kind["bucket_size"], members)

    def _slot_type(self, part: str) -> Type:
        """The type of a bucket's keys or elems."""
        found = self.key_type if part == "key" else self.elem_type
        if self.fields[f"{part}_size"] != self.fields[f"{part}_slot_size"]:
            found = pointer_to(found, self.target.pointer_size)
        return array_of(found, 8)
