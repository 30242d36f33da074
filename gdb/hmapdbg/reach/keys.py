"""Keys in paths: how the elems of a map are named."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import numpy as np

from ..block import Cells, Column
from ..header import Header
from ..languages import find_holder, is_text
from ..target import Type
from ..values import Renderer
from .steps import Path

FEW_PATHS = 8  # of a block, each with a key of its own to render; then all keys are, at once
KEY_LETTERS = 60  # of a key in a path; a longer one is left out of it


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
            self._texts = self._rendered(self.cells.keys)
        text = self._texts[number] if self._texts else self._rendered(self._key(number))[0]
        return self.map.elem(spelled_key(self.header.key_type, text))

    def _key(self, number: int) -> Column:
        return self.cells.keys.take(np.array([number]))

    def _rendered(self, keys: Column) -> list[str]:
        found = self.header.key_type
        # What an interface holds is text by its quotes alone.
        return self.renderer.render(found, keys, quoted=find_holder(found) is not None)


def spelled_key(found: Type, text: str) -> str:
    """A key, of which `text` is what the entries CSV shows, as hmap-find and paths take it; empty
    where it cannot be typed, or is too long for a path."""
    if len(text) > KEY_LETTERS or not text.isprintable() or "\\x" in text or "<fault" in text:
        return ""
    if is_text(found):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if find_holder(found) is not None and text.startswith('"'):
        return text
    # Inside brackets, quotes and brackets of a value's own would be taken for the path's.
    return text if not re.search(r"""["'()\[\]]|--""", text) and text == text.strip() else ""


def elem_step(path: Path, _: int) -> Path:
    """From an elem's path, which its key has made, to the elem's."""
    return path


def key_step(path: Path, _: int) -> Path:
    """From an elem's path to its key's."""
    return replace(path, text=f"{path.text}.key")
