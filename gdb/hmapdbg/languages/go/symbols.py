"""The runtime's variables and constants by name."""

from __future__ import annotations

from ...target import Kind, Target, TargetError, Value


def has_runtime(target: Target) -> bool:
    """Whether a program contains Go's runtime, with debug info."""
    return target.lookup_type("runtime.g") is not None


class _LookedUp:
    """What was looked up in a target; None: not found."""

    def __init__(self, _target: Target) -> None:
        self.values: dict[str, Value | None] = {}


def find_value(target: Target, name: str) -> Value | None:
    """A variable or constant of Go's runtime by its full name; None if there is none. Each is
    looked up once per target, which does not run meanwhile."""
    known = target.kept(_LookedUp).values
    if name not in known:
        try:
            known[name] = target.evaluate(f"'{name}'")
        except TargetError:
            known[name] = None
    return known[name]


class Constants:
    """The runtime's constants by name, from debug info; `assumed`: those that it lacks."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.assumed: list[str] = []

    def get(self, default: int, *names: str) -> int:
        """The first of the constants that exists; otherwise `default`, the documented value."""
        for name in names:
            value = find_value(self._target, name)
            if value is not None and value.type.kind in (Kind.INTEGER, Kind.ENUM):
                return int.from_bytes(value.data, self._target.byte_order, signed=value.type.signed)
        self.assumed.append(names[0])
        return default

    def notes(self, source: str) -> list[str]:
        """Notes for the user."""
        if not self.assumed:
            return []
        names = ", ".join(name.rpartition(".")[2] for name in self.assumed)
        return [f"debug info lacks the runtime's {names}: the values of {source} are assumed"]
