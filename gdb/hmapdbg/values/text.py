"""Text in bytes -> str, many at once.

Two forms: plain, and `quoted`, for text inside a struct or an array. Plain text is unchanged,
unless it has NUL or invalid UTF-8: then each such byte is \\xNN and backslashes are doubled, so
that it differs from text that only looks so. Quoted text is in double quotes, with backslash and
quote after a backslash, and the same \\xNN. Text that was cut ends with "…", after any quotes.
"""

from __future__ import annotations

import codecs

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

CUT = "…"


def render_text(joined: Bytes, lengths: Ints, cut: Mask, quoted: bool) -> list[str]:
    """The texts of n strings.

    joined: the bytes of all, each string followed by one NUL; lengths (n,): bytes without that NUL;
    cut (n,): strings of which only the beginning was read.
    """
    count = len(lengths)
    if count == 0:
        return []
    ends = np.cumsum(lengths + 1) - 1
    # Few strings are cut or hold NUL; the others are decoded at once, separated by NUL.
    special = cut.copy()
    is_zero = joined == 0
    is_zero[ends] = False
    if is_zero.any():
        starts = np.concatenate([[0], ends[:-1] + 1])
        special |= np.logical_or.reduceat(is_zero, starts)
    if not special.any():
        return _render_joined(joined.tobytes(), quoted)
    texts = np.empty(count, object)
    plain = ~special
    if plain.any():
        texts[plain] = _render_joined(joined[np.repeat(plain, lengths + 1)].tobytes(), quoted)
    for row in np.flatnonzero(special).tolist():
        end = int(ends[row])
        data = joined[end - int(lengths[row]) : end].tobytes()
        texts[row] = _render_cut(data, quoted) if cut[row] else _render_one(data, quoted)
    out: list[str] = texts.tolist()
    return out


def render_char_arrays(data: Bytes, limit: int, quoted: bool) -> tuple[list[str], int]:
    """The texts of rows (n, size), up to the first NUL and of at most `limit` bytes, and how many
    of them are cut."""
    count = len(data)
    # One byte more than is shown: if it is NUL, the text is whole.
    width = min(data.shape[1], limit + 1)
    padded = np.zeros((count, width + 1), np.uint8)
    padded[:, :width] = data[:, :width]
    lengths = np.argmax(padded == 0, axis=1)
    cut = lengths > limit
    if cut.any():
        lengths[cut] = limit
        padded[cut, limit] = 0
    joined = padded[np.arange(width + 1) <= lengths[:, None]]
    return render_text(joined, lengths, cut, quoted), int(cut.sum())


def render_string(content: bytes) -> str:
    """The plain text of one string."""
    return _render_one(content, False)


def _render_joined(joined: bytes, quoted: bool) -> list[str]:
    """Strings without NUL, each followed by one."""
    if quoted:
        joined = joined[:-1].replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        text = joined.decode("utf-8", "backslashreplace")
        return ('"' + text.replace("\0", '"\0"') + '"').split("\0")
    try:
        return joined[:-1].decode("utf-8").split("\0")
    except UnicodeDecodeError:
        pass
    # Valid UTF-8 has no surrogates, so they mark the strings that are not valid.
    text = joined[:-1].decode("utf-8", "surrogateescape")
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    invalid = np.flatnonzero((points >= 0xDC80) & (points <= 0xDCFF))
    rows = np.unique(np.searchsorted(np.flatnonzero(points == 0), invalid)).tolist()
    texts = text.split("\0")
    escaped = "\0".join(map(texts.__getitem__, rows)).encode("utf-8", "surrogateescape")
    for row, text in zip(rows, _escape(escaped).split("\0")):
        texts[row] = text
    return texts


def _render_one(data: bytes, quoted: bool) -> str:
    """One string, which may hold NUL."""
    if quoted:
        text = (
            data.replace(b"\\", b"\\\\").replace(b'"', b'\\"').decode("utf-8", "backslashreplace")
        )
        return '"' + text.replace("\0", "\\x00") + '"'
    if b"\0" not in data:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            pass
    return _escape(data).replace("\0", "\\x00")


def _render_cut(data: bytes, quoted: bool) -> str:
    """One string that was cut: a sequence that the cut breaks is left out, not shown as invalid."""
    whole = codecs.utf_8_decode(data, "backslashreplace", False)[1]
    return _render_one(data[:whole], quoted) + CUT


def _escape(data: bytes) -> str:
    return data.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def render_letters(codes: list[int]) -> list[str]:
    """Letters by their code points, in single quotes; what is none as its number.

    >>> render_letters([233, 39, 0xD800])
    ["'é'", "'\\\\''", '55296']
    """
    return [
        str(code)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000
        else "'" + ("\\" if chr(code) in "'\\" else "") + chr(code) + "'"
        for code in codes
    ]
