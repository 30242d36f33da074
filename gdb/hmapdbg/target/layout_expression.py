"""Expressions that need only a layout file, for programs without debug info.

Variables by name (also Go's main.sessions and C++'s ns::table), casts of numbers and pointers,
fields by `.` and `->`, elements by [N], `*` and `&`. With debug info, the debugger's own parser
does the rest.
"""

from __future__ import annotations

import re
from typing import Protocol

from ..compat import dataclass
from .memory import Memory, MemoryFault
from .protocol import TargetError, Value
from .spelling import closing_at
from .types import Kind, Type, pointer_to

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|\d+")
_REGISTER = re.compile(r"\$\w+")
_FIELD = re.compile(r"[A-Za-z_]\w*")
_QUOTED = re.compile(r"'((?:\\.|[^'\\])*)'")
# What may be a name; looking it up shows how much of it is one.
_NAME = re.compile(r"(?:\(anonymous namespace\)::)?[A-Za-z_][\w.$/~:<>,()\[\]{}*& -]*")
_STARS = re.compile(r"(?P<base>.*?)(?P<stars>(?:\s*(?:\*|const\b|volatile\b))*)\s*\Z", re.DOTALL)
_PLAIN = re.compile(r'"(?:\\.|[^"\\])*"|0[xX][0-9a-fA-F]+|\$\w+')
_POINTER = re.compile(r"\s*(\w[^*]*?)\s*\*[*\s]*")  # what can only be a pointer type
MAX_DEPTH = 100  # of brackets and operators


class Names(Protocol):
    """Names that are known."""

    def variable(self, name: str) -> tuple[int, Type] | None:
        """A variable's address in the running program, and its type."""

    def constant(self, name: str) -> tuple[int, Type] | None:
        """A constant and its type."""

    def type(self, name: str) -> Type | None:
        """A type."""

    def register(self, name: str) -> int | None:
        """A register or a convenience variable, "$rdi"."""


class Unknown(TargetError):
    """The expression has an unknown name, or needs more than a layout file."""


@dataclass(frozen=True, slots=True)
class _Place:
    """An intermediate value: in memory, or computed."""

    type: Type
    address: int | None
    number: int = 0  # if it is not in memory


def has_name(expression: str) -> bool:
    """Whether it has more than numbers, strings and registers, which need no layout file."""
    return bool(re.search(r"[A-Za-z_]", _PLAIN.sub("", expression)))


def evaluate(expression: str, names: Names, memory: Memory) -> Value:
    """The value of an expression. Unknown; TargetError if memory cannot be read."""
    parser = _Parser(expression, names, memory)
    found = parser.whole()
    if found.type.kind is Kind.POINTER and found.type.name.endswith("&"):
        found = parser.pointee(found)
    return Value(expression, found.type, parser.bytes_of(found), found.address)


