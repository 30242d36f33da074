"""What the layers above ask of a target, apart from memory."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Iterator

from ..compat import dataclass
from .memory import Memory
from .types import Type


class TargetError(Exception):
    """What the user asked of the target cannot be had; the text is one line, made to be read."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value that the user named: its type, its bytes, and where it lies if it is in memory."""

    expression: str  # as typed
    type: Type
    data: bytes
    address: int | None = None  # None: in a register, or computed


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the program: a global, a static, or a local of a frame."""

    path: str  # what the user would type for it: "server", "frame 3: m"
    type: Type
    address: int | None  # None: in a register
    data: bytes = b""  # of one in a register


class Target(Memory):
    """Memory and types. Raises TargetError with a line for the user."""

    @abc.abstractmethod
    def evaluate(self, expression: str) -> Value:
        """The value of an expression typed by the user; never one found in the target's memory."""

    @abc.abstractmethod
    def lookup_type(self, name: str) -> Type | None:
        """The complete type of that name, e.g. "struct hmap"; None where debug info has none."""

    @abc.abstractmethod
    def describe_address(self, addr: int) -> str | None:
        """Where an address lies, for people: "main at main.c:12" or "buffer+16"; None: unknown."""

    @abc.abstractmethod
    def function_at(self, addr: int) -> str:
        """The name of the function that starts at an address; empty where there is none."""

    def type_names(self, start: str) -> list[str]:
        """Names of types that begin so, as far as debug info tells."""
        return []

    def iter_globals(self) -> Iterator[Variable]:
        """Globals and statics that may hold a pointer."""
        return iter(())

    def iter_locals(self) -> Iterator[Variable]:
        """Locals and arguments of all frames of all threads."""
        return iter(())

    @contextlib.contextmanager
    def frame_selected(self, thread: int | None, level: int) -> Iterator[None]:
        """With that frame selected for expressions. TargetError."""
        raise TargetError(f"no frame {level}: the target has no frames")
        yield
