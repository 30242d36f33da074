"""Where a Go program without symbols has its runtime's tables: found by value, as the runtime needs
them itself.

A module's record (runtime/symtab.go moduledata) begins with the address of the table of functions
(internal/abi: pclntab), which has a magic number. The heap's spans and the goroutines are slices
among the variables without types, whose elements look like what they are. Everything is checked by
value, since the structs' layouts come from a table of versions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from ..compat import dataclass
from .elf_symbols import Section
from .types import Field, Type

Read = Callable[[int, int], Optional[bytes]]
Words = NDArray[np.uint64]

RECORD, SPAN, GOROUTINE = "runtime.moduledata", "runtime.mspan", "runtime.g"
TABLE = "gopclntab"  # how the section's name ends
MAGICS = (b"\xf1\xff\xff\xff\0\0", b"\xf0\xff\xff\xff\0\0", b"\xfa\xff\xff\xff\0\0")  # by version
TABLES = ("funcnametab", "cutab", "filetab", "pctab", "pclntable")  # behind the header, in order
PARTS = (
    ("text", "etext"),
    ("noptrdata", "enoptrdata"),
    ("data", "edata"),
    ("bss", "ebss"),
    ("noptrbss", "enoptrbss"),
)
MAX_SECTION = 256 << 20  # bytes
MAX_CANDIDATES = 10_000
SEEN = 8  # elements of a slice that are looked at
# Bytes of objects of the first size classes, and of the last, of all versions.
FIRST_CLASSES = np.array([0, 8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144], "<u2").tobytes()
LAST_CLASS = 32768
MAX_CLASSES = 256
KIND_MASK, MAP_KIND = 31, 21  # internal/abi/type.go
SEEN_MAPS = 200  # descriptors that are looked at
MAX_FIELDS = 1000  # of a bucket or group
PAGE = 8192  # runtime/sizeclasses.go _PageSize
# runtime/runtime2.go: _Gdead, and from go1.26 on _Gdeadextra: those may have lost their stacks.
DEAD = (6, 11)
SCAN_BIT = 0x1000
MAX_STATUS = 11


class NoImage(Exception):
    """Something was not found; the text says what, for people."""


@dataclass(frozen=True, slots=True)
class GoImage:
    """Addresses in the process."""

    module: int  # runtime.firstmoduledata
    spans: int  # runtime.mheap_.allspans
    goroutines: int  # runtime.allgs
    classes: tuple[int, int]  # the heap's size classes: where, and how many; 0: not found


@dataclass(frozen=True, slots=True)
class Descriptors:
    """The structs of the descriptors of maps and of structs, and of a struct's field."""

    map: Type
    struct: Type
    field: Type


def find_image(
    read: Read,
    sections: Sequence[Section],
    bias: int,
    structs: Mapping[str, Type],
    descriptors: Descriptors | None = None,
) -> GoImage:
    """The runtime's tables of a program with these sections, as linked. `structs`: those of
    runtime.moduledata, mspan and g. `descriptors`: those that the program has to have, where
    nothing else tells its version. NoImage."""
    return _Finder(read, sections, bias, structs).find(descriptors)


