"""Go's type descriptors in fake memory: types, their names, values of interfaces, and descriptors
that must be rejected."""

from __future__ import annotations

import gc
import struct
import weakref

import numpy as np
import pytest

from hmapdbg.block import Column
from hmapdbg.languages.go import DeclaredTypes, find_value
from hmapdbg.languages.go.abi import GoKind
from hmapdbg.languages.go.described import DescribedTypes
from hmapdbg.languages.go.descriptors import Descriptors, NoDescriptor
from hmapdbg.languages.go.interfaces import find_interface, is_interface
from hmapdbg.languages.go.type_names import type_name
from hmapdbg.target import Field, Kind, Type, Value
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import pointer_to
from hmapdbg.values import Renderer

BYTE = Type(Kind.INTEGER, "uint8", 1)
HALF = Type(Kind.INTEGER, "uint32", 4)
WORD = Type(Kind.INTEGER, "uint64", 8)
POINTER = pointer_to(BYTE, 8)
EFACE, IFACE = (
    Type(
        Kind.STRUCT,
        "runtime.face",
        16,
        fields=(Field(first, 0, POINTER), Field("data", 8, POINTER)),
    )
    for first in ("_type", "tab")
)
UNCOMMON, EXTRA_STAR, NAMED = 1, 2, 4


def debug_info(old: bool) -> dict[str, Type]:
    """The runtime's structs as in go1.26, or with the names up to go1.20."""

    def made(name: str, size: int, *fields: tuple[str, int, Type]) -> Type:
        return Type(Kind.STRUCT, name, size, fields=tuple(Field(*field) for field in fields))

    base = made(
        "Type",
        48,
        ("size" if old else "Size_", 0, WORD),
        ("tflag" if old else "TFlag", 20, BYTE),
        ("kind" if old else "Kind_", 23, BYTE),
        ("str" if old else "Str", 40, HALF),
    )
    first = ("typ" if old else "Type", 0, base)
    elem = ("elem" if old else "Elem", 48, POINTER)
    structs = {
        "Type": base,
        "ArrayType": made("a", 72, first, elem, ("len" if old else "Len", 64, WORD)),
        "PtrType": made("p", 56, first, elem),
        "SliceType": made("s", 56, first, elem),
        "MapType": made("m", 104, first, ("Key", 48, POINTER), ("Elem", 56, POINTER)),
        "StructType": made("t", 80, first, ("Fields", 56, made("f", 24))),
        "StructField": made("f", 24, ("Name", 0, WORD), ("Typ", 8, POINTER), ("Offset", 16, WORD)),
        "InterfaceType": made("i", 80, first, ("mhdr" if old else "Methods", 56, made("f", 24))),
        "ITab": made("b", 32, ("_type" if old else "Type", 8, POINTER)),
    }
    if not old:
        return {f"internal/abi.{name}": found for name, found in structs.items()}
    return {
        "runtime._type" if name == "Type" else f"runtime.{name.lower()}": found
        for name, found in structs.items()
    }


class Program:
    """Descriptors in memory, each made by a method that returns its address."""

    START = 0x10000

    def __init__(self, old: bool = False, **constants: int) -> None:
        self.data = bytearray(16)  # no name is at 0
        module = Type(Kind.STRUCT, "moduledata", 8, fields=(Field("types", 0, WORD),))
        values = {
            "'runtime.firstmoduledata'": Value("m", module, struct.pack("<Q", self.START)),
            **{f"'{name}'": Value(name, BYTE, bytes([value])) for name, value in constants.items()},
        }
        self.target = FakeTarget(types=debug_info(old), values=values)

    def put(self, data: bytes) -> int:
        """Stores bytes, and returns their address."""
        at = len(self.data)
        self.data += data + bytes(-len(data) % 8)
        self.target.segments[self.START] = bytes(self.data)
        return self.START + at

    def text(self, name: str) -> int:
        return self.put(bytes([0, len(name.encode())]) + name.encode())

    def type(
        self, kind: int, size: int, name: str = "", behind: bytes = b"", flags: int = 0
    ) -> int:
        where = self.text(name) - self.START
        head = struct.pack("<Q12xBxxB16xi4x", size, flags, kind, where)
        return self.put(head + behind)

    def word(self, kind: GoKind, size: int, *words: int, name: str = "", flags: int = 0) -> int:
        """A descriptor followed by words."""
        return self.type(kind, size, name, struct.pack(f"<{len(words)}Q", *words), flags)

    def struct(self, size: int, *fields: tuple[str, int, int]) -> int:
        """A struct of (name, descriptor, offset)."""
        members = b"".join(struct.pack("<3Q", self.text(name), *rest) for name, *rest in fields)
        at = self.put(members)
        return self.word(GoKind.STRUCT, size, 0, at, len(fields), len(fields), name="struct {…}")

    def named(self, kind: GoKind, size: int, name: str, package: str, before: bytes = b"") -> int:
        """A named type of a package; `before`: the bytes of its kind before the package's path."""
        path = self.text(package) - self.START
        flags = UNCOMMON | NAMED
        return self.type(kind, size, name, before + struct.pack("<I4x", path), flags)


