"""Flat slots with a stored state, over fake memory: probes, walk, invariants; GLib's hash tables,
which are made of them, of every generation of the struct; and maps of void * read as other
types."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmapdbg.block import Block, Problem
from hmapdbg.families import open_map
from hmapdbg.families.family import Map
from hmapdbg.families.glib.placement import of_double, of_text
from hmapdbg.families.glib.table import LEAST, rebuilt_size, room, size_for
from hmapdbg.families.retyped import Reading, reading_as, retyped
from hmapdbg.find import find, parse_key
from hmapdbg.geometry.flat.probes import hit_lengths, miss_lengths, triangular_from
from hmapdbg.languages.glib.hash_table import PRIMES, struct_of
from hmapdbg.stats import Stats
from hmapdbg.target import Kind, TargetError, Type, Value
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import byte_array, pointer_to
from hmapdbg.values import Renderer

VERSIONS = ((2, 30), (2, 58), (2, 59), (2, 60), (2, 61), (2, 86), (2, 87), (2, 90))
HEADER_AT, HASHES_AT, KEYS_AT, VALUES_AT, TEXTS_AT = 0x1000, 0x2000, 0x8000, 0x10000, 0x20000
VERSION_AT = 0x800
STR_HASH, DIRECT_HASH, INT_HASH, STR_EQUAL, OWN = 0x500, 0x510, 0x520, 0x530, 0x540
FUNCTIONS = {
    STR_HASH: "g_str_hash",
    DIRECT_HASH: "g_direct_hash",
    INT_HASH: "g_int_hash",
    STR_EQUAL: "g_str_equal",
    OWN: "own_hash",
}
INT = Type(Kind.INTEGER, "int", 4, signed=True)
UNUSED, TOMBSTONE = 0, 1


# ---- probes, one by one


def slow_path(count: int, start: int) -> list[int]:
    """The slots that a lookup looks at if it does not end."""
    at, out = start, []
    for step in range(1, count + 1):
        out.append(at)
        at = (at + step) % count
    return out


occupancies = st.integers(3, 7).flatmap(
    lambda bits: st.lists(st.booleans(), min_size=1 << bits, max_size=1 << bits)
)


@given(occupancies)
@settings(deadline=None)
def test_a_miss_looks_at_slots_up_to_the_first_empty_one(empty: list[bool]) -> None:
    count = len(empty)
    probing = triangular_from(count - 1)
    lengths = miss_lengths(np.array(empty), probing)
    wanted = []
    for start in range(count - 1):
        path = [empty[at] for at in slow_path(count, start)]
        wanted.append(path.index(True) + 1 if True in path else count)
    assert lengths.tolist() == wanted


@given(occupancies, st.randoms())
@settings(deadline=None)
def test_a_hit_looks_at_slots_up_to_its_own(empty: list[bool], some: random.Random) -> None:
    count = len(empty)
    homes = [some.randrange(count) for _ in range(20)]
    slots = [some.randrange(count) for _ in range(20)]
    probing = triangular_from(count)
    lengths = hit_lengths(np.array(empty), probing, np.array(homes), np.array(slots))
    for home, slot, length in zip(homes, slots, lengths.tolist()):
        path = slow_path(count, home)
        before = path[: path.index(slot)]
        assert length == (0 if any(empty[at] for at in before) else len(before) + 1)


# ---- GLib's hashes and sizes


def slow_str_hash(text: bytes) -> int:
    code = 5381
    for letter in text:
        code = (code * 33 + (letter - 256 if letter > 127 else letter)) & 0xFFFFFFFF
    return code


def test_hashes_of_texts() -> None:
    some = random.Random(1)
    lengths = [0, 0, 1, 2, 255, 256, 257, 600, *(some.randrange(40) for _ in range(50))]
    texts = [bytes(some.randrange(1, 256) for _ in range(length)) for length in lengths]
    joined = np.frombuffer(b"".join(text + b"\0" for text in texts), np.uint8)
    codes = of_text(joined, np.array(lengths, np.int64))
    assert codes.tolist() == [slow_str_hash(text) for text in texts]


def test_hashes_of_doubles_that_do_not_fit_are_unknown() -> None:
    numbers = [0.0, 1.9, -0.5, 4294967295.0, -1.0, 1e20, float("nan"), float("inf")]
    codes, known = of_double(np.array(numbers).view(np.uint8).reshape(-1, 8), "<")
    assert known.tolist() == [True, True, True, True, False, False, False, False]
    assert codes[known].tolist() == [0, 1, 0, 0xFFFFFFFF]


def test_tables_grow_as_in_glib() -> None:
    size, entries = LEAST, 0
    for entries in range(1, 5000):
        if size <= entries + entries // 16:  # g_hash_table_maybe_resize
            size = rebuilt_size(entries)
        assert size_for(entries) == size
        assert room(size) >= entries


# ---- tables


@dataclass
class Table:
    """A GHashTable as GLib's source makes it, in memory."""

    version: tuple[int, int] = (2, 74)
    pointer_size: int = 8
    byte_order: Literal["little", "big"] = "little"
    size: int = 64
    hash_at: int = DIRECT_HASH
    equal_at: int = 0
    hashes: list[int] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    texts: dict[int, bytes] = field(default_factory=dict)
    is_set: bool = False
    numbers: dict[str, int] = field(default_factory=dict)  # other than they should be

    def __post_init__(self) -> None:
        self.hashes = [UNUSED] * self.size
        self.keys = [0] * self.size
        self.values = [0] * self.size

    @property
    def mod(self) -> int:
        return PRIMES[self.size.bit_length() - 1]

    def path(self, code: int) -> list[int]:
        factor = 11 if self.version >= (2, 59) else 1
        return slow_path(self.size, (code * factor & 0xFFFFFFFF) % self.mod)

    def put(self, code: int, key: int, value: int) -> int:
        """Inserts an absent key; its slot."""
        code = max(code, 2)
        slot = next(at for at in self.path(code) if self.hashes[at] in (UNUSED, TOMBSTONE))
        self.hashes[slot], self.keys[slot], self.values[slot] = code, key, value
        return slot

    def put_text(self, text: bytes, value: int) -> int:
        at = TEXTS_AT + sum(len(one) + 1 for one in self.texts.values())
        self.texts[at] = text
        return self.put(slow_str_hash(text), at, value)

    def remove(self, slot: int) -> None:
        self.hashes[slot], self.keys[slot], self.values[slot] = TOMBSTONE, 0, 0

    def target(self) -> FakeTarget:
        found = struct_of(self.version, self.pointer_size).struct
        mark = "<" if self.byte_order == "little" else ">"
        data = bytearray(found.size)
        live = sum(code > TOMBSTONE for code in self.hashes)
        is_big = [max(column) >= 1 << 32 for column in (self.keys, self.values)]
        if self.version < (2, 59) or self.pointer_size == 4:
            is_big = [True, True]
        if self.is_set:
            is_big[1] = is_big[0]
        numbers = {
            "size": self.size,
            "mod": self.mod,
            "mask": self.size - 1,
            "nnodes": live,
            "noccupied": live + self.hashes.count(TOMBSTONE),
            "keys": KEYS_AT,
            "hashes": HASHES_AT,
            "values": KEYS_AT if self.is_set else VALUES_AT,
            "hash_func": self.hash_at,
            "key_equal_func": self.equal_at,
            "ref_count": 1,
            **self.numbers,
        }
        for name, number in numbers.items():
            member = found.find(name)
            assert member is not None
            size = member.type.size
            data[member.offset : member.offset + size] = number.to_bytes(size, self.byte_order)
        for name, bit in zip(("have_big_keys", "have_big_values"), is_big):
            member = found.find(name)
            if member is not None and bit:
                at = member.bit_offset
                shift = 7 - at % 8 if self.byte_order == "big" else at % 8
                data[at // 8] |= 1 << shift
        widths = [self.pointer_size if big else 4 for big in is_big]
        kinds = {8: "Q", 4: "I"}
        segments = {
            HEADER_AT: bytes(data),
            HASHES_AT: struct.pack(f"{mark}{self.size}I", *self.hashes),
            KEYS_AT: struct.pack(f"{mark}{self.size}{kinds[widths[0]]}", *self.keys),
            VERSION_AT: struct.pack(f"{mark}2I", *self.version),
            TEXTS_AT: b"".join(text + b"\0" for text in self.texts.values()) or b"\0",
        }
        if not self.is_set:
            segments[VALUES_AT] = struct.pack(f"{mark}{self.size}{kinds[widths[1]]}", *self.values)
        target = FakeTarget(
            segments,
            pointer_size=self.pointer_size,
            byte_order=self.byte_order,
            knows_mappings=True,
        )
        target.functions = dict(FUNCTIONS)
        places = {"glib_major_version": VERSION_AT, "glib_minor_version": VERSION_AT + 4}
        setattr(target, "address_of_function", places.get)
        return target

    def open(self) -> Map:
        return opened_by(self.target())


def opened_by(target: FakeTarget) -> Map:
    """As from a program that only declares the struct."""
    declared = struct_of((2, 61), target.pointer_size).struct
    pointer = pointer_to(declared, target.pointer_size)
    data = HEADER_AT.to_bytes(target.pointer_size, target.byte_order)
    return open_map(target, Value("table", pointer, data))


def entries_of(opened: Map, target: FakeTarget) -> dict[str, str]:
    """The entries as text; checks that the audit finds nothing."""
    renderer, out = Renderer(target), {}
    stats = Stats(opened.header)
    for item in opened.audit():
        assert isinstance(item, Block), item
        stats.add(item)
        if item.cells is not None:
            header = opened.header
            keys = renderer.render(header.key_type, item.cells.keys)
            out.update(zip(keys, renderer.render(header.elem_type, item.cells.elems)))
    assert stats.live == opened.header.count == len(out)
    return out


def problems_of(opened: Map) -> list[tuple[str, int]]:
    found = [*opened.header.problems, *opened.audit()]
    return [(one.invariant, one.address or 0) for one in found if isinstance(one, Problem)]


def with_texts(**options: object) -> Table:
    table = Table(hash_at=STR_HASH, equal_at=STR_EQUAL, **options)  # type: ignore[arg-type]
    for number in range(40):
        slot = table.put_text(b"key %d" % number, number)
        if number % 4 == 3:
            table.remove(slot)
    return table


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("pointer_size, byte_order", [(8, "little"), (4, "little"), (8, "big")])
def test_every_generation_of_the_struct_is_read(
    version: tuple[int, int], pointer_size: int, byte_order: Literal["little", "big"]
) -> None:
    table = with_texts(version=version, pointer_size=pointer_size, byte_order=byte_order)
    target = table.target()
    opened = opened_by(target)
    wanted = {f"key {number}": hex(number) for number in range(40) if number % 4 != 3}
    assert entries_of(opened, target) == wanted
    note = opened.header.layout_note
    assert note.startswith(f"GLib {version[0]}.{version[1]} has no debug info"), note
    hit = find(target, opened, parse_key(target, opened.header.key_type, '"key 6"'))
    assert hit.hashed and hit.cells is not None
    miss = find(target, opened, parse_key(target, opened.header.key_type, '"key 7"'))
    assert miss.hashed and miss.cells is None


@pytest.mark.parametrize("version", [(2, 30), (2, 60), (2, 74), (2, 88)])
@pytest.mark.parametrize("byte_order", ["little", "big"])
def test_keys_and_elems_in_four_bytes_and_in_eight(
    version: tuple[int, int], byte_order: Literal["little", "big"]
) -> None:
    for key, value in ((5, 7), (1 << 40, 7), (5, 1 << 40), (1 << 40, 1 << 41)):
        table = Table(version=version, byte_order=byte_order)
        table.put(key & 0xFFFFFFFF, key, value)
        table.put(9, 9, 0)
        target = table.target()
        assert entries_of(opened_by(target), target) == {hex(key): hex(value), "0x9": "0x0"}


def test_a_set_has_no_elems() -> None:
    table = Table(is_set=True)
    table.put(4, 4, 4)
    target = table.target()
    opened = opened_by(target)
    assert opened.header.elem_type.name == ""
    assert entries_of(opened, target) == {"0x4": ""}


def test_hashes_that_mean_something_else_are_stored_as_two() -> None:
    table = Table()
    for key in range(3):
        table.put(key, key, 0)
    target = table.target()
    assert set(entries_of(opened_by(target), target)) == {"0x0", "0x1", "0x2"}


@pytest.mark.parametrize("version", VERSIONS[2:])
def test_the_struct_that_fits_is_taken_if_the_version_is_unknown(version: tuple[int, int]) -> None:
    target = with_texts(version=version).target()
    setattr(target, "address_of_function", lambda name: None)
    opened = opened_by(target)
    assert len(entries_of(opened, target)) == 30
    assert opened.header.layout_note.startswith("GLib of unknown version has no debug info")


# ---- invariants


def test_faults_are_named() -> None:
    cases: list[tuple[dict[str, int], set[str]]] = [
        ({"nnodes": 29}, {"F2"}),
        ({"noccupied": 39}, {"F2"}),
        ({"mod": 59}, {"F5", "F7"}),
        ({"noccupied": 63}, {"F2", "F8"}),
    ]
    for numbers, wanted in cases:
        assert {name for name, _ in problems_of(with_texts(numbers=numbers).open())} == wanted
    table = with_texts()
    slot = table.hashes.index(slow_str_hash(b"key 5"))
    table.hashes[slot] ^= 0x100
    assert ("F4", HASHES_AT + 4 * slot) in problems_of(table.open())
    table = with_texts()
    slot = table.hashes.index(slow_str_hash(b"key 5"))
    table.keys[slot] = 0xDEAD000
    assert problems_of(table.open()) == [("", 0xDEAD000)]
    table = with_texts()
    table.hashes = [code or TOMBSTONE for code in table.hashes]
    assert {name for name, _ in problems_of(table.open())} == {"F3", "F8"}
    table = with_texts()
    path = table.path(slow_str_hash(b"key 1"))
    free = next(at for at in path if table.hashes[at] == UNUSED)
    behind = next(at for at in path[path.index(free) + 1 :] if table.hashes[at] == UNUSED)
    slot = table.hashes.index(slow_str_hash(b"key 1"))
    table.hashes[behind], table.keys[behind] = table.hashes[slot], table.keys[slot]
    assert {name for name, _ in problems_of(table.open())} == {"F5", "F6"}


@pytest.mark.parametrize(
    "numbers",
    [{"size": 63}, {"size": 0}, {"mask": 1}, {"mod": 0}, {"nnodes": 1 << 20}, {"hashes": 0}],
)
def test_garbage_is_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(TargetError):
        with_texts(numbers=numbers).open()


def test_states_that_cannot_be_read_are_told() -> None:
    table = Table(size=4096)
    for key in range(1000):
        table.put(key, key, key)
    target = table.target()
    whole = target.segments.pop(HASHES_AT)
    target.segments = dict(sorted({**target.segments, HASHES_AT: whole[:4096]}.items()))
    target.segments[HASHES_AT + 3 * 4096] = whole[3 * 4096 :]
    target.segments = dict(sorted(target.segments.items()))
    opened = opened_by(target)
    found = list(opened.walk(cells=True))
    told = [one.text for one in found if isinstance(one, Problem)]
    assert told == ["slots 1,024 to 3,071 cannot be read"]
    rows = [one.buckets for one in found if isinstance(one, Block) and one.buckets is not None]
    assert sum(len(one) for one in rows) == 128


# ---- maps of void * as other types


def test_pointers_are_read_as_what_the_user_says() -> None:
    table = Table(hash_at=OWN)
    for number in (1, 2):
        at = TEXTS_AT + 8 * number
        table.put(number, at, (1 << 64) - number)
    table.texts = {TEXTS_AT: b"\0" * 7, TEXTS_AT + 8: b"one\0\0\0\0", TEXTS_AT + 16: b"two\0\0\0\0"}
    target = table.target()
    opened = opened_by(target)
    char = Type(Kind.INTEGER, "char", 1, signed=True, character=True)
    read = retyped(target, opened, reading_as(pointer_to(char, 8), 8), reading_as(INT, 8))
    assert entries_of(read, target) == {"one": "-1", "two": "-2"}
    boxed = retyped(target, opened, reading_as(byte_array(2), 8))
    assert set(entries_of(boxed, target)) == {"6f6e", "7477"}
    number = retyped(target, opened, Reading(INT, is_box=True))
    assert set(entries_of(number, target)) == {str(int.from_bytes(b"one\0", "little"))} | {
        str(int.from_bytes(b"two\0", "little"))
    }
    for block in boxed.walk(cells=True):
        assert isinstance(block, Block) and block.cells is not None
        keys, elems = boxed.slot_addresses(block.cells)
        assert set(keys.tolist()) == {TEXTS_AT + 8, TEXTS_AT + 16}
        assert set(elems.tolist()) <= set(range(VALUES_AT, VALUES_AT + 8 * 64, 8))
    again = retyped(target, boxed, None, reading_as(INT, 8))
    assert again.header.types == f"{byte_array(2).name} -> int"


def test_a_hash_of_pointers_says_nothing_of_what_they_lead_to() -> None:
    table = Table()  # g_direct_hash
    table.texts = {TEXTS_AT: b"eight ch"}
    table.put(TEXTS_AT, TEXTS_AT, 7)
    target = table.target()
    char = Type(Kind.INTEGER, "char", 1, signed=True, character=True)
    wide = Type(Kind.INTEGER, "long", 8, signed=True)
    for reading, text in (
        (reading_as(pointer_to(char, 8), 8), '"eight ch"'),
        (Reading(wide, is_box=True), str(int.from_bytes(b"eight ch", "little"))),
    ):
        read = retyped(target, opened_by(target), reading)
        hit = find(target, read, parse_key(target, read.header.key_type, text))
        assert hit.cells is not None and not hit.hashed


def test_only_pointers_are_read_as_other_types() -> None:
    table = Table(hash_at=INT_HASH, is_set=True)
    opened = table.open()
    assert opened.header.key_type.name == "gint"
    with pytest.raises(TargetError, match="the elems of 'table' are none"):
        retyped(table.target(), opened, None, reading_as(INT, 8))
