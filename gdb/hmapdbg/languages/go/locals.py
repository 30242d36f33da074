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

RUNTIME = "runtime."  # no map of the program's is known to its functions alone
LEADING_ON = (Kind.POINTER, Kind.ARRAY, Kind.STRUCT, Kind.UNION)


@dataclass(frozen=True, slots=True)
class _Local:
    name: str  # with a "&" in front: it has escaped, and this is the pointer to it
    type: Type
    offset: int  # from the stack pointer


@dataclass(frozen=True, slots=True)
class _Code:
    """A call at one place in the code: the same for all goroutines that are there."""

    function: str
    variables: tuple[_Local, ...]


@dataclass(frozen=True, slots=True)
class GoroutineCall:
    """A call on a goroutine's stack."""

    label: str  # how paths name it: "worker", "worker#2"
    function: str
    frame: Frame
    number: int  # of those in one frame, the innermost inlined one first
    is_whole: bool  # the frame is the function's own: it is not inlined
    variables: tuple[_Local, ...]

    @property
    def place(self) -> tuple[int, int, int]:
        """What Target.call_selected takes."""
        return self.frame.call_pc + 1, self.frame.sp, self.number

    @property
    def prefix(self) -> str:
        """What stands before an expression in a path."""
        return f"goroutine {self.frame.goroutine} {self.label}: "


def iter_goroutine_variables(target: Target) -> Iterator[Variable]:
    """The variables of all goroutines that lie in memory, each by its path."""
    for one in goroutines_of(target):
        for call in calls_of(target, one):
            for local in call.variables:
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
            yield GoroutineCall(label, code.function, frame, number, is_whole, code.variables)


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
        if frame.function.name.startswith(RUNTIME):
            return ()
        return tuple(
            _Code(
                call.function,
                tuple(
                    _Local(one.path, one.type, one.address - frame.sp)
                    for one in call.variables
                    if one.address is not None and one.type.kind in LEADING_ON
                ),
            )
            for call in self._target.calls_at(frame.call_pc + 1, frame.sp)
        )


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
