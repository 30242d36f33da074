"""Keys in paths, which name the elems of a map."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..block import Cells, Column
from ..header import Header
from ..languages import find_holder, is_text
from ..target import Type
from ..values import Renderer
from .steps import Path

FEW_PATHS = 8  # of a block, each of which renders one key; then all are rendered at once
_SPECIAL = re.compile(r"""["'()\[\]]|--""")
KEY_LETTERS = 60  # of a key in a path; longer ones are left out


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
        # Only quotes show that an interface holds text.
        texts = self.renderer.render(found, keys, quoted=find_holder(found) is not None)
        return spelled_keys(found, texts)


def spelled_keys(found: Type, texts: Sequence[str]) -> list[str]:
    """Keys as hmap-find and paths take them, from `texts` as in the entries CSV; empty if one
    cannot be typed, or is too long for a path."""
    if is_text(found):
        return [_quoted(text) if _is_short(text) else "" for text in texts]
    holds = find_holder(found) is not None
    return [
        text if _is_short(text) and (holds and text[:1] == '"' or _is_plain(text)) else ""
        for text in texts
    ]


def _is_short(text: str) -> bool:
    if len(text) > KEY_LETTERS or not text.isprintable():
        return False
    return "\\x" not in text and "<fault" not in text


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _is_plain(text: str) -> bool:
    """Whether no part of a value would be taken for a part of the path."""
    return _SPECIAL.search(text) is None and text == text.strip()


def elem_step(path: Path, _: int) -> Path:
    """From an elem's path, made from its key, to itself."""
    return path


def key_step(path: Path, _: int) -> Path:
    """From an elem's path to its key's."""
    return replace(path, text=f"{path.text}.key")
