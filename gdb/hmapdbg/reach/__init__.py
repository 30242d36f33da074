"""From the variables of a program to the maps that they lead to.

    plan        what to follow in a type: pointers, arrays, slices, interfaces, containers
    steps       paths as the user would type them, built when a map is found at their end
    members     members in paths: hidden ones, base classes
    keys        keys in paths
    limits      how far a search goes
    misses      what it could not follow
    walk        the search: from variables along the plans, in bulk, each place once
    go_heap     maps of a Go program that no variable leads to
    go_holders  what holds values that no variable leads to
    go_stacks   maps in frames of goroutines, by the code of their functions
    go_sound    whether memory is a map of a type
    resolve     from such a path back to the value, for hmap-dump and other commands

languages/ knows what a language's own types lead to.
"""
