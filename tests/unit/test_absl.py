"""Abseil's maps over fake memory: tables with a sentinel behind their slots, their invariants."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from typing import Union

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmapdbg.block import Block, Problem
from hmapdbg.families import open_map
from hmapdbg.families.absl.entries import find_entry, natural_alignment
from hmapdbg.families.absl.layouts import find_layout
from hmapdbg.families.absl.table import CONTROL, Kind as TableKind
from hmapdbg.families.family import Map
from hmapdbg.geometry.control.layout import SlotLayout
from hmapdbg.geometry.control.shape import ControlSlots
from hmapdbg.stats import Stats
from hmapdbg.target import Field, Kind, TargetError, Type, Value
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import pointer_to

WIDTH = 16
EMPTY, DELETED, SENTINEL = 0x80, 0xFE, 0xFF
HEADER_AT, BLOCK_AT = 0x1000, 0x100000

INT = Type(Kind.INTEGER, "int", 4, signed=True)
SIZE = Type(Kind.INTEGER, "unsigned long", 8)
PAIR = Type(
    Kind.STRUCT, "std::pair<int, int>", 8, fields=(Field("first", 0, INT), Field("second", 4, INT))
)
SLOT = Type(
    Kind.UNION,
    "map_slot_type<int, int>",
    8,
    fields=(Field("value", 0, PAIR), Field("mutable_value", 0, PAIR), Field("key", 0, INT)),
)


def arguments(number: int) -> Union[Type, int, None]:
    return (INT, INT)[number] if number < 2 else None


POLICY = Type(Kind.STRUCT, "FlatHashMapPolicy<int, int>", 1, resolve_argument=arguments)
SETTINGS = Type(
    Kind.STRUCT,
    "CompressedTuple<...>",
    8,
    fields=(
        Field("", 0, Type(Kind.STRUCT, "Storage", 8, fields=(Field("value", 0, SIZE),)), base=True),
    ),
)
MAP = Type(
    Kind.STRUCT,
    "absl::flat_hash_map<int, int>",
    40,
    fields=(
        Field("ctrl_", 0, pointer_to(Type(Kind.INTEGER, "signed char", 1), 8)),
        Field("slots_", 8, pointer_to(SLOT, 8)),
        Field("size_", 16, SIZE),
        Field("capacity_", 24, SIZE),
        Field("settings_", 32, SETTINGS),
    ),
    resolve_argument=lambda number: POLICY if number == 0 else None,
)


@dataclass
class Rig:
    """A map of the oldest layout, to be corrupted and read: its keys, and the slots of each."""

    capacity: int
    places: dict[int, int]  # key -> slot
    deleted: tuple[int, ...] = ()
    control: bytearray = field(default_factory=bytearray)
    slots: bytearray = field(default_factory=bytearray)
    size: int = 0
    growth_left: int = 0

    def __post_init__(self) -> None:
        self.control = bytearray([EMPTY] * (self.capacity + WIDTH))
        self.control[self.capacity] = SENTINEL
        self.slots = bytearray(8 * self.capacity)
        for key, slot in self.places.items():
            self.set(slot, key % 128)
            self.slots[8 * slot : 8 * slot + 8] = struct.pack("<ii", key, -key)
        for slot in self.deleted:
            self.set(slot, DELETED)
        self.size = len(self.places)
        used = self.size + len(self.deleted)
        self.growth_left = self.capacity - self.capacity // 8 - used

    def set(self, slot: int, byte: int) -> None:
        self.control[slot] = byte
        if slot < WIDTH - 1:
            self.control[self.capacity + 1 + slot] = byte

    def target(self) -> FakeTarget:
        header = struct.pack(
            "<QQQQQ",
            BLOCK_AT,
            BLOCK_AT + len(self.control),
            self.size,
            self.capacity,
            self.growth_left,
        )
        memory = bytes(self.control) + bytes(self.slots)
        return FakeTarget({HEADER_AT: header, BLOCK_AT: memory}, knows_mappings=True)


def opened(target: FakeTarget) -> Map:
    return open_map(target, Value("map", MAP, target.read(HEADER_AT, 40), HEADER_AT))


def audit(target: FakeTarget) -> list[str]:
    return [one.invariant for one in opened(target).audit() if isinstance(one, Problem)]


def rig(bits: int, some: random.Random) -> Rig:
    """A map of random content."""
    capacity = (1 << bits) - 1
    most = capacity - capacity // 8
    places = some.sample(range(capacity), some.randint(0, most))
    live = some.randint(0, len(places))
    deleted = tuple(places[live:]) if capacity >= WIDTH else ()
    return Rig(capacity, {7 * slot - 5: slot for slot in places[:live]}, deleted)


@given(st.integers(1, 8), st.randoms())
@settings(deadline=None, max_examples=30)
def test_a_walk_meets_each_entry_once_and_in_its_place(bits: int, some: random.Random) -> None:
    made = rig(bits, some)
    found: dict[int, int] = {}
    rows = []
    for item in opened(made.target()).walk(cells=True):
        assert isinstance(item, Block) and item.cells is not None and item.buckets is not None
        keys = item.cells.keys.data.copy().view("<i4")[:, 0].tolist()
        found.update(zip(keys, (item.cells.bucket * 16 + item.cells.slot).tolist()))
        rows += item.buckets.slots.tolist()
    assert found == made.places
    assert sum(rows) == made.capacity  # the sentinel is no slot
    assert audit(made.target()) == []


@given(st.integers(1, 8), st.randoms())
@settings(deadline=None, max_examples=30)
def test_a_miss_visits_windows_that_go_over_the_sentinel(bits: int, some: random.Random) -> None:
    made = rig(bits, some)
    count = made.capacity + 1
    stats = Stats(opened(made.target()).header)
    ends = np.array([byte == EMPTY for byte in made.control[: made.capacity]])
    geometry = stats.header.geometry
    lengths = geometry.probes(ends)
    assert lengths is not None and len(lengths) == count
    for start in range(count):
        at, step, wanted = start, 0, 1
        # What the library reads: a window of the control bytes, clones included.
        while EMPTY not in made.control[at : at + WIDTH] and wanted < max(count // WIDTH, 1):
            step += WIDTH
            at, wanted = (at + step) % count, wanted + 1
        assert lengths[start] == wanted, start


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (lambda made: made.control.__setitem__(63, EMPTY), {"R4"}),
        (lambda made: made.control.__setitem__(64 + 2, 1), {"R4"}),
        (lambda made: made.control.__setitem__(40, SENTINEL), {"R3", "R5"}),
        (lambda made: made.control.__setitem__(40, EMPTY), {"R5"}),
        (lambda made: setattr(made, "growth_left", 3), {"R5"}),
    ],
)
def test_faults_are_named(fault: object, named: set[str]) -> None:
    made = Rig(63, {key: key for key in range(50)})
    assert callable(fault)
    fault(made)
    assert set(audit(made.target())) - {"R1"} == named


def test_a_full_small_table_is_sound_without_an_empty_slot() -> None:
    assert audit(Rig(7, {key: key for key in range(7)}).target()) == []


@pytest.mark.parametrize(
    ("capacity", "control", "size"),
    [
        (62, BLOCK_AT, 0),
        ((1 << 63) - 1, BLOCK_AT, 0),
        ((1 << 64) - 1, BLOCK_AT, 0),
        (63, 8, 0),
        (63, 0xDEAD0000000, 0),
        (63, BLOCK_AT, 64),
        (0, BLOCK_AT, 1),
        (0, 0, 0),
        (0, BLOCK_AT, 0),  # no byte of an empty map's
    ],
)
def test_what_is_no_map_is_refused(capacity: int, control: int, size: int) -> None:
    target = Rig(63, {1: 1}).target()
    header = struct.pack("<QQQQQ", control, BLOCK_AT + 63 + WIDTH, size, capacity, 0)
    target.segments[HEADER_AT] = header
    with pytest.raises(TargetError, match="not a valid map|cannot read"):
        opened(target)


def test_tables_are_as_large_as_the_entries_need() -> None:
    layout = find_layout(MAP)
    assert layout is not None
    kind = TableKind(layout, find_entry(FakeTarget({}), layout, "map"), WIDTH)
    assert [kind.capacity_for(count) for count in (1, 2, 7, 8, 14, 15, 28, 29, 448, 449)] == [
        *(1, 3, 7, 15, 15, 31, 31, 63, 511, 1023)
    ]
    narrow = TableKind(layout, kind.entry, 8)
    assert [narrow.capacity_for(count) for count in (6, 7)] == [7, 15]


def test_clones_stand_behind_the_sentinels() -> None:
    layout = SlotLayout(8, 0, 4, 4, 4, CONTROL, WIDTH, clones=15, clones_first=True)
    full = np.arange(5, dtype=np.uint8)
    behind = layout.behind(full, 3)  # two slots of a table of seven are left out
    assert behind.tolist() == [SENTINEL] * 3 + [0, 1, 2, 3, 4] + [SENTINEL] * 2 + [EMPTY] * 8
    assert [layout.original(at, 5, 3) for at in (0, 3, 7, 8)] == [-1, 0, 4, -1]


def test_an_inline_slot_is_found_in_one_step() -> None:
    geometry = ControlSlots(slots=1, bucket_size=1, load_factor=1.0, has_control=False)
    assert geometry.probes(np.array([False])) is not None
    assert geometry.place(None, 0, 0, 0, 0x40) == "slot 0, at 0x40"


def test_alignments_are_those_of_the_parts() -> None:
    wide = Type(Kind.INTEGER, "__int128", 16)
    assert natural_alignment(PAIR) == 4
    assert natural_alignment(wide) == 16
    assert natural_alignment(Type(Kind.STRUCT, "S", 32, fields=(Field("n", 16, wide),))) == 16
