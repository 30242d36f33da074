"""Open addressing slot by slot: an array of slots, each with one entry or none.

    shape    nouns, sizes, probe lengths, verdicts
    layout   offsets in a slot, and which slots are used
    map      an opened map over such an array: walk, audit and view
"""
