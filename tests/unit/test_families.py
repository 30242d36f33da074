"""The families are the single source: help, README and hmap-layout agree with them, and no other
module names one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hmapdbg.families import FAMILIES, register, words
from hmapdbg.families.family import Family

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gdb" / "hmapdbg"

# Packages that may name a family or a language: families themselves, and languages; and docstrings,
# since the help of a command is one.
OWN_ROOMS = {"families", "languages"}
# Examples and remedies may name one, because no decision depends on them.
TEXTS = {"cores/command_line.py", "parameters.py", "replot/picture.py"}


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_has_a_word_of_its_own_that_its_name_has(family: Family) -> None:
    others = {word for one in FAMILIES if one is not family for word in one.words}
    assert family.words and family.words[0] not in others
    assert family.words[0] in family.name.lower()


@pytest.mark.parametrize("command", ["list", "diff"])
def test_help_lists_the_words_of_all_families(command: str) -> None:
    text = read(f"gdb/hmapdbg/commands/{command}.py")
    (found,) = re.findall(r"--family WORD [^:]*: ([a-z+,\s]+?)\n +-", text)
    assert sorted(re.split(r",\s+", found)) == sorted(words())


def test_the_readme_tells_of_all_families() -> None:
    row = " ".join(re.findall(r"^\| maps of [^|]+\|(.*)\|$", read("README.md"), re.MULTILINE))
    missing = [family.name for family in FAMILIES if family.words[0] not in row.lower()]
    assert not missing, f"README.md, the rows of maps: {missing}"


def test_hmap_layout_recognises_the_headers_that_the_families_do() -> None:
    text = read("libhmap/layout/classify.c")
    block = text[text.index("/* The fields by which a family") : text.index("*const maps[] =")]
    arrays = re.findall(r"\{([^{}]*),\s+NULL\}", block)
    known = {frozenset(re.findall(r'"(\w+)"', array)) for array in arrays}
    assert known == {frozenset(header) for family in FAMILIES for header in family.headers}


def test_a_family_that_is_registered_takes_the_place_of_its_namesake() -> None:
    before = list(FAMILIES)
    try:
        register(before[0])
        assert FAMILIES == [*before[1:], before[0]]
    finally:
        FAMILIES[:] = before


def strings_of(path: Path) -> Iterator[tuple[int, str]]:
    """The string constants of a module except docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docstrings:
                yield node.lineno, node.value


def test_no_module_but_a_familys_own_names_a_family() -> None:
    names = {re.escape(family.name) for family in FAMILIES}
    # A noun, and a language as gdb calls it.
    common = {r"\bbucket(?!\w)", r"\brust(?!\w)"}
    names |= {
        rf"\b{re.escape(word)}(?!\w)" for family in FAMILIES for word in family.words[:1]
    } - common
    pattern = re.compile("|".join([*sorted(names), r"\bGo "]))
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {text[:60]!r}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in OWN_ROOMS
        and str(path.relative_to(PACKAGE)) not in TEXTS
        for line, text in strings_of(path)
        if pattern.search(text)
    ]
    assert not found, "\n".join(found)
