"""All maps of a process: ranked, saved, and compared with how they were.

    rows        the data model: a row a map, and a listing of them
    collect     from a target's variables to rows
    sample      which keys of a map are remembered, so that two listings can tell new ones
    saved       a listing as JSON, written and read again
    difference  two listings of one program, the map that grew most first
    tables      what hmap-list and hmap-diff print, and their CSV
    pprof       a listing as a profile for `go tool pprof`
"""
