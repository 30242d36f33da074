"""A gdb for each core, some at a time, each with a time limit."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path
from typing import IO

from ..compat import dataclass
from ..output.files import FileError
from .job import Job, MapResult, Report, read_report
from .match import Program, Unusable
from .names import Names
from .ready import Ready, Wanted, made_ready
from .unpack import Bounds

EXTENSION = Path(__file__).resolve().parents[2] / "hmap.py"
FORMAT = "hmap-cores/1"
MARKER = "core.json"  # in a folder that this made
LOG = "gdb.log"
SUMMARY_FILE = "summary.csv"

SETTINGS = (
    "set confirm off",
    "set height 0",
    "set width 0",
    "set debuginfod enabled off",
    "set auto-load off",
    "set startup-with-shell off",
    "set hmap progress off",
)
# What an environment could change in gdb's Python.
DROPPED = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "MPLBACKEND")

SHARE = 0.3  # of the time limit of a core, for the search for its maps, and for the list of them

# Seconds. A signal that another thread gets does not end this one's wait, and its handler runs in
# this one: without a limit an interrupt would be lost.
WAKE = 0.5


@dataclass(frozen=True)
class Core:
    """A core to examine, and its folder's name in the output."""

    path: str
    shown: str  # as the user named it
    name: str


@dataclass(frozen=True)
class Options:
    """What holds for all cores of a run."""

    program: Program | None  # None: each core's own, in sysroot
    output: str
    maps: Sequence[str] = ()
    jobs: int = 1
    timeout: float = 300.0
    most: int = 0
    entries: bool = True
    pictures: bool = True
    guarded: bool = False  # CSVs are for spreadsheets
    any_build: bool = False
    gdb: str = "gdb"
    commands: Sequence[str] = ()  # for gdb, before it reads the core
    max_unpacked: int = 32 << 30  # bytes of a compressed core
    twin: str = ""  # a rebuild of the programs, with names and types; empty: none
    definitions: Sequence[str] = ()  # files that declare further families
    sysroot: str = ""  # root folder in which executables and libraries are; empty: gdb's


@dataclass(frozen=True)
class CoreResult:
    """What came of one core."""

    core: Core
    maps: Sequence[MapResult] = ()
    troubles: Sequence[str] = ()  # what could not be examined beside the maps, a line each
    notes: Sequence[str] = ()
    has_folder: bool = False
    program: Program | None = None  # None: unknown, as nothing could be examined
    twin: str = ""  # that names and types are from; empty: the program's own
    definitions: Sequence[str] = ()  # files that declare families


def choose_cores(given: Sequence[str]) -> list[Core]:
    """The cores named, a folder standing for the files in it, each with a name of its own."""
    paths: list[str] = []
    for path in given:
        if os.path.isdir(path):
            inside = sorted(
                entry.path
                for entry in os.scandir(path)
                if not entry.name.startswith(".") and not entry.is_dir()
            )
            paths += inside or [path]
        else:
            paths.append(path)
    names = Names(taken=(SUMMARY_FILE, "diff.csv", "index.html"), dots=True)
    bases = [os.path.basename(path) for path in paths]
    cores = []
    for path, base in zip(paths, bases):
        # core.1 of two folders: told apart by the folders.
        text = base if bases.count(base) == 1 else "_".join(Path(path).parts[-2:])
        cores.append(Core(os.path.abspath(path), path, names.take(text, "core")))
    return cores


