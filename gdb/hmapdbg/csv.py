"""The two CSV files, occupancy of the buckets and entries: RFC 4180 with "\\n" line ends.

Both writers take a text stream that leaves line ends alone (UTF-8, newline=""), write the header
line at once, and then take the Blocks of one walk.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .block import Addresses, Block, Cells, Column
from .target import Type
from .values import Renderer

OCCUPANCY_HEADER = "array,bucket,address,chain,slots,live,deleted,empty,evacuated,geometry\n"
ENTRIES_HEADER = "array,bucket,chain_index,slot,tophash,key,value\n"

# What arrays are called in both; tables have numbers, or names of the family's.
MAIN_ARRAY = "buckets"
OLD_ARRAY = "oldbuckets"  # that growth is emptying

# Rows written by one %-format; more at a time is not faster.
FIRST_ROWS = 1024  # of entries; then as many as give about so much text:
TEXT_AT_ONCE = 8 << 20  # characters
ROWS_AT_ONCE = 4096
# Rows of digits made at once: they stay in the processor's cache.
ROWS_OF_DIGITS = 1 << 14

_is_special = re.compile('[,"\r\n]').search

# What a spreadsheet runs as a formula begins so, also in the wide letters of East Asia; some leave
# out white space and quotes before it.
_FORMULA = r'[\s\x00-\x1f"]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]'
_is_formula = re.compile(_FORMULA).match
# In some countries ";" stands between the cells.
_has_formula = re.compile(f"(?:^|;){_FORMULA}").search
_is_number = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf|nan)\Z").match
# Control bytes, bidirectional marks, line and paragraph separators, a byte order mark, bytes that
# are no text (as os.fsdecode has them).
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


Letters = NDArray[np.uint8]  # (rows, width), NUL where a row has less
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


class Writable(Protocol):
    """What takes text: a text stream that leaves line ends alone, for example."""

    def write(self, text: str, /) -> Any:
        ...


class OccupancyWriter:
    """A row for each main bucket of a map of that geometry; `rows` counts them."""

    def __init__(self, stream: Writable, geometry: str) -> None:
        self.rows = 0
        self._stream = stream
        self._geometry = geometry
        stream.write(OCCUPANCY_HEADER)

    def add(self, block: Block) -> None:
        """Appends the block's bucket rows, if it has any. Raises what the stream raises."""
        buckets = block.buckets
        if buckets is None:
            return
        for begin in range(0, len(buckets), ROWS_OF_DIGITS):
            part = slice(begin, begin + ROWS_OF_DIGITS)
            columns = [_text(f"{block.array},"), _decimal(buckets.bucket[part]), _text(",0x")]
            columns.append(_hexadecimal(buckets.address[part]))
            for numbers in (
                buckets.chain,
                buckets.slots,
                buckets.live,
                buckets.deleted,
                buckets.empty,
                buckets.evacuated,
            ):
                columns += [_text(","), _decimal(numbers[part])]
            columns.append(_text(f",{self._geometry}\n"))
            self._stream.write(_joined(columns))
        self.rows += len(buckets)