@pytest.mark.parametrize("old", [False, True])
def test_types_by_their_descriptors(old: bool) -> None:
    program = Program(old)
    types = DescribedTypes(program.target)
    number = program.type(GoKind.INT32, 4, "int32")
    text = program.type(GoKind.STRING, 16, "string")
    pair = program.struct(24, ("first", number, 0), ("second", text, 8))
    found = types.of(pair)
    assert found is not None and found.size == 24
    assert [(one.name, one.offset, one.type.name) for one in found.fields] == [
        ("first", 0, "int32"),
        ("second", 8, "string"),
    ]
    assert found.fields[0].type.signed
    array = types.of(program.word(GoKind.ARRAY, 72, pair, 0, 3))
    assert array is not None and (array.count, array.target) == (3, found)
    unsigned = types.of(program.type(GoKind.UINTPTR, 8))
    assert unsigned is not None and (unsigned.name, unsigned.signed) == ("uintptr", False)
    complex64 = types.of(program.type(GoKind.COMPLEX64, 8))
    assert complex64 is not None and [one.name for one in complex64.fields] == ["real", "imag"]
    for methods, first in ((0, "_type"), (2, "tab")):
        interface = types.of(program.word(GoKind.INTERFACE, 16, 0, 0, methods, methods))
        assert interface is not None and interface.fields[0].name == first
        assert is_interface(interface)
    for kind in (GoKind.CHAN, GoKind.FUNC, GoKind.MAP, GoKind.POINTER, GoKind.UNSAFE_POINTER):
        pointer = types.of(program.type(kind, 8))
        assert pointer is not None and pointer.kind is Kind.POINTER


def test_names_have_the_whole_path_of_a_package() -> None:
    program = Program()
    names = Descriptors(program.target)
    text = program.type(GoKind.STRING, 16, "string", flags=NAMED)
    server = program.named(GoKind.STRUCT, 8, "http.Server", "net/http", bytes(32))
    assert type_name(names, server) == "net/http.Server"
    pointer = program.word(GoKind.POINTER, 8, server, name="*http.Server")
    assert type_name(names, pointer) == "*net/http.Server"
    lists = program.word(GoKind.SLICE, 24, pointer, name="[]*http.Server")
    table = program.word(GoKind.MAP, 8, text, lists, name="map[string][]*http.Server")
    assert type_name(names, table) == "map[string][]*net/http.Server"
    array = program.word(GoKind.ARRAY, 64, table, 0, 8, name="[8]map[string][]*http.Server")
    assert type_name(names, array) == "[8]map[string][]*net/http.Server"
    starred = program.type(GoKind.FUNC, 8, "*func(int)", flags=EXTRA_STAR)
    assert type_name(names, starred) == "func(int)"
    generic = program.named(GoKind.INT, 8, "http.List[main.T]", "net/http")
    assert type_name(names, generic) == "net/http.List[main.T]"


def test_types_of_debug_info_are_found_by_name() -> None:
    program = Program()
    server = Type(Kind.STRUCT, "main.Server", 8, fields=(Field("p", 0, POINTER),))
    program.target.types["main.Server"] = server
    named = program.named(GoKind.STRUCT, 8, "main.Server", "main", bytes(32))
    pointer = program.word(GoKind.POINTER, 8, named, name="*main.Server", flags=32)
    types = DeclaredTypes(program.target)
    found, held = types.of(named), types.of(pointer)
    assert found is not None and (found.type, found.direct) == (server, False)
    assert held is not None and (held.name, held.direct) == ("*main.Server", True)
    assert held.type.target is server
    # What debug info lacks is made from the descriptor.
    made = types.of(program.type(GoKind.INT, 8, "int"))
    assert made is not None and (made.name, made.type.size, made.direct) == ("int", 8, False)
    assert types.name_at(pointer) == "*main.Server" and types.name_at(8) == ""


@pytest.mark.parametrize(
    ("constants", "kind", "flags", "direct"),
    [
        ({}, GoKind.POINTER, 0, False),
        ({}, GoKind.POINTER, 32, True),
        ({}, GoKind.POINTER | 32, 0, True),
        ({"internal/abi.TFlagDirectIface": 64}, GoKind.POINTER, 64, True),
        ({"internal/abi.TFlagDirectIface": 64}, GoKind.POINTER | 32, 32, False),
        ({"runtime.kindDirectIface": 32}, GoKind.POINTER | 32, 0, True),
        ({"runtime.kindDirectIface": 32}, GoKind.POINTER, 32, False),
    ],
)
def test_flag_of_values_in_the_interface_itself(
    constants: dict[str, int], kind: int, flags: int, direct: bool
) -> None:
    program = Program(**constants)
    found = Descriptors(program.target).at(program.type(kind, 8, flags=flags))
    assert (found.kind, found.direct) == (GoKind.POINTER, direct)


