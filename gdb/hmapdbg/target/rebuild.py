"""Whether a layout file fits a program that it was not made from: a rebuild of it, such as one
with debug info where the program has none.

Variables are where they were if the sections of both agree: code byte for byte, sections of
variables in address and size. By force, sections of equal sizes may have moved: each is matched
with its namesake. Of a Go program, the values in memory decide in the end: runtime.firstmoduledata
has the addresses of its parts (runtime/symtab.go), and a type's descriptor its size and name
(internal/abi/type.go).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Optional

from ..compat import dataclass
from .core_file import NotACore, section_bytes
from .elf_symbols import Section, read_sections
from .go_build import varint
from .layout_file import MODULE, LayoutFile
from .types import Field, Kind, Type

Read = Callable[[int, int], Optional[bytes]]

# What has the flags of a build, and what is in no program but in the blocks of its threads.
UNCOUNTED = (".go.buildinfo", ".tbss")
BASES = ("internal/abi.Type", "runtime._type")  # what every descriptor begins with, new and old
MAX_DESCRIPTORS = 60  # that are looked at
EXTRA_STAR = 2  # internal/abi/type.go TFlagExtraStar
# Whatever has one of these is spelled in more ways than one.
_SPELLED = re.compile(r"[\w.*\[\]]+\Z")
_PATH = re.compile(r"[\w.~%-]+/")


@dataclass(frozen=True)
class Fit:
    """How the sections of a layout file match those of a program."""

    moves: Sequence[tuple[int, int, int]] = ()  # start, end (as linked), how far it moved
    moved: Sequence[str] = ()  # sections that lie elsewhere
    changed: Sequence[str] = ()  # sections of code with other bytes
    misfits: Sequence[str] = ()  # why they cannot be matched

    @property
    def is_exact(self) -> bool:
        """Whether all sections agree."""
        return bool(self.moves) and not (self.moved or self.changed or self.misfits)

    def why_not(self, program: str) -> str:
        """Why it is not exact."""
        reasons = list(self.misfits[:2])
        if self.moved and not reasons:
            lies = "lies" if len(self.moved) == 1 else "lie"
            reasons.append(f"{_listed(self.moved)} {lies} elsewhere in '{program}'")
        if self.changed and not self.misfits:
            differs = "differs" if len(self.changed) == 1 else "differ"
            reasons.append(f"{_listed(self.changed)} {differs}")
        return ", and ".join(reasons)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def fit_of(file: LayoutFile, program: str) -> Fit:
    """How the sections of a layout file match those of a program. OSError."""
    sections = read_sections(program)
    own = {one.name: one for one in sections if _counts(one)}
    listed = {one.name: one for one in file.sections if _counts(one)}
    misfits, moved, changed, moves = [], [], [], []
    for name, one in listed.items():
        other = own.get(name)
        if other is None:
            misfits.append(f"'{program}' has no section {name}")
        elif one.size != other.size:
            misfits.append(f"{name} has {one.size:,} bytes, in '{program}' {other.size:,}")
        else:
            moves.append((one.address, one.address + one.size, other.address - one.address))
            if one.address != other.address:
                moved.append(name)
    misfits += [f"'{program}' has a section {name}" for name in own if name not in listed]
    if not misfits:
        changed = [name for name, one in listed.items() if _is_changed(one, program)]
    # Of what never changes, only the addresses of Go's descriptors are asked for.
    constant = {one.name: one for one in sections if not _counts(one)}
    for one in file.sections:
        if not _counts(one) and one.name in constant:
            move = constant[one.name].address - one.address
            moves.append((one.address, one.address + one.size, move))
    return Fit(sorted(moves), moved, changed, misfits)


def _counts(one: Section) -> bool:
    return (one.is_writable or one.is_code) and one.name not in UNCOUNTED


def _is_changed(one: Section, program: str) -> bool:
    if one.crc32 is None:
        return one.is_code
    try:
        data = section_bytes(program, one.name)
    except NotACore:
        return True
    return data is None or zlib.crc32(data) != one.crc32


# ---- values


def wrong_value(
    file: LayoutFile,
    place: Callable[[int], int],
    sections: Sequence[Section],
    bias: int,
    read: Read,
) -> str | None:
    """What in memory contradicts a layout file, for people; empty: nothing does, None: there is
    nothing to compare. `place` tells where an address as linked is, `sections` are the program's.
    """
    found = file.variable(MODULE)
    if found is None or not found.type.fields:
        return None
    data = read(place(found.value), found.type.size)
    if data is None or not any(data):
        return None
    words = dict(_words(file, found.type, data))
    if not words.get("text"):
        return None  # of a file whose addresses are filled in as it is loaded
    if not file.marks:
        return _outside(words, sections, bias)
    for name, value in file.marks.items():
        # The end of a part is the end of its section, not the start of the next one.
        is_end = name.startswith("e")
        wanted = place(value - 1) + 1 if is_end else place(value)
        if name in words and words[name] != wanted:
            return f"the program has {name} at 0x{words[name]:x}, not 0x{wanted:x}"
    return _wrong_descriptor(file, words.get("types", 0), read)


def _words(file: LayoutFile, module: Type, data: bytes) -> Iterator[tuple[str, int]]:
    for one in module.fields:
        if one.type.size == file.pointer_size:
            raw = data[one.offset : one.offset + file.pointer_size]
            yield one.name, int.from_bytes(raw, file.byte_order)


def _outside(words: dict[str, int], sections: Sequence[Section], bias: int) -> str:
    """What of a module's parts is outside of its section; for files without marks."""
    by_name = {one.name: one for one in sections}
    for name in ("text", "noptrdata", "data", "bss", "noptrbss"):
        section, value = by_name.get(f".{name}"), words.get(name)
        if section is not None and value is not None:
            low = section.address + bias
            if not low <= value <= low + section.size:
                return f"the program has {name} at 0x{value:x}, outside of .{name}"
    return ""


def _wrong_descriptor(file: LayoutFile, types: int, read: Read) -> str:
    bases = (file.lookup_type(name) for name in BASES)
    base = next((one for one in bases if one is not None and one.fields), None)
    if base is None or not types:
        return ""
    fields = {one.name.lower().strip("_"): one for one in base.fields}
    if not {"size", "tflag", "str"} <= fields.keys():
        return ""
    described = list(file.iter_described())
    step = max(1, len(described) // MAX_DESCRIPTORS)
    for name, size, offset in described[::step]:
        raw = read(types + offset, base.size)
        if raw is None:
            return f"the descriptor of '{name}' cannot be read"
        if _field(file, fields["size"], raw) != size:
            return f"the program has another descriptor where that of '{name}' should be"
        letters = _name_at(types + _field(file, fields["str"], raw), read)
        if _field(file, fields["tflag"], raw) & EXTRA_STAR:
            letters = letters[1:]
        ours = _PATH.sub("", name)
        if name.startswith("map[") and _SPELLED.match(ours) and letters != ours:
            return f"the program has the descriptor of '{letters}' where '{name}' should be"
    return ""


def _field(file: LayoutFile, field: Field, raw: bytes) -> int:
    assert field.type.kind is not Kind.STRUCT
    return int.from_bytes(raw[field.offset : field.offset + field.type.size], file.byte_order)


def _name_at(addr: int, read: Read) -> str:
    """A name as descriptors have them (internal/abi/type.go Name): flags, its length, letters."""
    length, used = varint(read(addr + 1, 3) or b"\0")
    data = read(addr + 1 + used, length)
    return "" if data is None else data.decode("utf-8", "replace")
