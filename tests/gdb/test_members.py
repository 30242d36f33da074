"""Maps in members that are inherited, hidden and ambiguous, and in classes made of containers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cpp_programs import COMPILERS, compiled
from listings import listed_live_and_in_core

HIDDEN = {
    "hides.cache": 1,
    "hides.'Base::cache'": 2,
    "again->cache": 3,
    "again->'Hides::cache'": 4,
    "again->'Base::cache'": 5,
    "diamond->'Left::Base::cache'": 6,
    "diamond->'Right::Base::cache'": 7,
    "diamond->'Left::own'": 8,
    "diamond->'Right::own'": 9,
    "diamond->mine": 10,
    "two[1].'std::unordered_map<int, int>'": 14,
    "two[1].'std::unordered_map<std::string, int>'": 15,
    "two[1].third": 16,
    "more": 17,
    "more.beside": 18,
    "ofs[1][1]": 23,
    "ofs[1].beside": 24,
    "unnamed.cache": 25,
    "unnamed.'Base::cache'": 26,
    "unnamed.inner.cache": 28,
    "whole.cache": 37,
    "whole.'Near'.'Virtual'.cache": 38,
    "whole.'Near::own'": 39,
    "near.'Virtual'.cache": 41,
    "near.own": 42,
}


@pytest.mark.parametrize("compiler", COMPILERS)
def test_each_path_is_of_its_own_member(folder: Path, compiler: str) -> None:
    program = compiled(folder, compiler, "members.cc")
    rows, live, _ = listed_live_and_in_core(program, folder, ("break stop", "run"))
    lines = re.findall(r"^0x([0-9a-f]+) (\d+)$", live[1].output, re.MULTILINE)
    told = {int(address, 16): int(count) for address, count in lines}
    assert {int(row["address"], 16): row["entries"] for row in rows} == told
    # clang names a base class as the program does.
    names = {"'Map'": "'std::unordered_map<int, int>'"}
    names["'Words'"] = "'std::unordered_map<std::string, int>'"
    for row in rows:
        for name, full in names.items():
            row["path"] = row["path"].replace(name, full)
    by_path = {row["path"]: row["entries"] for row in rows}
    assert {path: by_path.get(path) for path in HIDDEN} == HIDDEN
