"""The manual pages are well formed, and complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from installing import ROOT, sh
from harness import gdb_session

MAN = ROOT / "docs" / "man"
PAGES = sorted(path.name for path in MAN.iterdir())
OTHERS = ("gdb", "zstd", "lz4")  # programs of other packages


def rendered(page: str) -> str:
    """The page as text on one line, without overstriking."""
    text = sh(["groff", "-mandoc", "-Tascii", "-P-c", "-P-b", "-P-u", MAN / page])
    return " ".join(text.split())


@pytest.mark.parametrize("page", PAGES)
def test_page_has_no_warning(page: str) -> None:
    assert sh(["groff", "-mandoc", "-ww", "-z", MAN / page]) == ""


@pytest.mark.parametrize("page", PAGES)
def test_page_refers_to_pages_that_exist(page: str) -> None:
    text = (MAN / page).read_text(encoding="utf-8")
    for name, section in re.findall(r"^\.Xr (\S+) (\d)", text, re.MULTILINE):
        assert name in OTHERS or f"{name}.{section}" in PAGES


def test_library_page_names_every_exported_symbol() -> None:
    text = (MAN / "hmap.3").read_text(encoding="utf-8")
    symbols = (ROOT / "tests" / "c" / "exported_symbols.txt").read_text(encoding="utf-8").split()
    assert [name for name in symbols if not re.search(rf"\b{name}\b", text)] == []


def test_example_of_the_library_page_compiles(prefix: Path, tmp_path: Path) -> None:
    text = (MAN / "hmap.3").read_text(encoding="utf-8")
    (example,) = re.findall(r"^\.Bd -literal\n(#include.*?)^\.Ed", text, re.MULTILINE | re.DOTALL)
    source = tmp_path / "example.c"
    source.write_text(example.replace("\\&", "").replace("\\e", "\\"), encoding="utf-8")
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{prefix}/include"]
    sh(["gcc", *flags, source])


def test_gdb_page_names_every_command() -> None:
    (listed,) = gdb_session(
        commands=[
            "python from hmapdbg import commands; print(*(c.name for c in commands.COMMANDS))"
        ]
    )
    text = (MAN / "hmap-gdb.7").read_text(encoding="utf-8")
    names = re.findall(r"^\.It Ic (hmap-\S+)", text, re.MULTILINE)
    assert set(listed.output.split()) <= set(names)


def test_page_of_hmap_layout_has_its_options(prefix: Path) -> None:
    text = sh([prefix / "bin" / "hmap-layout", "--help"])
    options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text))
    page = rendered("hmap-layout.1")
    assert [name for name in sorted(options) if not re.search(rf"{name}(?![\w-])", page)] == []


@pytest.mark.parametrize("script", ["hmap-plot", "hmap-cores"])
def test_page_of_a_script_has_its_options(script: str) -> None:
    if not (ROOT / "scripts" / script).exists():
        pytest.skip(f"no scripts/{script} yet")
    text = sh(["/usr/bin/python3", ROOT / "scripts" / script, "--help"])
    options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text.split("example")[0]))
    page = rendered(f"{script}.1")
    assert [name for name in sorted(options) if not re.search(rf"{name}(?![\w-])", page)] == []