class _Parser:
    def __init__(self, expression: str, names: Names, memory: Memory) -> None:
        self.expression = expression
        self.names = names
        self.memory = memory
        self.rest = expression.strip()
        self.depth = 0

    def whole(self) -> _Place:
        found = self.unary()
        if self.rest:
            raise self.unclear()
        return found

    # ---- the grammar

    def unary(self) -> _Place:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.unclear()
        if self.take("*"):
            return self.pointee(self.unary())
        if self.take("&"):
            found = self.unary()
            if found.address is None:
                raise Unknown(f"'{self.expression}' takes the address of a computed value")
            pointer = pointer_to(found.type, self.memory.pointer_size)
            return _Place(pointer, None, found.address)
        cast = self.cast()
        return cast if cast is not None else self.postfix()

    def cast(self) -> _Place | None:
        """A cast to a pointer; None if the bracket holds no type."""
        end = _closing(self.rest)
        found = self.type_of(self.rest[1:end]) if end else None
        if found is None:
            unknown = _POINTER.fullmatch(self.rest[1:end]) if end else None
            if unknown:
                raise Unknown(f"no type '{unknown.group(1)}' in the program or its layout file")
            return None
        self.rest = self.rest[end + 1 :].lstrip()
        if found.kind is not Kind.POINTER:
            raise Unknown(f"cannot cast to '{found.name}' without debug info: cast to a pointer")
        operand = self.unary()
        return _Place(found, None, self.number_of(operand))

    def type_of(self, text: str) -> Type | None:
        """A type's name, with stars after it."""
        found = self.names.type(text.strip())
        if found is not None:
            return found
        parts = _STARS.match(text)
        assert parts is not None  # it matches any text
        base = re.sub(r"^\s*(?:(?:const|volatile)\s+)*", "", parts["base"]).strip()
        found = self.names.type(base) if base else None
        if found is None:
            return None
        for _ in range(parts["stars"].count("*")):
            found = pointer_to(found, self.memory.pointer_size)
        return found

    def postfix(self) -> _Place:
        found = self.primary()
        while True:
            if self.take("->") or self.take("."):
                found = self.field(found)
            elif self.take("["):
                found = self.element(found)
            else:
                return found

    def primary(self) -> _Place:
        integer = Type(Kind.INTEGER, "long", 8, signed=True)
        number = _NUMBER.match(self.rest)
        if number:
            self.skip(number.end())
            return _Place(integer, None, int(number.group(), 0))
        register = _REGISTER.match(self.rest)
        if register:
            value = self.names.register(register.group())
            if value is None:
                raise Unknown(f"'{register.group()}' has no value here")
            self.skip(register.end())
            return _Place(integer, None, value)
        quoted = _QUOTED.match(self.rest)
        if quoted:
            found = self.named(quoted.group(1))
            if found is None:
                raise self.missing(quoted.group(1))
            self.skip(quoted.end())
            return found
        name = _NAME.match(self.rest)
        if name:
            return self.longest_name(name.group())
        if self.take("("):
            found = self.unary()
            if not self.take(")"):
                raise self.unclear()
            return found
        raise self.unclear()

    def longest_name(self, text: str) -> _Place:
        """The longest known part of the text: in 'a.b.c' the dots may belong to a package's name,
        or lead to fields."""
        ends = [found.start() for found in re.finditer(r"(?<=[\w>)\]}])(?!\w)", text)]
        for end in reversed(ends or [len(text)]):
            found = self.named(text[:end])
            if found is not None:
                self.skip(end)
                return found
        first = re.match(r"[\w.$/~:]*\w", text)
        raise self.missing(first.group() if first else text)

    def named(self, name: str) -> _Place | None:
        variable = self.names.variable(name)
        if variable is not None:
            return _Place(variable[1], variable[0])
        constant = self.names.constant(name)
        return None if constant is None else _Place(constant[1], None, constant[0])

    # ---- steps

    def field(self, owner: _Place) -> _Place:
        while owner.type.kind is Kind.POINTER:
            owner = self.pointee(owner)
        name = _FIELD.match(self.rest)
        member = owner.type.find(name.group()) if name else None
        if name is None:
            raise self.unclear()
        if member is None:
            if not owner.type.fields:
                raise Unknown(f"the layout file has no fields of '{owner.type.name}'")
            raise Unknown(f"'{owner.type.name}' has no field '{name.group()}'")
        if owner.address is None or member.bit_size:
            raise self.unclear()
        self.skip(name.end())
        return _Place(member.type, owner.address + member.offset)

    def element(self, owner: _Place) -> _Place:
        number = _NUMBER.match(self.rest)
        if number is None:
            raise self.unclear()
        self.skip(number.end())
        if not self.take("]") or owner.type.kind not in (Kind.POINTER, Kind.ARRAY):
            raise self.unclear()
        index, inner = int(number.group(), 0), owner.type.target
        if owner.type.kind is Kind.ARRAY and owner.address is not None:
            return _Place(inner, owner.address + index * inner.size)
        return _Place(inner, self.number_of(owner) + index * inner.size)

    def pointee(self, pointer: _Place) -> _Place:
        if pointer.type.kind is not Kind.POINTER:
            raise Unknown(f"'{self.expression}' dereferences a non-pointer: '{pointer.type.name}'")
        return _Place(pointer.type.target, self.number_of(pointer))

    def number_of(self, found: _Place) -> int:
        if found.address is None:
            return found.number
        return int.from_bytes(self.bytes_of(found), self.memory.byte_order)

    def bytes_of(self, found: _Place) -> bytes:
        if found.address is None:
            mask = (1 << (8 * found.type.size)) - 1
            return (found.number & mask).to_bytes(found.type.size, self.memory.byte_order)
        try:
            return self.memory.read(found.address, found.type.size)
        except MemoryFault as fault:
            raise TargetError(
                f"cannot read '{self.expression}': {fault}: "
                "the pointer is wild, or the core does not hold that memory"
            ) from None

    # ---- tokens

    def take(self, sign: str) -> bool:
        if not self.rest.startswith(sign):
            return False
        self.skip(len(sign))
        return True

    def skip(self, length: int) -> None:
        self.rest = self.rest[length:].lstrip()

    def missing(self, name: str) -> Unknown:
        return Unknown(
            f"no symbol '{name}' in the program or its layout file: check the name, or give the "
            "map's address: --type TYPE ADDRESS"
        )

    def unclear(self) -> Unknown:
        at = f"at '{self.rest}'" if self.rest else "at its end"
        return Unknown(
            f"cannot evaluate '{self.expression}' {at} without debug info: a layout file allows "
            "variables, fields, [N], *, & and casts to pointers"
        )


def _closing(text: str) -> int:
    """Where the bracket that begins a text is closed; 0: it begins with none."""
    if not text.startswith("(") or text.startswith("(anonymous namespace)"):
        return 0
    return max(closing_at(text, 0), 0)
