"""The spelling of Go's names: of types, as Go users know them, and of variables.

gdb calls Go's pointers "main.pt *" and drops their names in DWARF; the names of a map's parts still
spell its key and elem as Go does: hash<K,V> with []key<K> and []val<V> up to go1.23
(cmd/link/internal/ld/dwarf.go synthesizemaptypes()), map.group[K]V from go1.24 on
(cmd/compile/internal/reflectdata/map.go).
"""

from __future__ import annotations

import functools
import re

OPENING, CLOSING = "[{(", "]})"
# What the compiler calls the types that generic functions are compiled for, one for all types of a
# form.
SHAPE = "go.shape."
# What the compiler calls the buckets and groups of a map type.
PARTS = ("map.group[", "map.bucket[")

# A variable of a package, whose name has a "." that is not a step of a path.
_VARIABLE = re.compile(r"'[^']*'|(?:[\w.~-]+/)*\w+\.\w+")

# The elems of the maps in a sync.Map up to go1.23, which are counted with it.
SYNC_ENTRY = "*sync.entry"


def go_name(name: str) -> str:
    """A type's name as Go users know it.

    >>> go_name("struct string"), go_name("noalg.struct { key int; elem int }"), go_name("T **")
    ('string', 'struct { key int; elem int }', '**T')
    >>> go_name("map[go.shape.string]int")
    'map[string]int'
    """
    name = name.replace("noalg.", "").replace(SHAPE, "")
    if name.startswith("struct ") and not name.startswith("struct {"):
        name = name[len("struct ") :]
    stem = name.rstrip("*")
    if not stem.endswith(" "):
        return name
    stars = name[len(stem) :]
    if stem == "void ":  # gdb's name for it
        return f"{stars[1:]}unsafe.Pointer"
    return stars + go_name(stem[:-1])


def split_map_name(name: str) -> tuple[str, str] | None:
    """K and V of a name that ends with "[K]V"; None for other names.

    >>> split_map_name("map.group[[4]uint8]map[string]int")
    ('[4]uint8', 'map[string]int')
    """
    begin = name.find("[")
    depth = 0
    quote = ""
    for at in range(begin, len(name)) if begin >= 0 else ():
        letter = name[at]
        if quote:  # the tag of a field
            quote = "" if letter == quote and name[at - 1] != "\\" else quote
        elif letter in '"`':
            quote = letter
        elif letter in OPENING:
            depth += 1
        elif letter in CLOSING:
            depth -= 1
            if depth == 0:
                return name[begin + 1 : at], name[at + 1 :]
    return None


def map_name_of(part: str) -> str:
    """The map type of a type of buckets or groups; empty for any other type.

    >>> map_name_of("map.group[string]int")
    'map[string]int'
    """
    for prefix in PARTS:
        if part.startswith(prefix):
            return "map[" + part[len(prefix) :].replace("noalg.", "")
    return ""


def is_bucket(name: str) -> bool:
    """Whether a type is that of a map's buckets or groups, or a pointer to one."""
    return bool(map_name_of(name.lstrip("*").removeprefix("noalg.")))


def with_shapes(name: str) -> str:
    """A generic type's name with shapes for its arguments: right for predeclared types and those
    without a name; the shape of another does not follow from its name.

    >>> with_shapes("sync.entry[interface { F(int, int) },[]int]")
    'sync.entry[go.shape.interface { F(int, int) },go.shape.[]int]'
    """
    depth, spelled = 0, ""
    for letter in name:
        depth += (letter in OPENING + "(") - (letter in CLOSING + ")")
        spelled += letter
        if (letter == "[" or letter == ",") and depth == 1:
            spelled += SHAPE
    return spelled


@functools.lru_cache(10_000)
def without_paths(name: str) -> str:
    """A type's name with only the last parts of its packages' paths, as in descriptors.

    >>> without_paths("map[string]*net/http.Server")
    'map[string]*http.Server'
    """
    return re.sub(r"[\w.~%-]+/", "", name)


def root_length(path: str) -> int:
    """The length of the package variable that begins a path; 0: none does.

    >>> root_length("main.server.sessions")
    11
    """
    found = _VARIABLE.match(path)
    return found.end() if found else 0
