"""One map that is being opened: its struct, read as its definition says."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from ...layout import Member, StructLayout
from ...target import Kind, Target, TargetError, Type, Value
from ...target.types import pointer_to
from ..reading import cannot_read, unsound
from .definition import Definition, Expression, Text
from .evaluation import Numbers, Struct, Unreadable, compute, find_member
from .expression import ExpressionError, names_in

MAX_NAME = 256  # bytes of a map's own name


class Subject:
    """A map at an address, of the type that its definition recognises."""

    def __init__(
        self, target: Target, definition: Definition, value: Value, found: Type, address: int
    ) -> None:
        self.target = target
        self.definition = definition
        self.value = value
        self.type = found
        self.address = address
        self.struct = Struct(target, found, address)

    # ---- expressions

    @contextlib.contextmanager
    def judging(self, expression: Expression) -> Iterator[None]:
        """What is wrong with an expression is said with its place in the file; of memory that
        cannot be read, with its address."""
        try:
            yield
        except Unreadable as fault:
            raise cannot_read(
                self.target, f"'{expression.text}'", self.value.expression, fault.address
            ) from None
        except ExpressionError as error:
            raise expression.where.error(f"'{expression.text}': {error}") from None

    def number(self, expression: Expression, given: Mapping[str, int] | None = None) -> int:
        """The value of an expression; `given`: names beside the fields. DefinitionError,
        TargetError."""
        with self.judging(expression):
            found = self.compute(expression, given or {})
        assert isinstance(found, int)
        return found

    def optional(self, expression: Expression | None, default: int = 0) -> int:
        """... or a default."""
        return default if expression is None else self.number(expression)

    def compute(self, expression: Expression, columns: Mapping[str, Numbers]) -> Numbers:
        """An expression on columns, by name. DefinitionError, TargetError."""
        with self.judging(expression):
            return compute(expression.node, columns, self.struct)

    def pointer(self, expression: Expression) -> tuple[int, Type | None]:
        """Where an array is, and the type of its elements, if that is known."""
        with self.judging(expression):
            return self.struct.pointer(expression.node)

    def address_of(self, expression: Expression | None, default: int) -> int:
        """Where a field is, for messages; the map's own address if an expression is no field."""
        if expression is None:
            return default
        with contextlib.suppress(ExpressionError):
            address = self.struct.address_of(expression.node)
            if address is not None:
                return address
        for name in names_in(expression.node):
            with contextlib.suppress(ExpressionError):
                return self.address + find_member(self.type, name).offset
        return default

    # ---- types

    def type_named(self, named: Text) -> Type:
        """A type of the program. DefinitionError."""
        name = named.text
        bare = name.rstrip("* ")
        found = None
        for spelled in (name, f"struct {name}") if bare == name else (bare, f"struct {bare}"):
            found = self.target.lookup_type(spelled)
            if found is not None:
                break
        stars = len(name[len(bare) :].replace(" ", ""))
        if found is None and not stars:
            found = BASIC.get(name)
        if found is None and name in BASIC:
            found = BASIC[name]
        if found is None or (found.kind is Kind.STRUCT and not found.fields):
            raise named.where.error(
                f"no type '{bare}' in the program: build with -g, or name it to "
                "'hmap-layout --also'"
            )
        for _ in range(stars):
            found = pointer_to(found, self.target.pointer_size)
        return found

    def item_type(self, named: Text | None, known: Type | None, expression: Expression) -> Type:
        """The type of an array's elements. DefinitionError."""
        if named is not None:
            return self.type_named(named)
        if known is None or known.kind is Kind.OTHER:
            raise expression.where.error(
                f"'{expression.text}' leads to elements of an unknown type: say it by 'type'"
            )
        return known

    # ---- what else a map has

    def own_name(self, expression: Expression) -> str:
        """A text of the map: a char array, or what a char * leads to."""
        with self.judging(expression):
            place = self.struct.place(expression.node)
        found = place.type
        if found is None or found.kind not in (Kind.ARRAY, Kind.POINTER):
            raise expression.where.error(f"'{expression.text}' is no text")
        size = found.size if found.kind is Kind.ARRAY else MAX_NAME
        at = place.address if found.kind is Kind.ARRAY else self.number(expression)
        if not at:
            return ""
        data = b""
        for length in (min(size, MAX_NAME), 64, 16, 1):
            if self.target.is_readable(at, length):
                data = self.target.read(at, length)
                break
        return data.split(b"\0")[0].decode("utf-8", "replace")

    def layouts(self, types: Mapping[str, Type]) -> list[StructLayout]:
        """The structs that reading the map relies on, each once."""
        out: list[StructLayout] = []
        for found in (self.type, *types.values()):
            if found.kind is not Kind.STRUCT or any(one.name == found.name for one in out):
                continue
            members = [
                Member(one.name, one.offset, one.type.size, one.type, found.source)
                for one in found.iter_fields()
            ]
            out.append(StructLayout(found.name, found.size, tuple(members)))
        return out

    def unsound(self, why: str) -> TargetError:
        """The error for a map that is not valid."""
        return unsound(self.value.expression, why)

    def require(self, what: str, address: int, size: int) -> None:
        """TargetError if an array cannot be read, at its beginning or end."""
        for at in (address, address + max(size, 1) - 1):
            if not address or not self.target.is_readable(at, 1):
                raise cannot_read(self.target, f"the {what}", self.value.expression, at)


BASIC: Mapping[str, Type] = {
    "char": Type(Kind.INTEGER, "char", 1, signed=True, character=True),
    **{f"uint{8 * size}_t": Type(Kind.INTEGER, f"uint{8 * size}_t", size) for size in (1, 2, 4, 8)},
    **{
        f"int{8 * size}_t": Type(Kind.INTEGER, f"int{8 * size}_t", size, signed=True)
        for size in (1, 2, 4, 8)
    },
}
