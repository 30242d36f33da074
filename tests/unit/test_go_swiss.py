"""Swiss maps in fake memory, as no installed toolchain builds them. The split group layout (go1.27,
GOEXPERIMENT=mapsplitgroup), the other byte order, the other pointer width; each against a model.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pytest

from builders import Image, align_up
from hmapdbg.block import Block, Problem
from hmapdbg.families import open_map
from hmapdbg.families.family import Map
from hmapdbg.stats import Stats
from hmapdbg.survey import survey
from hmapdbg.target import Field, Kind, TargetError, Type, Value
from hmapdbg.target.types import array_of, pointer_to

EMPTY, DELETED = 0x80, 0xFE
SLOTS = 8
HEADER_AT, DIRECTORY_AT, TABLES_AT, GROUPS_AT = 0x1000, 0x2000, 0x3000, 0x10000

UINT8, UINT16, UINT64 = (Type(Kind.INTEGER, f"uint{8 * size}", size) for size in (1, 2, 8))
KEY = Type(Kind.INTEGER, "int32", 4, signed=True)
ELEM = Type(Kind.INTEGER, "int64", 8, signed=True)

Row = tuple[str, int, int, int, int]  # table, group, live, deleted, empty
Entry = tuple[str, int, int, int, int, int]  # table, group, slot, control byte, key, elem


def struct(name: str, align: int, *members: tuple[str, Type]) -> Type:
    """A struct with the compiler's layout, no member aligned to more than `align`."""
    fields, at, widest = [], 0, 1
    for member, found in members:
        part = found
        while part.kind in (Kind.ARRAY, Kind.STRUCT):
            part = part.target if part.kind is Kind.ARRAY else part.fields[0].type
        step = min(align, part.size)
        widest = max(widest, step)
        at = align_up(at, step)
        fields.append(Field(member, at, found))
        at += found.size
    return Type(Kind.STRUCT, name, align_up(at, widest), fields=tuple(fields))


@dataclass
class Table:
    """One table of the model: control bytes, keys and elems of its groups, slot by slot."""

    control: list[list[int]]
    keys: list[list[int]]
    elems: list[list[int]]
    directory_slots: int = 1

    @property
    def used(self) -> int:
        return sum(byte < 0x80 for group in self.control for byte in group)

    @property
    def deleted(self) -> int:
        return sum(byte == DELETED for group in self.control for byte in group)


