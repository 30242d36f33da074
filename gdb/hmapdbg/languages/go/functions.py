"""The functions of a Go program, by the tables that the runtime has of them (runtime/symtab.go):
name, code, and how large a function's frame is at each of its instructions.

They are in every Go program, stripped or not. Where their fields lie comes from debug info.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...layout import StructLayout
from ...target import MemoryFault, Target, TargetError
from .modules import Module, modules_of
from .structs import go_layout

MAX_FUNCTIONS = 10_000_000
MAX_NAME = 4096
MAX_NAMES = 256 << 20  # bytes of the names of a module
MAX_LISTED = 64  # tables of a function
MAX_TABLE = 1 << 20  # bytes of one function's table
COUNTS = ("npcdata", "nfuncdata")  # of what follows a function's record
NONE = 0xFFFFFFFF
BLOCK = 256  # bytes of such a table read at a time

# Those that are given a map, by how their names begin.
MAP_FUNCTIONS = ("runtime.map", "internal/runtime/maps.")


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the program."""

    name: str  # "main.(*server).run"
    entry: int
    end: int
    frames: int  # where the table of its frame's sizes lies; 0: it has none
    numbers: tuple[int, ...]  # where the tables of numbers for each instruction lie; 0: none
    data: tuple[int, ...]  # where what the collector knows of its frame lies; 0: none
    saves_link: bool  # the address to return to is in a register, and saved at the frame's low end
    step: int  # bytes that code addresses differ by at least


@dataclass(frozen=True, slots=True)
class _Table:
    """The functions of a module, sorted by where their code begins."""

    entries: NDArray[np.uint64]  # with the end of the last one
    records: NDArray[np.uint64]  # where the runtime's record of each lies
    names: int
    names_size: int
    frames: int
    data: int
    step: int


