"""What std's Hash writes for a key, as messages for a hash function (core/src/hash/mod.rs): for the
types whose Hash is known, or derived as nearly all are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...languages import find_counted_string, find_listed
from ...languages.rust import full_name
from ...languages.rust.members import only_field
from ...languages.rust.shown import numbered
from ...target import Kind, Target, Type

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

END_OF_TEXT = 0xFF
MAX_TEXT = 1 << 20  # bytes of one string
MAX_DEPTH = 8
# Of a number, a bool or a char, the bytes themselves; of others by their names.
_PLAIN = (Kind.INTEGER, Kind.BOOLEAN)
_AS_PATHS = ("std::path::", "std::ffi::")


@dataclass(frozen=True)
class Messages:
    """n messages one behind the other; `known`: (n,) those that were read."""

    joined: Bytes
    lengths: Ints
    known: NDArray[np.bool_]

    @staticmethod
    def fixed(rows: Bytes) -> Messages:
        """Messages of one length: rows (n, size)."""
        count = len(rows)
        lengths = np.full(count, rows.shape[1], np.int64)
        return Messages(rows.reshape(-1), lengths, np.ones(count, np.bool_))

    @staticmethod
    def joining(parts: Sequence[Messages], count: int) -> Messages:
        """Each of n messages made of those of all parts, in order."""
        if not parts:
            return Messages.fixed(np.zeros((count, 0), np.uint8))
        lengths = np.sum([part.lengths for part in parts], axis=0).astype(np.int64)
        out = np.zeros(int(lengths.sum()), np.uint8)
        starts = np.cumsum(lengths) - lengths
        for part in parts:
            out[_places(starts, part.lengths)] = part.joined
            starts = starts + part.lengths
        known = np.logical_and.reduce([part.known for part in parts])
        return Messages(out, lengths, known)

    @staticmethod
    def chosen(parts: Sequence[tuple[Ints, Messages]], count: int) -> Messages:
        """n messages, of which each part has some, by their rows; others are not known."""
        lengths, known = np.zeros(count, np.int64), np.zeros(count, np.bool_)
        for rows, part in parts:
            lengths[rows], known[rows] = part.lengths, part.known
        out = np.zeros(int(lengths.sum()), np.uint8)
        starts = np.cumsum(lengths) - lengths
        for rows, part in parts:
            out[_places(starts[rows], part.lengths)] = part.joined
        return Messages(out, lengths, known)


def _places(starts: Ints, lengths: Ints) -> Ints:
    """The places of bytes, of n runs of them."""
    begins = np.cumsum(lengths) - lengths
    places: Ints = np.arange(int(lengths.sum())) + np.repeat(starts - begins, lengths)
    return places


def is_certain(key: Type) -> bool:
    """Whether the Hash of a type is the library's own, and known."""
    if find_counted_string(key) is not None:
        return not full_name(key).startswith(_AS_PATHS) and "Path" not in full_name(key)
    if key.kind in _PLAIN:
        return True
    if key.kind is Kind.ARRAY:
        return is_certain(key.target)
    if key.kind is Kind.STRUCT and full_name(key).startswith("("):
        return all(is_certain(one.type) for one in key.fields)
    return False


def messages_of(target: Target, key: Type, data: Bytes, depth: int = 0) -> Optional[Messages]:
    """The messages of n keys (n, size); None for a type whose Hash cannot be known. Where it is not
    certain, it is that which #[derive(Hash)] makes."""
    if depth > MAX_DEPTH or data.shape[1] != key.size:
        return None
    if key.kind in _PLAIN:
        return Messages.fixed(np.ascontiguousarray(data))
    if key.kind is Kind.ENUM:
        return _discriminants(target, target.integer_column(data, 0, key.size, key.signed))
    if key.kind is Kind.ARRAY:
        columns = data.reshape(len(data) * key.count, key.target.size)
        return _listed(target, key.target, columns, np.full(len(data), key.count), depth)
    if key.kind is not Kind.STRUCT:
        return None
    string = find_counted_string(key)
    if string is not None:
        name = full_name(key)
        if name.startswith(_AS_PATHS) or "Path" in name or "OsStr" in name:
            return None
        return _texts(target, *string.locate(target, np.ascontiguousarray(data)))
    if key.variants is not None:
        return _variants(target, key, data, depth)
    listed = find_listed(key)
    if listed is not None:
        return _elements(target, key, data, depth)
    if full_name(key).startswith(("core::", "alloc::", "std::")):
        only = only_field(key)  # NonZero, Reverse, Wrapping
        if only is None:
            return None
        part = data[:, only.offset : only.offset + only.type.size]
        return messages_of(target, only.type, part, depth + 1)
    return _fields(target, key, data, depth)


