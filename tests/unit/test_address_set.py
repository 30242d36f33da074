"""The set of addresses: which bucket had each first."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hmapdbg.geometry.address_set import AddressSet

BATCHES = st.lists(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), max_size=20), max_size=12
)


def add(met: AddressSet, pairs: list[tuple[int, int]]) -> list[int]:
    # High addresses, which would sort in reverse as signed numbers.
    addrs = np.array([(1 << 64) - 1 - 8 * addr for addr, _ in pairs], np.uint64)
    return met.add(addrs, np.array([owner for _, owner in pairs], np.int64)).tolist()


@given(BATCHES)
@settings(derandomize=True, deadline=None)
def test_former_owner_is_the_first_one(batches: list[list[tuple[int, int]]]) -> None:
    met, model = AddressSet(), {}
    for pairs in batches:
        expected = []
        for addr, owner in pairs:
            expected.append(model.get(addr, -1))
            model.setdefault(addr, owner)
        assert add(met, pairs) == expected


def test_many_small_batches_are_kept_in_few_runs() -> None:
    met = AddressSet()
    for number in range(3000):
        assert add(met, [(number, number % 7)]) == [-1]
    assert len(met._runs) <= 12
    assert add(met, [(number, 9) for number in range(3000)]) == [n % 7 for n in range(3000)]


def test_add_of_nothing() -> None:
    met = AddressSet()
    assert add(met, []) == []
    add(met, [(1, 1)])
    assert add(met, []) == []
    assert add(met, [(1, 2)]) == [1]


def test_prefix_stops_before_the_first_known_address_and_adds_no_more() -> None:
    met = AddressSet()
    met.add(np.array([80], np.uint64), np.array([4]))
    assert met.add_prefix(np.array([16, 24, 80, 32], np.uint64), 6) == (2, 4)
    # 16 and 24 are known now, 32 after the stop is not.
    assert met.add(np.array([16, 24, 32], np.uint64), np.array([7, 7, 7])).tolist() == [6, 6, -1]


def test_prefix_stops_at_its_own_repetition() -> None:
    met = AddressSet()
    assert met.add_prefix(np.array([16, 24, 16, 40], np.uint64), 5) == (2, 5)
    assert met.add_prefix(np.array([40, 48], np.uint64), 3) == (2, -1)
    assert met.add_prefix(np.array([], np.uint64), 3) == (0, -1)
