"""Opening a libhmap map: headers of both pointer widths and byte orders, and invalid headers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import Image, align_up, integer, struct, walked
from hmapdbg.header import Header
from hmapdbg.families import open_map
from hmapdbg.target import Kind, TargetError, Type, Value
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import array_of, pointer_to

MAP, TYPE_OBJECT, TEXTS = 0x1_0000, 0x2_0000, 0x3_0000
NEW, OLD, RETIRED = 0x10_0000, 0x20_0000, 0x30_0000
CODE = 0x40_0000
BYTE = integer(1)
MODELS = pytest.mark.parametrize(
    ("pointer_size", "order"), [(8, "little"), (8, "big"), (4, "little"), (4, "big")]
)


def enum(name: str, prefix: str, values: dict[str, int], size: int = 4) -> Type:
    pairs = tuple((prefix + key, value) for key, value in values.items())
    return Type(Kind.ENUM, name, size, enumerators=pairs)


class Process:
    """A process with one map, of int64_t -> int32_t unless `key` and `elem` are given."""

    def __init__(
        self,
        pointer_size: int = 8,
        order: Literal["little", "big"] = "little",
        key: Type = integer(8, signed=True, name="int64_t"),
        elem: Type = integer(4, signed=True, name="int"),
    ) -> None:
        self.image = Image(order, pointer_size)
        self.texts = TEXTS
        word, pointer = integer(pointer_size, name="size_t"), pointer_to(BYTE, pointer_size)
        # hmap_internal.h and hmap.h
        self.hmap = struct(
            "struct hmap",
            [("count", word), ("flags", BYTE), ("B", BYTE), ("noverflow", integer(2))]
            + [("key_kind", BYTE), ("hash0", integer(8)), ("buckets", pointer)]
            + [("oldbuckets", pointer), ("nevacuate", word), ("nextOverflow", pointer)]
            + [("type", pointer), ("retired", pointer), ("graveyard", pointer)]
            + [("niterators", word), ("random", integer(8))]
            + [("allocator", struct("struct hmap_allocator", [(n, pointer) for n in "abc"]))]
            + [("name", pointer), ("created_at", pointer), ("registry_next", pointer)]
            + [("registry_prev", pointer)],
            pointer_size,
        )
        self.hmap_type = struct(
            "struct hmap_type",
            [(name, pointer) for name in "tag hash equal write_key write_elem".split()]
            + [(name, word) for name in "key_size elem_size key_slot_size elem_slot_size".split()]
            + [(name, word) for name in "key_align elem_align keys_offset elems_offset".split()]
            + [(name, word) for name in "overflow_offset bucket_size bucket_align".split()]
            + [("key_ownership", Type(Kind.ENUM, "enum hmap_ownership", 4))],
            pointer_size,
        )
        self.hmap_array = struct(
            "struct hmap_array",
            [("next", pointer), ("buckets", pointer), ("pins", word), ("nalloc", word)]
            + [("size", word), ("B", BYTE)],
            pointer_size,
        )
        box = struct("struct hmap_box", [("next", pointer), ("size", word)], pointer_size)
        slots = [
            array_of(one if one.size <= 128 else pointer_to(one, pointer_size), 8)
            for one in (key, elem)
        ]
        self.bucket = struct(
            "struct sessions_bucket",
            [("tophash", array_of(BYTE, 8)), ("keys", slots[0]), ("elems", slots[1])]
            + [("overflow", pointer)],
            pointer_size,
        )
        marks = "EMPTY_REST EMPTY_ONE EVACUATED_X EVACUATED_Y EVACUATED_EMPTY MIN".split()
        flags = "ITERATOR OLD_ITERATOR WRITING SAME_SIZE_GROW FIXED_SEED DESTROYED".split()
        bits = {name: 1 << bit for bit, name in enumerate(flags)}
        self.types: dict[str, Type] = {
            one.name: one
            for one in (
                self.hmap,
                self.hmap_type,
                self.hmap_array,
                box,
                self.bucket,
                enum("enum hmap_flags", "HMAP_FLAG_", {**bits, "ALL": 63}),
                enum("enum hmap_tophash", "HMAP_TOPHASH_", {m: n for n, m in enumerate(marks)}),
            )
        }
        for addr, size in ((MAP, 4096), (TYPE_OBJECT, 4096), (TEXTS, 4096)):
            self.image.map(addr, size)
        keys, elems, overflow = (self.bucket.find(n) for n in ("keys", "elems", "overflow"))
        assert keys is not None and elems is not None and overflow is not None
        self.set_type(
            tag=self.text("sessions_bucket"),
            hash=CODE,
            key_size=key.size,
            elem_size=elem.size,
            key_slot_size=keys.type.size // 8,
            elem_slot_size=elems.type.size // 8,
            key_align=min(key.size, pointer_size),
            elem_align=min(elem.size, pointer_size),
            keys_offset=keys.offset,
            elems_offset=elems.offset,
            overflow_offset=overflow.offset,
            bucket_size=self.bucket.size,
            bucket_align=pointer_size,
        )
        self.set(type=TYPE_OBJECT)

    # -- writing

    def _write(self, where: int, layout: Type, values: dict[str, int]) -> None:
        for name, value in values.items():
            found = layout.find(name)
            assert found is not None
            self.image.write_uint(where + found.offset, value, found.type.size)

    def set(self, **values: int) -> None:
        self._write(MAP, self.hmap, values)

    def set_type(self, **values: int) -> None:
        self._write(TYPE_OBJECT, self.hmap_type, values)

    def set_array(self, first: int, /, **values: int) -> None:
        self._write(first - self.hmap_array.size, self.hmap_array, values)

    def text(self, text: str) -> int:
        data = text.encode("utf-8", "surrogateescape") + b"\0"
        at = self.texts
        self.image.write(at, data)
        self.texts = at + len(data)
        return at

    def add_array(self, address: int, B: int, pins: int = 0) -> int:
        """Writes an array with its header; returns the address of the first bucket."""
        front = self.hmap_array.size
        nalloc = (1 << B) + (1 << (B - 4) if B >= 4 else 0)
        size = front + nalloc * self.bucket.size
        self.image.map(address, size)
        first = address + front
        self.set_array(first, buckets=first, pins=pins, nalloc=nalloc, size=size, B=B)
        if nalloc > 1 << B:
            last = first + (nalloc - 1) * self.bucket.size
            self.image.write_uint(last + self.bucket.find("overflow").offset, first)  # type: ignore
        return first

    def spare(self, first: int, B: int, index: int = 0) -> int:
        return first + ((1 << B) + index) * self.bucket.size

    # -- reading

    def target(self, **values: Any) -> FakeTarget:
        return self.image.target(types=self.types, **values)

    def open(self, **values: Any) -> Any:
        pointer = pointer_to(self.hmap, self.image.pointer_size)
        data = MAP.to_bytes(self.image.pointer_size, self.image.byte_order)
        return open_map(self.target(**values), Value("sessions", pointer, data))

    def header(self) -> Header:
        return self.open().header  # type: ignore[no-any-return]

    def problems(self) -> list[tuple[str, str, int | None]]:
        """(invariant, text, address) of what open() finds."""
        return [(one.invariant, one.text, one.address) for one in self.header().problems]

    def at(self, field: str) -> int:
        found = self.hmap.find(field)
        assert found is not None
        return MAP + found.offset

    def array_at(self, first: int, field: str) -> int:
        found = self.hmap_array.find(field)
        assert found is not None
        return first - self.hmap_array.size + found.offset

    def error(self) -> str:
        with pytest.raises(TargetError) as error:
            self.open()
        text = str(error.value)
        assert "\n" not in text
        # Begins with a lower-case letter or the quoted subject, and has no full stop.
        assert re.match(r"[a-z']", text) and not text.endswith("."), text
        assert re.search(r"'[^']+'", text), text
        return text


# ---- valid headers -------------------------------------------------------------------------------


@MODELS
def test_header_of_a_growing_map(pointer_size: int, order: Any) -> None:
    made = Process(pointer_size, order)
    new = made.add_array(NEW, 5, pins=1)
    old = made.add_array(OLD, 4, pins=2)
    made.set(
        count=1234,
        flags=1 | 2 | 4 | 16,
        B=5,
        noverflow=3,
        buckets=new,
        oldbuckets=old,
        nevacuate=9,
        nextOverflow=made.spare(new, 5, 1),
        niterators=2,
        name=made.text("sessions by id"),
    )
    found = made.header()
    assert found.problems == () and found.notes == ()
    assert (found.family, found.expression, found.address) == ("libhmap", "sessions", MAP)
    assert (found.type_name, found.name) == ("struct hmap *", "sessions by id")
    assert (found.key_type.name, found.elem_type.name) == ("int64_t", "int")
    assert (found.count, found.growth.B, found.growth.nevacuate) == (1234, 5, 9)
    assert (found.writing, found.same_size_grow, found.growing) == (True, False, True)
    assert (found.overflow.estimate, found.overflow.is_exact, found.overflow.spare_left) == (
        3,
        True,
        1,
    )
    assert (found.pins.iterators, found.geometry.load_factor, found.box_size) == (2, 6.5, 0)
    assert found.geometry.bucket_size == made.bucket.size
    size = made.bucket.size
    assert [
        (one.name, one.address, one.buckets, one.size, one.spare, one.pins) for one in found.arrays
    ] == [
        ("buckets", new, 32, made.hmap_array.size + 34 * size, 2, 1),
        ("oldbuckets", old, 16, made.hmap_array.size + 17 * size, 1, 2),
    ]


@MODELS
def test_walk_goes_through_the_header_s_arrays(pointer_size: int, order: Any) -> None:
    made = Process(pointer_size, order)
    new = made.add_array(NEW, 1)
    key = (-5 & ((1 << 64) - 1)).to_bytes(8, order)
    made.image.write(new + 3, bytes([200]))
    made.image.write(new + made.bucket.find("keys").offset + 3 * 8, key)  # type: ignore
    made.set(count=1, B=1, buckets=new)
    found = walked(made.open().walk(cells=True))
    assert [cell[:6] for cell in found.cells] == [("buckets", 0, 0, 3, 200, key)]
    assert len(found.rows) == 2


def test_same_size_growth_keeps_the_number_of_buckets() -> None:
    made = Process()
    made.set(flags=8, B=3, buckets=made.add_array(NEW, 3), oldbuckets=made.add_array(OLD, 3))
    found = made.header()
    assert [one.buckets for one in found.arrays] == [8, 8]
    assert found.same_size_grow and found.problems == ()


def test_map_that_was_never_written() -> None:
    made = Process()
    found = made.header()
    assert (found.arrays, found.problems, found.overflow.spare_left) == ((), (), 0)
    assert walked(made.open().walk(cells=True)).blocks == []


@MODELS
def test_boxed_values(pointer_size: int, order: Any) -> None:
    big = struct("struct big", [("data", array_of(BYTE, 300))])
    made = Process(pointer_size, order, elem=big)
    made.set(buckets=made.add_array(NEW, 0))
    found = made.header()
    assert found.elem_type == big
    assert found.notes == ()
    # A struct hmap_box precedes the payload.
    assert found.box_size == 2 * pointer_size + 300


def test_alignment_counts_only_for_what_is_boxed() -> None:
    big = struct("struct big", [("data", array_of(BYTE, 300))])
    for aligned, size in (("key_align", 316), ("elem_align", 64 + 300)):
        made = Process(elem=big)
        made.set_type(**{aligned: 64})
        assert made.header().box_size == size


def test_overflow_count_is_an_estimate_from_b_16_on() -> None:
    for B, exact in ((15, True), (16, False)):
        made = Process()
        made.set(B=B, buckets=made.add_array(0x1000_0000, B))
        assert made.header().overflow.is_exact is exact


def test_value_may_be_the_map_itself_or_a_pointer_to_a_pointer() -> None:
    made = Process()
    target = made.target()
    data = target.read(MAP, made.hmap.size)
    assert open_map(target, Value("m", made.hmap, data, MAP)).header.address == MAP
    made.image.write_uint(TEXTS + 0x800, MAP)
    pointer = pointer_to(made.hmap, 8)
    value = Value("&p", pointer_to(pointer, 8), (TEXTS + 0x800).to_bytes(8, "little"))
    assert open_map(made.target(), value).header.address == MAP


# ---- not a map -----------------------------------------------------------------------------------


def error_of(target: FakeTarget, value: Value) -> str:
    with pytest.raises(TargetError) as error:
        open_map(target, value)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_values_that_are_no_map() -> None:
    made = Process()
    target = made.target()
    pointer = pointer_to(made.hmap, 8)
    wild = (0xDEAD_0000).to_bytes(8, "little")
    for value, words in (
        (Value("x", integer(4), bytes(4)), ("'x' is not a map", "'uint32_t'", "struct hmap")),
        (Value("p", pointer, bytes(8)), ("'p' is a null pointer",)),
        (Value("p", pointer, wild), ("'p'", "0xdead0000")),
        (Value("pp", pointer_to(pointer, 8), wild), ("'pp' points to unreadable", "0xdead0000")),
        (Value("m", made.hmap, bytes(made.hmap.size)), ("'m' is not in memory",)),
        (Value("o", Type(Kind.STRUCT, "struct hmap", 0), b"", 8), ("no debug info", "'o'")),
        (Value("s", struct("struct s", [("B", BYTE)]), b"\0", 8), ("'s' is not a map",)),
    ):
        text = error_of(target, value)
        assert all(word in text for word in words), text


def test_struct_that_only_looks_like_a_map() -> None:
    made = Process()
    word = integer(8)
    other = struct("struct other", [(n, word) for n in ("buckets", "oldbuckets", "B", "type")])
    text = error_of(made.target(), Value("o", other, bytes(32), MAP))
    assert "'struct other' has no field 'count'" in text
    # All of the fields, but one is not a number.
    wrong = made.hmap.find("buckets")
    assert wrong is not None
    fields = [
        (f.name, array_of(BYTE, 8) if f.name == "buckets" else f.type) for f in made.hmap.fields
    ]
    odd = struct("struct hmap", fields)
    text = error_of(made.target(), Value("o", odd, bytes(odd.size), MAP))
    assert "field 'buckets' of 'struct hmap'" in text


@pytest.mark.parametrize(
    "name",
    ["struct hmap_type", "struct hmap_array", "struct hmap_box", "enum hmap_flags"]
    + ["enum hmap_tophash"],
)
def test_missing_debug_info_is_named_with_the_remedy(name: str) -> None:
    made = Process()
    del made.types[name]
    text = made.error()
    assert f"'{name}'" in text and "add-symbol-file" in text


@pytest.mark.parametrize(
    ("name", "kept"), [("enum hmap_flags", 3), ("enum hmap_tophash", 2), ("enum hmap_tophash", 5)]
)
def test_enum_without_a_constant(name: str, kept: int) -> None:
    made = Process()
    whole = made.types[name]
    made.types[name] = Type(Kind.ENUM, name, 4, enumerators=whole.enumerators[:kept])
    missing = whole.enumerators[kept][0]
    assert f"'{name}' has no constant '{missing}'" in made.error()


# ---- invalid headers -----------------------------------------------------------------------------


def test_entries_without_buckets() -> None:
    made = Process()
    made.set(count=7)
    assert made.problems() == [
        ("I2", "the map has entries or an old array, but no buckets", made.at("buckets"))
    ]
    assert made.header().arrays == ()


@pytest.mark.parametrize("B", [58, 60, 63, 64, 200, 255])
def test_impossible_b(B: int) -> None:
    made = Process()
    new = made.add_array(NEW, 2)
    made.set_array(new, nalloc=5)  # else the array's header would be believed
    made.set(B=B, buckets=new)
    text = made.error()
    assert text.startswith("'sessions' is not a valid map: ") and f"B is {B}" in text


@pytest.mark.parametrize("B", [0, 1, 3, 30, 58, 63, 64, 255])
def test_array_s_header_is_believed_against_the_map(B: int) -> None:
    made = Process()
    new = made.add_array(NEW, 2)
    made.set(B=B, buckets=new)
    numbers = [(one[0], one[2]) for one in made.problems()]
    too_large = [("I2", made.at("B"))] if B >= 64 else []
    assert numbers == [*too_large, ("I3", made.array_at(new, "B"))]
    (found,) = made.header().arrays
    assert (found.buckets, found.spare) == (4, 0)
    assert len(walked(made.open().walk(cells=True)).rows) == 4


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("B", [20, 30, 40, 48, 56])
def test_b_that_is_far_too_large_costs_no_more_than_memory_holds(B: int, known: bool) -> None:
    made = Process()
    new = made.add_array(NEW, 2)
    made.set_array(new, size=0)  # else the array's header would be believed
    made.set(count=0, B=B, buckets=new)
    opened = made.open(knows_mappings=known)
    assert [one.invariant for one in opened.header.problems] == ["I3"]
    found = walked(opened.walk(cells=True))
    assert len(found.rows) < 1000
    assert found.problems
    assert len(opened.target.reads) < 10_000


def test_growth_from_no_bucket() -> None:
    made = Process()
    made.set(B=0, buckets=made.add_array(NEW, 0), oldbuckets=OLD)
    header = OLD - made.hmap_array.size
    assert made.problems() == [
        ("I2", "B is 0, but the map is doubling", made.at("B")),
        ("", "the header of 'oldbuckets' cannot be read", header),
    ]
    assert len(made.header().arrays) == 1


def test_same_size_flag_without_growth() -> None:
    made = Process()
    made.set(flags=8, buckets=made.add_array(NEW, 0))
    ((number, _, address),) = made.problems()
    assert (number, address) == ("I2", made.at("flags"))


@pytest.mark.parametrize(
    "change",
    [
        {"key_size": 0},
        {"elem_size": 0},
        {"key_size": 1 << 40, "key_slot_size": 8},
        {"elem_size": (1 << 64) - 1},
        {"key_slot_size": 7},
        {"keys_offset": 7},
        {"elems_offset": 71},
        {"overflow_offset": 103},
        {"bucket_size": 0},
        {"bucket_size": 111},
        {"bucket_size": 1 << 30},
        {"overflow_offset": (1 << 64) - 8},
    ],
)
def test_type_object_that_makes_no_sense(change: dict[str, int]) -> None:
    made = Process()
    made.set(buckets=made.add_array(NEW, 0))
    made.set_type(**change)
    text = made.error()
    assert text.startswith("'sessions' is not a valid map: its type object at 0x20000")


@pytest.mark.parametrize("address", [0, 0xDEAD_0000, (1 << 64) - 8])
def test_type_object_that_cannot_be_read(address: int) -> None:
    made = Process()
    made.set(type=address)
    assert f"cannot read the type object of 'sessions' at 0x{address:x}" in made.error()


@pytest.mark.parametrize("align", [0, 3, 128, 1 << 60])
def test_alignment_that_is_none_is_not_used(align: int) -> None:
    made = Process()
    new = made.add_array(NEW, 0)
    made.set(buckets=new)
    made.set_type(bucket_align=align, key_align=align, elem_align=align)
    assert made.header().box_size == 0
    assert walked(made.open().walk(cells=True)).told == []


# ---- tags ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "note"),
    [
        ("", "not an identifier"),
        ("a b", "not an identifier"),
        ("x; shell rm", "not an identifier"),
        ("sessions_bucket\n", "not an identifier"),
        ("\udcff\udcfe", "not an identifier"),
        ("x" * 300, "no debug info for 'struct xxx"),
        ("nosuch", "no debug info for 'struct nosuch'"),
        ("hmap", "'struct hmap' differs"),
    ],
)
def test_tag_that_leads_to_no_type_falls_back_to_bytes(tag: str, note: str) -> None:
    made = Process()
    made.set(buckets=made.add_array(NEW, 0))
    made.set_type(tag=made.text(tag))
    found = made.header()
    assert len(found.notes) == 1 and note in found.notes[0]
    assert "as bytes" in found.notes[0]
    assert (found.key_type.name, found.elem_type.name) == ("uint8_t[8]", "uint8_t[4]")
    assert len(walked(made.open().walk(cells=True)).rows) == 1


@pytest.mark.parametrize("address", [0, 0xDEAD_0000])
def test_tag_that_cannot_be_read(address: int) -> None:
    made = Process()
    made.set_type(tag=address)
    assert "not an identifier" in made.header().notes[0]


def test_text_at_the_end_of_memory() -> None:
    made = Process()
    made.image.write(TEXTS + 0xFFC, b"abc\0")
    made.set(name=TEXTS + 0xFFC)
    assert made.header().name == "abc"
    made.image.write(TEXTS + 0xFFC, b"abcd")
    assert made.header().name == ""


@pytest.mark.parametrize(
    "members",
    [
        [("tophash", array_of(BYTE, 8)), ("keys", array_of(integer(8), 8))],
        [("tophash", array_of(BYTE, 8)), ("keys", array_of(integer(8), 7)), ("elems", integer(4))],
        # As large as the arrays, but not an array.
        [
            ("tophash", array_of(BYTE, 8)),
            ("keys", Type(Kind.STRUCT, "struct k", 64)),
            ("elems", Type(Kind.STRUCT, "struct e", 32)),
            ("overflow", integer(8)),
        ],
        [
            ("tophash", array_of(BYTE, 8)),
            ("keys", array_of(integer(4), 16)),
            ("elems", array_of(integer(8), 4)),
            ("overflow", integer(8)),
        ],
    ],
)
def test_struct_that_differs_from_the_type_object(members: Sequence[tuple[str, Type]]) -> None:
    made = Process()
    made.types["struct sessions_bucket"] = struct("struct sessions_bucket", members)
    found = made.header()
    assert (found.key_type.size, found.elem_type.size) == (8, 4)
    assert found.key_type.kind is found.elem_type.kind is Kind.ARRAY
    assert any("as bytes" in note for note in found.notes) or len(members) == 4


# ---- arrays' headers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"B": 4},
        {"B": 255},
        {"buckets": NEW},
        {"nalloc": 31},
        {"nalloc": 65},
        {"nalloc": 1 << 60},
        {"size": 0},
        {"size": (1 << 64) - 1},
        {"nalloc": 40},  # fits the B, but not the size
    ],
)
def test_array_header_that_does_not_agree(change: dict[str, int]) -> None:
    made = Process()
    new = made.add_array(NEW, 5)
    made.set_array(new, **change)
    made.set(B=5, buckets=new)
    ((number, text, address),) = made.problems()
    assert text.startswith("the header of 'buckets' ")
    (field,) = change
    assert (number, address) == ("I3", made.array_at(new, field))
    # The map's own fields stay correct, and the rest is computed from them.
    (found,) = made.header().arrays
    whole = made.hmap_array.size + 34 * made.bucket.size
    assert (found.buckets, found.spare, found.size) == (32, 2, whole)
    assert len(walked(made.open().walk(cells=False)).rows) == 32


def test_array_header_that_cannot_be_read() -> None:
    made = Process()
    made.image.map(NEW, 0x1000)
    made.set(buckets=NEW)
    header = NEW - made.hmap_array.size
    assert made.problems() == [("", "the header of 'buckets' cannot be read", header)]


def test_padding_before_an_array_s_header_is_fine() -> None:
    made = Process()
    new = made.add_array(NEW, 2)
    made.set(B=2, buckets=new)
    made.set_array(new, size=made.hmap_array.size + 4 * made.bucket.size + 16)
    assert made.problems() == []


@pytest.mark.parametrize(
    ("index", "extra", "sound"), [(0, 0, True), (1, 0, True), (2, 0, False), (0, 8, False)]
)
def test_next_overflow(index: int, extra: int, sound: bool) -> None:
    made = Process()
    new = made.add_array(NEW, 5)
    made.set(B=5, buckets=new, nextOverflow=made.spare(new, 5, index) + extra)
    found = made.header()
    if sound:
        assert (found.problems, found.overflow.spare_left) == ((), 2 - index)
    else:
        assert found.overflow.spare_left == 0
        assert made.problems() == [
            ("I12", "nextOverflow is not a spare bucket of the array", made.at("nextOverflow"))
        ]


def test_next_overflow_among_the_main_buckets() -> None:
    made = Process()
    new = made.add_array(NEW, 5)
    made.set(B=5, buckets=new, nextOverflow=new)
    assert [one[0] for one in made.problems()] == ["I12"]


# ---- retired arrays ------------------------------------------------------------------------------


def retire(made: Process, arrays: Sequence[int]) -> list[int]:
    """Puts arrays of 2^B buckets on the retired list; returns the addresses of their headers."""
    out = []
    for number, B in enumerate(arrays):
        made.add_array(RETIRED + number * 0x1_0000, B, pins=number + 1)
        out.append(RETIRED + number * 0x1_0000)
    made.set(retired=out[0], niterators=sum(range(1, len(arrays) + 1)))
    for at, following in zip(out, out[1:]):
        made.set_array(at + made.hmap_array.size, next=following)
    return out


@MODELS
def test_retired_arrays(pointer_size: int, order: Any) -> None:
    made = Process(pointer_size, order)
    made.set(B=2, buckets=made.add_array(NEW, 2))
    at = retire(made, [1, 5, 0])
    found = made.header()
    assert found.problems == ()
    front, size = made.hmap_array.size, made.bucket.size
    assert [
        (one.name, one.address, one.buckets, one.spare, one.size, one.pins)
        for one in found.pins.retired
    ] == [
        ("retired 0", at[0] + front, 2, 0, front + 2 * size, 1),
        ("retired 1", at[1] + front, 32, 2, front + 34 * size, 2),
        ("retired 2", at[2] + front, 1, 0, front + size, 3),
    ]


@pytest.mark.parametrize("back_to", [0, 1, 2])
def test_retired_list_that_is_a_cycle(back_to: int) -> None:
    made = Process()
    at = retire(made, [1, 1, 1])
    made.set_array(at[2] + made.hmap_array.size, next=at[back_to])
    assert made.problems() == [("I15", "the list of retired arrays is a cycle", made.at("retired"))]
    assert len(made.header().pins.retired) == 3


def test_retired_array_that_cannot_be_read() -> None:
    made = Process()
    at = retire(made, [1])
    made.set_array(at[0] + made.hmap_array.size, next=0xDEAD_0000)
    assert made.problems() == [("", "a retired array cannot be read", 0xDEAD_0000)]
    assert len(made.header().pins.retired) == 1


@pytest.mark.parametrize(
    "change", [{"B": 64}, {"B": 2}, {"nalloc": 1 << 62}, {"size": 1 << 62}, {"buckets": 0x1234}]
)
def test_retired_array_whose_header_makes_no_sense(change: dict[str, int]) -> None:
    made = Process()
    at = retire(made, [1, 1])
    first = at[1] + made.hmap_array.size
    made.set_array(first, **change)
    ((number, text, address),) = made.problems()
    assert text.startswith("the header of 'retired 1' ")
    # A different B is only found by comparison with the rest of the header.
    field = "nalloc" if change == {"B": 2} else next(iter(change))
    assert (number, address) == ("I3", made.array_at(first, field))
    assert len(made.header().pins.retired) == 1


# ---- arbitrary memory ----------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 160), st.integers(0, 255)), max_size=6),
    st.lists(st.tuples(st.integers(0, 140), st.integers(0, 255)), max_size=4),
    st.lists(st.tuples(st.integers(0, 48), st.integers(0, 255)), max_size=4),
    st.booleans(),
)
@settings(max_examples=200, derandomize=True, deadline=None)
def test_garbage_is_a_target_error_or_problems(
    in_map: list[tuple[int, int]],
    in_type: list[tuple[int, int]],
    in_array: list[tuple[int, int]],
    known: bool,
) -> None:
    made = Process()
    new = made.add_array(NEW, 3)
    made.set(B=3, buckets=new, oldbuckets=made.add_array(OLD, 2), name=made.text("m"))
    start = align_up(new - made.hmap_array.size, 8)
    for base, changes in ((MAP, in_map), (TYPE_OBJECT, in_type), (start, in_array)):
        for at, byte in changes:
            made.image.write(base + at, bytes([byte]))
    try:
        opened = made.open(knows_mappings=known)
    except TargetError as error:
        assert "\n" not in str(error)
        return
    found = walked(opened.walk(cells=True))
    assert len(opened.target.reads) < 20_000
    assert len(found.cells) == sum(row[5] for row in found.rows)
