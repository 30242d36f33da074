"""Where keys belong: a hash function, and what a table makes of its codes.

Debug info names the hash function object, but not which release of Boost it is from, nor whether
it is taken for a good one, whose codes are used as they are. So there are several candidates, and
some entries prove one of them.

From source: boost/unordered/detail/foa.hpp (1.81), foa/core.hpp, xmx.hpp, mulx.hpp, prime_fmod.hpp,
implementation.hpp (1.74).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Cells, Column, Ints
from ...compat import dataclass
from ...geometry.columns import Mask
from .hashes import Codes, KeyHash, mulx

SAMPLE = 64  # entries that prove a candidate
AGREEING = 0.9  # of them; others may be the fault that is looked for
LEAST = 4  # entries that prove anything
PHI_64, PHI_32 = 0x9E3779B97F4A7C15, 0xE817FB2D

Candidate = TypeVar("Candidate")
Mix = Callable[[Codes], Codes]


def proved(
    candidates: Iterable[Candidate], agrees: Callable[[Candidate], tuple[Mask, Mask]]
) -> Candidate | None:
    """The candidate that entries of a sample agree with: `agrees` tells which do, and which are
    known."""
    for one in candidates:
        agreeing, known = agrees(one)
        total = int(known.sum())
        if total >= LEAST and int((agreeing & known).sum()) >= AGREEING * total:
            return one
    return None


# ---- open addressing -----------------------------------------------------------------------------


def mixes(pointer_size: int) -> Sequence[Mix]:
    """What releases do with codes: those of good hash functions stay as they are."""
    if pointer_size == 8:
        return (lambda codes: codes, lambda codes: mulx(codes, PHI_64), _xmx_64)
    return (lambda codes: codes, _mulx_32, _xmx_32)


def _xmx_64(codes: Codes) -> Codes:
    """xmx() of 1.81."""
    codes = (codes ^ codes >> np.uint64(23)) * np.uint64(0xFF51AFD7ED558CCD)
    out: Codes = codes ^ codes >> np.uint64(23)
    return out


def _xmx_32(codes: Codes) -> Codes:
    codes = (codes ^ codes >> np.uint64(18)) * np.uint64(0x56B5AAAD) & np.uint64(0xFFFFFFFF)
    out: Codes = codes ^ codes >> np.uint64(16)
    return out


def _mulx_32(codes: Codes) -> Codes:
    product = codes * np.uint64(PHI_32)
    out: Codes = (product ^ product >> np.uint64(32)) & np.uint64(0xFFFFFFFF)
    return out


@dataclass(frozen=True)
class GroupPlacement:
    """See geometry.overflow.map.Placement; codes are mixed ones of `bits` bits."""

    hash: KeyHash
    mix: Mix
    bits: int

    def codes(self, cells: Cells, entries: Addresses) -> tuple[Codes, Mask]:
        """See Placement."""
        codes, known = self.hash.codes(cells.keys)
        return self.mix(codes), known

    def code_of(self, key: bytes) -> int | None:
        """See Placement."""
        code = self.hash.code_of(key)
        return None if code is None else int(self.mix(np.array([code], np.uint64))[0])

    def homes(self, codes: Codes, groups: int) -> Ints:
        """See Placement: by the highest bits."""
        return (codes >> np.uint64(self.bits - (groups.bit_length() - 1))).astype(np.int64)

    def stored(self, codes: Codes) -> Ints:
        """See Placement: the lowest bits, but for the numbers of a free slot and of the
        sentinel."""
        low = (codes & np.uint64(0xFF)).astype(np.int64)
        return np.where(low < 2, low + 8, low)

    def kinds(self, codes: Codes) -> Ints:
        """See Placement."""
        return (codes & np.uint64(7)).astype(np.int64)


def group_placement(
    hashes: Sequence[KeyHash], pointer_size: int, sample: Cells
) -> GroupPlacement | None:
    """The placement that entries of a map prove; None: none of those known."""
    candidates = (
        GroupPlacement(one, mix, 8 * pointer_size) for one in hashes for mix in mixes(pointer_size)
    )

    def agrees(one: GroupPlacement) -> tuple[Mask, Mask]:
        codes, known = one.codes(sample, sample.address)
        return one.stored(codes) == sample.tophash, known

    return proved(candidates, agrees)


# ---- closed addressing ---------------------------------------------------------------------------

# From hash codes and the number of buckets to the buckets that they select.
Position = Callable[[Codes, int], Codes]


def folded(codes: Codes, buckets: int) -> Codes:
    """prime_fmod_size::position() of 64 bits: the sum of both halves, of 32 bits, modulo a
    prime."""
    if buckets >> 32:
        return modulo(codes, buckets)
    total = (codes + (codes >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
    out: Codes = total % np.uint64(buckets)
    return out


def modulo(codes: Codes, buckets: int) -> Codes:
    """prime_policy::to_bucket()."""
    out: Codes = codes % np.uint64(buckets)
    return out


def mixed_mask(codes: Codes, buckets: int) -> Codes:
    """mix64_policy: apply_hash() and to_bucket(); of a power of two buckets."""
    code = ~codes + (codes << np.uint64(21))
    code = code ^ code >> np.uint64(24)
    code = code * np.uint64(265)
    code = code ^ code >> np.uint64(14)
    code = code * np.uint64(21)
    code = code ^ code >> np.uint64(28)
    code = code + (code << np.uint64(31))
    out: Codes = code & np.uint64(buckets - 1)
    return out


@dataclass(frozen=True)
class ListPlacement:
    """A hash function, and the buckets that its codes select."""

    hash: KeyHash
    position: Position
    buckets: int

    def codes(self, keys: Column) -> tuple[Codes, Mask]:
        """See hashes.KeyHash."""
        return self.hash.codes(keys)

    def code_of(self, key: bytes) -> int | None:
        """See hashes.KeyHash."""
        return self.hash.code_of(key)

    def places(self, codes: NDArray[np.uint64]) -> Codes:
        """The buckets that codes (n,) select."""
        return self.position(codes, self.buckets)


def list_placement(
    hashes: Sequence[KeyHash],
    positions: Sequence[Position],
    buckets: int,
    keys: Column,
    places: Ints,
) -> ListPlacement | None:
    """The placement that entries of a map prove, by their keys and buckets (n,)."""
    candidates = (ListPlacement(one, position, buckets) for one in hashes for position in positions)

    def agrees(one: ListPlacement) -> tuple[Mask, Mask]:
        codes, known = one.codes(keys)
        return one.places(codes) == places.astype(np.uint64), known

    return proved(candidates, agrees)
