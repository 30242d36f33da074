"""Keys in paths: how the elems of a map are named."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from ..block import Cells
from ..header import Header
from ..languages import find_holder, is_text
from ..target import Type
from ..values import Renderer
from .steps import Path

KEY_LETTERS = 60  # of a key in a path; a longer one is left out of it


@dataclass
class Elems:
    """The elems of a block of a map's cells."""

    renderer: Renderer
    header: Header
    cells: Cells
    map: Path

    def path(self, number: int) -> Path:
        """See Origin: by its key."""
        key = self.cells.keys.take(np.array([number]))
        found = self.header.key_type
        # What an interface holds is text by its quotes alone.
        text = self.renderer.render(found, key, quoted=find_holder(found) is not None)[0]
        return self.map.elem(spelled_key(found, text))


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
