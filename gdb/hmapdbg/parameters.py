"""`set hmap …` and `show hmap …`: defaults of the commands."""

from __future__ import annotations

import gdb

LIMIT = 200  # slots printed by --buckets
LIST_LIMIT = 30  # rows printed by hmap-list and hmap-diff
MAX_STRING = 64 << 10


class _SetPrefix(gdb.Command):
    """Set defaults of the hmap commands."""

    def __init__(self) -> None:
        super().__init__("set hmap", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


class _ShowPrefix(gdb.Command):
    """Show defaults of the hmap commands."""

    def __init__(self) -> None:
        super().__init__("show hmap", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)

    def invoke(self, arguments: str, from_tty: bool) -> None:
        for parameter in PARAMETERS:
            gdb.execute(f"show {parameter.name}")


class _Parameter(gdb.Parameter):
    """A default; a subclass gives `name`, its kind, the value at start, and what it says."""

    name: str
    kind: int
    start: object
    says: str
    set_doc: str
    show_doc: str

    def __init__(self) -> None:
        super().__init__(self.name, gdb.COMMAND_DATA, self.kind)
        self.value = self.start

    def get_set_string(self) -> str:
        return ""

    def get_show_string(self, value: str) -> str:
        return f"{self.says} is {value}."


class Debug(_Parameter):
    """Whether an error inside an hmap command shows its Python traceback."""

    set_doc = "Set whether an error inside an hmap command shows its Python traceback."
    show_doc = "Show whether an error inside an hmap command shows its Python traceback."
    name, kind, start = "hmap debug", gdb.PARAM_BOOLEAN, False
    says = "Showing tracebacks of hmap commands"


class Index(_Parameter):
    """Whether debug info is read by hmap-layout(1), where a language's is slow to read."""

    set_doc = (
        "Set whether hmap-layout(1), if installed, reads the debug info of Go programs; gdb is "
        "slow for large ones."
    )
    show_doc = "Show whether hmap-layout(1) reads the debug info of Go programs."
    name, kind, start = "hmap index", gdb.PARAM_BOOLEAN, True
    says = "Reading debug info of Go programs by hmap-layout(1)"


class Limit(_Parameter):
    """The maximum number of slots that hmap-dump --buckets prints."""

    set_doc = "Set the maximum number of slots that 'hmap-dump --buckets' prints; 0 means no limit."
    show_doc = "Show the maximum number of slots that 'hmap-dump --buckets' prints."
    name, kind, start = "hmap limit", gdb.PARAM_ZUINTEGER, LIMIT
    says = "The maximum number of slots printed by hmap-dump --buckets"


class ListLimit(_Parameter):
    """The maximum number of rows that hmap-list and hmap-diff print."""

    set_doc = (
        "Set the maximum number of rows that 'hmap-list' and 'hmap-diff' print; 0 means no limit."
    )
    show_doc = "Show the maximum number of rows that 'hmap-list' and 'hmap-diff' print."
    name, kind, start = "hmap list-limit", gdb.PARAM_ZUINTEGER, LIST_LIMIT
    says = "The maximum number of rows printed by hmap-list and hmap-diff"


class MaxString(_Parameter):
    """The maximum length of a string key or value, in bytes."""

    set_doc = "Set the maximum number of bytes shown of a string key or value."
    show_doc = "Show the maximum number of bytes shown of a string key or value."
    name, kind, start = "hmap max-string", gdb.PARAM_ZUINTEGER, MAX_STRING
    says = "The maximum number of bytes of a string shown by hmap commands"


class Progress(_Parameter):
    """Whether long walks show progress on a terminal."""

    set_doc = "Set whether long walks show progress on a terminal."
    show_doc = "Show whether long walks show progress on a terminal."
    name, kind, start = "hmap progress", gdb.PARAM_BOOLEAN, True
    says = "Progress of long walks"


class Definitions(_Parameter):
    """Definition files of map families, separated by colons."""

    set_doc = (
        "Set the definition files that declare map families, separated by ':'; see 'hmap-define'. "
        "Those of an earlier setting are forgotten."
    )
    show_doc = "Show the definition files that declare map families."
    name, kind, start = "hmap definitions", gdb.PARAM_OPTIONAL_FILENAME, ""
    says = "Definition files of map families"

    def __init__(self) -> None:
        super().__init__()
        self._loaded: list[str] = []

    def get_set_string(self) -> str:
        # Which needs numpy, as a command does.
        from .families import DEFINITIONS
        from .target import TargetError
        from .target.opening import type_finder

        paths = [one for one in str(self.value or "").split(":") if one]
        try:
            find = type_finder()
            added = [DEFINITIONS.load(one, find).path for one in paths]
        except TargetError as error:
            self.value = ":".join(self._loaded)
            raise gdb.GdbError(str(error)) from None
        for one in self._loaded:
            if one not in added:
                DEFINITIONS.drop(one)
        self._loaded = added
        return ""

    def get_show_string(self, value: str) -> str:
        return f"{self.says}: {value}." if value else f"{self.says}: none."


PARAMETERS = (Debug, Definitions, Index, Limit, ListLimit, MaxString, Progress)


def register() -> None:
    """Makes the parameters known to gdb."""
    _SetPrefix()
    _ShowPrefix()
    for parameter in PARAMETERS:
        parameter()


def get(parameter: type[_Parameter]) -> int:
    """The value of a parameter now."""
    return int(gdb.parameter(parameter.name) or 0)
