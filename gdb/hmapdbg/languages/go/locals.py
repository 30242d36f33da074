"""Variables of goroutines by name: what debug info has of the frames on their stacks.

    goroutine 18 worker: seen       goroutine 18 worker#2: seen

The name is that of the function, without its package; of several calls of one name in a goroutine
the innermost is meant, and the others have a number. Functions that the compiler has inlined are
calls as others are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ...compat import dataclass
from ...target import Kind, MemoryFault, Target, TargetError, Type, Variable
from .frames import Frame, frames_of, short_name
from .goroutines import Goroutine, goroutines_of
from .liveness import LiveWords

RUNTIME = "runtime."  # no map of the program's is known to its functions alone
LEADING_ON = (Kind.POINTER, Kind.ARRAY, Kind.STRUCT, Kind.UNION)


@dataclass(frozen=True, slots=True)
class _Local:
    name: str  # with a "&" in front: it has escaped, and this is the pointer to it
    type: Type
    offset: int  # from the stack pointer
    is_live: bool  # as far as is known; else it may have any value


@dataclass(frozen=True, slots=True)
class _Code:
    """A call at one place in the code: the same for all goroutines that are there."""

    function: str
    variables: tuple[_Local, ...]
    # Its number among those inlined in one another, at the call, and behind it; None: not there.
    numbers: tuple[int | None, int | None] = (None, None)


@dataclass(frozen=True, slots=True)
class GoroutineCall:
    """A call on a goroutine's stack."""

    label: str  # how paths name it: "worker", "worker#2"
    function: str
    frame: Frame
    is_whole: bool  # the frame is the function's own: it is not inlined
    variables: tuple[_Local, ...]
    numbers: tuple[int | None, int | None]

    @property
    def places(self) -> list[tuple[int, int, int]]:
        """What Target.call_selected takes: the places where variables are looked for."""
        pairs = zip(_places_of(self.frame), self.numbers)
        return [(pc, self.frame.sp, number) for pc, number in pairs if number is not None]

    @property
    def prefix(self) -> str:
        """What stands before an expression in a path."""
        return f"goroutine {self.frame.goroutine} {self.label}: "


def iter_goroutine_variables(target: Target, live: bool = True) -> Iterator[Variable]:
    """The variables of all goroutines that lie in memory, each by its path: those that are still
    used, or the others, which still may have the value that they had."""
    for one in goroutines_of(target):
        for call in calls_of(target, one):
            for local in call.variables:
                if local.is_live is live:
                    yield from _variable(target, call, local)


def calls_of(target: Target, one: Goroutine) -> Iterator[GoroutineCall]:
    """The calls on a goroutine's stack, the innermost first."""
    known = target.kept(_Codes)
    count: Counter[str] = Counter()
    for frame in frames_of(target, one):
        codes = known.at(frame)
        for number, code in enumerate(codes):
            name = short_name(code.function)
            count[name] += 1
            label = name if count[name] == 1 else f"{name}#{count[name]}"
            is_whole = number == len(codes) - 1
            yield GoroutineCall(label, code.function, frame, is_whole, code.variables, code.numbers)


def find_call(target: Target, goroutine: int, label: str) -> GoroutineCall:
    """The call that a path names; the function's name may have its package. TargetError."""
    found = [one for one in goroutines_of(target) if one.number == goroutine]
    if not found:
        raise TargetError(f"no goroutine {goroutine} that has a stack")
    name, _, number = label.partition("#")
    alike = []
    for call in calls_of(target, found[0]):
        if label in (call.label, call.function):
            return call
        if name == call.function:
            alike.append(call)
    if number.isdigit() and 0 < int(number) <= len(alike):
        return alike[int(number) - 1]
    labels = dict.fromkeys(call.label for call in calls_of(target, found[0]))
    shown = ", ".join(list(labels)[-8:]) or "none that is known"
    raise TargetError(f"goroutine {goroutine} is in no '{label}': its calls are {shown}")


class _Codes:
    """What debug info has of the places that goroutines are at."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: dict[int, tuple[_Code, ...]] = {}

    def at(self, frame: Frame) -> tuple[_Code, ...]:
        """The calls of a frame, the innermost inlined one first; at least the function itself."""
        place = frame.call_pc
        if place not in self._known:
            self._known[place] = self._ask(frame) or (_Code(frame.function.name, ()),)
        return self._known[place]

    def _ask(self, frame: Frame) -> tuple[_Code, ...]:
        if frame.function.name.startswith(RUNTIME) or self._target.has_tables_only:
            return ()
        live = self._target.kept(LiveWords)
        calls = [list(self._target.calls_at(pc, frame.sp)) for pc in _places_of(frame)]
        out = []
        for number, call in enumerate(calls[0]):
            variables = {one.path: one for one in call.variables if one.address is not None}
            behind = len(calls[1]) - len(calls[0]) + number  # they have their outermost in common
            if not 0 <= behind < len(calls[1]) or calls[1][behind].function != call.function:
                behind = -1
            for one in calls[1][behind].variables if behind >= 0 else ():
                if one.address is not None:
                    variables.setdefault(one.path, one)
            places = tuple(
                _Local(
                    *(one.path, one.type, (one.address or 0) - frame.sp),
                    live.may_be_live(frame, (one.address or 0) - frame.sp, one.type),
                )
                for one in variables.values()
                if one.type.kind in LEADING_ON
            )
            name = call.function or frame.function.name  # which a stripped program has, too
            out.append(_Code(name, places, (number, behind if behind >= 0 else None)))
        return tuple(out)


def _places_of(frame: Frame) -> tuple[int, int]:
    """The places where debug info is asked for variables, as Target.calls_at takes them: at a call,
    and right behind it. At the call Go's debug info has some variables in registers that have been
    saved for it already, where they are behind it."""
    return frame.call_pc + 1, frame.pc + 1


def _variable(target: Target, call: GoroutineCall, local: _Local) -> Iterator[Variable]:
    address = call.frame.sp + local.offset
    if not local.name.startswith("&"):
        yield Variable(call.prefix + local.name, local.type, address)
        return
    if local.type.kind is not Kind.POINTER or local.type.resolve is None:
        return
    try:
        pointee = target.read_uint(address)
    except MemoryFault:
        return
    yield Variable(call.prefix + local.name[1:], local.type.target, pointee)
