"""GHashTables in what programs keep them in are found, and each path opens its map."""

from __future__ import annotations

from pathlib import Path

import pytest

from glib_programs import PROGRAMS, STOP, built, require_glib
from listings import listed_live_and_in_core, told_by

require_glib()


# In a program that is not position-independent, heap pointers fit into 4 bytes, and are stored so.
@pytest.mark.parametrize("flags", [("-O0",), ("-O0", "-no-pie")], ids="".join)
def test_every_map_is_listed_and_each_path_opens_it(flags: tuple[str, ...], folder: Path) -> None:
    exe = built("holders", (PROGRAMS / "glib_holders.c",), "gcc", *flags)
    more = ['hmap-find by_text -- "first"', "print $hmap_get(by_number, (void *) 11)"]
    rows, live, _ = listed_live_and_in_core(exe, folder, STOP, more=more)
    told = told_by(live[1].output)
    found = {int(row["address"], 16): row["entries"] for row in rows}
    assert found == {one.address: one.count for one in told}
    paths = {row["path"] for row in rows}
    assert {
        'by_text["two words"]',
        "by_number[0xb]",
        'untold["a"]',
        'sessions["s2"]->cache',
    } <= paths
    assert {"(*array)[1]", "(*list)[24]", "(*slist)[0]", "(*queue.head)[0]"} <= paths
    assert "is in slot" in live[4].output
    assert live[5].output.startswith("$1 = (GHashTable *) 0x"), live[5].output
