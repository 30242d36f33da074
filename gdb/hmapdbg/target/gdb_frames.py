"""Threads and frames of a program as gdb knows them, and the locals of all frames.

gdb.Symbol and gdb.Frame do not leave this module.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import gdb

from .gdb_statics import symbols_in
from .gdb_values import GdbValues
from .protocol import TargetError, Variable
from .types import Kind

MAX_THREADS = 2000
MAX_FRAMES = 250  # of one thread, the innermost ones


def iter_threads() -> Iterator[int]:
    """The numbers of all threads, each selected meanwhile."""
    with selection_kept():
        threads = sorted(gdb.selected_inferior().threads(), key=lambda one: one.num)[:MAX_THREADS]
        for thread in threads:
            try:
                thread.switch()
            except gdb.error:
                continue
            yield thread.num


def iter_locals(values: GdbValues) -> Iterator[Variable]:
    """The locals and arguments of all frames of all threads, the selected thread first."""
    with selection_kept():
        chosen = gdb.selected_thread()
        threads = sorted(gdb.selected_inferior().threads(), key=lambda one: one.num)[:MAX_THREADS]
        for thread in threads:
            if thread is not None and chosen is not None and thread.num == chosen.num:
                threads.remove(thread)
                threads.insert(0, thread)
                break
        for thread in threads:
            try:
                thread.switch()
                frame: gdb.Frame | None = gdb.newest_frame()
            except gdb.error:
                continue
            is_chosen = chosen is not None and thread.num == chosen.num
            before = "" if is_chosen else f"thread {thread.num} "
            for level in range(MAX_FRAMES):
                if frame is None:
                    break
                yield from _iter_frame(values, frame, f"{before}frame {level}: ")
                try:
                    frame = frame.older()
                except gdb.error:
                    break


def _iter_frame(values: GdbValues, frame: gdb.Frame, prefix: str) -> Iterator[Variable]:
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
                yield from _iter_local(values, symbol, frame, prefix)
        if block.function is not None:
            break
        block = block.superblock


def _iter_local(
    values: GdbValues, symbol: gdb.Symbol, frame: gdb.Frame, prefix: str
) -> Iterator[Variable]:
    name = symbol.name
    try:
        value = symbol.value(frame)
        if value.is_optimized_out:
            return
        if value.type.strip_typedefs().code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            value = value.referenced_value()
        if name.startswith("&"):  # Go: it escaped to the heap
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
