"""Unpacks a compressed core for gdb, which takes plain files only: sparsely, within limits."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from typing import BinaryIO

import numpy as np

from ..compat import dataclass
from .match import ELF, Unusable, size_text, why_no_core
from .packed import NotUnpacked, Packing, iter_chunks

PAGE = 4096  # bytes: a run of zeros this long, and aligned to it, is not written
RESERVE = 16 << 20  # bytes of the disk that are left to others


@dataclass(frozen=True)
class Bounds:
    """What a core may take to unpack."""

    size: int  # bytes, holes included
    seconds: float
    is_stopped: Callable[[], bool]  # asked now and then


@dataclass(frozen=True)
class Unpacked:
    """What has been unpacked, in bytes."""

    size: int
    written: int  # without holes

    def __str__(self) -> str:
        return f"unpacked {size_text(self.size)}, {size_text(self.written)} on disk"


def unpack(path: str, packing: Packing, target: str, bounds: Bounds) -> Unpacked:
    """Writes what is in the compressed core at `path` to a new file `target`, with the former's
    time: that is when the core was taken. Unusable where that cannot be done, or is not worth it;
    the caller takes the file away."""
    try:
        with open(target, "xb") as file:
            done = _copy(path, packing, file, bounds)
        taken = os.stat(path)
        os.utime(target, ns=(taken.st_atime_ns, taken.st_mtime_ns))
        return done
    except NotUnpacked as problem:
        raise Unusable(str(problem)) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Unusable(
            f"compressed by {packing.name}, and cannot be unpacked: {reason}: "
            "choose another -o, or unpack it by hand"
        ) from None


def _copy(path: str, packing: Packing, file: BinaryIO, bounds: Bounds) -> Unpacked:
    size = written = 0
    end = time.monotonic() + bounds.seconds
    with contextlib.closing(iter_chunks(path, packing)) as chunks:
        for chunk in chunks:
            if bounds.is_stopped():
                raise Unusable("not examined: interrupted")
            if time.monotonic() > end:
                raise Unusable(
                    f"timed out after {bounds.seconds:g} s, {size_text(size)} of it unpacked: "
                    "raise --timeout"
                )
            if size == 0 and chunk and chunk[: len(ELF)] != ELF[: len(chunk)]:
                # Not worth a disk full of it.
                raise Unusable(f"unpacked by {packing.name}: {why_no_core(chunk)}")
            if size + len(chunk) > bounds.size:
                raise Unusable(
                    f"larger than {size_text(bounds.size)} when unpacked: raise --max-unpacked"
                )
            _check_space(file, len(chunk), size)
            written += write_sparsely(file, chunk, size)
            size += len(chunk)
    file.truncate(size)
    return Unpacked(size, written)


def _check_space(file: BinaryIO, more: int, size: int) -> None:
    """Unusable if the disk has no room for `more` bytes, and something left then."""
    disk = os.fstatvfs(file.fileno())
    if disk.f_bavail * disk.f_frsize < more + RESERVE:
        raise Unusable(
            f"no room on the disk of the output after {size_text(size)}: "
            "free disk space, or choose another -o"
        )


def write_sparsely(file: BinaryIO, chunk: bytes, at: int) -> int:
    """Writes a chunk to offset `at`, a multiple of PAGE, of a new file: but for pages of zeros,
    which become holes. Bytes written. The file's size is left to be set. OSError."""
    count = len(chunk) // PAGE
    words = np.frombuffer(chunk, np.uint64, count * PAGE // 8).reshape(count, PAGE // 8)
    held = np.zeros(count + 2, np.int8)  # with one on each side, so that each run has two ends
    held[1:-1] = np.bitwise_or.reduce(words, axis=1) != 0
    runs = np.flatnonzero(np.diff(held)) * PAGE
    ends = [int(one) for one in runs]
    tail = chunk[count * PAGE :]
    if tail.strip(b"\0"):
        ends += [count * PAGE, len(chunk)]
    written = 0
    view = memoryview(chunk)
    for low, high in zip(ends[::2], ends[1::2]):
        file.seek(at + low)
        written += file.write(view[low:high])
    return written
