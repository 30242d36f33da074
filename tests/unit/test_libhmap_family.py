"""Opening a libhmap map: headers of both pointer widths and byte orders, and invalid headers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import align_up, integer, struct, walked
from hmapdbg.families import open_map
from hmapdbg.target import Kind, TargetError, Type, Value
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import array_of, pointer_to
from libhmap_process import MAP, TYPE_OBJECT, TEXTS, NEW, OLD, BYTE, MODELS, Process


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