class Functions:
    """The functions of a target; none where debug info lacks the runtime's structs."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: dict[int, Function | None] = {}
        self._sizes: dict[int, int | None] = {}
        self._tables: list[_Table] = []
        self._record: StructLayout | None = None
        found = target.lookup_type("runtime._func")
        try:
            if found is not None:
                names = ["nameOff" if found.find("nameOff") else "nameoff", "pcsp", *COUNTS]
                self._record = go_layout(found, names)
                self._tables = [self._read_table(module) for module in modules_of(target)]
        except (TargetError, MemoryFault):
            pass

    def at(self, addr: int) -> Function | None:
        """The function whose code an address is in; None: it is in none, or no address."""
        if not 0 <= addr < self._target.address_limit:
            return None
        for table in self._tables:
            place = int(np.searchsorted(table.entries, np.uint64(addr), side="right")) - 1
            if 0 <= place < len(table.records):
                entry = int(table.entries[place])
                if entry not in self._known:
                    self._known[entry] = self._read(table, place)
                return self._known[entry]
        return None

    def entries(self) -> NDArray[np.uint64]:
        """Where functions begin, sorted."""
        parts = [one.entries[:-1] for one in self._tables]
        return np.sort(np.concatenate([np.zeros(0, np.uint64), *parts]))

    def entries_of(self, pattern: bytes) -> NDArray[np.uint64]:
        """Where the functions begin whose whole names match a regular expression, sorted."""
        parts = [np.zeros(0, np.uint64)]
        record = self._record
        for one in self._tables if record is not None else ():
            assert record is not None
            try:
                names = self._target.read(one.names, min(one.names_size, MAX_NAMES))
            except MemoryFault:
                continue
            whole = re.compile(rb"\0(?=" + pattern + rb"\0)")
            wanted = [match.start() + 1 for match in whole.finditer(names)]
            raw, ok = self._target.gather(one.records, record.size)
            rows = raw.view(record.dtype(self._target.order)).ravel()
            field = "nameOff" if "nameOff" in record else "nameoff"
            parts.append(one.entries[:-1][ok & np.isin(rows[field], wanted)])
        return np.sort(np.concatenate(parts))

    def map_entries(self) -> NDArray[np.uint64]:
        """Where the MAP_FUNCTIONS begin, sorted."""
        starts = b"|".join(re.escape(one.encode()) for one in MAP_FUNCTIONS)
        return self.entries_of(rb"(?:" + starts + rb")[^\0]*")

    def frame_size(self, addr: int) -> int | None:
        """How many bytes the stack has grown by since the function was called, when it is about to
        execute the instruction at an address; None where that is not known."""
        if addr not in self._sizes:
            function = self.at(addr)
            try:
                self._sizes[addr] = None if function is None else self._size(function, addr)
            except MemoryFault:
                self._sizes[addr] = None
        return self._sizes[addr]

    def value_at(self, function: Function, which: int, addr: int) -> int | None:
        """The number for the instruction at an address in one of a function's tables; None where
        there is none."""
        table = function.numbers[which] if which < len(function.numbers) else 0
        try:
            return self._number(function, table, addr) if table else None
        except MemoryFault:
            return None

    def data_of(self, function: Function, which: int) -> int:
        """Where one of the things that the collector knows of a function's frame lies; 0: it knows
        nothing."""
        return function.data[which] if which < len(function.data) else 0

    # ---- the tables

    def _read_table(self, module: Module) -> _Table:
        """The table of a module. TargetError, MemoryFault."""
        target = self._target
        count = module.word("ftab", "len")
        if not 1 < count <= MAX_FUNCTIONS:
            raise TargetError("the runtime's table of functions makes no sense")
        rows = np.frombuffer(target.read(module.word("ftab", "array"), 8 * count), np.uint8)
        pairs = rows.view(f"{target.order}u4").reshape(count, 2).astype(np.uint64)
        header = target.lookup_type("runtime.pcHeader")
        quantum = header.find("minLC") if header is not None else None
        if quantum is None:
            raise TargetError("debug info lacks 'runtime.pcHeader'")
        return _Table(
            pairs[:, 0] + np.uint64(module.word("text")),
            pairs[:-1, 1] + np.uint64(module.word("pclntable", "array")),
            module.word("funcnametab", "array"),
            module.word("funcnametab", "len"),
            module.word("pctab", "array"),
            module.word("gofunc") if module.has("gofunc") else 0,
            target.read_uint(module.word("pcHeader") + quantum.offset, 1),
        )

    def _read(self, table: _Table, place: int) -> Function | None:
        assert self._record is not None
        target = self._target
        try:
            data = target.read(int(table.records[place]), self._record.size)
            fields = self._record.decode(data, target.byte_order)
            name = self._text(table.names + (fields.get("nameOff") or fields.get("nameoff") or 0))
            numbers, datas = self._lists(int(table.records[place]), fields)
        except MemoryFault:
            return None
        tables = tuple(table.frames + one if one else 0 for one in numbers)
        known = tuple(table.data + one if one != NONE and table.data else 0 for one in datas)
        frames = table.frames + fields["pcsp"] if fields["pcsp"] else 0
        entry, end = (int(table.entries[at]) for at in (place, place + 1))
        return Function(name, entry, end, frames, tables, known, table.step > 1, max(table.step, 1))

    def _lists(self, record: int, fields: dict[str, int]) -> tuple[list[int], list[int]]:
        """The two lists of offsets that follow a record. MemoryFault."""
        assert self._record is not None
        last = self._record["nfuncdata"]
        counts = [fields[name] for name in COUNTS]
        if max(counts) > MAX_LISTED:
            return [], []
        data = self._target.read(record + last.offset + last.size, 4 * sum(counts))
        words = np.frombuffer(data, f"{self._target.order}u4").tolist()
        return words[: counts[0]], words[counts[0] :]

    def _text(self, addr: int) -> str:
        data = b""
        while b"\0" not in data and len(data) < MAX_NAME:
            data += self._target.read(addr + len(data), 64)
        return data.split(b"\0")[0].decode("utf-8", "backslashreplace")

    def _size(self, function: Function, addr: int) -> int | None:
        return self._number(function, function.frames, addr) if function.frames else None

    def _number(self, function: Function, table: int, addr: int) -> int | None:
        """runtime/symtab.go pcvalue() of a table: pairs of what to add to the number, which is -1
        at first, and to the address up to which it is that. MemoryFault."""
        numbers = _Varints(self._target, table)
        size, at, first = -1, function.entry, True
        while numbers.used < MAX_TABLE:
            change = numbers.next()
            if change == 0 and not first:
                return None
            first = False
            size += -(change >> 1) - 1 if change & 1 else change >> 1
            at += numbers.next() * function.step
            if addr < at:
                return size
        return None


class _Varints:
    """Numbers of 7 bits a byte, the lowest first, from an address on. MemoryFault."""

    def __init__(self, target: Target, addr: int) -> None:
        self._target = target
        self._addr = addr
        self._data = b""
        self.used = 0

    def next(self) -> int:
        """The next one."""
        number = shift = 0
        while True:
            if self.used == len(self._data):
                self._data += self._target.read(self._addr + self.used, BLOCK)
            byte = self._data[self.used]
            self.used += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 or shift > 35:
                return number
