"""docs/commands.md, made of the texts that `help` shows."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from .. import functions, parameters
from . import COMMANDS

HEAD = """\
# Commands

Made by `scripts/docs` from the help texts: `help hmap-dump` in gdb and `hmap-dump -h` say the same.
"""


def markdown() -> str:
    """The whole page."""
    return "\n".join(_iter_sections())


def _iter_sections() -> Iterator[str]:
    yield HEAD
    for command in COMMANDS:
        yield f"## {command.name}\n\n```text\n{inspect.cleandoc(command.__doc__ or '')}\n```\n"
    yield "## Convenience functions\n"
    for function in functions.FUNCTIONS:
        text = inspect.cleandoc(function.__doc__ or "")
        yield f"### ${function.name}\n\n```text\n{text}\n```\n"
    yield "## Settings\n\n| setting | at start | what it is |\n|---|---|---|"
    for parameter in parameters.PARAMETERS:
        start = parameter.start
        shown = ("on" if start else "off") if isinstance(start, bool) else f"{start}"
        what = parameter.show_doc.replace("Show ", "", 1).rstrip(".")
        yield f"| `set {parameter.name}` | {shown} | {what} |"
    yield ""
