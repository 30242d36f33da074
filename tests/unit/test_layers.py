"""The import rule: data flows one way, and a layer imports only what is above it in ROWS.

A layer is a module of the package, or a folder with its contents. The layers are listed from the
tree; add a new one to its row here, without its own modules.
"""

from __future__ import annotations

import ast
import fnmatch
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gdb" / "hmapdbg"

# From the bottom up. Layers of one row do not import each other, except in the last: gdb's surface
# is one.
ROWS: tuple[tuple[str, ...], ...] = (
    (
        "compat",
        "numpy_threads",
        "requirements",
        "arguments",
        "distribution",
        "termination",
    ),  # without maps and targets
    ("target",),
    ("layout",),
    ("languages",),  # what languages and libraries have beyond maps
    ("values",),
    ("block",),
    ("header",),
    ("geometry",),
    ("families",),
    ("own",),  # for families that users write in Python
    ("stats", "check"),
    ("survey", "find"),  # drive a walk, with the rows above and for the rows below
    ("reach",),  # from variables to maps, and back
    ("text", "csv", "json", "plot"),
    ("output",),  # files, and one walk that writes all of a map's
    ("listing",),  # all maps of a process: their rows, and their output
    ("cores", "replot"),  # many cores, one gdb each; pictures from CSV files, without gdb
    ("commands", "printers", "functions", "parameters", "terminal"),
)
SURFACE = ROWS[-1]

# Modules that import the debugger, besides the surface. Others reach it through target.opening.
DEBUGGER = "target.gdb*"
OPENING = "target.opening"
# What gdb calls with its own values converts them to neutral ones.
VALUES_OF_GDB = {("functions", "target.gdb_values"), ("printers", "target.gdb_values")}


@dataclass(frozen=True)
class Import:
    """One import of a module of the package: importer, line, module (a dotted name in the
    package)."""

    importer: str
    line: int
    imported: str


def all_modules() -> dict[str, Path]:
    """Dotted name in the package -> file; a package's own file has the package's name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room_of(module: str) -> str:
    return module.split(".")[0]


def row_of(room: str) -> int:
    return next(index for index, row in enumerate(ROWS) if room in row)


def is_of_the_debugger(module: str) -> bool:
    return fnmatch.fnmatch(module, DEBUGGER)


def imported_names(module: str, path: Path) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of every import, also those in functions and only for types."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = ["hmapdbg", *module.split(".")] if module else ["hmapdbg"]
                if path.name != "__init__.py":
                    parts.pop()
                parts = parts[: len(parts) - (node.level - 1)]
                base = ".".join([*parts, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def iter_imports() -> Iterator[Import]:
    """Imports between modules of the package."""
    modules = all_modules()
    for module, path in modules.items():
        for line, name in imported_names(module, path):
            parts = name.split(".")
            if parts[0] != "hmapdbg":
                continue
            # The longest part of the name that is a module: the rest are names in it.
            while ".".join(parts[1:]) not in modules:
                parts.pop()
            yield Import(module, line, ".".join(parts[1:]))


def roots_of_imports(module: str, path: Path) -> set[str]:
    return {name.split(".")[0] for _, name in imported_names(module, path)}


def test_every_room_of_the_tree_has_its_row() -> None:
    there = {room_of(module) for module in all_modules()} - {""}
    placed = [room for row in ROWS for room in row]
    assert not there - set(placed), "put into ROWS, at its place"
    assert not set(placed) - there, "in ROWS, but not in the tree"
    assert len(placed) == len(set(placed)), "twice in ROWS"


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_rooms_import_only_what_stands_above_them() -> None:
    wrong = []
    for found in iter_imports():
        importer, imported = room_of(found.importer), room_of(found.imported)
        if "" in (importer, imported) or importer == imported:
            continue
        if {importer, imported} <= set(SURFACE):
            continue
        if row_of(imported) >= row_of(importer):
            wrong.append(f"{found.importer}:{found.line} imports {found.imported}")
    assert not wrong, "\n".join(wrong)


def test_the_guide_shows_the_rows() -> None:
    """CONTRIBUTING.md shows them, from the target on; layers after one arrow are those of one row,
    in any order."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawn = re.search(r"^    target ->.*?\n\n", text, re.MULTILINE | re.DOTALL)
    assert drawn is not None
    rows = [set(re.findall(r"\w+", part)) for part in drawn.group().split("->")]
    assert rows == [set(row) for row in ROWS[row_of("target") :]]


