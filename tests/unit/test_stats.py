"""Numbers compared with plain computations, and verdicts on both sides of their thresholds."""

from __future__ import annotations

import math
import random
from collections import Counter
from statistics import fmean, pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import Geometry, array, block, header, random_buckets
from hmapdbg.block import Block
from hmapdbg.header import Array
from hmapdbg.distribution import chi_square_p, poisson, poisson_bound
from hmapdbg.stats import LONGEST, STRIP_MARKS, Stats


def stats_of(blocks: list[Block], arrays: list[Array], **values: object) -> Stats:
    found = Stats(header(arrays, **values))
    for one in blocks:
        found.add(one)
    return found


def uniform(buckets: int, entries: int, seed: int = 1) -> list[int]:
    dice = random.Random(seed)
    counts = Counter(dice.randrange(buckets) for _ in range(entries))
    return [counts[bucket] for bucket in range(buckets)]


# ---- folding -------------------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 9), st.integers(0, 4)), min_size=1, max_size=80
    ),
    st.integers(1, 80),
)
@settings(max_examples=150, derandomize=True, deadline=None)
def test_numbers_of_one_array(buckets: list[tuple[int, int, int]], step: int) -> None:
    live, deleted = [one[0] for one in buckets], [one[1] for one in buckets]
    chain = [max(1, -(-(a + b) // 8)) + more for a, b, more in buckets]
    blocks = [
        block(
            "buckets",
            live[at : at + step],
            first=at,
            deleted=deleted[at : at + step],
            chain=chain[at : at + step],
        )
        for at in range(0, len(live), step)
    ]
    found = stats_of(blocks, [array(len(live))])
    total = sum(live)
    assert (found.live, found.deleted) == (total, sum(deleted))
    assert found.slots == 8 * sum(chain) == found.live + found.deleted + found.empty
    assert found.overflow == sum(chain) - len(chain)
    assert (found.unread, found.evacuated, found.bins) == (0, 0, len(live))
    assert found.maximum == max(live)
    assert found.longest_chain == max(chain)
    assert {n: c for n, c in enumerate(found.counts.tolist()) if c} == Counter(live)
    assert {n: c for n, c in enumerate(found.chains.tolist()) if c} == Counter(chain)
    assert found.mean == pytest.approx(fmean(live))
    assert found.mean_occupied == pytest.approx(fmean([n for n in live if n] or [0]))
    assert found.sd == pytest.approx(pstdev(live), abs=1e-6)
    assert found.expected_sd == pytest.approx(math.sqrt(total / len(live)))
    positions = [bucket for bucket, count in enumerate(live) for _ in range(count)]
    assert found.position_sd == pytest.approx(pstdev(positions) if positions else 0, abs=1e-6)
    assert found.uniform_position_sd == pytest.approx(len(live) / math.sqrt(12))
    if total:
        expected = total / len(live)
        chi = sum((n - expected) ** 2 / expected for n in live)
        assert found.chi_square == pytest.approx(chi, abs=1e-6)
        if total > 1 and len(live) > 1:
            pairs = sum(n * (n - 1) // 2 for n in live)
            wanted = total * (total - 1) / 2 / len(live)
            at_least = 1 - math.fsum(poisson(wanted, k) for k in range(pairs))
            p = max(chi_square_p(chi, len(live) - 1), at_least)
            assert found.p_value == pytest.approx(p, rel=1e-6, abs=1e-9)
    ranked = sorted(
        ((length, "buckets", at) for at, length in enumerate(chain) if length > 1),
        key=lambda one: (-one[0], one[2]),
    )
    assert found.longest == ranked[:LONGEST]
    assert sum(found.strip.tolist()) == pytest.approx(total)
    assert len(found.strip) == min(STRIP_MARKS, len(live))


def test_numbers_of_an_empty_map() -> None:
    for found in (stats_of([], []), stats_of([block("buckets", [0])], [array(1)])):
        assert (found.mean, found.mean_occupied, found.maximum, found.sd) == (0, 0, 0, 0)
        assert (found.expected_sd, found.position_sd, found.chi_square) == (0, 0, 0)
        assert (found.p_value, found.load, found.chain_bound) == (None, 0, 1)
        assert found.verdicts() == []


def test_one_bucket_or_one_entry_is_not_judged() -> None:
    assert stats_of([block("buckets", [8])], [array(1)]).p_value is None
    assert stats_of([block("buckets", [1, 0])], [array(2)]).p_value is None
    assert stats_of([block("buckets", [1, 1])], [array(2)]).p_value == 1.0
    # Two entries share one of two buckets half of the time; chi-square says 0.157.
    assert stats_of([block("buckets", [2, 0])], [array(2)]).p_value == pytest.approx(
        1 - math.exp(-0.5)
    )


def test_blocks_without_rows_count_only_their_overflow_buckets() -> None:
    found = stats_of([Block("buckets", None, None, 7, 3)], [array(4, spare=5)])
    assert (found.overflow, found.spare_used, found.live) == (7, 3, 0)


# ---- during growth -------------------------------------------------------------------------------


def growing_uniform(
    old_buckets: int, factor: int, evacuated: int, entries: int, seed: int
) -> Stats:
    """A map with a uniform hash whose first old buckets are evacuated."""
    new_buckets = old_buckets * factor
    dice = random.Random(seed)
    new, old = [0] * new_buckets, [0] * old_buckets
    for _ in range(entries):
        place = dice.randrange(new_buckets)
        if place % old_buckets < evacuated:
            new[place] += 1
        else:
            old[place % old_buckets] += 1
    moved = [bucket < evacuated for bucket in range(old_buckets)]
    return stats_of(
        [block("buckets", new), block("oldbuckets", old, evacuated=moved)],
        [array(new_buckets), array(old_buckets, "oldbuckets")],
        same_size_grow=factor == 1,
    )


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("evacuated", [0, 1, 300, 512, 1000, 1024])
def test_uniform_hash_in_mid_growth_looks_uniform(factor: int, evacuated: int) -> None:
    found = growing_uniform(1024, factor, evacuated, 6600, seed=evacuated)
    assert found.evacuated == evacuated
    assert found.bins == (1024 - evacuated) + factor * evacuated
    assert int(found.counts.sum()) == found.bins
    assert found.p_value is not None and 1e-3 < found.p_value < 1 - 1e-3
    assert found.sd == pytest.approx(found.expected_sd, rel=0.06)
    assert found.position_sd == pytest.approx(found.uniform_position_sd, rel=0.02)
    assert "skewed" not in [one.name for one in found.verdicts()]
    # The strip covers the whole hash space: no part is empty or counted twice.
    share = 6600 / len(found.strip)
    assert all(0.6 * share < mark < 1.4 * share for mark in found.strip.tolist())


def test_a_map_that_shrinks_has_its_entries_where_they_will_be() -> None:
    old = [0, 0, 1, 2, 3, 4, 5, 6]
    found = stats_of(
        [
            block("buckets", [7, 8, 0, 0]),
            block("oldbuckets", old, evacuated=[True, True] + [False] * 6),
        ],
        [array(4), array(8, "oldbuckets")],
    )
    assert found.live == sum(old) + 15
    assert found.strip.tolist() == [7 + 3, 8 + 4, 1 + 5, 2 + 6]


@pytest.mark.parametrize("factor", [1, 2])
def test_chi_square_in_mid_growth_is_that_of_bins_of_two_widths(factor: int) -> None:
    old = [3, 9, 0, 4]
    new = [5, 0, 0, 0] + ([6, 0, 0, 0] if factor == 2 else [])
    found = stats_of(
        [
            block("buckets", new),
            block("oldbuckets", old, evacuated=[True, False, False, False]),
        ],
        [array(len(new)), array(4, "oldbuckets")],
    )
    # The bins: each new bucket of old bucket 0, and the old buckets 1, 2 and 3.
    bins = [(5, 1 / 8), (6, 1 / 8)] if factor == 2 else [(5, 1 / 4)]
    bins += [(count, 1 / 4) for count in old[1:]]
    total = sum(count for count, _ in bins)
    assert sum(width for _, width in bins) == 1
    chi = sum((count - total * width) ** 2 / (total * width) for count, width in bins)
    assert (found.live, found.bins) == (total, len(bins))
    assert found.chi_square == pytest.approx(chi)
    assert found.sd == pytest.approx(pstdev([count for count, _ in bins]))
    assert found.mean == pytest.approx(total / len(bins))


@pytest.mark.parametrize("growth", ["no", "double", "same"])
@pytest.mark.parametrize("seed", range(6))
def test_numbers_of_whole_maps_add_up(growth: str, seed: int) -> None:
    made = random_buckets(seed, Geometry(), 4, growth, 5)  # type: ignore[arg-type]
    expected = made.expected()
    found = stats_of(list(made.walk().walk(False)), made.arrays)  # type: ignore[arg-type]
    assert found.live == len(expected.cells)
    assert found.overflow == expected.overflow
    assert found.live + found.deleted + found.empty == found.slots
    assert found.unread == 0
    positions = []
    size = 16
    for name, bucket, *_ in expected.cells:
        # An entry of an old bucket may go to either new one: half an entry in each.
        width = size if name == "buckets" else made.arrays[1].buckets
        positions += [
            place for place in range(bucket, size, width) for _ in range(2 // (size // width))
        ]
    assert found.position_sd == pytest.approx(pstdev(positions) if positions else 0)


# ---- buckets that could not be read --------------------------------------------------------------


def test_unread_buckets_are_told_and_forbid_some_judgements() -> None:
    found = stats_of([block("buckets", [0] * 3000)], [array(4096)], count=5000)
    assert found.unread == 1096
    assert [one.name for one in found.verdicts()] == ["incomplete"]
    # Even if no entry is missing: the rest is not known to be empty.
    empty = stats_of([block("buckets", [0] * 3000)], [array(4096)])
    assert [one.name for one in empty.verdicts()] == ["incomplete"]
    skewed = stats_of([block("buckets", [0] * 2999 + [500])], [array(4096)])
    assert skewed.p_value is None
    assert "skewed" not in [one.name for one in skewed.verdicts()]


# ---- memory --------------------------------------------------------------------------------------


@given(
    st.integers(0, 10),
    st.integers(0, 50),
    st.integers(0, 20),
    st.integers(0, 10),
    st.integers(0, 200),
    st.booleans(),
)
@settings(max_examples=100, derandomize=True, deadline=None)
def test_parts_of_the_memory_add_up(
    B: int, overflow: int, spare: int, used: int, box: int, growing: bool
) -> None:
    used = min(used, spare, overflow)
    arrays = [array(1 << B, spare=spare)] + ([array(1 << B, "oldbuckets", 2)] if growing else [])
    chain = [1 + overflow] + [1] * ((1 << B) - 1)
    found = stats_of(
        [block("buckets", [3] * (1 << B), chain=chain, spare_used=used)],
        arrays,
        box_size=box,
        retired=(array(4, "retired 0"),),
    )
    parts = found.bucket_bytes + found.overflow_bytes + found.spare_bytes + found.box_bytes
    assert parts + found.pinned_bytes + found.header.header_size == found.held
    assert found.spare_bytes == (spare - used + (2 if growing else 0)) * 144
    assert found.bucket_bytes == (1 << B) * 144 * len(arrays) + 48 * len(arrays)
    assert found.box_bytes == 3 * (1 << B) * box
    assert found.wasted == max(0, found.held - found.rebuilt)


@pytest.mark.parametrize(
    ("entries", "buckets"),
    [(1, 1), (8, 1), (9, 2), (13, 2), (14, 4), (26, 4), (27, 8), (104, 16), (105, 32)],
)
def test_rebuilt_map_has_the_size_that_growth_would_have_given_it(
    entries: int, buckets: int
) -> None:
    found = stats_of([block("buckets", [entries] + [0] * 1023)], [array(1024, spare=64)])
    spare = buckets // 16
    assert found.rebuilt == 128 + 48 + (buckets + spare) * 144


def test_rebuilt_empty_map_is_its_header() -> None:
    assert stats_of([block("buckets", [0])], [array(1)]).rebuilt == 128
    assert stats_of([], []).held == stats_of([], []).rebuilt == 128


# ---- verdicts: at each threshold and just beyond -------------------------------------------------


def names(found: Stats) -> list[str]:
    return [one.name for one in found.verdicts()]


@pytest.mark.parametrize(
    ("live", "deleted", "verdict"),
    [
        ([4, 4], [0, 0], []),  # load 4
        ([5, 4], [0, 0], ["full"]),
        ([5, 4], [1, 0], ["full"]),  # 1 of 16 slots
        ([5, 4], [1, 1], []),  # 12.5 %
        ([5, 5, 5, 5, 5], [1, 1, 1, 0, 0], ["full"]),  # 7.5 %
        ([5, 5, 5, 5, 5], [1, 1, 1, 1, 0], []),  # 10 % is not under 10 %
        ([1, 1], [2, 2], []),  # 25 % is not above 25 %
        ([1, 1], [3, 2], ["emptied"]),
        ([0, 0], [8, 8], ["emptied"]),
    ],
)
def test_full_and_emptied(live: list[int], deleted: list[int], verdict: list[str]) -> None:
    found = stats_of([block("buckets", live, deleted=deleted)], [array(len(live))])
    assert names(found) == verdict


def test_oversized_from_four_times_and_over_64_kib_on() -> None:
    def oversized(header_size: int, entries: int, buckets: int) -> bool:
        live = [entries] + [0] * (buckets - 1)
        found = stats_of(
            [block("buckets", live, chain=[1] * buckets)], [array(buckets)], header_size=header_size
        )
        assert ("oversized" in names(found)) == (
            found.held >= 4 * found.rebuilt and found.held > 65536
        )
        return "oversized" in names(found)

    # 8 entries need one bucket: 144 + 48 bytes and the header.
    small = 455 * 144 + 48  # held without the header: 65,568
    assert not oversized(0, 8, 454)  # 65,424 bytes
    assert oversized(0, 8, 455)
    # held = h + 65,568 is four times h + 192 where 3 h = 64,800.
    assert small == 65_568
    assert oversized(21_600, 8, 455)
    assert not oversized(21_601, 8, 455)


def test_oversized_of_exactly_64_kib_is_not_told() -> None:
    exact = 65536 - (454 * 144 + 48)
    for more, verdict in ((0, []), (1, ["oversized"])):
        live = [8] + [0] * 453
        found = stats_of([block("buckets", live)], [array(454)], header_size=exact + more)
        assert found.held == 65536 + more
        assert names(found) == verdict


def test_skewed_needs_a_bad_spread_and_a_long_chain() -> None:
    even = [3] * 256
    assert "skewed" not in names(stats_of([block("buckets", even)], [array(256)]))
    # The same chain lengths, but a good spread: long chains from an earlier load.
    good = uniform(256, 768)
    chain = [9] + [1 + (n > 8) for n in good[1:]]
    assert "skewed" not in names(stats_of([block("buckets", good, chain=chain)], [array(256)]))
    # A bad spread without a long chain: half of the buckets are empty.
    half = [6, 0] * 128
    found = stats_of([block("buckets", half)], [array(256)])
    assert found.p_value is not None and found.p_value < 1e-6
    assert "skewed" not in names(found)
    # Both.
    bad = [0] * 255 + [768]
    found = stats_of([block("buckets", bad)], [array(256)])
    assert "skewed" in names(found)
    assert "a chain of 96 buckets" in found.verdicts()[-1].text


def test_skewed_from_one_bucket_above_the_bound_on() -> None:
    buckets, entries = 1024, 6144
    bound = -(-poisson_bound(entries / buckets, buckets) // 8)
    for longest, verdict in ((bound, []), (bound + 1, ["skewed"])):
        live = [12, 0] * (buckets // 2)
        chain = [longest] + [2 if n else 1 for n in live[1:]]
        found = stats_of([block("buckets", live, chain=chain)], [array(buckets)])
        assert found.chain_bound == bound
        assert [name for name in names(found) if name == "skewed"] == verdict


@pytest.mark.parametrize("mean", [1, 4, 6])
@pytest.mark.parametrize("seed", range(5))
def test_uniform_hash_is_never_called_skewed(mean: int, seed: int) -> None:
    live = uniform(512, 512 * mean, seed)
    found = stats_of([block("buckets", live)], [array(512)])
    assert found.p_value is not None and found.p_value > 1e-4
    assert "skewed" not in names(found)


@pytest.mark.parametrize("left", [2, 5, 10, 20, 40])
def test_few_entries_left_of_a_good_hash_are_not_called_skewed(left: int) -> None:
    # After a mass deletion: long chains remain from before, and two entries may well share a
    # bucket, although chi-square, which is for many entries, says otherwise.
    false = 0
    for seed in range(200):
        live = uniform(2048, left, seed)
        found = stats_of([block("buckets", live, chain=[3] + [1] * 2047)], [array(2048)])
        false += "skewed" in names(found)
    assert false == 0


def test_few_entries_left_that_share_a_bucket_are_skewed() -> None:
    found = stats_of([block("buckets", [20] + [0] * 2047)], [array(2048)])
    assert "skewed" in names(found)


@pytest.mark.parametrize(
    ("evacuated", "same", "text"),
    [
        (0, False, "stalled: 0 of 4 old buckets evacuated; only writes finish the growth"),
        (1, False, "growing: 1 of 4 old buckets evacuated; only writes finish the growth"),
        (3, True, "growing: 3 of 4 old buckets evacuated; only writes finish the same-size growth"),
    ],
)
def test_growing_and_stalled(evacuated: int, same: bool, text: str) -> None:
    moved = [bucket < evacuated for bucket in range(4)]
    found = stats_of(
        [block("buckets", [0] * 8), block("oldbuckets", [1] * 4, evacuated=moved)],
        [array(8), array(4, "oldbuckets")],
        same_size_grow=same,
    )
    assert names(found) == [text.split(":")[0]]
    assert found.verdicts()[0].text.startswith(text)


def test_pinned() -> None:
    one = stats_of([], [], retired=(array(4, "retired 0", pins=1),))
    assert names(one) == ["pinned"]
    assert one.verdicts()[0].text == (
        "pinned: 1 superseded array of 624 bytes kept by 1 open iterator"
    )
    two = stats_of(
        [block("buckets", [0] * 8), block("oldbuckets", [0] * 4)],
        [array(8, pins=2), array(4, "oldbuckets", pins=2)],
        retired=(array(2, "retired 0", pins=1),),
    )
    assert names(two) == ["stalled", "pinned"]
    assert two.verdicts()[1].text == (
        "pinned: 2 superseded arrays of 960 bytes kept by 3 open iterators"
    )
    # An iterator over the present array pins no superseded array.
    assert names(stats_of([block("buckets", [1])], [array(1, pins=1)])) == []


def test_writer_inside() -> None:
    assert names(stats_of([], [], writing=True)) == ["writer inside"]


def test_several_verdicts_hold() -> None:
    found = stats_of([block("buckets", [40] * 4)], [array(4)], writing=True)
    assert names(found) == ["full", "writer inside"]
