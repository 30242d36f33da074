"""Kinds, flags and structs of Go's type descriptors (src/internal/abi/type.go, up to go1.20
src/runtime/type.go), named as in debug info; the names of all versions, to be tried in turn.
"""

from __future__ import annotations

import enum


class GoKind(enum.IntEnum):
    """internal/abi/type.go Kind."""

    BOOL = 1
    INT = 2
    INT8 = 3
    INT16 = 4
    INT32 = 5
    INT64 = 6
    UINT = 7
    UINT8 = 8
    UINT16 = 9
    UINT32 = 10
    UINT64 = 11
    UINTPTR = 12
    FLOAT32 = 13
    FLOAT64 = 14
    COMPLEX64 = 15
    COMPLEX128 = 16
    ARRAY = 17
    CHAN = 18
    FUNC = 19
    INTERFACE = 20
    MAP = 21
    POINTER = 22
    SLICE = 23
    STRING = 24
    STRUCT = 25
    UNSAFE_POINTER = 26


KIND_MASK = 31  # up to go1.25 flags share the kind's byte
UNCOMMON, EXTRA_STAR, NAMED = 1, 2, 4  # internal/abi/type.go TFlag

# The byte with the flag that an interface holds a value itself, and the flag's name.
DIRECT_FLAGS = (
    ("tflag", "internal/abi.TFlagDirectIface"),
    ("kind", "internal/abi.KindDirectIface"),
    ("kind", "runtime.kindDirectIface"),
)
DIRECT = 32  # the flag in either byte, of every version so far

BASE = ("internal/abi.Type", "runtime._type")
# A whole descriptor, if it is more than a BASE.
STRUCTS = {
    GoKind.ARRAY: ("internal/abi.ArrayType", "runtime.arraytype"),
    GoKind.CHAN: ("internal/abi.ChanType", "runtime.chantype"),
    GoKind.FUNC: ("internal/abi.FuncType", "runtime.functype"),
    GoKind.INTERFACE: ("internal/abi.InterfaceType", "runtime.interfacetype"),
    GoKind.MAP: (
        "internal/abi.MapType",
        "internal/abi.OldMapType",
        "internal/abi.SwissMapType",
        "runtime.maptype",
    ),
    GoKind.POINTER: ("internal/abi.PtrType", "runtime.ptrtype"),
    GoKind.SLICE: ("internal/abi.SliceType", "runtime.slicetype"),
    GoKind.STRUCT: ("internal/abi.StructType", "runtime.structtype"),
}
STRUCT_FIELD = ("internal/abi.StructField", "runtime.structfield")
ITAB = ("internal/abi.ITab", "runtime.itab")
