"""An array of cells, each with a list of its own, one node an entry (uthash). The Geometry is that
of geometry.nodes, where all nodes are on one list.

    layout   where cells, links, keys and elems are
    walk     the lists of all cells
    map      an opened map over them: walk, audit, placement
"""
