"""A map family outside the package: one module that registers itself."""

from __future__ import annotations

from hmapdbg.families import register
from hmapdbg.families.family import has_fields
from hmapdbg.geometry.probing import linear
from hmapdbg.geometry.slots.layout import SlotLayout, used_if_not_zero
from hmapdbg.geometry.slots.map import SlotMap
from hmapdbg.geometry.slots.shape import FlatSlots
from hmapdbg.header import Array, Header
from hmapdbg.layout import struct_layout
from hmapdbg.target import Target, Type, Value


class ToyFamily:
    """Recognises struct toy_map."""

    name = "toy"
    words = ("toy",)
    describes = "struct toy_map"
    has_nil = False
    is_handle = False
    headers = (("toy_count", "toy_capacity", "toy_slots"),)

    def recognise(self, found: Type) -> bool:
        return has_fields(found, self.headers[0])

    def open(self, target: Target, value: Value, found: Type, address: int) -> SlotMap:
        struct = struct_layout(found, self.headers[0])
        fields = struct.decode(target.read(address, struct.size), target.byte_order)
        slot = struct_layout(struct["toy_slots"].type.target, ("key", "value", "used"))
        count = fields["toy_capacity"]
        header = Header(
            family=self.name,
            expression=value.expression,
            type_name=value.type.name,
            address=address,
            count_at=address + struct["toy_count"].offset,
            key_type=slot["key"].type,
            elem_type=slot["value"].type,
            count=fields["toy_count"],
            arrays=(Array("buckets", fields["toy_slots"], count, count * slot.size),),
            geometry=FlatSlots(1, slot.size, 0.75, linear),
            header_size=struct.size,
        )
        layout = SlotLayout(
            slot.size,
            slot["key"].offset,
            slot["key"].size,
            slot["value"].offset,
            slot["value"].size,
            used_if_not_zero(slot["used"].offset),
        )
        return SlotMap(target, header, layout, [struct, slot])


register(ToyFamily())
