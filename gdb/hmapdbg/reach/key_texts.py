"""How the keys of a map are spelled in paths, so that each path opens the elem of that key alone.

Most keys are their text, as the entries CSV has it. A text of over KEY_LETTERS letters is spelled
by its beginning, "GET /api/v1/"... (the dots outside of the quotes, where no key has any), or if
several keys begin so, by its beginning and its end. What may be taken for something else, such as a
struct with text, is spelled only if it is a literal that the key itself fits. Where keys that
differ may have one text (interfaces, keys of a multimap, C strings, NaN), the texts of all keys are
counted, once for a map, and only those of one key are used.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from ..block import Block, Column
from ..families.family import Map
from ..languages import (
    find_counted_string,
    find_holder,
    find_shown,
    is_text,
    located,
    points_to_text,
)
from ..target import Kind, Target, Type
from ..target.spelling import is_balanced
from ..values import Renderer
from ..values.literal import Braces, Character, Ends, Literal, Name, Number, Text, parse
from ..values.pattern import BOOLEANS, Misfit, pattern_of
from ..values.text import CUT
from ..values.variants import has_tags
from .misses import Misses

KEY_LETTERS = 150  # of a key in a path; of longer ones, a part is left out
START_BYTES, END_BYTES = 80, 40  # of a text that is left of a longer one
MORE_LETTERS = 2 * KEY_LETTERS  # of a struct's key with such texts
SPLIT = 3  # bytes of a letter that a cut may leave out, at most
WHOLE = 4 * KEY_LETTERS  # bytes, of which KEY_LETTERS letters consist at most

TOO_LONG = "too long, or with parts that are not known"
ALIKE = "spelled as another key of the map"
UNREADABLE = "not readable"
HIDDEN = "hidden by a field 'key' of the elem"

_SPECIAL = re.compile(r"""["'()\[\]]|--""")


class KeyTexts:
    """Renders keys of all maps of a search, and counts in `misses` those without a spelling."""

    def __init__(self, target: Target, misses: Misses) -> None:
        self.target = target
        self.misses = misses
        self.whole = Renderer(target, max_string=WHOLE)
        self.starts = Renderer(target, max_string=START_BYTES)
        # What has one letter less may be another key's, too.
        self.coarse = Renderer(target, max_string=START_BYTES - SPLIT)

    def of(self, opened: Map) -> MapKeys:
        """The spelling of a map's keys."""
        return MapKeys(self, opened)


class MapKeys:
    """The keys of one map."""

    def __init__(self, texts: KeyTexts, opened: Map) -> None:
        self._common = texts
        self._target = texts.target
        self._map = opened
        self._type = opened.header.key_type
        self._holds = find_holder(self._type) is not None
        self._is_tagged = has_tags(self._type)
        self._is_exact = opened.header.unique_keys and is_exact(self._type)
        self._counts: Counter[int] | None = None  # of coarse texts, by their hashes
        self._end_counts: Counter[int] | None = None

    def texts(self, keys: Column) -> list[str]:
        """Of keys, in full."""
        return self._rendered(self._common.whole, keys)

    def spelled(self, keys: Column, text: str) -> str:
        """One key, of this text, as paths take it; empty, and counted, if there is no spelling."""
        if keys.failed is not None and keys.failed.any() or "<fault" in text:
            return self._miss(UNREADABLE)
        plain = spelled_keys(self._type, [text])[0]
        is_cut = not plain and len(text) > KEY_LETTERS
        if is_cut:
            text = self._rendered(self._common.starts, keys)[0]
        found = plain or self._literal(keys, text)
        if not found:
            return self._miss(TOO_LONG)
        if self._is_exact and not is_cut or self._is_only(keys):
            return found
        if CUT in text[-1:]:
            end = self._only_end(keys)
            if end:
                return found + end
        return self._miss(ALIKE)

    def _miss(self, why: str) -> str:
        self._common.misses.keys[why] += 1
        return ""

    def _rendered(self, renderer: Renderer, keys: Column) -> list[str]:
        # Only quotes show that an interface holds text, and where text is escaped.
        quoted = is_text(self._type) or self._holds
        return renderer.render(self._type, keys, quoted=quoted)

    def _literal(self, keys: Column, text: str) -> str:
        """The text of a key as a literal; empty if that is none which the key fits."""
        text = _escaped(text.replace(f'"{CUT}', '"...'))
        if len(text) > MORE_LETTERS or not is_balanced(text):
            return ""
        literal = parse(text, self._is_tagged)
        if literal is None:
            return ""
        try:
            pattern = pattern_of(self._target, self._type, literal)
        except Misfit:
            return ""
        return text if pattern.matches(self._target, keys.data).all() else ""

    # ---- whether a key is the only one that is spelled so

    def _is_only(self, keys: Column) -> bool:
        if self._counts is None:
            self._counts = self._count(self._coarse)
        return self._counts[self._coarse(keys)[0]] == 1

    def _coarse(self, keys: Column) -> list[int]:
        """Hashes of what keys that fit one spelling have in common."""
        texts = self._rendered(self._common.coarse, keys)
        if not self._holds:
            return list(map(hash, texts))
        return [hash(_meaning(parse(text), text)) for text in texts]

    def _only_end(self, keys: Column) -> str:
        """The end of a text, behind dots, if no other of the map's begins and ends so."""
        if find_counted_string(self._type) is None:
            return ""
        if self._end_counts is None:
            self._end_counts = self._count(self._starts_and_ends)
        if self._end_counts[self._starts_and_ends(keys)[0]] != 1:
            return ""
        return f'"{_shown_end(self._ends(keys, END_BYTES)[0])}"'

    def _starts_and_ends(self, keys: Column) -> list[int]:
        ends = self._ends(keys, END_BYTES - SPLIT)
        return [hash(pair) for pair in zip(self._coarse(keys), ends)]

    def _ends(self, keys: Column, size: int) -> list[bytes]:
        """The last bytes of strings of known length; of shorter ones nothing."""
        string = find_counted_string(self._type)
        assert string is not None
        memory, addrs, sizes = located(self._target, string, keys.data)
        out = np.zeros((len(sizes), size), np.uint8)
        rows = np.flatnonzero(sizes > START_BYTES + END_BYTES)
        places = addrs[rows].astype(np.uint64) + (sizes[rows] - size).astype(np.uint64)
        out[rows] = memory.gather(places, size)[0]
        return [row.tobytes() for row in out]

    def _count(self, hashes: Callable[[Column], Sequence[int]]) -> Counter[int]:
        """How many keys of the map have each hash."""
        found: Counter[int] = Counter()
        for block in self._map.walk(cells=True):
            if isinstance(block, Block) and block.cells is not None and len(block.cells):
                found.update(hashes(block.cells.keys))
        return found


