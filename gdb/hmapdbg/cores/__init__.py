"""Many cores, a gdb each: what scripts/hmap-cores runs, and what runs inside each gdb.

The two sides share a job file and a report. This package is the outer side, and what of the inner
side needs no gdb; the inner side proper is commands/batch.py.
"""
