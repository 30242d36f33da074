"""Many cores, a gdb each: what scripts/hmap-cores runs, and what runs inside each gdb.

    job, names                  what both sides share: a job file, a report, names of files
    match                       what can be known of a core before gdb is started
    packed, unpack              compressed cores, unpacked as long as they are looked at
    sysroot                     executables and libraries in the root folder of a container
    ready                       all that is done to a core before gdb takes it
    run                         the outer side: it starts a gdb for each core
    outcome, teller, page       what it tells of them: lines, CSV, pages
    script, main, command_line  the process, and what it is asked for
    inside, examine             the inner side, which does the job
    explain                     what it says of an error
"""

# Exit statuses, the highest that applies.
FINE, FOUND, UNREADABLE, USAGE = 0, 1, 2, 3
INTERRUPTED = 130
