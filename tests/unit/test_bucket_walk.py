"""The walk of bucket chains: random valid maps against a naive reader, and each kind of fault."""

from __future__ import annotations


import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import (
    BOXES,
    GONE,
    HEAP,
    NEW,
    OLD,
    FakeBuckets,
    Geometry,
    X,
    Y,
    random_buckets,
    walked,
)
from hmapdbg.target.fake import FakeTarget
from bucket_walks import FEW, limits, assert_walk


# ---- valid maps ----------------------------------------------------------------------------------

GEOMETRIES = st.builds(
    Geometry,
    key_size=st.sampled_from([1, 2, 3, 4, 8, 16, 24, 128]),
    elem_size=st.sampled_from([1, 4, 7, 8, 40, 200]),
    key_boxed=st.booleans(),
    elem_boxed=st.booleans(),
    pointer_size=st.sampled_from([4, 8]),
    byte_order=st.sampled_from(["little", "big"]),
    align=st.sampled_from([1, 4, 8, 16]),
)


@given(
    seed=st.integers(0, 1 << 32),
    geometry=GEOMETRIES,
    B=st.integers(0, 5),
    growth=st.sampled_from(["no", "double", "same"]),
    longest=st.sampled_from([1, 3, 9, 40]),
    block=st.sampled_from([1, 2, 3, 7, 1000]),
    generations=st.sampled_from([1, 2, 5, 64]),
    window=st.sampled_from([64, 1024, 64 << 10]),
)
@settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_walk_equals_a_naive_reading(
    seed: int,
    geometry: Geometry,
    B: int,
    growth: str,
    longest: int,
    block: int,
    generations: int,
    window: int,
) -> None:
    if growth == "double" and B == 0:
        B = 1
    made = random_buckets(seed, geometry, B, growth, longest)
    with limits(BLOCK_BYTES=block * made.layout.size, MAX_GENERATIONS=generations, WINDOW=window):
        assert_walk(made)


@pytest.mark.parametrize("length", [1, 2, 63, 64, 65, 66, 128, 1000])
def test_chain_of_a_length_with_the_limits_as_they_are(length: int) -> None:
    made = FakeBuckets(3)
    for addr in made.chain(0, 5, length):
        made.fill(addr)
    made.fill(made.main(0, 7), 3)
    assert_walk(made)


def test_chain_longer_than_a_block_is_split_and_its_row_comes_with_the_last_part() -> None:
    made = FakeBuckets(2)
    for bucket in (1, 2):
        for addr in made.chain(0, bucket, 50):
            made.fill(addr)
    size = made.layout.size
    with limits(BLOCK_BYTES=FEW * size, MAX_GENERATIONS=2):
        blocks = walked(made.walk().walk(cells=True)).blocks
        assert_walk(made)
    assert max(len(block.cells) for block in blocks if block.cells) <= 2 * FEW * 8
    parts = [block for block in blocks if block.cells and set(block.cells.bucket.tolist()) == {1}]
    assert len(parts) >= 50 // FEW
    assert all(block.buckets is None or len(block.buckets) == 0 for block in parts[:-1])


def test_cells_of_large_boxes_are_given_out_in_bounded_blocks() -> None:
    made = FakeBuckets(4, geometry=Geometry(elem_size=3000, elem_boxed=True))
    for bucket in range(16):
        made.fill(made.main(0, bucket))
    with limits(BLOCK_BYTES=16 << 10):
        blocks = walked(made.walk().walk(cells=True)).blocks
        assert_walk(made)
    assert max(block.cells.elems.data.nbytes for block in blocks if block.cells) <= 16 << 10


@pytest.mark.parametrize("known", [True, False])
def test_number_of_reads_is_that_of_blocks_and_generations_not_of_buckets(known: bool) -> None:
    made = FakeBuckets(12)
    for bucket in range(0, 1 << 12, 3):
        made.chain(0, bucket, 3)
    target = made.target(known)
    walked(made.walk(target).walk(cells=False))
    # Two probes, the array, two generations of overflow buckets.
    assert len(target.reads) <= 5


def test_empty_map_has_one_row_for_each_bucket_and_no_cell() -> None:
    found = walked(FakeBuckets(0).walk().walk(cells=True))
    assert found.rows == [("buckets", 0, NEW, 1, 8, 0, 0, 8, 0)]
    assert found.cells == []


def test_evacuated_bucket_keeps_chain_and_slots_and_counts_nothing() -> None:
    made = FakeBuckets(1, old_B=0)
    main, overflow = made.chain(1, 0, 2)
    made.mark(main, [X, Y, X, GONE, GONE, X, X, GONE])
    made.mark(overflow, [GONE] * 8)
    found = walked(made.walk().walk(cells=True))
    assert found.rows[-1] == ("oldbuckets", 0, OLD, 2, 16, 0, 0, 0, 1)
    assert found.told == []


# ---- arbitrary memory ----------------------------------------------------------------------------


@given(
    seed=st.integers(0, 1 << 32),
    boxed=st.booleans(),
    pointer_size=st.sampled_from([4, 8]),
    generations=st.sampled_from([1, 2, 64]),
    block=st.sampled_from([1, 3, 1000]),
    cells=st.booleans(),
    known=st.booleans(),
)
@settings(max_examples=120, derandomize=True, deadline=None)
def test_garbage_neither_raises_nor_gives_a_cell_twice(
    seed: int,
    boxed: bool,
    pointer_size: int,
    generations: int,
    block: int,
    cells: bool,
    known: bool,
) -> None:
    geometry = Geometry(elem_boxed=boxed, pointer_size=pointer_size, align=1)
    made = random_buckets(seed, geometry, 3, "double", 12)
    dice = np.random.default_rng(seed)
    addresses = [NEW, OLD, HEAP, BOXES]
    for base in (NEW, OLD, HEAP):
        region = made.image.regions[base]
        for _ in range(int(dice.integers(0, 8))):
            at = int(dice.integers(0, min(len(region), 3000)))
            region[at] = int(dice.integers(0, 256))
        for _ in range(int(dice.integers(0, 4))):  # pointers to any place in the map
            bucket = int(dice.integers(0, 4))
            to = addresses[int(dice.integers(0, 4))] + int(dice.integers(0, 2000))
            made.link(base + bucket * made.layout.size, to)
    low = HEAP + int(dice.integers(0, 4000))
    made.image.unmap(low, low + int(dice.integers(0, 500)))
    target: FakeTarget = made.target(known)
    with limits(MAX_GENERATIONS=generations, BLOCK_BYTES=block * made.layout.size):
        found = walked(made.walk(target).walk(cells))
    assert len(target.reads) < 5000
    places = [cell[:4] for cell in found.cells]
    assert len(set(places)) == len(places)
    assert places == sorted(places)  # "buckets" before "oldbuckets"
    assert [row[:2] for row in found.rows] == sorted(row[:2] for row in found.rows)
    for _, _, _, chain, slots, live, deleted, empty, evacuated in found.rows:
        assert slots == 8 * chain
        assert live + deleted + empty == (0 if evacuated else slots)
    if cells:
        assert len(found.cells) == sum(row[5] for row in found.rows)
    for text in found.told:
        assert "\n" not in text
