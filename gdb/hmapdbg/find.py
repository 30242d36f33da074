"""A key that the user gives, and its place in a map."""

from __future__ import annotations

import re

import numpy as np

from .block import Block, Cells, Column, Place
from .compat import dataclass
from .families.family import Map
from .languages import find_counted_string, read_counted_string
from .target import Kind, MemoryFault, Target, TargetError, Type, Value
from .values import Renderer
from .values.text import render_string

MAX_STRING = 1 << 20
NUMBERS = (Kind.INTEGER, Kind.ENUM, Kind.BOOLEAN, Kind.POINTER)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\Z', re.DOTALL)
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"0": b"\0", b"a": b"\a", b"e": b"\x1b"}


@dataclass(frozen=True)
class Key:
    """A key to look for. `slot`: its bytes in a slot, if keys are compared by bytes; `content`: the
    bytes that are hashed, if they are known; `text`: as in the CSV, compared if `slot` is None."""

    text: str
    slot: bytes | None
    content: bytes | None


@dataclass(frozen=True)
class Found:
    """Where a key is. `cells`: one cell, or None if it is absent. `hashed`: only the chain at
    `place` was searched."""

    cells: Cells | None
    array: str
    hashed: bool
    place: Place | None
    compared: int


def parse_key(target: Target, key_type: Type, text: str) -> Key:
    """The key that the user typed, for a map with keys of that type. TargetError."""
    quoted = _QUOTED.match(text)
    if _is_text(key_type):
        if quoted:
            return _string_key(key_type, _unescaped(quoted.group(1)))
        if text.startswith('"'):
            raise TargetError(f"key {text} has no closing quote: add one")
        return _string_key(key_type, _string_from(target, text))
    if quoted:
        raise TargetError(
            f"key {text} is a string, but the keys are '{key_type.name}': give one of that type"
        )
    if key_type.kind in NUMBERS:
        return _number_key(target, key_type, _number(target, key_type, text), text)
    if text.startswith("{") or key_type.kind is Kind.FLOAT or _is_hexadecimal(key_type, text):
        return _key_by_text(target, key_type, text)
    return key_of(target, key_type, target.evaluate(text))


def key_of(target: Target, key_type: Type, value: Value) -> Key:
    """The key that a value is, for a map with keys of that type. TargetError."""
    if _is_text(key_type):
        return _string_key(key_type, _string_of(target, value))
    if key_type.kind in NUMBERS:
        return _number_key(target, key_type, _number_of(target, key_type, value), value.expression)
    if len(value.data) != key_type.size:
        raise TargetError(
            f"key '{value.expression}' is of type '{value.type.name}' ({len(value.data):,} bytes), "
            f"but the keys are '{key_type.name}' ({key_type.size:,}): give one of that type"
        )
    return Key(_render(target, key_type, value.data), None, value.data)


