"""Which keys of a map are remembered, so that two listings can tell new ones from old.

A key has a number, a hash of what it is: of its bytes, or of its text where its bytes are pointers.
Those are kept whose number ends in `level` zero bits, the level being the least that keeps no more
than MOST; so what two samples share is comparable, whatever was inserted or deleted in between.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from ..block import Block, Column
from ..header import Header
from ..target import Kind, Target, Type
from ..values import Renderer
from .rows import Sample

MOST = 256  # keys kept of a map
TEXT_MOST = 200  # letters of a key
RENDERED_MOST = 2_000_000  # keys brought into text for one listing
LARGE = 100_000  # entries; of larger maps keys are chosen by the map's own hash byte first
TOPHASH_SHARE = 32  # one of so many values of that byte

Numbers = NDArray[np.uint64]


class Sampler:
    """Makes the samples of one listing."""

    def __init__(self, target: Target) -> None:
        self.renderer = Renderer(target, max_string=TEXT_MOST)
        self.left = RENDERED_MOST

    def of(self, header: Header) -> MapSampler:
        """What takes the walk of one map."""
        return MapSampler(self, header)


class MapSampler:
    """The sample of one map's keys: a sink of its walk."""

    def __init__(self, sampler: Sampler, header: Header) -> None:
        self._sampler = sampler
        self._type = header.key_type
        self._plain = _is_plain(header.key_type)
        self._by_tophash = not self._plain and header.count > LARGE and bool(header.geometry.byte)
        self._level = 0
        self._kept: dict[int, str] = {}
        self._numbers: list[Numbers] = []
        self._columns: list[Column] = []
        self._whole = True

    def add(self, block: Block) -> None:
        """See survey.Sink."""
        cells = block.cells
        if cells is None or not len(cells) or not self._whole:
            return
        keys = cells.keys
        if self._by_tophash:
            keys = keys.take(cells.tophash % TOPHASH_SHARE == 0)
        keys = keys.take(keys.known)
        if self._plain:
            self._keep(_mixed(keys.data), keys)
            return
        self._sampler.left -= len(keys)
        if self._sampler.left < 0:
            self._whole = False
            return
        texts = self._sampler.renderer.render(self._type, keys)
        crcs = np.fromiter(
            (zlib.crc32(text.encode("utf-8", "surrogateescape")) for text in texts),
            np.uint64,
            len(texts),
        )
        numbers = _mixed(np.ascontiguousarray(crcs).view(np.uint8).reshape(-1, 8))
        for place in np.flatnonzero(self._passes(numbers)).tolist():
            self._kept[int(numbers[place])] = texts[place]
        self._thin()

    def _keep(self, numbers: Numbers, keys: Column) -> None:
        at = np.flatnonzero(self._passes(numbers))
        if len(at) > MOST:  # equal keys count as one: no level would part them
            at = at[np.unique(numbers[at], return_index=True)[1]]
        while len(at) > MOST:
            self._level += 1
            at = at[self._passes(numbers[at])]
        texts = self._sampler.renderer.render(self._type, keys.take(at))
        self._kept.update(zip(numbers[at].tolist(), texts))
        self._thin()

    def _passes(self, numbers: Numbers) -> NDArray[np.bool_]:
        mask = np.uint64((1 << self._level) - 1)
        passed: NDArray[np.bool_] = (numbers & mask) == 0
        return passed

    def _thin(self) -> None:
        while len(self._kept) > MOST:
            self._level += 1
            self._kept = at_level(self._kept, self._level)

    def sample(self) -> Sample | None:
        """What was kept; None where there was too much to look at."""
        if not self._whole:
            return None
        return Sample(self._level, self._kept, comparable=not self._by_tophash)


def at_level(keys: dict[int, str], level: int) -> dict[int, str]:
    """Those of a sample that a higher level keeps too."""
    mask = (1 << level) - 1
    return {number: text for number, text in keys.items() if not number & mask}


def _is_plain(found: Type) -> bool:
    """Whether a key is all there in its bytes."""
    if found.kind is Kind.ARRAY:
        return _is_plain(found.target)
    return found.kind in (Kind.INTEGER, Kind.BOOLEAN, Kind.ENUM, Kind.FLOAT)


def _mixed(data: NDArray[np.uint8]) -> Numbers:
    """A number for each row of bytes (n, size), in which all bits depend on all bytes."""
    width = -(-data.shape[1] // 8) * 8
    padded = np.zeros((len(data), max(width, 8)), np.uint8)
    padded[:, : data.shape[1]] = data
    words = padded.view("<u8")
    out = np.zeros(len(data), np.uint64)
    with np.errstate(over="ignore"):
        for column in words.T:
            # The finalizer of splitmix64.
            out = out ^ column
            out = (out ^ (out >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            out = (out ^ (out >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            out = out ^ (out >> np.uint64(31))
    return out
