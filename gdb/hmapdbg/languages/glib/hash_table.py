"""The struct behind GHashTable, which GLib's headers only declare: where GLib has no debug info,
its layout is one of those in layouts/, which scripts/glib-layouts makes of GLib's source."""

from __future__ import annotations

import functools
from pathlib import Path

from ...compat import dataclass
from ...target import MemoryFault, Target, Type
from ...target.layout_file import LayoutFile

NAME = "_GHashTable"
SIZES = (4, 8)  # of a pointer, of which there are layouts
SOURCE = "layout file of GLib"
FOLDER = Path(__file__).with_name("layouts")

Version = tuple[int, int]

# The versions that the struct changed in, and the one before the next.
GENERATIONS: tuple[tuple[Version, str], ...] = (
    ((2, 30), "2.30 to 2.58"),
    ((2, 59), "2.59 and 2.60"),
    ((2, 61), "2.61 to 2.86"),
    ((2, 87), "2.87 and later"),
)
# prime_mod[] of ghash.c: for each power of two slots, the prime that hashes are divided by.
PRIMES = (
    (1, 2, 3, 7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071)
    + (262139, 524287, 1048573, 2097143, 4194301, 8388593, 16777213, 33554393, 67108859)
    + (134217689, 268435399, 536870909, 1073741789, 2147483647)
)
COMMON = (2, 61)  # what is taken if the version is unknown


@dataclass(frozen=True)
class Known:
    """The struct of a generation, and which versions have it."""

    struct: Type
    versions: str


def define(name: str, pointer_size: int) -> Type | None:
    """See target.declared; of the version that is the most common."""
    return (
        struct_of(COMMON, pointer_size).struct if name == NAME and pointer_size in SIZES else None
    )


@functools.cache
def struct_of(version: Version, pointer_size: int) -> Known:
    """The struct of a version of GLib, the oldest known one for those before."""
    since, versions = next(
        (one for one in reversed(GENERATIONS) if one[0] <= version), GENERATIONS[0]
    )
    file = FOLDER / f"{since[0]}.{since[1]}-{8 * pointer_size}.json"
    found = LayoutFile(str(file), f"{SOURCE} {versions}").lookup_type(NAME)
    assert found is not None  # scripts/glib-layouts wrote it
    return Known(found, versions)


def version_of(target: Target) -> Version | None:
    """The version of a process's GLib; None: unknown."""
    return target.kept(_version_of)


def _version_of(target: Target) -> Version | None:
    places = [target.address_of_function(f"glib_{part}_version") for part in ("major", "minor")]
    try:
        major, minor = (target.read_uint(place, 4) for place in places if place is not None)
    except (MemoryFault, ValueError):
        return None
    return (major, minor) if major == 2 else None
