"""Builds maps in fake memory, and reads them naively for comparison.

The naive reader handles one cell at a time, without numpy, blocks or windows: its result is the
ground truth for the walk. In one file, although a long one: its parts are used together.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from hmapdbg.block import Block, Buckets, Problem
from hmapdbg.geometry.chains.arrays import Arrays
from hmapdbg.geometry.chains.layout import BucketLayout, Marks
from hmapdbg.geometry.chains.shape import BucketChains
from hmapdbg.geometry.chains.walk import BucketWalk
from hmapdbg.header import Array, Growth, Header, Pins, Role
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import Field, Kind, Type

ByteOrder = Literal["little", "big"]
SLOTS = 8
REST, ONE, X, Y, GONE, MIN = range(6)


def align_up(number: int, alignment: int) -> int:
    return -(-number // alignment) * alignment


# ---- memory --------------------------------------------------------------------------------------


class Image:
    """Memory to write to: regions that are mapped, split and passed to a FakeTarget."""

    def __init__(self, byte_order: ByteOrder = "little", pointer_size: int = 8) -> None:
        self.byte_order: ByteOrder = byte_order
        self.pointer_size = pointer_size
        self.regions: dict[int, bytearray] = {}

    def map(self, addr: int, size: int) -> int:
        assert all(addr + size <= at or at + len(data) <= addr for at, data in self.regions.items())
        self.regions[addr] = bytearray(size)
        return addr

    def unmap(self, low: int, high: int) -> None:
        """Makes [low, high) unreadable."""
        for start, data in list(self.regions.items()):
            end = start + len(data)
            if start < high and low < end:
                del self.regions[start]
                if start < low:
                    self.regions[start] = data[: low - start]
                if high < end:
                    self.regions[high] = data[high - start :]

    def _find(self, addr: int, size: int) -> tuple[bytearray, int] | None:
        for start, data in self.regions.items():
            if start <= addr and addr + size <= start + len(data):
                return data, addr - start
        return None

    def write(self, addr: int, data: bytes) -> None:
        found = self._find(addr, len(data))
        assert found is not None, f"0x{addr:x} is not mapped"
        found[0][found[1] : found[1] + len(data)] = data

    def read(self, addr: int, size: int) -> bytes | None:
        found = self._find(addr, size)
        return None if found is None else bytes(found[0][found[1] : found[1] + size])

    def write_uint(self, addr: int, number: int, size: int | None = None) -> None:
        self.write(addr, number.to_bytes(size or self.pointer_size, self.byte_order))

    def read_uint(self, addr: int, size: int | None = None) -> int | None:
        data = self.read(addr, size or self.pointer_size)
        return None if data is None else int.from_bytes(data, self.byte_order)

    def target(
        self, knows_mappings: bool = False, types: dict[str, Type] | None = None
    ) -> FakeTarget:
        return FakeTarget(
            {addr: bytes(data) for addr, data in self.regions.items()},
            types=types,
            pointer_size=self.pointer_size,
            byte_order=self.byte_order,
            knows_mappings=knows_mappings,
        )


# ---- maps of 8-slot buckets ----------------------------------------------------------------------


@dataclass(frozen=True)
class Geometry:
    """The layout of a bucket."""

    key_size: int = 8
    elem_size: int = 8
    key_boxed: bool = False
    elem_boxed: bool = False
    pointer_size: int = 8
    byte_order: ByteOrder = "little"
    align: int = 8

    def layout(self) -> BucketLayout:
        key_slot = self.pointer_size if self.key_boxed else self.key_size
        elem_slot = self.pointer_size if self.elem_boxed else self.elem_size
        keys = align_up(SLOTS, self.align)
        elems = align_up(keys + SLOTS * key_slot, self.align)
        overflow = align_up(elems + SLOTS * elem_slot, self.pointer_size)
        return BucketLayout(
            size=align_up(overflow + self.pointer_size, self.align),
            tophash=0,
            keys=keys,
            key_slot=key_slot,
            elems=elems,
            elem_slot=elem_slot,
            overflow=overflow,
            key_size=self.key_size,
            elem_size=self.elem_size,
            key_boxed=self.key_boxed,
            elem_boxed=self.elem_boxed,
            align=self.align,
        )


NEW, OLD, HEAP, BOXES = 0x10_0000, 0x400_0000, 0x800_0000, 0xC00_0000
Row = tuple[str, int, int, int, int, int, int, int, int]
Cell = tuple[str, int, int, int, int, bytes, bytes]


class FakeBuckets:
    """A map's arrays, overflow buckets and boxes. `old_B` None: not growing."""

    def __init__(
        self,
        B: int,
        old_B: int | None = None,
        geometry: Geometry = Geometry(),
        spare: int | None = None,
        heap_size: int = 1 << 20,
    ) -> None:
        self.geometry = geometry
        self.layout = geometry.layout()
        self.image = Image(geometry.byte_order, geometry.pointer_size)
        self.heap_used = HEAP
        self.boxes_used = BOXES
        self.next_key = 1
        self.arrays: list[Array] = []
        self.spares_used = [0, 0]
        for index, (name, addr, b) in enumerate(
            (("buckets", NEW, B), ("oldbuckets", OLD, old_B if old_B is not None else -1))
        ):
            if b < 0:
                continue
            main = 1 << b
            count = spare if spare is not None else (1 << (b - 4) if b >= 4 else 0)
            size = (main + count) * self.layout.size
            self.image.map(addr, size)
            self.arrays.append(Array(name, addr, main, size, count, role=role_of(name)))
            if count:  # the end mark
                last = addr + (main + count - 1) * self.layout.size
                self.image.write_uint(last + self.layout.overflow, addr)
        self.image.map(HEAP, heap_size)
        self.image.map(BOXES, 4 << 20)

    # -- laying out

    def main(self, array: int, bucket: int) -> int:
        return self.arrays[array].address + bucket * self.layout.size

    def take_heap(self, gap: int = 0) -> int:
        """A new overflow bucket, `gap` alignments after the last one."""
        addr = align_up(self.heap_used, self.layout.align) + gap * self.layout.align
        self.heap_used = addr + self.layout.size
        return addr

    def take_spare(self, array: int) -> int | None:
        """The next spare bucket of an array, without the end mark."""
        found = self.arrays[array]
        if self.spares_used[array] == found.spare:
            return None
        addr = self.main(array, found.buckets + self.spares_used[array])
        self.spares_used[array] += 1
        self.link(addr, 0)
        return addr

    def link(self, addr: int, to: int) -> None:
        self.image.write_uint(addr + self.layout.overflow, to)

    def link_at(self, addr: int) -> int:
        """The address of a bucket's overflow pointer."""
        return addr + self.layout.overflow

    def chain(self, array: int, bucket: int, length: int, gap: int = 0) -> list[int]:
        """Links a chain of heap buckets to a main one; returns all addresses."""
        out = [self.main(array, bucket)]
        for _ in range(length - 1):
            out.append(self.take_heap(gap))
            self.link(out[-2], out[-1])
        return out

    def mark(self, addr: int, marks: Sequence[int]) -> None:
        self.image.write(addr, bytes(marks))

    def put(
        self, addr: int, slot: int, tophash: int = 77, key: bytes = b"", elem: bytes = b""
    ) -> None:
        """Makes a cell live (or, by its tophash, deleted with a stale key)."""
        layout = self.layout
        if not key:
            key = (self.next_key * 0x9E3779B97F4A7C15 % (1 << 64)).to_bytes(8, "big")
            self.next_key += 1
        self.image.write(addr + slot, bytes([tophash]))
        for offset, size, slot_size, boxed, value in (
            (layout.keys, layout.key_size, layout.key_slot, layout.key_boxed, key),
            (
                layout.elems,
                layout.elem_size,
                layout.elem_slot,
                layout.elem_boxed,
                elem or key[::-1],
            ),
        ):
            value = (value * (size // len(value) + 1))[:size]
            place = addr + offset + slot * slot_size
            if boxed:
                self.image.write(self.boxes_used, value)
                self.image.write_uint(place, self.boxes_used)
                self.boxes_used += align_up(size, 8)
            else:
                self.image.write(place, value)

    def fill(self, addr: int, live: int = SLOTS) -> None:
        for slot in range(live):
            self.put(addr, slot)

    # -- the expected result of the walk

    def target(self, knows_mappings: bool = False) -> FakeTarget:
        return self.image.target(knows_mappings)

    def walk(self, target: FakeTarget | None = None) -> BucketWalk:
        old = self.arrays[1] if len(self.arrays) > 1 else None
        target = target or self.target()
        return BucketWalk(Arrays(target, self.layout, Marks(), self.arrays[0], old))

    def expected(self) -> Walked:
        """The rows, cells and overflow buckets of a valid map, read slot by slot."""
        out = Walked()
        for index, array in enumerate(self.arrays):
            for bucket in range(array.buckets):
                self._expect_chain(out, index, array, bucket)
        return out

    def _expect_chain(self, out: Walked, index: int, array: Array, bucket: int) -> None:
        layout = self.layout
        main = addr = self.main(index, bucket)
        live = deleted = empty = length = 0
        evacuated = index == 1 and self.image.read_uint(main, 1) in (X, Y, GONE)
        while addr:
            if length:
                out.overflow += 1
                at = addr - self.main(index, array.buckets)
                out.spare_used += 0 <= at < array.spare * layout.size
            for slot in range(SLOTS):
                tophash = self.image.read_uint(addr + slot, 1)
                assert tophash is not None
                if evacuated:
                    continue
                if tophash >= MIN:
                    live += 1
                    key = self._value(addr + layout.keys + slot * layout.key_slot, True)
                    elem = self._value(addr + layout.elems + slot * layout.elem_slot, False)
                    out.cells.append((array.name, bucket, length, slot, tophash, key, elem))
                elif tophash == ONE:
                    deleted += 1
                else:
                    empty += 1
            length += 1
            addr = self.image.read_uint(addr + layout.overflow) or 0
        out.rows.append(
            (array.name, bucket, main, length, 8 * length, live, deleted, empty, int(evacuated))
        )

    def _value(self, place: int, key: bool) -> bytes:
        layout = self.layout
        size = layout.key_size if key else layout.elem_size
        if layout.key_boxed if key else layout.elem_boxed:
            place = self.image.read_uint(place) or 0
        value = self.image.read(place, size)
        assert value is not None
        return value


def told(problem: Problem) -> str:
    """A Problem in the form of these tests: "0x10: what is wrong [I4]"."""
    where = "" if problem.address is None else f"0x{problem.address:x}: "
    number = f" [{problem.invariant}]" if problem.invariant else ""
    return f"{where}{problem.text}{number}"


@dataclass
class Walked:
    """The result of a walk, with its Blocks joined."""

    rows: list[Row] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    overflow: int = 0
    spare_used: int = 0
    problems: list[Problem] = field(default_factory=list)
    faults: list[tuple[int, int]] = field(default_factory=list)  # per cell: of key, of elem
    blocks: list[Block] = field(default_factory=list)

    @property
    def told(self) -> list[str]:
        """Address, text and invariant of each Problem, in one string."""
        return [told(problem) for problem in self.problems]


def walked(items: Iterable[Block | Problem]) -> Walked:
    """Joins a walk's items, and checks what holds for every walk: a bucket's cells come before or
    with its row, and only once."""
    out = Walked()
    done: set[tuple[str, int]] = set()
    for item in items:
        if isinstance(item, Problem):
            out.problems.append(item)
            continue
        out.blocks.append(item)
        out.overflow += item.overflow
        out.spare_used += item.spare_used
        cells = item.cells
        if cells is not None:
            columns = (cells.bucket, cells.chain_index, cells.slot, cells.tophash)
            assert {len(column) for column in columns} == {len(cells)}
            assert len(cells.keys) == len(cells.elems) == len(cells)
            places = list(zip(*(column.tolist() for column in columns)))
            assert not {(item.array, place[0]) for place in places} & done
            keys, elems = (
                [row.tobytes() for row in column.data] for column in (cells.keys, cells.elems)
            )
            out.cells += [(item.array, *at, k, e) for at, k, e in zip(places, keys, elems)]
            faults = [
                [0] * len(cells) if column.faults is None else column.faults.tolist()
                for column in (cells.keys, cells.elems)
            ]
            out.faults += zip(*faults)
        rows = item.buckets
        if rows is not None:
            columns = (rows.bucket, rows.address, rows.chain, rows.slots, rows.live, rows.deleted)
            more = (*columns, rows.empty, rows.evacuated)
            assert {len(column) for column in more} == {len(rows)}
            for row in zip(*(column.tolist() for column in more)):
                out.rows.append((item.array, *row[:-1], int(row[-1])))
                done.add((item.array, row[0]))
    return out


def random_buckets(
    seed: int, geometry: Geometry, B: int, growth: Literal["no", "double", "same"], longest: int
) -> FakeBuckets:
    """A valid map in any state: chains up to `longest` in spare and other buckets, tombstones, and
    during growth old buckets evacuated in any pattern, with their chains freed or still pinned."""
    dice = random.Random(seed)
    old_B = {"no": None, "double": B - 1, "same": B}[growth]
    made = FakeBuckets(B, old_B, geometry, spare=dice.choice((None, 0, 3, 40)))
    pending: set[int] = set()
    if old_B is not None:
        pinned = dice.random() < 0.5
        portion = dice.choice((0.0, 0.5, 1.0))
        for bucket in range(1 << old_B):
            if dice.random() >= portion:
                pending |= {bucket, bucket + (1 << old_B)}
                _fill_chain(made, dice, 1, bucket, longest)
                continue
            chain = (
                _random_chain(made, dice, 1, bucket, longest) if pinned else [made.main(1, bucket)]
            )
            for addr in chain:
                # Same-size growth has no half Y.
                marks = (X, GONE) if growth == "same" else (X, Y, GONE)
                made.mark(addr, dice.choices(marks, k=SLOTS))
    for bucket in range(1 << B):
        if bucket not in pending:
            _fill_chain(made, dice, 0, bucket, longest)
    return made


def _random_chain(
    made: FakeBuckets, dice: random.Random, array: int, bucket: int, longest: int
) -> list[int]:
    length = dice.choice((1, 1, 1, 2, 3, dice.randint(1, longest)))
    chain = [made.main(array, bucket)]
    for _ in range(length - 1):
        spare = made.take_spare(array) if dice.random() < 0.5 else None
        chain.append(spare or made.take_heap(dice.choice((0, 0, 1, 7))))
        made.link(chain[-2], chain[-1])
    return chain


def _fill_chain(
    made: FakeBuckets, dice: random.Random, array: int, bucket: int, longest: int
) -> None:
    chain = _random_chain(made, dice, array, bucket, longest)
    # Cells up to `used` are live or tombstones, those after it emptyRest.
    used = dice.randint(0, SLOTS * len(chain))
    tombstones = dice.choice((0.0, 0.3, 1.0))
    for cell in range(used):
        tophash = (
            ONE if dice.random() < tombstones else dice.choice((MIN, 255, dice.randint(5, 255)))
        )
        made.put(chain[cell // SLOTS], cell % SLOTS, tophash)


# ---- headers and blocks --------------------------------------------------------------------------


def spare_buckets(buckets: int) -> int:
    """Spare buckets, as libhmap allocates them."""
    return buckets // 16 if buckets >= 16 else 0


def header(arrays: Sequence[Array] = (), **values: Any) -> Header:
    """A libhmap header with that count. `parts`: load_factor, B, same_size_grow, iterators,
    retired."""
    load_factor = values.pop("load_factor", 6.5)
    growth = Growth(values.pop("B", None), values.pop("same_size_grow", False))
    pins = Pins(values.pop("iterators", None), retired=values.pop("retired", ()))
    fixed: dict[str, Any] = {
        "family": "libhmap",
        "expression": "m",
        "type_name": "struct hmap *",
        "address": 0x5000,
        "key_type": integer(8, signed=True),
        "elem_type": integer(4),
        "count": 0,
        "count_at": 0x5000,
        "arrays": tuple(arrays),
        "geometry": BucketChains(SLOTS, 144, load_factor, spare_buckets),
        "header_size": 128,
        "growth": growth,
        "pins": pins,
    }
    return Header(**{**fixed, **values})


def array(buckets: int, name: str = "buckets", spare: int = 0, pins: int = 0) -> Array:
    """An array with a header of 48 bytes before the first bucket, as in libhmap."""
    size = (buckets + spare) * 144 + 48
    return Array(name, 0x10000, buckets, size, spare, pins, role_of(name))


def role_of(name: str) -> Role:
    """The role of an array by its name in fixtures and tests."""
    if name.isdigit():
        return Role.TABLE
    return {"oldbuckets": Role.OLD, "buckets": Role.MAIN}.get(name, Role.RETIRED)


def block(
    name: str,
    live: Sequence[int],
    *,
    first: int = 0,
    deleted: Sequence[int] | None = None,
    chain: Sequence[int] | None = None,
    evacuated: Sequence[bool] | None = None,
    spare_used: int = 0,
) -> Block:
    """Rows of successive buckets; chains have the length that their entries need, unless given."""
    count = np.array(live, np.int64)
    dead = np.zeros(len(count), np.int64) if deleted is None else np.array(deleted, np.int64)
    links = np.maximum(-(-(count + dead) // SLOTS), 1) if chain is None else np.array(chain)
    moved = np.zeros(len(count), np.bool_) if evacuated is None else np.array(evacuated)
    number = np.arange(first, first + len(count), dtype=np.int64)
    rows = Buckets(
        bucket=number,
        address=(0x10000 + 144 * number).astype(np.uint64),
        chain=links.astype(np.int64),
        slots=links.astype(np.int64) * SLOTS,
        live=np.where(moved, 0, count),
        deleted=np.where(moved, 0, dead),
        empty=np.where(moved, 0, links * SLOTS - count - dead),
        evacuated=moved,
    )
    return Block(name, rows, None, int((links - 1).sum()), spare_used)


# ---- types ---------------------------------------------------------------------------------------


def integer(size: int, signed: bool = False, name: str = "") -> Type:
    return Type(
        Kind.INTEGER, name or f"{'' if signed else 'u'}int{8 * size}_t", size, signed=signed
    )


def struct(name: str, members: Sequence[tuple[str, Type]], pointer_size: int = 8) -> Type:
    """A struct with C's layout."""
    fields, at, alignment = [], 0, 1
    for member, found in members:
        align = _alignment(found, pointer_size)
        at = align_up(at, align)
        fields.append(Field(member, at, found))
        at += found.size
        alignment = max(alignment, align)
    return Type(Kind.STRUCT, name, align_up(at, alignment), fields=tuple(fields))


def _alignment(found: Type, pointer_size: int) -> int:
    if found.kind is Kind.ARRAY:
        return _alignment(found.target, pointer_size)
    if found.kind is Kind.STRUCT:
        return max((_alignment(one.type, pointer_size) for one in found.fields), default=1)
    return min(found.size, pointer_size)