def is_exact(found: Type) -> bool:
    """Whether keys of a type that are not equal have texts that differ."""
    if find_counted_string(found) is not None:
        return True
    if points_to_text(found) or find_holder(found) is not None or find_shown(found) is not None:
        return False
    if found.kind is Kind.ARRAY:
        return not is_text(found) and is_exact(found.target)
    if found.kind is Kind.STRUCT:
        return all(is_exact(one.type) for one in found.iter_fields())
    return found.kind in (Kind.INTEGER, Kind.ENUM, Kind.BOOLEAN, Kind.POINTER)


def _meaning(literal: Literal | None, text: str) -> object:
    """What a literal has in common with all that a key of some type may fit."""
    if isinstance(literal, Braces):
        return tuple(_meaning(value, "") for _, value in literal.items)
    if isinstance(literal, Number):
        return literal.floating()
    if isinstance(literal, Character):
        return literal.code
    if isinstance(literal, Name):
        return BOOLEANS.get(literal.text, literal.text)
    if isinstance(literal, Ends):
        return literal.start, literal.end
    return literal.content if isinstance(literal, Text) else text


def _shown_end(content: bytes) -> str:
    """The end of a text in quotes, from the first whole letter on."""
    while content and content[0] & 0xC0 == 0x80:
        content = content[1:]
    quoted = content.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return _escaped(quoted.decode("utf-8", "backslashreplace"))


# ---- texts that are spelled as they are


def spelled_keys(found: Type, texts: Sequence[str]) -> list[str]:
    """Keys as hmap-find and paths take them, from `texts` as in the entries CSV, but text in
    quotes; empty if one needs more than its text to be typed, or is too long for a path."""
    if is_text(found):
        return [_escaped(text) if _is_whole(text) else "" for text in texts]
    holds = find_holder(found) is not None
    return [
        text if _is_short(text) and (holds and text[:1] == '"' or _is_plain(text)) else ""
        for text in texts
    ]


def _is_whole(text: str) -> bool:
    """Whether a text in quotes is all of it, and not too long for a path."""
    return len(text) <= KEY_LETTERS and text.endswith('"') and "<fault" not in text


def _escaped(text: str) -> str:
    """A text in quotes, with the bytes of what a terminal does not show as \\xNN."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else "".join(f"\\x{byte:02x}" for byte in one.encode("utf-8"))
        for one in text
    )


def _is_short(text: str) -> bool:
    if len(text) > KEY_LETTERS or not text.isprintable():
        return False
    return "\\x" not in text and "<fault" not in text


def _is_plain(text: str) -> bool:
    """Whether no part of a value would be taken for a part of the path."""
    return _SPECIAL.search(text) is None and text == text.strip()
