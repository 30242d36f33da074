"""Frames that no thread has: of a goroutine that is parked, of which the stack pointer and the
address that it goes on at are known.

gdb is told, by an unwinder of its Python interface, that the selected thread's innermost frame was
called from there. So it knows the variables of such a frame as of any other. No register is set:
all that changes is what gdb takes for the caller, and that is forgotten again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import gdb
import gdb.unwinder

from .gdb_text import file_name
from .gdb_values import GdbValues
from .gdb_frames import REGISTERS, iter_frame, selection_kept
from .protocol import Call, TargetError

MAX_INLINED = 50  # calls inlined in one another


class _FrameId:
    """What gdb tells a frame by."""

    def __init__(self, sp: gdb.Value, pc: gdb.Value) -> None:
        self.sp = sp
        self.pc = pc


class _Caller(gdb.unwinder.Unwinder):  # type: ignore[misc, name-defined]
    """Says who has called the innermost frame; of any other frame, nothing."""

    def __init__(self, innermost: tuple[int, int], caller: tuple[int, int]) -> None:
        super().__init__("hmap: a goroutine's frame")
        self._innermost = innermost
        self._caller = caller

    def __call__(self, pending: gdb.PendingFrame) -> gdb.UnwindInfo | None:
        names = REGISTERS.get(pending.architecture().name())
        if names is None:
            return None
        values = [pending.read_register(name) for name in names]
        if tuple(map(int, values)) != self._innermost:
            return None
        sp = gdb.Value(self._caller[1] - 1).cast(values[1].type)  # inside of the caller's
        info = pending.create_unwind_info(_FrameId(sp, values[0]))
        for name, number, value in zip(names, self._caller, values):
            info.add_saved_register(name, gdb.Value(number).cast(value.type))
        return info


@contextlib.contextmanager
def made_frame(pc: int, sp: int) -> Iterator[list[gdb.Frame]]:
    """The frame whose code goes on at `pc` once the calls from it return: the calls that were
    inlined there, the innermost first, and last the function. Empty where gdb cannot make it.
    Frames taken from gdb before are no longer valid. TargetError without a process."""
    with selection_kept():
        unwinder = None
        try:
            innermost = gdb.newest_frame()
            names = REGISTERS.get(innermost.architecture().name())
            if names is not None:
                here = int(innermost.read_register(names[0])), int(
                    innermost.read_register(names[1])
                )
                unwinder = _Caller(here, (pc, sp))
        except gdb.error as error:
            raise TargetError(f"no frame to start from: {error}") from None
        if unwinder is None:
            yield []
            return
        unwinders = getattr(gdb, "frame_unwinders")  # which the stubs do not know
        unwinders.insert(0, unwinder)
        try:
            gdb.invalidate_cached_frames()
            yield _levels(pc, sp, names[1] if names else "")
        finally:
            unwinders.remove(unwinder)
            gdb.invalidate_cached_frames()


def _levels(pc: int, sp: int, sp_name: str) -> list[gdb.Frame]:
    out: list[gdb.Frame] = []
    try:
        frame: gdb.Frame | None = gdb.newest_frame()
        for _ in range(MAX_INLINED):
            frame = frame.older() if frame is not None else None
            if frame is None:
                break
            if int(frame.pc()) != pc or int(frame.read_register(sp_name)) != sp:
                if out:
                    break
                continue  # still a call inlined in the innermost frame
            out.append(frame)
            if frame.type() != gdb.INLINE_FRAME:
                break
    except gdb.error:
        return []
    return out


def calls_at(values: GdbValues, pc: int, sp: int) -> list[Call]:
    """See Target.calls_at."""
    with made_frame(pc, sp) as levels:
        return [
            Call(
                frame.name() or "",
                tuple(iter_frame(values, frame, "", follows=False)),
            )
            for frame in levels
        ]


@contextlib.contextmanager
def call_selected(pc: int, sp: int, number: int) -> Iterator[None]:
    """See Target.call_selected."""
    with made_frame(pc, sp) as levels:
        if number >= len(levels):
            raise TargetError("there is no such call any more")
        levels[number].select()
        yield


def selected_place() -> tuple[int, int, int] | None:
    """The selected frame as call_selected takes it, if it is one of Go's that waits for a call.

    No register survives a call in Go, but gdb takes those of the innermost frame for those of the
    others: in a frame that is made, variables in registers are unknown."""
    try:
        frame = gdb.selected_frame()
        table = frame.find_sal().symtab
        names = REGISTERS.get(frame.architecture().name())
        if names is None or table is None or not file_name(table).endswith(".go"):
            return None
        pc, sp, number = int(frame.pc()), int(frame.read_register(names[1])), 0
        newer = frame.newer()
        while newer is not None and newer.type() == gdb.INLINE_FRAME and int(newer.pc()) == pc:
            number, newer = number + 1, newer.newer()
        return pc, sp, number
    except gdb.error:
        return None
