"""From the variables of a program to the maps that they lead to.

    plan        what to follow in a type: pointers, arrays, slices, interfaces, containers
    steps       paths as the user would type them, built when a map is found at their end
    members     members in paths: hidden ones, base classes
    keys        keys in paths
    limits      how far a search goes
    walk        the search: from variables along the plans, in bulk, each place once
    go_heap     maps of a Go program that no variable leads to
    resolve     from such a path back to the value, for hmap-dump and other commands

languages/ knows what a language's own types lead to.
"""
