"""How a uniform hash spreads entries, each of which goes to one bin of the hash space.

Entries per bin are then Poisson. During growth, entries are in new buckets, each 1/N of the hash
space, and in old ones not yet evacuated, each 1/M of it: bins of two widths, which cover the hash
space once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ..block import Ints
from ..header import Bins, NullModel
from ..distribution import chi_square_p, poisson_bound


class Poisson(NullModel):
    """Entries fall into the bins independently of one another."""

    def sd(self, live: int, bins: Bins) -> float:
        """See NullModel."""
        total = sum(count for _, count in bins)
        if total <= 0:
            return 0.0
        mean = live / total
        # Mean over the bins of (expected entries) squared.
        second = sum(count * (live / buckets) ** 2 for buckets, count in bins)
        return math.sqrt(max(mean + second / total - mean**2, 0.0))

    def p_value(self, live: int, bins: Bins, chi_square: float, pairs: int) -> float:
        """See NullModel.

        Chi-square is meant for many entries per bin. With few, two in one bucket are likely, but
        make chi-square huge; then the number of pairs of entries in one bin is nearly Poisson. The
        larger of both probabilities is the better one."""
        share = sum(count / buckets**2 for buckets, count in bins)
        expected = live * (live - 1) / 2 * share
        at_least = 1.0 - chi_square_p(2 * expected, 2 * pairs) if pairs else 1.0
        freedom = sum(count for _, count in bins) - 1
        return max(chi_square_p(chi_square, freedom), at_least)

    def most_entries(self, live: int, bins: Bins) -> int:
        """See NullModel."""
        widest = max((live / buckets for buckets, _ in bins), default=0.0)
        return poisson_bound(widest, max(sum(count for _, count in bins), 1))

    def iter_counts(self, live: int, bins: Bins) -> Iterator[tuple[Ints, Ints]]:
        """See NullModel."""
        for buckets, count in bins:
            mean = live / buckets
            reach = 12 * math.sqrt(mean) + 40
            first = max(0, int(mean - reach))
            numbers = np.arange(first, int(mean + reach) + 1, dtype=np.int64)
            logs = np.log(np.maximum(numbers, 1).astype(np.float64))
            logs[0] = math.lgamma(first + 1)
            chance = np.exp(numbers * math.log(mean) - mean - np.cumsum(logs))
            yield numbers, chance * max(count, 0)


POISSON = Poisson()
