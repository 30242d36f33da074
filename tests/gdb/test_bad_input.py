"""Bad input gives a one-line error, leaves gdb working, and no partly written file."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import limits
from built import fixture_program
from harness import ROOT, Fails, Tries, gdb_session
from truth import ENTRIES_HEADER, OCCUPANCY_HEADER, first_line
from bad_input import STATE, STILL_THERE, assert_clear, assert_usable, at_stop


# ---- expressions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "subject"),
    [
        ("nosuch", "nosuch"),
        ("nosuch->field", "nosuch"),
        ("fixture_map->nosuch", "fixture_map->nosuch"),
        ("fixture_map->", "fixture_map->"),
        ("fixture_map +", "fixture_map +"),
        ("1 + 1", "1 + 1"),
        ("fixture_map_count", "fixture_map_count"),
        ("fixture_program", "fixture_program"),
        ("*fixture_map->type", "*fixture_map->type"),
        ("fixture_map->type", "fixture_map->type"),
        ("fixture_maps", "fixture_maps"),
        ("fixture_stop", "fixture_stop"),
        ("$nosuch", "$nosuch"),
        ("(struct hmap *) 0", "(struct hmap *) 0"),
        ("*(struct hmap *) 0", "*(struct hmap *) 0"),
        ("(struct hmap **) 0", "(struct hmap **) 0"),
        ("(struct hmap *) 0x10", "(struct hmap *) 0x10"),
        ("*(struct hmap *) 0x10", "*(struct hmap *) 0x10"),
        ("(struct hmap *) 0xdeadbeefdeadbeef", "(struct hmap *) 0xdeadbeefdeadbeef"),
        ("(struct hmap *) -1", "(struct hmap *) -1"),
        ("(struct hmap **) 0x10", "(struct hmap **) 0x10"),
        ("fixture_stop()", "fixture_stop()"),
        ("fixture_map = 0", "fixture_map = 0"),
        ("fixture_map++", "fixture_map++"),
    ],
)
def test_expression_that_is_no_map(expression: str, subject: str, folder: Path, out: Path) -> None:
    before, failed, after = at_stop(
        folder,
        "print fixture_map",
        Fails(f"hmap-dump {expression} --csv {out}/a.csv --entries {out}/b.csv"),
        "print fixture_map",
    )
    assert_clear(failed, subject)
    assert list(out.iterdir()) == []
    assert before.output.split("=")[1] == after.output.split("=")[1]


@pytest.mark.parametrize("expression", ["(", "fixture_maps[", "'fixture_map", '"fixture_map'])
def test_expression_that_is_left_open(expression: str, folder: Path, out: Path) -> None:
    # Options come first: an open bracket or quote would swallow them.
    before, behind = at_stop(
        folder,
        Fails(f"hmap-dump --csv {out}/a.csv -- {expression}"),
        Fails(f"hmap-dump {expression} --csv {out}/a.csv"),
    )
    assert_clear(before, expression)
    assert_clear(behind)
    for outcome in (before, behind):
        assert "would change" not in str(outcome.error)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    "expression",
    [
        "(struct hmap *) fixture_stop",
        "(struct hmap *) $sp",
        "(struct hmap *) (fixture_map + 1)",
        "(struct hmap *) ((char *) fixture_map + 1)",
        "(struct hmap *) fixture_map->buckets",
        "(struct hmap *) fixture_map->type",
        "(struct hmap *) &fixture_maps",
    ],
)
def test_garbage_that_can_be_read_is_told_in_lines(
    expression: str, folder: Path, out: Path
) -> None:
    # Garbage may look like a map: it is refused, or shown with Problems.
    (outcome,) = at_stop(folder, Tries(f"hmap-dump {expression} --csv {out}/a.csv"))
    if outcome.error is not None:
        assert_clear(outcome)
        assert list(out.iterdir()) == []
    else:
        assert "Problem" in outcome.output, outcome.output
        assert "\x1b" not in outcome.output
        assert first_line(out / "a.csv") == OCCUPANCY_HEADER


def test_optimised_out_map(compile_program: Callable[..., Path]) -> None:
    program = compile_program(
        "optimised_out",
        """\
        #include "hmap_internal.h"
        HMAP_TYPE_INT64(numbers, int64_t);
        __attribute__((noinline)) void stop(void) { __asm__ volatile("" : : : "memory"); }
        int main(void)
        {
            struct hmap *gone = hmap_create(&numbers.type, NULL);
            hmap_destroy(gone);
            stop();
            return 0;
        }
        """,
        "-O2",
    )
    *_, value, failed, usable = gdb_session(
        program,
        commands=["break stop", "run", "up", "print gone", Fails("hmap-dump gone"), STILL_THERE],
    )
    assert "<optimized out>" in value.output, "the test's program no longer loses its local"
    assert_clear(failed, "gone")
    assert re.search("optimi[sz]ed out", str(failed.error))
    assert_usable(usable)


# ---- programs ------------------------------------------------------------------------------------


def test_no_program() -> None:
    failed, usable = gdb_session(commands=[Fails("hmap-dump fixture_map"), STILL_THERE])
    assert_clear(failed)
    assert_usable(usable)


def test_no_process() -> None:
    failed, usable = gdb_session(
        fixture_program("dev", "states"), commands=[Fails("hmap-dump fixture_map"), STILL_THERE]
    )
    assert_clear(failed)
    assert "no process" in str(failed.error)
    assert_usable(usable)


def test_process_that_has_ended(folder: Path) -> None:
    *_, failed, usable = gdb_session(
        fixture_program("dev", "states"),
        [STATE, str(folder / "truth")],
        commands=["run", Fails("hmap-dump fixture_map"), STILL_THERE],
    )
    assert_clear(failed)
    assert "no process" in str(failed.error)
    assert_usable(usable)


@pytest.mark.parametrize("how", ["--strip-debug", "--strip-all"])
def test_program_without_debug_info(how: str, folder: Path) -> None:
    program, core = folder / "stripped", folder / "core"
    subprocess.run(["strip", how, "-o", program, fixture_program("dev", "states")], check=True)
    gdb_session(
        fixture_program("dev", "states"),
        [STATE, str(folder / "truth")],
        commands=["break fixture_stop", "run", f"generate-core-file {core}"],
        extension=False,
    )
    failed, usable = gdb_session(
        program, core=core, commands=[Fails("hmap-dump fixture_map"), STILL_THERE]
    )
    assert_clear(failed, "fixture_map")
    assert_usable(usable)


def test_library_without_debug_info(folder: Path) -> None:
    # The program only declares `struct hmap`; the library, which has its fields, was stripped.
    library, source = folder / "libhmap.a", folder / "opaque.c"
    subprocess.run(["strip", "-g", "-o", library, ROOT / "build/dev/libhmap/libhmap.a"], check=True)
    source.write_text(
        """\
        #include "hmap/hmap.h"
        HMAP_TYPE_INT64(numbers, int64_t);
        struct hmap *map;
        __attribute__((noinline)) void stop(void) { __asm__ volatile("" : : : "memory"); }
        int main(void)
        {
            map = hmap_create(&numbers.type, NULL);
            stop();
            return 0;
        }
        """
    )
    command = ["gcc", "-g", "-o", folder / "opaque", source, library, "-pthread"]
    subprocess.run([*command, f"-I{ROOT}/libhmap/include"], check=True)
    *_, failed, usable = gdb_session(
        folder / "opaque",
        commands=["break stop", "run", Fails("hmap-dump map"), STILL_THERE],
    )
    assert_clear(failed, "map")
    assert "debug info" in str(failed.error)
    assert_usable(usable)


# ---- options and output files --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "subjects"),
    [
        ("", ()),
        ("--csv OUT/a.csv", ()),
        ("fixture_map --nosuch", ("--nosuch",)),
        ("fixture_map --csvs OUT/a.csv", ("--csvs",)),
        ("--nosuch fixture_map", ("--nosuch",)),
        ("fixture_map --csv", ("--csv",)),
        ("fixture_map --csv OUT/a.csv --entries", ("--entries",)),
        ("fixture_map --csv --entries OUT/a.csv", ("--csv",)),
        ("fixture_map --limit many", ("many",)),
        ("fixture_map --limit -1", ("-1",)),
        ("fixture_map --csv ''", ()),
        ("fixture_map --csv 'OUT/a.csv", ()),
    ],
)
def test_arguments_that_make_no_sense(
    arguments: str, subjects: tuple[str, ...], folder: Path, out: Path
) -> None:
    (failed,) = at_stop(folder, Fails(f"hmap-dump {arguments.replace('OUT', str(out))}".rstrip()))
    assert_clear(failed, *subjects)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("option", ["--csv", "--entries", "--json"])
@pytest.mark.parametrize("path", ["OUT/nosuch/a.csv", "OUT", "OUT/file/a.csv"])
def test_path_that_cannot_be_written(option: str, path: str, folder: Path, out: Path) -> None:
    (out / "file").write_text("kept\n")
    path = path.replace("OUT", str(out))
    (failed,) = at_stop(folder, Fails(f"hmap-dump fixture_map {option} {path}"))
    assert_clear(failed, path)
    assert [child.name for child in out.iterdir()] == ["file"]
    assert (out / "file").read_text() == "kept\n"


def test_one_path_of_two_that_cannot_be_written(folder: Path, out: Path) -> None:
    bad = f"{out}/nosuch/b.csv"
    (failed,) = at_stop(folder, Fails(f"hmap-dump fixture_map --csv {out}/a.csv --entries {bad}"))
    assert_clear(failed, bad)
    assert list(out.iterdir()) == [], "what was not asked for alone is not left behind alone"


def test_full_device(folder: Path) -> None:
    (failed,) = at_stop(folder, Fails("hmap-dump fixture_map --csv /dev/full"))
    assert_clear(failed, "/dev/full")


def test_failure_keeps_the_former_file(folder: Path, out: Path) -> None:
    (out / "a.csv").write_text("former\n")
    (failed,) = at_stop(folder, Fails(f"hmap-dump nosuch --csv {out}/a.csv"))
    assert_clear(failed, "nosuch")
    assert (out / "a.csv").read_text() == "former\n"
    assert [path.name for path in out.iterdir()] == ["a.csv"]


def test_file_is_replaced_and_its_mode_is_kept(folder: Path, out: Path) -> None:
    (out / "a.csv").write_text("former\n")
    (out / "a.csv").chmod(0o640)
    at_stop(folder, f"hmap-dump fixture_map --csv {out}/a.csv")
    assert (out / "a.csv").read_bytes() == (folder / "truth/occupancy.csv").read_bytes()
    assert stat.S_IMODE((out / "a.csv").stat().st_mode) == 0o640
    assert [path.name for path in out.iterdir()] == ["a.csv"]


def test_symbolic_link_is_written_through(folder: Path, out: Path) -> None:
    (out / "link.csv").symlink_to("a.csv")
    (out / "a.csv").write_text("former\n")
    at_stop(folder, f"hmap-dump fixture_map --csv {out}/link.csv")
    assert (out / "link.csv").is_symlink()
    assert (out / "a.csv").read_bytes() == (folder / "truth/occupancy.csv").read_bytes()


def test_option_given_twice_writes_two_files(folder: Path, out: Path) -> None:
    at_stop(
        folder,
        f"hmap-dump fixture_map --csv {out}/a.csv --csv {out}/b.csv"
        f" --entries {out}/c.csv --entries {out}/d.csv",
    )
    for name, truth in (("a", "occupancy"), ("b", "occupancy"), ("c", "entries"), ("d", "entries")):
        assert (out / f"{name}.csv").read_bytes() == (folder / f"truth/{truth}.csv").read_bytes()
    assert len(list(out.iterdir())) == 4


def test_relative_path_is_in_the_folder_of_gdb(folder: Path, out: Path) -> None:
    at_stop(folder, f"cd {out}", "hmap-dump fixture_map --csv a.csv")
    assert first_line(out / "a.csv") == OCCUPANCY_HEADER


def test_path_with_spaces_and_quotes(folder: Path, out: Path) -> None:
    at_stop(folder, f"hmap-dump fixture_map --csv '{out}/a b.csv' --entries \"{out}/it's.csv\"")
    assert first_line(out / "a b.csv") == OCCUPANCY_HEADER
    assert first_line(out / "it's.csv") == ENTRIES_HEADER


def test_device_is_written_and_stays_a_device(folder: Path, out: Path) -> None:
    # A node made for the test, if permitted: a rename over the real one would damage the system.
    device = out / "null"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        assert os.geteuid() != 0
        device = Path("/dev/null")
    at_stop(folder, f"hmap-dump fixture_map --csv {device} --entries {device}")
    assert stat.S_ISCHR(device.lstat().st_mode)
    assert device.lstat().st_rdev == os.makedev(1, 3)
    assert list(out.iterdir()) in ([device], [])


def test_fifo_is_written_and_stays_a_fifo(folder: Path, out: Path) -> None:
    fifo = out / "fifo"
    os.mkfifo(fifo)
    with (folder / "read.csv").open("wb") as sink:
        with subprocess.Popen(["cat", fifo], stdout=sink) as reader:
            try:
                at_stop(folder, f"hmap-dump fixture_map --csv {fifo}")
                assert stat.S_ISFIFO(fifo.lstat().st_mode)
                assert reader.wait(timeout=limits.WALL_SECONDS) == 0
            finally:
                reader.kill()
    assert (folder / "read.csv").read_bytes() == (folder / "truth/occupancy.csv").read_bytes()
    assert list(out.iterdir()) == [fifo]


@pytest.mark.parametrize("path", ["-", "/dev/stdout"])
def test_standard_output(path: str, folder: Path) -> None:
    (dump,) = at_stop(folder, f"hmap-dump fixture_map --csv {path}")
    truth = (folder / "truth/occupancy.csv").read_text()
    if path == "-":
        assert dump.output == truth
    else:
        assert truth in dump.output


def test_paths_of_program_and_core_that_are_no_text(folder: Path) -> None:
    program = os.fsencode(folder) + b"/caf\xe9"
    shutil.copy(fixture_program("dev", "states"), program)
    core = folder / "core"
    commands = (
        f"hmap-list --save {folder}/list.json",
        "hmap-dump fixture_map",
        "hmap-layout fixture_map",
    )
    live = gdb_session(
        os.fsdecode(program),
        ["one_bucket", str(folder / "truth")],
        commands=["break fixture_stop", "run", *commands, f"generate-core-file {core}"],
    )
    moved = os.fsencode(folder) + b"/k\xe9rn.core"
    os.rename(core, moved)
    dead = gdb_session(
        os.fsdecode(program),
        core=os.fsdecode(moved),
        commands=[*commands, f"hmap-diff {folder}/list.json"],
    )
    assert dead[0].output == live[2].output
    assert "entries    5 " in dead[1].output
    assert "no change in 1 map" in dead[3].output


# ---- debug info ----------------------------------------------------------------------------------


def test_split_debug_info_that_is_missing(tmp_path: Path) -> None:
    source = tmp_path / "split.cc"
    source.write_text(
        "#include <unordered_map>\nstd::unordered_map<int, int> m;\n"
        "int main() { m[1] = 2; __builtin_trap(); }\n"
    )
    for command in ("-c split.cc -gsplit-dwarf", "split.o -o split"):
        subprocess.run(["g++", "-g", *command.split()], cwd=tmp_path, check=True)
    (tmp_path / "split.dwo").unlink()
    options = ["-nx", "-batch", "-iex", "set auto-load off", "-ex", f"source {ROOT}/gdb/hmap.py"]
    options += ["-ex", "run", "-ex", "hmap-list", "-ex", "hmap-dump m", str(tmp_path / "split")]
    # Not by the harness: gdb's own complaint makes it end with status 1.
    done = subprocess.run(["gdb", *options], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if "debug info" in line]
    assert len(told) == 2 and told[0] == told[1], done.stderr
    assert told[0].startswith("gdb cannot read the program's debug info: ")
    assert told[0].endswith(
        "its .dwo or .dwp files are missing: put them back to where it was built"
    )
    assert "Traceback" not in done.stderr


def test_a_packed_program_is_told(tmp_path: Path) -> None:
    """The mark of UPX, in the padding of the ELF header, where nothing reads it."""
    data = bytearray(Path("/bin/true").read_bytes())
    data[9:13] = b"UPX!"
    exe = tmp_path / "packed"
    exe.write_bytes(data)
    exe.chmod(0o755)
    output = gdb_session(exe, commands=["starti", "hmap-list"])[1].output
    assert "'packed' is packed by UPX: unpack a copy by 'upx -d'" in output
