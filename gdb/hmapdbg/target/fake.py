"""A target made of byte arrays, for tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from .memory import MemoryFault
from .protocol import Target, TargetError, Value, Variable
from .types import Type


class FakeTarget(Target):
    """Memory from segments {address: bytes}, types, values and functions by name, variables; counts
    its reads. Tests set anything else as attributes.

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
        self.places: dict[int, str] = {}  # descriptions of addresses
        self.globals: list[Variable] = []
        self.frames: dict[tuple[int | None, int], list[Variable]] = {}  # by thread and level
        self.has_go = False
        self.program_path = ""
        self.process = "pid 1"
        self.time: float | None = None
        self.reads: list[tuple[int, int]] = []
        self._frame: tuple[int | None, int] | None = None  # the selected one

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
        for local in self.frames.get(self._frame, ()) if self._frame is not None else ():
            if local.path == expression:
                return self._value_of(local)
        if expression in self.values:
            return self.values[expression]
        for variable in self.globals:
            if variable.path == expression:
                return self._value_of(variable)
        raise TargetError(f"no symbol '{expression}'")

    def _value_of(self, variable: Variable) -> Value:
        data = variable.data
        if variable.address is not None:
            data = self.read(variable.address, variable.type.size)
        return Value(variable.path, variable.type, data, variable.address)

    def find_type(self, name: str) -> Type | None:
        return self.types.get(name)

    def type_names(self, start: str) -> list[str]:
        return [name for name in self.types if name.startswith(start)]

    @property
    def is_go(self) -> bool:
        return self.has_go

    def iter_globals(self) -> Iterator[Variable]:
        return iter(self.globals)

    def has_debug_info(self) -> bool:
        return bool(self.globals)

    def iter_locals(self) -> Iterator[Variable]:
        for (thread, level), found in self.frames.items():
            before = "" if thread is None else f"thread {thread} "
            for one in found:
                yield replace(one, path=f"{before}frame {level}: {one.path}")

    @contextlib.contextmanager
    def frame_selected(
        self, thread: int | None, level: int, behind: bool = False
    ) -> Iterator[None]:
        if (thread, level) not in self.frames:
            raise TargetError(f"no frame {level}")
        before, self._frame = self._frame, (thread, level)
        try:
            yield
        finally:
            self._frame = before

    def describe_address(self, addr: int) -> str | None:
        return self.places.get(addr)

    def function_at(self, addr: int) -> str:
        return self.functions.get(addr, "")

    def describe(self) -> str:
        return "fake process"

    def program(self) -> str:
        return self.program_path

    def process_identity(self) -> str:
        return self.process

    def taken_at(self) -> float | None:
        return self.time
