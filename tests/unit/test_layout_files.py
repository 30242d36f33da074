"""Loaded layout files: the program of each, and its relocation."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from hmapdbg.target import Kind, TargetError, Type
from hmapdbg.target.core_file import build_ids_of, section_bytes
from hmapdbg.target.elf_symbols import read_sections
from hmapdbg.target.layout_file import MODULE
from hmapdbg.target.layout_files import LayoutFiles, LayoutNames

PROGRAM = "/usr/bin/env"  # any file with a build id and without debug info
LIBRARY = "/usr/lib/libserver.so"
TEXT, MOVED = 0x1000, 0x5555_5555_0000


class FakePrograms:
    """The files of a process, as a debugger reports them."""

    def __init__(self, *paths: str) -> None:
        self.files = list(paths)
        self.separate: set[str] = set()
        self.memory = b""

    def paths(self) -> Sequence[str]:
        return self.files

    def has_separate_debug_info(self, path: str) -> bool:
        return path in self.separate

    def text_address(self, path: str) -> int | None:
        return TEXT + MOVED if path == PROGRAM else None

    def read(self, addr: int, size: int) -> bytes | None:
        return self.memory or None


@pytest.fixture
def layout(tmp_path: Path) -> str:
    """A layout file of PROGRAM."""
    (kind, value) = build_ids_of(PROGRAM).ids[0]
    return written(tmp_path / "env.json", kind, value)


def written(path: Path, kind: str, value: str) -> str:
    document = {
        "format": "hmap-layout/1",
        "program": "server",
        "identity": {"kind": kind, "value": value},
        "byte_order": "little",
        "pointer_size": 8,
        "text": hex(TEXT),
        "types": [{"kind": "integer", "name": "long", "size": 8, "signed": True}],
        "globals": [{"name": "table", "address": "0x4010", "type": 0}],
        "functions": [],
        "constants": [{"name": "runtime.emptyOne", "value": 1, "type": 0}],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def test_it_is_of_the_program_with_its_build_id(layout: str) -> None:
    files = LayoutFiles(FakePrograms(LIBRARY, PROGRAM))
    placed = files.load(layout, force=False)
    assert (placed.program, placed.bias, placed.is_stripped) == (PROGRAM, MOVED, True)
    (variable,) = placed.iter_variables()
    assert (variable.path, variable.address) == ("table", MOVED + 0x4010)
    assert files.placed() == [placed]


def test_debug_info_in_a_file_of_its_own_counts(layout: str) -> None:
    programs = FakePrograms(PROGRAM)
    programs.separate = {PROGRAM}
    assert not LayoutFiles(programs).load(layout, force=False).is_stripped


def test_a_file_of_another_build_is_taken_by_force_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "other.json", "GNU", "ab12")
    files = LayoutFiles(FakePrograms(PROGRAM))
    with pytest.raises(TargetError, match="is of another build of 'server': GNU build id ab12, "):
        files.load(path, force=False)
    assert files.all_loaded() == []
    assert files.load(path, force=True).program == PROGRAM


def of_a_rebuild(path: Path) -> str:
    """A layout file as of a rebuild of PROGRAM, with Go's record of its parts."""
    document = json.loads(Path(written(path, "GNU", "ab12")).read_text("utf-8"))
    document["sections"] = [
        {"name": one.name, "address": hex(one.address), "size": one.size}
        | ({"writable": True} if one.is_writable else {})
        | ({"code": True, "crc32": crc32_of(one.name)} if one.is_code else {})
        for one in read_sections(PROGRAM)
    ]
    document["marks"] = [{"name": "text", "address": hex(text_of_program())}]
    document["types"] += [
        {
            "kind": "struct",
            "name": "m",
            "size": 8,
            "fields": [{"name": "text", "offset": 0, "type": 0}],
        }
    ]
    document["globals"].append({"name": MODULE, "address": "0x4020", "type": 1})
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def crc32_of(name: str) -> str:
    return hex(zlib.crc32(section_bytes(PROGRAM, name) or b""))


def text_of_program() -> int:
    return next(one.address for one in read_sections(PROGRAM) if one.name == ".text")


