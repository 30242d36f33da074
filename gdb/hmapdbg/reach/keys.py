"""Keys in paths, which name the elems of a map."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..block import Cells
from ..target import Kind, Type
from .key_texts import MapKeys
from .steps import Path

FEW_PATHS = 8  # of a block, each of which renders one key; then all are rendered at once


@dataclass
class Elems:
    """The elems of a block of a map's cells."""

    keys: MapKeys
    cells: Cells
    map: Path

    _asked: int = 0
    _texts: list[str] = field(default_factory=list)  # of all keys

    def path(self, number: int) -> Path:
        """See Origin: by its key."""
        self._asked += 1
        if not self._texts and self._asked > FEW_PATHS:
            self._texts = self.keys.texts(self.cells.keys)
        one = self.cells.keys.take(np.array([number]))
        text = self._texts[number] if self._texts else self.keys.texts(one)[0]
        return self.map.elem(self.keys.spelled(one, text)) if self.map.text else self.map


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
