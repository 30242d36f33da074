"""Paths through keys of C and C++ that are long or hard to spell: each opens its row's map."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cpp_programs import COMPILERS, compiled
from harness import Fails
from listings import listed_live_and_in_core, told_by

AT_STOP = ("break stop", "run")


def how_spelled(path: str) -> str:
    """How the key in a path is spelled."""
    if path.startswith("--type "):
        return "address"
    before, dots, after = path.partition("...")
    return f"beginning{' and end' if after[:1] == chr(34) else ''}" if dots else "whole"


@pytest.mark.parametrize("compiler", COMPILERS)
def test_cpp(folder: Path, compiler: str) -> None:
    exe = compiled(folder, compiler, "key_paths.cc")
    rows, live, _ = listed_live_and_in_core(
        exe, folder, AT_STOP, more=[Fails('hmap-dump by_text["long "...]')]
    )
    by_address = {int(row["address"], 16): row["path"] for row in rows}
    told = told_by(live[1].output)
    assert len(told) == 25
    assert {one.count: how_spelled(by_address[one.address]) for one in told} == {
        one.count: one.how for one in told
    }
    assert str(live[4].error).startswith(
        "\"long \"... fits 2 keys of 'by_text': give more of the key"
    )


def test_libhmap(folder: Path, compile_program: Callable[..., Path]) -> None:
    exe = compile_program("key_paths", LIBHMAP)
    rows, live, _ = listed_live_and_in_core(exe, folder, AT_STOP)
    by_address = {int(row["address"], 16): row["path"] for row in rows}
    told = told_by(live[1].output)
    assert len(told) == 4
    assert {one.count: how_spelled(by_address[one.address]) for one in told} == {
        one.count: one.how for one in told
    }


LIBHMAP = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hmap/hmap.h"

HMAP_TYPE_INT64(numbers, int64_t);
HMAP_TYPE_STRING(nested, struct hmap *);

struct hmap *by_text;

void stop(void)
{
    __asm__ volatile("" : : : "memory");
}

static void add(const char *word, int times, const char *end, int64_t count, const char *how)
{
    char *key = calloc(1, 4096);
    struct hmap *map = hmap_create(&numbers.type, NULL);
    for (int i = 0; i < times; i++)
        strcat(key, word);
    strcat(key, end);
    for (int64_t i = 0; i < count; i++)
        hmap_put(map, &i, &i);
    hmap_put(by_text, &key, &map);
    printf("%p %d %s\n", (void *)map, (int)count, how);
}

int main(void)
{
    by_text = hmap_create(&nested.type, NULL);
    add("long ", 100, "", 1, "beginning");
    add("other ", 100, "1", 2, "address");
    add("other ", 100, "2", 3, "address");
    add("tab\t", 2, "\"", 4, "whole");
    fflush(stdout);
    stop();
    return 0;
}
"""
