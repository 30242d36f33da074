"""Go's type descriptors in the target's memory: what the runtime stores for each type.

A descriptor is an abi.Type, followed by the fields of its kind, and then those of a named type.
Offsets come from debug info. A descriptor's address may come from anywhere in memory, so nothing in
it is trusted.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...compat import dataclass
from ...target import Field, MemoryFault, Target, Type
from .abi import BASE, DIRECT, DIRECT_FLAGS, EXTRA_STAR, ITAB, KIND_MASK, STRUCT_FIELD, STRUCTS
from .abi import UNCOMMON, GoKind
from .modules import modules_of
from .symbols import find_value


MAX_FIELDS = 1000
MAX_FIELD_NAME = 256  # bytes
MAX_NAME = 4096
MAX_TYPES = 100_000
MAX_VALUE = 1 << 30  # bytes of a value of a type
ALIGNMENTS = (1, 2, 4, 8)
PAGE = 1 << 14  # bytes of descriptors read at a time
MAX_PAGES = 4096


class NoDescriptor(Exception):
    """There is no valid descriptor at that address."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """The fields of every descriptor."""

    address: int
    kind: GoKind
    size: int  # bytes of a value
    flags: int
    direct: bool  # an interface's second word is the value itself
    text: int  # offset of its name from the module's types


@dataclass(frozen=True, slots=True)
class Member:
    """A field of a struct: its name, its type's descriptor, its offset."""

    name: str
    type: int
    offset: int


@dataclass(frozen=True, slots=True)
class _Struct:
    """A struct of debug info. Field names lack capitals and underscores, which versions vary."""

    size: int
    fields: dict[str, Field]

    def __getitem__(self, name: str) -> Field:
        if name not in self.fields:
            raise NoDescriptor
        return self.fields[name]


