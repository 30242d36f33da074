"""hmap-layout keeps what the families ask for: the names stand in C and in Python."""

from __future__ import annotations

import re

from matrix import ROOT

# As the code that asks for them spells them; patterns for what each type of map has.
ASKED = re.compile(
    r'"((?:runtime|internal/abi|internal/runtime/maps|sync)\.[A-Za-z_]+|(?:struct|enum) hmap\w+)"'
)


# What reach/plan.py tells by its name that it is a part of a map: nothing is looked up.
NOT_LOOKED_UP = {"runtime.bmap", "hmap_"}


def test_every_name_that_the_families_look_up_is_collected() -> None:
    collected = (ROOT / "libhmap/layout/classify.c").read_text(encoding="utf-8")
    asked: dict[str, str] = {}
    for path in (ROOT / "gdb/hmapdbg").rglob("*.py"):
        layer = path.relative_to(ROOT / "gdb/hmapdbg").parts[0]
        if layer in ("families", "languages", "values", "cores", "listing", "reach"):
            for name in ASKED.findall(path.read_text(encoding="utf-8")):
                asked[name.removeprefix("struct ").removeprefix("enum ")] = path.name
    asked["runtime.firstmoduledata"] = asked["hmap_registry"] = "target"
    assert len(asked) > 30
    missing = {
        name: where
        for name, where in asked.items()
        if f'"{name}"' not in collected and name not in NOT_LOOKED_UP
    }
    assert not missing, f"add to classify.c: {missing}"
