"""What other tools get wrong about Go maps, and the correct answer.

The wrong answers come from running Go's own gdb script (runtime-gdb.py of go1.19.8 and go1.26) on
these states, or are computed from the ground truth by the algorithms of Delve, goref and pwndbg.
The script of Debian's Go, which no longer changes, is run here, and must still be wrong.
"""

from __future__ import annotations

import functools
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from go_fixtures import STOP, GoDump, dump_live, dumps_of, expressions, has_bucket_maps
from go_fixtures import main_toolchains, on, program
from go_toolchains import DEBIAN, Toolchain
from harness import GdbFailure, Outcome, gdb_session
from truth import read_csv

STATES = (
    "alias big_elems growing_half half_deleted many many_tables parked_current reused "
    "same_size_begun same_size_half same_size_nearly"
).split()

Views = Callable[[Toolchain], dict[str, GoDump]]

main_gos = on(main_toolchains())
bucket_gos = on(go for go in main_toolchains() if has_bucket_maps(go))
swiss_gos = on(go for go in main_toolchains() if not has_bucket_maps(go))


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Views]:
    """gdb's views of live states, each equal to the ground truth; one gdb per toolchain."""
    folder = tmp_path_factory.mktemp("mistakes")

    @functools.cache
    def of(go: Toolchain) -> dict[str, GoDump]:
        names = [name for name in STATES if name in expressions(go)]
        return {one.state: one for one in dump_live(go, folder / go.name, names)}

    yield of
    shutil.rmtree(folder)


def live_by_array(one: GoDump) -> Counter[str]:
    live: Counter[str] = Counter()
    for row in read_csv(one.view / "occupancy.csv"):
        live[row["array"]] += int(row["live"])
    return live


@bucket_gos
def test_deleted_cells_are_not_entries(go: Toolchain, views: Views) -> None:
    # Go's script: 4,042 to 4,080 entries. A cell is live to it unless its tophash is 0, so every
    # emptyOne becomes an entry with a stale key.
    keys = views(go)["half_deleted"].keys
    assert len(keys) == 2500
    assert {int(key) for key in keys} == set(range(1, 5000, 2))


@bucket_gos
def test_map_in_mid_growth_has_each_entry_once(go: Toolchain, views: Views) -> None:
    # Go's script: 515 pairs, 416 different keys of 417. It tests the overflow pointer for whether a
    # bucket was evacuated (`b['overflow'] & 1`, never true since 2015), and skips the upper half.
    one = views(go)["growing_half"]
    assert sorted(map(int, one.keys)) == list(range(one.count))
    assert live_by_array(one)["oldbuckets"] > 0 < live_by_array(one)["buckets"]


@main_gos
def test_map_with_a_parked_iterator_is_read(go: Toolchain, views: Views) -> None:
    # Go's script, up to go1.23: "Attempt to take contents of a non-pointer value". It mistakes the
    # map's flags iterator (1) and oldIterator (2) for indirect keys and elems of its type.
    assert sorted(map(int, views(go)["parked_current"].keys)) == list(range(100))


@bucket_gos
def test_boxed_elems_are_followed_whatever_the_flags(go: Toolchain, views: Views) -> None:
    # Go's script prints the pointers, and 47 of them where 33 entries are left: the same mistake.
    rows = read_csv(views(go)["big_elems"].view / "entries.csv")
    assert len(rows) == 33
    for row in rows:
        assert row["value"].startswith(f"{{{row['key']}, 0, "), row


@swiss_gos
def test_all_tables_of_the_directory_are_read(go: Toolchain, views: Views) -> None:
    # Go's script: "Cannot access memory at address 0x6e6d6c6b6a696867" with four tables. It takes
    # dirPtr as pointer to an array and then steps by whole arrays.
    one = views(go)["many_tables"]
    assert sorted(map(int, one.keys)) == list(range(20000))
    assert len(live_by_array(one)) == int(one.told["tables"]) >= 20


@swiss_gos
def test_two_tables_are_two(go: Toolchain, views: Views) -> None:
    # Go's script: 790 pairs, 395 of them different, by the same mistake.
    assert len(set(views(go)["reused"].keys)) == 800


@swiss_gos
def test_table_in_several_directory_slots_is_read_once(go: Toolchain, views: Views) -> None:
    one = views(go)["alias"]
    assert len(one.keys) == len(set(one.keys)) == one.count
    rows = read_csv(one.view / "occupancy.csv")
    assert len({row["address"] for row in rows}) == len(rows)
    # pwndbg: one walk for each directory slot.
    tables = read_csv(one.truth / "tables.csv")
    by_slots = sum(int(table["used"]) * int(table["directorySlots"]) for table in tables)
    assert by_slots > one.count + 100