class Descriptors:
    """The descriptors of a target. Each method raises NoDescriptor for invalid ones."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: dict[int, Descriptor | None] = {}
        self._structs: dict[tuple[str, ...], _Struct] = {}
        self._pages: dict[int, bytes] = {}  # by number; empty: cannot be read as a whole

    def at(self, addr: int) -> Descriptor:
        """The descriptor at an address."""
        if addr not in self._known:
            if len(self._known) >= MAX_TYPES:
                self._known.clear()
            try:
                self._known[addr] = self._read(addr)
            except NoDescriptor:
                self._known[addr] = None
        found = self._known[addr]
        if found is None:
            raise NoDescriptor
        return found

    def elem(self, found: Descriptor) -> int:
        """The descriptor of the elements of an array, slice, channel or map, or of a pointee."""
        return self._part(found, "elem")

    def elem_offset(self, kind: GoKind) -> int:
        """Where descriptors of a kind have that of their elements."""
        return self._of_kind(kind)["elem"].offset

    def field_lists(self) -> tuple[int, int, int]:
        """Where a struct's descriptor has the slice of its fields; the bytes of each of these, and
        where it has its type."""
        struct = self._struct(STRUCT_FIELD)
        return self._of_kind(GoKind.STRUCT)["fields"].offset, struct.size, struct["typ"].offset

    def key(self, found: Descriptor) -> int:
        """The descriptor of a map's keys."""
        return self._part(found, "key")

    def bucket(self, found: Descriptor) -> int:
        """The descriptor of a map's buckets or groups."""
        names = self._of_kind(found.kind).fields
        return self._part(found, "group" if "group" in names else "bucket")

    def count(self, found: Descriptor) -> int:
        """How many elements an array has."""
        return self._part(found, "len")

    def has_methods(self, found: Descriptor) -> bool:
        """Whether an interface type has methods."""
        fields = self._of_kind(found.kind).fields
        methods = fields.get("methods") or fields.get("mhdr")
        if methods is None:
            raise NoDescriptor
        at = found.address + methods.offset + self._target.pointer_size
        return self._number(at, self._target.pointer_size) != 0

    def members(self, found: Descriptor) -> Iterator[Member]:
        """The fields of a struct."""
        width = self._target.pointer_size
        at = found.address + self._of_kind(found.kind)["fields"].offset
        first, count = self._number(at, width), self._number(at + width, width)
        if count > MAX_FIELDS:
            raise NoDescriptor
        struct = self._struct(STRUCT_FIELD)
        for number in range(count):
            here = first + number * struct.size
            name = self._letters(self._uint(here, struct["name"]), MAX_FIELD_NAME)
            yield Member(name, self._uint(here, struct["typ"]), self._offset(here, struct))

    def _offset(self, field: int, struct: _Struct) -> int:
        """Where a field of a struct lies, by the field's own record."""
        if "offset" in struct.fields:
            return self._uint(field, struct["offset"])
        return self._uint(field, struct["offsetanon"]) >> 1  # go1.18: beside a flag of embedding

    def find(self, data: NDArray[np.uint8], kind: GoKind) -> NDArray[np.uint64]:
        """Where in memory of descriptors those of a kind may be, counted from its start: with
        sizes and alignments that a type can have."""
        base, width = self._struct(BASE), self._target.pointer_size
        whole = self._of_kind(kind).size
        pointed = base.fields.get("ptrbytes") or base.fields.get("ptrdata")  # up to go1.20
        if pointed is None or not base.size <= whole <= len(data):
            return np.zeros(0, np.uint64)
        rows = np.lib.stride_tricks.sliding_window_view(data, whole)[::width]
        places = np.flatnonzero(rows[:, base["kind"].offset] & KIND_MASK == kind)
        rows = rows[places]
        sizes, pointers = (
            self._target.pointer_column(rows, one.offset) for one in (base["size"], pointed)
        )
        fits = (pointers <= sizes) & (pointers % np.uint64(width) == 0) & (sizes <= MAX_VALUE)
        fits &= np.isin(rows[:, base["align"].offset], ALIGNMENTS)
        fits &= rows[:, base["align"].offset] == rows[:, base["fieldalign"].offset]
        if kind is GoKind.MAP:
            fits &= (sizes == width) & (pointers == width)
        found: NDArray[np.uint64] = (places[fits] * width).astype(np.uint64)
        return found

    def text(self, found: Descriptor) -> str:
        """The name in the descriptor, with only the last part of its package's path."""
        letters = self._letters(self._names_from(found) + found.text, MAX_NAME)
        return letters[1:] if found.flags & EXTRA_STAR else letters

    def package(self, found: Descriptor) -> str:
        """The path of a named type's package, which follows the fields of its kind; empty if it has
        none."""
        struct = self._of_kind(found.kind)
        if not struct.size or not found.flags & UNCOMMON:
            return ""
        offset = self._number(found.address + struct.size, 4)
        return self._letters(self._names_from(found) + offset, MAX_NAME) if offset else ""

    def type_in_itab(self) -> Field | None:
        """The field of an itab with the descriptor of the interface's type."""
        return self._struct(ITAB).fields.get("type")

    # ---- the parts

    def _read(self, addr: int) -> Descriptor:
        base = self._struct(BASE)
        if addr == 0:
            raise NoDescriptor
        size, byte, flags = (self._uint(addr, base[name]) for name in ("size", "kind", "tflag"))
        try:
            kind = GoKind(byte & KIND_MASK)
        except ValueError:
            raise NoDescriptor from None
        if self._direct_flag is None:
            direct = bool((byte | flags) & DIRECT)
        else:
            where, bit = self._direct_flag
            direct = bool((byte if where == "kind" else flags) & bit)
        if direct and size != self._target.pointer_size:
            raise NoDescriptor
        return Descriptor(addr, kind, size, flags, direct, self._uint(addr, base["str"]))

    def _part(self, found: Descriptor, name: str) -> int:
        return self._uint(found.address, self._of_kind(found.kind)[name])

    def _letters(self, addr: int, most: int) -> str:
        """A name in a descriptor: flags, length, text, of which at most `most` bytes are read."""
        length = shift = 0
        at = addr + 1
        while True:
            byte = self._number(at, 1)
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 or shift > 21:
                break
        try:
            letters = self._bytes(at, min(length, most))
        except MemoryFault:
            raise NoDescriptor from None
        return letters.decode("utf-8", "backslashreplace")

    def _uint(self, addr: int, field: Field) -> int:
        return self._number(addr + field.offset, field.type.size)

    def _number(self, addr: int, size: int) -> int:
        if not 0 < size <= 8:
            raise NoDescriptor
        try:
            return int.from_bytes(self._bytes(addr, size), self._target.byte_order)
        except MemoryFault:
            raise NoDescriptor from None

    def _bytes(self, addr: int, size: int) -> bytes:
        """Memory of descriptors, which lie beside each other: read by the page. MemoryFault."""
        number, at = divmod(addr, PAGE)
        if number not in self._pages:
            if len(self._pages) >= MAX_PAGES:
                self._pages.clear()
            try:
                self._pages[number] = self._target.read(number * PAGE, PAGE)
            except MemoryFault:
                self._pages[number] = b""
        found = self._pages[number][at : at + size]
        return found if len(found) == size else self._target.read(addr, size)

    # ---- debug info

    def _of_kind(self, kind: GoKind) -> _Struct:
        return self._struct(STRUCTS.get(kind, BASE))

    def _struct(self, names: tuple[str, ...]) -> _Struct:
        """The first struct of those names that exists; an empty one if none does."""
        if names not in self._structs:
            found: Type | None = None
            for name in names:
                found = self._target.lookup_type(name)
                if found is not None and found.fields:
                    break
            fields = () if found is None else tuple(found.iter_fields())
            self._structs[names] = _Struct(
                0 if found is None else found.size,
                {one.name.lower().strip("_"): one for one in fields},
            )
        return self._structs[names]

    @functools.cached_property
    def _direct_flag(self) -> tuple[str, int] | None:
        """Which byte has the flag of direct values, and its bit; None if debug info lacks it."""
        for where, name in DIRECT_FLAGS:
            value = find_value(self._target, name)
            if value is not None:
                return where, int.from_bytes(value.data, self._target.byte_order)
        return None

    def _names_from(self, found: Descriptor) -> int:
        """Where a descriptor's names are counted from: the start of its module's types. One that
        lies in no module has been made at run time, and has names of its own (runtime.reflectOffs):
        what can be had is counted from the first module on."""
        starts = self._types_of_modules
        if not starts:
            raise NoDescriptor
        for start, end in starts:
            if start <= found.address < end:
                return start
        return starts[0][0]

    @functools.cached_property
    def _types_of_modules(self) -> list[tuple[int, int]]:
        """Where each module's types begin and end."""
        return [
            (module.word("types"), module.word("etypes") if module.has("etypes") else 0)
            for module in modules_of(self._target)
            if module.has("types")
        ]
