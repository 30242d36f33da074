"""Runs in gdb: the commands of one session, each between marks on both streams.

The job file (a path in HMAP_GDB_JOB) is JSON: {"commands": [...], "mark": text, "report": path}.
The marks delimit what each command printed; the report has its result, one line of JSON per
command, so that it is complete up to the command that ends gdb.
"""

import json
import os
import sys

import gdb


def main() -> None:
    with open(os.environ.pop("HMAP_GDB_JOB"), encoding="utf-8") as file:
        job = json.load(file)
    gdb.execute("unset environment HMAP_GDB_JOB", to_string=True)

    uncaught: list[str] = []
    print_exception = sys.excepthook

    # gdb prints an exception of a sourced script and continues; the hook records it.
    def hook(kind, value, trace) -> None:  # type: ignore[no-untyped-def]
        uncaught.append(f"{kind.__name__}: {value}")
        print_exception(kind, value, trace)

    sys.excepthook = hook
    with open(job["report"], "w", encoding="utf-8", buffering=1) as report:
        for index, command in enumerate(job["commands"]):
            error = None
            mark(job["mark"], index)
            try:
                gdb.execute(command, from_tty=False, to_string=False)
            except gdb.error as exception:  # also the GdbError of a command
                error = str(exception)
            except KeyboardInterrupt:
                error = "Quit"
            report.write(json.dumps({"error": error, "uncaught": uncaught[:]}) + "\n")
            uncaught.clear()
        mark(job["mark"], len(job["commands"]))


def mark(text: str, index: int) -> None:
    """Flushes standard output and standard error, and writes the mark to both."""
    for stream, number in ((sys.stdout, gdb.STDOUT), (sys.stderr, gdb.STDERR)):
        stream.flush()
        gdb.write(f"{text}{index}\n", number)
        gdb.flush(number)


main()
