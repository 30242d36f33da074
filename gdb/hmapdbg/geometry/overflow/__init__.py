"""Open addressing by groups of slots that remember which keys went on past them, in place of
tombstones: each group has metadata, with a byte for each slot and marks of overflow.

    layout   where metadata and slots lie, and what metadata says
    probes   probe lengths, and which entries a lookup finds
    shape    the Geometry: nouns, sizes, probe lengths, verdicts
    walk     all groups of a map, table after table
    map      an opened map over them: walk, audit, placement
"""
