"""The process or core file that gdb has selected: its memory, identity and time."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence

import gdb

from .core_file import Gap, NotACore, build_ids_of, core_facts, core_gaps, held_ranges
from .gdb_session import output_of
from .gdb_text import file_name
from .gdb_twin import own_program, symbols_mismatch
from .intervals import merge_ranges
from .memory import Memory, MemoryFault
from .protocol import TargetError

NO_PROCESS = (
    "no process and no core file: start the program, or use 'attach PID' or 'core-file FILE' first"
)
_OF_TARGET = "target:"
_SECTION = re.compile(r"^\s*0x([0-9a-f]+) - 0x([0-9a-f]+) is (\S+)", re.MULTILINE)
# gdb reads these from the files if the core lacks them. It cannot do that for data and zero-filled
# sections.
_CONSTANT = (".text", ".rodata", ".eh_frame", ".data.rel.ro")


class GdbProcess:
    """The selected inferior of gdb. TargetError if it has no process and no core file."""

    def __init__(self) -> None:
        self.inferior = gdb.selected_inferior()
        if self.inferior.pid == 0:
            raise TargetError(NO_PROCESS)
        self._mappings: Sequence[tuple[int, int]] | None = None
        self._mappings_known = False
        self._gaps: list[Gap] | None = None

    @property
    def _connection(self) -> str:
        """How gdb reaches it: "native", "core", "remote" …"""
        connection = getattr(self.inferior, "connection", None)
        return str(connection.type) if connection is not None else ""

    @property
    def is_core(self) -> bool:
        """Whether the memory comes from a core file."""
        return self._connection == "core"

    @property
    def is_remote(self) -> bool:
        """Whether each read is a message to a stub."""
        return self._connection not in ("native", "core")

    def read(self, addr: int, size: int) -> memoryview:
        """`size` bytes at `addr`. MemoryFault; but gdb reads zeros where a core holds nothing."""
        try:
            return self.inferior.read_memory(addr, size)
        except (gdb.MemoryError, gdb.error, OverflowError, MemoryError):
            raise MemoryFault(addr, size) from None

    # ---- where memory is

    def mappings(self) -> Sequence[tuple[int, int]] | None:
        """See Memory.mappings."""
        if not self._mappings_known:
            self._mappings = self._find_mappings()
            self._mappings_known = True
        return self._mappings

    def _find_mappings(self) -> Sequence[tuple[int, int]] | None:
        if self.is_core:
            return self._core_mappings()
        if self._connection == "native":
            try:
                with open(f"/proc/{self.inferior.pid}/maps", "rb") as maps:
                    return merge_ranges(_range_of(line) for line in maps)
            except OSError:
                return None
        return None

    def _core_mappings(self) -> list[tuple[int, int]] | None:
        """What the core holds, and constant sections of executable and libraries."""
        files = output_of("info files")
        path = _core_path(files)
        if path is None:
            return None
        try:
            held = held_ranges(path, _sysroot())
        except (OSError, NotACore):
            return None
        for low, high, name in _SECTION.findall(files):
            if name.startswith(_CONSTANT):
                held.append((int(low, 16), int(high, 16)))
        return merge_ranges(held)

    def gap_at(self, addr: int) -> Gap | None:
        """See Memory.gap_at."""
        if self._gaps is None:
            self._gaps = self._find_gaps()
        return next((one for one in self._gaps if one.low <= addr < one.high), None)

    def _find_gaps(self) -> list[Gap]:
        path = _core_path(output_of("info files")) if self.is_core else None
        try:
            return [] if path is None else core_gaps(path, _sysroot())
        except (OSError, NotACore):
            return []

    # ---- which one, and when

    def mismatch(self) -> str:
        """See Target.mismatch."""
        wrong = symbols_mismatch()
        path = _core_path(output_of("info files")) if self.is_core else None
        program = own_program(self.program())
        if wrong or path is None or not program:
            return wrong
        try:
            core, own = core_facts(path).build_ids, build_ids_of(program)
        except (OSError, NotACore):
            return ""
        if not core.differs(own):
            return ""
        name = os.path.basename(program)
        return (
            f"the core is of another build of '{name}' (build id {core}, not {own}): load the "
            "program that dumped it, addresses and types of this one are wrong"
        )

    def describe(self) -> str:
        """See Target.describe."""
        if self.is_core:
            return "core file"
        kind = "live process" if self._connection == "native" else "remote process"
        return f"{kind} {self.inferior.pid}"

    def identity(self, memory: Memory) -> str:
        """See Target.process_identity; `memory`: the process's, with known holes."""
        pid = self.inferior.pid
        try:
            found = re.search(r"AT_RANDOM\s.*?0x([0-9a-f]+)", output_of("info auxv"))
            if found is not None:
                return f"pid {pid}, {memory.read(int(found[1], 16), 16).hex()} at 0x{found[1]}"
        except (gdb.error, MemoryFault):
            pass
        return f"pid {pid}"

    def taken_at(self) -> float | None:
        """See Target.taken_at: for a core, when its file was last written."""
        if not self.is_core:
            return time.time()
        path = _core_path(output_of("info files"))
        try:
            return None if path is None else os.stat(path).st_mtime
        except OSError:
            return None

    def program(self) -> str:
        """See Target.program."""
        space = gdb.current_progspace()
        return file_name(space)


def _core_path(files: str) -> str | None:
    """The core's path, in what `info files` prints."""
    found = re.search(r"Local core dump file:\n\s*`(.*)', file type", files)
    return found.group(1) if found else None


def _sysroot() -> str:
    """The folder in which gdb looks for the files that a core names."""
    folder = str(gdb.parameter("sysroot") or "")
    # The machine of a core is this one.
    return folder[len(_OF_TARGET) :] if folder.startswith(_OF_TARGET) else folder


def _range_of(line: bytes) -> tuple[int, int]:
    """The addresses of a line of /proc/PID/maps."""
    low, high = line.split(b" ", 1)[0].split(b"-")
    return int(low, 16), int(high, 16)
