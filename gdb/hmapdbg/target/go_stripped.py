"""Go programs without debug info: what they need themselves, as a layout file has it.

Their runtime's structs come from the table of its version, the runtime's variables are found by
value, all other types are those of the descriptors in memory, which languages/go reads.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any

from ..compat import dataclass
from .core_file import NotACore, processor_of
from .elf_symbols import (
    Section,
    entry_address,
    file_has_debug_info,
    is_packed,
    read_sections,
    read_segments,
)
from .go_build import go_version
from .go_image import GOROUTINE, RECORD, SPAN, Descriptors, NoImage, find_image
from .go_layouts import RuntimeLayouts, known_versions, layouts_of
from .layout_file import FORMAT, MODULE, LayoutFile
from .layout_files import Placed, Programs
from .protocol import WITHOUT_DEBUG_INFO

SOURCE = "Go's runtime tables"  # where numbers come from, for people
HEAP, GOROUTINES, HEAP_RECORD = "runtime.mheap_", "runtime.allgs", "runtime.mheap"
# What describes maps, by version.
MAP_TYPES = (
    *("internal/abi.MapType", "internal/abi.SwissMapType", "internal/abi.OldMapType"),
    "runtime.maptype",
)
STRUCT_TYPES = ("internal/abi.StructType", "runtime.structtype")
FIELD_TYPES = ("internal/abi.StructField", "runtime.structfield")
CLASSES = "runtime.class_to_size"
READ_CODE = "x86-64"  # the processor whose code is read


@dataclass(frozen=True)
class _Stripped:
    """What a file says that Go has built without debug info in it."""

    version: str  # and experiments
    sections: Sequence[Section]  # or segments, where section headers were cut off
    start: int  # of the section .text, or without sections where it begins to run
    has_sections: bool


class StrippedGo:
    """The programs of a process that Go has built without debug info."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._files: dict[tuple[str, int], _Stripped | None] = {}  # each is read once
        self._packed: set[tuple[str, int]] = set()
        self._known: dict[tuple[str, int, int, str], tuple[Placed, RuntimeLayouts]] = {}
        self.refusals: list[str] = []  # why the tables of a program are not used
        self.doubts: list[str] = []  # why what they say is only probable

    def placed(self) -> list[Placed]:
        """The layouts of such programs among those of the current process."""
        self.refusals, self.doubts = [], []
        found = (self._of(path) for path in self._programs.paths())
        return [one for one in found if one is not None]

    def _of(self, path: str) -> Placed | None:
        try:
            changed = os.stat(path).st_mtime_ns
            if (path, changed) not in self._files:
                self._files[path, changed] = _read(path)
                if is_packed(path):
                    self._packed.add((path, changed))
        except OSError:
            return None
        if (path, changed) in self._packed:
            self.refusals.append(
                f"'{os.path.basename(path)}' is packed by UPX: unpack a copy by 'upx -d', and load "
                "that by 'file COPY'"
            )
        file = self._files[path, changed]
        if file is None or self._programs.has_separate_debug_info(path):
            return None
        ask = self._programs.text_address if file.has_sections else self._programs.entry_address
        start = ask(path)
        if start is None:
            return None
        layouts = layouts_of(file.version)
        if not layouts:
            why = f"the runtime of '{file.version}' is not known"
            self.refusals.append(f"{WITHOUT_DEBUG_INFO}, and {why}")
            return None
        key = path, changed, start - file.start, file.version
        if key not in self._known:
            try:
                self._known[key] = self._first_that_fits(path, file, layouts, start - file.start)
            except NoImage as error:  # to be tried again: the process may not have started yet
                self.refusals.append(
                    f"{WITHOUT_DEBUG_INFO}, and {error} was not found by value, as before the "
                    f"program has begun to run; it is built by {file.version.split()[0]}, and the "
                    f"runtimes of {', '.join(known_versions())} are known"
                )
                return None
        self._doubt_processor(path)
        placed, used = self._known[key]
        if not used.is_exact:
            why = f"the runtime's structs of {file.version.split()[0]} are not known"
            if len(layouts) > 1:
                why = f"the program does not say which version built it ('{file.version}')"
            self.doubts.append(
                f"{why}, and those of {used.version} seem to fit: what is shown is probable"
            )
        return placed

    def _doubt_processor(self, path: str) -> None:
        """Says so where languages/go cannot read the code, which tells what variables are."""
        with contextlib.suppress(OSError, NotACore):
            name = processor_of(path).split(",")[0]
            if name != READ_CODE:
                self.doubts.append(
                    f"the code of {name} is not read: maps that only variables of other types than "
                    "maps lead to, or whose types nothing else tells, may be missing"
                )

    def _first_that_fits(
        self, path: str, file: _Stripped, layouts: Sequence[RuntimeLayouts], bias: int
    ) -> tuple[Placed, RuntimeLayouts]:
        """The layout of a program by the first of some versions that its values fit. NoImage."""
        for one in layouts[:-1]:
            with contextlib.suppress(NoImage):
                return self._place(path, file, one, bias, True), one
        return self._place(path, file, layouts[-1], bias, len(layouts) > 1), layouts[-1]

    def _place(
        self, path: str, file: _Stripped, layouts: RuntimeLayouts, bias: int, is_tried: bool
    ) -> Placed:
        """The layout of a program whose tables are found. NoImage. `is_tried`: nothing says that
        it is of this version, so its maps have to be of that kind too."""
        bare = LayoutFile(path, SOURCE, _document(path, layouts, file.start, {}))
        found = {name: bare.lookup_type(name) for name in (RECORD, SPAN, GOROUTINE, HEAP_RECORD)}
        structs = {name: struct for name, struct in found.items() if struct is not None}
        descriptors = _descriptors(bare) if is_tried else None
        image = find_image(self._programs.read, file.sections, bias, structs, descriptors)
        spans = structs[HEAP_RECORD].find("allspans")
        assert spans is not None
        places = {
            MODULE: image.module - bias,
            HEAP: image.spans - spans.offset - bias,
            GOROUTINES: image.goroutines - bias,
        }
        document = _document(path, layouts, file.start, places)
        at, count = image.classes
        if count:
            _add_classes(document, at - bias, count)
        return Placed(LayoutFile(path, SOURCE, document), path, bias, True)


