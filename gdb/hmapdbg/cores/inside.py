"""Examines the maps of one core for scripts/hmap-cores, inside the gdb that it started: no command.

    (gdb) python from hmapdbg.cores.inside import main; main("job.json")
"""

from __future__ import annotations

import traceback

from .explain import explain
from .job import END, TROUBLE, Job, ReportFile


def main(job_file: str) -> None:
    """Does the job. Raises nothing: all that happens is in the report."""
    job = Job.read(job_file)
    with open(job.report, "a", encoding="utf-8") as file:
        report = ReportFile(file)
        try:
            # Which may lack numpy.
            from .examine import examine

            examine(job, report)
        except Exception as error:  # pylint: disable=broad-except
            traceback.print_exc()
            report.add(TROUBLE, text=explain(error))
        report.add(END)
