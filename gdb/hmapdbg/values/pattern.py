"""A key that the user typed, as a pattern that keys match.

The type of the map's keys turns a literal into a pattern: for a struct, by field names or in order;
for an array, by elements. A literal that does not fit the type is refused with the expected shape,
so that only a key that was understood is called absent. Padding is not compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..languages import (
    Holder,
    Shown,
    find_counted_string,
    find_holder,
    find_listed,
    find_shown,
    is_text,
    points_to_text,
    text_unit,
    unit_of,
)
from ..target import Field, Kind, Target, Type, Variants
from .literal import Braces, Character, Ends, Literal, Name, Number, Tagged, Text
from .matching import (
    All,
    Bits,
    Bytes,
    Counted,
    Float,
    Letters,
    Listed,
    Mask,
    OfVariant,
    Pattern,
    Pointed,
    Same,
    WithEnds,
)
from .variants import tag_of, values_of
from .wide import widened

NUMBERS = (Kind.INTEGER, Kind.ENUM, Kind.BOOLEAN, Kind.POINTER)
NULLS = ("null", "NULL", "nil", "nullptr")
BOOLEANS = {"false": 0, "true": 1}
MAX_SHAPE = 200  # characters of a shape


class Misfit(Exception):
    """A literal does not fit a type; the text says why."""


class Dynamic(Pattern):
    """A value of any type that holders hold and the literal fits. `refused`: the other types found,
    each with its expected shape; `tried`: how many fitted."""

    def __init__(self, offset: int, holder: Holder, literal: Literal) -> None:
        self._offset = offset
        self._holder = holder
        self._literal = literal
        self.refused: dict[str, str] = {}
        self.tried = 0
        self.empty = 0

    def matches(self, target: Target, raw: Bytes) -> Mask:
        """See Pattern."""
        part = np.ascontiguousarray(raw[:, self._offset : self._offset + self._holder.size])
        contents = self._holder.open(target, part)
        found = np.zeros(len(raw), np.bool_)
        self.empty += int(contents.empty.sum())
        if self._literal == Name("nil"):
            self.tried += 1
            found |= contents.empty
        for held in contents.iter_shown():
            try:
                pattern = pattern_of(target, held.type, self._literal)
            except Misfit:
                self.refused[held.type.name] = shape_of(held.type)
                continue
            self.tried += 1
            data = held.data
            ok = np.ones(len(held.rows), np.bool_)
            if data is None:
                data, ok = target.gather(held.addrs, held.type.size)
            found[held.rows] = ok & pattern.matches(target, data)
        return found


def pattern_of(target: Target, found: Type, literal: Literal, offset: int = 0) -> Pattern:
    """The pattern of a literal for values of a type at an offset. Misfit."""
    string = find_counted_string(found)
    if isinstance(literal, Ends) and is_text(found):
        unit = text_unit(found) if string is None else unit_of(string)
        if found.kind is Kind.ARRAY and unit > 1:
            raise Misfit("the whole text is expected")
        ends = (widened(one, unit, target.order) for one in (literal.start, literal.end))
        return WithEnds(offset, found, *ends)
    if string is not None:
        if not isinstance(literal, Text):
            raise Misfit("text in double quotes is expected")
        content = widened(literal.content, unit_of(string), target.order)
        return Counted(offset, found.size, string, content)
    if isinstance(literal, Text) and points_to_text(found):
        unit = text_unit(found)
        return Pointed(offset, widened(literal.content, unit, target.order), unit)
    if found.kind is Kind.ARRAY:
        return _array(target, found, literal, offset)
    if found.variants is not None:
        return _variant(target, found, found.variants, literal, offset)
    listed = find_listed(found)
    if listed is not None:
        if not isinstance(literal, Braces) or any(name for name, _ in literal.items):
            raise Misfit("values in braces are expected")
        parts = (pattern_of(target, listed.element, value) for _, value in literal.items)
        return Listed(offset, found.size, listed, tuple(parts))
    holder = find_holder(found)
    if holder is not None:
        return Dynamic(offset, holder, literal)
    shown = find_shown(found)
    if shown is not None:
        return _shown(target, shown, literal, offset)
    if found.kind is Kind.STRUCT:
        return _struct_or_only_field(target, found, literal, offset)
    if found.kind is Kind.FLOAT and found.size in (2, 4, 8):
        number = literal.floating() if isinstance(literal, Number) else None
        if number is None:
            raise Misfit("a number is expected")
        return Float(offset, found.size, number)
    if not found.size and isinstance(literal, Braces) and not literal.items:  # Rust's ()
        return All(())
    return Same(offset, _integer(target, found, literal))


def _variant(
    target: Target, found: Type, variants: Variants, literal: Literal, offset: int
) -> Pattern:
    """A variant by its name, and its values. Misfit."""
    if not isinstance(literal, (Name, Tagged)):
        raise Misfit(f"one of the variants of '{found.name}' is expected")
    name = literal.text if isinstance(literal, Name) else literal.name
    names = [one.name for one in variants.members]
    last = name.rpartition("::")[2]
    if last not in names:
        raise Misfit(f"'{found.name}' has no variant '{last}'")
    number = names.index(last)
    member = variants.members[number]
    fields = values_of(member.type)
    values = literal.values if isinstance(literal, Tagged) else Braces(())
    if len(values.items) != len(fields):
        raise Misfit(f"'{last}' has {len(fields):,} values, not {len(values.items):,}")
    by_name = {name: value for name, value in values.items if name}
    if by_name and sorted(by_name) != sorted(one.name for one in fields):
        raise Misfit(f"a value for each of {', '.join(one.name for one in fields)} is expected")
    parts = tuple(
        pattern_of(
            target,
            field.type,
            by_name[field.name] if by_name else values.items[place][1],
            offset + member.offset + field.offset,
        )
        for place, field in enumerate(fields)
    )
    return OfVariant(offset, found.size, variants, number, All(parts))


def integer_of(found: Type, literal: Literal) -> int | None:
    """The integer of a literal for an integer, enum, boolean or pointer; None: not one."""
    if isinstance(literal, Character):
        return literal.code
    if isinstance(literal, Number):
        number = literal.integer()
        if number is None:
            wide = literal.floating()
            if wide is not None and math.isfinite(wide) and wide == int(wide):
                number = int(wide)
        return number
    if isinstance(literal, Name):
        last = literal.text.rpartition("::")[2]
        for name, value in found.enumerators:
            if literal.text == name or last == name.rpartition("::")[2]:
                return value
        if found.kind is Kind.BOOLEAN:
            return BOOLEANS.get(literal.text)
        if found.kind is Kind.POINTER and literal.text in NULLS:
            return 0
    return None


def _integer(target: Target, found: Type, literal: Literal) -> bytes:
    if found.kind not in NUMBERS or not 0 < found.size <= 16:
        raise Misfit(f"'{found.name}' is expected")
    number = integer_of(found, literal)
    if number is None:
        raise Misfit(f"'{found.name}' is expected")
    low, high = limits_of(found)
    if not low <= number < high:
        raise Misfit(f"'{found.name}' ranges from {low} to {high - 1}")
    return (number % (1 << 8 * found.size)).to_bytes(found.size, target.byte_order)


def limits_of(found: Type) -> tuple[int, int]:
    """The least integer of a type, and the first above its largest."""
    limit = 1 << (8 * found.size)
    return (-limit // 2, limit // 2) if found.signed else (0, limit)


def _array(target: Target, found: Type, literal: Literal, offset: int) -> Pattern:
    element = found.target
    if isinstance(literal, Text) and text_unit(found) > 1:
        content = widened(literal.content, element.size, target.order)
        if len(content) > found.size:
            raise Misfit(f"at most {found.count:,} characters are expected")
        return Same(offset, (content + bytes(element.size))[: found.size])
    if isinstance(literal, Text) and element.size == 1:
        if len(literal.content) > found.size:
            raise Misfit(f"at most {found.size:,} bytes are expected")
        if element.character:
            return Letters(offset, found.size, literal.content)
        return Same(offset, literal.content.ljust(found.size, b"\0"))
    if element.size == 1 and isinstance(literal, (Number, Name)):
        digits = literal.text.removeprefix("0x")
        try:
            content = bytes.fromhex(digits)
        except ValueError:
            content = b""
        if len(content) == found.size:
            return Same(offset, content)
    return All(
        tuple(
            pattern_of(target, element, value, offset + number * element.size)
            for number, value in enumerate(_values_of(literal, found.count))
        )
    )


def _values_of(literal: Literal, count: int) -> list[Literal]:
    """So many values in braces, without names. Misfit."""
    if not isinstance(literal, Braces) or any(name for name, _ in literal.items):
        raise Misfit(f"{count:,} values in braces are expected")
    if len(literal.items) != count:
        raise Misfit(f"{count:,} values are expected, not {len(literal.items):,}")
    return [value for _, value in literal.items]


def _shown(target: Target, shown: Shown, literal: Literal, offset: int) -> Pattern:
    """A struct by what it is shown as."""
    only = shown.only
    if only is not None:
        return pattern_of(target, only.type, literal, offset + only.offset)
    tag = tag_of(shown)
    if tag and isinstance(literal, Tagged) and literal.name.rpartition("::")[2] == tag:
        literal = literal.values
    if tag and len(shown.fields) == 1 and not isinstance(literal, Braces):
        literal = Braces((("", literal),))
    values = _values_of(literal, len(shown.fields))
    return All(
        tuple(
            pattern_of(target, field.type, value, offset + field.offset)
            for field, value in zip(shown.fields, values)
        )
    )


def _struct_or_only_field(target: Target, found: Type, literal: Literal, offset: int) -> Pattern:
    """A struct; one with a single field also takes that field's value, as std::array does."""
    fields = _fields(found)
    try:
        if not isinstance(literal, Braces):
            raise Misfit(f"'{found.name}' is expected")
        return _struct(target, found, literal, offset)
    except Misfit as misfit:
        if len(fields) != 1 or fields[0].bit_size:
            raise
        try:
            return pattern_of(target, fields[0].type, literal, offset + fields[0].offset)
        except Misfit:
            raise misfit from None


