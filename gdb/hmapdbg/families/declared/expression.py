"""Expressions on the fields of a struct, as a definition has them.

    expression = choice of operators as in C, with C's precedence:
                 ?:  ||  &&  |  ^  &  == !=  < <= > >=  << >>  + -  * / %  and unary - ~ ! *
    operand    = number, field, or an expression in parentheses
    field      = name, then .name, ->name (which mean the same), [NUMBER], or [*]: the sum over all
                 elements of an array

There are no calls, no assignments, no casts and no names but those of fields and the few that stand
for columns. Nothing is evaluated by the debugger or in the target.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Union

from ...compat import dataclass

MAX_LENGTH = 1000  # characters of an expression
MAX_DEPTH = 40  # of brackets and operators in one another
ALL = -1  # the index [*]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*(?![\w])|(?P<name>[A-Za-z_]\w*)|"
    r"(?P<sign>->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%<>&|^~!?:().\[\]]))"
)

# Binary operators, from those that bind least.
LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("|",),
    ("^",),
    ("&",),
    ("==", "!="),
    ("<", "<=", ">", ">="),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
)


class ExpressionError(Exception):
    """What is wrong with an expression, without where it stands."""


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: int


@dataclass(frozen=True, slots=True)
class Name:
    """A field of the struct, or a column."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """A field of what another expression is, or points to."""

    owner: Node
    name: str


@dataclass(frozen=True, slots=True)
class Element:
    """An element of an array, or behind a pointer; ALL: the sum of all."""

    owner: Node
    index: int


@dataclass(frozen=True, slots=True)
class Unary:
    """An operator before its operand; "*" leads to what a pointer points to."""

    sign: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two operands."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Choice:
    """condition ? yes : no."""

    condition: Node
    yes: Node
    no: Node


Node = Union[Number, Name, Member, Element, Unary, Binary, Choice]


def parse(text: str) -> Node:
    """The tree of an expression. ExpressionError.

    >>> parse("1 << B")
    Binary(sign='<<', left=Number(value=1), right=Name(name='B'))
    """
    return _Parser(text).whole()


def parse_path(text: str) -> Node:
    """The tree of a member of a struct, also in structs and arrays in it: "a.b[2]".
    ExpressionError."""
    found = parse(text)
    inner = found
    while isinstance(inner, (Member, Element)):
        if isinstance(inner, Element) and inner.index == ALL:
            break
        inner = inner.owner
    if not isinstance(inner, Name):
        raise ExpressionError(f"'{text}' is no member: write its name, as in 'a' or 'a.b'")
    return found


def children_of(node: Node) -> tuple[Node, ...]:
    """What an expression consists of."""
    if isinstance(node, (Member, Element)):
        return (node.owner,)
    if isinstance(node, Unary):
        return (node.operand,)
    if isinstance(node, Binary):
        return (node.left, node.right)
    return (node.condition, node.yes, node.no) if isinstance(node, Choice) else ()


def names_in(node: Node) -> Iterator[str]:
    """The fields and columns that an expression begins with."""
    if isinstance(node, Name):
        yield node.name
    for one in children_of(node):
        yield from names_in(one)


class _Parser:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise ExpressionError(f"an expression has at most {MAX_LENGTH} characters")
        self._tokens = list(_tokens(text))
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        found = self._choice()
        if self._peek():
            raise self._unexpected()
        return found

    def _choice(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"more than {MAX_DEPTH} brackets in one another")
        found = self._operation(0)
        if self._take("?"):
            yes = self._choice()
            self._expect(":")
            found = Choice(found, yes, self._choice())
        self._depth -= 1
        return found

    def _operation(self, level: int) -> Node:
        if level == len(LEVELS):
            return self._unary()
        found = self._operation(level + 1)
        while self._peek() in LEVELS[level]:
            sign = self._next()
            found = Binary(sign, found, self._operation(level + 1))
        return found

    def _unary(self) -> Node:
        signs = []
        while self._peek() in ("-", "~", "!", "*", "+"):
            signs.append(self._next())
        if len(signs) > MAX_DEPTH:
            raise ExpressionError(f"more than {MAX_DEPTH} operators in one another")
        found = self._postfix()
        for sign in reversed(signs):
            if sign != "+":
                found = Unary(sign, found)
        return found

    def _postfix(self) -> Node:
        found = self._primary()
        steps = 0
        while self._peek() in (".", "->", "[", "("):
            sign = self._next()
            steps += 1
            if sign == "(":
                raise ExpressionError("calls are not possible: only fields, numbers and operators")
            if isinstance(found, Number) or steps > MAX_DEPTH:
                self._at -= 1
                raise self._unexpected()
            if sign == "[":
                index = ALL if self._take("*") else self._index()
                self._expect("]")
                found = Element(found, index)
                continue
            name = self._next()
            if not name.isidentifier():
                self._at -= 1
                raise self._unexpected()
            found = Member(found, name)
        return found

    def _index(self) -> int:
        text = self._next()
        if not text[:1].isdigit():
            raise ExpressionError("an index is a number, or * for the sum of all elements")
        return _number(text)

    def _primary(self) -> Node:
        text = self._next()
        if text == "(":
            found = self._choice()
            self._expect(")")
            return found
        if text[:1].isdigit():
            return Number(_number(text))
        if text.isidentifier():
            return Name(text)
        self._at -= 1
        raise self._unexpected()

    # ---- tokens

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        found = self._peek()
        self._at += 1
        return found

    def _take(self, sign: str) -> bool:
        if self._peek() != sign:
            return False
        self._at += 1
        return True

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._unexpected(f", where '{sign}' should be")

    def _unexpected(self, more: str = "") -> ExpressionError:
        found = self._peek()
        return ExpressionError((f"unexpected '{found}'" if found else "it ends early") + more)


def _number(text: str) -> int:
    found = int(text, 0) if text.lower().startswith("0x") else int(text, 10)
    if found >= 1 << 64:
        raise ExpressionError(f"'{text}' has more than 64 bits")
    return found


def _tokens(text: str) -> Iterator[str]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise ExpressionError(f"unexpected '{text[at:].strip()[:20]}'")
        yield str(found["number"] or found["name"] or found["sign"])
        at = found.end()
