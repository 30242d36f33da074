"""The index of a Go program that has debug info: the layout file that hmap-layout(1) makes of it.

A debugger reads the debug info of a compilation unit for each name that it is asked for, which
takes long for the thousands of variables of a server, and it changes some names ("go.etcd.io/…").
hmap-layout reads all of it in a second. What it writes is kept in the user's cache folder, by the
program's build id.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .core_file import NotACore, build_ids_of
from .elf_symbols import file_has_debug_info, is_built_by_go
from .layout_file import FORMAT, LayoutFile
from .layout_files import Placed, Programs
from .protocol import TargetError

TOOL = "hmap-layout"
SOURCE = "debug info"  # where numbers come from, for people
KEPT = 20  # indexes in the cache folder, of which each takes some MB


class ProgramIndexes:
    """The indexes of the programs that were looked at, for as long as this process runs."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._known: dict[tuple[str, int], LayoutFile | None] = {}
        self._refusals: dict[str, str] = {}  # of each program that should have one, and has not

    def placed(self) -> list[Placed]:
        """The indexes of the Go programs of the current process: none for those without debug info
        of their own, nor for those in `refusals`."""
        out = []
        for path in self._programs.paths():
            file = self._of(path)
            text = self._programs.text_address(path) if file is not None else None
            if file is not None:
                out.append(Placed(file, path, 0 if text is None else text - file.text, False))
        return out

    def refusals(self) -> list[str]:
        """Which Go programs of the current process have no index, and why, for people."""
        return [
            f"'{os.path.basename(path)}' is read without an index, so maps in variables whose "
            f"names gdb changes are missing: {self._refusals[path]}"
            for path in self._programs.paths()
            if path in self._refusals
        ]

    def _of(self, path: str) -> LayoutFile | None:
        try:
            key = path, os.stat(path).st_mtime_ns
            if key not in self._known:
                is_wanted = is_built_by_go(path) and file_has_debug_info(path)
                self._known[key] = self._made(path) if is_wanted else None
            return self._known[key]
        except OSError:
            return None

    def _made(self, path: str) -> LayoutFile | None:
        self._refusals.pop(path, None)
        try:
            return _index(path)
        except (OSError, TargetError) as error:
            self._refusals[path] = " ".join(str(error).split())
            return None


def _index(path: str) -> LayoutFile:
    """The index of a program. TargetError and OSError: it cannot be made, and why."""
    tool = find_tool()
    if tool is None:
        raise TargetError(
            f"{TOOL} is not there: install it, build the project, or put it into PATH"
        )
    kept = _kept_at(path, tool)
    if kept is not None and kept.exists():
        with contextlib.suppress(TargetError):
            file = LayoutFile(str(kept), SOURCE)
            os.utime(kept)  # the oldest ones are removed
            return file
    folder = kept.parent if kept is not None and _is_ready(kept.parent) else None
    with tempfile.TemporaryDirectory(prefix=".hmap-", dir=folder) as scratch:
        made = Path(scratch) / "index.json"
        done = subprocess.run(
            [tool, path, "--json", str(made)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise TargetError(said[-1] if said else f"'{tool}' ended with {done.returncode}")
        file = LayoutFile(str(made), SOURCE)
        if kept is not None and folder is not None:
            made.rename(kept)
            _forget_old(folder)
        return file


def find_tool() -> str | None:
    """Where hmap-layout is: installed beside this package, built in the tree of its sources, or in
    PATH. None: nowhere."""
    package = Path(__file__).resolve().parents[1]
    # PREFIX/share/hmap/gdb/hmapdbg; of a tree of sources near the root, nothing is that far up.
    beside = package.parents[1].parent.parent / "bin" / TOOL
    # Other builds may be for other machines.
    built = [
        one
        for build in ("dev", "release")
        for one in package.parents[1].glob(f"build/{build}/*/layout/{TOOL}")
    ]
    found = [one for one in (beside, *built) if os.access(one, os.X_OK)]
    if found:
        return str(max(found, key=lambda one: one.stat().st_mtime_ns))
    return shutil.which(TOOL)


def _kept_at(path: str, tool: str) -> Path | None:
    """Where the index of a program is kept; None: it has no build id, so none is. Each version of
    hmap-layout has its own."""
    try:
        ids = build_ids_of(path).ids
    except NotACore:
        return None
    if not ids:
        return None
    stat = os.stat(tool)
    text = repr((FORMAT, stat.st_size, stat.st_mtime_ns, sorted(ids)))
    name = hashlib.sha256(text.encode()).hexdigest()[:32]
    return cache_folder() / f"{name}.json"


def cache_folder() -> Path:
    """The user's folder for indexes."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "hmap"


def _is_ready(folder: Path) -> bool:
    """Whether a folder exists, by now, and can be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _forget_old(folder: Path) -> None:
    """Removes all but the indexes that were used last."""
    kept: Sequence[Path] = sorted(folder.glob("*.json"), key=lambda one: -one.stat().st_mtime_ns)
    for one in kept[KEPT:]:
        with contextlib.suppress(OSError):
            one.unlink()
