"""What a map's blocks take of the process's memory: with malloc's rounding, where the map is from
malloc (hmap.h: an allocator may be given), or as they were asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ...compat import dataclass
from ...header import Array
from ...target import Target
from ..malloc import Allocation, find_malloc

MAX_ALIGN = 16  # what malloc aligns all blocks to, at most


@dataclass(frozen=True, slots=True)
class Taken:
    """Sizes in bytes."""

    header: int
    arrays: tuple[Array, ...]
    retired: tuple[Array, ...]
    front: int  # of an array, before its first bucket
    boxes: int  # per entry
    block: Callable[[int], int]  # of any block, by its own size
    is_rounded: bool


def taken(
    target: Target,
    header: Allocation,
    arrays: Sequence[Array],
    retired: Sequence[Array],
    bucket_size: int,
    boxes: Sequence[int],
    align: int,
) -> Taken:
    """The memory of a map with these blocks. `boxes`: the sizes of one entry's, aligned to
    `align`."""
    all_arrays = [*arrays, *retired]
    blocks = [header, *(_allocation(one, bucket_size) for one in all_arrays)]
    front = max(_front(all_arrays[0], bucket_size), 0) if all_arrays else 0
    found = find_malloc(target, blocks)
    if found is None:
        return Taken(
            header.size, tuple(arrays), tuple(retired), front, sum(boxes), _as_asked, False
        )
    malloc, (header_size, *sizes) = found
    rounded = [replace(array, size=size) for array, size in zip(all_arrays, sizes)]
    return Taken(
        header_size,
        tuple(rounded[: len(arrays)]),
        tuple(rounded[len(arrays) :]),
        front,
        sum(malloc.size(_aligned(size, align)) for size in boxes),
        malloc.size,
        True,
    )


def _allocation(array: Array, bucket_size: int) -> Allocation:
    """The block of an array: its header is in front of its first bucket, and padding before that
    (array.c)."""
    return Allocation(array.address - _front(array, bucket_size), array.size)


def _front(array: Array, bucket_size: int) -> int:
    return array.size - (array.buckets + array.spare) * bucket_size


def _aligned(size: int, align: int) -> int:
    """What the library asks malloc for (create.c default_allocate())."""
    return -(-size // align) * align if align > MAX_ALIGN else size


def _as_asked(size: int) -> int:
    return size
