"""Tables of slots with their control bytes apart, over fake memory: windows, walk and invariants;
and Rust's maps, which are made of them."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmapdbg.block import Block, Problem
from hmapdbg.families import open_map
from hmapdbg.families.family import Map
from hmapdbg.families.rust.siphash import siphash13
from hmapdbg.families.rust.table import capacity_of, slots_for
from hmapdbg.find import find, parse_key
from hmapdbg.geometry.control.probes import hit_lengths, miss_lengths, window_ends
from hmapdbg.stats import Stats
from hmapdbg.target import Field, Kind, TargetError, Type, Value
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import pointer_to

WIDTH = 16
EMPTY, DELETED = 0xFF, 0x80
K0, K1 = 0x0123456789ABCDEF, 0xFEDCBA9876543210
HEADER_AT, BLOCK_AT = 0x1000, 0x100000
U8 = Type(Kind.INTEGER, "u8", 1)
U64 = Type(Kind.INTEGER, "u64", 8)


# ---- windows, one by one


def slow_windows(empty: list[bool], start: int) -> list[int]:
    """Where the windows of a lookup begin, up to the one that ends it."""
    count, at, step, out = len(empty), start, 0, []
    while True:
        out.append(at)
        window = [empty[(at + one) % count] for one in range(min(WIDTH, count))]
        if count < WIDTH or any(window) or len(out) >= max(count // WIDTH, 1):
            return out
        step += WIDTH
        at = (at + step) % count


occupancies = st.integers(2, 7).flatmap(
    lambda bits: st.lists(st.booleans(), min_size=1 << bits, max_size=1 << bits)
)


@given(occupancies)
@settings(deadline=None)
def test_a_miss_visits_the_windows_up_to_the_first_empty_slot(empty: list[bool]) -> None:
    lengths = miss_lengths(np.array(empty), WIDTH)
    assert lengths.tolist() == [len(slow_windows(empty, one)) for one in range(len(empty))]


@given(occupancies, st.randoms())
@settings(deadline=None)
def test_a_hit_visits_the_windows_up_to_its_slot(empty: list[bool], some: random.Random) -> None:
    count = len(empty)
    homes = [some.randrange(count) for _ in range(20)]
    slots = [some.randrange(count) for _ in range(20)]
    lengths = hit_lengths(np.array(empty), WIDTH, np.array(homes), np.array(slots))
    for home, slot, length in zip(homes, slots, lengths.tolist()):
        numbers = [
            number
            for number, at in enumerate(slow_windows(empty, home), start=1)
            if (slot - at) % count < WIDTH
        ]
        assert length == (numbers[0] if numbers else 0)


def test_a_window_wraps_at_the_end_of_the_table() -> None:
    empty = np.zeros(32, np.bool_)
    empty[1] = True
    assert window_ends(empty, WIDTH).nonzero()[0].tolist() == [0, 1, *range(18, 32)]


# ---- a map of Rust's in fake memory


def struct_of(
    name: str, size: int, *members: tuple[str, int, Type], of: Type | None = None
) -> Type:
    fields = tuple(Field(one, offset, type) for one, offset, type in members)
    return Type(
        Kind.STRUCT,
        name,
        size,
        fields=fields,
        resolve_argument=None if of is None else lambda number: of if number == 0 else None,
    )


ENTRY = struct_of("(u64, u64)", 16, ("__0", 8, U64), ("__1", 0, U64))  # as rustc may order them
CONTROL = struct_of("core::ptr::non_null::NonNull<u8>", 8, ("pointer", 0, pointer_to(U8, 8)))
INNER = struct_of(
    "hashbrown::raw::RawTableInner",
    32,
    ("bucket_mask", 8, U64),
    ("ctrl", 0, CONTROL),
    ("growth_left", 16, U64),
    ("items", 24, U64),
)
MARKER = struct_of("core::marker::PhantomData<(u64, u64)>", 0)
RAW = struct_of(
    "hashbrown::raw::RawTable<(u64, u64)>",
    32,
    ("table", 0, INNER),
    ("marker", 32, MARKER),
    of=ENTRY,
)
STATE = struct_of("std::hash::random::RandomState", 16, ("k0", 0, U64), ("k1", 8, U64))
BROWN = struct_of(
    "hashbrown::map::HashMap<u64, u64>", 48, ("hash_builder", 32, STATE), ("table", 0, RAW), of=U64
)
MAP = struct_of("std::collections::hash::map::HashMap<u64, u64>", 48, ("base", 0, BROWN), of=U64)


def code_of(key: int) -> int:
    data = np.frombuffer(key.to_bytes(8, "little"), np.uint8)
    return int(siphash13(K0, K1, data, np.array([8]))[0])


@dataclass
class Rig:
    """A map with hashbrown's layout, to be corrupted and read."""

    slots: int
    keys: list[int]
    places: dict[int, int] = field(default_factory=dict)  # key -> slot
    control: bytearray = field(default_factory=bytearray)
    entries: bytearray = field(default_factory=bytearray)
    items: int = 0
    growth_left: int = 0

    def __post_init__(self) -> None:
        self.control = bytearray([EMPTY] * self.slots)
        self.entries = bytearray(16 * self.slots)
        for key in self.keys:
            self.insert(key, code_of(key))
        self.items = len(self.keys)
        self.growth_left = capacity_of(self.slots) - self.items

    def insert(self, key: int, code: int) -> None:
        at, step = code % self.slots, 0
        while True:
            window = [(at + one) % self.slots for one in range(min(WIDTH, self.slots))]
            free = [one for one in window if self.control[one] in (EMPTY, DELETED)]
            if free:
                self.put(free[0], key, code >> 57)
                return
            step += WIDTH
            at = (at + step) % self.slots

    def put(self, slot: int, key: int, byte: int) -> None:
        self.control[slot] = byte
        self.places[key] = slot
        begin = 16 * (self.slots - 1 - slot)
        self.entries[begin : begin + 16] = struct.pack("<QQ", key * 2, key)

    @property
    def clones(self) -> bytes:
        rest = bytes([EMPTY] * max(WIDTH - self.slots, 0))
        return rest + bytes(self.control[:WIDTH])

    @property
    def ctrl(self) -> int:
        return BLOCK_AT + len(self.entries)

    def target(self, clones: bytes | None = None) -> FakeTarget:
        header = struct.pack(
            "<QQQQQQ", self.ctrl, self.slots - 1, self.growth_left, self.items, K0, K1
        )
        behind = self.clones if clones is None else clones
        memory = bytes(self.entries) + bytes(self.control) + behind
        return FakeTarget({HEADER_AT: header, BLOCK_AT: memory}, knows_mappings=True)


