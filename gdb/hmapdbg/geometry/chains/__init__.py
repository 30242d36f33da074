"""Buckets with a few slots each, a tophash byte per slot, and chained overflow buckets.

    shape    nouns, sizes, verdicts
    layout   offsets in a bucket, and what the tophash bytes mean
    walk     all buckets of a map, from the first to the last, new array before old
    chase    the chains of some main buckets, in parallel; very long ones one by one
    view     single buckets slot by slot, stale keys too
    audit    every invariant of such a map
"""
