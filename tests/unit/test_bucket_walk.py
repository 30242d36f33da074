"""The walk of bucket chains: random valid maps against a naive reader, and each kind of fault."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import (
    BOXES,
    GONE,
    HEAP,
    MIN,
    NEW,
    OLD,
    ONE,
    REST,
    FakeBuckets,
    Geometry,
    Walked,
    X,
    Y,
    random_buckets,
    walked,
)
from hmapdbg.geometry import problems
from hmapdbg.geometry.chains import chase, walk as bucket_walk, windows
from hmapdbg.geometry.chains.arrays import Arrays
from hmapdbg.geometry.chains.layout import Marks
from hmapdbg.geometry.chains.walk import BucketWalk
from hmapdbg.header import Array
from hmapdbg.target.fake import FakeTarget

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


# ---- faults: unreadable memory ------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("block", [1, 3, 1000])
@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0, 1, "bucket 0 of 'buckets' cannot be read"),
        (0, 20, "buckets 0 to 19 of 'buckets' cannot be read"),
        (30, 31, "bucket 30 of 'buckets' cannot be read"),
        (7, 33, "buckets 7 to 32 of 'buckets' cannot be read"),
        (63, 64, "bucket 63 of 'buckets' cannot be read"),
        (40, 64, "buckets 40 to 63 of 'buckets' cannot be read"),
    ],
)
def test_main_buckets_that_cannot_be_read(
    known: bool, block: int, low: int, high: int, text: str
) -> None:
    # Buckets of a page, because holes in memory consist of pages.
    made = FakeBuckets(6, geometry=Geometry(elem_size=502))
    assert made.layout.size == 4096
    for bucket in range(64):
        made.fill(made.main(0, bucket), 2)
    expected = made.expected()
    made.image.unmap(made.main(0, low), made.main(0, high))
    with limits(BLOCK_BYTES=block * 4096):
        found = walked(made.walk(made.target(known)).walk(cells=True))
    gone = range(low, high)
    if known or block == 1000:
        assert found.told == [f"0x{made.main(0, low):x}: {text}"]
    else:
        # Without a memory map an unreadable Block ends the array: the rest may be endless.
        first = low if low % block == 0 and high - low >= block else align_to(low, block)
        if first + block <= high:
            gone = range(low, 64)
        assert found.problems[0].address == made.main(0, low)
        assert found.problems[0].text.startswith(("bucket", "array"))
    # An unread bucket has no row; a row of zeros would mean "empty".
    assert found.rows == [row for row in expected.rows if row[1] not in gone]
    assert found.cells == [cell for cell in expected.cells if cell[1] not in gone]


def align_to(number: int, step: int) -> int:
    return -(-number // step) * step


@pytest.mark.parametrize("known", [True, False])
def test_array_that_is_not_there_at_all(known: bool) -> None:
    made = FakeBuckets(3, old_B=2)
    made.fill(made.main(1, 2), 5)
    made.image.unmap(NEW, OLD)
    found = walked(made.walk(made.target(known)).walk(cells=True))
    assert found.told == [f"0x{NEW:x}: buckets 0 to 7 of 'buckets' cannot be read"]
    assert {row[0] for row in found.rows} == {"oldbuckets"}
    assert len(found.rows) == 4
    assert len(found.cells) == 5


@pytest.mark.parametrize("known", [True, False])
def test_huge_array_of_which_memory_holds_little_costs_little(known: bool) -> None:
    made = FakeBuckets(10)
    made.fill(made.main(0, 1000), 2)
    huge = Array("buckets", NEW, 1 << 40, made.layout.size << 40)
    target = made.target(known)
    walk = BucketWalk(Arrays(target, made.layout, Marks(), huge, None))
    found = walked(walk.walk(cells=True))
    assert len(found.cells) == 2
    assert len(found.rows) < 100_000
    assert len(target.reads) < 30_000
    assert found.problems


def test_ends_of_a_huge_array_are_found_where_the_memory_map_is_known() -> None:
    made = FakeBuckets(10)
    huge = Array("buckets", NEW, 1 << 30, made.layout.size << 30)
    last = made.image.map(NEW + (made.layout.size << 30) - 0x1000, 0x1000)
    made.image.write(last + 0x1000 - made.layout.size, bytes([MIN]))
    target = made.target(True)
    walk = BucketWalk(Arrays(target, made.layout, Marks(), huge, None))
    found = walked(walk.walk(cells=True))
    assert [cell[1] for cell in found.cells] == [(1 << 30) - 1]
    assert len(target.reads) < 100


@pytest.mark.parametrize("generations", [1, 2, 3, 4, 5, 64])
@pytest.mark.parametrize("block", [1, 2, 3, 64])
@pytest.mark.parametrize("place", [1, 2, 3, 4, 5])
def test_overflow_bucket_that_cannot_be_read_ends_its_chain_only(
    generations: int, block: int, place: int
) -> None:
    made = FakeBuckets(2)
    for bucket in range(4):
        for addr in made.chain(0, bucket, 6):
            made.fill(addr)
    expected = made.expected()
    wild = 0xDEAD_0000
    addr = made.main(0, 1)
    for _ in range(place - 1):
        addr = made.image.read_uint(addr + made.layout.overflow) or 0
    made.link(addr, wild)
    with limits(MAX_GENERATIONS=generations, BLOCK_BYTES=block * made.layout.size):
        found = walked(made.walk().walk(cells=True))
    assert found.told == [f"0x{wild:x}: overflow bucket in the chain of bucket 1 cannot be read"]
    assert found.cells == [cell for cell in expected.cells if cell[1] != 1 or cell[2] < place]
    assert found.rows[1][3:6] == (place, 8 * place, 8 * place)
    assert found.overflow == 15 + place - 1


def test_boxes_that_cannot_be_read_are_faults_and_spoil_no_neighbour() -> None:
    made = FakeBuckets(0, geometry=Geometry(key_size=200, elem_size=8, key_boxed=True))
    made.fill(made.main(0, 0), 4)
    expected = made.expected()
    wild = 0xDEAD_BEE8
    made.image.write_uint(made.main(0, 0) + made.layout.keys + 2 * 8, wild)
    found = walked(made.walk().walk(cells=True))
    assert found.faults == [(0, 0), (0, 0), (wild, 0), (0, 0)]
    assert [c for i, c in enumerate(found.cells) if i != 2] == [
        c for i, c in enumerate(expected.cells) if i != 2
    ]
    assert found.cells[2][-1] == expected.cells[2][-1]


# ---- faults: chains ------------------------------------------------------------------------------

PATHS = pytest.mark.parametrize(
    ("generations", "block"), [(1, 1), (1, 64), (2, 3), (4, 64), (64, 64), (64, 1)]
)


@PATHS
@pytest.mark.parametrize(("length", "back_to"), [(2, 1), (3, 2), (9, 1), (9, 5), (9, 8), (70, 40)])
def test_cycle_is_walked_once_and_told(
    generations: int, block: int, length: int, back_to: int
) -> None:
    made = FakeBuckets(2)
    chain = made.chain(0, 1, length)
    for addr in chain:
        made.fill(addr)
    made.fill(made.main(0, 3), 1)
    expected = made.expected()
    made.link(chain[-1], chain[back_to])
    with limits(MAX_GENERATIONS=generations, BLOCK_BYTES=block * made.layout.size):
        found = walked(made.walk().walk(cells=True))
    assert found.told == [
        f"0x{made.link_at(chain[-1]):x}: chain of bucket 1 is a cycle: "
        f"it returns to 0x{chain[back_to]:x} [I11]"
    ]
    assert (found.rows, found.cells) == (expected.rows, expected.cells)


@PATHS
@pytest.mark.parametrize("length", [1, 2, 7])
def test_pointer_into_a_main_bucket_is_no_overflow_bucket(
    generations: int, block: int, length: int
) -> None:
    made = FakeBuckets(3, old_B=2)
    for bucket in range(4):
        made.fill(made.main(1, bucket), 2)
    chain = made.chain(1, 1, length)
    expected = made.expected()
    for wild in (
        chain[0],  # itself
        made.main(1, 3),
        made.main(0, 6),
        made.main(0, 0) - 8,  # overlaps the first one
        made.main(1, 2) + 8,
    ):
        made.link(chain[-1], wild)
        with limits(MAX_GENERATIONS=generations, BLOCK_BYTES=block * made.layout.size):
            found = walked(made.walk().walk(cells=True))
        assert found.told == [
            f"0x{made.link_at(chain[-1]):x}: overflow pointer of old bucket 1 is 0x{wild:x}, "
            "not an overflow bucket [I11]"
        ]
        assert (found.rows, found.cells) == (expected.rows, expected.cells)


@PATHS
def test_pointer_that_is_misaligned_or_not_at_a_spare_bucket(generations: int, block: int) -> None:
    made = FakeBuckets(2, spare=4)
    chain = made.chain(0, 1, 5)
    spare = made.main(0, 4)
    expected = made.expected()
    for wild in (HEAP + 0x801, HEAP + 0x804, (1 << 64) - 1, spare + 8):
        made.link(chain[-1], wild)
        with limits(MAX_GENERATIONS=generations, BLOCK_BYTES=block * made.layout.size):
            found = walked(made.walk().walk(cells=True))
        assert found.told == [
            f"0x{made.link_at(chain[-1]):x}: overflow pointer of bucket 1 is 0x{wild:x}, "
            "not an overflow bucket [I11]"
        ]
        assert found.rows == expected.rows


@PATHS
def test_pointer_to_a_spare_bucket_of_the_other_array(generations: int, block: int) -> None:
    made = FakeBuckets(3, old_B=2, spare=2)
    wild = made.take_spare(0)
    assert wild is not None
    chain = made.chain(1, 3, 4)
    made.link(chain[-1], wild)
    with limits(MAX_GENERATIONS=generations, BLOCK_BYTES=block * made.layout.size):
        found = walked(made.walk().walk(cells=True))
    assert found.told == [
        f"0x{made.link_at(chain[-1]):x}: overflow pointer of old bucket 3 is 0x{wild:x}, "
        "not an overflow bucket [I11]"
    ]
    assert found.rows[-1][3] == 4


@pytest.mark.parametrize("pointer_size", [4, 8])
def test_pointer_to_the_last_bytes_of_memory(pointer_size: int) -> None:
    made = FakeBuckets(1, geometry=Geometry(pointer_size=pointer_size, align=1))
    for wild in ((1 << (8 * pointer_size)) - 1, (1 << (8 * pointer_size)) - made.layout.size):
        for length, generations in ((1, 64), (3, 1), (3, 3)):
            made.link(made.chain(0, 1, length)[-1], wild)
            with limits(MAX_GENERATIONS=generations):
                found = walked(made.walk().walk(cells=True))
            assert found.told == [
                f"0x{wild:x}: overflow bucket in the chain of bucket 1 cannot be read"
            ]
            assert found.rows[1][3] == length


@pytest.mark.parametrize("generations", [1, 2, 5, 64])
@pytest.mark.parametrize("block", [1, 5, 64])
def test_overflow_shared_by_two_chains_is_counted_once(generations: int, block: int) -> None:
    made = FakeBuckets(2)
    first = made.chain(0, 0, 8)
    other = made.chain(0, 2, 2)
    for addr in (*first, *other):
        made.fill(addr)
    expected = made.expected()
    made.link(other[-1], first[4])
    with limits(MAX_GENERATIONS=generations, BLOCK_BYTES=block * made.layout.size):
        found = walked(made.walk().walk(cells=True))
    # The first bucket in the order of the walk has it; no cell is reported twice or lost.
    (text,) = found.told
    assert text in {
        f"0x{made.link_at(at):x}: overflow bucket 0x{first[4]:x} is in the chains of bucket {a} "
        f"and of bucket {b} [I11]"
        for at, a, b in ((first[3], 2, 0), (other[-1], 0, 2))
    }
    assert sum(row[3] for row in found.rows) == 12
    assert len(found.cells) == len(expected.cells)
    assert len({cell[-2:] for cell in found.cells}) == len(expected.cells)
    assert found.overflow == 8


def test_long_chain_that_merges_into_another_takes_nothing_of_it() -> None:
    # Bucket 0's chain joins the unread part of bucket 1's: it may get the shared part,
    # but then bucket 1 has the rest, and each is met once.
    made = FakeBuckets(1)
    first = made.chain(0, 0, 10)
    other = made.chain(0, 1, 30)
    for addr in (*first, *other):
        made.fill(addr)
    with limits(MAX_GENERATIONS=6):
        made.link(first[-1], other[4])  # read in the generations: bucket 1's
        found = walked(made.walk().walk(cells=True))
        assert [row[3] for row in found.rows] == [10, 30]
        assert found.told == [
            f"0x{made.link_at(first[-1]):x}: overflow bucket 0x{other[4]:x} is in the chains of "
            "bucket 1 and of bucket 0 [I11]"
        ]
        made.link(first[-1], other[20])  # not yet read: bucket 0's
        found = walked(made.walk().walk(cells=True))
        assert [row[3] for row in found.rows] == [20, 20]
        assert found.told == [
            f"0x{made.link_at(other[19]):x}: overflow bucket 0x{other[20]:x} is in the chains of "
            "bucket 0 and of bucket 1 [I11]"
        ]


def test_long_chain_that_leads_into_a_main_bucket_leaves_that_ones_chain_alone() -> None:
    made = FakeBuckets(4)
    chain = made.chain(0, 0, 10)
    for addr in made.chain(0, 12, 5):  # of a later Block
        made.fill(addr)
    expected = made.expected()
    made.link(chain[-1], made.main(0, 12))
    with limits(MAX_GENERATIONS=3, BLOCK_BYTES=4 * made.layout.size):
        found = walked(made.walk().walk(cells=True))
    assert len(found.told) == 1
    assert (found.rows, found.cells) == (expected.rows, expected.cells)


def test_many_main_buckets_that_point_into_one_long_chain_cost_what_it_costs_once() -> None:
    B = 14
    made = FakeBuckets(B)
    chain = made.chain(0, 0, 3000)
    for bucket in range(1, 1 << B):
        made.link(made.main(0, bucket), chain[1 + bucket % 2999])
    target = made.target(True)
    found = walked(made.walk(target).walk(cells=False))
    assert sum(size for _, size in target.reads) < 4 * (1 << B) * made.layout.size
    assert len(target.reads) < 1000
    assert found.overflow == 2999
    told = [text for text in found.told if "[I11]" in text]
    assert len(told) == problems.MOST
    # Each chain except the last ends where the next one's part begins.
    assert found.told[-1] == f"{(1 << B) - 1 - len(told):,} more like this: chain"


def test_many_long_chains_that_merge_into_a_longer_one_stay_linear() -> None:
    made = FakeBuckets(7, heap_size=16 << 20)
    long = made.chain(0, 0, 20_000)
    for bucket in range(1, 128):
        made.link(made.chain(0, bucket, 4)[-1], long[100 + bucket])
    taken = Counter()
    read = windows.WindowReader.read

    def counted(reader: object, addr: int, size: int) -> bytes:
        taken["steps"] += 1
        return read(reader, addr, size)

    with limits(MAX_GENERATIONS=3), mock.patch.object(windows.WindowReader, "read", counted):
        found = walked(made.walk().walk(cells=False))
    assert found.overflow == 19_999 + 127 * 3
    assert taken["steps"] < 3 * found.overflow
    assert len(found.problems) > 100


def test_problems_of_one_kind_are_counted_where_they_are_too_many() -> None:
    made = FakeBuckets(8)
    for bucket in range(256):
        made.link(made.main(0, bucket), 0xDEAD_0000 + 0x100 * bucket)
    found = walked(made.walk().walk(cells=False))
    assert len(found.problems) == problems.MOST + 1
    assert found.told[-1] == "156 more like this: unreadable overflow"


def test_one_merge_of_a_long_chain_is_one_problem_in_the_count() -> None:
    made = FakeBuckets(1)
    first = made.chain(0, 0, 300)
    made.link(made.chain(0, 1, 5)[-1], first[2])
    with limits(MAX_GENERATIONS=3):
        found = walked(made.walk().walk(cells=False))
    assert len(found.told) == 1


# ---- faults: marks


@PATHS
def test_evacuated_mark_in_the_new_array(generations: int, block: int) -> None:
    made = FakeBuckets(2)
    chain = made.chain(0, 2, 5)
    for addr in chain:
        made.fill(addr)
    made.mark(chain[3] + 4, [Y])
    made.mark(chain[4] + 1, [X])
    with limits(MAX_GENERATIONS=generations, BLOCK_BYTES=block * made.layout.size):
        found = walked(made.walk().walk(cells=True))
    told = [
        f"0x{chain[3] + 4:x}: bucket 2 slot 4: tophash 0x3 (evacuatedY) "
        "in a bucket that is not evacuated [I4]",
        f"0x{chain[4] + 1:x}: bucket 2 slot 1: tophash 0x2 (evacuatedX) "
        "in a bucket that is not evacuated [I4]",
    ]
    assert found.told == told
    assert found.rows[2] == ("buckets", 2, made.main(0, 2), 5, 40, 38, 0, 2, 0)
    assert len(found.cells) == 38


@PATHS
def test_old_bucket_that_is_evacuated_in_part(generations: int, block: int) -> None:
    made = FakeBuckets(3, old_B=2)
    chain = made.chain(1, 1, 5)
    for addr in chain:
        made.mark(addr, [X] * 8)
    made.put(chain[2], 3, tophash=0x80)
    made.mark(chain[4] + 7, [ONE])
    made.fill(made.main(1, 2), 2)
    made.mark(made.main(1, 2) + 1, [GONE])
    with limits(MAX_GENERATIONS=generations, BLOCK_BYTES=block * made.layout.size):
        found = walked(made.walk().walk(cells=True))
    assert sorted(found.told) == sorted(
        [
            f"0x{chain[2] + 3:x}: old bucket 1 slot 3: tophash 0x80 (live) "
            "in an evacuated bucket [I6]",
            f"0x{chain[4] + 7:x}: old bucket 1 slot 7: tophash 0x1 (emptyOne) "
            "in an evacuated bucket [I6]",
            f"0x{made.main(1, 2) + 1:x}: old bucket 2 slot 1: tophash 0x4 (evacuatedEmpty) "
            "in a bucket that is not evacuated [I4]",
        ]
    )
    # The mark says that its entries were moved.
    assert found.rows[8 + 1][3:] == (5, 40, 0, 0, 0, 1)
    assert [cell[:4] for cell in found.cells] == [("oldbuckets", 2, 0, 0)]


@PATHS
@pytest.mark.parametrize(("place", "slot"), [(0, 3), (1, 0), (4, 7)])
def test_cell_in_use_behind_empty_rest(generations: int, block: int, place: int, slot: int) -> None:
    made = FakeBuckets(2)
    chain = made.chain(0, 3, 6)
    made.fill(chain[0], 2)  # the third cell is emptyRest
    made.put(chain[place], slot, tophash=0xFF)
    made.put(chain[5], 5, tophash=ONE)
    expected = made.expected()
    with limits(MAX_GENERATIONS=generations, BLOCK_BYTES=block * made.layout.size):
        found = walked(made.walk().walk(cells=True))
    # The first cell of the chain, in blocks of any size.
    assert found.told == [
        f"0x{chain[place] + slot:x}: bucket 3 slot {slot}: tophash 0xff (live) "
        "after emptyRest [I5]",
    ]
    # The cell is still shown.
    assert (found.rows, found.cells) == (expected.rows, expected.cells)


def test_mark_of_half_y_in_growth_of_the_same_size() -> None:
    made = FakeBuckets(2, old_B=2)
    made.mark(made.main(1, 3), [X, X, Y, GONE, X, X, X, X])
    assert walked(made.walk().walk(cells=True)).told == [
        f"0x{made.main(1, 3) + 2:x}: old bucket 3 slot 2: tophash 0x3 (evacuatedY) "
        "in same-size growth, which has no half Y [I4]"
    ]


def test_marks_of_another_numbering_are_taken_from_debug_info() -> None:
    made = FakeBuckets(0)
    made.mark(made.main(0, 0), [11, 10, 16, 15, REST + 10, 10, 10, 10])
    marks = Marks(10, 11, 12, 13, 14, 15)
    walk = BucketWalk(Arrays(made.target(), made.layout, marks, made.arrays[0], None))
    found = walked(walk.walk(cells=True))
    assert found.rows == [("buckets", 0, NEW, 1, 8, 2, 1, 5, 0)]
    assert [cell[3:5] for cell in found.cells] == [(2, 16), (3, 15)]


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
