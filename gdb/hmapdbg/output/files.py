"""Files that are written: whole or not at all."""

from __future__ import annotations

import io
import os
import re
import stat
import sys
import tempfile
from types import TracebackType
from typing import IO, Any, cast

STANDARD_OUTPUT = "-"

# Also bidirectional marks, and the separators of lines and paragraphs.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def escaped(text: str) -> str:
    """Text from the target without what steers a terminal; line ends stay."""
    return _CONTROL.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class FileError(Exception):
    """A file cannot be written, or read; the text is one line for the user."""


def has_records() -> bool:
    """Whether this is a gdb that writes records for an editor (-i=mi, -i=dap), not text for a
    terminal. Those of `new-ui` are not known."""
    try:
        with open("/proc/self/cmdline", "rb") as file:
            words = file.read().decode("utf-8", "replace").split("\0")
    except OSError:
        return False
    options = words[1 : words.index("--args") if "--args" in words else None]
    found = ""
    for word, following in zip(options, [*options[1:], ""]):
        option, equals, value = word.partition("=")
        name = option.lstrip("-")
        if option.startswith("-") and name and "interpreter".startswith(name):
            found = value if equals else following
    return found.startswith(("mi", "dap"))


class _Records(io.RawIOBase):
    """Text as gdb passes it on, in records."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        sys.stdout.write(bytes(data).decode("utf-8", "backslashreplace"))
        return len(data)


class Output:
    """A file to be written. It has a temporary name in the same folder until `commit`, so that a
    walk that fails leaves the old file as it was. What is no regular file (a FIFO, /dev/null) is
    opened and written; `-` is standard output. Every method raises FileError.

    expand_user: "~" at the beginning is a home folder, as a shell would have it."""

    def __init__(self, path: str, expand_user: bool = False) -> None:
        self.path = path
        self._given = os.path.expanduser(path) if expand_user else path
        self.final = ""  # of a regular file: its path, links followed
        self._temporary: str | None = None
        self._stream: IO[bytes]
        try:
            self._stream = self._open()
        except OSError as error:
            self._forget()
            raise FileError(self._explain(error)) from None

    def _open(self) -> IO[bytes]:
        if self.path == STANDARD_OUTPUT:
            if has_records():
                return cast(IO[bytes], _Records())
            # In gdb that is its own output, whose pager would stop in the middle.
            sys.stdout.flush()
            return open(os.dup(sys.__stdout__.fileno()), "wb")
        mode = _existing_mode(self._given)
        if mode is not None and not stat.S_ISREG(mode):
            return open(self._given, "wb")
        # A link stays a link: what it leads to is replaced.
        self.final = os.path.realpath(self._given)
        if mode is not None and not os.access(self.final, os.W_OK):
            raise PermissionError(13, "Permission denied")
        folder, name = os.path.split(self.final)
        handle, self._temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
        os.fchmod(handle, _default_mode() if mode is None else stat.S_IMODE(mode))
        return open(handle, "wb")

    def write(self, data: str | bytes | memoryview) -> int:
        """Appends text, as UTF-8, or bytes. What comes from the target must not steer a terminal:
        there, control bytes of text are escaped."""
        try:
            if isinstance(data, str):
                if self._stream.isatty():
                    data = escaped(data)
                data = data.encode("utf-8", "surrogateescape")
            return self._stream.write(data)
        except OSError as error:
            raise FileError(self._explain(error)) from None

    def close(self) -> None:
        """Everything has been written: the rest of it goes to the disk, the reader or the device.
        The file has its name only after `commit`."""
        try:
            self._stream.close()
        except OSError as error:
            self._forget()
            raise FileError(self._explain(error)) from None

    def commit(self) -> None:
        """The file is complete: gives it its name."""
        self.close()
        try:
            if self._temporary is not None:
                os.replace(self._temporary, self.final)
                self._temporary = None
        except OSError as error:
            self._forget()
            raise FileError(self._explain(error)) from None

    def discard(self) -> None:
        """Gives the file up; nothing of it stays. After `commit` it does nothing."""
        try:
            self._stream.close()
        except OSError:
            pass
        self._forget()

    def _forget(self) -> None:
        if self._temporary is not None:
            try:
                os.unlink(self._temporary)
            except OSError:
                pass
            self._temporary = None

    def _explain(self, error: OSError) -> str:
        remedies: dict[type[OSError], str] = {
            FileNotFoundError: "create the folder first",
            PermissionError: "choose a folder you may write to",
            IsADirectoryError: "name a file in it",
            NotADirectoryError: "check the path",
            BrokenPipeError: "its reader has closed it",
        }
        reason = (error.strerror or str(error)).lower()
        remedy = remedies.get(type(error), "choose another path")
        return f"cannot write '{self.path}': {reason}: {remedy}"


class Outputs:
    """Several files that belong together: all are given their names, or none is. expand_user: as
    for Output."""

    def __init__(self, expand_user: bool = False) -> None:
        self._expand_user = expand_user
        self._outputs: list[Output] = []

    def __enter__(self) -> Outputs:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for output in self._outputs:
            output.discard()

    def open(self, path: str) -> Output:
        """The file at `path`, to be written. FileError."""
        output = Output(path, self._expand_user)
        self._outputs.append(output)
        if output.final and any(one.final == output.final for one in self._outputs[:-1]):
            raise FileError(f"'{path}' is named twice: give each file a name of its own")
        return output

    def commit(self) -> None:
        """Everything has been written. FileError."""
        # What a full disk or a device refuses shows here, before the first has its name.
        for output in self._outputs:
            output.close()
        for output in self._outputs:
            output.commit()


def _existing_mode(path: str) -> int | None:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "Is a directory")
    return mode


def _default_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