def _fields(found: Type) -> list[Field]:
    """The fields that need values in a literal."""
    return [one for one in found.iter_fields() if one.type.size or one.bit_size]


def _struct(target: Target, found: Type, literal: Braces, offset: int) -> Pattern:
    fields = _fields(found)
    named = [name for name, _ in literal.items if name]
    if named and len(named) != len(literal.items):
        raise Misfit("name all values or none")
    if len(literal.items) != len(fields) or len(set(named)) != len(named):
        raise Misfit(f"{len(fields):,} values are expected, not {len(literal.items):,}")
    values = dict(literal.items)
    parts: list[Pattern] = []
    for number, field in enumerate(fields):
        if named and field.name not in values:
            raise Misfit(f"no value for '{field.name}'")
        value = values[field.name] if named else literal.items[number][1]
        if field.bit_size:
            bits = field.bit_offset, field.bit_size
            parts.append(_bit_field(target, found.size, offset, field.type, bits, value))
        else:
            parts.append(pattern_of(target, field.type, value, offset + field.offset))
    return All(tuple(parts))


def _bit_field(
    target: Target, size: int, offset: int, found: Type, bits: tuple[int, int], literal: Literal
) -> Pattern:
    number = integer_of(found, literal)
    if number is None or offset:
        raise Misfit(f"'{found.name}' is expected")
    start, width = bits
    if not -(1 << width - 1) <= number < 1 << width:
        raise Misfit(f"{width} bits are expected")
    shift = start if target.byte_order == "little" else 8 * size - start - width
    ones = (1 << width) - 1
    content = ((number & ones) << shift).to_bytes(size, target.byte_order)
    return Bits((ones << shift).to_bytes(size, target.byte_order), content)