def opened(target: FakeTarget) -> Map:
    data = target.read(HEADER_AT, 48)
    return open_map(target, Value("map", MAP, data, HEADER_AT))


def audit(target: FakeTarget) -> list[str]:
    return [one.invariant for one in opened(target).audit() if isinstance(one, Problem)]


sizes = st.sampled_from([(4, 3), (8, 7), (16, 14), (32, 28), (64, 56), (256, 224)])


@given(sizes, st.randoms())
@settings(deadline=None, max_examples=50)
def test_a_walk_meets_each_entry_once_and_in_its_place(
    size: tuple[int, int], some: random.Random
) -> None:
    slots, most = size
    rig = Rig(slots, some.sample(range(1 << 40), some.randint(1, most)))
    target = rig.target()
    found, rows = {}, 0
    for block in opened(target).walk(cells=True):
        assert isinstance(block, Block) and block.buckets is not None and block.cells is not None
        rows += int(block.buckets.slots.sum())
        for bucket, slot, key, elem in zip(
            block.cells.bucket.tolist(),
            block.cells.slot.tolist(),
            block.cells.keys.data.copy().view("<u8")[:, 0].tolist(),
            block.cells.elems.data.copy().view("<u8")[:, 0].tolist(),
        ):
            assert elem == 2 * key
            found[key] = 16 * bucket + slot
    assert found == rig.places
    assert rows == slots
    assert audit(target) == []


@given(sizes, st.randoms())
@settings(deadline=None, max_examples=50)
def test_a_key_is_found_by_its_hash_alone(size: tuple[int, int], some: random.Random) -> None:
    slots, most = size
    rig = Rig(slots, some.sample(range(1 << 40), most))
    target = rig.target()
    map_ = opened(target)
    for key in (*rig.keys[:5], 1 << 41):
        hit = find(target, map_, parse_key(target, U64, str(key)))
        assert hit.hashed and (hit.cells is not None) == (key in rig.places)
        if hit.cells is not None:
            assert 16 * int(hit.cells.bucket[0]) + int(hit.cells.slot[0]) == rig.places[key]


