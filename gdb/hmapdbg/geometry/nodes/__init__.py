"""An array of lists, with a node per entry: all nodes on one list, in which those of a bucket are
adjacent.

    shape    nouns, sizes, verdicts
    layout   offsets in a node
    table    cells and links as they are read
    runs     how many nodes each bucket has, from links alone
    walk     buckets in order, and the entries of each
    map      an opened map over them, and its audit
"""
