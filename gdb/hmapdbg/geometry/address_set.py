"""A set of addresses, filled in bulk: which chain visited which address."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Addresses = NDArray[np.uint64]


class AddressSet:
    """Addresses, each with the number of the first chain that visited it.

    Kept as sorted arrays of doubling sizes, so that adding n addresses costs O(n log n) in total.

    >>> met = AddressSet()
    >>> met.add(np.array([8, 16], np.uint64), np.array([0, 1]))
    array([-1, -1])
    >>> met.add(np.array([16, 24], np.uint64), np.array([5, 5]))
    array([ 1, -1])
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Addresses, NDArray[np.int64]]] = []

    def add(self, addrs: Addresses, owners: NDArray[np.int64]) -> NDArray[np.int64]:
        """Adds new addresses. For each one: -1 if it is new, otherwise its first owner (within
        `addrs`, the one with the lower index)."""
        former = self._find(addrs)
        fresh = np.flatnonzero(former < 0)
        unique, first, inverse = np.unique(addrs[fresh], return_index=True, return_inverse=True)
        repeated = first[inverse] != np.arange(len(fresh))
        former[fresh[repeated]] = owners[fresh][first[inverse]][repeated]
        if len(unique):
            self._insert(unique, owners[fresh][first])
        return former

    def between(self, low: int, high: int) -> Addresses:
        """The addresses in [low, high), sorted."""
        parts = [known[(known >= low) & (known < high)] for known, _ in self._runs]
        return np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.uint64)

    def add_prefix(self, addrs: Addresses, owner: int) -> tuple[int, int]:
        """Adds only the addresses before the first that is not new. Returns how many, and the owner
        of that one (-1: all are new)."""
        former = self._find(addrs)
        repeated = np.ones(len(addrs), np.bool_)
        repeated[np.unique(addrs, return_index=True)[1]] = False
        former[repeated & (former < 0)] = owner
        known = np.flatnonzero(former >= 0)
        count = int(known[0]) if len(known) else len(addrs)
        if count:
            self._insert(np.sort(addrs[:count]), np.full(count, owner, np.int64))
        return count, int(former[count]) if len(known) else -1

    def _find(self, addrs: Addresses) -> NDArray[np.int64]:
        """The owner of each address, -1 if it is not in the set."""
        former = np.full(len(addrs), -1, np.int64)
        for known, known_owners in self._runs:
            place = np.minimum(np.searchsorted(known, addrs), len(known) - 1)
            hit = known[place] == addrs
            former[hit] = known_owners[place[hit]]
        return former

    def _insert(self, addrs: Addresses, owners: NDArray[np.int64]) -> None:
        while self._runs and len(self._runs[-1][0]) <= 2 * len(addrs):
            more, more_owners = self._runs.pop()
            addrs = np.concatenate([addrs, more])
            owners = np.concatenate([owners, more_owners])
            order = np.argsort(addrs, kind="stable")
            addrs, owners = addrs[order], owners[order]
        self._runs.append((addrs, owners))
