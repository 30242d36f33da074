"""The picture of a map from the CSV files of hmap-dump, without gdb: what scripts/hmap-plot runs.

    rows           a CSV in bulk
    tables         the occupancy CSV and the entries CSV, as Blocks
    picture        the walk over both into the picture
    command_line   arguments, errors, exit status
    script         the process around them
"""

# Exit statuses, beside 0.
UNREADABLE = 2  # a file cannot be read or written, or is no such CSV
USAGE = 3
INTERRUPTED = 130
