"""The pretty-printer of struct hmap, and of maps whose language has none that shows all of them:
'print *sessions' shows its entries."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import gdb
import gdb.printing

from .output.files import escaped
from .terminal import in_charset

if TYPE_CHECKING:
    from .families.family import Map
    from .target import Target, Type
    from .target.gdb_values import GdbValues

MAX_TEXT = 64 << 10  # bytes of a text that is shown
MAX_NAME = 100  # bytes of a string that names a child
OF_HASHBROWN = (
    r"^(std::collections::hash::(map|set)|hashbrown|indexmap|dashmap)::([a-z_]+::)*"
    r"(HashMap|HashSet|HashTable|IndexMap|IndexSet|DashMap|DashSet)<"
)
OF_QT = r"^Q(Hash|Set|MultiHash)<"
OF_ABSL = r"^(absl|phmap)::([a-z_0-9]+::)*(parallel_)?(flat|node)_hash_(map|set)<"
# In whatever namespace a copy of the library is.
OF_BOOST = (
    r"^(\w+::)+(un)ordered::"
    r"((un)ordered_(multi)?|((un)ordered|concurrent)_(flat|node)_)(map|set)<"
)
OF_F14 = r"^(\w+::)*F14(Value|Node|Vector|Fast)(Map|Set)<"
# LLVM's library; gdb has no printers of its own for it.
OF_LLVM = r"^std::__(1|2|Cr|ndk1)::(un)ordered_(multi)?(map|set)<"


class Entry(NamedTuple):
    """Where a key and an elem are; 0: nowhere as a whole, and their bytes."""

    key: int
    elem: int
    key_data: bytes = b""
    elem_data: bytes = b""


# From gdb 14 on such a printer may be asked for one child.
Printer: Any = getattr(gdb, "ValuePrinter", object)


class MapPrinter(Printer):  # type: ignore[misc]
    """A map with its entries as children; gdb stops at 'set print elements'. An editor (gdb's DAP)
    that asks for one child gets an elem with its key as its name."""

    def __init__(self, value: gdb.Value) -> None:
        self._value = value
        self._opened: tuple[Target, GdbValues, Map] | None = None
        self._found: list[Entry] | None = None
        self._error = ""

    def _open(self) -> tuple[Target, GdbValues, Map] | None:
        """The map; None with `_error` set where it is none. Once for both callers."""
        from .families import open_map
        from .target import MemoryFault, TargetError
        from .target.opening import open_with_values

        if self._opened is None and not self._error:
            try:
                target, values = open_with_values()
                found = values.neutral(self._value, "this value")
                self._opened = target, values, open_map(target, found)
            except (TargetError, MemoryFault) as error:
                self._error = str(error)
        return self._opened

    def to_string(self) -> str:
        opened = self._open()
        if opened is None:
            return _shown(f"<{self._error}>")
        header = opened[2].header
        name = f' "{header.name}"' if header.name else ""
        entries = "entry" if header.count == 1 else "entries"
        says_so = header.family.endswith(("Map", "Set", "_map", "_set", "_multimap", "_multiset"))
        kind = header.family if says_so else f"{header.family} map"
        return _shown(f"{kind}{name} with {header.count:,} {entries}")

    def children(self) -> Iterator[tuple[str, gdb.Value | str]]:
        """Keys and elems in turn, of a set keys, in the order of the entries CSV."""
        opened = self._open()
        if opened is None:
            return
        target, values, found = opened
        number = 0
        for entry in self._iter_entries():
            key = _value(target, values, entry.key, found.header.key_type, entry.key_data)
            yield f"[{number}]" if self._is_set else f"[{number} key]", key
            if not self._is_set:
                elem = _value(target, values, entry.elem, found.header.elem_type, entry.elem_data)
                yield f"[{number} elem]", elem
            number += 1

    def num_children(self) -> int:
        """The entries. gdb asks for it only where it also asks for single children."""
        return len(self._entries())

    def child(self, number: int) -> tuple[str, gdb.Value]:
        """The elem of an entry, named by its key."""
        opened = self._open()
        assert opened is not None
        target, values, found = opened
        entry = self._entries()[number]
        elem = values.gdb_value(entry.elem, found.header.elem_type, entry.elem_data)
        return f"[{self._text(target, found, entry)}]", elem

    def _text(self, target: Target, found: Map, entry: Entry) -> str:
        import numpy as np

        from .block import Column
        from .values import Renderer

        found_type = found.header.key_type
        rows, ok = target.gather(np.array([entry.key], np.uint64), found_type.size)
        if not entry.key:  # see GdbValues.gdb_value
            rows = np.frombuffer(entry.key_data, np.uint8)[None]
        elif not ok.all():
            return f"key at 0x{entry.key:x}"
        text = Renderer(target, max_string=MAX_NAME).render(found_type, Column(rows))[0]
        return _shown(text)

    def _entries(self) -> list[Entry]:
        """All entries, from one walk."""
        if self._found is None:
            self._found = list(self._iter_entries())
        return self._found

    def _iter_entries(self) -> Iterator[Entry]:
        from .block import Block

        opened = self._open()
        if opened is None:
            return
        for block in opened[2].walk(cells=True):
            if isinstance(block, Block) and block.cells is not None:
                cells = block.cells
                keys, elems = opened[2].slot_addresses(cells)
                for at, (key, elem) in enumerate(zip(keys.tolist(), elems.tolist())):
                    key_data = b"" if key else cells.keys.data[at].tobytes()
                    elem_data = b"" if elem else cells.elems.data[at].tobytes()
                    yield Entry(key, elem, key_data, elem_data)

    def display_hint(self) -> str:
        return "array" if self._is_set else "map"

    @property
    def _is_set(self) -> bool:
        """Whether there are keys alone."""
        opened = self._open()
        return opened is not None and not opened[2].header.elem_type.name


def _value(
    target: Target, values: GdbValues, address: int, found: Type, data: bytes
) -> gdb.Value | str:
    """A key or elem for gdb to print."""
    from .languages import read_counted_string
    from .languages.c import is_counted_text
    from .target import MemoryFault

    if not is_counted_text(found):
        return _safe(values.gdb_value(address, found, data))
    try:
        text = read_counted_string(target, found, data, MAX_TEXT)
    except MemoryFault as fault:
        return _shown(f"<{fault}>")
    if text is None:
        return "<too long>"
    return _safe(gdb.Value(_shown(text.decode("utf-8", "backslashreplace"))))


def _safe(value: gdb.Value) -> gdb.Value | str:
    """A value, or its text where gdb would print it with what turns letters round: it escapes
    control bytes, but no bidirectional marks."""
    try:
        text = value.format_string()
    except gdb.error:  # memory that cannot be read: gdb says so in its place
        return value
    return value if escaped(text) == text else _shown(text)


def _shown(text: str) -> str:
    """Text that gdb can take, on one line."""
    return in_charset(text, gdb.target_charset()).replace("\n", "\\n")


class _Declared(gdb.printing.PrettyPrinter):
    """The printer of maps of families that users declare."""

    def __init__(self) -> None:
        super().__init__("hmap-declared")

    def __call__(self, value: gdb.Value) -> MapPrinter | None:
        families = sys.modules.get(f"{__package__}.families")
        if families is None:  # so none was declared
            return None
        declared = families.DEFINITIONS
        found = value.type.strip_typedefs().unqualified()
        if not declared.all() or found.code != gdb.TYPE_CODE_STRUCT:
            return None
        names = [name for name in (value.type.name, found.name) if name]
        fields = {one.name for one in found.fields() if one.name}
        return MapPrinter(value) if declared.may_be_map(names, fields) else None


def register() -> None:
    """Adds the printer to gdb's own list; a printer of that name is replaced."""
    printers = gdb.printing.RegexpCollectionPrettyPrinter("hmap")
    printers.add_printer("struct hmap", "^hmap$", MapPrinter)
    # Without GLib's debug info gdb shows nothing of this struct, and asks no printer.
    printers.add_printer("GHashTable", "^_GHashTable$", MapPrinter)
    # Where gdb has loaded Rust's own printers, of the program, those of std's are asked first.
    printers.add_printer("hashbrown", OF_HASHBROWN, MapPrinter)
    printers.add_printer("LLVM", OF_LLVM, MapPrinter)
    printers.add_printer("Abseil", OF_ABSL, MapPrinter)
    printers.add_printer("Qt", OF_QT, MapPrinter)
    printers.add_printer("Boost", OF_BOOST, MapPrinter)
    printers.add_printer("F14", OF_F14, MapPrinter)
    gdb.printing.register_pretty_printer(None, printers, replace=True)
    declared = _Declared()
    gdb.printing.register_pretty_printer(None, declared, replace=True)
