"""Keys in paths, which name the elems of a map."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..block import Cells, Column
from ..header import Header
from ..languages import find_holder, is_text
from ..target import Kind, Type
from ..values import Renderer
from .steps import Path

FEW_PATHS = 8  # of a block, each of which renders one key; then all are rendered at once
_SPECIAL = re.compile(r"""["'()\[\]]|--""")
KEY_LETTERS = 150  # of a key in a path; longer ones are left out


@dataclass
class Elems:
    """The elems of a block of a map's cells."""

    renderer: Renderer
    header: Header
    cells: Cells
    map: Path

    _asked: int = 0
    _texts: list[str] = field(default_factory=list)  # of all keys

    def path(self, number: int) -> Path:
        """See Origin: by its key."""
        self._asked += 1
        if not self._texts and self._asked > FEW_PATHS:
            self._texts = self._spelled(self.cells.keys)
        if self._texts:
            return self.map.elem(self._texts[number])
        return self.map.elem(self._spelled(self.cells.keys.take(np.array([number])))[0])

    def _spelled(self, keys: Column) -> list[str]:
        """Keys as paths take them."""
        found = self.header.key_type
        # Only quotes show that an interface holds text, and where text is escaped.
        quoted = is_text(found) or find_holder(found) is not None
        return spelled_keys(found, self.renderer.render(found, keys, quoted=quoted))


def spelled_keys(found: Type, texts: Sequence[str]) -> list[str]:
    """Keys as hmap-find and paths take them, from `texts` as in the entries CSV, but text in
    quotes; empty if one cannot be typed, or is too long for a path."""
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


def elem_step(path: Path, _: int) -> Path:
    """From an elem's path, made from its key, to itself."""
    return path


KEY = ".key"  # behind an elem's path: its key


def key_step(path: Path, _: int) -> Path:
    """From an elem's path to its key's."""
    return replace(path, text=f"{path.text}{KEY}") if path.text else path


def no_step(path: Path, _: int) -> Path:
    """To what no path leads."""
    return replace(path, text="")


def hides_key(elem: Type) -> bool:
    """Whether an elem has a field that is meant by KEY, so that no path leads to the key."""
    pointed = elem.kind is Kind.POINTER and elem.resolve is not None
    return (elem.target if pointed else elem).find(KEY[1:]) is not None