def _descriptors(bare: LayoutFile) -> Descriptors | None:
    """The structs of a version's descriptors; None if it lacks one."""
    kinds = [
        next(filter(None, map(bare.lookup_type, names)), None)
        for names in (MAP_TYPES, STRUCT_TYPES, FIELD_TYPES)
    ]
    present = [one for one in kinds if one is not None]
    return Descriptors(*present) if len(present) == len(kinds) else None


def _read(path: str) -> _Stripped | None:
    """What a file says; None if it is not such a program. OSError."""
    version = go_version(path)
    if not version or file_has_debug_info(path):
        return None
    sections = read_sections(path)
    if not sections:
        entry = entry_address(path)
        return None if entry is None else _Stripped(version, read_segments(path), entry, False)
    text = next((one.address for one in sections if one.name == ".text"), None)
    return None if text is None else _Stripped(version, sections, text, True)


def _add_classes(document: dict[str, Any], at: int, count: int) -> None:
    """Adds the variable with the heap's size classes."""
    types = document["types"] = list(document["types"])
    types.append({"kind": "integer", "name": "uint16", "size": 2})
    array = {"kind": "array", "name": f"[{count}]uint16", "size": 2 * count, "count": count}
    types.append({**array, "target": len(types) - 1})
    document["globals"].append({"name": CLASSES, "address": hex(at), "type": len(types) - 1})


def _document(
    path: str, layouts: RuntimeLayouts, text: int, places: dict[str, int]
) -> dict[str, Any]:
    """A layout file's document."""
    return {
        "format": FORMAT,
        "program": os.path.basename(path),
        "identity": {"kind": "none", "value": ""},
        "byte_order": "little",
        "pointer_size": 8,
        "text": hex(text),
        "types": layouts.types,
        "globals": [
            {"name": name, "address": hex(at), "type": layouts.variables[name]}
            for name, at in places.items()
        ],
        "functions": [],
        "constants": layouts.constants,
    }
