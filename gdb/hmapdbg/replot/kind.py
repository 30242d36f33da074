"""Which kind of map a CSV is of. The CSV does not say it: it is guessed."""

from __future__ import annotations

from .. import plot
from ..output.files import FileError
from .rows import show
from .tables import Occupancy, Part


def look_of(occupancy: Occupancy) -> plot.Look:
    """The look of the map's picture, by the names of its arrays and the counts of its rows.
    FileError where no map has such arrays."""
    names, path = set(occupancy.sizes), occupancy.path
    if names and all(name == "small" or name.isdigit() for name in names):
        return plot.SWISS
    strange = sorted(names - {"buckets", "oldbuckets"})
    if strange:
        raise FileError(
            f"'{path}' has an unknown array '{show(strange[0].encode())}': "
            "give the file as hmap-dump wrote it"
        )
    if "oldbuckets" in names and list(occupancy.sizes) != ["buckets", "oldbuckets"]:
        raise FileError(
            f"'{path}' has 'oldbuckets' but no 'buckets' before them: "
            "give the whole file as hmap-dump wrote it"
        )
    if names and all(_is_of_nodes(part) for part in occupancy.parts.get("buckets", ())):
        return plot.UNORDERED
    return plot.BUCKET_MAP


def _is_of_nodes(part: Part) -> bool:
    """Whether each chain is made of nodes with an entry each."""
    chain, slots, live = part.columns[:3]
    return bool(((chain == slots) & (slots == live)).all())
