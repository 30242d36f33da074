"""A key that the user gives, and its place in a map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .block import Block, Cells, Column, Place
from .compat import dataclass
from .families.family import Map
from .languages import (
    find_counted_string,
    find_holder,
    find_shown,
    is_text,
    read_counted_string,
    text_unit,
    unit_of,
)
from .target import Kind, MemoryFault, Target, TargetError, Type, Value
from .values import Renderer
from .values.literal import Character, Literal, Name, Number, Text, parse
from .values.matching import Counted, Letters, Pattern, Pointed, Same, WithEnds
from .values.pattern import (
    NUMBERS,
    Misfit,
    is_exact,
    iter_dynamic,
    limits_of,
    pattern_of,
    shape_of,
)
from .values.text import render_string
from .values.variants import has_tags
from .values.wide import narrow

MAX_STRING = 1 << 20


@dataclass(frozen=True)
class Key:
    """A key to look for. `content`: the bytes that are hashed, if they are known; `is_whole`:
    whether all equal keys have these bytes, so that one bucket tells that a key is absent."""

    text: str
    pattern: Pattern
    content: bytes | None = None
    is_whole: bool = True


@dataclass(frozen=True)
class Shown(Pattern):
    """Keys that are shown as the same text."""

    renderer: Renderer
    type: Type
    text: str

    def matches(self, target: Target, raw: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """See Pattern."""
        texts = np.array(self.renderer.render(self.type, Column(raw)), dtype=object)
        found: NDArray[np.bool_] = np.asarray(texts == self.text, np.bool_)
        return found


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
    shown = find_shown(key_type)
    if shown is not None and shown.symbol:
        return key_by_text(target, key_type, text)
    if shown is not None and shown.only is not None and shown.after:  # "5ms" or 5
        text = text.removesuffix(shown.after)
    literal = parse(text, has_tags(key_type))
    if literal is None:
        if text.startswith('"'):
            raise TargetError(f"key {text} has no closing quote: add one")
        if text.startswith("{"):
            raise TargetError(f"key {text} cannot be read: give {shape_of(key_type)}")
        return _key_of_expression(target, key_type, text)
    try:
        return _key_of_literal(target, key_type, literal, text)
    except Misfit as misfit:
        is_name = isinstance(literal, Name) and key_type.variants is None
        if is_name or isinstance(literal, Number) and is_text(key_type):
            return _key_of_expression(target, key_type, text)
        if isinstance(literal, Text):
            raise TargetError(
                f"key {text} is a string, but the keys are '{key_type.name}': "
                f"give {shape_of(key_type)}"
            ) from None
        raise TargetError(
            f"key '{text}' does not fit '{key_type.name}': {misfit}: give {shape_of(key_type)}"
        ) from None


def key_of(target: Target, key_type: Type, value: Value) -> Key:
    """The key that a value is, for a map with keys of that type. TargetError."""
    if find_holder(key_type) is not None and find_holder(value.type) is None:
        literal = _literal_of(target, value)
        if literal is not None:
            return _key_of_literal(target, key_type, literal, value.expression)
    if is_text(key_type):
        return _key_of_literal(target, key_type, Text(_string_of(target, value)), value.expression)
    if key_type.kind in NUMBERS:
        number = _number_of(target, key_type, value)
        try:
            return _key_of_literal(target, key_type, Number(str(number)), value.expression)
        except Misfit:
            low, high = limits_of(key_type)
            raise TargetError(
                f"key '{value.expression}' does not fit '{key_type.name}': it ranges from {low} to "
                f"{high - 1}"
            ) from None
    if len(value.data) != key_type.size:
        raise TargetError(
            f"key '{value.expression}' is of type '{value.type.name}' ({len(value.data):,} bytes), "
            f"but the keys are '{key_type.name}' ({key_type.size:,}): give one of that type"
        )
    renderer = Renderer(target, max_string=MAX_STRING)
    column = Column(np.frombuffer(value.data, np.uint8).reshape(1, -1))
    text = renderer.render(key_type, column)[0]
    return Key(text, Shown(renderer, key_type, text), value.data, is_whole=False)


def key_by_text(target: Target, key_type: Type, text: str) -> Key:
    """The keys that the entries CSV shows as that text."""
    return Key(text, Shown(Renderer(target, max_string=MAX_STRING), key_type, text))


def find(target: Target, opened: Map, key: Key, only: bool = False) -> Found:
    """Looks for a key: in one chain if the hash is known, otherwise in all entries. TargetError if
    no key of the map is of a type that the key could have; with `only`, or if the key is given by
    how it begins, also if it fits several."""
    if (
        isinstance(key.pattern, WithEnds)
        or only
        and not (opened.header.unique_keys and is_exact(key.pattern))
    ):
        return _find_only(target, opened, key)
    place = None if key.content is None else opened.place_of(key.content)
    found = _look(target, opened, key, place)
    if found.cells is None and place is not None and not key.is_whole:
        found = _look(target, opened, key, None)
    if found.cells is None:
        _check_understood(opened.header.key_type, key)
    return found


def _look(target: Target, opened: Map, key: Key, place: Place | None) -> Found:
    compared = 0
    for block, cells, match in _iter_matches(target, opened, key, place):
        compared += len(cells)
        if len(match):
            return _found(block, cells.take(match[:1]), place, compared)
    return Found(None, "", place is not None, place, compared)


def _find_only(target: Target, opened: Map, key: Key) -> Found:
    """The one key that fits. TargetError if there are more."""
    found, count, compared = Found(None, "", False, None, 0), 0, 0
    for block, cells, match in _iter_matches(target, opened, key, None):
        compared += len(cells)
        count += len(match)
        if found.cells is None and len(match):
            found = _found(block, cells.take(match[:1]), None, compared)
    if count > 1:
        raise TargetError(
            f"{key.text} fits {count:,} keys of '{opened.header.expression}': give more of the "
            "key, or name the map behind it by its address, as 'hmap-list' shows it"
        )
    if found.cells is None:
        _check_understood(opened.header.key_type, key)
    return replace(found, compared=compared)


def _iter_matches(
    target: Target, opened: Map, key: Key, place: Place | None
) -> Iterator[tuple[Block, Cells, NDArray[np.int64]]]:
    """Blocks with cells, of all the map or of a place, and which of the cells have the key."""
    for block in opened.walk(cells=True, only=place):
        if not isinstance(block, Block) or block.cells is None or len(block.cells) == 0:
            continue
        known = np.flatnonzero(block.cells.keys.known)
        yield block, block.cells, known[key.pattern.matches(target, block.cells.keys.data[known])]


def _found(block: Block, cells: Cells, place: Place | None, compared: int) -> Found:
    array = block.array if cells.arrays is None else str(cells.arrays[0])
    return Found(cells, array, place is not None, place, compared)


def _check_understood(key_type: Type, key: Key) -> None:
    """Makes sure that an absent key could have been present."""
    for dynamic in iter_dynamic(key.pattern):
        if dynamic.refused and not dynamic.tried:
            shapes = [
                shape if shape == name else f"'{name}' ({shape})"
                for name, shape in sorted(dynamic.refused.items())[:4]
            ]
            raise TargetError(
                f"key '{key.text}' fits none of the types that the keys of '{key_type.name}' "
                f"hold: give one of {', '.join(shapes)}"
            )


# ---- literals


def _key_of_literal(target: Target, key_type: Type, literal: Literal, text: str) -> Key:
    """Misfit."""
    pattern = pattern_of(target, key_type, literal)
    if isinstance(pattern, (Counted, Pointed)) and isinstance(literal, Text):
        return Key(render_string(literal.content), pattern, pattern.content)
    if isinstance(pattern, Letters):
        # What follows the first NUL is up to the program, and may have been hashed.
        content = pattern.content.ljust(key_type.size, b"\0")
        is_whole = len(pattern.content) == key_type.size
        return Key(render_string(pattern.content), pattern, content, is_whole)
    if isinstance(pattern, Same) and len(pattern.content) == key_type.size:
        column = Column(np.frombuffer(pattern.content, np.uint8).reshape(1, -1))
        shown = Renderer(target).render(key_type, column)[0]
        return Key(shown, pattern, pattern.content)
    return Key(text, pattern)


def _literal_of(target: Target, value: Value) -> Literal | None:
    """A number or string of the debugger; None for other values."""
    if value.type.kind is Kind.FLOAT and value.type.size in (4, 8):
        dtype = np.dtype(f"{target.order}f{value.type.size}")
        return Number(repr(float(np.frombuffer(value.data, dtype)[0])))
    if value.type.kind is Kind.BOOLEAN:
        return Name("true" if any(value.data) else "false")
    if value.type.kind in (Kind.INTEGER, Kind.ENUM):
        number = int.from_bytes(value.data, target.byte_order, signed=value.type.signed)
        return Character(number) if value.type.character else Number(str(number))
    return Text(_string_of(target, value)) if is_text(value.type) else None


# ---- expressions


def _key_of_expression(target: Target, key_type: Type, text: str) -> Key:
    if not is_text(key_type):
        return key_of(target, key_type, target.evaluate(text))
    try:
        value = target.evaluate(text)
    except TargetError:
        raise TargetError(f"cannot evaluate key '{text}': put a string in double quotes") from None
    return key_of(target, key_type, value)


def _string_of(target: Target, value: Value) -> bytes:
    """The string that a value is or points to. TargetError."""
    text = value.expression
    unit = text_unit(value.type)
    if value.type.kind is Kind.ARRAY:
        return narrow(_up_to_nul(value.data, max(unit, 1)), max(unit, 1), target.order)
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
        while len(_up_to_nul(out, max(unit, 1))) == len(out) < MAX_STRING:
            at = address + len(out)
            out += target.read(at, page - at % page)
    except MemoryFault:
        raise TargetError(
            f"cannot read the string of key '{text}' at 0x{address:x}: give it in double quotes"
        ) from None
    return narrow(_up_to_nul(out, max(unit, 1)), max(unit, 1), target.order)


def _up_to_nul(data: bytes, unit: int) -> bytes:
    """The characters before the first NUL, of `unit` bytes each; all if there is none."""
    if unit == 1:
        return data.split(b"\0")[0]
    ends = (at for at in range(0, len(data), unit) if not any(data[at : at + unit]))
    return data[: next(ends, len(data))]


def _counted_string(target: Target, value: Value) -> bytes | None:
    """The bytes of a string with a known length; None for other values."""
    string = find_counted_string(value.type)
    if string is None:
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
    return narrow(content, unit_of(string), target.order)


def _number_of(target: Target, key_type: Type, value: Value) -> int:
    if value.type.kind not in NUMBERS:
        raise TargetError(
            f"key '{value.expression}' is of type '{value.type.name}', but the keys are "
            f"'{key_type.name}': give one of that type"
        )
    return int.from_bytes(value.data, target.byte_order, signed=value.type.signed)
