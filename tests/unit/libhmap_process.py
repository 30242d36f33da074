"""A process with one map of libhmap's, in fake memory."""

from __future__ import annotations

import re
from typing import Any, Literal

import pytest

from builders import Image, integer, struct
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
