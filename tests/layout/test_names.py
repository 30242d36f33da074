"""hmap-layout keeps all names that the families need: the C and Python lists agree."""

from __future__ import annotations

import re

from matrix import ROOT

# As spelled in the code that needs them; patterns for names that each map type has.
ASKED = re.compile(
    r'"((?:runtime|internal/abi|internal/runtime/maps|sync)\.[A-Za-z_]+|(?:struct|enum) hmap\w+)"'
)


# reach/plan.py only recognises these names as parts of a map, and looks nothing up.
PARTS_OF_MAPS = {"runtime.bmap", "hmap_"}
# Functions have their names in the program, where languages/go recognises them.
FUNCTIONS = {
    f"runtime.{name}"
    for name in ("asyncPreempt", "sigpanic", "goexit", "mstart", "morestack", "map")
}
NOT_LOOKED_UP = PARTS_OF_MAPS | FUNCTIONS


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
