"""What libdwarf rejects, or a file lacks, is an error: nothing is silently omitted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness import gdb_session
from matrix import HERE, INCLUDES, Row, run
from tool import run_layout

REMOVE = "objcopy --remove-section={} sample"


@pytest.mark.parametrize("version", [4, 5])
def test_an_address_that_is_refused_names_file_unit_and_form(version: int, tmp_path: Path) -> None:
    compiler, steps = f"gcc -gdwarf-{version} -gsplit-dwarf", (REMOVE.format(".debug_addr"),)
    exe = Row("no addresses", compiler, steps).build(tmp_path)
    error = run_layout(exe, status=2)
    assert re.match(
        r"malformed DWARF in '\S+': unit at 0x[0-9a-f]+, DIE at 0x[0-9a-f]+: "
        rf"DW_AT_location \(DW_FORM_exprloc\): address \d+ of '{exe}': DW_DLE_",
        error,
    ), error


def test_a_package_without_one_of_the_units(tmp_path: Path) -> None:
    made = "dwp -o sample.dwp sample-sample.dwo sample-other.dwo"
    exe = Row("incomplete", "gcc -gdwarf-4 -gsplit-dwarf", (made,)).build(tmp_path)
    error = run_layout(exe, status=2)
    assert error.startswith(
        f"the unit of 'sample-registry.dwo' is missing from the debug info of '{exe}'"
    )


def test_a_type_unit_that_is_not_there(tmp_path: Path) -> None:
    steps = (REMOVE.format(".debug_types"),)
    exe = Row("no types", "gcc -gdwarf-4 -fdebug-types-section", steps).build(tmp_path)
    error = run_layout(exe, status=2)
    assert "DW_AT_type (DW_FORM_ref_sig8): there is no type unit of that signature" in error


def assemble(folder: Path, flags: str, pattern: str, replacement: str) -> Path:
    """The sample with its debug info changed in the assembly."""
    row = Row("assembled", f"gcc {flags}")
    run([*row.compiler.split(), "-std=gnu11", *INCLUDES, "-S", str(HERE / "sample.c")], folder)
    source = folder / "sample.s"
    text, count = re.subn(pattern, replacement, source.read_text(encoding="utf-8"), count=1)
    assert count == 1
    source.write_text(text, encoding="utf-8")
    others = (str(HERE / "other.c"), str(HERE.parents[1] / "libhmap/src/registry.c"))
    run([*row.compiler.split(), *INCLUDES, str(source), *others, "-o", "sample"], folder)
    return folder / "sample"


MERGED = """
#include <stdint.h>
struct hmap { void *buckets, *oldbuckets; uint8_t B; void *type; };
static struct hmap one, two;
void *either(int which) { return which ? &one : &two; }
int main(int count, char **words) { (void)words; return either(count) != &one; }
"""


@pytest.mark.parametrize("version", [4, 5])
def test_an_address_may_have_a_number_added(version: int, tmp_path: Path) -> None:
    """clang merges static variables into one: DW_OP_addrx, DW_OP_plus_uconst."""
    (tmp_path / "merged.c").write_text(MERGED, encoding="utf-8")
    clang = "clang --target=aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include -O3"
    run([*clang.split(), f"-gdwarf-{version}", "-c", "merged.c"], tmp_path)
    run(["aarch64-linux-gnu-gcc", "-static", "merged.o", "-o", "merged"], tmp_path)
    (said,) = gdb_session(
        tmp_path / "merged",
        commands=[r'printf "0x%lx one\n0x%lx two\n", &one, &two'],
        extension=False,
        gdb="gdb-multiarch",
    )
    found = re.findall(
        r"^  0x0*([0-9a-f]+)  (\w+)   struct hmap$", run_layout(tmp_path / "merged"), re.M
    )
    assert "".join(f"0x{address} {name}\n" for address, name in found) == said.output


def test_a_member_without_a_constant_offset(tmp_path: Path) -> None:
    flags, plus = "-gdwarf-2 -gstrict-dwarf", r"(\.byte\s+0x2\n\s*\.byte\s+)0x23\n"
    assert "struct server {" in run_layout(assemble(tmp_path, flags, plus, r"\g<1>0x23\n"))
    exe = assemble(tmp_path, flags, plus, r"\g<1>0x10\n")
    assert "a member whose offset is not a constant" in run_layout(exe, status=2)
