"""What malloc takes for a block, by the words around it in fake memory."""

from __future__ import annotations

import pytest

from hmapdbg.families.malloc import Allocation, Malloc, chunk_of, find_malloc
from hmapdbg.survey import survey
from hmapdbg.target.fake import FakeTarget
from hmapdbg.text import summary
from unordered_rig import CELLS_AT, NODES_AT, Rig

AT = 0x5000_0000


def given(
    size: int, word: int, following: int, *, before: int = 0, at: int = AT, bits: int = 64
) -> int | None:
    """What a block of `size` bytes takes, with `word` before it and `following` before the next."""
    width = bits // 8
    chunk = bytearray(64 << 10)
    chunk[:width] = before.to_bytes(width, "little")
    chunk[width : 2 * width] = word.to_bytes(width, "little")
    end = width + (word & ~7)
    chunk[end : end + width] = following.to_bytes(width, "little")
    target = FakeTarget({at - 2 * width: bytes(chunk)}, pointer_size=width)
    found = chunk_of(target, Allocation(at, size))
    return None if found is None else found.size


@pytest.mark.parametrize(
    ("size", "chunk"), [(1, 32), (24, 32), (25, 48), (40, 48), (41, 64), (1000, 1008)]
)
def test_a_block_takes_a_word_more_in_steps_of_16(size: int, chunk: int) -> None:
    assert Malloc(8, 16).size(size) == chunk
    assert given(size, chunk | 1, 0x1F001) == chunk
    assert given(size, chunk | 5, 0x35) == chunk  # of a thread's arena


@pytest.mark.parametrize(
    ("size", "chunk", "alignment"), [(1, 16, 8), (12, 16, 8), (13, 24, 8), (13, 32, 16)]
)
def test_a_block_of_a_32_bit_program(size: int, chunk: int, alignment: int) -> None:
    assert Malloc(4, alignment).size(size) == chunk
    assert given(size, chunk | 1, 0x1001, bits=32) == chunk


def test_a_rest_too_small_for_a_chunk_stays_with_the_block() -> None:
    assert given(40, 64 | 1, 0x21) == 64


def test_a_block_with_a_mapping_of_its_own_takes_whole_pages() -> None:
    assert given(200_000, 0x31000 | 2, 0, at=AT + 16) == 0x31000
    assert given(200_000, 0x31000 | 2, 0, at=AT + 32) is None  # not at a page's start
    assert given(200_000, 0x30FC0 | 2, 0, at=AT + 80, before=64) == 0x31000  # an aligned block
    assert given(200_000, 0x30000 | 2, 0, at=AT + 16) is None  # too small
    # From glibc 2.43 on, the size is without the two words before the block.
    assert given(200_000, 0x30FF0 | 2, 0, at=AT + 16) == 0x31000
    assert given(200_000, 0x30FB0 | 2, 0, at=AT + 80, before=64) == 0x31000
    assert given(200_000, 0x30FE0 | 2, 0, at=AT + 16) is None


@pytest.mark.parametrize(
    ("word", "following"),
    [
        (0, 0x21),  # nothing before it
        (33, 0x31),  # another size
        (49, 0),  # nothing behind it
        (49, 0x30),  # the next chunk says that this one is free
        (49, 0x23),  # the next one has a mapping of its own
        (49, 0x25),  # the next one is of another arena
        (49 | 8, 0x21),  # a flag that there is not
        (1 << 62, 0x21),
    ],
)
def test_other_words_are_not_malloc_s(word: int, following: int) -> None:
    if word >> 40:
        target = FakeTarget({AT - 16: bytes(8) + word.to_bytes(8, "little") + bytes(100)})
        assert chunk_of(target, Allocation(AT, 40)) is None
    else:
        assert given(40, word, following) is None


@pytest.mark.parametrize("at", [0, 8, AT + 8, 2**64 - 16])
def test_an_address_that_malloc_never_returns(at: int) -> None:
    assert chunk_of(FakeTarget({AT: bytes(100)}), Allocation(at, 40)) is None


@pytest.mark.parametrize(("first", "second", "alignment"), [(33, 49, 16), (25, 33, 8)])
def test_the_alignment_of_32_bit_programs_is_seen(first: int, second: int, alignment: int) -> None:
    words = bytearray(256)
    for at, word in ((12, first), (12 + (first & ~7), second), (12 + first + second - 2, 17)):
        words[at : at + 4] = word.to_bytes(4, "little")
    target = FakeTarget({AT - 16: bytes(words)}, pointer_size=4)
    blocks = [Allocation(AT, (first & ~7) - 8), Allocation(AT + (first & ~7), (second & ~7) - 8)]
    assert find_malloc(target, blocks) == (Malloc(4, alignment), [first & ~7, second & ~7])


def test_one_block_of_another_allocator_is_enough_to_know_nothing() -> None:
    rig = Rig([[0], [1, 5, 9], [], [3]], on_heap=True)
    cells, nodes = (rig.memory[at - 16] for at in (CELLS_AT, NODES_AT))
    _, opened = rig.open()
    assert opened.header.is_rounded
    assert "264 bytes held with rounding (" in memory_of(rig)
    sound = bytes(cells)
    cells[8] = 0
    assert "168 bytes held without rounding (" in memory_of(rig)
    cells[:] = sound
    for at in range(8, len(nodes), 32):
        nodes[at] = 0
    assert "168 bytes held without rounding (" in memory_of(rig)


def test_nothing_is_said_of_rounding_where_nothing_is_allocated() -> None:
    assert "56 bytes held, wasted 0" in memory_of(Rig([[]]))


def memory_of(rig: Rig) -> str:
    """The line of the summary about memory."""
    _, opened = rig.open()
    stats, problems = survey(opened.header, opened.walk(cells=False))
    return next(line for line in summary(stats, problems).splitlines() if line.startswith("memory"))
