"""gdb's own values as neutral ones, and back.

Apart from the other modules of the gdb target, only code that exchanges gdb.Values with gdb uses
this: convenience functions and printers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import gdb

from .gdb_errors import explained, unreadable
from .gdb_session import no_calls
from .gdb_types import GdbTypes
from .memory import Memory, MemoryFault
from .protocol import TargetError, Value
from .types import Kind, Type


def referred(value: gdb.Value) -> gdb.Value:
    """What a reference of C++ refers to; any other value as it is."""
    if value.type.strip_typedefs().code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        return value.referenced_value()
    return value


class GdbValues:
    """Values and types of one target."""

    def __init__(self, memory: Memory, types: GdbTypes) -> None:
        self._memory = memory
        self._types = types

    @property
    def pointer_size(self) -> int:
        """Bytes of a pointer."""
        return self._memory.pointer_size

    def type_of(self, found: gdb.Type) -> Type:
        """A gdb type as a neutral one, typedefs and qualifiers stripped; an incomplete struct is
        completed from another compilation unit if possible."""
        return self._types.neutral(found)

    def neutral(self, value: gdb.Value, text: str) -> Value:
        """A value that gdb passes to a function or printer; `text` names it in errors.
        TargetError."""
        try:
            with no_calls():
                return self.evaluated(text, value)
        except gdb.error as error:
            raise explained(text, error) from None

    def evaluated(self, expression: str, value: gdb.Value) -> Value:
        """The result of an expression in gdb. TargetError, gdb.error; call it with `no_calls`."""
        value = referred(value)
        memory, neutral = self._memory, self._types.neutral(value.type)
        address = None if value.address is None else int(value.address)
        if neutral.kind in (Kind.POINTER, Kind.INTEGER, Kind.ENUM, Kind.BOOLEAN):
            # gdb takes zeros, or what the program began with, where a core holds nothing.
            if address is not None and not memory.is_readable(address, neutral.size):
                raise unreadable(expression, str(MemoryFault(address, neutral.size)))
            data = self.integer_bytes(value, neutral.size)
            return Value(expression, neutral, data, address)
        if address is None and neutral.kind is Kind.ARRAY and neutral.target.size == 1:
            # A string literal exists only in gdb.
            letters = bytes(int(value[i]) & 0xFF for i in range(neutral.count))
            return Value(expression, neutral, letters)
        if address is None:
            raise TargetError(
                f"value of '{expression}' is not in memory: name the variable that holds it"
            )
        try:
            return Value(expression, neutral, memory.read(address, neutral.size), address)
        except MemoryFault as fault:
            raise unreadable(expression, str(fault)) from None

    def integer_bytes(self, value: gdb.Value, size: int) -> bytes:
        """A number or pointer as `size` bytes of memory."""
        number = int(value) & ((1 << (8 * size)) - 1)
        return number.to_bytes(size, self._memory.byte_order)

    def literal_text(self, value: gdb.Value) -> str | None:
        """The text of a string literal, which exists only in gdb; None for any other value."""
        found = value.type.strip_typedefs()
        if found.code != gdb.TYPE_CODE_ARRAY or found.target().strip_typedefs().sizeof != 1:
            return None
        with no_calls():
            return value.string() if value.address is None else None

    def gdb_value(self, address: int, neutral: Type, data: bytes = b"") -> gdb.Value:
        """The value of a type that this target described, at an address; for gdb's own printing.
        Address 0: it is nowhere as a whole, and these are its bytes."""
        original = self._types.original(neutral)
        if original is None and neutral.kind is Kind.ARRAY and neutral.count:
            element = self._types.original(neutral.target)
            original = None if element is None else element.array(neutral.count - 1)
        if original is None:  # bytes, which are not in gdb's debug info
            byte = gdb.selected_inferior().architecture().integer_type(8, False)
            original = byte.array(max(neutral.size, 1) - 1)
        if not address and data:
            make = cast("Callable[[bytes, gdb.Type], gdb.Value]", gdb.Value)  # the stubs lack it
            return make(data, original)
        return gdb.Value(address).cast(original.pointer()).dereference()
