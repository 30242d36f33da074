"""The import rule: data flows one way, and a layer imports only what stands to its left.

    target -> layout -> languages -> values -> block -> header -> geometry -> families
           -> { stats, check } -> reach
           -> { text, csv, json, plot } -> listing -> cores
           -> { commands, printers, functions, parameters }

Every module is listed here. A new one is added on purpose, at its place.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "gdb" / "hmapdbg"

# Left to right. Layers of one row do not know each other, but for the last: gdb's surface is one.
ROWS: tuple[tuple[str, ...], ...] = (
    ("compat", "distribution"),  # helpers that know nothing of maps or targets
    ("target",),
    ("layout",),
    ("languages",),  # what languages and libraries know beyond maps
    ("values",),
    ("block",),
    ("header",),
    ("geometry",),
    ("families",),
    ("stats", "check"),
    ("survey", "find"),  # what drives a walk, with the rows above and for the rows below
    ("reach",),  # from variables to maps, and back
    ("text", "csv", "json", "plot"),
    ("listing",),  # all maps of a process: their rows, and how those are shown
    ("cores",),  # what runs a gdb a core, and what it shares with the inside of that gdb
    ("commands", "printers", "functions", "parameters"),
)
SURFACE = ROWS[-1]

# The modules of the layers that are packages; each other layer is one module.
MODULES = {
    "target": {
        "core_file",
        "elf_symbols",
        "fake",
        "gdb",
        "gdb_layouts",
        "gdb_types",
        "gdb_variables",
        "layout_expression",
        "layout_file",
        "memory",
        "page_cache",
        "protocol",
        "spelling",
        "types",
    },
    "languages": {
        "elements",
        "go",
        "go.abi",
        "go.declared",
        "go.described",
        "go.descriptors",
        "go.goroutines",
        "go.heap",
        "go.interfaces",
        "go.iterators",
        "go.names",
        "go.plausible",
        "go.slices",
        "go.slots",
        "go.strings",
        "go.structs",
        "go.symbols",
        "go.type_names",
        "holders",
        "language",
        "libhmap",
        "libhmap.registry",
        "libstdcxx",
        "libstdcxx.containers",
        "libstdcxx.names",
        "libstdcxx.strings",
        "strings",
    },
    "reach": {"go_heap", "keys", "limits", "plan", "resolve", "steps", "walk"},
    "plot": {
        "caption",
        "figure",
        "folding",
        "histogram",
        "lengths",
        "occupancy",
        "panel",
        "spread",
        "style",
        "words",
    },
    "listing": {"collect", "difference", "pprof", "rows", "sample", "saved", "tables"},
    "cores": {"job", "match", "names", "outcome", "page", "run"},
    "values": {"numbers", "renderer", "strings", "text"},
    "geometry": None,
    "families": None,
    "commands": {
        "arguments",
        "batch",
        "check",
        "command",
        "diff",
        "dump",
        "files",
        "find",
        "layout",
        "list",
        "manual",
        "progress",
    },
}

GDB_TARGET = {"target.gdb", "target.gdb_layouts", "target.gdb_types", "target.gdb_variables"}
IMPORTS_GDB = {*GDB_TARGET, *SURFACE}


@dataclass(frozen=True)
class Import:
    """One import of a module of the package: who, where, of what (a dotted name in the package)."""

    importer: str
    line: int
    imported: str


def all_modules() -> dict[str, Path]:
    """Dotted name in the package -> file; a package's own file goes by the package's name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def layer_of(module: str) -> str:
    return module.split(".")[0]


def row_of(layer: str) -> int:
    return next(index for index, row in enumerate(ROWS) if layer in row)


def imported_names(module: str, path: Path) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of every import, also those in functions and for types only."""
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


def test_every_module_is_known() -> None:
    modules = set(all_modules()) - {""}
    layers = {layer for row in ROWS for layer in row}
    unknown = {
        module
        for module in modules
        if layer_of(module) not in layers
        or "." in module
        and MODULES.get(layer_of(module)) is not None
        and module.split(".", 1)[1] not in MODULES.get(layer_of(module), set())
    }
    assert not unknown, f"add to ROWS or MODULES, at their place: {sorted(unknown)}"
    expected = {f"{layer}.{name}" for layer, names in MODULES.items() for name in names or ()}
    assert not expected - modules, f"gone: {sorted(expected - modules)}"


def test_layers_import_only_what_stands_to_their_left() -> None:
    wrong = []
    for found in iter_imports():
        importer, imported = layer_of(found.importer), layer_of(found.imported)
        if "" in (importer, imported) or importer == imported:
            continue
        if {importer, imported} <= set(SURFACE):
            continue
        if row_of(imported) >= row_of(importer):
            wrong.append(f"{found.importer}:{found.line} imports {found.imported}")
    assert not wrong, "\n".join(wrong)


def test_the_package_itself_imports_no_layer() -> None:
    assert [found for found in iter_imports() if found.importer == ""] == []


def test_only_target_gdb_and_the_surface_import_gdb() -> None:
    wrong = [
        module
        for module, path in all_modules().items()
        if "gdb" in roots_of_imports(module, path)
        and module not in IMPORTS_GDB
        and layer_of(module) not in SURFACE
    ]
    assert not wrong


def test_only_plot_imports_matplotlib() -> None:
    wrong = [
        module
        for module, path in all_modules().items()
        if "matplotlib" in roots_of_imports(module, path) and layer_of(module) != "plot"
    ]
    assert not wrong


@pytest.mark.parametrize(
    "module",
    sorted(
        name for name in all_modules() if layer_of(name) not in SURFACE and name not in GDB_TARGET
    ),
)
def test_module_is_imported_without_gdb(module: str) -> None:
    name = f"hmapdbg.{module}".rstrip(".")
    program = f"import sys; sys.modules['gdb'] = None; import {name}"
    environment = {"PYTHONPATH": str(PACKAGE.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
