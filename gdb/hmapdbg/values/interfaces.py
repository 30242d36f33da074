"""What Go's interfaces hold: types by their descriptors in the target's memory.

An interface is two words: a type descriptor (behind an itab, where it has methods) and a pointer to
the value, or the value itself where that is one pointer. The descriptors say all that is needed,
also of types that debug info lacks because no variable has them; where their own fields lie comes
from debug info (src/internal/abi/type.go, up to go1.20 src/runtime/type.go).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..target import Field, Kind, MemoryFault, Target, TargetError, Type
from ..target.types import array_of, pointer_to
from .go_descriptors import descriptor_fields, read_name

Words = NDArray[np.uint64]

MAX_SIZE = 1 << 20  # bytes of a value; larger ones are a broken descriptor
MAX_FIELDS = 1000
MAX_DEPTH = 16  # of structs and arrays in one another
MAX_NAME = 256
MAX_TYPES = 100_000

# internal/abi/type.go Kind
BOOL, INT, UINT, UINTPTR, FLOAT32, FLOAT64, COMPLEX64, COMPLEX128 = 1, 2, 7, 12, 13, 14, 15, 16
ARRAY, CHAN, FUNC, INTERFACE, MAP, POINTER, SLICE, STRING, STRUCT, UNSAFE = range(17, 27)
KIND_MASK = 31  # up to go1.25 a flag shares the byte
NAMES = dict(
    enumerate(
        "bool int int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 uintptr float32 float64 "
        "complex64 complex128".split(),
        BOOL,
    )
)
POINTER_KINDS = (CHAN, FUNC, MAP, POINTER, UNSAFE)

BYTE = Type(Kind.INTEGER, "uint8", 1)
CODE = Type(Kind.OTHER, "code", 0)


def is_interface(found: Type) -> bool:
    """Whether values of a struct are Go's interfaces (runtime/runtime2.go eface and iface)."""
    if found.kind is not Kind.STRUCT or len(found.fields) != 2:
        return False
    return (found.fields[0].name, found.fields[1].name) in (("_type", "data"), ("tab", "data"))


@dataclass(frozen=True)
class Dynamic:
    """The type of what an interface holds. `direct`: the value is in the interface itself."""

    type: Type
    direct: bool


