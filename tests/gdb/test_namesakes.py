"""Types and variables of one name in several files, functions and object files: each map is read by
the types of its own, and has a path of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness import Fails, gdb_session
from listings import listed_live_and_in_core, told_by
from cpp_programs import COMPILERS, compiled


@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_types_private_to_a_file_or_function(folder: Path, compiler: str, level: str) -> None:
    program = compiled(folder, compiler, "namesakes_a.cc", "namesakes_b.cc", flags=[level])
    rows, live, _ = listed_live_and_in_core(program, folder, ("break stop", "run"))
    told = told_by(live[1].output)
    by_address = {int(row["address"], 16): row for row in rows}
    assert by_address.keys() == {one.address for one in told}
    entries = [f"hmap-dump {by_address[one.address]['path']} --entries -" for one in told]
    session = gdb_session(program, core=folder / "core", commands=entries)
    for one, outcome in zip(told, session, strict=True):
        name, _, first = one.how.partition(" ")
        assert name.partition("[")[0] in by_address[one.address]["path"]
        assert first in outcome.output.replace('""', '"'), (one, outcome.output)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_one_name_in_two_object_files(folder: Path, compiler: str) -> None:
    program = compiled(folder, compiler, "plugins.cc", flags=["-ldl"])
    plugins = []
    for name, entry, count in (("one", "double", 3), ("two", "char", 5)):
        flags = [f'-DNAME="{name}"', f"-DENTRY={entry}", f"-DCOUNT={count}", "-shared", "-fPIC"]
        plugins.append(compiled(folder, compiler, "plugin.cc", name=f"{name}.so", flags=flags))
    rows, live, _ = listed_live_and_in_core(
        program, folder, ("break stop", "run"), args=[str(one) for one in plugins]
    )
    told = told_by(live[1].output)
    by_address = {int(row["address"], 16): row for row in rows}
    assert by_address.keys() == {one.address for one in told}
    for one in told:
        row, (plugin, name) = by_address[one.address], one.how.strip().split(" ", 1)
        assert row["path"].startswith(f"object {plugin}.so"), row
        assert name.rpartition("::")[2].partition("[")[0] in row["path"]
        assert row["entries"] == one.count
    sizes = {row["path"].split(":")[0]: row["held"] for row in rows if "cache" in row["path"]}
    assert sizes == {"object one.so": 264, "object two.so": 328}


@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_maps_that_only_address_and_type_name(folder: Path, compiler: str, level: str) -> None:
    """A type that is in two files is named with its file, and refused without."""
    program = compiled(folder, compiler, "untypable_a.cc", "untypable_b.cc", flags=[level])
    rows, live, _ = listed_live_and_in_core(program, folder, ("break stop", "run"))
    told = told_by(live[1].output)
    by_address = {int(row["address"], 16): row["path"] for row in rows}
    paths = [by_address[one.address] for one in told]
    assert all(path.startswith("--type ") for path in paths), paths
    commands: list[str | Fails] = [f"hmap-dump {path} --entries -" for path in paths]
    several = {one.address: by_address[one.address] for one in told if "alone" not in one.how}
    for address, path in several.items():
        name = re.search(r"""--type "'untypable_[ab].cc'::(.*)" 0x""", path)
        assert name is not None, path
        commands.append(Fails(f"hmap-dump --type '{name[1]}' 0x{address:x}"))
        commands.append(Fails(f"hmap-dump --type \"'nosuch.cc'::{name[1]}\" 0x{address:x}"))
    session = gdb_session(program, core=folder / "core", commands=commands)
    for one, outcome in zip(told, session):
        first = one.how.partition(" ")[2]
        assert first in outcome.output.replace('""', '"'), (one, outcome.output)
    for without, wrong in zip(session.errors[::2], session.errors[1::2], strict=True):
        assert re.match(r"2 types are named '.*': say which, as in --type \"'untypable_a", without)
        assert re.match(r"no type '.*' in 'nosuch.cc': ", wrong)
