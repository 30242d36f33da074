"""libhmap's list of all maps of the process (struct hmap_registry of hmap_internal.h)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...compat import dataclass
from ...layout import struct_layout
from ...target import Kind, MemoryFault, Target, TargetError, Type, Value
from ...target.types import pointer_to

HEAD = "hmap_registry"
MOST = 1_000_000  # maps followed
OVER = "its time was over"


@dataclass(frozen=True)
class Registry:
    """The maps found, oldest first, and what stopped the walk early (empty: nothing)."""

    maps: Sequence[Value]
    trouble: str = ""


def read_registry(target: Target, is_over: Callable[[], bool] = lambda: False) -> Registry:
    """All maps of the process, or those before time `is_over`. A broken list gives the maps before
    the break, and says so. TargetError if there is no list."""
    head = _head(target)
    layout = struct_layout(head.type, ("first", "count"))
    first = layout.decode(head.data, target.byte_order)["first"]
    member = head.type.find("first")
    assert member is not None
    struct = member.type.target
    if struct.find("registry_next") is None:
        struct = target.lookup_type(struct.name) or struct
    link = struct.find("registry_next")
    if link is None:
        raise TargetError(
            f"no debug info for '{struct.name}': load libhmap's symbols, or build it with -g"
        )
    addresses, trouble = _follow(target, first, link.offset, is_over)
    maps = [_value(target, struct, address) for address in reversed(addresses)]
    return Registry(maps, trouble)


def _head(target: Target) -> Value:
    try:
        head = target.evaluate(HEAD)
    except TargetError as error:
        text = str(error)
        if text.startswith("no symbol") or "no symbol table" in text:
            text = (
                f"no maps: the program has no '{HEAD}': it does not use libhmap, or is stripped: "
                "name maps with --map"
            )
        elif "is unknown" in text:
            text = f"no debug info for '{HEAD}': build libhmap with -g, or name maps with --map"
        elif text.startswith("cannot read"):
            text = f"the core does not hold the memory of '{HEAD}'"
        raise TargetError(text) from None
    if head.type.kind is not Kind.STRUCT or head.type.find("first") is None:
        raise TargetError(f"'{HEAD}' is not a struct hmap_registry: name maps with --map")
    return head


def _follow(
    target: Target, first: int, link: int, is_over: Callable[[], bool]
) -> tuple[list[int], str]:
    """The addresses from `first` along the pointer at `link`, and what ended them early."""
    found: dict[int, None] = {}
    address = first
    while address:
        after = f"after {len(found):,} {'map' if len(found) == 1 else 'maps'}"
        if address in found:
            return list(found), f"the list of maps is broken: it is a cycle {after}"
        if address % target.pointer_size:
            return list(found), f"the list of maps is broken: 0x{address:x} {after} is not a map"
        if is_over():
            return list(found), f"{OVER}, {after}"
        if len(found) == MOST:
            return list(found), f"the list of maps is cut {after}"
        try:
            following = target.read_uint(address + link)
        except MemoryFault:
            return list(found), f"the core does not hold the map at 0x{address:x}, {after}"
        found[address] = None
        address = following
    return list(found), ""


def _value(target: Target, struct: Type, address: int) -> Value:
    return Value(
        f"({struct.name} *) 0x{address:x}",
        pointer_to(struct, target.pointer_size),
        address.to_bytes(target.pointer_size, target.byte_order),
    )
