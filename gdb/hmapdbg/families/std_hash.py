"""std::hash of C++'s libraries, for known types: from a key's bytes to its hash code.

Numbers are their own hash codes, to all libraries but for those in `by_bytes`; strings and string
views go through a function of the library's own, which hashes their bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Union

import numpy as np
from numpy.typing import NDArray

from ..compat import dataclass
from ..target import Kind, Target, Type

Keys = NDArray[np.uint8]
Codes = NDArray[np.uint64]

_OWN = (Kind.INTEGER, Kind.ENUM, Kind.BOOLEAN, Kind.POINTER)
# Behind std:: may be an inline namespace.
_STANDARD = re.compile(r"(?:struct |class )?std::(?:\w+::)?hash<")
_STRING = re.compile(r"\bbasic_string(_view)?<(char(8|16|32)?(_t)?|wchar_t)[,>]")
_SHORT = re.compile(r"(std::(\w+::)?)?(w|u8|u16|u32)?string(_view)?")


def is_standard(function: Type) -> bool:
    """Whether a hash function object is std::hash: for a user's type, that is the user's own."""
    return _STANDARD.match(function.name) is not None


def is_own_code(key: Type) -> bool:
    """Whether a key of that type is its own hash code."""
    return key.kind in _OWN and 0 < key.size <= 8


def is_text(key: Type) -> bool:
    """Whether a key is a string or a string view, whose bytes are hashed."""
    return _STRING.search(key.name) is not None or _SHORT.fullmatch(key.name) is not None


def own_codes(keys: Keys, key: Type, order: str) -> Codes:
    """The hash codes of a column (n, size) of keys, which are their own."""
    signed = "i" if key.signed and key.kind is not Kind.FLOAT else "u"
    column = np.ascontiguousarray(keys).view(f"{order}{signed}{key.size}")[:, 0]
    return column.astype(np.int64 if signed == "i" else np.uint64).astype(np.uint64)


@dataclass(frozen=True)
class StdHash:
    """See geometry.nodes.map.Hashing. hash_bytes: of text, None where it is not known."""

    key: Type
    order: str
    mask: int  # of a code
    keys_are_codes: bool
    is_hashed: bool = False  # a number that is not its own code: its bytes are hashed
    hash_bytes: Callable[[bytes], int] | None = None

    @property
    def is_certain(self) -> bool:
        """See Hashing: std::hash of the key may be a specialisation of the program's own."""
        return self.keys_are_codes and self.key.kind is not Kind.ENUM

    def codes(self, keys: Keys) -> Codes:
        """See Hashing."""
        codes = own_codes(keys, self.key, self.order) & np.uint64(self.mask)
        if self.key.kind is Kind.FLOAT:  # both zeros are equal
            codes[codes == np.uint64(1 << (8 * self.key.size - 1))] = 0
        return codes

    def code_of(self, key: bytes) -> int | None:
        """See Hashing."""
        if self.key.kind is Kind.POINTER and self.key.target.character:
            return None  # the key is the text, but the pointer is hashed
        if self.keys_are_codes and len(key) == self.key.size:
            return int(self.codes(np.frombuffer(key, np.uint8).reshape(1, -1))[0])
        by_bytes = self.is_hashed and len(key) == self.key.size or is_text(self.key)
        return self.hash_bytes(key) if by_bytes and self.hash_bytes is not None else None


def std_hash(
    target: Target,
    function: object,
    key: Type,
    hash_bytes: Callable[[bytes], int] | None,
    by_bytes: Callable[[Type], Union[bool, None]] = lambda _: None,
) -> StdHash | None:
    """The hash of keys of a type, if it is known; `by_bytes`: whether a number's bytes are hashed;
    None: as all libraries do it."""
    if not isinstance(function, Type) or not is_standard(function):
        return None
    is_hashed = by_bytes(key)
    own = is_own_code(key) if is_hashed is None else not is_hashed
    if not own and not is_hashed and not is_text(key):
        return None
    mask = target.address_limit - 1
    return StdHash(key, target.order, mask, own, bool(is_hashed), hash_bytes)
