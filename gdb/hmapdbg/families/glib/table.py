"""Sizes of a GHashTable, and when it grows or shrinks (glib/ghash.c)."""

from __future__ import annotations

LEAST = 8  # slots
# prime_mod[]: for each power of two, the prime that hashes are divided by.
PRIMES = (
    (1, 2, 3, 7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071)
    + (262139, 524287, 1048573, 2097143, 4194301, 8388593, 16777213, 33554393, 67108859)
    + (134217689, 268435399, 536870909, 1073741789, 2147483647)
)


def is_full(size: int, occupied: int) -> bool:
    """Whether a table of so many slots is rebuilt when so many are entries or tombstones
    (g_hash_table_maybe_resize)."""
    return size <= occupied + occupied // 16


def room(size: int) -> int:
    """The entries and tombstones that a table takes without being rebuilt.

    >>> room(8), room(16), room(1024)
    (7, 15, 963)
    """
    least, most = 0, size
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (least, middle - 1) if is_full(size, middle) else (middle, most)
    return least


def rebuilt_size(entries: int) -> int:
    """The slots of a table that is rebuilt with so many entries (g_hash_table_resize)."""
    return max(LEAST, 1 << int(entries * 1.333).bit_length())


def size_for(entries: int) -> int:
    """The slots of a table into which so many entries were inserted, and nothing else."""
    size = LEAST
    while entries > room(size):
        size = rebuilt_size(room(size) + 1)
    return size
