"""What is written to the person: any letter whatever the locale is, and nothing of the target's
that steers a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import gdb

from .output.files import escaped

ASCII = "ANSI_X3.4-1968"  # as gdb has it from the locale "C"


@contextlib.contextmanager
def wide_charset() -> Iterator[None]:
    """gdb takes any letter of Python's for a while, also where the locale has few (in containers,
    under cron): Python itself writes UTF-8 there."""
    if gdb.host_charset().upper() in ("UTF-8", "UTF8"):
        yield
        return
    with gdb.with_parameter("host-charset", "UTF-8"):
        yield


def write(text: str, stream: int = gdb.STDOUT) -> None:
    """Writes text; control bytes but line ends, and bytes of file names that are no text, become
    \\xNN."""
    with wide_charset():
        gdb.write(escaped(sound(text)), stream)


def warn(text: str) -> None:
    """Prints a warning as gdb does its own: styled, and after what is in its buffers."""
    if hasattr(gdb, "warning"):  # from gdb 17 on
        with wide_charset():
            gdb.warning(escaped(sound(text)))
    else:
        write(f"warning: {text}\n", gdb.STDERR)


def sound(text: str) -> str:
    """Text with \\xNN for the bytes that os.fsdecode could not decode."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def in_charset(text: str, charset: str) -> str:
    """Text as `write` has it, in letters that a charset of gdb's has: what gdb takes later, as an
    error's or a printer's, is encoded without a handler."""
    name = "ascii" if charset == ASCII else charset
    narrow = escaped(sound(text))
    try:
        narrow.encode(name)
        return narrow
    except (UnicodeEncodeError, LookupError):
        return narrow.replace("…", "...").encode("ascii", "backslashreplace").decode("ascii")
