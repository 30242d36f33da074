"""std::vector, where a map keeps its slots or entries in one."""

from __future__ import annotations

from ..compat import dataclass
from ..target import Field, Kind, Type

# Its first two pointers, of libstdc++ and of libc++.
_ENDS = (("_M_start", "_M_finish"), ("__begin_", "__end_"))


@dataclass(frozen=True)
class Vector:
    """Where the pointers to its begin and its end are."""

    begin: Field
    end: Field

    @property
    def element(self) -> Type:
        """What it has."""
        return self.begin.type.target


def find_vector(member: Field) -> Vector | None:
    """A member that is one; None for any other."""
    found, at = member.type, member.offset
    inner = found.find("_M_impl")
    if inner is not None:
        found, at = inner.type, at + inner.offset
    for names in _ENDS:
        begin, end = (found.find(name) for name in names)
        if begin is None or end is None or begin.type.kind is not Kind.POINTER:
            continue
        if begin.type.resolve is not None and begin.type.target.size > 0:
            return Vector(begin.moved(names[0], at), end.moved(names[1], at))
    return None
