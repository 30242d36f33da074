"""Expressions as text: what they must not do, and how gdb must have those of Go."""

from __future__ import annotations

import re

# An assignment or increment in an expression would write to the target. Comparisons pass.
_WRITES = re.compile(r"(?<![=!<>])=(?!=)|<<=|>>=|\+\+|--")
# A name of a Go package: net/http.DefaultServeMux, main.sessions.
_PACKAGE_NAME = re.compile(
    r"(?<![\w.'\"/])(?:[A-Za-z_][\w.~-]*/(?:[\w.~-]+/)*)?[A-Za-z_]\w*\.[A-Za-z_]\w*"
)
# A pointer type of such a package in a cast, quoted or not.
_CAST = re.compile(r"\(\s*'?([A-Za-z_][\w./~-]*\.\w+)'?\s*\*+\s*\)")
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")


def writes(expression: str) -> bool:
    """Whether an expression assigns."""
    return _WRITES.search(_QUOTED.sub("''", expression)) is not None


def is_balanced(expression: str) -> bool:
    """Whether each bracket and quote of an expression is closed."""
    rest = _QUOTED.sub("", expression)
    if "'" in rest or '"' in rest:
        return False
    while True:
        shorter = re.sub(r"\([^()\[\]{}]*\)|\[[^()\[\]{}]*\]|\{[^()\[\]{}]*\}", "", rest)
        if shorter == rest:
            return not re.search(r"[()\[\]{}]", rest)
        rest = shorter


def cast_names(expression: str) -> list[str]:
    """The types of Go packages that an expression casts pointers to."""
    return _CAST.findall(expression)


def go_spellings(expression: str) -> list[str]:
    """An expression of Go as gdb's language C has it: as it stands, which does for locals, and with
    quotes around what looks like a package's variable."""
    parts = _QUOTED.split(expression)
    quotes = _QUOTED.findall(expression)
    quoted = [_PACKAGE_NAME.sub(r"'\g<0>'", part) for part in parts]
    whole = "".join(text for pair in zip(quoted, [*quotes, ""]) for text in pair)
    return list(dict.fromkeys([expression, whole]))


def go_spellings_of_name(expression: str, name: str, function: str) -> list[str]:
    """More for a name that is missing: a variable that escaped to the heap is there as the pointer
    '&name', and one of the package of `function`, the frame's, with the package in front."""
    if not re.fullmatch(r"\w+", name):
        return []
    replacements = [f"(*'&{name}')"]
    path, slash, last = function.rpartition("/")
    if "." in last:
        replacements.append(f"'{path}{slash}{last.split('.')[0]}.{name}'")
    pattern = re.compile(rf"(?<![\w.'\"]){name}\b")
    return [pattern.sub(by.replace("\\", r"\\"), expression) for by in replacements]
