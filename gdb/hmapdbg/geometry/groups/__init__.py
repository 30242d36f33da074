"""Open addressing by groups of slots, with a control byte a slot (Swiss tables).

    shape    nouns, sizes, probe lengths, verdicts
    layout   where things are in a group, and what the control bytes mean
    walk     all groups of a map, table after table, and the invariants of control bytes
    audit    boxes, and keys that are there twice
"""
