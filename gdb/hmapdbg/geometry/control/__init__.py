"""Open addressing slot by slot, with the control bytes of all slots in one array and the slots in
another (hashbrown, Abseil): a lookup compares a window of control bytes at a time, which may begin
at any slot.

    layout   offsets in a slot, which way slots lie, where entries are that are not in their slots
    shape    nouns, sizes, probe lengths, verdicts
    probes   windows of control bytes, and the lookups that go through them
    walk     all slots of a map's tables, and the invariants of control bytes
    map      an opened map over them: walk, audit, placement
"""
