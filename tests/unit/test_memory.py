"""Bulk reads compared with an oracle that reads one byte at a time."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmapdbg.target import MemoryFault
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.memory import MERGE_GAP, PAGE

LIMITS = {4: 1 << 32, 8: 1 << 64}

relaxed = settings(derandomize=True, deadline=None, max_examples=150)


def pattern(addr: int, size: int) -> bytes:
    """Bytes that depend on their address."""
    where = np.arange(size, dtype=np.uint64) + np.uint64(addr)
    return bytes((where * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(56)).astype(np.uint8))


class Oracle:
    """The same memory, byte by byte."""

    def __init__(self, segments: dict[int, bytes]) -> None:
        self.bytes = {start + i: b for start, data in segments.items() for i, b in enumerate(data)}

    def row(self, addr: int, size: int) -> bytes | None:
        """`size` bytes at `addr`; None if one of them is missing."""
        row = [self.bytes.get(addr + i) for i in range(size)]
        return None if None in row else bytes(row)  # type: ignore[arg-type]


@st.composite
def targets(draw: st.DrawFn) -> tuple[FakeTarget, Oracle, st.SearchStrategy[int]]:
    """A target, its oracle, and addresses in and around its segments. Without known mappings the
    segments are whole pages, as the memory of a process is; with them they may begin anywhere."""
    pointer_size = draw(st.sampled_from([4, 8]))
    limit = LIMITS[pointer_size]
    known = draw(st.booleans())
    start = draw(st.sampled_from([0, 0x400000, limit - 24 * PAGE]))
    segments: dict[int, bytes] = {}
    for _ in range(draw(st.integers(1, 4))):
        unit = draw(st.sampled_from([1, 7, 512])) if known else PAGE
        start += unit * draw(st.integers(0, 3))
        size = min(unit * draw(st.integers(1, 3)), limit - start)
        if size > 0:
            segments[start] = pattern(start, size)
            start += size
    if draw(st.booleans()) and start < limit:
        start = -(-start // PAGE) * PAGE
        segments[start if known else limit - PAGE] = pattern(start, min(PAGE, limit - start))
    byte_order = draw(st.sampled_from(["little", "big"]))
    target = FakeTarget(
        segments, pointer_size=pointer_size, byte_order=byte_order, knows_mappings=known
    )
    edges = [edge for s, data in segments.items() for edge in (s, s + len(data))]
    near = st.builds(int.__add__, st.sampled_from(edges), st.integers(-300, 300))
    at = st.builds(int.__sub__, st.sampled_from(edges), st.sampled_from([0, 1, 8, 200]))
    within = st.builds(
        lambda s, part: s + int(part * (len(segments[s]) - 1)),
        st.sampled_from(list(segments)),
        st.floats(0, 1),
    )
    addrs = st.one_of(near, at, within, st.integers(0, limit - 1))
    return target, Oracle(segments), addrs.map(lambda addr: min(max(addr, 0), limit - 1))


@relaxed
@given(st.data(), targets(), st.sampled_from([1, 8, 200]) | st.integers(1, 200))
def test_gather_gives_what_single_reads_give(data, made, size):
    target, oracle, addresses = made
    addrs = data.draw(st.lists(addresses, max_size=30))
    addrs += data.draw(st.lists(st.sampled_from(addrs), max_size=5)) if addrs else []
    rows, ok = target.gather(np.array(addrs, np.uint64), size)
    assert rows.shape == (len(addrs), size)
    expected = [oracle.row(addr, size) for addr in addrs]
    assert ok.tolist() == [row is not None for row in expected]
    assert [row.tobytes() for row in rows[ok]] == [row for row in expected if row is not None]


@relaxed
@given(st.data(), targets(), st.integers(0, 5 * PAGE))
def test_span_is_zero_in_its_holes_alone(data, made, size):
    target, oracle, addresses = made
    start = data.draw(addresses)
    out, holes = target.read_span(start, start + size)
    end = min(start + size, target.address_limit)
    missing = {addr for low, high in holes for addr in range(low, high)}
    assert missing == {addr for addr in range(start, end) if addr not in oracle.bytes}
    assert out.tobytes() == bytes(oracle.bytes.get(addr, 0) for addr in range(start, end))
    assert all(low < high for low, high in holes)
    assert all(a[1] < b[0] for a, b in zip(holes, holes[1:]))


@relaxed
@given(st.data(), targets(), st.integers(0, 40), st.integers(1, 200))
def test_adjacent_rows_are_whole_or_marked(data, made, count, size):
    target, oracle, addresses = made
    addr = data.draw(addresses)
    rows, ok = target.read_rows(addr, count, size)
    assert rows.shape == (count, size)
    expected = [oracle.row(addr + i * size, size) for i in range(count)]
    assert ok.tolist() == [row is not None for row in expected]
    assert [row.tobytes() for row in rows[ok]] == [row for row in expected if row is not None]


@relaxed
@given(st.data(), targets(), st.integers(0, 200))
def test_single_read_is_whole_or_a_fault(data, made, size):
    target, oracle, addresses = made
    addr = data.draw(addresses)
    expected = oracle.row(addr, size)
    assert target.is_readable(addr, size) == (expected is not None)
    if expected is None:
        with pytest.raises(MemoryFault):
            target.read(addr, size)
    else:
        assert target.read(addr, size) == expected


@pytest.mark.parametrize("pointer_size", [4, 8])
@pytest.mark.parametrize("known", [False, True])
def test_last_row_of_the_address_space_is_read(pointer_size, known):
    limit = LIMITS[pointer_size]
    target = FakeTarget(
        {limit - PAGE: pattern(0, PAGE)}, pointer_size=pointer_size, knows_mappings=known
    )
    addrs = np.array([limit - 8, limit - 7, limit - PAGE, limit - PAGE - 1, 0], np.uint64)
    rows, ok = target.gather(addrs, 8)
    assert ok.tolist() == [True, False, True, False, False]
    assert rows[0].tobytes() == pattern(0, PAGE)[-8:]
    assert rows[2].tobytes() == pattern(0, PAGE)[:8]


def test_rows_behind_the_address_space_are_faults():
    target = FakeTarget({(1 << 64) - PAGE: bytes(PAGE)})
    assert target.read_rows((1 << 64) + 16, 3, 8)[1].tolist() == [False] * 3
    assert target.read_rows((1 << 64) - 16, 3, 8)[1].tolist() == [True, True, False]


def test_near_addresses_share_one_read():
    target = FakeTarget({0x10000: pattern(0x10000, 64 * PAGE)})
    addrs = np.arange(0x10000, 0x10000 + 64 * PAGE, 80, dtype=np.uint64)
    np.random.default_rng(1).shuffle(addrs)
    _, ok = target.gather(addrs, 16)
    assert ok.all()
    assert len(target.reads) == 1


def test_far_addresses_are_read_alone():
    target = FakeTarget({0x10000: bytes(64 * PAGE)})
    addrs = 0x10000 + np.arange(5, dtype=np.uint64) * np.uint64(8 * MERGE_GAP)
    target.gather(addrs, 16)
    assert sorted(target.reads) == [(addr, 16) for addr in addrs.tolist()]


def test_gap_in_a_merged_read_costs_few_further_reads():
    segments = {0x10000: bytes(16 * PAGE), 0x10000 + 17 * PAGE: bytes(15 * PAGE)}
    target = FakeTarget(segments)
    addrs = np.arange(0x10000, 0x10000 + 32 * PAGE, 64, dtype=np.uint64)
    _, ok = target.gather(addrs, 64)
    assert np.flatnonzero(~ok).tolist() == list(range(16 * 64, 17 * 64))
    assert len(target.reads) < 20


def test_known_gap_is_never_read():
    segments = {0x10000: bytes(PAGE), 0x12000: bytes(PAGE)}
    target = FakeTarget(segments, knows_mappings=True)
    target.gather(np.arange(0x10000, 0x13000, 64, dtype=np.uint64), 64)
    assert sorted(target.reads) == [(0x10000, PAGE), (0x12000, PAGE)]


def test_batches_bound_a_read_and_lose_no_row(monkeypatch):
    monkeypatch.setattr("hmapdbg.target.memory.MAX_READ", 2 * PAGE)
    data = pattern(0x10000, 64 * PAGE)
    target = FakeTarget({0x10000: data})
    addrs = np.arange(0x10000, 0x10000 + 64 * PAGE - 100, 37, dtype=np.uint64)
    rows, ok = target.gather(addrs, 100)
    assert ok.all()
    offsets = (addrs - np.uint64(0x10000)).tolist()
    assert [row.tobytes() for row in rows] == [data[at : at + 100] for at in offsets]
    assert max(size for _, size in target.reads) <= 2 * PAGE + 200


def test_nothing_to_gather():
    target = FakeTarget({})
    rows, ok = target.gather(np.zeros(0, np.uint64), 8)
    assert rows.shape == (0, 8) and ok.shape == (0,)
    rows, ok = target.gather(np.array([1, 2], np.uint64), 0)
    assert rows.shape == (2, 0) and ok.all()
    assert target.reads == []


@pytest.mark.parametrize("byte_order", ["little", "big"])
@pytest.mark.parametrize("pointer_size", [4, 8])
def test_unsigned_integer_of_a_pointers_size(byte_order, pointer_size):
    target = FakeTarget(
        {0x1000: bytes(range(1, 17))}, byte_order=byte_order, pointer_size=pointer_size
    )
    expected = int.from_bytes(bytes(range(1, pointer_size + 1)), byte_order)
    assert target.read_uint(0x1000) == expected
    assert target.read_uint(0x1001, 1) == 2


def test_mapping_that_cannot_be_read_is_a_hole():
    class Truncated(FakeTarget):
        def mappings(self):
            return [(0x10000, 0x14000)]

    target = Truncated({0x10000: bytes(2 * PAGE)})
    _, ok = target.gather(np.array([0x10000, 0x11FF8, 0x12000, 0x13000], np.uint64), 8)
    assert ok.tolist() == [True, True, False, False]
    assert target.read_span(0x10000, 0x14000)[1] == [(0x12000, 0x14000)]


@pytest.mark.parametrize(("byte_order", "pointer_size"), [("little", 8), ("big", 4)])
def test_columns_of_rows(byte_order, pointer_size):
    target = FakeTarget(byte_order=byte_order, pointer_size=pointer_size)
    numbers = [1, 0x80000001, 5]
    rows = np.frombuffer(
        b"".join(
            b"xy"
            + number.to_bytes(pointer_size, byte_order)
            + (-number).to_bytes(8, byte_order, signed=True)
            for number in numbers
        ),
        np.uint8,
    ).reshape(3, -1)
    assert target.pointer_column(rows, 2).tolist() == numbers
    assert target.pointer_column(rows, 2).dtype == np.uint64
    signed = target.integer_column(rows, 2 + pointer_size, 8, signed=True)
    assert signed.tolist() == [-number for number in numbers]
    assert target.pointer_column(rows[:0], 2).tolist() == []


def test_what_is_kept_is_made_once_for_each_target():
    made = []

    def make(target):
        made.append(target)
        return len(made)

    first, second = FakeTarget(), FakeTarget()
    assert [first.kept(make), first.kept(make), second.kept(make), first.kept(make)] == [1, 1, 2, 1]
    assert made == [first, second]


def test_what_is_kept_does_not_outlive_its_target():
    target = FakeTarget()
    kept = weakref.ref(target)
    # Cached facts refer to their target: its types do.
    target.kept(lambda one: [one])
    del target
    gc.collect()
    assert kept() is None