def test_statistics_count_windows_from_every_slot() -> None:
    rig = Rig(64, list(range(1000, 1056)))
    map_ = opened(rig.target())
    stats = Stats(map_.header)
    for block in map_.walk(cells=False):
        assert isinstance(block, Block)
        stats.add(block)
    empty = [byte == EMPTY for byte in rig.control]
    lengths = [len(slow_windows(empty, one)) for one in range(64)]
    assert int(stats.probes.sum()) == 64
    assert stats.mean_probe == pytest.approx(sum(lengths) / 64)


def test_each_fault_has_its_invariant() -> None:
    def rig() -> Rig:
        return Rig(64, list(range(1000, 1030)))

    sound = rig()
    full, free = sound.places[1007], sound.control.index(EMPTY)
    far = max(
        (one for one in range(64) if sound.control[one] == EMPTY),
        key=lambda one: (one - code_of(1007)) % 64,
    )
    one = rig()
    one.control[free] = 0x91
    assert audit(one.target()) == ["R3"]
    one = rig()
    assert audit(one.target(bytes(15) + one.clones[15:])).count("R4") >= 14
    one = rig()
    one.growth_left += 1
    assert audit(one.target()) == ["R5"]
    one = rig()
    one.control = bytearray(DELETED if byte == EMPTY else byte for byte in one.control)
    one.growth_left = 0
    assert set(audit(one.target())) == {"R5", "R6"}
    one = rig()
    one.control[full] ^= 1
    assert audit(one.target()) == ["R7"]
    one = rig()
    one.control[full] = EMPTY
    one.put(far, 1007, code_of(1007) >> 57)
    assert "R8" in audit(one.target())
    one = rig()
    begin = 16 * (63 - full)
    one.entries[begin : begin + 16] = struct.pack("<QQ", 0, 1008)
    assert "R9" in audit(one.target())


@pytest.mark.parametrize(
    ("mask", "ctrl", "items"),
    [
        (1000, BLOCK_AT, 0),
        ((1 << 62) - 1, BLOCK_AT, 0),
        (63, 0, 0),
        (63, 0xDEAD0000000, 0),
        (63, BLOCK_AT, 1 << 50),
        (0, BLOCK_AT, 1),
        (0, 0, 0),
        (0, BLOCK_AT, 0),  # no byte of an empty map's
    ],
)
def test_what_is_no_map_is_refused(mask: int, ctrl: int, items: int) -> None:
    target = Rig(64, [1]).target()
    target.segments[HEADER_AT] = struct.pack("<QQQQQQ", ctrl, mask, 0, items, K0, K1)
    with pytest.raises(TargetError, match="not a valid map|cannot read"):
        opened(target)


def test_memory_that_cannot_be_read_is_told() -> None:
    rig = Rig(4096, list(range(3000)))
    target = rig.target()
    whole = target.segments.pop(BLOCK_AT)
    hole = rig.ctrl + 1024 - BLOCK_AT
    target.segments[BLOCK_AT] = whole[:hole]
    target.segments[BLOCK_AT + hole + 1024] = whole[hole + 1024 :]
    problems = [one for one in opened(target).walk(cells=True) if isinstance(one, Problem)]
    assert [one.address for one in problems] == [rig.ctrl + 1024]
    assert "slots 1,024 to 2,047 cannot be read" in problems[0].text


def test_tables_are_as_large_as_the_entries_need() -> None:
    assert [slots_for(count, 16, 16) for count in (1, 3, 4, 7, 8, 14, 15, 28, 29, 448, 449)] == [
        *(4, 4, 8, 8, 16, 16, 32, 32, 64, 512, 1024)
    ]
    assert [slots_for(1, size, 16) for size in (0, 1, 2, 3, 4)] == [16, 16, 8, 8, 4]
    assert [capacity_of(slots) for slots in (4, 8, 16, 32)] == [3, 7, 14, 28]


def test_siphash_is_that_of_std() -> None:
    """What std's DefaultHasher, with keys of 0, finishes with."""
    texts = [b"", b"hello", bytes(range(20))]
    joined = np.frombuffer(b"".join(texts), np.uint8)
    codes = siphash13(0, 0, joined, np.array([len(text) for text in texts]))
    assert codes.tolist() == [0xD1FBA762150C532C, 0xE2E77B41CB4E1F9E, 0x639E355AE68C0100]
