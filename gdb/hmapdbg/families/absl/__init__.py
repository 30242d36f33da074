"""Abseil's flat and node hash maps and sets, and those of parallel-hashmap (phmap), which were made
from them.

    layouts  where each release keeps its fields, by their names
    entries  what a slot is, and where key and elem are
    table    a table that was read, and the sizes that the library's formulas give
    opened   opened maps: one table, or one a shard
    family   recognises and opens them
"""
