"""Threads and frames of a program as gdb knows them, and the locals of all frames.

gdb.Symbol and gdb.Frame do not leave this module.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import gdb

from .gdb_left_out import LeftOut
from .gdb_session import output_of
from .gdb_statics import symbols_in
from .gdb_values import GdbValues
from .protocol import TargetError, Variable
from .types import Kind

MAX_THREADS = 2000
MAX_FRAMES = 250  # of one thread, the innermost ones
# The registers of the program counter and the stack, by gdb's names of architectures.
REGISTERS = {"i386:x86-64": ("rip", "rsp"), "aarch64": ("pc", "sp")}


def iter_threads() -> Iterator[int]:
    """The numbers of all threads, each selected meanwhile."""
    with selection_kept():
        for thread in _threads():
            try:
                thread.switch()
            except gdb.error:
                continue
            yield thread.num


def _threads() -> list[gdb.InferiorThread]:
    """All threads, in the order of their numbers."""
    return sorted(gdb.selected_inferior().threads(), key=lambda one: one.num)[:MAX_THREADS]


def iter_locals(values: GdbValues, is_go: bool, left_out: LeftOut) -> Iterator[Variable]:
    """The locals and arguments of all frames of all threads, the selected thread first. Of Go,
    whose registers survive no call, only what lies in memory in frames that wait for one."""
    read_registers()
    with selection_kept():
        chosen = gdb.selected_thread()
        first = 0 if chosen is None else chosen.num
        count = len(gdb.selected_inferior().threads())
        if count > MAX_THREADS:
            left_out.cuts.append(
                f"only the first {MAX_THREADS:,} of {count:,} threads were searched for maps: "
                "name a variable of another, as in 'hmap-dump thread N frame 0: NAME'"
            )
        for thread in sorted(_threads(), key=lambda one: one.num != first):
            try:
                thread.switch()
                frame = gdb.newest_frame()
            except gdb.error:
                continue
            before = "" if thread.num == first else f"thread {thread.num} "
            for level in range(MAX_FRAMES):
                in_memory = is_go and level > 0
                yield from iter_frame(values, frame, f"{before}frame {level}: ", True, in_memory)
                try:
                    outer = frame.older()
                except gdb.error:
                    break
                if outer is None:
                    break
                frame = outer
            else:
                left_out.frames.append(thread.num)


def read_registers() -> None:
    """Has gdb read the registers of all threads: of cores of processors that it does not know all
    registers of, it warns at that, of each thread, but only once."""
    with contextlib.suppress(gdb.error):
        output_of("thread apply all -q -s output/x $sp")


def innermost_places() -> list[tuple[int, int]]:
    """The program counter and the stack pointer of each thread."""
    out = []
    read_registers()
    for _ in iter_threads():
        try:
            frame = gdb.newest_frame()
            name = REGISTERS.get(frame.architecture().name(), ("pc", "sp"))[1]
            out.append((int(frame.pc()), int(frame.read_register(name))))
        except (gdb.error, ValueError):
            continue
    return out


def iter_frame(
    values: GdbValues,
    frame: gdb.Frame,
    prefix: str,
    follows: bool = True,
    in_memory: bool = False,
) -> Iterator[Variable]:
    """The variables of a frame, each path with `prefix` before its name. `follows`: a variable of
    Go's that has escaped to the heap is given as it is there, not as the pointer to it, "&name".
    `in_memory`: without those in registers."""
    try:
        block: gdb.Block | None = frame.block()
    except (gdb.error, RuntimeError):
        return
    met: set[str] = set()  # an inner block's variable hides an outer one's
    while block is not None and not block.is_static and not block.is_global:
        for symbol in symbols_in(block):
            if symbol.name in met or not (symbol.is_variable or symbol.is_argument):
                continue
            met.add(symbol.name)
            if symbol.addr_class != gdb.SYMBOL_LOC_STATIC:
                yield from _iter_local(values, symbol, frame, prefix, follows, in_memory)
        if block.function is not None:
            break
        block = block.superblock


def _iter_local(
    values: GdbValues,
    symbol: gdb.Symbol,
    frame: gdb.Frame,
    prefix: str,
    follows: bool,
    in_memory: bool,
) -> Iterator[Variable]:
    name = symbol.name
    try:
        value = symbol.value(frame)
        if value.is_optimized_out or (in_memory and value.address is None):
            return
        if value.type.strip_typedefs().code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            value = value.referenced_value()
        if follows and name.startswith("&"):  # Go: it escaped to the heap
            name, value = name[1:], value.dereference()
        neutral = values.type_of(value.type)
        if value.address is not None:
            yield Variable(prefix + name, neutral, int(value.address))
        elif neutral.kind is Kind.POINTER:
            data = values.integer_bytes(value, neutral.size)
            yield Variable(prefix + name, neutral, None, data)
    except (gdb.error, RuntimeError):
        return


@contextlib.contextmanager
def selection_kept() -> Iterator[None]:
    """Restores the thread and the frame that the user had selected."""
    thread = gdb.selected_thread()
    try:
        frame: gdb.Frame | None = gdb.selected_frame()
    except gdb.error:
        frame = None
    try:
        yield
    finally:
        if thread is not None and thread.is_valid():
            thread.switch()
        if frame is not None and frame.is_valid():
            frame.select()


@contextlib.contextmanager
def frame_selected(thread: int | None, level: int) -> Iterator[None]:
    """Selects a frame, of the selected thread or of another. TargetError."""
    with selection_kept():
        if thread is not None:
            found = [one for one in gdb.selected_inferior().threads() if one.num == thread]
            if not found:
                raise TargetError(f"no thread {thread}: 'info threads' lists them")
            found[0].switch()
        try:
            frame: gdb.Frame | None = gdb.newest_frame()
            for _ in range(level):
                frame = frame.older() if frame is not None else None
        except gdb.error as error:
            raise TargetError(f"cannot unwind to frame {level}: {error}") from None
        if frame is None:
            raise TargetError(f"no frame {level}: 'backtrace' lists them")
        frame.select()
        yield