class RuntimeTypes:
    """Types by the address of their descriptor; None where there is none that makes sense."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: dict[int, Dynamic | None] = {}
        self._layouts: dict[str, dict[str, Field]] = {}
        self._direct_flag: tuple[str, int] | None = None
        self._direct_known = False

    def dynamic(self, addr: int) -> Dynamic | None:
        """What a descriptor describes."""
        if addr not in self._known:
            if len(self._known) >= MAX_TYPES:
                self._known.clear()
            try:
                self._known[addr] = self._read(addr, 0)
            except (MemoryFault, _NoType):
                self._known[addr] = None
        return self._known[addr]

    def gather(self, addrs: Words, size: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Values of `size` bytes in the target's memory, as Memory.gather gives them."""
        return self._target.gather(addrs, size)

    def of_itabs(self, itabs: Words) -> tuple[Words, NDArray[np.bool_]]:
        """The descriptors that itabs (n,) name, 0 for nil; and which could be read."""
        out = np.zeros(len(itabs), np.uint64)
        ok = itabs == 0
        there = np.flatnonzero(~ok)
        member = self._layout("internal/abi.ITab", "runtime.itab").get("type")
        if member is None or len(there) == 0:
            return out, ok
        width = self._target.pointer_size
        addrs = itabs[there] + np.uint64(member.offset)
        rows, readable = self._target.gather(addrs, width)
        out[there] = rows.view(f"{self._target.order}u{width}").ravel()
        ok[there] = readable
        return out, ok

    # ---- descriptors

    def _read(self, addr: int, depth: int) -> Dynamic:
        layout = self._layout("internal/abi.Type", "runtime._type")
        if depth > MAX_DEPTH or addr == 0 or not {"size", "kind", "tflag"} <= set(layout):
            raise _NoType
        size = self._uint(addr, layout["size"])
        byte = self._uint(addr, layout["kind"])
        kind = byte & KIND_MASK
        if size > MAX_SIZE or not BOOL <= kind <= UNSAFE:
            raise _NoType
        found = self._type(addr, kind, size, depth)
        if found.size != size:
            raise _NoType
        flag = self._flag()
        if flag is None:
            direct = _is_one_pointer(found)
        else:
            direct = bool(
                (byte if flag[0] == "kind" else self._uint(addr, layout["tflag"])) & flag[1]
            )
        if direct and size != self._target.pointer_size:
            raise _NoType
        return Dynamic(found, direct)

    def _type(self, addr: int, kind: int, size: int, depth: int) -> Type:
        width = self._target.pointer_size
        name = NAMES.get(kind, "")
        if kind == BOOL:
            return Type(Kind.BOOLEAN, name, size)
        if INT <= kind <= UINTPTR:
            return Type(Kind.INTEGER, name, size, signed=kind < UINT)
        if kind in (FLOAT32, FLOAT64):
            return Type(Kind.FLOAT, name, size, signed=True)
        if kind in (COMPLEX64, COMPLEX128):
            part = Type(Kind.FLOAT, f"float{size * 4}", size // 2, signed=True)
            fields = Field("real", 0, part), Field("imag", size // 2, part)
            return Type(Kind.STRUCT, name, size, fields=fields)
        if kind in POINTER_KINDS:
            return Type(Kind.POINTER, "unsafe.Pointer", width, resolve=lambda: CODE)
        pointer = Type(Kind.POINTER, "unsafe.Pointer", width, resolve=lambda: CODE)
        length = Type(Kind.INTEGER, "int", width, signed=True)
        if kind == STRING:
            text = Field("str", 0, pointer_to(BYTE, width)), Field("len", width, length)
            return Type(Kind.STRUCT, "string", size, fields=text)
        if kind == SLICE:
            fields3 = (
                Field("array", 0, pointer),
                Field("len", width, length),
                Field("cap", 2 * width, length),
            )
            return Type(Kind.STRUCT, "slice", size, fields=fields3)
        if kind == INTERFACE:
            layout = self._layout("internal/abi.InterfaceType", "runtime.interfacetype")
            methods = layout.get("methods") or layout.get("mhdr")
            if methods is None:
                raise _NoType
            count = self._target.read_uint(addr + methods.offset + width)
            words = Field("tab" if count else "_type", 0, pointer), Field("data", width, pointer)
            return Type(Kind.STRUCT, "interface", size, fields=words)
        if kind == ARRAY:
            return self._array(addr, depth)
        return self._struct(addr, size, depth)

    def _array(self, addr: int, depth: int) -> Type:
        layout = self._layout("internal/abi.ArrayType", "runtime.arraytype")
        if not {"elem", "len"} <= set(layout):
            raise _NoType
        element = self._read(self._uint(addr, layout["elem"]), depth + 1).type
        count = self._uint(addr, layout["len"])
        if count * element.size > MAX_SIZE:
            raise _NoType
        return array_of(element, count)

    def _struct(self, addr: int, size: int, depth: int) -> Type:
        layout = self._layout("internal/abi.StructType", "runtime.structtype")
        member = self._layout("internal/abi.StructField", "runtime.structfield")
        if "fields" not in layout or not {"name", "typ", "offset"} <= set(member):
            raise _NoType
        width = self._target.pointer_size
        at = addr + layout["fields"].offset
        first, count = self._target.read_uint(at), self._target.read_uint(at + width)
        if count > MAX_FIELDS:
            raise _NoType
        step = sum(field.type.size for field in member.values())
        fields = []
        for number in range(count):
            here = first + number * step
            found = self._read(self._uint(here, member["typ"]), depth + 1).type
            offset = self._uint(here, member["offset"])
            if offset + found.size > size:
                raise _NoType
            fields.append(Field(self._name(here, member["name"]), offset, found))
        return Type(Kind.STRUCT, "struct", size, fields=tuple(fields))

    def _name(self, addr: int, member: Field) -> str:
        return read_name(self._target, self._uint(addr, member), MAX_NAME)

    def _uint(self, addr: int, field: Field) -> int:
        if not 0 < field.type.size <= 8:
            raise _NoType
        return self._target.read_uint(addr + field.offset, field.type.size)

    # ---- debug info

    def _layout(self, *names: str) -> dict[str, Field]:
        """descriptor_fields(), asked once."""
        if names[0] not in self._layouts:
            self._layouts[names[0]] = descriptor_fields(self._target, *names)
        return self._layouts[names[0]]

    def _flag(self) -> tuple[str, int] | None:
        """The field and the bit that say that a value is in the interface itself."""
        if not self._direct_known:
            self._direct_known = True
            for field, name in (
                ("tflag", "internal/abi.TFlagDirectIface"),
                ("kind", "internal/abi.KindDirectIface"),
                ("kind", "runtime.kindDirectIface"),
            ):
                try:
                    value = self._target.evaluate(f"'{name}'")
                except TargetError:
                    continue
                self._direct_flag = field, int.from_bytes(value.data, self._target.byte_order)
                break
        return self._direct_flag


class _NoType(Exception):
    """No descriptor that makes sense."""


def _is_one_pointer(found: Type) -> bool:
    """cmd/compile/internal/types/type.go IsDirectIface(), up to go1.25."""
    if found.kind is Kind.POINTER:
        return True
    if found.kind is Kind.ARRAY:
        return found.count == 1 and _is_one_pointer(found.target)
    return len(found.fields) == 1 and _is_one_pointer(found.fields[0].type)
