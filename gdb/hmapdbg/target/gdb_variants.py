"""The variant parts of structs (Rust's enums): which variant a value has.

gdb tells it of values alone: not of types, where the values of discriminants are, nor of bytes. But
it evaluates expressions in Rust on a value that exists only in gdb, and an error of theirs names
the variant. So each value of a discriminant is tried once for each type.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import gdb
import numpy as np
from numpy.typing import NDArray

from .gdb_namesakes import STRUCTS
from .gdb_session import language, no_calls

VARIABLE = "_hmap_enum"  # of gdb's own, while a value is tried
NO_FIELD = 99999  # the number of a field that no variant has
# Of more values than that, most are those that one variant has no use for: rustc has put the others
# beside a few of them.
MAX_TRIED = 4096
NEAR = 4096
SAMPLES = 64

_VARIANT = re.compile(r"Cannot access field \d+ of variant (.*), there are only \d+ fields")


def has_variants(struct: gdb.Type) -> bool:
    """Whether a struct is a variant part, and its first field the discriminant."""
    first = next(iter(struct.fields()), None) if struct.code == gdb.TYPE_CODE_STRUCT else None
    return first is not None and bool(first.artificial) and not first.name


class WholeTypes:
    """Types with all of their variants: those of values have only the active ones."""

    def __init__(self) -> None:
        self._declared: dict[str, gdb.Type | None] = {}  # None: as it is
        self._with_variants: dict[str, bool] = {}

    def of(self, found: gdb.Type) -> gdb.Type:
        """The type as debug info has it, of one that may be a value's."""
        name = found.name
        if found.code not in STRUCTS or not name:
            return found
        if name not in self._declared:
            self._declared[name] = declared(found) if self._contains_variants(found) else None
        known = self._declared[name]
        return found if known is None or known.sizeof != found.sizeof else known

    def _contains_variants(self, found: gdb.Type) -> bool:
        """Whether a type has variants, or a struct in it."""
        while found.code == gdb.TYPE_CODE_ARRAY:
            found = found.target()
        if found.code not in STRUCTS:
            return False
        name = found.name or ""
        if name not in self._with_variants:
            inner = (one.type for one in found.fields() if hasattr(one, "bitpos"))
            has = has_variants(found) or any(
                self._contains_variants(one) for one in inner if one is not None
            )
            if not name:
                return has
            self._with_variants[name] = has
        return self._with_variants[name]


def declared(found: gdb.Type) -> gdb.Type | None:
    """The struct of a name as debug info has it. A namespace may have that name, too."""
    for spelled in (f"struct {found.name}", found.name):
        try:
            other = gdb.lookup_type(spelled)
        except gdb.error:
            continue
        if other.code == found.code and other.sizeof == found.sizeof:
            return other
    return None


class Chooser:
    """See types.Variants: which variant the values of one type have."""

    def __init__(self, struct: gdb.Type) -> None:
        discriminant, *members = struct.fields()
        self._struct = struct
        self._offset = discriminant.bitpos // 8
        self._size = discriminant.type.sizeof if discriminant.type is not None else 0
        names = [one.type.name if one.type is not None else "" for one in members]
        self._numbers = {name or "": number for number, name in enumerate(names)}
        self._known: dict[bytes, int] = {}

    def __call__(self, raw: NDArray[np.uint8]) -> NDArray[np.int64]:
        column = np.ascontiguousarray(raw[:, self._offset : self._offset + self._size])
        if column.shape[1] != self._size:
            return np.full(len(raw), -1, np.int64)
        if self._size not in (1, 2, 4, 8):
            distinct, places = np.unique(column, axis=0, return_inverse=True)
            values = [row.tobytes() for row in distinct]
        else:
            numbers, places = np.unique(column.view(f"u{self._size}")[:, 0], return_inverse=True)
            self._settle(numbers)
            values = [one.tobytes() for one in numbers]
        self._try(one for one in values if one not in self._known)
        chosen: NDArray[np.int64] = np.array([self._known[one] for one in values], np.int64)
        out: NDArray[np.int64] = chosen[places.reshape(-1)]
        return out

    def _settle(self, numbers: NDArray[Any]) -> None:
        """Of very many values, such as pointers, tries only those that may be of a variant without
        data, and some of the others; all if these are not of one variant."""
        if len(numbers) <= MAX_TRIED or self._size < 4:
            return
        limit = 1 << 8 * self._size
        marks = (0, limit // 2, limit - 1)
        wide = numbers.astype(np.float64)
        near = np.any(
            [np.abs(wide - float(mark)) <= NEAR + limit / 2**52 for mark in marks], axis=0
        )
        others = numbers[~near]
        if not len(others):
            return
        samples = others[np.linspace(0, len(others) - 1, SAMPLES).astype(np.int64)]
        self._try(one.tobytes() for one in samples)
        found = {self._known[one.tobytes()] for one in samples}
        if len(found) == 1:
            only = found.pop()
            self._known.update((one.tobytes(), only) for one in others)

    def _try(self, values: Iterable[bytes]) -> None:
        rest = self._struct.sizeof - self._offset - self._size
        with language("rust"), no_calls():
            try:
                for value in values:
                    data = bytes(self._offset) + value + bytes(rest)
                    # Which the stubs do not know.
                    made = gdb.Value(data, self._struct)  # type: ignore[arg-type, call-arg]
                    gdb.set_convenience_variable(VARIABLE, made)
                    self._known[value] = self._numbers.get(_variant_of_variable(), -1)
            finally:
                gdb.set_convenience_variable(VARIABLE, None)


def _variant_of_variable() -> str:
    """The name of the active variant's type; empty where gdb does not tell it."""
    try:
        gdb.parse_and_eval(f"${VARIABLE}.{NO_FIELD}")
    except gdb.error as error:
        found = _VARIANT.search(str(error))
        return found.group(1) if found is not None else ""
    return ""
