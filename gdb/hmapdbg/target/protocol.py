"""What the layers above ask of a target, apart from memory."""

from __future__ import annotations

import abc

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
