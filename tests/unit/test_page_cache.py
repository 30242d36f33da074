"""The cache for memory that is slow to read: its results, and the reads it makes."""

from __future__ import annotations

import random

import pytest

from hmapdbg.target import MemoryFault
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.page_cache import BLOCK, MAX_BLOCKS, PageCache

START = 4 * BLOCK


def rig(blocks: int) -> tuple[FakeTarget, PageCache, bytes]:
    data = random.Random(blocks).randbytes(blocks * BLOCK)
    target = FakeTarget({START: data})
    return target, PageCache(target.read_exactly), data


def test_answers_are_those_of_the_memory_and_each_block_is_asked_for_once() -> None:
    target, cache, data = rig(5)
    chosen = random.Random(7)
    for _ in range(300):
        at = chosen.randrange(len(data))
        size = min(chosen.choice([1, 8, 4096, BLOCK, 2 * BLOCK + 3]), len(data) - at)
        assert bytes(cache.read(START + at, size)) == data[at : at + size]
    assert sorted(target.reads) == [(START + n * BLOCK, BLOCK) for n in range(5)]


def test_memory_may_begin_and_end_inside_a_block() -> None:
    target = FakeTarget({START + 4096: bytes(range(256)) * 16})
    cache = PageCache(target.read_exactly)
    assert bytes(cache.read(START + 4096 + 5, 3)) == bytes([5, 6, 7])
    assert bytes(cache.read(START + 8192 - 2, 2)) == bytes([254, 255])
    for addr, size in ((START, 8), (START + 8192, 1), (START + 8190, 4), (0, 1)):
        with pytest.raises(MemoryFault):
            cache.read(addr, size)
    # A hole is not read twice.
    assert target.reads.count((START, BLOCK)) == 1


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmapdbg.target.page_cache.MAX_BLOCKS", 2)
    assert MAX_BLOCKS * BLOCK <= 128 << 20
    target, cache, data = rig(4)
    for _ in range(2):
        for n in range(4):
            assert bytes(cache.read(START + n * BLOCK + 1, 4)) == data[n * BLOCK + 1 :][:4]
    assert target.reads.count((START, BLOCK)) == 1
    assert target.reads.count((START + 3 * BLOCK + 1, 4)) == 2
