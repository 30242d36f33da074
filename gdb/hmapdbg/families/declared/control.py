"""Slots with their control bytes apart, as a definition says where they are. Lookups go in windows
of control bytes, as in Swiss tables."""

from __future__ import annotations

from ...geometry.control.layout import RUN, SlotLayout, Table, rows_of
from ...geometry.control.map import ControlMap
from ...geometry.control.shape import ControlSlots
from ...geometry.control_bytes import Control
from ...header import Array, Header
from ...compat import dataclass
from ..family import Map
from ..malloc import Allocation, find_malloc
from .opened import counted, finished, growth_of, parts_of, size_for
from .reading import Subject

MAX_SLOTS = 1 << 36
UNKNOWN = -1  # a limit of which the map says nothing


@dataclass(frozen=True)
class DeclaredControl(ControlSlots):
    """Slots of a declared family, of which it may be unknown when they grow."""

    needs_load_factor = False


def open_control(subject: Subject) -> Map:
    """Opens a map. DefinitionError, TargetError."""
    definition, target = subject.definition, subject.target
    rule = definition.control
    assert rule is not None  # the definition says so
    slots = subject.number(definition.array.length)
    if not 0 <= slots <= MAX_SLOTS:
        raise subject.unsound(f"it has {slots:,} slots")
    base, item = subject.pointer(definition.array.address)
    slot = subject.item_type(definition.array.item, item, definition.array.address)
    control, _ = subject.pointer(rule.address)
    slots = slots if control and base else 0
    clones = subject.optional(rule.clones)
    if not 0 <= clones <= max(slots, rule.window):
        raise subject.unsound(f"{clones:,} of its control bytes are repeated")
    if slots:
        subject.require("slots", base, slots * slot.size)
        subject.require("control bytes", control, slots + clones)
    parts = parts_of(subject, slot, lambda: slot.size, ())
    for part, what in ((parts.key, definition.key), (parts.elem, definition.elem)):
        if part.counted is not None and what is not None:
            raise what.where.error("'length' is for chains and slots")
    blocks = [Allocation(control, slots + clones), Allocation(base, slots * slot.size)]
    rounding = find_malloc(target, blocks) if slots else None
    size = sum(one.size for one in blocks) if rounding is None else sum(rounding[1])
    layout = SlotLayout(
        size=slot.size,
        key=parts.key.offset,
        key_size=parts.key.size,
        elem=parts.elem.offset,
        elem_size=parts.elem.size,
        control=Control(rule.empty, rule.deleted),
        window=rule.window,
        clones=clones,
    )
    grows_at = subject.optional(definition.grows_at)
    limit = subject.optional(rule.limit, grows_at) if rule.growth_left is not None else UNKNOWN
    left = subject.optional(rule.growth_left)
    left_at = subject.address_of(rule.growth_left, subject.address)
    count = None if definition.count is None else subject.number(definition.count)
    count_at = subject.address_of(definition.count, subject.address)
    geometry = DeclaredControl(
        slots=min(slots, RUN) or RUN,
        bucket_size=min(slots, RUN) or RUN,
        load_factor=max(grows_at, 0) * RUN / max(slots, RUN),
        window=rule.window,
        made_for=lambda live: size_for(live, slots, grows_at, size),
    )
    structs = subject.layouts({"slot": slot})

    def made(entries: int) -> ControlMap:
        table = Table(
            slots=slots,
            base=base,
            growth_left=left,
            limit=limit,
            items=entries,
            items_at=count_at,
            growth_left_at=left_at,
        )
        header = Header(
            family=definition.name,
            expression=subject.value.expression,
            type_name=subject.value.type.name,
            address=subject.address,
            count_at=count_at,
            key_type=parts.key.type,
            elem_type=parts.elem.type,
            count=entries,
            arrays=(Array("slots", control, rows_of(slots), size),) if slots else (),
            geometry=geometry,
            header_size=subject.type.size,
            is_rounded=rounding is not None if slots else None,
            unique_keys=not definition.is_multi,
            count_rule="R1",
            growth=growth_of(subject, grows_at),
        )
        return ControlMap(
            target,
            header,
            layout,
            (table,) if slots else (),
            structs,
            compare_keys=parts.compares_bytes and not definition.is_multi,
        )

    return finished(target, counted(made, count), parts)
