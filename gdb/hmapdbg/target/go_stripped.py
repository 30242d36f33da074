"""Go programs without debug info: what they need themselves, as a layout file has it.

Their runtime's structs come from the table of its version, the runtime's variables are found by
value, all other types are those of the descriptors in memory, which languages/go reads.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from .elf_symbols import Section, read_sections
from .go_build import go_version
from .go_image import GoImage, NoImage, find_image
from .go_layouts import RuntimeLayouts, known_versions, layouts_of
from .layout_file import FORMAT, LayoutFile
from .protocol import WITHOUT_DEBUG_INFO
from .layout_files import Placed, Programs, is_stripped

SOURCE = "Go's runtime tables"  # where numbers come from, for people
MODULE, HEAP, GOROUTINES = "runtime.firstmoduledata", "runtime.mheap_", "runtime.allgs"
OTHER_MAPS = "noswissmap"  # an experiment of go1.24 and 1.25: bucket maps, without their structs
CLASSES = "runtime.class_to_size"


class StrippedGo:
    """The programs of a process that Go has built without debug info."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._known: dict[tuple[str, int, int], Placed | str] = {}
        self.refusals: list[str] = []  # why the tables of a program are not used
        self.doubts: list[str] = []  # why what they say is only probable

    def placed(self) -> list[Placed]:
        """The layouts of such programs among those of the current process."""
        self.refusals, self.doubts = [], []
        out = []
        for path in self._programs.paths():
            found = self._of(path)
            if isinstance(found, str):
                self.refusals.append(found)
            elif found is not None:
                out.append(found)
                self._doubt(path)
        return out

    def _of(self, path: str) -> Placed | str | None:
        try:
            version = go_version(path)
            if not version or not is_stripped(self._programs, path):
                return None
            sections = read_sections(path)
            own = next((one.address for one in sections if one.name == ".text"), None)
            text = self._programs.text_address(path)
            if own is None or text is None:
                return None
            key = path, os.stat(path).st_mtime_ns, text - own
        except OSError:
            return None
        if not isinstance(self._known.get(key), Placed):  # a process may not have started yet
            self._known[key] = self._make(path, version, sections, own, text - own)
        return self._known[key]

    def _doubt(self, path: str) -> None:
        version = go_version(path)
        layouts = layouts_of(version)
        if layouts is not None and not layouts.is_exact:
            self.doubts.append(
                f"the runtime's structs of {version.split()[0]} are not known, and those of "
                f"{layouts.version} seem to fit: what is shown is probable"
            )

    def _make(
        self, path: str, version: str, sections: Sequence[Section], text: int, bias: int
    ) -> Placed | str:
        layouts = layouts_of(version)
        if layouts is None or OTHER_MAPS in version:
            return f"{WITHOUT_DEBUG_INFO}, and the runtime of '{version}' is not known"
        bare = LayoutFile(path, SOURCE, _document(path, layouts, text, {}))
        structs = {
            name: found
            for name in ("runtime.moduledata", "runtime.mspan", "runtime.g", "runtime.mheap")
            for found in [bare.lookup_type(name)]
            if found is not None
        }
        try:
            image = find_image(self._programs.read, sections, bias, structs)
        except NoImage as error:
            known = ", ".join(known_versions())
            return (
                f"{WITHOUT_DEBUG_INFO}, and {error} was not found by value, as before the program "
                f"has begun to run; it is built by {version.split()[0]}, and the runtimes of "
                f"{known} are known"
            )
        heap = structs["runtime.mheap"].find("allspans")
        assert heap is not None
        places = _places(image, heap.offset)
        linked = {name: at - bias for name, at in places.items()}
        document = _document(path, layouts, text, linked)
        at, count = image.classes
        if count:
            _add_classes(document, at - bias, count)
        return Placed(LayoutFile(path, SOURCE, document), path, bias, True)


def _places(image: GoImage, offset: int) -> dict[str, int]:
    return {
        MODULE: image.module,
        HEAP: image.spans - offset,
        GOROUTINES: image.goroutines,
    }


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
