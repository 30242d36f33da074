"""The grammar of an hmap command's line: EXPR [--option [VALUE]]...

EXPR is taken verbatim up to the first ` --word` outside quotes and brackets, since gdb's own
splitting eats the quotes that Go's 'main.m' and a["x y"] need. Options may stand before EXPR too;
`--` ends them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field


class UsageError(Exception):
    """The command line cannot be understood; the text is one line for the user."""


@dataclass(frozen=True)
class Option:
    """An option of a command; `value` names what it takes (empty: a switch)."""

    name: str  # "--csv"
    value: str = ""
    repeatable: bool = False


@dataclass
class Arguments:
    """A command line taken apart."""

    expression: str = ""
    rest: str = ""  # what stands behind `--`, where an expression stood before it
    options: dict[str, list[str]] = field(default_factory=dict)

    def __contains__(self, option: str) -> bool:
        return option in self.options

    def all(self, option: str) -> list[str]:
        """Every value given to an option."""
        return self.options.get(option, [])

    def last(self, option: str) -> str | None:
        """The value that was given last."""
        return self.options[option][-1] if option in self.options else None

    def number(self, option: str, default: int) -> int:
        """The number that was given last. UsageError."""
        given = self.last(option)
        if given is None:
            return default
        try:
            number = int(given, 0)
        except ValueError:
            number = -1
        if number < 0:
            raise UsageError(f"option '{option}' takes a number, not '{given}': give one from 0 on")
        return number

    def pattern(self, option: str) -> re.Pattern[str] | None:
        """The regular expression that was given last. UsageError."""
        given = self.last(option)
        try:
            return None if given is None else re.compile(given)
        except re.error as error:
            raise UsageError(f"option '{option}' takes a regular expression: {error}") from None


_OPTION = re.compile(r"(--?[A-Za-z][\w-]*)(=?)")
_OPENING, _CLOSING = "([{", ")]}"


def parse(line: str, known: Sequence[Option]) -> Arguments:
    """Takes a command line apart. UsageError.

    >>> parse("'main.m'.f[\\"a --b\\"] --csv 'x y.csv'", [Option("--csv", "FILE")])
    Arguments(expression='\\'main.m\\'.f["a --b"]', rest='', options={'--csv': ['x y.csv']})
    """
    options = {option.name: option for option in known}
    out = Arguments()
    line = line.strip()
    while line:
        if re.match(r"--(?:\s|$)", line):
            rest = line[2:].strip()
            if out.expression:
                out.rest = rest
            else:
                out.expression = rest
            return out
        found = _OPTION.match(line)
        if found and (line.startswith("--") or found.group(1) == "-h"):
            line = _take_option(out, options, found, line)
            continue
        end = _expression_end(line)
        if out.expression:
            raise UsageError(
                f"unexpected '{line[:end].strip()}' behind '{out.expression}': "
                "name one map, then options"
            )
        out.expression, line = line[:end].strip(), line[end:].strip()
    return out


def _take_option(
    out: Arguments, options: dict[str, Option], found: re.Match[str], line: str
) -> str:
    """Takes the option at the start of `line`; what stands behind it."""
    name = found.group(1)
    if name in ("-h", "--help"):
        out.options["--help"] = [""]
        return ""
    if name not in options:
        takes = f"the options are {', '.join(options)}; " if options else ""
        raise UsageError(f"unknown option '{name}': {takes}see -h")
    option = options[name]
    line = line[found.end() :]
    if line and not found.group(2) and not line[0].isspace():
        raise UsageError(f"unknown option '{name}{line.split()[0]}': see -h")
    value = ""
    if option.value:
        if not found.group(2):
            line = line.lstrip()
        # Quoted, or behind "=", a value may look like an option.
        is_option = not found.group(2) and line.startswith("--")
        value, line = _take_word(line)
        if not value or is_option:
            raise UsageError(f"option '{name}' needs a value: {name} {option.value}")
    elif found.group(2):
        raise UsageError(f"option '{name}' takes no value: write {name} alone")
    if name in out.options and not option.repeatable and option.value:
        raise UsageError(f"option '{name}' is given twice: give it once")
    out.options.setdefault(name, []).append(value)
    return line.strip()


def _take_word(line: str) -> tuple[str, str]:
    """The first word of a line, quotes taken off, and the rest. UsageError."""
    word = ""
    at = 0
    while at < len(line) and not line[at].isspace():
        letter = line[at]
        if letter in "'\"":
            end = line.find(letter, at + 1)
            if end < 0:
                raise UsageError(f"quote {letter} is not closed: {line[at:]}")
            word += line[at + 1 : end]
            at = end + 1
        elif letter == "\\" and at + 1 < len(line):
            word += line[at + 1]
            at += 2
        else:
            word += letter
            at += 1
    return word, line[at:]


def _expression_end(line: str) -> int:
    """Where the expression at the start of a line ends: before ` --word`, or at the line's end."""
    depth = 0
    at = 0
    while at < len(line):
        letter = line[at]
        if letter in "'\"":
            at = _quote_end(line, at)
            continue
        if letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth -= 1
        elif letter.isspace() and depth <= 0 and re.match(r"\s+--?(?:\s|$|[A-Za-z])", line[at:]):
            behind = line[at:].lstrip()
            if behind.startswith("--") or behind == "-h":
                return at
        at += 1
    return len(line)


def _quote_end(line: str, at: int) -> int:
    """Behind the quoted text that starts at `at`; a quote that is not closed is a letter."""
    quote = line[at]
    end = at + 1
    while end < len(line) and line[end] != quote:
        end += 2 if line[end] == "\\" else 1
    return end + 1 if end < len(line) else at + 1


def word_at_end(line: str) -> tuple[str, str]:
    """The last word of a line that is being typed, and the word before it; for completion.

    >>> word_at_end("my_map --csv out")
    ('out', '--csv')
    """
    words = line.split()
    last = "" if not line or line[-1].isspace() else words.pop()
    return last, words[-1] if words else ""
