"""Buckets with a few slots each, a tophash byte a slot, and overflow buckets chained behind them.

    shape    nouns, sizes, verdicts
    layout   where things are in a bucket, and what the tophash bytes mean
    walk     all buckets of a map, from the first to the last, new array before old
    chase    the chains of some main buckets, side by side; very long ones one by one
    view     single buckets slot by slot, stale keys too
    audit    every invariant of such a map
"""