class _Finder:
    def __init__(
        self, read: Read, sections: Sequence[Section], bias: int, structs: Mapping[str, Type]
    ) -> None:
        self._read = read
        self._sections = sections
        self._bias = bias
        self._module = structs[RECORD]
        self._span = structs[SPAN]
        self._g = structs[GOROUTINE]

    def find(self, descriptors: Descriptors | None) -> GoImage:
        tables = list(self._iter_tables())
        if not tables:
            raise NoImage("Go's table of functions")
        found = [one for one in self._iter_modules(tables) if self._is_module(*one)]
        if not found:
            raise NoImage("runtime.firstmoduledata")
        at = found[0][0]
        record = self._bytes(at, self._module.size)
        if descriptors is not None and not self._has_maps(record, descriptors):
            raise NoImage(f"a {descriptors.map.name}")
        ranges = [(self._field(record, low), self._field(record, high)) for low, high in PARTS[1:]]
        spans = next(self._iter_slices(ranges, self._is_span), None)
        if spans is None:
            raise NoImage("the heap's spans")
        goroutines = next(self._iter_slices(ranges, self._is_goroutine), None)
        if goroutines is None:
            raise NoImage("runtime.allgs")
        return GoImage(at, spans, goroutines, self._size_classes())

    # ---- the module

    def _iter_tables(self) -> Iterator[int]:
        """Where the table of functions may be."""
        for one in self._sections:
            if one.name.endswith(TABLE):
                yield one.address + self._bias
                return
        for one in self._sections:
            data = (
                b"" if one.size > MAX_SECTION else self._bytes(one.address + self._bias, one.size)
            )
            for magic in MAGICS:
                at = data.find(magic)
                while at >= 0:
                    if (one.address + at) % 8 == 0 and data[at + 7 : at + 8] == b"\x08":
                        yield one.address + self._bias + at
                    at = data.find(magic, at + 1)

    def _iter_modules(self, tables: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Where the address of a table of functions is a variable, and that address."""
        for one in self._sections:
            if not one.is_writable or one.size > MAX_SECTION:
                continue
            start = one.address + self._bias
            words = self._words(start, one.size // 8)
            for table in tables:
                for at in np.flatnonzero(words == np.uint64(table))[:MAX_CANDIDATES].tolist():
                    yield start + 8 * at, table

    def _is_module(self, at: int, table: int) -> bool:
        record = self._bytes(at, self._module.size)
        head = self._words(table, 4 + len(TABLES))
        if len(record) < self._module.size or len(head) < 4 + len(TABLES):
            return False
        # From go1.27 on the header's offsets lie elsewhere: the tables follow it in any case.
        places = [self._field(record, name) for name in TABLES]
        if places != sorted(places) or not table < places[0] or places[-1] - table > MAX_SECTION:
            return False
        pairs = [(self._field(record, low), self._field(record, high)) for low, high in PARTS]
        if not all(low <= high for low, high in pairs):
            return False
        for name, (low, high) in (("gcdatamask", pairs[2]), ("gcbssmask", pairs[3])):
            if self._field(record, name) & 0xFFFFFFFF != (high - low) // 8:
                return False
        return 0 < self._field(record, "types") < self._field(record, "etypes")

    def _has_maps(self, record: bytes, descriptors: Descriptors) -> bool:
        """Whether most descriptors of maps have the sizes of their buckets, or groups, where a
        struct has them, and these have their last field inside."""
        map_type = descriptors.map
        fields = {one.name.lower(): one for one in map_type.iter_fields()}
        parts = next((one for one in ("bucket", "group") if one in fields), "")
        size = fields.get(f"{parts}size")
        start, end = (self._field(record, name) for name in ("types", "etypes"))
        if size is None or not 0 < end - start <= MAX_SECTION:
            return False
        words = self._words(start, (end - start) // 8)
        # internal/abi/type.go Type: Size_, PtrBytes; Kind_ is the last byte of the third word.
        kinds = words[2:] >> np.uint64(56) & np.uint64(KIND_MASK)
        is_map = (words[:-2] == 8) & (words[1:-1] == 8) & (kinds == MAP_KIND)
        right = count = 0
        for index in np.flatnonzero(is_map)[:SEEN_MAPS].tolist():
            raw = self._bytes(start + 8 * index, map_type.size)
            if len(raw) < map_type.size:
                continue
            inner = self._field(raw, fields[parts].name, map_type)
            if start <= inner < end:
                count += 1
                own = int.from_bytes(self._bytes(inner, 8), "little")
                right += self._field(raw, size.name, map_type) == own and (
                    self._last_offset(inner, descriptors) < own
                )
        return 2 * right > count

    def _last_offset(self, at: int, descriptors: Descriptors) -> int:
        """Where the last field of a struct lies, by the struct's descriptor."""
        raw = self._bytes(at, descriptors.struct.size)
        if len(raw) < descriptors.struct.size:
            return 0
        list_of = next(one for one in descriptors.struct.iter_fields() if _plain(one) == "fields")
        first, count = (self._field(raw, list_of.name, descriptors.struct, more) for more in (0, 8))
        field = descriptors.field
        last = self._bytes(first + (count - 1) * field.size, field.size)
        if not 0 < count < MAX_FIELDS or len(last) < field.size:
            return 0
        told = next(one for one in field.iter_fields() if _plain(one).startswith("offset"))
        is_beside_a_flag = _plain(told) != "offset"  # offsetAnon of go1.18
        return self._field(last, told.name, field) >> is_beside_a_flag

    def _size_classes(self) -> tuple[int, int]:
        """Where the table of size classes lies (runtime/sizeclasses.go): numbers of 2 bytes, which
        increase up to the largest."""
        for one in self._sections:
            if one.is_code or one.size > MAX_SECTION:
                continue
            data = self._bytes(one.address + self._bias, one.size)
            at = data.find(FIRST_CLASSES)
            if at < 0 or at % 2:
                continue
            sizes = np.frombuffer(data[at : at + 2 * MAX_CLASSES], "<u2")
            last = np.flatnonzero(sizes == LAST_CLASS)[:1]
            if len(last) and (np.diff(sizes[: last[0] + 1].astype(np.int64)) > 0).all():
                return one.address + self._bias + at, int(last[0]) + 1
        return 0, 0

    # ---- slices of pointers

    def _iter_slices(
        self, ranges: Sequence[tuple[int, int]], fits: Callable[[Words], bool]
    ) -> Iterator[int]:
        """Where variables are slices of pointers, the first of which all lead to what fits."""
        for low, high in ranges:
            if not 0 < high - low <= MAX_SECTION:
                continue
            words = self._words(low, (high - low) // 8)
            if len(words) < 3:
                continue
            at, count, room = words[:-2], words[1:-1], words[2:]
            sane = (count > 0) & (count <= room) & (room < 1 << 32)
            sane &= (at > 4096) & (at % np.uint64(8) == 0) & (at < 1 << 63)
            for index in np.flatnonzero(sane)[:MAX_CANDIDATES].tolist():
                pointers = self._words(int(at[index]), min(int(count[index]), SEEN))
                if len(pointers) and fits(pointers):
                    yield low + 8 * index

    def _is_span(self, pointers: Words) -> bool:
        for at in pointers.tolist():
            record = self._bytes(at, self._span.size)
            if at % 8 or len(record) < self._span.size:
                return False
            start, pages, size, limit = (
                self._field(record, name, self._span)
                for name in ("startAddr", "npages", "elemsize", "limit")
            )
            if start % PAGE or not start or not 0 < pages < 1 << 24:
                return False
            end = start + pages * PAGE
            if not start <= limit <= end or size > pages * PAGE:
                return False
            if self._field(record, "state", self._span) & 0xFF > 2:
                return False
        return True

    def _is_goroutine(self, pointers: Words) -> bool:
        """Whether all can be goroutines, and one of them lives: of those that have ended little can
        be checked, and there is always main's."""
        numbers: set[int] = set()
        lives = False
        for at in pointers.tolist():
            record = self._bytes(at, self._g.size)
            if at % 8 or len(record) < self._g.size:
                return False
            low, high = (self._field(record, "stack", self._g, more) for more in (0, 8))
            number = self._field(record, "goid", self._g)
            status = self._field(record, "atomicstatus", self._g) & 0xFFFFFFFF & ~SCAN_BIT
            own = self._own(record)
            if status > MAX_STATUS or own not in (at, 0) or number >= 1 << 40:
                return False
            size = high - low
            if status in DEAD:
                continue
            if size <= 0 or size & (size - 1) or not number or number in numbers:
                return False
            numbers.add(number)
            lives = lives or own == at
        return lives

    def _own(self, record: bytes) -> int:
        """The word of a goroutine that leads to itself."""
        saved = self._g.find("sched")
        inner = None if saved is None else saved.type.find("g")
        if saved is None or inner is None:
            return 0
        at = saved.offset + inner.offset
        return int.from_bytes(record[at : at + 8], "little")

    # ---- memory

    def _field(self, record: bytes, name: str, struct: Type | None = None, more: int = 0) -> int:
        """A word of a record, by its field; `more`: bytes behind that."""
        found = (struct or self._module).find(name)
        if found is None:
            raise NoImage(f"field {name} of a runtime's struct")
        at = found.offset + more
        return int.from_bytes(record[at : at + min(found.type.size, 8)], "little")

    def _bytes(self, at: int, size: int) -> bytes:
        """Memory, or nothing where it cannot be read."""
        return self._read(at, size) or b"" if 0 < at < 1 << 63 else b""

    def _words(self, at: int, count: int) -> Words:
        return np.frombuffer(self._bytes(at, 8 * count), "<u8").astype(np.uint64)


def _plain(field: Field) -> str:
    """The name of a field, whose spelling versions vary."""
    return field.name.lower().strip("_")
