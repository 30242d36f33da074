"""The output of hmap-dump: lines, consistent numbers, and no raw text of the target."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import Geometry, array, block, header, integer, random_buckets
from hmapdbg.block import Block, Problem
from hmapdbg.geometry.chains.shape import BucketChains
from hmapdbg.header import Array
from hmapdbg.stats import Stats
from hmapdbg.target import Kind, Type
from hmapdbg.text import MAX_SHOWN_PROBLEMS, MARKS, _percent, _probability
from hmapdbg.text import printable, size_text, summary


def stats_of(blocks: Sequence[Block], arrays: Sequence[Array], **values: object) -> Stats:
    if "count" not in values:
        live = (int(one.buckets.live.sum()) for one in blocks if one.buckets is not None)
        values["count"] = sum(live)
    found = Stats(header(arrays, **values))
    for one in blocks:
        found.add(one)
    return found


def lines_of(stats: Stats, problems: Sequence[Problem] = ()) -> dict[str, list[str]]:
    """The lines of a summary by label, the title under ""."""
    title, *lines = summary(stats, problems).splitlines()
    out: dict[str, list[str]] = {"": [title]}
    for line in lines:
        assert line[10] == " " and line[11] != " ", line
        out.setdefault(line[:10].strip(), []).append(line[11:])
    return out


def test_summary_of_a_small_map() -> None:
    found = stats_of(
        [block("buckets", [4, 10, 0, 5], deleted=[1, 0, 0, 0], spare_used=0)],
        [array(4)],
        B=2,
        key_type=integer(8, signed=True, name="int64_t"),
        elem_type=Type(Kind.POINTER, "struct session *", 8),
        expression="sessions",
        name="by id",
        created_at="main at main.c:12",
    )
    assert summary(found, []) == (
        "sessions   (struct hmap *) 0x5000   libhmap   int64_t -> struct session *\n"
        'map        "by id", made in main at main.c:12\n'
        "entries    19 in 4 buckets (B=2), load 4.75 of 6.5, not growing\n"
        "slots      live 47.5%   deleted 2.5%   empty 50.0%   of 40 in use\n"
        "chains     1: 75.0%   2: 25.0%   longest 2, first at bucket 1\n"
        "spread     per bucket mean 4.75, sd 3.56 (Poisson 2.18); position sd 1 (uniform 1); "
        "chi² p 0.01\n"
        "memory     896 bytes held (buckets 624, overflow in use 144), wasted 144: "
        "a rebuilt map needs 752 bytes\n"
        "occupancy  |▅█ ▆|   each mark 1 bucket\n"
        "verdict    full of live entries; if it should be small, this is a leak: "
        "compare two cores\n"
    )


def test_map_without_an_array() -> None:
    found = lines_of(stats_of([], []))
    assert set(found) == {"", "entries", "memory", "verdict"}
    assert found["entries"] == ["0, no bucket array yet"]
    assert found["memory"] == ["128 bytes held, wasted 0: a rebuilt map needs as much"]
    assert found["verdict"] == ["empty"]


def test_empty_map_with_an_array() -> None:
    found = lines_of(stats_of([block("buckets", [0] * 8)], [array(8)]))
    assert found["slots"] == ["live 0.0%   deleted 0.0%   empty 100.0%   of 64 in use"]
    assert found["chains"] == ["1: 100.0%"]
    assert "spread" not in found and "occupancy" not in found
    assert found["verdict"] == ["empty"]


@pytest.mark.parametrize(("same", "words"), [(False, "growing"), (True, "same-size growth")])
def test_growing_map(same: bool, words: str) -> None:
    moved = [True] * 300 + [False] * 1748
    found = lines_of(
        stats_of(
            [
                block("buckets", [1] * 300 + [0] * (1748 if same else 3796)),
                block("oldbuckets", [0] * 300 + [9] + [1] * 1747, evacuated=moved),
            ],
            [array(2048 if same else 4096), array(2048, "oldbuckets")],
            same_size_grow=same,
        )
    )
    assert found["entries"][0].endswith(f"{words}: 300 of 2,048 old buckets evacuated")
    assert found["chains"][0].endswith("longest 2, first at old bucket 300")
    assert found["verdict"][-1].startswith("growing: 300 of 2,048")


def test_retired_arrays_and_notes_are_told() -> None:
    found = lines_of(
        stats_of(
            [block("buckets", [1])],
            [array(1)],
            retired=(array(1, "retired 0", pins=1), array(2048, "retired 1", pins=2)),
            notes=("the tag is odd", "and so on"),
        )
    )
    assert found["retired"] == [
        "array of 1 bucket at 0x10000, 192 bytes, 1 pin",
        "array of 2,048 buckets at 0x10000, 288.0 KiB, 2 pins",
    ]
    assert found["note"] == ["the tag is odd", "and so on"]
    assert "pinned 288.2" in found["memory"][0]
    assert found["verdict"][-1].startswith("pinned: 2 superseded arrays")


def test_chains_of_five_and_more_share_one_number() -> None:
    chain = [1] * 90 + [2, 3, 4, 5, 6, 7, 20, 20, 20, 20]
    text = lines_of(stats_of([block("buckets", [0] * 100, chain=chain)], [array(100)]))["chains"][0]
    assert text == (
        "1: 90.0%   2: 1.0%   3: 1.0%   4: 1.0%   5 and more: 7.0%   "
        "longest 20, first at bucket 96"
    )


def test_problems_are_told_and_cut() -> None:
    stats = stats_of([block("buckets", [0])], [array(1)])
    problems = [Problem(f"wrong {number}", number, "I4") for number in range(25)]
    few = lines_of(stats, problems[:MAX_SHOWN_PROBLEMS])["Problem"]
    assert few == [str(problem) for problem in problems[:MAX_SHOWN_PROBLEMS]]
    many = lines_of(stats, problems)["Problem"]
    assert many[:-1] == few
    assert many[-1].startswith("15 more: ") and "hmap-check" in many[-1]


def test_map_with_problems_is_not_called_empty_or_usual() -> None:
    for live in (0, 3):
        stats = stats_of([block("buckets", [live])], [array(1)])
        (verdict,) = lines_of(stats, [Problem("wrong")])["verdict"]
        assert verdict == "none, the map is not sound: see below"


def test_map_that_cannot_be_read_is_not_called_empty() -> None:
    stats = stats_of([], [array(1 << 20)], count=1000)
    found = lines_of(stats, [Problem("buckets 0 to 1,048,575 of 'buckets' cannot be read")])
    assert found["verdict"] == [stats.verdicts()[0].text]
    assert found["verdict"][0].startswith("incomplete: 0 of 1,000 entries")
    assert not {"slots", "chains", "spread", "occupancy"} & set(found)


# ---- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0.0%"),
        (0, 7, "0.0%"),
        (7, 7, "100.0%"),
        (1, 3, "33.3%"),
        (1, 2000, "0.1%"),  # 0.05 %
        (1, 2001, "<0.1%"),
        (1, 1 << 40, "<0.1%"),
        (1999, 2000, ">99.9%"),  # 99.95 %
        (19989, 20000, "99.9%"),  # 99.945 %
        ((1 << 60) - 1, 1 << 60, ">99.9%"),
        (1, 1, "100.0%"),
    ],
)
def test_percent(part: int, whole: int, text: str) -> None:
    assert _percent(part, whole) == text


@given(st.integers(1, 1 << 40), st.data())
@settings(max_examples=200, derandomize=True, deadline=None)
def test_percent_says_nothing_only_of_nothing_and_all_only_of_all(
    whole: int, data: st.DataObject
) -> None:
    part = data.draw(st.integers(0, whole))
    text = _percent(part, whole)
    assert (text == "0.0%") == (part == 0)
    assert (text == "100.0%") == (part == whole)


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (1.0, "1.00"),
        (0.43, "0.43"),
        (0.01, "0.01"),
        (0.0099, "9.9e-03"),
        (1e-6, "1.0e-06"),
        (9.99e-7, "under 1e-6"),
        (0.0, "under 1e-6"),
    ],
)
def test_probability(p: float, text: str) -> None:
    assert _probability(p) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (19 << 20, "19.0 MiB"),
        (3 << 40, "3,072.0 GiB"),
    ],
)
def test_size_text(size: int, text: str) -> None:
    assert size_text(size) == text


def numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*\.?\d*", text)]


@pytest.mark.parametrize("growth", ["no", "double", "same"])
@pytest.mark.parametrize("seed", range(10))
def test_numbers_of_a_line_agree(growth: str, seed: int) -> None:
    made = random_buckets(seed, Geometry(), 5, growth, 6)  # type: ignore[arg-type]
    shape = BucketChains(8, made.layout.size, 6.5)
    blocks = list(made.walk().walk(False))
    stats = stats_of(blocks, made.arrays, geometry=shape)  # type: ignore[arg-type]
    found = lines_of(stats)
    shares = [
        0.05 if share.startswith("<") else float(share.lstrip(">").rstrip("%"))
        for share in re.findall(r"[<>]?\d+\.\d%", found["slots"][0])
    ]
    assert len(shares) == 3 and sum(shares) == pytest.approx(100, abs=0.3)
    chains = [float(share) for share in re.findall(r": [<>]?(\d+\.\d)%", found["chains"][0])]
    assert sum(chains) == pytest.approx(100, abs=0.4)
    text = found["memory"][0]
    inside = text[text.index("(") + 1 : text.index(")")]
    parts = sum(numbers(inside))
    held = numbers(text)[0]
    # Everything except the map's header, each part rounded.
    assert parts + (128 if "bytes held" in text else 0.125) == pytest.approx(held, abs=0.31)


# ---- the strip -----------------------------------------------------------------------------------


def strip_of(live: Sequence[int]) -> tuple[str, str]:
    text = lines_of(stats_of([block("buckets", live)], [array(len(live))]))["occupancy"][0]
    found = re.fullmatch(r"\|(.*)\|   each mark (.*)", text)
    assert found is not None
    return found.group(1), found.group(2)


@pytest.mark.parametrize("buckets", [2, 4, 8, 16, 32, 64, 128, 1024, 8192])
def test_strip_of_even_buckets_is_even(buckets: int) -> None:
    marks, _ = strip_of([4] * buckets)
    assert len(marks) == min(24, buckets)
    assert set(marks) == {MARKS[round(4 / 6.5 * 8)]}


def test_strip_shows_where_the_map_is_full_and_where_it_is_not() -> None:
    assert strip_of([0, 7, 13, 1]) == (" ██▁", "1 bucket")
    marks, each = strip_of([1] + [0] * 8191)
    assert (marks, each) == ("▁" + " " * 23, "341 buckets")
    assert strip_of([0] * 64 + [7] * 64)[0] == " " * 12 + "█" * 12


@pytest.mark.parametrize(
    ("buckets", "each"),
    [(16, "1 bucket"), (32, "1 or 2 buckets"), (64, "2 or 3 buckets"), (131_072, "5,461 buckets")],
)
def test_strip_says_what_a_mark_is(buckets: int, each: str) -> None:
    assert strip_of([1] * buckets)[1] == each


# ---- text from the target ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("plain ünï 漢 text", "plain ünï 漢 text"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\nb\r\tc\0", "a\\x0ab\\x0d\\x09c\\x00"),
        ("\x7f\x80\x9b2J", "\\x7f\\x80\\x9b2J"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\u2028\u200b\ufeff", "\\u2028\\u200b\\ufeff"),
        ("\udc80", "\\udc80"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_printable(raw: str, text: str) -> None:
    assert printable(raw) == text


@given(st.text(max_size=20))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_no_text_of_the_target_reaches_the_terminal_raw(hostile: str) -> None:
    stats = stats_of(
        [block("buckets", [1])],
        [array(1)],
        name=hostile,
        created_at=hostile,
        expression="m" + hostile,
        type_name=hostile,
        notes=(hostile,),
        key_type=Type(Kind.INTEGER, hostile, 8),
    )
    text = summary(stats, [Problem(hostile)])
    assert text.replace("\n", "").isprintable()
    # Title, map (if it is named), entries, slots, chains, spread, memory, verdict, note, Problem.
    assert text.count("\n") == 10 - (not hostile)