def test_the_package_itself_imports_no_room() -> None:
    assert [found for found in iter_imports() if found.importer == ""] == []


def circle_in(imports: Mapping[str, set[str]]) -> list[str]:
    """Modules of which each imports the next, and the last the first; empty if there is none."""
    done: set[str] = set()
    for start in imports:
        trail: list[str] = []
        pending = [(start, iter(sorted(imports[start])))] if start not in done else []
        while pending:
            module, rest = pending[-1]
            if module not in trail:
                trail.append(module)
            for imported in rest:
                if imported in trail:
                    return trail[trail.index(imported) :]
                if imported not in done:
                    pending.append((imported, iter(sorted(imports[imported]))))
                    break
            else:
                done.add(module)
                trail.pop()
                pending.pop()
    return []


def test_no_module_imports_itself_by_a_circle() -> None:
    """Of all imports, also those in functions and only for types."""
    imports: dict[str, set[str]] = {module: set() for module in all_modules()}
    for found in iter_imports():
        imports[found.importer].add(found.imported)
    assert circle_in(imports) == []


@pytest.mark.parametrize(
    ("imports", "circle"),
    [
        ({"a": {"b", "c"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"a"}}, ["a"]),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, ["b", "c"]),
        ({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": {"c"}}, ["d", "c"]),
    ],
)
def test_a_circle_is_seen(imports: dict[str, set[str]], circle: list[str]) -> None:
    assert circle_in(imports) == circle


def test_only_target_gdb_and_the_surface_import_gdb() -> None:
    wrong = [
        module
        for module, path in all_modules().items()
        if "gdb" in roots_of_imports(module, path)
        and not is_of_the_debugger(module)
        and room_of(module) not in SURFACE
    ]
    assert not wrong


def test_the_debugger_is_reached_by_one_module() -> None:
    """So that another implementation of the target needs one line, in target/opening.py."""
    wrong = [
        f"{found.importer}:{found.line} imports {found.imported}"
        for found in iter_imports()
        if is_of_the_debugger(found.imported)
        and not is_of_the_debugger(found.importer)
        and found.importer != OPENING
        and (found.importer, found.imported) not in VALUES_OF_GDB
    ]
    assert not wrong


def test_only_plot_imports_matplotlib() -> None:
    wrong = [
        module
        for module, path in all_modules().items()
        if "matplotlib" in roots_of_imports(module, path) and room_of(module) != "plot"
    ]
    assert not wrong


def test_files_are_given_their_names_in_one_place() -> None:
    """Only output/files.py has a temporary file that is renamed at the end. cores/run.py moves
    whole folders, and target/program_index.py what it keeps for itself."""
    for call in ("mkstemp", "NamedTemporaryFile", "os.replace", "fchmod"):
        found = [
            module for module, path in all_modules().items() if call in path.read_text("utf-8")
        ]
        assert found in (["output.files"], []), call


WITHOUT_GDB = sorted(
    name for name in all_modules() if room_of(name) not in SURFACE and not is_of_the_debugger(name)
)

# Imports each of the modules in a process of its own. All are forks of one that has numpy, which
# takes most of the time. Gives what went wrong, by module.
IMPORTS = """
import importlib, json, os, sys, tempfile, traceback
import numpy
sys.modules["gdb"] = None
wrong = {}
for name in sys.argv[1:]:
    with tempfile.TemporaryFile("w+") as told:
        child = os.fork()
        if child == 0:
            try:
                importlib.import_module(name)
            except BaseException:
                traceback.print_exc(file=told)
            told.flush()
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        told.seek(0)
        text = told.read()
        if text or status:
            wrong[name] = text or f"status {status}"
print(json.dumps(wrong))
"""


def test_every_module_is_imported_without_gdb(tmp_path: Path) -> None:
    environment = {
        "PYTHONPATH": str(PACKAGE.parent),
        "PYTHONPYCACHEPREFIX": str(tmp_path),
        "OPENBLAS_NUM_THREADS": "1",  # a fork has only the thread that made it
    }
    names = [f"hmapdbg.{module}".rstrip(".") for module in WITHOUT_GDB]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, *names],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    wrong = json.loads(done.stdout)
    assert len(names) > 100 and not wrong, "\n".join(f"{one}: {wrong[one]}" for one in wrong)
