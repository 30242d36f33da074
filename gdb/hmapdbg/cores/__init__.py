"""Many cores, a gdb each: what scripts/hmap-cores runs, and what runs inside each gdb.

    job, names            what both sides share: a job file, a report, names of files
    match                 what can be known of a core before gdb is started
    run, outcome, page    the outer side: it starts a gdb for each core, and tells what came of it
    inside, examine       the inner side, which does the job
    explain               what it says of an error
"""
