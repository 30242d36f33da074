"""The shapes that maps come in. None knows a language or a library.

    chains     buckets with a few slots each, and overflow buckets behind them
    groups     open addressing by groups of slots, a control byte a slot
    nodes      an array of lists, a node an entry
    slots      open addressing slot by slot
    unplaced   entries that are in no bucket

Each has a `shape` (a Geometry: nouns, null model, sizes, verdicts, aspects, panels) and, but for
the last, a generic walk; what they share is in the modules beside them.
"""

from __future__ import annotations

from collections.abc import Callable

from ..header import Geometry
from .chains.shape import BucketChains
from .groups.shape import ControlGroups
from .nodes.shape import NodeLists
from .slots.shape import FlatSlots
from .unplaced import Unplaced

_SHAPES: dict[str, Callable[[int, int, float], Geometry]] = {
    BucketChains.name: BucketChains,
    ControlGroups.name: ControlGroups,
    NodeLists.name: NodeLists,
    FlatSlots.name: FlatSlots,
    Unplaced.name: Unplaced,
}
NAMES = tuple(_SHAPES)


def geometry_named(name: str, slots: int) -> Geometry | None:
    """The geometry that a CSV names, of a map of which its counts alone are known: sizes are 0.
    None: there is none of that name."""
    shape = _SHAPES.get(name)
    return None if shape is None else shape(slots, 0, 0.0)
