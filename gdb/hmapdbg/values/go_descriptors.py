"""Go's own type descriptors in memory (internal/abi/type.go): what all readers of them need."""

from __future__ import annotations

from ..target import Field, Target

Fields = dict[str, Field]


def descriptor_fields(target: Target, *names: str) -> Fields:
    """The fields of the first struct of those names that there is, without capitals or underscores,
    as versions differ in them; none where there is no such struct."""
    found = next(filter(None, map(target.lookup_type, names)), None)
    fields = () if found is None else tuple(found.iter_fields())
    return {one.name.lower().strip("_"): one for one in fields}


def read_name(target: Target, addr: int, most: int) -> str:
    """A name as descriptors have it: flags, length, letters, of which at most so many are read.
    MemoryFault."""
    length = shift = 0
    at = addr + 1
    while True:
        byte = target.read_uint(at, 1)
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 or shift > 21:
            break
    return target.read(at, min(length, most)).decode("utf-8", "backslashreplace")
