"""Cores that lack a map's memory: told as such, not as an empty or valid map."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import Fails, Outcome, gdb_session, run_aborting
from truth import read_csv
from bad_input import STILL_THERE, assert_clear, assert_usable


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
    if maker == "kernel, no data":
        shell = 'echo 0 > /proc/self/coredump_filter && exec "$@"'
        command = ["sh", "-c", shell, "sh", program, left_out]
        return run_aborting(command, folder, {"FIXTURE_ABORT": "1"})
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


def test_core_without_variables(holey: Path, folder: Path, out: Path, kernel_cores: None) -> None:
    """As of a process that had coredump_filter 0: gdb shows zeros, and no map is not what it is."""
    core = make_core("kernel, no data", holey, NOTHING_LEFT_OUT, folder)
    commands = (f"hmap-dump map --csv {out}/a.csv", "hmap-check map", "hmap-find map -- 1")
    outcomes = gdb_session(
        holey, core=core, commands=[*map(Fails, commands), Fails("print $hmap_len(map)")]
    )
    for outcome in outcomes:
        assert_clear(outcome, "map")
        assert "cannot read" in str(outcome.error)
    assert list(out.iterdir()) == []


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
