"""Expressions computed: of one struct in the target, and of columns of numbers.

Numbers of one struct are exact. Those of columns have 64 bits, as in C: where an operand is an
unsigned column of 64 bits all is unsigned, else signed; what is shifted by 64 or more is 0, and so
is what is divided by 0.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...target import Field, Kind, MemoryFault, Target, Type
from .expression import (
    ALL,
    Binary,
    Choice,
    Element,
    ExpressionError,
    Member,
    Name,
    Node,
    Number,
    Unary,
)

WORD = 1 << 64
MOST_ELEMENTS = 1 << 16  # that [*] adds up

NUMBERS = (Kind.INTEGER, Kind.ENUM, Kind.BOOLEAN, Kind.POINTER)

# A number, or a column of them (n,), of 64 bits.
Numbers = Union[int, NDArray[Any]]


class Unreadable(ExpressionError):
    """A field cannot be read; `address`: where it is."""

    def __init__(self, text: str, address: int) -> None:
        super().__init__(text)
        self.address = address


@dataclass(frozen=True, slots=True)
class Place:
    """A field: in memory, or a number computed of others. `bits`: of a bit field, its bit offset
    and size."""

    type: Type | None  # None: a number without a type of the program
    address: int | None
    number: int = 0
    bits: tuple[int, int] | None = None


class Struct:
    """The fields of a struct at an address. `columns`: names that mean columns."""

    def __init__(self, target: Target, found: Type, address: int) -> None:
        self.target = target
        self.type = found
        self.address = address

    def number(self, node: Node) -> int:
        """The value of an expression. ExpressionError, of which Unreadable."""
        return sum(self._value(one) for one in self._places(node))

    def place(self, node: Node) -> Place:
        """The field that an expression is, or its value. ExpressionError."""
        found = self._places(node)
        if len(found) != 1:
            raise ExpressionError("a sum is no place in memory")
        return found[0]

    def address_of(self, node: Node) -> int | None:
        """Where a field is, of a sum the first; None: nowhere. ExpressionError."""
        found = self._places(node)
        return found[0].address if found else None

    def pointer(self, node: Node) -> tuple[int, Type | None]:
        """Where a pointer leads, or an array is, and the type of what is there, None where that is
        unknown. ExpressionError."""
        found = self.place(node)
        if found.type is not None and found.type.kind is Kind.ARRAY and found.address is not None:
            return found.address, found.type.target
        pointee = None
        if found.type is not None and found.type.kind is Kind.POINTER and found.type.resolve:
            pointee = found.type.target
        return self._value(found), pointee

    def _places(self, node: Node) -> list[Place]:
        """One, or after [*] many."""
        if isinstance(node, Name):
            return [_member(Place(self.type, self.address), node.name)]
        if isinstance(node, Member):
            owners = self._places(node.owner)
            return [_member(self._followed(one), node.name) for one in owners]
        if isinstance(node, Element):
            return [
                one for owner in self._places(node.owner) for one in self._elements(owner, node)
            ]
        if isinstance(node, Unary) and node.sign == "*":
            return [self._pointee(one) for one in self._places(node.operand)]
        if isinstance(node, Choice):
            return self._places(node.yes if self.number(node.condition) else node.no)
        if isinstance(node, Number):
            return [Place(None, None, node.value)]
        if isinstance(node, Unary):
            return [Place(None, None, _unary_of_one(node.sign, self.number(node.operand)))]
        left = self.number(node.left)
        if node.sign in ("&&", "||") and bool(left) is (node.sign == "||"):
            return [Place(None, None, int(bool(left)))]
        return [Place(None, None, _binary_of_two(node.sign, left, self.number(node.right)))]

    def _elements(self, owner: Place, node: Element) -> list[Place]:
        found = owner.type
        if found is None or found.kind not in (Kind.ARRAY, Kind.POINTER) or found.resolve is None:
            raise ExpressionError(f"'{_name(found)}' has no elements")
        element = found.target
        if found.kind is Kind.POINTER:
            if node.index == ALL:
                raise ExpressionError(f"'{found.name}' is a pointer: how many it leads to is open")
            return [Place(element, self._value(owner) + node.index * element.size)]
        if node.index >= found.count:
            raise ExpressionError(f"'{found.name}' has no element {node.index}")
        if found.count > MOST_ELEMENTS and node.index == ALL:
            raise ExpressionError(f"'{found.name}' has more than {MOST_ELEMENTS:,} elements")
        assert owner.address is not None  # arrays are in memory
        chosen = range(found.count) if node.index == ALL else (node.index,)
        return [Place(element, owner.address + at * element.size) for at in chosen]

    def _followed(self, owner: Place) -> Place:
        """What has the members: pointers are followed."""
        for _ in range(4):
            if owner.type is None or owner.type.kind is not Kind.POINTER:
                break
            owner = self._pointee(owner)
        return owner

    def _pointee(self, pointer: Place) -> Place:
        if pointer.type is None or pointer.type.kind is not Kind.POINTER:
            raise ExpressionError(f"'{_name(pointer.type)}' is no pointer")
        if pointer.type.resolve is None:
            raise ExpressionError(f"'{pointer.type.name}' points to nothing that is known")
        return Place(pointer.type.target, self._value(pointer))

    def _value(self, place: Place) -> int:
        if place.address is None:
            return place.number
        found = place.type
        assert found is not None  # what is in memory has a type
        if found.kind not in NUMBERS or found.size not in (1, 2, 4, 8):
            raise ExpressionError(f"'{found.name}' is no number")
        try:
            raw = self.target.read_uint(place.address, found.size)
        except MemoryFault as fault:
            raise Unreadable(str(fault), place.address) from None
        size = found.size * 8
        if place.bits is not None:
            offset, bits = place.bits
            if self.target.byte_order == "big":
                offset = size - offset - bits
            size = bits
            raw = raw >> offset & (1 << size) - 1
        if found.signed and raw >> (size - 1):
            raw -= 1 << size
        return raw


def _name(found: Type | None) -> str:
    return "a number" if found is None else found.name


def find_member(owner: Type, name: str) -> Field:
    """The member of a struct. ExpressionError."""
    found = owner.find(name) if owner.kind in (Kind.STRUCT, Kind.UNION) else None
    if found is None:
        if owner.kind not in (Kind.STRUCT, Kind.UNION):
            raise ExpressionError(f"'{owner.name}' is no struct, and has no field '{name}'")
        known = [one.name for one in owner.iter_fields() if one.name]
        if not known:
            raise ExpressionError(
                f"the fields of '{owner.name}' are not known: build it with -g, or name it to "
                "'hmap-layout --also'"
            )
        more = ", …" if len(known) > 12 else ""
        fields = ", ".join(known[:12])
        raise ExpressionError(f"'{owner.name}' has no field '{name}': it has {fields}{more}")
    return found


def _member(owner: Place, name: str) -> Place:
    if owner.type is None:
        raise ExpressionError(f"a number has no field '{name}'")
    found = find_member(owner.type, name)
    assert owner.address is not None  # structs are in memory
    at = owner.address + found.offset
    bits = None
    if found.bit_size:
        # Counted from the lowest bit, or from the highest; see target.Field.
        start = found.bit_offset // 8 // found.type.size * found.type.size
        at = owner.address + start
        bits = found.bit_offset - 8 * start, found.bit_size
    return Place(found.type, at, bits=bits)


# ---- members of a struct, of which there are many


@dataclass(frozen=True, slots=True)
class Spot:
    """A member of a struct: where it is in it, in bytes."""

    offset: int
    type: Type


def spot_of(owner: Type, path: Node) -> Spot:
    """A member, also in structs and arrays in the struct. ExpressionError."""
    if isinstance(path, Name):
        found = find_member(owner, path.name)
        return _whole(found, found.offset)
    if isinstance(path, Member):
        outer = spot_of(owner, path.owner)
        if outer.type.kind is Kind.POINTER:
            raise ExpressionError(
                f"'{outer.type.name}' is a pointer: only what is in the struct itself can be a "
                "member of all"
            )
        found = find_member(outer.type, path.name)
        return _whole(found, outer.offset + found.offset)
    assert isinstance(path, Element)  # parse_path lets nothing else through
    outer = spot_of(owner, path.owner)
    if outer.type.kind is not Kind.ARRAY or path.index >= outer.type.count:
        raise ExpressionError(f"'{outer.type.name}' has no element {path.index}")
    return Spot(outer.offset + path.index * outer.type.target.size, outer.type.target)


def _whole(found: Field, offset: int) -> Spot:
    if found.bit_size:
        raise ExpressionError(f"'{found.name}' is a bit field")
    return Spot(offset, found.type)


# ---- operators


def compute(node: Node, columns: Mapping[str, Numbers], struct: Struct) -> Numbers:
    """An expression of columns, by name (n,), and of the fields of a struct. ExpressionError."""
    if isinstance(node, Name) and node.name in columns:
        return columns[node.name]
    if isinstance(node, Unary) and node.sign != "*":
        return _unary(node.sign, compute(node.operand, columns, struct))
    if isinstance(node, Binary):
        left = compute(node.left, columns, struct)
        return _binary(node.sign, left, compute(node.right, columns, struct))
    if isinstance(node, Choice):
        condition = compute(node.condition, columns, struct)
        yes = compute(node.yes, columns, struct)
        no = compute(node.no, columns, struct)
        if isinstance(condition, int):
            return yes if condition else no
        one, other = _alike(yes, no)
        return np.where(condition != 0, one, other)
    return struct.number(node)


def _unary(sign: str, operand: Numbers) -> Numbers:
    if isinstance(operand, int):
        return _unary_of_one(sign, operand)
    if sign == "!":
        return np.asarray(operand == 0).astype(np.int64)
    inverted = np.asarray(~operand)
    return inverted if sign == "~" else np.asarray(inverted + operand.dtype.type(1))


def _unary_of_one(sign: str, operand: int) -> int:
    if sign == "!":
        return int(not operand)
    return ~operand if sign == "~" else -operand


_PLAIN: Mapping[str, Callable[[Any, Any], Any]] = {
    "|": operator.or_,
    "^": operator.xor,
    "&": operator.and_,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}
_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "&&": lambda left, right: (left != 0) & (right != 0),
    "||": lambda left, right: (left != 0) | (right != 0),
}


def _binary(sign: str, left: Numbers, right: Numbers) -> Numbers:
    if isinstance(left, int) and isinstance(right, int):
        return _binary_of_two(sign, left, right)
    one, other = _alike(left, right)
    if sign in _COMPARED:
        return np.asarray(_COMPARED[sign](one, other)).astype(np.int64)
    with np.errstate(all="ignore"):
        if sign in _PLAIN:
            return np.asarray(_PLAIN[sign](one, other))
        if sign in ("<<", ">>"):
            shift = other.astype(np.uint64)
            wide = shift >= 64
            by = np.where(wide, np.uint64(0), shift).astype(one.dtype)
            moved = one << by if sign == "<<" else one >> by
            return np.where(wide, one.dtype.type(0), moved)
        zero = other == 0
        divisor = np.where(zero, other.dtype.type(1), other)
        # As in C: towards zero.
        quotient = np.sign(one) * np.sign(divisor) * (abs(one) // abs(divisor))
        if one.dtype == np.uint64:
            quotient = one // divisor
        result = quotient if sign == "/" else one - quotient * divisor
        return np.where(zero, one.dtype.type(0), result)


def _binary_of_two(sign: str, left: int, right: int) -> int:
    if sign in _COMPARED:
        return int(_COMPARED[sign](left, right))
    if sign in _PLAIN:
        return int(_PLAIN[sign](left, right))
    if sign in ("<<", ">>"):
        if not 0 <= right < 64:
            raise ExpressionError(f"a shift by {right:,}")
        return left << right if sign == "<<" else left >> right
    if right == 0:
        raise ExpressionError("a division by 0")
    quotient = abs(left) // abs(right)
    quotient = quotient if (left < 0) == (right < 0) else -quotient
    return quotient if sign == "/" else left - quotient * right


def _alike(left: Numbers, right: Numbers) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both operands as arrays of one type."""
    both = left, right
    is_unsigned = any(not isinstance(one, int) and one.dtype == np.uint64 for one in both)
    kind = np.uint64 if is_unsigned else np.int64
    one, other = (
        np.asarray(each % WORD, np.uint64) if isinstance(each, int) else each for each in both
    )
    return one.astype(kind, copy=False), other.astype(kind, copy=False)


def column_of(numbers: NDArray[Any]) -> NDArray[Any]:
    """A column of integers of any size as one of 64 bits: unsigned only where it must be."""
    return numbers.astype(np.uint64 if numbers.dtype == np.uint64 else np.int64, copy=False)
