"""Bad input gives a one-line error, leaves gdb working, and no partly written file."""

from __future__ import annotations

import os
import re
import stat
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import limits
from built import fixture_program
from harness import ROOT, Fails, Outcome, Session, Tries, gdb_session, run_aborting
from truth import ENTRIES_HEADER, OCCUPANCY_HEADER, first_line, read_csv

STATE = "half_deleted"

STILL_THERE = "print 1+1"


def assert_clear(outcome: Outcome, *subjects: str) -> None:
    """Checks that an error is one line: the failure, its subjects in quotes, the remedy."""
    error = outcome.error
    assert error is not None, f"'{outcome.command}' succeeded: {outcome.output}"
    assert outcome.output == outcome.messages == "", outcome
    assert "\n" not in error, error
    assert re.match(r"[a-z0-9'\"$-]", error), f"starts with a capital: {error}"
    assert not error.endswith("."), f"ends with a full stop: {error}"
    assert re.search(r".[:;] .", error), f"has no remedy: {error}"
    for subject in subjects:
        assert f"'{subject}'" in error or f'"{subject}"' in error, f"names no '{subject}': {error}"


def assert_usable(outcome: Outcome) -> None:
    assert re.fullmatch(r"\$\d+ = 2\n", outcome.output), outcome


def at_stop(folder: Path, *commands: str | Fails | Tries) -> Session:
    """The outcomes of commands in the fixture `states` at its stop."""
    outcomes = gdb_session(
        fixture_program("dev", "states"),
        [STATE, str(folder / "truth")],
        commands=["break fixture_stop", "run", *commands, STILL_THERE],
    )
    assert_usable(outcomes[-1])
    return Session(outcomes[2:-1])


@pytest.fixture
def out(folder: Path) -> Path:
    """An empty folder for output."""
    (folder / "out").mkdir()
    return folder / "out"


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


# ---- cores that lack the map's memory ------------------------------------------------------------

HOLEY = """\
#define _GNU_SOURCE
#include "hmap_internal.h"
#include <stdlib.h>
#include <sys/mman.h>

HMAP_TYPE_INT64(numbers, int64_t);

static size_t least; /* bytes; what is larger is left out of cores */

static void *allocate(void *context, size_t alignment, size_t size)
{
    (void)context, (void)alignment;
    if (size < least)
        return calloc(1, size);
    size = (size + 4095) & ~(size_t)4095;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    madvise(memory, size, MADV_DONTDUMP);
    return memory;
}

static void release(void *context, void *memory, size_t size)
{
    (void)context, (void)memory, (void)size; /* the process ends soon */
}

struct hmap *map;
__attribute__((noinline)) void stop(void) { __asm__ volatile("" : : : "memory"); }

int main(int argc, char **argv)
{
    (void)argc;
    least = (size_t)atol(argv[1]);
    struct hmap_allocator allocator = {allocate, release, NULL};
    map = hmap_create(&numbers.type, &(struct hmap_options){
        .hint = 1000, .allocator = &allocator, .fixed_seed = true});
    for (int64_t key = 0; key < 1000; key++)
        hmap_put(map, &key, &key);
    stop();
    if (getenv("FIXTURE_ABORT") != NULL)
        abort();
    return 0;
}
"""
NOTHING_LEFT_OUT, ARRAYS_LEFT_OUT, ALL_LEFT_OUT = "1000000000", "4096", "0"


@pytest.fixture
def holey(compile_program: Callable[..., Path]) -> Path:
    return compile_program("holey", HOLEY)


def make_core(maker: str, program: Path, left_out: str, folder: Path) -> Path:
    if maker == "kernel":
        return run_aborting([program, left_out], folder, {"FIXTURE_ABORT": "1"})
    core = folder / "gdb.core"
    gdb_session(
        program,
        [left_out],
        commands=["break stop", "run", f"generate-core-file {core}"],
        extension=False,
    )
    return core


def assert_missing_memory_is_told(outcome: Outcome, csv: Path) -> None:
    """A map with unreadable buckets is reported as such, not as empty or valid."""
    assert outcome.error is None
    assert re.search(r"^entries +1,000\b", outcome.output, re.MULTILINE), outcome.output
    problems = re.findall(r"^Problem +(.*)", outcome.output, re.MULTILINE)
    assert any(re.search("unreadable|cannot read|cannot be read", text) for text in problems)
    assert any(re.search("0x[0-9a-f]+", text) for text in problems)
    assert not re.search(r"^verdict +(empty|nothing unusual)", outcome.output, re.MULTILINE)
    # There are no rows for slots that were not read.
    assert [row for row in read_csv(csv) if row["empty"] != "0" or row["deleted"] != "0"] == []


@pytest.mark.parametrize("maker", ["gdb", "kernel"])
def test_core_without_the_buckets(
    maker: str, holey: Path, folder: Path, out: Path, kernel_cores: None
) -> None:
    core = make_core(maker, holey, ARRAYS_LEFT_OUT, folder)
    dump, usable = gdb_session(
        holey, core=core, commands=[f"hmap-dump map --csv {out}/a.csv", STILL_THERE]
    )
    assert_missing_memory_is_told(dump, out / "a.csv")
    assert_usable(usable)


@pytest.mark.parametrize("maker", ["gdb", "kernel"])
def test_core_without_the_map(
    maker: str, holey: Path, folder: Path, out: Path, kernel_cores: None
) -> None:
    core = make_core(maker, holey, ALL_LEFT_OUT, folder)
    failed, usable = gdb_session(
        holey, core=core, commands=[Fails(f"hmap-dump map --csv {out}/a.csv"), STILL_THERE]
    )
    assert_clear(failed, "map")
    assert list(out.iterdir()) == []
    assert_usable(usable)


def test_core_with_all_of_the_map(holey: Path, folder: Path, out: Path) -> None:
    # Proves that the two tests above find the hole, not another fault of their program.
    core = make_core("gdb", holey, NOTHING_LEFT_OUT, folder)
    (dump,) = gdb_session(holey, core=core, commands=[f"hmap-dump map --csv {out}/a.csv"])
    assert "Problem" not in dump.output
    assert sum(int(row["live"]) for row in read_csv(out / "a.csv")) == 1000


def iter_load_segments(core: Path) -> Iterator[tuple[int, int, int]]:
    """(address, offset in the file, bytes in the file) of a little-endian ELF64 core's segments."""
    data = core.read_bytes()
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for place in range(table, table + size * count, size):
        kind, _, offset, addr, _, in_file, _, _ = struct.unpack_from("<IIQQQQQQ", data, place)
        if kind == 1:  # PT_LOAD
            yield addr, offset, in_file


def test_core_cut_off_before_the_buckets(
    holey: Path, folder: Path, out: Path, kernel_cores: None
) -> None:
    # The kernel's core: gdb refuses a truncated core of its own.
    core = make_core("kernel", holey, NOTHING_LEFT_OUT, folder)
    (where,) = gdb_session(
        holey, core=core, commands=["print/x (unsigned long) map->buckets"], extension=False
    )
    buckets = int(where.output.split("0x")[1], 16)
    (cut,) = [
        offset + (buckets - addr)
        for addr, offset, in_file in iter_load_segments(core)
        if addr <= buckets < addr + in_file
    ]
    os.truncate(core, cut)
    dump, usable = gdb_session(
        holey, core=core, commands=[f"hmap-dump map --csv {out}/a.csv", STILL_THERE]
    )
    assert_missing_memory_is_told(dump, out / "a.csv")
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