def _number_key(target: Target, key_type: Type, number: int, text: str) -> Key:
    limit = 1 << (8 * key_type.size)
    low, high = (-limit // 2, limit // 2) if key_type.signed else (0, limit)
    if not low <= number < high:
        raise TargetError(
            f"key '{text}' does not fit '{key_type.name}': the range is {low} to {high - 1}"
        )
    data = (number % limit).to_bytes(key_type.size, target.byte_order)
    return Key(_render(target, key_type, data), data, data)


def find(target: Target, opened: Map, key: Key) -> Found:
    """Looks for a key: in one chain if the hash is known, otherwise in all entries."""
    place = None if key.content is None else opened.place_of(key.content)
    renderer = Renderer(target, max_string=MAX_STRING)
    compared = 0
    for block in opened.walk(cells=True, only=place):
        if not isinstance(block, Block) or block.cells is None or len(block.cells) == 0:
            continue
        compared += len(block.cells)
        match = _matches(renderer, opened.header.key_type, block.cells.keys, key)
        if len(match):
            cells = block.cells.take(match[:1])
            array = block.array if cells.arrays is None else str(cells.arrays[0])
            return Found(cells, array, place is not None, place, compared)
    return Found(None, "", place is not None, place, compared)


def _matches(
    renderer: Renderer, key_type: Type, keys: Column, key: Key
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if key.slot is not None:
        wanted = np.frombuffer(key.slot, np.uint8)
        return np.flatnonzero((keys.data == wanted).all(axis=1))
    texts = np.array(renderer.render(key_type, keys), dtype=object)
    return np.flatnonzero(texts == key.text)


def _is_text(key_type: Type) -> bool:
    if key_type.kind in (Kind.POINTER, Kind.ARRAY):
        return key_type.target.character
    return key_type.kind is Kind.STRUCT and find_counted_string(key_type) is not None


def _is_hexadecimal(key_type: Type, text: str) -> bool:
    """Whether keys are byte arrays and `text` is one, as in the CSV."""
    digits = re.fullmatch(r"[0-9a-fA-F]+", text) is not None
    return key_type.kind is Kind.ARRAY and digits and len(text) == 2 * key_type.size


def _string_key(key_type: Type, content: bytes) -> Key:
    text = render_string(content)
    if key_type.kind is Kind.ARRAY:
        if len(content) > key_type.size:
            raise TargetError(
                f"key '{text}' has {len(content):,} bytes, but keys have at most "
                f"{key_type.size:,}: give a shorter one"
            )
        return Key(text, None, content.ljust(key_type.size, b"\0"))
    return Key(text, None, content)


def _string_from(target: Target, text: str) -> bytes:
    """The string that an expression is or points to."""
    try:
        value = target.evaluate(text)
    except TargetError:
        raise TargetError(f"cannot evaluate key '{text}': put a string in double quotes") from None
    return _string_of(target, value)


def _string_of(target: Target, value: Value) -> bytes:
    text = value.expression
    if value.type.kind is Kind.ARRAY:
        return value.data.split(b"\0")[0]
    counted = _counted_string(target, value)
    if counted is not None:
        return counted
    if value.type.kind is not Kind.POINTER:
        raise TargetError(
            f"key '{text}' is of type '{value.type.name}', not a string: put text in double quotes"
        )
    address = int.from_bytes(value.data, target.byte_order)
    out = b""
    page = 4096
    try:
        while b"\0" not in out and len(out) < MAX_STRING:
            at = address + len(out)
            out += target.read(at, page - at % page)
    except MemoryFault:
        raise TargetError(
            f"cannot read the string of key '{text}' at 0x{address:x}: give it in double quotes"
        ) from None
    return out.split(b"\0")[0]


def _counted_string(target: Target, value: Value) -> bytes | None:
    """The bytes of a string with a known length; None for other values."""
    if find_counted_string(value.type) is None:
        return None
    try:
        content = read_counted_string(target, value.type, value.data, MAX_STRING)
    except MemoryFault as fault:
        raise TargetError(
            f"cannot read the string of key '{value.expression}': {fault}: give it in double quotes"
        ) from None
    if content is None:
        raise TargetError(
            f"key '{value.expression}' has more than {MAX_STRING:,} bytes: give a shorter one"
        )
    return content


def _number(target: Target, key_type: Type, text: str) -> int:
    for name, number in key_type.enumerators:
        if name == text:
            return number
    if key_type.kind is Kind.BOOLEAN and text in ("true", "false"):
        return int(text == "true")
    try:
        return int(text, 0)
    except ValueError:
        pass
    return _number_of(target, key_type, target.evaluate(text))


def _number_of(target: Target, key_type: Type, value: Value) -> int:
    if value.type.kind not in NUMBERS:
        raise TargetError(
            f"key '{value.expression}' is of type '{value.type.name}', but the keys are "
            f"'{key_type.name}': give one of that type"
        )
    return int.from_bytes(value.data, target.byte_order, signed=value.type.signed)


def _key_by_text(target: Target, key_type: Type, text: str) -> Key:
    """A key compared as text; a float is written as in the CSV."""
    if key_type.kind is Kind.FLOAT:
        try:
            number = float(text)
        except ValueError:
            raise TargetError(
                f"key '{text}' is not a number, but the keys are '{key_type.name}': give one"
            ) from None
        if key_type.size in (4, 8):
            dtype = np.dtype(f"{target.order}f{key_type.size}")
            return Key(_render(target, key_type, np.array(number, dtype).tobytes()), None, None)
        return Key(repr(number), None, None)
    if key_type.kind is Kind.ARRAY:
        return Key(text.lower(), None, bytes.fromhex(text))
    return Key(text, None, None)


def _render(target: Target, key_type: Type, data: bytes) -> str:
    column = Column(np.frombuffer(data, np.uint8).reshape(1, -1))
    return Renderer(target).render(key_type, column)[0]


def _unescaped(text: str) -> bytes:
    """The bytes of a C string literal without its quotes."""

    def replace(found: re.Match[bytes]) -> bytes:
        letter = found.group(1)
        if letter[:1] == b"x" and len(letter) > 1:
            return bytes([int(letter[1:], 16)])
        if letter[:1].isdigit() and letter != b"0":
            return bytes([int(letter, 8) & 0xFF])
        return _LETTERS.get(letter, letter)

    return _ESCAPE.sub(replace, text.encode("utf-8", "surrogateescape"))
