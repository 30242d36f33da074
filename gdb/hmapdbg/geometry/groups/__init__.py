"""Open addressing by groups of slots, with control bytes (Swiss tables).

    shape    nouns, sizes, probe lengths, verdicts
    layout   offsets in a group, and what the control bytes mean
    walk     all groups of a map, table after table, and the invariants of control bytes
    audit    boxes, and duplicate keys
"""