class EntriesWriter:
    """A row for each live entry, the first `most` of them if that is given; `rows` counts them."""

    def __init__(
        self,
        stream: Writable,
        renderer: Renderer,
        key_type: Type,
        elem_type: Type,
        most: int | None = None,
        guarded: bool = False,
    ) -> None:
        """guarded: texts as `guard` has them."""
        self.rows = 0
        self._step = FIRST_ROWS  # cells at once
        self._most = most
        self._guarded = guarded
        self._stream = stream
        self._renderer = renderer
        self._key_type = key_type
        self._elem_type = elem_type
        stream.write(ENTRIES_HEADER)

    def add(self, block: Block) -> None:
        """Appends the block's cells, if it has any. Raises what the stream raises."""
        cells = block.cells
        if cells is None:
            return
        if self._most is not None and self.rows + len(cells) > self._most:
            cells = cells.take(np.arange(self._most - self.rows))
        begin = 0
        while begin < len(cells):
            whole = begin == 0 and self._step >= len(cells)
            part = (
                cells
                if whole
                else cells.take(np.arange(begin, min(begin + self._step, len(cells))))
            )
            letters = self._add(block.array, part)
            begin += len(part)
            self._step = max(min(self._step * 2, len(part) * TEXT_AT_ONCE // max(letters, 1)), 1)

    def _add(self, array: str, cells: Cells) -> int:
        """Appends cells; the characters of their keys and elems."""
        keys = self._render(self._key_type, cells.keys)
        elems = self._render(self._elem_type, cells.elems)
        columns: list[Sequence[Any]] = [
            cells.bucket.tolist(),
            cells.chain_index.tolist(),
            cells.slot.tolist(),
            cells.tophash.tolist(),
            keys,
            elems,
        ]
        if cells.arrays is None:
            _write_rows(self._stream, array, "%d,%d,%d,%d,%s,%s\n", columns)
        else:
            columns.insert(0, cells.arrays.tolist())
            _write_rows(self._stream, None, "%s,%d,%d,%d,%d,%s,%s\n", columns)
        self.rows += len(cells)
        return sum(
            sum(map(len, texts)) for texts in (keys, elems) if texts and isinstance(texts[0], str)
        )

    def _render(self, type: Type, column: Column) -> Sequence[Any]:
        # Integers need no quotes and are written faster as they are.
        integers = self._renderer.decode_integers(type, column)
        if integers is not None:
            return integers
        texts = self._renderer.render(type, column)
        return quote(guard(texts) if self._guarded else texts)


def guard(texts: list[str]) -> list[str]:
    """Cells that no spreadsheet runs or hides anything of: a "'" stands before what it would take
    for a formula and is no number, and control bytes, bidirectional marks and the like are \\xNN,
    byte by byte of their UTF-8. `texts` itself where there is nothing of that.

    >>> guard(["=1+1", "-1", "-1+1", "a;@b", "bell \\x07"])
    ["'=1+1", '-1', "'-1+1", "a;'@b", 'bell \\\\x07']
    """
    # One look at all of them spares most columns the look at each.
    joined = ";".join(texts)
    if not _has_formula(joined) and not _CONTROL.search(joined):
        return texts
    return [_CONTROL.sub(_bytes_of, _marked(text)) for text in texts]


def _marked(text: str) -> str:
    """A cell with a "'" before each part that is a formula."""
    if not _has_formula(text):
        return text
    return ";".join(
        f"'{part}" if _is_formula(part) and not _is_number(part) else part
        for part in text.split(";")
    )


def _bytes_of(found: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in found.group().encode("utf-8", "surrogateescape"))


def quote(texts: list[str]) -> list[str]:
    """Fields as they stand in a CSV file: those with comma, quote, CR or LF in double quotes, and
    their quotes doubled. `texts` itself where none has any."""
    # One look at all of them spares most columns the look at each.
    joined = "\0".join(texts)
    if not any(character in joined for character in ',"\r\n'):
        return texts
    del joined  # as large as all of them
    doubled = (t.replace('"', '""') if _is_special(t) else None for t in texts)
    return [t if found is None else f'"{found}"' for t, found in zip(texts, doubled)]


def _write_rows(
    stream: Writable, array: str | None, line: str, columns: list[Sequence[Any]]
) -> None:
    """Rows of an array of the map: its name if it is given, then `line` filled from the columns."""
    if array is not None:
        line = array.replace("%", "%%") + "," + line
    count = len(columns[0])
    for begin in range(0, count, ROWS_AT_ONCE):
        parts = [column[begin : begin + ROWS_AT_ONCE] for column in columns]
        rows = len(parts[0])
        stream.write(line * rows % tuple(chain.from_iterable(zip(*parts))))


# ---- rows of numbers, without a Python statement or object a row


def _text(text: str) -> Letters:
    """The same text in each row."""
    return np.frombuffer(text.encode(), np.uint8).reshape(1, -1)


def _decimal(numbers: NDArray[Any]) -> Letters:
    """Numbers that are not negative."""
    width = len(str(int(numbers.max())))
    if width == 1:
        return (numbers.astype(np.uint8) + np.uint8(ord("0"))).reshape(-1, 1)
    rest = numbers.astype(np.uint64)
    out = np.empty((len(rest), width), np.uint8)
    for place in reversed(range(width)):
        higher = rest // np.uint64(10)
        out[:, place] = rest - higher * np.uint64(10) + np.uint64(ord("0"))
        if place < width - 1:
            out[rest == 0, place] = 0
        rest = higher
    return out


def _hexadecimal(numbers: Addresses) -> Letters:
    rest = numbers
    width = max(1, -(-int(rest.max()).bit_length() // 4))
    out = np.empty((len(rest), width), np.uint8)
    for place in reversed(range(width)):
        out[:, place] = _HEX[(rest & np.uint64(15)).astype(np.intp)]
        if place < width - 1:
            out[rest == 0, place] = 0
        rest = rest >> np.uint64(4)
    return out


def _joined(columns: list[Letters]) -> str:
    """The rows, one behind the other."""
    rows = max(len(column) for column in columns)
    table = np.concatenate(
        [np.broadcast_to(column, (rows, column.shape[1])) for column in columns], axis=1
    )
    rows_of_text: bytes = table[table != 0].tobytes()
    return rows_of_text.decode()