def prepare_output(output: str, cores: Sequence[Core]) -> None:
    """Makes the output's folder, and sees that nobody else's files are in the way. FileError."""
    try:
        os.makedirs(output, exist_ok=True)
        if not os.access(output, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FileError(f"cannot write to '{output}': {reason}: choose another -o") from None
    for core in cores:
        folder = os.path.join(output, core.name)
        if os.path.lexists(folder) and not _is_ours(folder):
            raise FileError(
                f"'{folder}' is in the way and not of an earlier run: choose another -o"
            )


def _is_ours(folder: str) -> bool:
    if os.path.islink(folder) or not os.path.isdir(folder):
        return False
    return not os.listdir(folder) or os.path.isfile(os.path.join(folder, MARKER))


class Runner:
    """Examines cores; `stop` ends it from another thread or a signal handler's."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.running: dict[str, float] = {}  # names of the cores in work
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(
        self, cores: Sequence[Core], tell: Callable[[CoreResult], None]
    ) -> dict[Core, CoreResult]:
        """What came of each core; `tell` hears of each as soon as it is known."""
        results: dict[Core, CoreResult] = {}
        with ThreadPoolExecutor(max_workers=self.options.jobs) as pool:
            try:
                pending = {pool.submit(self._examine, core) for core in cores}
                while pending:
                    done, pending = wait(pending, WAKE, return_when=FIRST_COMPLETED)
                    for future in done:
                        result = future.result()
                        results[result.core] = result
                        tell(result)
            except BaseException:
                self.stop()
                raise
        return results

    def stop(self) -> None:
        """Ends every gdb, and starts no other."""
        with self._lock:
            self._stopped = True
            for process in self._processes:
                _kill(process)

    def _examine(self, core: Core) -> CoreResult:
        with self._lock:
            if self._stopped:
                return CoreResult(core, troubles=["not examined: interrupted"])
            self.running[core.name] = 0.0
        try:
            return self._examine_in_folder(core)
        except OSError as error:
            return CoreResult(core, troubles=[f"cannot write the results: {error}"])
        finally:
            with self._lock:
                del self.running[core.name]

    def _examine_in_folder(self, core: Core) -> CoreResult:
        options = self.options
        final = os.path.join(options.output, core.name)
        wanted = Wanted(options.program, options.sysroot, options.any_build, options.output)
        bounds = Bounds(options.max_unpacked, options.timeout, lambda: self._stopped)
        result = CoreResult(core)
        try:
            with made_ready(core.path, wanted, bounds) as ready:
                result = self._examine_ready(core, ready, final)
        except Unusable as problem:
            _replace_folder(None, final)
            return CoreResult(core, troubles=[str(problem)])
        return result

    def _examine_ready(self, core: Core, ready: Ready, final: str) -> CoreResult:
        notes = ready.notes
        with _temporary_folder(self.options.output, core.name) as folder:
            report, failure = self._run_gdb(core, ready, folder)
            troubles = list(report.troubles)
            if failure:
                troubles.append(failure)
            if troubles and notes and notes[0].startswith("truncated"):
                # The reason behind the trouble first.
                troubles = [f"{notes[0]}; {troubles[0]}", *troubles[1:]]
            result = CoreResult(
                core,
                report.maps,
                troubles,
                [*notes, *report.notes],
                has_folder=True,
                program=ready.program,
                twin=self.options.twin,
                definitions=self.options.definitions,
            )
            if self._stopped:
                return result
            self._finish_folder(folder, result, ready.program, keep_log=bool(troubles))
            _replace_folder(folder, final)
        return result

    def _run_gdb(self, core: Core, ready: Ready, folder: str) -> tuple[Report, str]:
        """Runs gdb on the core; its report, and how it failed (empty: it did not)."""
        options = self.options
        report = os.path.join(folder, ".report")
        job_file = os.path.join(folder, ".job")
        log_file = os.path.join(folder, LOG)
        Job(
            core.path,
            folder,
            report,
            tuple(options.maps),
            options.most,
            options.entries,
            options.pictures,
            options.guarded,
            options.twin,
            SHARE * options.timeout,
            tuple(options.definitions),
        ).write(job_file)
        command = self._command(ready, job_file)
        with open(log_file, "wb") as log:
            log.write(f"$ {shlex.join(command)}\n".encode("utf-8", "surrogateescape"))
            log.flush()
            failure = self._wait_for(command, log)
        outcome = read_report(report)
        for name in (report, job_file):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
        where = f", in map '{outcome.working_on}'" if outcome.working_on else ""
        if failure:
            return outcome, f"{failure}{where}: see {os.path.join(core.name, LOG)}"
        if not outcome.ended:
            said = _last_line(log_file)
            return outcome, f"gdb ended without a result{where}" + (f": {said}" if said else "")
        return outcome, ""

    def _command(self, ready: Ready, job_file: str) -> list[str]:
        options = self.options
        before = [word for text in SETTINGS[:-1] for word in ("-iex", text)]
        if options.sysroot:
            before += ["-iex", f"set sysroot {options.sysroot}"]
        before += [word for text in options.commands for word in ("-iex", text)]
        call = f"from hmapdbg.cores.inside import main; main({job_file!r})"
        return [
            options.gdb,
            "-nx",
            "-batch",
            *before,
            "-x",
            str(EXTENSION),
            "-ex",
            SETTINGS[-1],
            "-ex",
            f"python {call}",
            os.path.abspath(ready.program.path),
            "-c",
            ready.path,
        ]

    def _wait_for(self, command: list[str], log: IO[bytes]) -> str:
        """Runs the command to its end, or to the time limit; what was wrong, or nothing."""
        environment = {key: text for key, text in os.environ.items() if key not in DROPPED}
        with self._lock:
            if self._stopped:
                return "not examined: interrupted"
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment | {"LC_ALL": "C.UTF-8"},
                start_new_session=True,
            )
            self._processes.add(process)
        try:
            status = process.wait(self.options.timeout)
        except subprocess.TimeoutExpired:
            return f"timed out after {self.options.timeout:g} s"
        finally:
            _kill(process)
            process.wait()
            with self._lock:
                self._processes.discard(process)
        if status < 0:
            return f"gdb was killed by {_signal_name(-status)}"
        return ""

    def _finish_folder(
        self, folder: str, result: CoreResult, program: Program, keep_log: bool
    ) -> None:
        """Leaves in the folder what is whole, and what it is about."""
        for entry in list(os.scandir(folder)):
            # Files of a gdb that died while it wrote them.
            if entry.name.startswith(".") or entry.name == LOG and not keep_log:
                os.unlink(entry.path)
        document = {
            "format": FORMAT,
            "core": result.core.path,
            "executable": os.path.abspath(program.path),
            "build_id": str(program.build_ids),
            "troubles": list(result.troubles),
            "notes": list(result.notes),
            "maps": [asdict(one) for one in result.maps],
        }
        with open(os.path.join(folder, MARKER), "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")


@contextlib.contextmanager
def _temporary_folder(parent: str, name: str) -> Iterator[str]:
    """A folder beside the final one, gone at the end unless it has been moved."""
    folder = tempfile.mkdtemp(prefix=f".{name}.", dir=parent)
    try:
        os.chmod(folder, stat.S_IMODE(os.stat(parent).st_mode))
        yield os.path.abspath(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _replace_folder(folder: str | None, final: str) -> None:
    """Puts a folder in the place of the one of an earlier run; None: just takes that one away."""
    parent, name = os.path.split(final)
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=parent) as aside:
        if os.path.isdir(final) and _is_ours(final):
            os.rename(final, os.path.join(aside, name))
        if folder is not None:
            os.rename(folder, final)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and what it started."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_line(path: str) -> str:
    """The last line that gdb said, behind the one with its command line."""
    with open(path, "rb") as file:
        file.readline()
        lines = file.read(1 << 20).decode("utf-8", "backslashreplace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
