"""Files that are written, and one walk of a map that fills all of them.

    files   whole or not at all: a temporary name until the end, in this place alone
    dump    the files of one map
"""
