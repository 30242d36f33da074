"""The numbers of a GHashTable, by debug info of GLib or by the layout of its version."""

from __future__ import annotations

import numpy as np

from ...compat import dataclass
from ...languages.glib import hash_table
from ...languages.glib.untyped import are_tables
from ...layout import StructLayout, struct_layout
from ...target import Kind, Target, Type
from ..reading import cannot_read, read_bit, read_struct, unsound

# By which the struct is recognised.
FIELDS = (
    "mod",
    "mask",
    "nnodes",
    "noccupied",
    "keys",
    "hashes",
    "hash_func",
    "key_equal_func",
)
REQUIRED = ("size", *FIELDS, "values", "key_destroy_func", "value_destroy_func")
WIDE = ("have_big_keys", "have_big_values")  # bits, from 2.59 on
HASH_SIZE = 4  # bytes of a stored hash
SMALL = 4  # bytes of a key or an elem where they all fit


@dataclass(frozen=True)
class Fields:
    """What was read of a map. Widths in bytes, of a key and an elem in their arrays."""

    layout: StructLayout
    numbers: dict[str, int]
    key_width: int
    elem_width: int
    is_old: bool  # before 2.59
    note: str  # where the layout is from, if not from debug info; empty: it is

    def __getitem__(self, name: str) -> int:
        return self.numbers[name]

    @property
    def is_set(self) -> bool:
        """Whether the keys are the elems too."""
        return self["keys"] == self["values"]


def read_fields(target: Target, found: Type, address: int, expression: str) -> Fields:
    """The numbers of the map at an address. TargetError if it cannot be one."""
    found, note = _of_version(target, found, address)
    layout = struct_layout(found, REQUIRED, ("ref_count",))
    numbers = read_struct(target, layout, address, expression)
    is_old = found.find(WIDE[0]) is None
    word = target.pointer_size
    widths = [word, word]
    if not is_old and word > SMALL:
        widths = [word if read_bit(target, found.find(name), address) else SMALL for name in WIDE]
    fields = Fields(layout, numbers, widths[0], widths[1], is_old, note)
    _check(target, fields, expression)
    return fields


def _of_version(target: Target, found: Type, address: int) -> tuple[Type, str]:
    """The struct as this process's GLib has it, and a note if debug info does not tell."""
    if not found.source.startswith(hash_table.SOURCE):
        return found, ""
    own = target.lookup_type(hash_table.NAME)
    if own is not None and is_table(own) and not own.source.startswith(hash_table.SOURCE):
        return own, ""
    version = hash_table.version_of(target)
    if version is None:
        known, which = _fitting(target, address), "of unknown version"
    else:
        known = hash_table.struct_of(version, target.pointer_size)
        which = f"{version[0]}.{version[1]}"
    note = (
        f"GLib {which} has no debug info here: its GHashTable is read by the layout of "
        f"{known.versions}, which comes with hmap"
    )
    return known.struct, note


def _fitting(target: Target, address: int) -> hash_table.Known:
    """The struct of the generation by which a map's numbers agree, of the most common one if by
    none. Those before 2.59 cannot be told from later ones."""
    newest_first = [since for since, _ in reversed(hash_table.GENERATIONS)]
    versions = [hash_table.COMMON, *newest_first]
    every = [hash_table.struct_of(version, target.pointer_size) for version in versions]
    addrs = np.array([address], np.uint64)
    return next((one for one in every if are_tables(target, addrs, one.struct)[0]), every[0])


def _check(target: Target, fields: Fields, expression: str) -> None:
    size, mask, mod = fields["size"], fields["mask"], fields["mod"]
    if size <= 0 or size & (size - 1) or size > 1 << 31:
        raise unsound(expression, f"its size is {size:,}, which is no power of two")
    if mask != size - 1 or not 0 < mod <= size:
        raise unsound(expression, f"its mask is 0x{mask:x} and its mod {mod:,}, for {size:,} slots")
    nodes, occupied = fields["nnodes"], fields["noccupied"]
    if not 0 <= nodes <= size or not 0 <= occupied <= size:
        raise unsound(expression, f"it counts {nodes:,} entries in {size:,} slots")
    for name, width in (
        ("hashes", HASH_SIZE),
        ("keys", fields.key_width),
        ("values", fields.elem_width),
    ):
        start = fields[name]
        for at in (start, start + size * width - 1):
            if not start or not target.is_readable(at, 1):
                raise cannot_read(target, f"the {name}", expression, at)


def is_table(found: Type) -> bool:
    """Whether a struct is one."""
    return found.kind is Kind.STRUCT and all(found.find(name) is not None for name in FIELDS)
