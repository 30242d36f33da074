"""A target made of byte arrays, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from .memory import MemoryFault
from .protocol import Target, TargetError, Value
from .types import Type


class FakeTarget(Target):
    """Memory from segments {address: bytes}, types and values by name; counts its reads.

    >>> target = FakeTarget({0x1000: b"abc"})
    >>> target.read(0x1001, 2)
    b'bc'
    """

    def __init__(
        self,
        segments: dict[int, bytes] | None = None,
        *,
        types: dict[str, Type] | None = None,
        values: dict[str, Value] | None = None,
        pointer_size: int = 8,
        byte_order: Literal["little", "big"] = "little",
        knows_mappings: bool = False,
    ) -> None:
        self.segments = dict(sorted((segments or {}).items()))
        self.types = types or {}
        self.values = values or {}
        self.pointer_size = pointer_size
        self.byte_order = byte_order
        self.knows_mappings = knows_mappings
        self.functions: dict[int, str] = {}
        self.reads: list[tuple[int, int]] = []

    def read_exactly(self, addr: int, size: int) -> bytes:
        self.reads.append((addr, size))
        out = b""
        for start, data in self.segments.items():
            at = addr + len(out)
            if start <= at < start + len(data):
                out += data[at - start : addr + size - start]
            if len(out) >= size:
                return out[:size]
        raise MemoryFault(addr, size)

    def mappings(self) -> Sequence[tuple[int, int]] | None:
        if not self.knows_mappings:
            return None
        return [(start, start + len(data)) for start, data in self.segments.items()]

    def evaluate(self, expression: str) -> Value:
        if expression not in self.values:
            raise TargetError(f"no symbol '{expression}'")
        return self.values[expression]

    def lookup_type(self, name: str) -> Type | None:
        return self.types.get(name)

    def describe_address(self, addr: int) -> str | None:
        return None

    def function_at(self, addr: int) -> str:
        return self.functions.get(addr, "")
