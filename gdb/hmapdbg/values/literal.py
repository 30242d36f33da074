r"""Literals of C, C++, Go and Rust that users type for a key: numbers, characters, strings, names,
and lists of them in braces, with or without field names, and Rust's tuples and variants. Of a long
string, dots may stand for a part.

    >>> parse('{x = 1, y = -0x10}')
    Braces(items=(('x', Number(text='1')), ('y', Number(text='-0x10'))))
    >>> parse('{"a\n", 3}')
    Braces(items=(('', Text(content=b'a\n')), ('', Number(text='3'))))
    >>> parse('"beginning"..."end"')
    Ends(start=b'beginning', end=b'end')
    >>> parse('a + 1') is None
    True

Nothing is evaluated. The type of the keys decides what a literal means (pattern.py).
"""

from __future__ import annotations

import re
from typing import Union

from ..compat import dataclass

MAX_DEPTH = 40  # of nested braces
CLOSING = {"{": "}", "(": ")"}


@dataclass(frozen=True)
class Number:
    """An integer or a floating-point number."""

    text: str

    def integer(self) -> int | None:
        """Its value; None if it is not an integer. A leading 0 is octal, as in C and Go."""
        text = self.text.replace("_", "").rstrip("uUlL")
        sign, digits = ("-", text[1:]) if text[:1] in "+-" and text[0] == "-" else ("", text)
        digits = digits.lstrip("+")
        try:
            if re.fullmatch(r"0[0-7]+", digits):
                return int(sign + digits, 8)
            return int(sign + digits, 0)
        except ValueError:
            return None

    def floating(self) -> float | None:
        """Its value; None if it is not a number."""
        number = self.integer()
        if number is not None:
            return float(number)
        try:
            if "x" in self.text.lower():
                return float.fromhex(self.text)
            is_word = "n" in self.text  # inf, nan
            return float(self.text if is_word else self.text.rstrip("fFlL"))
        except ValueError:
            return None


@dataclass(frozen=True)
class Character:
    """A character, as its code."""

    code: int


@dataclass(frozen=True)
class Text:
    """A string, as its bytes."""

    content: bytes


@dataclass(frozen=True)
class Ends:
    """A string by the bytes that it begins and ends with; it has more between them."""

    start: bytes
    end: bytes


@dataclass(frozen=True)
class Name:
    """A word: an enumerator, true, nan, nil."""

    text: str


@dataclass(frozen=True)
class Braces:
    """Values in braces, each with its field name, which may be empty."""

    items: tuple[tuple[str, Literal], ...]


@dataclass(frozen=True)
class Tagged:
    """A name with values behind it: Some(5), Rect {width = 1, height = 2}."""

    name: str
    values: Braces


Literal = Union[Number, Character, Text, Ends, Name, Braces, Tagged]

_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]+(?:\.[0-9a-fA-F]*)?(?:[pP][+-]?\d+)?|0[oO][0-7_]+|0[bB][01_]+"
    r"|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[uUlLfF]*(?![\w.])"
)
_INFINITE = re.compile(r"[+-]?(?:inf|nan|infinity)(?!\w)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][\w.:]*")
# An array of bytes, as in the entries CSV.
_BYTES = re.compile(r"(?:[0-9a-fA-F]{2})+(?!\w)")
_TEXT = re.compile(r'(?:u8|[LuU])?"((?:[^"\\]|\\.)*)"', re.DOTALL)
_LEFT_OUT = re.compile(r"\s*\.\.\.\s*")
_RAW = re.compile(r"`([^`]*)`", re.DOTALL)
_CHARACTER = re.compile(r"(?:[LuU])?'((?:[^'\\]|\\.)[^']*)'", re.DOTALL)
_FIELD = re.compile(r"\.?([A-Za-z_]\w*)\s*[=:](?![=:])\s*")
_ESCAPE = re.compile(
    rb"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|.)", re.DOTALL
)
_LETTERS = {
    b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v",
    b"e": b"\x1b",
}  # fmt: skip


def parse(text: str, tagged: bool = False) -> Literal | None:
    """Parses a whole text; None if it is not a literal. `tagged`: names may have values behind
    them, which otherwise are calls of functions."""
    parser = _Parser(text, tagged)
    found = parser.value(0)
    return found if found is not None and parser.at_end() else None


