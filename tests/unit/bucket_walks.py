"""Walks of bucket chains, compared with a naive reader."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from unittest import mock

import pytest

from builders import FakeBuckets, Walked, walked
from hmapdbg.geometry.chains import chase, walk as bucket_walk, windows


FEW = 4  # buckets of a small Block


@contextlib.contextmanager
def limits(**values: int) -> Iterator[None]:
    """Lowers the limits of the walk so that small maps reach them."""
    with contextlib.ExitStack() as stack:
        for name, value in values.items():
            places = [one for one in (bucket_walk, chase, windows) if hasattr(one, name)]
            assert places
            for place in places:
                stack.enter_context(mock.patch.object(place, name, value))
        yield


def assert_equal(found: Walked, expected: Walked, cells: bool = True) -> None:
    assert found.told == []
    assert found.rows == expected.rows
    assert found.cells == (expected.cells if cells else [])
    assert (found.overflow, found.spare_used) == (expected.overflow, expected.spare_used)
    assert not any(any(pair) for pair in found.faults)


def assert_walk(made: FakeBuckets) -> None:
    expected = made.expected()
    for cells in (True, False):
        for known in (True, False):
            found = walked(made.walk(made.target(known)).walk(cells))
            assert_equal(found, expected, cells)


PATHS = pytest.mark.parametrize(
    ("generations", "block"), [(1, 1), (1, 64), (2, 3), (4, 64), (64, 64), (64, 1)]
)
