"""From the variables of a program to the maps that they lead to.

    plan        what of a type is worth following: pointers, arrays, slices, interfaces, containers
    steps       paths as the user would type them, made when a map is found at their end
    walk        the search: from variables along the plans, in bulk, each place once
    containers  the standard containers and smart pointers of C++
    interfaces  what Go's interfaces hold, as types of debug info
    go_heap     maps of a Go program that no variable leads to
    registry    libhmap's own list of its maps
    resolve     from such a path back to the value, for hmap-dump and the others
"""
