"""Open addressing slot by slot, with the state of each slot stored in a column of its own or in the
slot: a hash code, a distance, a flag (GLib, khash, robin_map). Keys and elems are columns too, in
the slots or in arrays beside them.

    layout   where states, keys and elems are
    probes   the slots that lookups go through
    shape    nouns, sizes, probe lengths, verdicts
    walk     all slots of a table
    map      an opened map over one: walk, audit, placement
    robin    tables whose slots tell how far an entry is from its home
"""