def shape_of(found: Type, depth: int = 0) -> str:
    """The form of a type's values, for people: `{x = int, y = "text"}`."""
    text = _shape(found, depth)
    return text if len(text) <= MAX_SHAPE else text[: MAX_SHAPE - 1] + "…"


def _shape(found: Type, depth: int) -> str:
    if find_counted_string(found) is not None or points_to_text(found):
        return '"text"'
    if found.variants is not None:
        return " or ".join(map(_shape_of_variant, found.variants.members))
    shown = find_shown(found)
    if shown is not None:
        inner = ", ".join(_shape(one.type, depth + 1) for one in shown.fields)
        return f"{shown.before}{inner}{shown.after}"
    if found.kind is Kind.ARRAY:
        if text_unit(found):
            return '"text"'
        return f"{{{_shape(found.target, depth + 1)}, … {found.count:,} in all}}"
    if find_holder(found) is not None:
        return "a value"
    if found.kind is Kind.STRUCT and depth < 4:
        inner = ", ".join(f"{one.name} = {_shape(one.type, depth + 1)}" for one in _fields(found))
        return f"{{{inner}}}"
    if found.kind is Kind.ENUM and found.enumerators:
        return found.enumerators[0][0]
    return found.name


def _shape_of_variant(member: Field) -> str:
    values = ", ".join(_shape(one.type, 4) for one in values_of(member.type))
    return f"{member.name}({values})" if values else member.name


def is_exact(pattern: Pattern) -> bool:
    """Whether a pattern matches only keys that are equal by their bytes, or by what their strings
    of known length hold."""
    if isinstance(pattern, All):
        return all(is_exact(part) for part in pattern.parts)
    if isinstance(pattern, OfVariant):
        return is_exact(pattern.inner)
    if isinstance(pattern, Listed):
        return all(is_exact(part) for part in pattern.parts)
    return isinstance(pattern, (Same, Counted, Bits))


def iter_dynamic(pattern: Pattern) -> Sequence[Dynamic]:
    """The parts of a pattern that depend on the contents of holders."""
    if isinstance(pattern, Dynamic):
        return [pattern]
    if isinstance(pattern, OfVariant):
        return iter_dynamic(pattern.inner)
    if isinstance(pattern, (All, Listed)):
        return [one for part in pattern.parts for one in iter_dynamic(part)]
    return []
