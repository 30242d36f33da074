"""Sizes of a GHashTable, and when it grows or shrinks (glib/ghash.c)."""

from __future__ import annotations

LEAST = 8  # slots


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


def rebuilt_size(entries: int, is_old: bool = False) -> int:
    """The slots of a table that is rebuilt with so many entries (g_hash_table_resize); `is_old`: by
    GLib before 2.59."""
    return max(LEAST, 1 << int(entries * (2 if is_old else 1.333)).bit_length())


def size_for(entries: int, is_old: bool = False) -> int:
    """The slots of a table into which so many entries were inserted, and nothing else."""
    size = LEAST
    while entries > room(size):
        size = rebuilt_size(room(size) + 1, is_old)
    return size
