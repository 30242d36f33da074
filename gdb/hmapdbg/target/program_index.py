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

    def placed(self) -> list[Placed]:
        """The indexes of the Go programs of the current process: none for those without debug info
        of their own, and none at all where hmap-layout is not installed."""
        out = []
        for path in self._programs.paths():
            file = self._of(path)
            text = self._programs.text_address(path) if file is not None else None
            if file is not None:
                out.append(Placed(file, path, 0 if text is None else text - file.text, False))
        return out

    def _of(self, path: str) -> LayoutFile | None:
        try:
            key = path, os.stat(path).st_mtime_ns
            if key not in self._known:
                is_wanted = is_built_by_go(path) and file_has_debug_info(path)
                self._known[key] = _index(path) if is_wanted else None
            return self._known[key]
        except OSError:
            return None


def _index(path: str) -> LayoutFile | None:
    """The index of a program; None where it cannot be made. OSError."""
    tool = find_tool()
    if tool is None:
        return None
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
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode != 0:
            return None
        try:
            file = LayoutFile(str(made), SOURCE)
        except TargetError:
            return None
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