def test_values_are_compared_as_soon_as_there_are_any(tmp_path: Path) -> None:
    programs = FakePrograms(PROGRAM)
    files = LayoutFiles(programs)
    path = of_a_rebuild(tmp_path / "rebuild.json")
    placed = files.load(path, force=False)
    assert (placed.is_rebuild, placed.has_values) == (True, False)
    programs.memory = (TEXT + MOVED).to_bytes(8, "little")
    (placed,) = files.placed()
    assert placed.has_values and placed.place(text_of_program()) == TEXT + MOVED
    programs.memory = (TEXT + MOVED + 0x20).to_bytes(8, "little")
    with pytest.raises(TargetError, match="the program has text at 0x.*'hmap-layout forget' drops"):
        files.placed()
    ((loaded, none),) = files.all_loaded()
    assert none is None and "does not fit '/usr/bin/env'" in loaded.refusal
    with pytest.raises(TargetError, match="does not fit '/usr/bin/env'"):
        files.load(path, force=True)


def test_a_file_stays_loaded_while_its_program_is_gone(layout: str) -> None:
    programs = FakePrograms(PROGRAM)
    files = LayoutFiles(programs)
    files.load(layout, force=False)
    programs.files = [LIBRARY]
    ((loaded, placed),) = files.all_loaded()
    assert loaded.file.path == layout and placed is None
    assert files.placed() == []
    programs.files = [PROGRAM]
    assert len(files.placed()) == 1


def test_no_program_to_be_of(layout: str) -> None:
    with pytest.raises(TargetError, match="no program: load the executable"):
        LayoutFiles(FakePrograms()).load(layout, force=True)


def test_forgetting_one_and_all(layout: str, tmp_path: Path) -> None:
    files = LayoutFiles(FakePrograms(PROGRAM))
    files.load(layout, force=False)
    with pytest.raises(TargetError, match="no layout file 'none.json' is loaded"):
        files.forget("none.json")
    assert files.forget(layout) == 1
    files.load(layout, force=False)
    files.load(written(tmp_path / "other.json", "GNU", "ab12"), force=True)
    assert (files.forget(), files.forget()) == (2, 0)


def test_names_of_all_files(layout: str) -> None:
    placed = LayoutFiles(FakePrograms(PROGRAM)).load(layout, force=False)
    integer = Type(Kind.INTEGER, "int", 4)
    names = LayoutNames({"int": integer}.get, [placed], {"$rdi": 7}.get)
    found = names.variable("table")
    assert found is not None and found[0] == MOVED + 0x4010
    constant = names.constant("runtime.emptyOne")
    assert constant is not None and constant[0] == 1
    assert (names.variable("x"), names.constant("x")) == (None, None)
    assert (names.type("int"), names.register("$rdi")) == (integer, 7)


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A copy of PROGRAM, with its layout file beside it."""
    copy = shutil.copy(PROGRAM, tmp_path / "server")
    ((kind, value), *_) = build_ids_of(PROGRAM).ids
    written(tmp_path / "server.layout.json", kind, value)
    return str(copy)


def test_the_file_beside_a_stripped_executable_is_loaded_by_itself(program: str) -> None:
    files = LayoutFiles(FakePrograms(program, LIBRARY))
    (placed,) = files.placed()
    assert (placed.program, placed.file.path) == (program, f"{program}.layout.json")
    assert [one.file for one, _ in files.all_loaded()] == [placed.file]


def test_the_file_beside_is_not_loaded_if_it_is_not_wanted(program: str, layout: str) -> None:
    """Beside a library, with debug info in another file, and where another one was loaded."""
    assert LayoutFiles(FakePrograms(LIBRARY, program)).placed() == []
    programs = FakePrograms(program)
    programs.separate = {program}
    assert LayoutFiles(programs).placed() == []
    files = LayoutFiles(FakePrograms(program))
    files.load(layout, force=False)
    assert [one.file.path for one in files.placed()] == [layout]


def test_the_file_beside_is_forgotten_until_it_is_written_anew(program: str) -> None:
    for path in ("", f"{program}.layout.json"):
        files = LayoutFiles(FakePrograms(program))
        assert len(files.placed()) == 1
        assert files.forget(path) == 1
        assert files.placed() == []
        assert files.load(f"{program}.layout.json", force=False).program == program
    files = LayoutFiles(FakePrograms(program))
    assert files.forget() == 0 and files.placed() == []
    before = os.stat(f"{program}.layout.json").st_mtime_ns
    os.utime(f"{program}.layout.json", ns=(before, before + 1))
    assert len(files.placed()) == 1


def test_a_file_beside_that_is_broken_or_of_another_build_is_left(program: str) -> None:
    written(Path(f"{program}.layout.json"), "GNU", "ab12")
    assert LayoutFiles(FakePrograms(program)).placed() == []
    Path(f"{program}.layout.json").write_text("{", encoding="utf-8")
    assert LayoutFiles(FakePrograms(program)).placed() == []