@bucket_gos
@pytest.mark.parametrize("stage", ["same_size_begun", "same_size_half", "same_size_nearly"])
def test_same_size_growth_has_an_old_array_of_full_size(
    go: Toolchain, stage: str, views: Views
) -> None:
    one = views(go)[stage]
    assert len(one.keys) == len(set(one.keys)) == one.count
    rows = [r for r in read_csv(one.view / "occupancy.csv") if r["array"] == "oldbuckets"]
    assert len(rows) == 32
    # Delve, goref and pwndbg take the old array to be half of the new one, 16 buckets, and lose the
    # entries in the upper half that are not evacuated. Go's script: 192 pairs, 66 different, of 54.
    lost = sum(int(row["live"]) for row in rows if int(row["bucket"]) >= 16)
    assert lost > 0 or stage == "same_size_nearly"


@main_gos
def test_nothing_is_cut_unasked(go: Toolchain, views: Views) -> None:
    # Delve: 64 entries by default. test_go_fixtures.py reads a million, where Go's quadratic script
    # takes a minute for 100,000.
    assert len(views(go)["many"].keys) == 5000


@main_gos
def test_occupancy_of_each_bucket(go: Toolchain, views: Views) -> None:
    # No other tool shows this.
    one = views(go)["many"]
    assert sum(int(row["live"]) for row in read_csv(one.view / "occupancy.csv")) == 5000
    occupancy = one.document["statistics"]["occupancy"]
    assert sum(n * times for n, times in enumerate(occupancy)) == 5000


# ---- Go's own script and hmap together -----------------------------------------------------------

OURS = "source gdb/hmap.py"
# Not its $len(), which from go1.24 on raises for every map ("'GoLenFunc' object has no ... 'val'").
PRINTS = ("print main.specials", "print main.mapStringInt64", "print main.theServer.name")


@on(go for go in main_toolchains() if go.minor == DEBIAN)
def test_script_of_debians_go_is_wrong_where_ours_is_right(
    go: Toolchain, views: Views, folder: Path
) -> None:
    def theirs(*states: str) -> list[int]:
        """The pairs that Go's script prints for the maps in these states."""
        dumps = dumps_of(go, folder, states)
        outcomes = gdb_session(
            program(go),
            [str(folder / "truth"), *states],
            commands=[
                *STOP,
                f"source {go.runtime_script()}",
                "set print elements 0",
                *(f"print {one.expression}" for one in dumps),
            ],
            extension=False,
        )
        return [len(re.findall(r"\[\d+\] = ", one.output)) for one in outcomes[-len(states) :]]

    right = {state: one.count for state, one in views(go).items()}
    deleted, growing, same_size = theirs("half_deleted", "growing_half", "same_size_half")
    assert deleted > 4000 > 2500 == right["half_deleted"]
    assert growing > right["growing_half"]
    assert same_size > 2 * right["same_size_half"]
    with pytest.raises(GdbFailure, match="non-pointer value"):
        theirs("parked_current")


def beside(go: Toolchain, folder: Path, *scripts: str) -> list[Outcome]:
    """Go values as printed, and hmap-dump's output if hmap is loaded."""
    ours = [f"hmap-dump main.mapStringInt64 --entries {folder / 'entries.csv'}"]
    return gdb_session(
        program(go),
        [str(folder / "truth"), "program"],
        commands=[*STOP, *scripts, *PRINTS, *(ours if OURS in scripts else [])],
        extension=False,
    )


@main_gos
def test_go_script_loaded_before_or_after_ours_harms_neither(go: Toolchain, folder: Path) -> None:
    # Go's script begins with `goobjfile.pretty_printers = []`, which removes other printers from
    # the program's objfile.
    theirs = f"source {go.runtime_script()}"
    alone = [outcome.output for outcome in beside(go, folder, theirs)[-3:]]
    assert "comma, inside" in alone[0] and '["global"] = 1' in alone[1]
    for scripts in ((theirs, OURS), (OURS, theirs)):
        outcomes = beside(go, folder, *scripts)
        assert [outcome.output for outcome in outcomes[-4:-1]] == alone
        assert re.search(r"^entries +1 in ", outcomes[-1].output, re.MULTILINE), outcomes[-1]
        assert read_csv(folder / "entries.csv")[0]["key"] == "global"


@main_gos
def test_printers_of_others_stay_where_ours_is_loaded(go: Toolchain, folder: Path) -> None:
    count = "python print(len(gdb.objfiles()[0].pretty_printers), len(gdb.pretty_printers))"
    outcomes = gdb_session(
        program(go),
        [str(folder / "truth"), "program"],
        commands=[
            *STOP,
            f"source {go.runtime_script()}",
            count,
            OURS,
            "hmap-dump main.mapStringInt64",
            count,
        ],
        extension=False,
    )
    before, after = (list(map(int, outcomes[i].output.split())) for i in (3, -1))
    assert after[0] == before[0] > 0
    assert after[1] >= before[1]
