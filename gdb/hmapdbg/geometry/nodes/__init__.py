"""An array of lists, with a node an entry: all nodes on one list, in which those of a bucket stand
together.

    shape    nouns, sizes, verdicts
    layout   where things are in a node
    table    cells and links as they are read
    runs     how many nodes each bucket has, by links alone
    walk     buckets in order, and the entries of each
"""
