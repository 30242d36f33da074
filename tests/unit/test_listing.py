"""Rows, samples, saved lists, differences, tables and profiles; without gdb."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hmapdbg.block import Block, Cells, Column
from hmapdbg.geometry.chains.shape import BucketChains
from hmapdbg.header import Header
from hmapdbg.listing import pprof, saved, tables
from hmapdbg.listing.difference import compare
from hmapdbg.listing.rows import Listing, Row, Sample, is_wanted, ranked
from hmapdbg.listing.sample import MOST, Sampler
from hmapdbg.target import Kind, Type
from hmapdbg.target.fake import FakeTarget

LONG = Type(Kind.INTEGER, "long", 8, signed=True)
ESCAPE = "\x1b[31m"


def row(path: str, entries: int = 10, held: int = 1000, **fields: object) -> Row:
    common = Row(path, "global", "libhmap", "int", "long", 0x1000, entries, 2 * entries, 0, held, 0)
    address = sum(map(ord, path)) * 16
    return replace(common, **{"address": address, **fields})  # type: ignore[arg-type]


def listing(*rows: Row, process: str = "pid 1", at: float | None = 100.0) -> Listing:
    return Listing(rows, process=process, taken_at=at, program="/bin/server")


# ---- rows


def test_ranking_is_by_what_was_asked_for() -> None:
    rows = [row("a", entries=5, held=10), row("b", entries=1, held=30), row("c", 5, 20)]
    assert [one.path for one in ranked(rows)] == ["b", "c", "a"]
    assert [one.path for one in ranked(rows, "entries")] == ["c", "a", "b"]


def test_rows_are_chosen_by_path_name_types_and_family() -> None:
    import re

    one = row("server.cache", name="sessions")
    assert is_wanted(one, None, "")
    for pattern in ("cache$", "^sess", "int -> long"):
        assert is_wanted(one, re.compile(pattern), "LIBHMAP")
    assert not is_wanted(one, re.compile("nothing"), "")
    assert not is_wanted(one, None, "swiss")


# ---- samples


def sample_of(keys: list[int]) -> Sample:
    data = np.array(keys, "<i8").view(np.uint8).reshape(-1, 8)
    zeros = np.zeros(len(keys), np.int64)
    cells = Cells(
        zeros, zeros, zeros, zeros + 9, zeros.astype(np.uint64), Column(data), Column(data)
    )
    header = Header("f", "e", "t", 1, 1, LONG, LONG, len(keys), (), BucketChains(8, 8, 6.5), 8)
    taker = Sampler(FakeTarget()).of(header)
    for begin in range(0, len(keys), 1000):
        taker.add(
            Block("buckets", None, cells.take(np.arange(begin, min(begin + 1000, len(keys)))))
        )
    found = taker.sample()
    assert found is not None
    return found


def test_sample_is_bounded_and_does_not_depend_on_the_order() -> None:
    keys = list(range(20_000))
    found, again = sample_of(keys), sample_of(keys[::-1])
    assert MOST // 4 < len(found.keys) <= MOST
    assert (found.level, found.keys) == (again.level, again.keys)
    assert all(found.keys[number] in map(str, keys) for number in found.keys)


def test_small_map_is_sampled_whole() -> None:
    assert sorted(sample_of([3, -1, 2]).keys.values()) == ["-1", "2", "3"]


def test_equal_keys_count_once() -> None:
    """As in a multimap, where no level would part them."""
    for key in (0, 7):
        assert list(sample_of([key] * (MOST + 50)).keys.values()) == [str(key)]


def test_new_keys_are_those_that_were_not_there() -> None:
    old, new = sample_of(list(range(5000))), sample_of(list(range(1000, 9000)))
    found = compare(
        listing(row("m", 5000, sample=old)), listing(row("m", 8000, sample=new), at=110.0)
    )
    (change,) = found.changes
    assert change.keys is not None
    assert 0 < change.keys.found < change.keys.sampled
    assert all(5000 <= int(key) < 9000 for key in change.keys.shown)
    assert change.keys.gone > 0


# ---- saved lists


def test_saved_list_reads_back() -> None:
    whole = listing(
        row("a", sample=sample_of([1, 2])),
        row(f"b{ESCAPE}\udcff", verdicts=("full",), evidence=("x",), is_exact=False),
    )
    text = saved.dump(whole, samples=True).encode("utf-8", "backslashreplace").decode()
    back = saved.load(text)
    assert back.rows[0] == whole.rows[0]
    assert back.rows[1].verdicts == ("full",) and not back.rows[1].is_exact
    assert (back.process, back.taken_at, back.program) == ("pid 1", 100.0, "/bin/server")


def test_saved_list_remembers_what_it_lacks() -> None:
    whole = replace(listing(row("a")), cuts=("the search ended after 5 s",), notes=("other",))
    document = json.loads(saved.dump(whole, samples=False))
    assert document["complete"] is False and document["cuts"] == list(whole.cuts)
    back = saved.load(json.dumps(document))
    assert (back.cuts, back.notes) == (whole.cuts, whole.notes)
    assert json.loads(saved.dump(listing(row("a")), samples=False))["complete"] is True
    # As lists were saved before: the notes alone tell.
    del document["complete"], document["cuts"]
    back = saved.load(json.dumps(document))
    assert (back.cuts, back.notes) == (whole.cuts, whole.notes)


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"format": "hmap-list/2"}', '{"format": "hmap-list/1"}', "{" * 10],
)
def test_what_is_no_list_is_said_in_a_line(text: str) -> None:
    with pytest.raises(saved.NotAListing) as failure:
        saved.load(text)
    assert "\n" not in str(failure.value)


DAMAGES = (None, True, -1, 0, 1.5, 1e308, float("nan"), "x", "", [], {}, [1], {"a": 1}, 1 << 70)


def damaged(value: Any, chance: random.Random) -> Any:
    """A document with another value somewhere, or without one."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        rest = {one: value[one] for one in value if one != key}
        return rest if chance.random() < 0.1 else {**rest, key: damaged(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        at = chance.randrange(len(value))
        return [*value[:at], damaged(value[at], chance), *value[at + 1 :]]
    return chance.choice(DAMAGES)


@pytest.mark.parametrize("seed", range(20))
def test_damaged_list_is_told_of_or_compared(seed: int) -> None:
    """Whatever was read back has a difference, a table and a CSV."""
    chance = random.Random(seed)
    sample = Sample(1, {4: "a", 8: "b"})
    whole = listing(row("a", sample=sample, verdicts=("full",)), row("b", name="n"))
    document = json.loads(saved.dump(whole, samples=True))
    for _ in range(200):
        text = json.dumps(damaged(document, chance))
        try:
            read = saved.load(text)
        except saved.NotAListing as error:
            assert "\n" not in str(error)
            continue
        for pair in ((read, whole), (whole, read)):
            found = compare(*pair)
            "".join(tables.diff_lines(found, 30))
            saved.dump_difference(found)
        "".join(tables.list_lines(read, 30))


# ---- differences


def test_order_is_by_what_new_entries_take() -> None:
    before = listing(row("doubles", 100, 1000), row("fills", 100, 1000), row("still", 100, 1000))
    after = listing(
        row("doubles", 101, 2000), row("fills", 190, 1000), row("still", 100, 1000), at=110.0
    )
    found = compare(before, after)
    assert [(one.row.path, one.entries, one.held) for one in found.changes] == [
        ("fills", 90, 0),
        ("doubles", 1, 1000),
    ]
    assert (found.unchanged, found.seconds, found.changes[0].per_second) == (1, 10.0, 9.0)


def test_new_and_gone_maps() -> None:
    found = compare(listing(row("old", 50)), listing(row("new", 70)))
    assert [(one.row.path, one.state, one.entries) for one in found.changes] == [
        ("new", "new", 70),
        ("old", "gone", -50),
    ]


def test_map_of_the_same_process_is_known_by_its_place() -> None:
    found = compare(
        listing(row("frame 3: m", 5, address=0x10)), listing(row("server.m", 9, address=0x10))
    )
    assert [(one.state, one.entries) for one in found.changes] == [("", 4)]


def test_other_map_at_the_same_path_is_replaced() -> None:
    before = listing(row("m", 5, address=0x10), row("frame 1: x", 5, address=0x20))
    after = listing(row("m", 9, address=0x30), row("frame 1: x", 9, address=0x40))
    states = {one.row.path: one.state for one in compare(before, after).changes}
    assert states["m"] == "replaced"
    found = compare(before, replace(after, process="pid 2"))
    assert {one.state for one in found.changes} == {""}
    assert not found.same_process


def test_map_of_another_path_is_known_by_its_own_name() -> None:
    before = listing(row("server.sessions", 5, name="sessions"))
    after = listing(row("alias", 9, name="sessions"), process="pid 2")
    assert [(one.state, one.entries) for one in compare(before, after).changes] == [("", 4)]


def test_looks_without_time_have_no_rate() -> None:
    (change,) = compare(listing(row("m", 5)), listing(row("m", 9), at=None)).changes
    assert change.per_second is None


def test_map_that_an_incomplete_look_lacks_is_neither_new_nor_gone() -> None:
    """It may have been missed. Maps that both have are compared."""
    before = replace(listing(row("both", 5), row("old", 50)), cuts=("ended early",))
    after = listing(row("both", 9), row("new", 70))
    found = compare(before, after)
    assert {(one.row.path, one.state) for one in found.changes} == {("old", "gone"), ("both", "")}
    assert [one.path for one in found.only_after] == ["new"] and not found.only_before
    found = compare(replace(before, cuts=()), replace(after, cuts=("ended early",)))
    assert {(one.row.path, one.state) for one in found.changes} == {("new", "new"), ("both", "")}
    assert [one.path for one in found.only_before] == ["old"] and not found.only_after
    lines = list(tables.diff_lines(found, 0))
    assert (
        lines[1:3]
        == lines[-2:]
        == [
            "incomplete now: ended early",
            "1 map seen only before, with 1,000 bytes, not compared: the look now was incomplete "
            "and may have missed them",
        ]
    )
    assert "2 of 2 maps seen by both looks have changed" in lines[-3]
    document = json.loads(saved.dump_difference(found))
    assert (document["cuts_after"], document["only_before"]) == (["ended early"], ["old"])


def test_list_of_chosen_maps_covers_no_others() -> None:
    before = replace(listing(row("a")), choice="--match a")
    assert compare(before, listing(row("a"), row("b"))).changes == []
    whole = replace(listing(row("a"), row("b")), choice="--match a")
    assert [one.state for one in compare(before, whole).changes] == ["new"]


# ---- tables


def test_tables_are_safe_for_a_terminal() -> None:
    evil = row(f"m[{ESCAPE}]", name=ESCAPE, key_type=ESCAPE, verdicts=("full",))
    for lines in (
        tables.list_lines(listing(evil), 0),
        tables.diff_lines(compare(listing(), listing(evil)), 0),
    ):
        text = "\n".join(lines)
        assert "\x1b" not in text and "m[" in text


def test_cut_table_says_so() -> None:
    lines = list(tables.list_lines(listing(row("a"), row("b"), row("c")), 1))
    assert lines[-2] == "2 more, which hold 2.0 KiB: '--limit N' shows N, 0 all"


def test_incomplete_table_says_so_at_both_ends() -> None:
    lines = list(tables.list_lines(replace(listing(row("a")), cuts=(f"x{ESCAPE}",)), 0))
    assert lines[0] == lines[-1] == "incomplete: x\\x1b[31m"
    assert lines[-2].startswith("at least 1 map holds at least 1,000 bytes, at least 0 bytes of it")
    (found,) = csv.DictReader(io.StringIO(tables.list_csv(replace(listing(row("a")), cuts=("x",)))))
    assert found["complete"] == "0"
    (found,) = csv.DictReader(io.StringIO(tables.list_csv(listing(row("a")))))
    assert found["complete"] == "1"


def test_maps_that_were_not_walked_are_told_of_before_the_table() -> None:
    lines = list(tables.list_lines(listing(row("a"), row("b", is_exact=False)), 0))
    assert lines[0].startswith("1 of 2 maps were not walked: their numbers, marked '~'")


def test_csv_has_a_row_for_each_map() -> None:
    text = tables.list_csv(listing(row('a["x,y"]', verdicts=("full", "pinned"))))
    (found,) = csv.DictReader(io.StringIO(text))
    assert (found["path"], found["verdicts"], found["fill"]) == (
        'a["x,y"]',
        "full;pinned",
        "0.5000",
    )
    text = tables.diff_csv(compare(listing(), listing(row("a"))))
    (found,) = csv.DictReader(io.StringIO(text))
    assert (found["state"], found["entries_gained"], found["held_before"]) == ("new", "10", "")


def test_json_of_a_difference() -> None:
    found = json.loads(saved.dump_difference(compare(listing(), listing(row("a")))))
    assert (found["format"], found["changes"][0]["after"]["path"]) == ("hmap-diff/1", "a")


# ---- profiles


@pytest.mark.parametrize(
    ("path", "family", "stack"),
    [
        ("server", "libhmap", ["server"]),
        ("server->cache.m", "libhmap", ["server", "server->cache", "server->cache.m"]),
        ("s.t[3].m", "libhmap", ["s", "s.t", "s.t[3]", "s.t[3].m"]),
        ("main.srv.m", "Go Swiss map", ["main.srv", "main.srv.m"]),
        ('main.m["a.b[c"].x', "Go Swiss map", ["main.m", 'main.m["a.b[c"]', 'main.m["a.b[c"].x']),
        (
            "net/http.mux.(*net/http.T).m",
            "Go Swiss map",
            ["net/http.mux", "net/http.mux.(*net/http.T)", "net/http.mux.(*net/http.T).m"],
        ),
        ("frame 3: s->m", "libhmap", ["frame 3: s", "frame 3: s->m"]),
        ("--type 'map[int]int' 0xc0", "Go Swiss map", ["--type 'map[int]int' 0xc0"]),
        ("'f.c'::m.x", "libhmap", ["'f.c'::m", "'f.c'::m.x"]),
    ],
)
def test_stack_of_a_path(path: str, family: str, stack: list[str]) -> None:
    assert pprof.stack_of(row(path, family=family)) == stack


def test_profile_holds_each_name_once() -> None:
    data = gzip.decompress(pprof.profile(listing(row("s.a", 300), row("s.b", 2**40))))
    for text in (b"held", b"bytes", b"entries", b"s.a", b"s.b", b"/bin/server"):
        assert data.count(b"2" + bytes([len(text)]) + text) == 1
