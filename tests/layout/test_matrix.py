"""offsetof in the program, hmap-layout and gdb's hmap-layout agree in every row.

The program prints its own layout (sample.c). hmap-layout's file and gdb must have the same, and the
two tables must be the same text.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from emulator import emulated
from harness import Session, gdb_session
from hmapdbg.target.layout_file import LayoutFile
from hmapdbg.target.types import Kind
from matrix import ROWS, Row, run
from tool import run_layout

VIEW = "gdb"  # the folder of gdb's results


@dataclass
class Truth:
    """The layout that the program prints."""

    pointer_size: int = 0
    structs: dict[str, int] = field(default_factory=dict)  # name: size
    fields: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)  # offset, size
    bits: list[tuple[str, str, int, int]] = field(default_factory=list)
    constants: dict[str, int] = field(default_factory=dict)
    addresses: dict[str, int] = field(default_factory=dict)


def truth_of(output: str) -> Truth:
    """The program's rows in the output of a debugger."""
    truth = Truth()
    for line in output.splitlines():
        word, _, rest = line.partition(" ")
        columns = rest.split(",")
        if word in ("struct", "union"):
            name, (part, offset, size) = f"{word} {columns[0]}", columns[1:]
            if part:
                truth.fields[name][part] = int(offset), int(size)
            else:
                truth.structs[name], truth.fields[name] = int(size), {}
        elif word == "bits":
            truth.bits.append((columns[0], columns[1], int(columns[2]), int(columns[3])))
        elif word == "constant":
            truth.constants[columns[0]] = int(columns[1])
        elif word == "address":
            truth.addresses[columns[0]] = int(columns[1], 16)
        elif word == "pointer":
            truth.pointer_size = int(rest)
    return truth


STRUCTS = (
    "struct hmap",
    "struct hmap_type",
    "struct hmap_array",
    "struct hmap_box",
    "struct hmap_registry",
    "struct int64_to_value_bucket",
    "struct colour_to_packed_bucket",
    "struct text_to_pointer_bucket",
    "struct value",
    "struct flags",
    "struct packed",
    "struct inner",
    "union number",
    "struct server",
)


def asked_of_gdb(folder: Path) -> list[str]:
    (folder / VIEW).mkdir()
    return [
        f"hmap-layout {name} --json {folder / VIEW / name.replace(' ', '_')}.json"
        for name in STRUCTS
    ]


def examine(row: Row, exe: Path, folder: Path) -> tuple[str, Session]:
    """What the program printed, and gdb's output for each of STRUCTS."""
    if not row.processor:
        before = [f"set debug-file-directory {folder / row.folder}"] if row.folder else []
        if row.gdb_fails:
            exe = folder / "sample.stripped"
            run(["strip", "-o", str(exe), str(folder / "sample")], folder)
            before += [f"file {exe}", f"hmap-layout load {folder / 'layout.json'}"]
            # There is no symbol for a breakpoint: this is the last call before it exits.
            before += ["catch syscall exit_group", "run"]
        else:
            before += [f"file {exe}", "break sample_stop", "run"]
        outcomes = gdb_session(commands=[*before, *asked_of_gdb(folder)])
        return outcomes[len(before) - 1].output, Session(outcomes[len(before) :])
    command = [f"qemu-{row.processor}", exe]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    with emulated(row.processor, [[exe]]) as (socket,):
        before = [f"file {exe}", f"target remote {socket}", "break sample_stop", "continue"]
        commands = [*before, *asked_of_gdb(folder), "kill"]
        outcomes = gdb_session(commands=commands, gdb="gdb-multiarch")
    return done.stdout, Session(outcomes[len(before) : -1])


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_program_layout_file_and_gdb_agree(row: Row, tmp_path: Path) -> None:
    exe = row.build(tmp_path)
    options = ["--debug-folder", tmp_path / row.folder] if row.folder else []
    run_layout(exe, *options, "--json", tmp_path / "layout.json")
    run_layout(exe, *options, "--check", tmp_path / "layout.json")
    output, asked = examine(row, exe, tmp_path)
    truth, file = truth_of(output), LayoutFile(str(tmp_path / "layout.json"))
    assert set(truth.structs) == set(STRUCTS)

    # The file and the program.
    assert file.pointer_size == truth.pointer_size
    assert file.byte_order == ("big" if "big-endian" in row.name else "little")
    for name, size in truth.structs.items():
        found = file.lookup_type(name)
        assert found is not None and found.fields, name
        assert (found.size, found.kind is Kind.UNION) == (size, name.startswith("union"))
        own = {one.name: (one.offset, one.type.size) for one in found.iter_fields()}
        bits = {part for struct, part, _, _ in truth.bits if struct == name}
        assert {key: at for key, at in own.items() if key not in bits} == truth.fields[name]
        assert bits <= set(own)
    for name, part, first, count in truth.bits:
        struct = file.lookup_type(name)
        member = None if struct is None else struct.find(part)
        assert member is not None
        assert (member.bit_offset, member.bit_size, member.offset) == (first, count, first // 8)
    enumerators: dict[str, int] = {}
    for name in ("hmap_tophash", "hmap_flags", "hmap_key_kind", "colour"):
        enum = file.lookup_type(f"enum {name}")
        assert enum is not None
        enumerators |= dict(enum.enumerators)
    assert truth.constants.items() <= enumerators.items()
    moved = set()
    for name, address in truth.addresses.items():
        known = file.variable("main::kept" if name == "kept" else name)
        assert known is not None, f"'{name}' is not among {file.global_names}"
        moved.add(address - known.value)
    assert len(moved) == 1 and moved.pop() % 4096 == 0

    # gdb and the program, and the two tables.
    for name in STRUCTS:
        path = tmp_path / VIEW / f"{name.replace(' ', '_')}.json"
        (struct_view,) = json.loads(path.read_text(encoding="utf-8"))["structs"]
        assert struct_view["size"] == truth.structs[name]
        said = {one["name"]: (one["offset"], one["size"]) for one in struct_view["fields"]}
        assert truth.fields[name].items() <= said.items()
    table = run_layout(exe, *options, *STRUCTS)
    view = "".join(one.output for one in asked)
    assert table == (
        view.replace("/* layout file */", "/* debug info */") if row.gdb_fails else view
    )
