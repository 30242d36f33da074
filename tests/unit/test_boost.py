"""Boost's maps over fake memory: groups that remember overflow, their invariants and probe lengths;
hash functions; cells with a list each."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Union

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmapdbg.block import Block, Problem
from hmapdbg.families import open_map
from hmapdbg.families.boost.containers import container_of
from hmapdbg.families.boost.groups import (
    METADATA,
    SENTINEL,
    SLOTS,
    Bytes,
    Interleaved,
    block_size,
    groups_for,
    initial_load,
)
from hmapdbg.families.boost.hashes import (
    HashRows,
    bytes_combined,
    mulx,
    multiplied,
    words_mixed,
)
from hmapdbg.families.boost.placement import PHI_64
from hmapdbg.families.libstdcxx.hash import hash_rows
from hmapdbg.geometry.overflow.map import OverflowMap
from hmapdbg.geometry.overflow.probes import lost, miss_lengths, triangular
from hmapdbg.languages.cxx.names import short_name
from hmapdbg.stats import Stats
from hmapdbg.target import Field, Kind, TargetError, Type, Value
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import byte_array, pointer_to

HEADER_AT, BLOCK_AT = 0x1000, 0x100000
MASK = (1 << 64) - 1

INT = Type(Kind.INTEGER, "int", 4, signed=True)
SIZE = Type(Kind.INTEGER, "unsigned long", 8)
PAIR = Type(
    Kind.STRUCT, "std::pair<int, int>", 8, fields=(Field("first", 0, INT), Field("second", 4, INT))
)
GROUP = Type(Kind.STRUCT, "group15<plain_integral>", 16, fields=(Field("m", 0, byte_array(16)),))
ARRAYS = Type(
    Kind.STRUCT,
    "table_arrays<std::pair<int const, int>, ...>",
    32,
    fields=(
        Field("groups_size_index", 0, SIZE),
        Field("groups_size_mask", 8, SIZE),
        Field("groups_", 16, pointer_to(GROUP, 8)),
        Field("elements_", 24, pointer_to(PAIR, 8)),
    ),
    resolve_argument=lambda number: PAIR if number == 0 else None,
)
CONTROL = Type(
    Kind.STRUCT, "size_control", 16, fields=(Field("ml", 0, SIZE), Field("size", 8, SIZE))
)


def arguments(number: int) -> Union[Type, int, None]:
    return Type(Kind.STRUCT, "boost::hash<int>", 1) if number == 1 else None


TABLE = Type(
    Kind.STRUCT,
    "boost::unordered::unordered_flat_map<int, int>::table_type",
    48,
    fields=(Field("arrays", 0, ARRAYS), Field("size_ctrl", 32, CONTROL)),
    resolve_argument=arguments,
)
MAP = Type(
    Kind.STRUCT,
    "boost::unordered::unordered_flat_map<int, int>",
    48,
    fields=(Field("table_", 0, TABLE),),
)


@dataclass
class Rig:
    """A map as the library fills it, to be corrupted and read."""

    groups: int
    metadata: bytearray = field(default_factory=bytearray)
    slots: bytearray = field(default_factory=bytearray)
    size: int = 0
    most: int = 0

    def __post_init__(self) -> None:
        self.metadata = bytearray(METADATA * self.groups)
        self.metadata[METADATA * self.groups - 2] = SENTINEL
        self.slots = bytearray(8 * (SLOTS * self.groups - 1))
        self.most = initial_load(self.groups)

    def hash(self, key: int) -> tuple[int, int]:
        """The mixed code of a key, and the byte that is made of it."""
        product = (key & MASK) * PHI_64
        code = (product ^ product >> 64) & MASK
        low = code & 0xFF
        return code, low + 8 if low < 2 else low

    def insert(self, key: int) -> None:
        code, byte = self.hash(key)
        group = code >> (64 - (self.groups.bit_length() - 1))
        for step in range(self.groups):
            group = (group + step) % self.groups
            bytes_ = self.metadata[METADATA * group : METADATA * group + SLOTS]
            if 0 in bytes_:
                slot = bytes_.index(0)
                self.metadata[METADATA * group + slot] = byte
                at = 8 * (SLOTS * group + slot)
                self.slots[at : at + 8] = struct.pack("<ii", key, -key)
                self.size += 1
                return
            self.metadata[METADATA * group + SLOTS] |= 1 << (code & 7)
        raise AssertionError("the map is full")

    def erase(self, key: int) -> None:
        code, byte = self.hash(key)
        for group, slot in self.places():
            at = 8 * (SLOTS * group + slot)
            if struct.unpack_from("<i", self.slots, at)[0] == key:
                self.metadata[METADATA * group + slot] = 0
                self.most -= self.metadata[METADATA * group + SLOTS] >> (code & 7) & 1
                self.size -= 1
                return
        raise AssertionError(byte)

    def places(self) -> list[tuple[int, int]]:
        return [
            (group, slot)
            for group in range(self.groups)
            for slot in range(SLOTS)
            if self.metadata[METADATA * group + slot] > SENTINEL
        ]

    def open(self) -> OverflowMap:
        block = bytes(self.slots)
        metadata_at = (BLOCK_AT + len(block) + 15) // 16 * 16
        block += bytes(metadata_at - BLOCK_AT - len(block)) + bytes(self.metadata)
        index = 64 - (self.groups.bit_length() - 1)
        words = (index, self.groups - 1, metadata_at, BLOCK_AT, self.most, self.size)
        header = struct.pack("<6Q", *words)
        target = FakeTarget({HEADER_AT: header, BLOCK_AT: block})
        opened = open_map(target, Value("m", MAP, header, HEADER_AT))
        assert isinstance(opened, OverflowMap)
        return opened

    def check(self) -> set[str]:
        opened = self.open()
        found = [one for one in opened.audit() if isinstance(one, Problem)]
        found += opened.header.problems
        return {one.invariant for one in found}


def entries_of(opened: OverflowMap) -> dict[int, int]:
    out: dict[int, int] = {}
    for block in opened.walk(cells=True):
        assert isinstance(block, Block) and block.cells is not None
        keys = block.cells.keys.data.copy().view("<i4").ravel().tolist()
        out.update(zip(keys, block.cells.elems.data.copy().view("<i4").ravel().tolist()))
    return out


def some_keys(count: int) -> list[int]:
    """Keys that multiplying does not spread evenly, as it does those side by side."""
    return [pow(one, 3, 1_000_003) for one in range(1, count + 1)]


def filled(groups: int, count: int) -> Rig:
    rig = Rig(groups)
    for key in some_keys(count):
        rig.insert(key)
    return rig


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([2, 4, 8, 32]),
    st.sets(st.integers(1 - (1 << 31), (1 << 31) - 1), max_size=200),
)
def test_maps_are_read_and_sound_after_insertions_and_erasures(groups: int, keys: set[int]) -> None:
    rig = Rig(groups)
    chosen = sorted(keys)[: initial_load(groups)]
    for key in chosen:
        rig.insert(key)
    gone = set(chosen[:: 1 + len(chosen) % 3])
    for key in sorted(gone):
        rig.erase(key)
    opened = rig.open()
    assert entries_of(opened) == {key: -key for key in chosen if key not in gone}
    assert [one for one in opened.audit() if isinstance(one, Problem)] == []
    assert opened.header.problems == ()


def test_a_key_is_found_where_its_hash_leads() -> None:
    rig = filled(8, 100)
    opened = rig.open()
    assert any(rig.metadata[15::16])  # groups have overflowed
    for key in some_keys(100):
        place = opened.place_of(struct.pack("<i", key))
        assert place is not None
        (block,) = opened.walk(cells=True, only=place)
        assert isinstance(block, Block) and block.cells is not None
        assert key in block.cells.keys.data.copy().view("<i4").ravel().tolist()


def test_probe_lengths_are_those_of_lookups_in_turn() -> None:
    rig = filled(8, 104)
    stats = Stats(rig.open().header)
    for block in rig.open().walk(cells=False):
        assert isinstance(block, Block)
        stats.add(block)
    counts: dict[int, int] = {}
    for home in range(8):
        for kind in range(8):
            group, length = home, 1
            while rig.metadata[METADATA * group + SLOTS] >> kind & 1 and length < 8:
                group, length = (group + length) % 8, length + 1
            counts[length] = counts.get(length, 0) + 1
    assert {at: number for at, number in enumerate(stats.probes.tolist()) if number} == counts
    assert len(counts) > 1


def test_each_invariant_is_seen_to_fail() -> None:
    rig = filled(8, 100)
    assert rig.check() == set()
    group, slot = rig.places()[20]
    at = METADATA * group + slot

    rig.metadata[at] ^= 0x40
    assert rig.check() == {"O4"}
    rig.metadata[at] ^= 0x40
    marks = rig.metadata[15::16]
    rig.metadata[15::16] = bytes(len(marks))
    assert rig.check() == {"O5"}
    rig.metadata[15::16] = marks
    rig.metadata[-2] = 0
    assert rig.check() == {"O3"}
    rig.metadata[-2] = SENTINEL
    rig.most = initial_load(8) + 1
    assert rig.check() == {"O2"}
    rig.most = 99
    assert rig.check() == {"O2"}
    rig.most = initial_load(8)
    there = 8 * (SLOTS * group + slot)
    other = 8 * (SLOTS * group + (slot + 1) % SLOTS)
    rig.slots[there : there + 4] = rig.slots[other : other + 4]
    assert "O6" in rig.check()


@pytest.mark.parametrize("word", range(4))
def test_what_cannot_be_a_map_is_refused(word: int) -> None:
    rig = filled(2, 5)
    index, at = 63, (BLOCK_AT + len(rig.slots) + 15) // 16 * 16
    words = [index, 1, at, BLOCK_AT, 29, 5]
    words[word] = 12
    header = struct.pack("<6Q", *words)
    block = bytes(rig.slots).ljust(at - BLOCK_AT, b"\0") + bytes(rig.metadata)
    target = FakeTarget({HEADER_AT: header, BLOCK_AT: block})
    with pytest.raises(TargetError):
        open_map(target, Value("m", MAP, header, HEADER_AT))


def test_metadata_of_processors_without_vectors_has_its_bits_interleaved() -> None:
    plain = np.arange(1, 33, dtype=np.uint8).reshape(2, 16)
    words = np.zeros((2, 2), np.uint64)
    for group in range(2):
        for place in range(16):
            for bit in range(8):
                value = int(plain[group, place]) >> bit & 1
                words[group, bit // 4] |= np.uint64(value << (16 * (bit % 4) + place))
    raw = words.view(np.uint8)
    assert (Interleaved("<").bytes_of(raw) == Bytes().bytes_of(plain)).all()
    assert (Interleaved("<").passed(raw) == Bytes().passed(plain)).all()
    big = words.astype(">u8").view(np.uint8)
    assert (Interleaved(">").bytes_of(big) == Bytes().bytes_of(plain)).all()


def test_entries_that_no_lookup_reaches() -> None:
    ends = np.array([[True], [False], [True], [True]])
    homes, groups = np.array([0, 1, 1, 2]), np.array([0, 2, 3, 1])
    kinds = np.zeros(4, np.int64)
    assert lost(ends, triangular, homes, kinds, groups).tolist() == [False, False, True, True]
    assert miss_lengths(np.zeros((4, 2), np.bool_), triangular).tolist() == [[4, 4]] * 4


# Of texts of 0, 3, 9 and 20 bytes, by programs with Boost 1.74, 1.81 and 1.88, and with libstdc++.
TEXT = bytes((200 + 7 * at) % 256 for at in range(20))
CODES = [
    (bytes_combined, (0x0, 0x1BEAF0A1A6CF7BC1, 0x1C5E0ADE77B4DEDE, 0xF6B30DC7759D08A5)),
    (words_mixed, (0x1ED1B5ABBD8399B7, 0x7A0E916B1DBFE26D, 0x6B15ACE9528674FC, 0x53BE445D1F91AFAE)),
    (multiplied, (0x1C97DA6F7F24EBA6, 0x7A853FC713B226B0, 0x29EE4F4352A8DD45, 0xDF4DD8BAA75142D1)),
    (hash_rows, (0x553E93901E462A6E, 0x7333F640BC625E64, 0x98C31A3EF4001AC3, 0x9A225E39BF279C86)),
]


@pytest.mark.parametrize(("function", "codes"), CODES)
def test_texts_are_hashed_as_by_the_library(function: HashRows, codes: tuple[int, ...]) -> None:
    for size, code in zip((0, 3, 9, 20), codes):
        rows = np.frombuffer(TEXT[:size], np.uint8)[None].repeat(2, axis=0)
        assert function(rows).tolist() == [code, code]


def test_sizes_are_those_of_the_library() -> None:
    assert [initial_load(groups) for groups in (2, 4, 8, 1024)] == [29, 51, 104, 13439]
    assert [groups_for(count) for count in (1, 29, 30, 51, 52)] == [2, 2, 4, 4, 8]
    assert block_size(2, 8) == 8 * 29 + 48


def test_products_of_two_words() -> None:
    numbers = [0, 1, MASK, 1 << 63, 0x123456789ABCDEF0]
    for factor in (PHI_64, MASK, 1):
        products = [one * factor for one in numbers]
        wanted = [(one ^ one >> 64) & MASK for one in products]
        assert mulx(np.array(numbers, np.uint64), factor).tolist() == wanted


@pytest.mark.parametrize(
    ("name", "container"),
    [
        (
            "boost::unordered::unordered_multimap<int, int, boost::hash<int> >::table",
            "unordered_multimap",
        ),
        ("boost::unordered::unordered_set<ns::unordered_flat_map<int> >::table", "unordered_set"),
        ("boost::unordered::concurrent_flat_map<int, int>::table_type", "concurrent_flat_map"),
        (
            "foa::table<boost::unordered::detail::foa::node_set_types<int, void*>, H>",
            "unordered_node_set",
        ),
        ("detail::table<boost::unordered::detail::map<A, int, int, H, P> >", "unordered_map"),
    ],
)
def test_containers_are_known_by_the_names_of_their_tables(name: str, container: str) -> None:
    assert container_of(Type(Kind.STRUCT, name, 48)).name == container


def test_names_are_shortened_by_what_a_container_has_by_default() -> None:
    plain = "boost::unordered::unordered_map<int, int, boost::hash<int>, std::equal_to<int> >"
    assert short_name(plain) == "boost::unordered_map<int, int>"
    other = plain.replace("boost::hash<int>", "std::hash<int>")
    assert short_name(other) == "boost::unordered_map<int, int, std::hash<int>>"
    own = "std::unordered_map<int, int, boost::hash<int>, std::equal_to<int> >"
    assert short_name(own) == "std::unordered_map<int, int, boost::hash<int>>"


def test_marks_that_erased_entries_have_left_are_a_verdict() -> None:
    rig = filled(32, 300)
    for key in some_keys(300)[20:]:
        rig.erase(key)
    rig.metadata[15::16] = bytes([0xFF]) * 32  # as after many more insertions
    rig.most -= 100
    opened = rig.open()
    stats = Stats(opened.header)
    for block in opened.walk(cells=False):
        assert isinstance(block, Block)
        stats.add(block)
    assert [one.name for one in stats.verdicts()] == ["emptied"]
    assert dict(opened.header.details)["erased"].startswith(f"{initial_load(32) - rig.most} from")