def test_what_makes_no_sense_is_no_type() -> None:
    program = Program()
    number = program.type(GoKind.INT64, 8)
    wrong = {
        "nil": 0,
        "unreadable": 0xDEAD0000,
        "no kind": program.type(0, 8),
        "a kind above all": program.type(27, 8),
        "too large": program.type(GoKind.STRUCT, 1 << 30),
        "direct, but no word": program.type(GoKind.STRING, 16, flags=32),
        "another size than its kind": program.type(GoKind.POINTER, 4),
        "a field outside": program.struct(8, ("a", number, 8)),
        "a field without type": program.struct(8, ("a", 0, 0)),
        "fields nowhere": program.word(GoKind.STRUCT, 8, 0, 0xDEAD0000, 1, 1),
        "too many fields": program.word(GoKind.STRUCT, 8, 0, Program.START, 1 << 20, 0),
        "too long an array": program.word(GoKind.ARRAY, 8, number, 0, 1 << 40),
    }
    types = DescribedTypes(program.target)
    assert {why: types.of(addr) for why, addr in wrong.items()} == dict.fromkeys(wrong)
    with pytest.raises(NoDescriptor):
        Descriptors(program.target).at(wrong["no kind"])


def test_types_in_one_another_come_to_an_end() -> None:
    program = Program()
    types = DescribedTypes(program.target)
    # After its name of 2 bytes, padded to 8, and the array's 72 bytes.
    at = Program.START + len(program.data) + 8
    assert types.of(program.word(GoKind.ARRAY, 8, at, 0, 1)) is None
    assert Descriptors(program.target).at(at).kind is GoKind.ARRAY
    # Empty structs: 50 of each in the next, which makes 50 ** 12 in the last.
    level = program.struct(0)
    for _ in range(12):
        level = program.struct(0, *(("x", level, 0) for _ in range(50)))
    program.target.reads.clear()
    assert types.of(level) is None
    assert len(program.target.reads) < 10_000
    few = program.struct(0, *(("x", program.struct(0), 0) for _ in range(50)))
    assert types.of(few) is not None


def test_interfaces_show_what_they_hold() -> None:
    program = Program()
    number = program.type(GoKind.INT64, 8, "int64", flags=NAMED)
    pointer = program.word(GoKind.POINTER, 8, number, name="*int64", flags=32)
    value = program.put(struct.pack("<q", -7))
    rows = [(0, 0), (number, value), (pointer, value), (0xDEAD0000, 0x55), (number, 0xDEAD0000)]
    column = Column(
        np.frombuffer(b"".join(struct.pack("<QQ", *row) for row in rows), np.uint8).reshape(-1, 16)
    )
    expected = ["nil", "-7", f"0x{value:x}", "0x55", "<fault 0xdead0000>"]
    assert Renderer(program.target).render(EFACE, column) == expected
    itab = program.put(struct.pack("<4Q", 0, number, 0, 0))
    rows = [(0, 0), (itab, value), (0xDEAD0000, value)]
    column = Column(
        np.frombuffer(b"".join(struct.pack("<QQ", *row) for row in rows), np.uint8).reshape(-1, 16)
    )
    assert Renderer(program.target).render(IFACE, column) == ["nil", "-7", "<fault 0xdead0000>"]


def test_interfaces_lead_to_what_they_hold() -> None:
    program = Program()
    program.target.types["int64"] = Type(Kind.INTEGER, "int64", 8, signed=True)
    number = program.type(GoKind.INT64, 8, "int64", flags=NAMED)
    pointer = program.word(GoKind.POINTER, 8, number, name="*int64", flags=32)
    rows = [(pointer, 0x500), (0, 0), (number, 0x600), (number, 0x700), (0xDEAD0000, 1)]
    raw = np.frombuffer(b"".join(struct.pack("<QQ", *row) for row in rows), np.uint8)
    interface = find_interface(EFACE)
    assert interface is not None
    addrs = np.arange(len(rows), dtype=np.uint64) * np.uint64(16)
    contents = interface.open(program.target, raw.reshape(-1, 16), addrs)
    held = {
        one.name: (one.rows.tolist(), one.addrs.tolist(), one.data is not None)
        for one in contents.iter_followed()
    }
    assert held == {"int64": ([2, 3], [0x600, 0x700], False), "*int64": ([0], [8], True)}


def test_struct_with_an_interfaces_names_but_numbers_is_none() -> None:
    fields = Field("_type", 0, HALF), Field("data", 4, HALF)
    numbers = Type(Kind.STRUCT, "struct s", 8, fields=fields)
    assert not is_interface(numbers)
    column = Column(np.frombuffer(struct.pack("<II", 1, 5), np.uint8).reshape(1, -1))
    assert Renderer(FakeTarget()).render(numbers, column) == ["{_type = 1, data = 5}"]


def test_value_that_was_looked_up_does_not_keep_its_target() -> None:
    """Types lead back to the target that described them."""

    def made() -> FakeTarget:
        target = FakeTarget()
        found = Type(Kind.POINTER, "p", 8, resolve=lambda: target.types["x"])
        target.values["'runtime.x'"] = Value("x", found, bytes(8))
        assert find_value(target, "runtime.x") is find_value(target, "runtime.x")
        return target

    known = weakref.ref(made())
    gc.collect()
    assert known() is None
