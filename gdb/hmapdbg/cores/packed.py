"""Compressed files as streams: told by their first bytes, whatever they are called.

gzip, xz and bzip2 are read by Python's own modules. For zstd and lz4, which systemd-coredump
writes and Python (before 3.14) has no module for, the command line tools are run beside it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import shutil
import signal
import subprocess
import zlib
from collections.abc import Generator, Iterator
from typing import IO

from ..compat import dataclass

CHUNK = 1 << 20  # bytes
WAKE = 0.5  # seconds
MOST_WORDS = 120  # letters of what a tool says


class NotUnpacked(Exception):
    """A file cannot be unpacked; the text is one line for the user."""


@dataclass(frozen=True)
class Packing:
    """A way to compress files."""

    name: str
    magic: bytes  # the file begins with it
    by_hand: str  # the command that unpacks such a file, from its input to its output
    module: str = ""  # Python's, which unpacks it; empty: the tool does
    tool: tuple[str, ...] = ()  # which is in a package of its name


PACKINGS = (
    # Frames of "zstd --long" too, which need up to 2 GiB of memory.
    Packing("zstd", b"\x28\xb5\x2f\xfd", "unzstd", tool=("zstd", "-dcq", "--long=31")),
    Packing("lz4", b"\x04\x22\x4d\x18", "unlz4", tool=("lz4", "-dcq")),
    Packing("xz", b"\xfd7zXZ\0", "unxz", module="lzma"),
    Packing("gzip", b"\x1f\x8b", "gunzip", module="gzip"),
    Packing("bzip2", b"BZh", "bunzip2", module="bz2"),
)


def packing_by(start: bytes) -> Packing | None:
    """How a file that begins with `start` is compressed; None if it is not."""
    return next((one for one in PACKINGS if start.startswith(one.magic)), None)


def packing_of(path: str) -> Packing | None:
    """How the file at `path` is compressed; None if it is not, or is no regular file, or cannot be
    read."""
    try:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                return packing_by(file.read(8))
    except OSError:
        pass
    return None


def iter_chunks(path: str, packing: Packing) -> Generator[bytes, None, None]:
    """What is in a compressed file: CHUNK bytes at a time, at the end fewer. Empty chunks mean that
    nothing has come for WAKE seconds. To be closed, so that no tool is left running. NotUnpacked,
    OSError."""
    yield from _iter_by_tool(path, packing) if packing.tool else _iter_by_module(path, packing)


def _iter_by_module(path: str, packing: Packing) -> Iterator[bytes]:
    try:
        module = importlib.import_module(packing.module)
    except ImportError:  # of a Python that was built without it
        raise NotUnpacked(
            f"compressed by {packing.name}, and this Python lacks '{packing.module}': "
            f"unpack it with {packing.by_hand}"
        ) from None
    wrong: tuple[type[Exception], ...] = (EOFError, OSError, zlib.error)
    if packing.module == "lzma":
        wrong = (EOFError, OSError, module.LZMAError)
    try:
        with module.open(path, "rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except wrong as error:
        # Bytes that are wrong are an OSError too, without a number.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _damaged(packing, str(error)) from None


def _iter_by_tool(path: str, packing: Packing) -> Iterator[bytes]:
    tool = packing.tool[0]
    if shutil.which(tool) is None:
        raise NotUnpacked(
            f"compressed by {packing.name}, and there is no '{tool}' here: install it"
        )
    with contextlib.ExitStack() as opened:
        packed = opened.enter_context(open(path, "rb"))
        said = opened.enter_context(open(os.memfd_create("said"), "w+b"))
        process = opened.enter_context(
            subprocess.Popen(
                packing.tool,
                stdin=packed,
                stdout=subprocess.PIPE,
                stderr=said,
                env=os.environ | {"LC_ALL": "C.UTF-8"},
                # Ctrl-C is for us, who then end it.
                start_new_session=True,
            )
        )
        assert process.stdout is not None
        try:
            yield from _iter_pipe(process.stdout)
            status = process.wait()
        finally:
            process.kill()
        if status < 0:
            raise _damaged(packing, f"{tool} was killed by {signal.Signals(-status).name}")
        if status > 0:
            said.seek(0)
            raise _damaged(packing, _words(said.read(), tool) or f"{tool} ended with {status}")


def _iter_pipe(pipe: IO[bytes]) -> Iterator[bytes]:
    """What comes out of a pipe, in chunks; see iter_chunks."""
    chunk = bytearray()
    while True:
        if not select.select([pipe], [], [], WAKE)[0]:
            yield b""
            continue
        piece = os.read(pipe.fileno(), CHUNK - len(chunk))
        chunk += piece
        if chunk and (not piece or len(chunk) == CHUNK):
            yield bytes(chunk)
            chunk.clear()
        if not piece:
            return


def _words(said: bytes, tool: str) -> str:
    """The last line of what a tool said, without the name that it has for its input.

    >>> _words(b"/*stdin*\\\\ : Read error (39) : premature end \\n", "zstd")
    'Read error (39) : premature end'
    """
    lines = said.decode("utf-8", "backslashreplace").split("\n")
    line = next((one.strip() for one in reversed(lines) if one.strip()), "")
    for prefix in (f"{tool}: ", "/*stdin*\\"):
        if line.startswith(prefix):
            line = line[len(prefix) :].lstrip(" :")
    return line[:MOST_WORDS]


def _damaged(packing: Packing, why: str) -> NotUnpacked:
    return NotUnpacked(
        f"compressed by {packing.name}, and damaged ('{why}'): copy the whole file again"
    )
