"""Struct layouts from type descriptions, with the source of each offset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from .target import Kind, TargetError, Type


@dataclass(frozen=True)
class Member:
    """A field in use, with offset and size in bytes."""

    name: str
    offset: int
    size: int
    type: Type
    source: str  # "debug info", "type object", "layout file"


@dataclass(frozen=True)
class StructLayout:
    """The fields of a struct that a family reads."""

    name: str
    size: int
    members: tuple[Member, ...]
    # Made once for each byte order: many structs are decoded one by one.
    _dtypes: dict[str, np.dtype[np.void]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def __getitem__(self, name: str) -> Member:
        for member in self.members:
            if member.name == name:
                return member
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        return any(member.name == name for member in self.members)

    def dtype(self, order: str) -> np.dtype[np.void]:
        """The struct's scalar members as a structured dtype of the byte order "<" or ">"."""
        if order not in self._dtypes:
            scalars = [member for member in self.members if _format_of(member.type, order)]
            self._dtypes[order] = np.dtype(
                {
                    "names": [member.name for member in scalars],
                    "formats": [_format_of(member.type, order) for member in scalars],
                    "offsets": [member.offset for member in scalars],
                    "itemsize": self.size,
                }
            )
        return self._dtypes[order]

    def decode(self, data: bytes, byte_order: Literal["little", "big"]) -> dict[str, int]:
        """Decodes the scalar members of one struct as integers (pointers too)."""
        dtype = self.dtype("<" if byte_order == "little" else ">")
        (record,) = np.frombuffer(data, dtype, count=1).tolist()
        return dict(zip(dtype.names or (), map(int, record)))


def no_field(struct: str, name: str) -> TargetError:
    """The error for a struct without a field that maps of the known versions have."""
    return TargetError(
        f"'{struct}' has no field '{name}': not a map that this version knows; "
        f"see 'ptype {struct}'"
    )


def struct_layout(
    struct: Type, required: Iterable[str], optional: Iterable[str] = ()
) -> StructLayout:
    """The layout of the named fields of a struct. TargetError if a required one is missing."""
    members = []
    for name in required:
        found = struct.find(name)
        if found is None:
            raise no_field(struct.name, name)
        members.append(Member(name, found.offset, found.type.size, found.type, struct.source))
    for name in optional:
        found = struct.find(name)
        if found is not None:
            members.append(Member(name, found.offset, found.type.size, found.type, struct.source))
    return StructLayout(struct.name, struct.size, tuple(members))


def _format_of(scalar: Type, order: str) -> str:
    """numpy's name for a scalar type; empty for others."""
    if scalar.size not in (1, 2, 4, 8):
        return ""
    if scalar.kind in (Kind.POINTER, Kind.BOOLEAN):
        return f"{order}u{scalar.size}"
    if scalar.kind in (Kind.INTEGER, Kind.ENUM):
        return f"{order}{'i' if scalar.signed else 'u'}{scalar.size}"
    return ""