@dataclass
class SwissMap:
    """Builds a map in an image; one group in `tables`, and `small` set, is a map without tables."""

    split: bool
    byte_order: Literal["little", "big"]
    pointer_size: int
    tables: list[Table]
    small: bool = False
    image: Image = field(init=False)
    rows: list[Row] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.image = Image(self.byte_order, self.pointer_size)
        self._make_types()
        self._write()

    def _make_types(self) -> None:
        width = self.pointer_size
        integer = Type(Kind.INTEGER, "int", width, signed=True)
        if self.split:
            parts = ("keys", array_of(KEY, SLOTS)), ("elems", array_of(ELEM, SLOTS))
        else:
            slot = struct("slot", width, ("key", KEY), ("elem", ELEM))
            parts = (("slots", array_of(slot, SLOTS)),)  # type: ignore[assignment]
        self.group = struct("map.group[int32]int64", width, ("ctrl", UINT64), *parts)
        groups = struct(
            "groupReference<int32,int64>",
            width,
            ("data", pointer_to(self.group, width)),
            ("lengthMask", UINT64),
        )
        self.table = struct(
            "table<int32,int64>",
            width,
            ("used", UINT16),
            ("capacity", UINT16),
            ("growthLeft", UINT16),
            ("localDepth", UINT8),
            ("index", integer),
            ("groups", groups),
        )
        self.header = struct(
            "map<int32,int64>",
            width,
            ("used", UINT64),
            ("seed", Type(Kind.INTEGER, "uintptr", width)),
            ("dirPtr", pointer_to(pointer_to(self.table, width), width)),
            ("dirLen", integer),
            ("globalDepth", UINT8),
            ("globalShift", UINT8),
            ("writing", UINT8),
        )

    def set(self, found: Type, at: int, name: str, number: int) -> None:
        """Writes a field."""
        for part in name.split("."):
            member = found.find(part)
            assert member is not None
            at, found = at + member.offset, member.type
        self.image.write_uint(at, number, found.size)

    def _write(self) -> None:
        image = self.image
        image.map(HEADER_AT, self.header.size)
        image.map(DIRECTORY_AT, 64 * self.pointer_size)
        image.map(TABLES_AT, len(self.tables) * 64)
        image.map(GROUPS_AT, sum(len(one.control) for one in self.tables) * self.group.size)
        groups_at, slot = GROUPS_AT, 0
        total = sum(table.directory_slots for table in self.tables)
        depth = total.bit_length() - 1
        for number, table in enumerate(self.tables):
            name, count = "small" if self.small else str(slot), len(table.control)
            for group in range(count):
                self._write_group(table, group, groups_at + group * self.group.size, name)
            at = TABLES_AT + number * 64
            for text, value in (
                ("used", table.used),
                ("capacity", SLOTS * count),
                ("growthLeft", SLOTS * count * 7 // 8 - table.used - table.deleted),
                ("localDepth", depth - (table.directory_slots.bit_length() - 1)),
                ("index", slot),
                ("groups.data", groups_at),
                ("groups.lengthMask", count - 1),
            ):
                self.set(self.table, at, text, value)
            for _ in range(table.directory_slots):
                image.write_uint(DIRECTORY_AT + slot * self.pointer_size, at)
                slot += 1
            groups_at += count * self.group.size
        for text, value in (
            ("used", sum(table.used for table in self.tables)),
            ("dirPtr", GROUPS_AT if self.small else DIRECTORY_AT),
            ("dirLen", 0 if self.small else total),
            ("globalDepth", depth),
            ("globalShift", 8 * self.pointer_size - depth),
        ):
            self.set(self.header, HEADER_AT, text, value)

    def _write_group(self, table: Table, group: int, at: int, name: str) -> None:
        control = table.control[group]
        # Slot i is byte i of the word, from the least significant.
        self.image.write_uint(at, sum(byte << 8 * i for i, byte in enumerate(control)), 8)
        for slot, byte in enumerate(control):
            key, elem = table.keys[group][slot], table.elems[group][slot]
            for part, found, number in (("key", KEY, key), ("elem", ELEM, elem)):
                where = at + self._slot_offset(part, slot)
                self.image.write_uint(where, number % (1 << 8 * found.size), found.size)
            if byte < 0x80:
                self.entries.append((name, group, slot, byte, key, elem))
        live = sum(byte < 0x80 for byte in control)
        deleted = control.count(DELETED)
        self.rows.append((name, group, live, deleted, SLOTS - live - deleted))

    def _slot_offset(self, part: str, slot: int) -> int:
        if self.split:
            member = self.group.find(f"{part}s")
            assert member is not None
            return member.offset + slot * member.type.target.size
        slots = self.group.find("slots")
        assert slots is not None
        inner = slots.type.target.find(part)
        assert inner is not None
        return slots.offset + slot * slots.type.target.size + inner.offset

    def open(self) -> Map:
        target = self.image.target(types={"int32": KEY, "int64": ELEM})
        pointer = pointer_to(self.header, self.pointer_size)
        data = HEADER_AT.to_bytes(self.pointer_size, self.byte_order)
        return open_map(target, Value("m", pointer, data))


def random_table(rng: random.Random, groups: int, first_key: int, slots: int = 1) -> Table:
    """A table with an empty slot in its last group; tombstones in otherwise full groups."""
    control, keys, elems = [], [], []
    for group in range(groups):
        full = rng.random() < 0.3 and group + 1 < groups
        kinds = [DELETED, rng.randrange(0x80)] if full else [EMPTY, rng.randrange(0x80)]
        bytes_of = [rng.choice(kinds) for _ in range(SLOTS)]
        if group + 1 == groups:
            bytes_of[3] = EMPTY
        control.append(bytes_of)
        keys.append([first_key + SLOTS * group + slot for slot in range(SLOTS)])
        elems.append([rng.randrange(-(1 << 63), 1 << 63) for _ in range(SLOTS)])
    return Table(control, keys, elems, slots)


def audit_of(opened: Map) -> tuple[Stats, list[Problem]]:
    return survey(opened.header, opened.audit())


def seen_by(opened: Map, byte_order: str) -> tuple[list[Row], list[Entry]]:
    rows: list[Row] = []
    entries: list[Entry] = []
    order = "<" if byte_order == "little" else ">"
    for item in opened.walk(cells=True):
        assert isinstance(item, Block), item
        if item.buckets is not None:
            part = item.buckets
            columns = (part.bucket, part.live, part.deleted, part.empty)
            rows += [(item.array, *row) for row in zip(*(one.tolist() for one in columns))]
        if item.cells is not None:
            cells = item.cells
            keys = np.ascontiguousarray(cells.keys.data).view(f"{order}i4").ravel()
            elems = np.ascontiguousarray(cells.elems.data).view(f"{order}i8").ravel()
            names = [item.array] * len(cells) if cells.arrays is None else cells.arrays.tolist()
            columns = (cells.bucket, cells.slot, cells.tophash, keys, elems)
            entries += list(zip(names, *(one.tolist() for one in columns)))
    return rows, entries


layouts = pytest.mark.parametrize("split", [False, True], ids=["slots", "split"])
targets = pytest.mark.parametrize(
    ("byte_order", "pointer_size"), [("little", 8), ("big", 8), ("little", 4), ("big", 4)]
)


@layouts
@targets
@pytest.mark.parametrize("seed", range(5))
def test_every_entry_is_seen_once_at_its_place(
    split: bool, byte_order: Literal["little", "big"], pointer_size: int, seed: int
) -> None:
    rng = random.Random(seed)
    # A directory of 8: one table fills half of it, one a quarter.
    spans = rng.sample([4, 2, 1, 1], 4) if seed % 2 else [1]
    if spans != [1]:
        spans = {4: [4, 2, 1, 1], 2: [2, 1, 1, 4], 1: [1, 1, 2, 4]}[spans[0]]
    tables = [
        random_table(rng, rng.choice([1, 2, 8]), 1000 * number, span)
        for number, span in enumerate(spans)
    ]
    made = SwissMap(split, byte_order, pointer_size, tables)
    opened = made.open()
    assert opened.header.problems == ()
    assert seen_by(opened, byte_order) == (made.rows, made.entries)
    stats, problems = audit_of(opened)
    assert problems == []
    assert stats.live == sum(table.used for table in tables)


@layouts
@targets
def test_map_of_one_group_has_no_table(
    split: bool, byte_order: Literal["little", "big"], pointer_size: int
) -> None:
    made = SwissMap(
        split,
        byte_order,
        pointer_size,
        [random_table(random.Random(1), 1, 0)],
        small=True,
    )
    opened = made.open()
    assert seen_by(opened, byte_order) == (made.rows, made.entries)
    assert audit_of(opened)[1] == []


def test_group_of_a_layout_that_nobody_knows_is_refused() -> None:
    made = SwissMap(True, "little", 8, [random_table(random.Random(1), 1, 0)])
    made.group = struct("map.group[int32]int64", 8, ("ctrl", UINT64), ("pairs", array_of(KEY, 16)))
    groups = struct("g", 8, ("data", pointer_to(made.group, 8)), ("lengthMask", UINT64))
    fields = [
        Field("groups", one.offset, groups) if one.name == "groups" else one
        for one in made.table.fields
    ]
    made.table = Type(Kind.STRUCT, made.table.name, made.table.size, fields=tuple(fields))
    directory = pointer_to(pointer_to(made.table, 8), 8)
    fields = [
        Field("dirPtr", one.offset, directory) if one.name == "dirPtr" else one
        for one in made.header.fields
    ]
    made.header = Type(Kind.STRUCT, made.header.name, made.header.size, fields=tuple(fields))
    with pytest.raises(TargetError, match="no field 'keys'"):
        made.open()
