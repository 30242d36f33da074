"""Unreadable input gives a one-line error, without a leak or an invalid read."""

from __future__ import annotations

import random
import re
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

import limits
from matrix import ROOT, Row, run
from tool import TOOL, run_layout

ASAN = ROOT / "build/asan/libhmap/layout/hmap-layout"
SEED = 20210528
MUTANTS = 60


def test_help_and_version() -> None:
    assert run_layout("--help").startswith("Usage: hmap-layout PROGRAM")
    assert re.fullmatch(r"hmap-layout \d+\.\d+\.\d+\n", run_layout("--version"))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "no program given: try --help"),
        (("--nosuch",), "unknown option '--nosuch'"),
        (("/nonexistent",), "cannot open '/nonexistent': No such file"),
        (("/",), "'/' is a folder"),
        (("/etc/passwd",), "is not an ELF file"),
        (("/dev/null",), "is not an ELF file"),
        (("/bin/true",), "no debug info in '/bin/true'"),
        ((TOOL, "--check"), "option '--check' needs an argument"),
        ((TOOL, "--check", "/nonexistent"), "cannot open '/nonexistent'"),
        ((TOOL, "--json", "/nonexistent/x"), "cannot write '/nonexistent/x'"),
        ((TOOL, "nosuch"), "no struct 'nosuch'"),
        ((TOOL, "x", "--json"), "unexpected argument 'x'"),
    ],
)
def test_errors_of_the_command_line(words: tuple[str | Path, ...], text: str) -> None:
    assert text in run_layout(*words, status=2)


def test_program_without_maps(tmp_path: Path) -> None:
    (tmp_path / "x.c").write_text("int main(void) { return 0; }\n", encoding="utf-8")
    run(["gcc", "-g", "x.c", "-o", "x"], tmp_path)
    assert "no map of a known family in " in run_layout(tmp_path / "x", status=2)


def test_files_that_are_not_there_or_of_another_build(tmp_path: Path) -> None:
    split = Row("split", "gcc -g -gsplit-dwarf")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    exe = split.build(tmp_path / "one")
    Row("split", "gcc -g -gsplit-dwarf -O2").build(tmp_path / "two")
    (dwo,) = (tmp_path / "one").glob("*other.dwo")
    shutil.copy(tmp_path / "two" / dwo.name, dwo)
    assert "is of another build than " in run_layout(exe, status=2)
    dwo.unlink()
    assert f"cannot open '{dwo}', which holds debug info of '{exe}'" in run_layout(exe, status=2)
    common = Row("dwz", "gcc -g", ("cp sample second", "dwz -m common sample second", "rm common"))
    (tmp_path / "dwz").mkdir()
    exe = common.build(tmp_path / "dwz")
    assert f"/common', which holds debug info of '{exe}'" in run_layout(exe, status=2)


def test_a_debug_file_of_another_build_is_named(tmp_path: Path) -> None:
    link = "objcopy --add-gnu-debuglink=sample.debug sample"
    stripped = ("objcopy --only-keep-debug sample sample.debug", "strip sample", link)
    for name, flags in (("one", "-g"), ("two", "-g -O2")):
        (tmp_path / name).mkdir()
        exe = Row("debuglink", f"gcc {flags}", stripped).build(tmp_path / name)
    shutil.copy(tmp_path / "one" / "sample.debug", exe.parent)
    found = f"no debug info in '{exe}', and '{exe.parent}/sample.debug' is of another build: "
    assert run_layout(exe, status=2).startswith(found)


def test_a_core_is_none(tmp_path: Path) -> None:
    header = bytearray(Path("/bin/true").read_bytes()[:64])
    header[16] = 4
    (tmp_path / "core").write_bytes(header)
    assert "is a core: name the program" in run_layout(tmp_path / "core", status=2)


def test_output_replaces_the_file_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "layout.json"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    (tmp_path / "link").symlink_to(path)
    run_layout(TOOL, "--json", tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and path.stat().st_mode & 0o777 == 0o640
    assert path.read_text(encoding="utf-8") == run_layout("--json", TOOL)
    assert run_layout(TOOL, "--json=/dev/null") == ""
    assert sorted(one.name for one in tmp_path.iterdir()) == ["layout.json", "link"]


# ---- malformed DWARF


def debug_sections(exe: Path) -> list[tuple[int, int]]:
    """File offset and size of the sections that hmap-layout reads."""
    table = subprocess.run(
        ["readelf", "-SW", exe], check=True, capture_output=True, text=True
    ).stdout
    names = r"\.debug_(?:info|abbrev|str|types|str_offsets|addr|line_str)(?:\.dwo)?"
    found = re.findall(rf"\] {names}\s+\S+\s+\S+ (\S+) (\S+)", table)
    return [(int(offset, 16), int(size, 16)) for offset, size in found if int(size, 16)]


def mutants(exe: Path, count: int, folder: Path) -> list[Path]:
    """Copies with some bytes of the debug sections changed, the same in each run."""
    data, sections = exe.read_bytes(), debug_sections(exe)
    assert len(sections) >= 3
    chance = random.Random(SEED)
    out = []
    for number in range(count):
        changed = bytearray(data)
        for _ in range(chance.choice((1, 1, 2, 8, 40))):
            offset, size = chance.choice(sections)
            changed[offset + chance.randrange(size)] = chance.choice((0, 0xFF, 0x80, 0x7F, 1))
        out.append(folder / f"mutant{number}")
        out[-1].write_bytes(changed)
    return out


def without_limit() -> None:
    """Lifts the limit on memory: the address sanitizer maps terabytes."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def assert_in_good_order(command: list[str | Path]) -> int:
    done = limits.run(command, before=without_limit, capture_output=True)
    told = f"{' '.join(map(str, command))}: {done.returncode}\n{done.stderr}"
    assert done.returncode in (0, 2), told
    assert done.stderr.count("\n") == (done.returncode == 2), told
    return done.returncode


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags", ["-gdwarf-5", "-gdwarf-4 -fdebug-types-section", "-gdwarf-5 -O2 -flto"]
)
def test_malformed_dwarf_is_one_line_under_the_sanitizers(flags: str, tmp_path: Path) -> None:
    exe = Row("whole", f"gcc {flags}").build(tmp_path)
    assert assert_in_good_order([ASAN, exe, "--json", tmp_path / "layout.json"]) == 0
    assert assert_in_good_order([ASAN, exe, "--check", tmp_path / "layout.json"]) == 0
    ends = {
        assert_in_good_order([ASAN, path, "--json"]) for path in mutants(exe, MUTANTS, tmp_path)
    }
    assert ends == {0, 2}


@pytest.mark.slow
def test_cut_off_anywhere_it_is_one_line(tmp_path: Path) -> None:
    exe = Row("whole", "gcc -g").build(tmp_path)
    data = exe.read_bytes()
    for part in range(1, 24):
        path = tmp_path / f"cut{part}"
        path.write_bytes(data[: len(data) * part // 24])
        assert assert_in_good_order([ASAN, path]) == 2


@pytest.mark.slow
def test_valgrind_finds_nothing(tmp_path: Path) -> None:
    exe = Row("whole", "gcc -gdwarf-5 -gsplit-dwarf -fdebug-types-section").build(tmp_path)
    (dwo,) = tmp_path.glob("*sample.dwo")
    command = ["valgrind", "-q", "--leak-check=full", "--error-exitcode=9", TOOL]
    assert assert_in_good_order([*command, exe, "--json"]) == 0
    for path in mutants(dwo, 6, tmp_path):
        shutil.copy(path, dwo)
        assert_in_good_order([*command, exe, "--json"])
