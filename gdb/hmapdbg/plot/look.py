"""What differs between pictures of map families."""

from __future__ import annotations

from ..block import Header
from ..compat import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """What differs between pictures of map families. The Header does not say it all, so it can be
    given: `look_of` chooses by the family's name."""

    bucket: str = "bucket"  # what a row of the occupancy is called
    tophash: str = "tophash"  # what the entries' hash byte is called; empty: they have none
    expected: bool = True  # whether a uniform hash makes Poisson counts
    chain: str = "buckets in the chain, main bucket included"  # unit of lengths; empty: no chains


BUCKET_MAP = Look()
SWISS = Look(bucket="group", tophash="control byte", expected=False, chain="")
UNORDERED = Look(tophash="", chain="nodes in the chain")


def look_of(header: Header) -> Look:
    """The look of the header's family."""
    family = header.family.lower()
    if "swiss" in family:
        return SWISS
    return UNORDERED if "unordered" in family else BUCKET_MAP