def unescaped(text: str) -> bytes:
    r"""The bytes of a string literal without its quotes.

    >>> unescaped(r'a\x41\101\n')
    b'aAA\n'
    """

    def replace(found: re.Match[bytes]) -> bytes:
        letter = found.group(1)
        if letter[:1] in b"xuU" and len(letter) > 1:
            code = int(letter[1:], 16)
            return bytes([code]) if letter[:1] == b"x" else chr(code).encode("utf-8", "replace")
        if letter[:1] in b"01234567":
            return bytes([int(letter, 8) & 0xFF])
        return _LETTERS.get(letter, letter)

    return _ESCAPE.sub(replace, text.encode("utf-8", "surrogateescape"))


class _Parser:
    def __init__(self, text: str, tagged: bool) -> None:
        self._text = text
        self._tagged = tagged
        self._at = 0

    def at_end(self) -> bool:
        self._skip()
        return self._at == len(self._text)

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        assert found is not None  # it matches the empty string too
        self._at = found.end()

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return found

    def value(self, depth: int) -> Literal | None:
        """The literal at this point; None if there is none."""
        self._skip()
        if self._text.startswith(("{", "("), self._at):
            return None if depth > MAX_DEPTH else self._values(depth)
        found = self._take(_INFINITE)
        if found is not None:
            return Number(found.group().lower())
        found = self._take(_NUMBER)
        if found is not None:
            number = Number(found.group())
            return self._shown_character(number)
        found = self._take(_TEXT)
        if found is not None:
            return self._string(found)
        found = self._take(_RAW)
        if found is not None:
            return Text(found.group(1).encode("utf-8", "surrogateescape"))
        found = self._take(_CHARACTER)
        if found is not None:
            return _character(found.group(1))
        found = self._take(_NAME) or self._take(_BYTES)
        return None if found is None else self._name(found.group(), depth)

    def _name(self, name: str, depth: int) -> Literal | None:
        """A name, with the values that may follow it."""
        follows = re.match(r"\(| ?\{", self._text[self._at : self._at + 2])
        if not self._tagged or follows is None:
            return Name(name)
        self._skip()
        values = None if depth > MAX_DEPTH else self._braces(depth, CLOSING[self._text[self._at]])
        return None if values is None else Tagged(name, values)

    def _values(self, depth: int) -> Braces | None:
        """Values in braces, or in parentheses, where one alone is an expression."""
        closing = CLOSING[self._text[self._at]]
        found = self._braces(depth, closing)
        is_tuple = found is not None and len(found.items) != 1
        return found if closing == "}" or is_tuple else None

    def _string(self, start: re.Match[str]) -> Literal:
        """A string that begins so, with what may follow it: dots, and its end."""
        if self._take(_LEFT_OUT) is None:
            return Text(unescaped(start.group(1)))
        end = self._take(_TEXT)
        return Ends(unescaped(start.group(1)), b"" if end is None else unescaped(end.group(1)))

    def _shown_character(self, number: Number) -> Literal:
        """gdb prints a char as its code, followed by the character, which is skipped."""
        before = self._at
        self._skip()
        if self._take(_CHARACTER) is None:
            self._at = before
        return number

    def _braces(self, depth: int, closing: str) -> Braces | None:
        self._at += 1
        items: list[tuple[str, Literal]] = []
        while True:
            self._skip()
            if self._text.startswith(closing, self._at):
                self._at += 1
                return Braces(tuple(items))
            if items:
                if not self._text.startswith(",", self._at):
                    return None
                self._at += 1
                self._skip()
                if self._text.startswith(closing, self._at):
                    continue  # a comma may follow the last one
            name = self._take(_FIELD)
            value = self.value(depth + 1)
            if value is None:
                return None
            items.append(("" if name is None else name.group(1), value))


def _character(text: str) -> Literal | None:
    content = unescaped(text)
    if len(content) == 1:
        return Character(content[0])
    letters = content.decode("utf-8", "replace")
    return Character(ord(letters)) if len(letters) == 1 else None