def _fields(target: Target, found: Type, data: Bytes, depth: int) -> Optional[Messages]:
    """The fields of a struct in the order of its declaration, which debug info keeps."""
    fields = numbered(found) or tuple(found.fields)
    parts = []
    for one in fields:
        column = data[:, one.offset : one.offset + one.type.size]
        part = messages_of(target, one.type, column, depth + 1)
        if part is None:
            return None
        parts.append(part)
    return Messages.joining(parts, len(data))


def _discriminants(target: Target, values: NDArray[Any]) -> Messages:
    """The isize that derive(Hash) writes for a variant."""
    kind = np.dtype(f"{target.order}i{target.pointer_size}")
    rows = np.ascontiguousarray(values.astype(np.int64)).astype(kind)
    return Messages.fixed(rows.view(np.uint8).reshape(len(values), target.pointer_size))


def _variants(target: Target, found: Type, data: Bytes, depth: int) -> Optional[Messages]:
    assert found.variants is not None
    chosen = found.variants.choose(data)
    parts = []
    for number in np.unique(chosen[chosen >= 0]).tolist():
        rows = np.flatnonzero(chosen == number)
        member = found.variants.members[number]
        part = data[rows, member.offset : member.offset + member.type.size]
        inner = _fields(target, member.type, part, depth + 1)
        if inner is None:
            return None
        tag = _discriminants(target, np.full(len(rows), number))
        parts.append((rows, Messages.joining([tag, inner], len(rows))))
    return Messages.chosen(parts, len(data))


def _texts(target: Target, addrs: NDArray[np.uint64], sizes: Ints) -> Messages:
    """Texts (n,), each with the byte behind it that no text has."""
    known = (sizes >= 0) & (sizes <= MAX_TEXT)
    lengths = np.where(known, sizes, 0)
    joined = np.zeros(int((lengths + 1).sum()), np.uint8)
    starts = np.cumsum(lengths + 1) - lengths - 1
    for size in np.unique(lengths[lengths > 0]).tolist():
        rows = np.flatnonzero(lengths == size)
        data, ok = target.gather(addrs[rows], size)
        joined[_places(starts[rows], lengths[rows])] = data.reshape(-1)
        known[rows] &= ok
    joined[starts + lengths] = END_OF_TEXT
    return Messages(joined, lengths + 1, known)


def _listed(
    target: Target, element: Type, data: Bytes, counts: Ints, depth: int
) -> Optional[Messages]:
    """Of n lists their lengths, and their elements: data (all of them, size)."""
    inner = messages_of(target, element, data, depth + 1)
    if inner is None:
        return None
    sums = np.concatenate([[0], np.cumsum(inner.lengths)])
    ends = np.cumsum(counts)
    lengths = sums[ends] - sums[ends - counts]
    bad = np.concatenate([[0], np.cumsum(~inner.known)])
    known = bad[ends] - bad[ends - counts] == 0
    content = Messages(inner.joined, lengths, known)
    return Messages.joining([_discriminants(target, counts), content], len(counts))


def _elements(target: Target, key: Type, data: Bytes, depth: int) -> Optional[Messages]:
    """Of a Vec, or a slice."""
    listed = find_listed(key)
    assert listed is not None
    places = listed.find(target, np.zeros(len(data), np.uint64), np.ascontiguousarray(data))
    counts = np.bincount(places.rows, minlength=len(data))
    if places.cut:
        return None
    content, ok = target.gather(places.addrs, listed.element.size)
    found = _listed(target, listed.element, content, counts, depth)
    if found is None or ok.all():
        return found
    unread = np.bincount(places.rows[~ok], minlength=len(data)) > 0
    return Messages(found.joined, found.lengths, found.known & ~unread)
