"""libc++ in fake memory: both layouts of its containers against a model, faults, hash codes, and
every layout of its strings."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from hmapdbg.block import Column, Place
from hmapdbg.families import open_map
from hmapdbg.families.family import Map
from hmapdbg.families.libcxx.hash import by_bytes, city_hash, murmur_hash
from hmapdbg.families.libcxx.table import container_name, find_table
from hmapdbg.languages import find_counted_string, read_counted_string, unit_of
from hmapdbg.languages.cxx.names import short_name
from hmapdbg.languages.libcxx import abi
from hmapdbg.languages.libcxx.pairs import part
from hmapdbg.target import Field, Kind, TargetError, Type, Value
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import array_of, pointer_to
from hmapdbg.values import Renderer
from unordered_rig import CELLS_AT, FLOAT, HEADER_AT, INT, LONG, NODES_AT, rows_of, struct_of
from unordered_rig import expected_entries, templated

RUNS = [[8, 0, 16], [], [2], [11, 3], [], [], [6, 14], []]  # of as many buckets
NODE = 24
LAYOUTS = ("to 19", "from 20")

EMPTY = struct_of("std::__1::allocator<node>", 1)


def half(number: int, found: Type, empty: bool = False) -> Field:
    """A half of a std::__compressed_pair."""
    name = f"std::__1::__compressed_pair_elem<{found.name}, {number}, {str(empty).lower()}>"
    own = Field(found.name, 0, found, base=True) if empty else Field("__value_", 0, found)
    return Field(name, 0, Type(Kind.STRUCT, name, found.size, fields=(own,)), base=True)


def pair(first: Type, second: Type, at: int = 0) -> Type:
    """A std::__compressed_pair; at: where its second half is, 0 if that is empty."""
    one, two = half(0, first), half(1, second, at == 0)
    two = Field(two.name, at, two.type, base=True)
    size = max(first.size, at + second.size)
    return Type(Kind.STRUCT, "std::__1::__compressed_pair<...>", size, fields=(one, two))


def container_type(layout: str, name: str = "unordered_map", hasher: str = "hash<int>") -> Type:
    """std::unordered_map<int, int>, or another container of ints."""
    is_set = name.endswith("set")
    entry = struct_of("std::__1::pair<int const, int>", 8, ("first", 0, INT), ("second", 4, INT))
    held = struct_of("std::__1::__hash_value_type<int, int>", 8, ("__cc", 0, entry))
    kept = INT if is_set else held if layout == "to 19" else entry
    link = pointer_to(Type(Kind.OTHER, "void", 0), 8)
    base = struct_of("std::__1::__hash_node_base<node *>", 8, ("__next_", 0, link))
    room = Type(Kind.UNION, "", kept.size, fields=(Field("__value_", 0, kept),))
    members = [Field("base", 0, base, base=True), Field("__hash_", 8, LONG), Field("", 16, room)]
    node = Type(Kind.STRUCT, "std::__1::__hash_node<...>", NODE, fields=tuple(members))
    base = templated(base, pointer_to(node, 8))
    function = struct_of(f"std::__1::{hasher}", 1)
    hashing = function
    if not is_set:
        named = struct_of("std::__1::__unordered_map_hasher<int, ...>", 1)
        hashing = templated(named, INT, held, function)
    cells = pointer_to(pointer_to(base, 8), 8)
    if layout == "to 19":
        deleter = struct_of("deleter", 8, ("__data_", 0, pair(LONG, EMPTY)))
        list_ = struct_of("list", 16, ("__ptr_", 0, pair(cells, deleter, 8)))
        rest = (
            ("__p1_", 16, pair(base, EMPTY)),
            ("__p2_", 24, pair(LONG, hashing)),
            ("__p3_", 32, pair(FLOAT, struct_of("std::__1::equal_to<int>", 1))),
        )
    else:
        deleter = struct_of("deleter", 8, ("__size_", 0, LONG), ("__alloc_", 0, EMPTY))
        list_ = struct_of("list", 16, ("__ptr_", 0, cells), ("__deleter_", 8, deleter))
        rest = (
            ("__first_node_", 16, base),
            ("__size_", 24, LONG),
            ("__max_load_factor_", 32, FLOAT),
        )
    table = struct_of("std::__1::__hash_table<...>", 40, ("__bucket_list_", 0, list_), *rest)
    table = templated(table, INT if is_set else held, hashing)
    written = table.renamed(f"std::__1::{name}<int, int, std::__1::{hasher}>::__table")
    return struct_of(f"std::__1::{name}<int, int>", 40, ("__table_", 0, written))


@dataclass
class Rig:
    """A container in fake memory, to be corrupted and read."""

    layout: str
    runs: Sequence[Sequence[int]]
    load: float = 1.0

    def __post_init__(self) -> None:
        keys = [(bucket, key) for bucket, run in enumerate(self.runs) for key in run]
        cells = [0] * len(self.runs)
        heap = bytearray(NODE * len(keys))
        before = HEADER_AT + 16
        for number, (bucket, key) in enumerate(keys):
            at = NODES_AT + NODE * number
            cells[bucket] = cells[bucket] or before
            last = number == len(keys) - 1
            link = 0 if last else at + NODE
            struct.pack_into("<QQii", heap, NODE * number, link, key, key, -key)
            before = at
        self.header = bytearray(40)
        first = NODES_AT if keys else 0
        words = CELLS_AT if cells else 0, len(cells), first, len(keys), self.load
        struct.pack_into("<QQQQf", self.header, 0, *words)
        self.cells = bytearray(struct.pack(f"<{len(cells)}Q", *cells))
        self.heap = heap

    def open(self, **options: str) -> Map:
        memory = {HEADER_AT: bytes(self.header), CELLS_AT: bytes(self.cells)}
        memory[NODES_AT] = bytes(self.heap)
        target = FakeTarget({at: data for at, data in memory.items() if data})
        found = container_type(self.layout, **options)
        return open_map(target, Value("m", found, bytes(self.header), HEADER_AT))


# ---- containers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_walk_equals_the_model(layout: str) -> None:
    opened = Rig(layout, RUNS).open()
    header = opened.header
    assert (header.family, header.types) == ("libc++ std::unordered_map", "int -> int")
    assert (header.count, header.arrays[0].buckets, header.unique_keys) == (8, 8, True)
    live, entries, problems = rows_of(opened.walk(cells=True))
    assert live == [len(run) for run in RUNS]
    assert entries == expected_entries(RUNS)
    assert problems == rows_of(opened.audit())[2] == []
    assert opened.place_of(struct.pack("<i", 11)) == Place("buckets", 3)
    assert opened.place_of(struct.pack("<i", -1)) == Place("buckets", 7)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["unordered_set", "unordered_multiset", "unordered_multimap"])
def test_containers_are_told_apart(layout: str, name: str) -> None:
    header = Rig(layout, RUNS).open(name=name).header
    assert header.family == f"libc++ std::{name}"
    assert header.types == ("int" if name.endswith("set") else "int -> int")
    assert header.unique_keys == ("multi" not in name)


def test_a_set_of_pairs_is_no_map() -> None:
    found = container_type("from 20", "unordered_set")
    table = find_table(found)
    assert table is not None and container_name(found) == "unordered_set"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_container_without_buckets_is_empty(layout: str) -> None:
    opened = Rig(layout, []).open()
    assert opened.header.arrays == () and opened.header.problems == ()
    assert rows_of(opened.walk(cells=True)) == ([], [], [])
    assert opened.place_of(struct.pack("<i", 11)) is None


def test_zeros_are_no_empty_container() -> None:
    with pytest.raises(TargetError, match="not a valid map"):
        Rig("to 19", [], load=0.0).open()


def test_another_hash_is_not_computed() -> None:
    opened = Rig("to 19", RUNS).open(hasher="Mine")
    assert opened.place_of(struct.pack("<i", 11)) is None
    assert opened.check_placement() is not None  # the codes are stored


def test_stored_codes_are_checked_by_bucket_and_by_key() -> None:
    rig = Rig("from 20", RUNS)
    struct.pack_into("<Q", rig.heap, 8, 9)  # selects another bucket
    struct.pack_into("<i", rig.heap, NODE + 16, 24)  # a key changed in place
    problems = rows_of(rig.open().audit())[2]
    told = {(one.invariant, one.address) for one in problems}
    assert told == {("U5", NODES_AT + 8), ("U7", NODES_AT + NODE + 16)}


@pytest.mark.parametrize(
    ("offset", "code", "value", "invariant"),
    [(8, "Q", 1, "U2"), (24, "Q", 99, "U6"), (32, "f", -1.0, "U6")],
)
def test_the_header_is_checked(offset: int, code: str, value: float, invariant: str) -> None:
    rig = Rig("to 19", RUNS)
    struct.pack_into(f"<{code}", rig.header, offset, value)
    problems = rig.open().header.problems
    assert [(one.invariant, one.address) for one in problems] == [(invariant, HEADER_AT + offset)]


def test_pointers_of_an_allocators_own_kind_are_refused() -> None:
    found = container_type("from 20")
    fancy = struct_of("offset_ptr<node>", 8, ("m_offset", 0, LONG))
    table = found.fields[0].type
    base = struct_of("std::__1::__hash_node_base<...>", 8, ("__next_", 0, fancy))
    fields = tuple(
        Field(one.name, one.offset, base if one.name == "__first_node_" else one.type)
        for one in table.fields
    )
    table = Type(Kind.STRUCT, table.name, 40, fields=fields)
    found = struct_of(found.name, 40, ("__table_", 0, table))
    target = FakeTarget({HEADER_AT: bytes(40)})
    with pytest.raises(TargetError, match="of its allocator's own kind"):
        open_map(target, Value("m", found, bytes(40), HEADER_AT))


def test_halves_of_pairs_are_found_in_both_layouts() -> None:
    stateful = struct_of("Hash", 4, ("by", 0, INT))
    old = struct_of("old", 16, ("__p2_", 0, pair(LONG, stateful, 8)))
    first, second = part(old, "__size_", "__p2_"), part(old, "__hasher_", "__p2_", half=1)
    assert first is not None and second is not None
    assert (first.offset, first.type, second.offset) == (0, LONG, 8)
    new = struct_of("new", 16, ("__size_", 8, LONG))
    assert part(new, "__size_", "__p2_") == Field("__size_", 8, LONG)


# ---- hash codes ----------------------------------------------------------------------------------

# Of n bytes, each 7 more than the one before; by libc++ 14 itself.
CODES = {
    0: (0x9AE16A3B2F90404F, 0),
    3: (0xF6AA543CA4B8BF14, 0xD4291E4F),
    7: (0xE1BC1022A1B992C, 0x5725C6FE),
    12: (0xF8F5996E9D9F7EF, 0x49BAF587),
    20: (0xD7B08F201590CF70, 0xB92BFAF8),
    33: (0x6398BAB4E5AE45AD, 0xCEE23D86),
    64: (0xA5B3516790F98BEB, 0x2343E6F7),
    65: (0xACF6A69F1F078342, 0x26F194F0),
    129: (0x511FB0CF56A6E561, 0xC9A00253),
    299: (0xE61F4BCA7080A1BE, 0xE935A532),
}


@pytest.mark.parametrize("size", list(CODES))
def test_bytes_are_hashed_as_libcxx_does(size: int) -> None:
    content = bytes((7 * n + 3) % 256 for n in range(size))
    assert (city_hash(content), murmur_hash(content)) == CODES[size]


def test_what_is_hashed_as_bytes() -> None:
    pointer, wide = pointer_to(INT, 8), Type(Kind.INTEGER, "__int128", 16)
    assert city_hash((0x123456789ABC).to_bytes(8, "little")) == 0xE8B8303B1D89F4FB
    assert [by_bytes(one, 8) for one in (INT, LONG, pointer, wide)] == [False, False, True, True]
    assert by_bytes(LONG, 4) is True
    assert by_bytes(struct_of("Key", 8), 8) is None


# ---- strings -------------------------------------------------------------------------------------

CHAR = Type(Kind.INTEGER, "char", 1, signed=True, character=True)
WIDE = Type(Kind.INTEGER, "wchar_t", 4, signed=True, character=True)
BYTE = Type(Kind.INTEGER, "unsigned char", 1)
TEXT_AT = 0x5000
LONG_TEXT = "a text that is too long to be in the string itself"


def string_type(unit: Type, alternate: bool, bits: bool, holder: str) -> Type:
    """std::basic_string: in the alternate layout or the usual one; with the flag as a bit field or
    without; in a pair, or in the string itself."""
    letters = array_of(unit, 24 // unit.size - 1)
    words = [("__cap_", LONG), ("__size_", LONG), ("__data_", pointer_to(unit, 8))]
    if alternate:
        words = [words[2], words[1], words[0]]
    long = struct_of("__long", 24, *((name, 8 * n, one) for n, (name, one) in enumerate(words)))
    at, data_at = (23, 0) if alternate else (0, unit.size)
    size = Field("__size_", at, BYTE)
    flags: tuple[Field, ...] = ()
    if bits:
        # A struct of two bit fields: in the usual layout the flag is first, else last; numbered
        # from the byte's other end on big-endian targets.
        flag, length = (7, 0) if alternate else (0, 1)
        flags = (Field("__is_long_", at, BYTE, 8 * at + flag, 1),)
        size = Field("__size_", at, BYTE, 8 * at + length, 7)
    short = Type(
        Kind.STRUCT, "__short", 24, fields=(size, *flags, Field("__data_", data_at, letters))
    )
    forms = (Field("__l", 0, long), Field("__s", 0, short))
    union = Type(Kind.UNION, "", 24, fields=forms)
    rep = Type(Kind.STRUCT, "__rep", 24, fields=(Field("", 0, union),))
    name = f"std::__1::basic_string<{unit.name}, ...>"
    if holder == "anonymous":  # since 21
        members = struct_of("", 24, ("__rep_", 0, rep), ("__alloc_", 0, EMPTY))
        return struct_of(name, 24, ("", 0, members))
    inner = rep if holder == "__rep_" else pair(rep, EMPTY)
    return struct_of(name, 24, (holder, 0, inner))


def string_bytes(text: str, unit: int, alternate: bool, big: bool) -> tuple[bytes, bytes]:
    """A string as libc++ lays it out, and its text on the heap; the lowest bit of the byte is the
    flag, or the highest one, by the layout and the order."""
    order = ">" if big else "<"
    encoded = text.encode("utf-32-be" if big else "utf-32-le") if unit == 4 else text.encode()
    count = len(encoded) // unit
    lowest = alternate == big
    if count >= 24 // unit - 1:
        words = [48, count, TEXT_AT]
        if alternate:
            words.reverse()
        data = bytearray(struct.pack(f"{order}QQQ", *words))
        data[23 if alternate else 0] |= 1 if lowest else 0x80
        return bytes(data), encoded
    start = 0 if alternate else unit
    data = bytearray(24)
    data[23 if alternate else 0] = count << 1 if lowest else count
    data[start : start + len(encoded)] = encoded
    return bytes(data), b""


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("holder", ["__r_", "__rep_", "anonymous"])
@pytest.mark.parametrize("bits", [False, True])
@pytest.mark.parametrize("alternate", [False, True])
@pytest.mark.parametrize("text", ["", "abc", "22 characters exactly.", LONG_TEXT])
def test_strings_of_every_layout(
    text: str, alternate: bool, bits: bool, holder: str, big: bool
) -> None:
    found = string_type(CHAR, alternate, bits, holder)
    data, heap = string_bytes(text, 1, alternate, big)
    target = FakeTarget({TEXT_AT: heap} if heap else {}, byte_order="big" if big else "little")
    assert read_counted_string(target, found, data, 1000) == text.encode()


@pytest.mark.parametrize("text", ["", "wide", LONG_TEXT])
def test_wide_strings(text: str) -> None:
    found = string_type(WIDE, False, False, "__r_")
    data, heap = string_bytes(text, 4, False, False)
    target = FakeTarget({TEXT_AT: heap} if heap else {})
    string = find_counted_string(found)
    assert string is not None and unit_of(string) == 4
    assert read_counted_string(target, found, data, 1000) == text.encode("utf-32-le")
    column = Column(np.frombuffer(data, np.uint8)[None])
    assert Renderer(target).render(found, column) == [text]


def test_a_string_that_is_only_declared_is_laid_out_by_the_abi() -> None:
    name = "std::__1::basic_string<char, std::__1::char_traits<char>, std::__1::allocator<char> >"
    found = abi.define(name, 8)
    assert found is not None and short_name(found.name) == "std::string"
    for text in ("short", LONG_TEXT):
        data, heap = string_bytes(text, 1, False, False)
        target = FakeTarget({TEXT_AT: heap} if heap else {})
        assert read_counted_string(target, found, data, 1000) == text.encode()
    assert abi.define(name.replace("__1", "__Cr"), 8) is None  # of another layout


def test_a_length_that_cannot_be_is_none() -> None:
    found = string_type(CHAR, False, False, "__r_")
    assert read_counted_string(FakeTarget({}), found, b"\xfe" + bytes(23), 1000) is None
