"""From the command line of hmap-cores to its results."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence

from ..arguments import UsageError
from ..families.declared.document import read_definition
from ..listing.rows import Listing
from ..listing.tables import diff_csv, diff_lines
from ..output.files import FileError, Outputs
from ..target import TargetError
from ..text import printable
from . import UNREADABLE, USAGE, outcome, page
from .command_line import Asked, parse
from .match import Program, Unusable, open_program
from .run import SUMMARY_FILE, Core, CoreResult, Options, Runner, choose_cores, prepare_output
from .sysroot import named_program
from .teller import Teller

DIFF_FILE = "diff.csv"
DIFF_ROWS = 10  # of those that are printed


def main(arguments: Sequence[str]) -> int:
    """Examines the cores and writes the results; the exit status."""
    asked = parse(arguments)
    try:
        program, paths = _checked(asked)
        cores = choose_cores(paths)
        prepare_output(asked.output, cores)
    except OSError as error:
        _say(f"cannot read '{error.filename}': {(error.strerror or str(error)).lower()}")
        return USAGE
    except (UsageError, FileError) as error:
        _say(str(error))
        return USAGE
    try:
        results = _results(asked, program, cores)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        _say(f"cannot write '{error.filename}': {reason}")
        return UNREADABLE
    except FileError as error:
        _say(str(error))
        return UNREADABLE
    print(outcome.closing_line(results, asked.output))
    return outcome.exit_status(results, asked.fail_on)


def _say(text: str) -> None:
    """What is wrong with the command line, or with what it leads to: names may steer a terminal."""
    print(f"hmap-cores: {printable(text)}", file=sys.stderr)


def _checked(asked: Asked) -> tuple[Program | None, Sequence[str]]:
    """The program, if one is named, and paths of cores, where all that is asked for can be had.
    UsageError."""
    path, paths = asked.program, asked.cores
    if asked.sysroot:
        if not os.path.isdir(asked.sysroot):
            raise UsageError(f"no folder '{asked.sysroot}': name a root folder with --sysroot")
        named = named_program(path, os.path.abspath(asked.sysroot))
        if not paths or named is None:
            path, paths = "", [path, *paths]
        else:
            path = named
    try:
        program = open_program(path) if path else None
    except Unusable as problem:
        why = str(problem)
        if asked.sysroot and not os.path.exists(path):
            why = f"neither in '{asked.sysroot}' nor here: name the program that dumped the cores"
        raise UsageError(f"'{path}': {why}") from None
    if shutil.which(asked.gdb) is None:
        raise UsageError(f"no '{asked.gdb}' here: install gdb, or use --gdb")
    for path in asked.definitions:
        _check_definitions(path)
    if asked.map and asked.diff:
        raise UsageError("--diff is of all maps: leave --map out")
    if asked.html and importlib.util.find_spec("jinja2") is None:
        raise UsageError("--html needs 'jinja2': install python3-jinja2")
    return program, paths


def _check_definitions(path: str) -> None:
    """UsageError if a definition file cannot be used; a module of Python is run by gdb alone."""
    try:
        if path.endswith(".py"):
            with open(path, "rb"):
                return
        read_definition(path)
    except OSError as error:
        raise UsageError(f"cannot read '{path}': {error.strerror}") from None
    except TargetError as error:
        raise UsageError(str(error)) from None


def _results(asked: Asked, program: Program | None, cores: Sequence[Core]) -> Sequence[CoreResult]:
    """What came of the cores, told and written. FileError, OSError."""
    runner = Runner(
        Options(
            program=program,
            output=asked.output,
            maps=asked.map,
            jobs=min(asked.jobs, len(cores)),
            timeout=asked.timeout,
            most=asked.most,
            entries=not asked.no_entries,
            pictures=not asked.no_plots,
            guarded=asked.guard,
            any_build=asked.any_build,
            twin=asked.twin and os.path.abspath(asked.twin),
            definitions=[os.path.abspath(one) for one in asked.definitions],
            gdb=asked.gdb,
            commands=asked.ex,
            max_unpacked=asked.max_unpacked,
            sysroot=asked.sysroot and os.path.abspath(asked.sysroot),
        )
    )
    with Teller(cores, runner, asked.fail_on) as teller:
        found = runner.run(cores, teller.tell)
    results = [found[core] for core in cores]
    _write(asked.output, SUMMARY_FILE, outcome.summary(results, asked.guard))
    listings = [page.read_listing(asked.output, result) for result in results]
    if asked.diff:
        _tell_difference(asked.output, listings, asked.guard)
    if asked.html:
        named = "" if program is None else os.path.abspath(program.path)
        page.write_pages(asked.output, named, results, listings, runner.options.sysroot)
    return results


def _tell_difference(output: str, listings: Sequence[Listing | None], guarded: bool) -> None:
    """Says which maps have grown, and writes diff.csv. FileError."""
    found = page.compared(listings)
    if found is None:
        print("no difference: needs two cores with listed maps")
        return
    for line in diff_lines(found, DIFF_ROWS):
        print(line.replace("'--limit N' shows N, 0 all", f"see {DIFF_FILE}"))
    _write(output, DIFF_FILE, diff_csv(found, guarded))


def _write(output: str, name: str, text: str) -> None:
    """Writes a file of the results. FileError."""
    with Outputs() as outputs:
        outputs.open(os.path.join(output, name)).write(text)
        outputs.commit()
