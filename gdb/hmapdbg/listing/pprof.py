"""A listing as a profile for `go tool pprof`: profile.proto of github.com/google/pprof, gzipped.

The message is small, and written here by hand: fields of varints and of bytes with their length.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence

from ..families import goes_by
from ..languages.go import root_length
from ..reach.steps import step_starts
from ..target.spelling import SCOPE
from .rows import Listing, Row

VALUES = (
    ("held", "bytes"),
    ("wasted", "bytes"),
    ("entries", "count"),
    ("deleted", "count"),
)

# Profile, ValueType, Sample, Label, Location, Line, Function: numbers of their fields.
SAMPLE_TYPE, SAMPLE, MAPPING, LOCATION, FUNCTION, STRINGS = 1, 2, 3, 4, 5, 6
TIME_NANOS, COMMENT, DEFAULT_TYPE = 9, 13, 14


def profile(listing: Listing) -> bytes:
    """The profile: a sample a map, its path as the stack, the whole path at the leaf."""
    return gzip.compress(_Profile(listing).encode(), mtime=0)


def stack_of(row: Row) -> list[str]:
    """The way to a map, the root first: each step with all before it.

    >>> stack_of(row)  # of server->cache.sessions
    ['server', 'server->cache', 'server->cache.sessions']
    """
    path = row.path
    if path.startswith(("--type ", "registry ", "(")):
        return [path]
    scope = SCOPE.match(path)
    at = scope.end() if scope else 0
    # The name of a Go package's variable has a "." in it that is no step.
    root = root_length(path) if goes_by(row.family, "go") and not scope else 0
    first = root or at
    cuts = [at + cut for cut in step_starts(path[at:])]
    return [path[:cut] for cut in cuts if cut >= first] + [path]


class _Profile:
    def __init__(self, listing: Listing) -> None:
        self._strings: dict[str, int] = {"": 0}
        self._functions: dict[str, int] = {}
        self._bodies: list[bytes] = []
        self._listing = listing

    def encode(self) -> bytes:
        """The message Profile."""
        out = [
            _bytes(SAMPLE_TYPE, _int(1, self._text(name)) + _int(2, self._text(unit)))
            for name, unit in VALUES
        ]
        out += [_bytes(SAMPLE, self._sample(row)) for row in self._listing.rows]
        out.append(
            _bytes(MAPPING, _int(1, 1) + _int(5, self._text(self._listing.program)) + _int(7, 1))
        )
        out += [_bytes(LOCATION, self._location(number)) for number in self._functions.values()]
        out += [_bytes(FUNCTION, body) for body in self._bodies]
        if self._listing.taken_at is not None:
            out.append(_int(TIME_NANOS, int(self._listing.taken_at * 1e9)))
        notes = [*map("incomplete: {}".format, self._listing.cuts), *self._listing.notes]
        out += [_int(COMMENT, self._text(note)) for note in notes]
        out.append(_int(DEFAULT_TYPE, self._text(VALUES[0][0])))
        out += [_bytes(STRINGS, text.encode("utf-8", "replace")) for text in self._strings]
        return b"".join(out)

    def _sample(self, row: Row) -> bytes:
        stack = stack_of(row)
        # The leaf comes first.
        locations = [self._function(text, row) for text in reversed(stack)]
        values = [row.held, row.wasted, row.entries, row.deleted]
        labels = [("family", row.family), ("types", row.types)]
        labels += [("verdict", name) for name in row.verdicts]
        return (
            _packed(1, locations)
            + _packed(2, values)
            + b"".join(
                _bytes(3, _int(1, self._text(key)) + _int(2, self._text(text)))
                for key, text in labels
            )
        )

    def _function(self, name: str, row: Row) -> int:
        if name not in self._functions:
            number = len(self._functions) + 1
            self._functions[name] = number
            text = self._text(name)
            file = self._text(row.created_at.rpartition(" at ")[2].rpartition(":")[0])
            self._bodies.append(_int(1, number) + _int(2, text) + _int(3, text) + _int(4, file))
        return self._functions[name]

    def _location(self, number: int) -> bytes:
        return _int(1, number) + _int(2, 1) + _bytes(4, _int(1, number))

    def _text(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _int(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _bytes(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _packed(field: int, numbers: Sequence[int]) -> bytes:
    return _bytes(field, b"".join(map(_varint, numbers)))
