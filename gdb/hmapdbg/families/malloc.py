"""How many bytes the C library's malloc takes for a block, if it is glibc's: what maps of C and C++
hold includes its rounding.

A block has a word before it with the size of its chunk, the word included, and flags in the low
bits (glibc's malloc/malloc.c, struct malloc_chunk). Other allocators have none there: tcmalloc,
jemalloc, the sanitizers', a program's own pools. So a block is taken for malloc's only if that word
is one that malloc would have written for its size, and the chunk behind it agrees. Which function
is called `malloc` would say less: a pool may be made of it, or a library be linked statically.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..compat import dataclass
from ..target import MemoryFault, Target

PREV_INUSE, IS_MMAPPED, NON_MAIN_ARENA = 1, 2, 4
FLAGS = 7
PAGE = 4096  # bytes of the smallest page
MAX_PAGE = 2 << 20  # of the largest that mmapped chunks are rounded to (glibc.malloc.hugetlb)
MAX_ALIGNMENT = 16  # of blocks that ask for none
LEAST_NEXT = 2  # words of the smallest chunk behind another: the end of a heap


@dataclass(frozen=True, slots=True)
class Malloc:
    """The rounding of a process's malloc."""

    word: int  # bytes of a pointer
    alignment: int  # of blocks

    def size(self, size: int) -> int:
        """The bytes that a block of `size` bytes takes."""
        return max(4 * self.word, (size + self.word + self.alignment - 1) & -self.alignment)


@dataclass(frozen=True, slots=True)
class Allocation:
    """A block that a map has asked for: where, and of how many bytes."""

    address: int
    size: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """What malloc has given for a block, in bytes."""

    size: int
    is_mapped: bool  # whole pages, for this block alone


def find_malloc(target: Target, blocks: Sequence[Allocation]) -> tuple[Malloc, list[int]] | None:
    """The malloc that all these blocks are from, and the bytes that each takes by its size, so
    that equal maps hold equal bytes: a rest that stays with a block is left out. None if any block
    is not from malloc, or there are none."""
    chunks: list[Chunk] = []
    for one in blocks:
        chunk = chunk_of(target, one)
        if chunk is None:
            return None
        chunks.append(chunk)
    if not chunks:
        return None
    word = target.pointer_size
    # On 32 bits it is 16 for some processors (i386 since glibc 2.26), and 8 for others.
    numbers = [one.address for one in blocks]
    numbers += [chunk.size for chunk in chunks if not chunk.is_mapped]
    is_large = all(number % MAX_ALIGNMENT == 0 for number in numbers)
    malloc = Malloc(word, MAX_ALIGNMENT if is_large else 2 * word)
    return malloc, [
        chunk.size if chunk.is_mapped else malloc.size(one.size)
        for one, chunk in zip(blocks, chunks)
    ]


def chunk_of(target: Target, block: Allocation) -> Chunk | None:
    """What malloc has given for a block, at times a few bytes more than its size needs. None: the
    block is not from malloc."""
    word = target.pointer_size
    if block.address % (2 * word) or block.address < PAGE:
        return None
    try:
        before = target.read_uint(block.address - 2 * word)
        size = target.read_uint(block.address - word)
        if size & IS_MMAPPED:
            return _mapped_chunk(word, block, before, size)
        least = Malloc(word, 2 * word).size(block.size)
        # A rest too small for a chunk stays with the block, also behind an aligned one.
        most = Malloc(word, MAX_ALIGNMENT).size(block.size) + 4 * word
        flags, size = size & FLAGS, size & ~FLAGS
        if not least <= size <= most or size % (2 * word):
            return None
        following = target.read_uint(block.address - word + size)
    except MemoryFault:
        return None
    is_next = following & ~FLAGS >= LEAST_NEXT * word and (following & ~FLAGS) % (2 * word) == 0
    agrees = following & FLAGS == PREV_INUSE | flags & NON_MAIN_ARENA
    return Chunk(size, False) if is_next and agrees else None


def _mapped_chunk(word: int, block: Allocation, before: int, size: int) -> Chunk | None:
    """A chunk that malloc has mapped for one block; `before`: its other word, what the alignment
    has taken. From glibc 2.43 on, the size is without the two words themselves."""
    flags, whole = size & FLAGS, (size & ~FLAGS) + before
    if whole % PAGE:
        whole += 2 * word
    start = block.address - 2 * word - before
    room = whole - before - 2 * word
    is_sound = flags == IS_MMAPPED and start % PAGE == whole % PAGE == 0
    return Chunk(whole, True) if is_sound and 0 <= room - block.size < MAX_PAGE else None
