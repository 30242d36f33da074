"""What Go's interfaces hold, as types of debug info: by the name that the type's descriptor has.

Where the fields of a descriptor lie comes from debug info (src/internal/abi/type.go, up to go1.20
src/runtime/type.go), and so do the types themselves; the names are the only text that is taken from
the target, and they are looked up, not evaluated.
"""

from __future__ import annotations

import re

from ..compat import dataclass
from ..families.go_types import find_value
from ..target import Field, MemoryFault, Target, Type
from ..target.types import pointer_to
from ..values.go_descriptors import descriptor_fields, read_name

# internal/abi/type.go Kind, TFlag
ARRAY, CHAN, FUNC, INTERFACE, MAP, POINTER, SLICE, STRING, STRUCT = range(17, 26)
KIND_MASK = 31
DIRECT = 32  # in the kind, up to go1.25
UNCOMMON, EXTRA_STAR, NAMED = 1, 2, 4
DIRECT_FLAG = 32  # in tflag, from go1.26 on
MAX_NAME = 4096
MAX_DEPTH = 16
# What stands in front of the methods of a named type, by its kind.
STRUCTS = {
    ARRAY: "ArrayType",
    CHAN: "ChanType",
    FUNC: "FuncType",
    INTERFACE: "InterfaceType",
    POINTER: "PtrType",
    SLICE: "SliceType",
    STRUCT: "StructType",
}

_QUALIFIER = re.compile(r"^[^.\[]*\.")


@dataclass(frozen=True)
class Held:
    """What an interface holds. `direct`: the value lies in the interface's own second word."""

    type: Type
    name: str  # as Go writes it
    direct: bool


class HeldTypes:
    """Types by the address of their descriptor; None where debug info has none."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: dict[int, Held | None] = {}
        self._layouts: dict[str, dict[str, Field]] = {}
        self._types_at: int | None = None

    def of(self, addr: int) -> Held | None:
        """What the descriptor at an address describes."""
        if addr not in self._known:
            try:
                self._known[addr] = self._read(addr)
            except (MemoryFault, KeyError, RecursionError):
                self._known[addr] = None
        return self._known[addr]

    def of_itab(self, addr: int) -> Held | None:
        """The same, for an interface with methods."""
        member = self._layout("ITab", "runtime.itab").get("type")
        if member is None:
            return None
        try:
            return self.of(self._target.read_uint(addr + member.offset))
        except MemoryFault:
            return None

    def name_at(self, addr: int) -> str:
        """The name in the descriptor at an address; empty where there is none that makes sense."""
        try:
            return self._name(addr, 0)
        except (MemoryFault, KeyError, RecursionError):
            return ""

    def _read(self, addr: int) -> Held | None:
        name = self._name(addr, 0)
        stars = len(name) - len(name.lstrip("*"))
        found = self._target.lookup_type(name[stars:])
        if found is None or not found.size:
            return None
        for _ in range(stars):
            found = pointer_to(found, self._target.pointer_size)
        layout = self._layout("Type", "runtime._type")
        kind = self._uint(addr, layout["kind"])
        direct = kind & DIRECT or self._uint(addr, layout["tflag"]) & DIRECT_FLAG
        return Held(found, name, bool(direct) and found.size == self._target.pointer_size)

    def _name(self, addr: int, depth: int) -> str:
        """A type's name as debug info has it: with the whole path of its package."""
        if depth > MAX_DEPTH:
            raise KeyError(addr)
        layout = self._layout("Type", "runtime._type")
        kind = self._uint(addr, layout["kind"]) & KIND_MASK
        flags = self._uint(addr, layout["tflag"])
        text = self._text(self._base(addr) + self._uint(addr, layout["str"]))
        if flags & EXTRA_STAR:
            text = text[1:]
        if not flags & NAMED:
            return self._composed(addr, kind, text, depth)
        if flags & UNCOMMON and "." in text:
            package = self._package(addr, kind)
            if package:
                # The package's last part is in the text already; so are arguments of generics.
                return package + "." + _QUALIFIER.sub("", text)
        return text

    def _composed(self, addr: int, kind: int, text: str, depth: int) -> str:
        """The name of a type without a name of its own, out of those of its parts."""
        width = self._target.pointer_size

        def part(name: str, old: str, field: str) -> str:
            member = self._layout(name, old)[field]
            return self._name(self._target.read_uint(addr + member.offset), depth + 1)

        if kind == POINTER:
            return "*" + part("PtrType", "runtime.ptrtype", "elem")
        if kind == SLICE:
            return "[]" + part("SliceType", "runtime.slicetype", "elem")
        if kind == ARRAY:
            length = self._layout("ArrayType", "runtime.arraytype")["len"]
            count = self._target.read_uint(addr + length.offset, width)
            return f"[{count}]" + part("ArrayType", "runtime.arraytype", "elem")
        if kind == MAP:
            names = "OldMapType", "runtime.maptype"
            if not self._layout(*names):
                names = "MapType", "internal/abi.SwissMapType"
            return f"map[{part(*names, 'key')}]{part(*names, 'elem')}"
        return text

    def _package(self, addr: int, kind: int) -> str:
        """The path of a named type's package, behind what its kind has of its own."""
        name = STRUCTS.get(kind, "MapType" if kind == MAP else "Type")
        found = self._target.lookup_type(f"internal/abi.{name}")
        if found is None and kind == MAP:
            for other in ("internal/abi.OldMapType", "internal/abi.SwissMapType"):
                found = found or self._target.lookup_type(other)
        if found is None:
            old = {"Type": "_type"}.get(name, name.lower())
            found = self._target.lookup_type(f"runtime.{old}")
        if found is None:
            return ""
        offset = self._target.read_uint(addr + found.size, 4)
        return self._text(self._base(addr) + offset) if offset else ""

    def _base(self, addr: int) -> int:
        """Where names are counted from: the module's types. Plugins have modules of their own."""
        if self._types_at is None:
            module = find_value(self._target, "runtime.firstmoduledata")
            member = module.type.find("types") if module is not None else None
            if module is None or member is None:
                raise KeyError(addr)
            data = module.data[member.offset : member.offset + member.type.size]
            self._types_at = int.from_bytes(data, self._target.byte_order)
        return self._types_at

    def _text(self, addr: int) -> str:
        return read_name(self._target, addr, MAX_NAME)

    def _uint(self, addr: int, member: Field) -> int:
        return self._target.read_uint(addr + member.offset, member.type.size)

    def _layout(self, name: str, old: str) -> dict[str, Field]:
        """descriptor_fields(), asked once; `old`: what the struct was called in package runtime."""
        if name not in self._layouts:
            new = name if "." in name else f"internal/abi.{name}"
            self._layouts[name] = descriptor_fields(self._target, new, old)
        return self._layouts[name]
