"""A CSV of millions of rows in bulk: the numbers at the beginning of each row as arrays.

The csv module would make a Python object of each field.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ..csv import ENTRIES_HEADER, OCCUPANCY_HEADER
from ..output.files import FileError

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

CHUNK = 4 << 20  # bytes of a CSV that are looked at together
MAX_ROW = 256 << 20  # bytes: a longer row is a quote that was never closed
MAX_NAME = 64  # letters of a name


@dataclass
class Rows:
    """Some rows of a CSV: its bytes, and where the leading fields begin and end, (n, fields)."""

    data: Bytes
    starts: Ints
    ends: Ints
    first: int  # number of the first row, the header line being row 1

    def integers(self, field: int, name: str, path: str) -> Ints:
        """The numbers of a field; -1 is the only negative one. FileError."""
        starts, ends = self.starts[:, field], self.ends[:, field]
        negative = (self.data[np.minimum(starts, len(self.data) - 1)] == ord("-")) & (ends > starts)
        lengths = ends - starts - negative
        bad = (lengths < 1) | (lengths > 18)
        values = np.zeros(len(starts), np.int64)
        factor = 1
        for place in range(int(min(lengths.max(initial=0), 18))):
            used = lengths > place
            digits = self.data[np.where(used, ends - 1 - place, 0)].astype(np.int64) - ord("0")
            bad |= used & ((digits < 0) | (digits > 9))
            values += np.where(used, digits * factor, 0)
            factor *= 10
        values[negative] *= -1
        bad |= values < -1
        if bad.any():
            row = int(np.argmax(bad))
            found = self.data[starts[row] : min(ends[row], starts[row] + 40)].tobytes()
            raise FileError(
                f"'{path}' row {self.first + row:,}: {name} is '{show(found)}', not a count: "
                "use the file as hmap-dump wrote it"
            )
        return values

    def iter_runs(self, path: str, field: int = 0) -> Iterator[tuple[str, slice]]:
        """The names in a field, and the adjacent rows that have each."""
        starts, lengths = self.starts[:, field], self.ends[:, field] - self.starts[:, field]
        width = int(lengths.max(initial=0))
        if width > MAX_NAME:
            row = self.first + int(np.argmax(lengths))
            raise FileError(
                f"'{path}' row {row:,}: a name is too long: " "use the file as hmap-dump wrote it"
            )
        places = np.arange(width)
        letters = self.data[np.minimum(starts[:, None] + places, len(self.data) - 1)]
        letters[places >= lengths[:, None]] = 0
        edges = np.flatnonzero((letters[1:] != letters[:-1]).any(axis=1)) + 1
        bounds = [0, *edges.tolist(), len(starts)]
        for low, high in zip(bounds, bounds[1:]):
            yield letters[low].tobytes().rstrip(b"\0").decode("ascii", "backslashreplace"), slice(
                low, high
            )


def iter_rows(path: str, header: str, fields: int) -> Iterator[Rows]:
    """The rows behind the header line, many at a time, their leading `fields` told apart: those are
    never quoted. FileError."""
    columns = header.count(",") + 1
    with open_input(path) as file:
        check_header(path, read_line(file, path), header)
        rest = b""
        number = 2
        while True:
            more = read(file, path, max(CHUNK, len(rest)))
            data = rest + more
            if not more and data and not data.endswith(b"\n"):
                data += b"\n"
            rows, used = split(data, columns, fields, number, path)
            if rows is not None:
                yield rows
                number += len(rows.starts)
            rest = data[used:]
            if len(rest) > MAX_ROW or (rest and not more):
                raise FileError(
                    f"'{path}' row {number:,}: a quote is not closed: "
                    "the file is damaged: write it again with hmap-dump"
                )
            if not more:
                return


def split(
    data: bytes, columns: int, fields: int, number: int, path: str
) -> tuple[Rows | None, int]:
    """The whole rows at the beginning of `data`, and how many bytes they are."""
    letters = np.frombuffer(data, np.uint8)
    is_newline = letters == ord("\n")
    is_comma = letters == ord(",")
    if b'"' in data:
        # Inside quotes the number of quotes so far is odd; a doubled quote changes it twice.
        inside = np.bitwise_xor.accumulate((letters == ord('"')).astype(np.uint8)).astype(bool)
        is_newline &= ~inside
        is_comma &= ~inside
    row_ends = np.flatnonzero(is_newline)
    if len(row_ends) == 0:
        return None, 0
    used = int(row_ends[-1]) + 1
    commas = np.flatnonzero(is_comma[:used])
    starts = np.concatenate([[0], row_ends[:-1] + 1])
    bounds = np.searchsorted(commas, np.concatenate([starts, [used]]))
    wrong = np.diff(bounds) != columns - 1
    if wrong.any():
        row = int(np.argmax(wrong))
        raise FileError(
            f"'{path}' row {number + row:,}: {np.diff(bounds)[row] + 1:,} fields, not {columns}: "
            "the file is damaged: write it again with hmap-dump"
        )
    between = commas.reshape(len(row_ends), columns - 1)
    # A spreadsheet may have put CR LF at the ends of lines.
    ends_at = row_ends - ((row_ends > starts) & (letters[row_ends - 1] == ord("\r")))
    firsts = np.column_stack([starts, between + 1])[:, :fields]
    lasts = np.column_stack([between, ends_at])[:, :fields]
    return Rows(letters, firsts, lasts, number), used


def check_header(path: str, line: bytes, header: str) -> None:
    """Whether the first line is the one expected. FileError."""
    found = line.rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf")
    if found != header.rstrip("\n").encode():
        other = {
            OCCUPANCY_HEADER.rstrip("\n").encode(): "it is an occupancy CSV",
            ENTRIES_HEADER.rstrip("\n").encode(): "it is an entries CSV: give it with --entries",
        }.get(found, f"its first line must be '{header.rstrip()}'")
        kind = "entries CSV" if header == ENTRIES_HEADER else "occupancy CSV"
        raise FileError(f"'{path}' is not an {kind}: {other}")


def open_input(path: str) -> IO[bytes]:
    """The file, or standard input for "-". FileError."""
    if path == "-":
        return sys.stdin.buffer
    try:
        return open(path, "rb")
    except OSError as error:
        raise FileError(f"cannot read '{path}': {reason(error)}: check the name") from None


def read(file: IO[bytes], path: str, size: int) -> bytes:
    """So many bytes, fewer only at the end. FileError."""
    try:
        return file.read(size)
    except OSError as error:
        raise FileError(f"cannot read '{path}': {reason(error)}: give a file") from None


def read_line(file: IO[bytes], path: str) -> bytes:
    """The first line, or its beginning. FileError."""
    try:
        return file.readline(1000)
    except OSError as error:
        raise FileError(f"cannot read '{path}': {reason(error)}: give a file") from None


def reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def show(text: bytes) -> str:
    """Bytes of a file, made safe for a terminal."""
    decoded = text.decode("utf-8", "backslashreplace")
    return decoded if decoded.isprintable() else decoded.encode("unicode_escape").decode()
