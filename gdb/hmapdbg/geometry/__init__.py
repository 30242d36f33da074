"""The shapes of maps. None knows a language or a library.

    chains     buckets with a few slots each, and overflow buckets
    groups     open addressing by groups of slots, with control bytes
    nodes      an array of lists, a node per entry
    lists      an array of cells, each with a list of its own; its shape is that of nodes
    presence   buckets of a few slots with a bit each; its shape is that of chains
    slots      open addressing slot by slot
    control    open addressing slot by slot, with the slots' control bytes in an array of their own
    flat       open addressing slot by slot, with a stored state of each slot, in columns
    overflow   open addressing by groups of slots that remember which keys went on past them
    unplaced   entries that are in no bucket

Each has a `shape` (a Geometry: nouns, null model, sizes, verdicts, aspects, panels) and, except the
last, a generic walk; what they share is in the modules here.
"""

from __future__ import annotations

from collections.abc import Callable

from ..header import Geometry
from .chains.shape import BucketChains
from .control.shape import ControlSlots
from .flat.shape import FlatTable
from .groups.shape import ControlGroups
from .nodes.shape import NodeLists
from .overflow.shape import OverflowGroups
from .slots.shape import FlatSlots
from .unplaced import Unplaced

_SHAPES: dict[str, Callable[[int, int, float], Geometry]] = {
    BucketChains.name: BucketChains,
    ControlGroups.name: ControlGroups,
    NodeLists.name: NodeLists,
    FlatSlots.name: FlatSlots,
    ControlSlots.name: ControlSlots,
    FlatTable.name: FlatTable,
    OverflowGroups.name: OverflowGroups,
    Unplaced.name: Unplaced,
}
NAMES = tuple(_SHAPES)


def geometry_named(name: str, slots: int) -> Geometry | None:
    """The geometry with a CSV's name for it, if only counts of the map are known: sizes are 0.
    None: no such name."""
    shape = _SHAPES.get(name)
    return None if shape is None else shape(slots, 0, 0.0)
