"""A definition file: its tables, and the line of each key, for messages."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any

from ...compat import dataclass
from ...target import TargetError

MAX_BYTES = 1 << 20

_TABLE = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_POSITION = re.compile(r"\s*\(at line (\d+), column \d+\)$")


class DefinitionError(TargetError):
    """A file that cannot be used; the text begins with its name and, if one is to blame, a line."""


@dataclass(frozen=True)
class Where:
    """Where something stands in a file."""

    file: str
    line: int  # 0: nowhere
    key: str = ""  # "array.length"

    def error(self, text: str) -> DefinitionError:
        """The error for what is wrong there."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        key = f"{self.key}: " if self.key else ""
        return DefinitionError(f"{place}: {key}{text}")


@dataclass(frozen=True)
class TomlFile:
    """What a file has. `lines`: by the names of tables and keys, as tuples."""

    path: str
    content: Mapping[str, Any]
    lines: Mapping[tuple[str, ...], int]

    def where(self, *names: str) -> Where:
        """Where a key is, or else the table that it is in."""
        for end in range(len(names), 0, -1):
            if names[:end] in self.lines:
                return Where(self.path, self.lines[names[:end]], ".".join(names))
        return Where(self.path, 0, ".".join(names))


def read_toml(path: str) -> TomlFile:
    """Reads a file. DefinitionError."""
    nowhere = Where(path, 0)
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DefinitionError(f"cannot read '{path}': {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise nowhere.error(f"more than {MAX_BYTES >> 20} MiB: this is no definition file")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Where(path, line).error("not UTF-8: save the file as UTF-8") from None
    toml: Any = _toml()
    try:
        content = toml.loads(text)
    except (toml.TOMLDecodeError, RecursionError) as error:
        position = _POSITION.search(str(error))
        line = int(position[1]) if position else text.count("\n") + 1
        said = _POSITION.sub("", str(error)).replace(" (at end of document)", ", where it ends")
        raise Where(path, line).error(f"no valid TOML: {said[:1].lower()}{said[1:]}") from None
    return TomlFile(path, content, _lines(text))


def _toml() -> Any:
    """The module that reads TOML: Python's own, from 3.11 on."""
    for name in ("tomllib", "tomli"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    raise DefinitionError(
        "definition files need Python 3.11 or the tomli module in gdb's Python: install "
        "python3-tomli, or write the definition as a Python module"
    )


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """The lines of tables and keys. A key inside a multi-line string may be taken for one of the
    table's: then a message names another line, and nothing else changes."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        heading = _TABLE.match(line)
        if heading:
            table = _names(heading[1])
            found.setdefault(table, number)
            continue
        key = _KEY.match(line)
        if key:
            names = _names(key[1])
            for end in range(1, len(names) + 1):
                found.setdefault(table + names[:end], number)
    return found


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(text))
