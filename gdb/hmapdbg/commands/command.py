"""What all hmap commands share: one text for help and -h, errors of one line, lazy imports."""

from __future__ import annotations

import glob
import inspect
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import gdb

from .. import parameters
from ..arguments import Arguments, Option, UsageError, parse, word_at_end
from ..output.files import FileError
from ..requirements import package_of
from ..terminal import in_charset, warn, wide_charset, write

if TYPE_CHECKING:
    from ..families.family import Map
    from ..target import Target

TYPE = Option("--type", "TYPE")
KEY_TYPE = Option("--key-type", "T")
ELEM_TYPE = Option("--elem-type", "T")
TYPES = (TYPE, KEY_TYPE, ELEM_TYPE)  # how the map that a command names is read
GUARD = Option("--guard")
MAX_CANDIDATES = 8  # types that a map may be of, in a warning


class HmapCommand(gdb.Command):
    """A command; a subclass gives `name`, a `summary` of one line, `options`, the help text as its
    docstring, and `run`."""

    name: str
    summary: str
    options: Sequence[Option] = ()
    file_words: Sequence[str] = ()  # words of the command line behind which a file name stands

    def __init__(self) -> None:
        # gdb takes the class's docstring as help.
        super().__init__(self.name, gdb.COMMAND_DATA)

    def run(self, arguments: Arguments) -> None:
        """Does the command's work; errors that the user can mend as TargetError or FileError."""
        raise AssertionError(f"{self.name} has no run()")

    def invoke(self, line: str, from_tty: bool) -> None:
        self.dont_repeat()
        try:
            with wide_charset():
                self._invoke(line)
        except gdb.GdbError as error:  # gdb encodes it after this
            raise gdb.GdbError(in_charset(str(error), gdb.host_charset())) from None

    def _invoke(self, line: str) -> None:
        try:
            from ..target.interrupt import kept_interrupts
            from ..target.opening import steady_language

            arguments = parse(line, self.options)
            if "--help" in arguments:
                write(inspect.cleandoc(self.__doc__ or "") + "\n")
                return
            with kept_interrupts(), steady_language():
                self.run(arguments)
        except (UsageError, FileError) as error:
            raise gdb.GdbError(str(error)) from None
        except ModuleNotFoundError as error:
            package = package_of(error)
            if package is None:
                raise
            raise gdb.GdbError(
                f"cannot import '{error.name}' in gdb's Python {sys.version.split()[0]}: "
                f"install it, on Debian with 'apt install {package}'"
            ) from None
        except gdb.GdbError:
            raise
        except Exception as error:
            self._explain(error)

    def complete(self, text: str, word: str | None) -> object:
        """Options, file names behind an option that takes one, and expressions."""
        last, before = word_at_end(text)
        takes_file = before in self.file_words or any(
            one.name == before and one.value == "FILE" for one in self.options
        )
        if not takes_file and not last.startswith("-"):
            return gdb.COMPLETE_EXPRESSION
        if word is None:  # gdb asks how to find the word: up to white space, as for a file name
            return gdb.COMPLETE_FILENAME
        if takes_file:
            found = _matching_files(last)
        else:
            found = [one.name for one in self.options if one.name.startswith(last)]
        return [name[len(last) - len(word) :] for name in found]

    def _explain(self, error: Exception) -> None:
        from ..plot import PlotError
        from ..reach.misses import trace_of
        from ..target import MemoryFault, TargetError
        from ..target.unread_debug_info import explained

        if isinstance(error, (TargetError, MemoryFault, PlotError)):
            raise gdb.GdbError(str(error)) from None
        unread = explained(str(error)) if isinstance(error, gdb.error) else ""
        if unread:
            raise gdb.GdbError(unread) from None
        where = "'set hmap debug on' shows where; "
        if parameters.get(parameters.Debug):
            # gdb itself shows it only after 'set python print-stack full'.
            write_trace(trace_of(error))
            where = ""
        raise gdb.GdbError(
            f"{self.name} failed inside: {type(error).__name__}: {error}: {where}please report it"
        ) from None

    def open_map(self, arguments: Arguments) -> tuple[Target, Map]:
        """The map that the command line names. UsageError, TargetError."""
        from ..families import open_map
        from ..reach.go_sound import UNKNOWN
        from ..reach.named_types import typed_at
        from ..reach.resolve import resolve, resolve_from
        from ..target.opening import open_target

        if not arguments.expression:
            raise UsageError(f"no map named: give an expression, as in '{self.name} my_map'")
        target = warned(open_target())
        given = arguments.last(TYPE.name)
        text = arguments.expression
        if given == UNKNOWN:
            return target, _guessed(target, text)
        if given is None:
            value = resolve(target, text)
        else:
            value = resolve_from(target, text, lambda at: typed_at(target, str(given), at))
        opened = open_map(target, value)
        key, elem = arguments.last(KEY_TYPE.name), arguments.last(ELEM_TYPE.name)
        return target, _retyped(target, opened, key, elem) if key or elem else opened


def _retyped(target: Target, opened: Map, key: str | None, elem: str | None) -> Map:
    """A map whose pointers are read as the types that the user names. TargetError."""
    from ..families.retyped import Reading, reading_as, retyped
    from ..reach.named_types import named_type

    def reading(name: str | None) -> Reading | None:
        if name is None:
            return None
        bare = name.lstrip("*")
        found = named_type(target, bare)
        return reading_as(found, target.pointer_size, is_box=bare != name)

    return retyped(target, opened, reading(key), reading(elem))


def _guessed(target: Target, text: str) -> Map:
    """A map that hmap-list lists without its type, after a warning that it is not certain."""
    from ..reach.go_heap import open_guessed
    from ..reach.go_roots import address_of
    from ..text import printable

    address = address_of(target, text)
    addr = int.from_bytes(address.data[: target.pointer_size], target.byte_order)
    guess = open_guessed(target, addr)
    if len(guess.names) > 1:
        cut = "" if guess.is_cut_alike else f", cut as those of '{guess.names[0]}'"
        names = ", ".join(f"'{one}'" for one in guess.names[:MAX_CANDIDATES])
        left = len(guess.names) - MAX_CANDIDATES
        more = f" and {left:,} more" if left > 0 else ""
        warn(
            printable(
                f"keys and values are shown as bytes{cut}: its type is one of {names}{more}; "
                "--type 'NAME' chooses one"
            )
        )
    return guess.map


def write_trace(trace: str) -> None:
    """Writes where an error arose inside."""
    from ..text import printable

    write("".join(f"{printable(line)}\n" for line in trace.splitlines()), gdb.STDERR)


def warned(target: Target) -> Target:
    """The target, after a warning if nothing that is read from it can be believed."""
    mismatch = target.mismatch()
    if mismatch:
        warn(mismatch)
    return target


def _matching_files(start: str) -> list[str]:
    """The files whose path begins so; folders with a slash behind."""
    paths = glob.glob(glob.escape(os.path.expanduser(start)) + "*")
    return sorted(f"{path}/" if os.path.isdir(path) else path for path in paths)
