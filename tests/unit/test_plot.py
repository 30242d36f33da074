"""The images of PlotSink, and the files that draw writes."""

from __future__ import annotations

import html
import io
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from builders import role_of
from hmapdbg import plot
from hmapdbg.plot.folding import MAX_COLUMNS, Scale
from hmapdbg.plot.histogram import HistogramPanel
from hmapdbg.plot.words import plain
from hmapdbg.block import Block, Buckets, Cells, Column
from hmapdbg.geometry.chains.shape import BucketChains
from hmapdbg.geometry.groups.shape import ControlGroups
from hmapdbg.geometry.nodes.shape import NodeLists
from hmapdbg.geometry.probing import triangular
from hmapdbg.geometry.slots.shape import FlatSlots
from hmapdbg.header import Array, Geometry, Growth, Header
from hmapdbg.stats import Stats
from hmapdbg.target import Kind, Type

PACKAGE = Path(plot.__file__).parents[1]
CHAINS = BucketChains(8, 144, 6.5)
NODES = NodeLists(1, 8, 1.0)
INTEGER = Type(Kind.INTEGER, "int", 4, signed=True)
SUFFIXES = {".png": b"\x89PNG\r\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}


def make_header(arrays: Sequence[Array], count: int = 0, **fields: object) -> Header:
    header = dict(
        family="libhmap",
        expression="m",
        type_name="struct hmap *",
        address=0x1000,
        count_at=0x1000,
        key_type=INTEGER,
        elem_type=INTEGER,
        count=count,
        arrays=tuple(arrays),
        geometry=CHAINS,
        header_size=64,
    )
    return Header(**{**header, **fields})  # type: ignore[arg-type]


def make_array(name: str, buckets: int) -> Array:
    return Array(name, 0x10000, buckets, buckets * 144, role=role_of(name))


def make_buckets(live: object, deleted: object = 0, evacuated: object = False) -> Buckets:
    live = np.asarray(live, np.int64)
    deleted = np.broadcast_to(np.asarray(deleted, np.int64), live.shape)
    gone = np.broadcast_to(np.asarray(evacuated, bool), live.shape)
    chain = np.maximum(1, -(-(live + deleted) // 8))
    empty = chain * 8 - live - deleted
    return Buckets(
        bucket=np.arange(len(live)),
        address=np.zeros(len(live), np.uint64),
        chain=chain,
        slots=chain * 8,
        live=np.where(gone, 0, live),
        deleted=np.where(gone, 0, deleted),
        empty=np.where(gone, 0, empty),
        evacuated=gone.copy(),
    )


def make_cells(rows: Buckets, random: np.random.Generator) -> Cells:
    count = int(rows.live.sum())
    bucket = np.repeat(rows.bucket, rows.live)
    place = np.arange(count) - np.repeat(np.cumsum(rows.live) - rows.live, rows.live)
    nothing = Column(np.zeros((count, 0), np.uint8))
    return Cells(
        bucket=bucket,
        chain_index=place,
        slot=place % 8,
        tophash=random.integers(5, 256, count),
        address=np.zeros(count, np.uint64),
        keys=nothing,
        elems=nothing,
    )


def make_blocks(array: str, rows: Buckets, step: int, seed: int = 1) -> list[Block]:
    random = np.random.default_rng(seed)
    parts = [rows.part(low, low + step) for low in range(0, len(rows), step)]
    return [Block(array, part, make_cells(part, random)) for part in parts]


def fold(
    header: Header, blocks: Sequence[Block], cells: bool = True
) -> tuple[plot.PlotSink, Stats]:
    sink, stats = plot.PlotSink(header, cells), Stats(header)
    for block in blocks:
        sink.add(block)
        stats.add(block)
    return sink, stats


def growing_map() -> tuple[Header, list[Block]]:
    new = make_buckets([3, 0, 2, 0, 1, 0, 4, 0])
    old = make_buckets([0, 5, 0, 9], [0, 2, 0, 0], [True, False, True, False])
    header = make_header(
        [make_array("buckets", 8), make_array("oldbuckets", 4)], 24, growth=Growth(B=3)
    )
    return header, make_blocks("buckets", new, 3) + make_blocks("oldbuckets", old, 3)


def draw_as(
    suffix: str,
    header: Header,
    blocks: Sequence[Block],
    cells: bool = True,
    caption: plot.Caption | None = None,
) -> bytes:
    sink, stats = fold(header, blocks, cells)
    stream = io.BytesIO()
    caption = caption or plot.caption_of(stats, "core file, 2024-05-01 10:00:00")
    plot.draw("x" + suffix, sink, stats, caption, stream=stream)
    return stream.getvalue()


def words_of(svg: bytes) -> list[str]:
    """The texts of an SVG: matplotlib draws each as a path after a comment with the text."""
    ElementTree.fromstring(svg)
    found = re.findall(r"<!--(.*?)-->", svg.decode(), re.DOTALL)
    return [html.unescape(text).strip() for text in found]


# ---- scale


def test_scale_is_exact_up_to_its_limit_and_logarithmic_above() -> None:
    scale = Scale(32)
    counts = np.arange(0, 33)
    assert scale.levels(counts).tolist() == counts.tolist()
    assert scale.levels(np.array([64, 128, 256])).tolist() == [41, 49, 57]


def test_scale_places_a_count_within_its_level() -> None:
    scale = Scale(32)
    counts = np.unique(np.geomspace(1, 1e15, 5000).astype(np.int64))
    levels, places = scale.levels(counts), scale.place(counts)
    assert (np.diff(levels) >= 0).all() and (np.diff(places) > 0).all()
    assert (places >= levels - 0.5 - 1e-9).all() and (places <= levels + 0.5 + 1e-9).all()


@pytest.mark.parametrize("top", [0, 1, 3, 31, 32, 33, 500, 10**7, 10**15])
def test_ticks_are_few_and_in_range(top: int) -> None:
    scale = Scale(32)
    ticks = scale.ticks(top, scale.step((top,), 8))
    assert ticks[0] == 0 and ticks == sorted(set(ticks))
    assert ticks[-1] <= top and len(ticks) <= 14


# ---- folding


@pytest.mark.parametrize("sizes", [(7,), (2048,), (4096,), (5003,), (6000, 3000)])
@pytest.mark.parametrize("geometry", [CHAINS, NODES])
def test_folding_block_by_block_equals_counting_one_by_one(
    sizes: tuple[int, ...], geometry: Geometry
) -> None:
    random = np.random.default_rng(sum(sizes))
    arrays = [make_array(n, s) for n, s in zip(("buckets", "oldbuckets"), sizes)]
    header = make_header(arrays, geometry=geometry)
    blocks: list[Block] = []
    for name, size in zip(("buckets", "oldbuckets"), sizes):
        live = random.poisson(2, size)
        live[size // 2] = 700
        gone = random.random(size) < (0.6 if name == "oldbuckets" else 0)
        rows = make_buckets(live, random.binomial(live, 0.3), gone)
        blocks += make_blocks(name, rows, 611)
    sink, _ = fold(header, blocks)

    live_grid: dict[tuple[int, int], int] = {}
    deleted_grid: dict[tuple[int, int], int] = {}
    spread: dict[tuple[int, int], int] = {}
    columns = sink.columns
    evacuated, seen, entries = [0] * columns, [0] * columns, [0] * columns
    total = sum(sizes)
    for block in blocks:
        offset = 0 if block.array == "buckets" else sizes[0]
        rows = block.buckets
        assert rows is not None and block.cells is not None
        for row in range(len(rows)):
            column = (int(rows.bucket[row]) + offset) * columns // total
            if rows.evacuated[row]:
                evacuated[column] += 1
                continue
            seen[column] += 1
            entries[column] += int(rows.live[row])
            for counts, grid in ((rows.live, live_grid), (rows.deleted, deleted_grid)):
                if grid is deleted_grid and counts[row] == 0:
                    continue
                level = int(sink.scale.levels(counts[row : row + 1])[0])
                grid[column, level] = grid.get((column, level), 0) + 1
        heights = block.cells.tophash if geometry.byte else block.cells.chain_index
        for bucket, height in zip(block.cells.bucket.tolist(), heights):
            level = int(height if geometry.byte else sink.scale.levels(np.array([height]))[0])
            key = ((bucket + offset) * columns // total, level)
            spread[key] = spread.get(key, 0) + 1

    for folded, counted in (
        (sink.live, live_grid),
        (sink.deleted, deleted_grid),
        (sink.spread, spread),
    ):
        where = zip(*np.nonzero(folded.counts))
        assert {(int(c), int(v)): int(folded.counts[c, v]) for c, v in where} == counted
    assert sink.evacuated.tolist() == evacuated
    assert sink.seen.tolist() == seen
    assert sink.entries.tolist() == entries
    assert sink.widths().tolist() == [
        sum(1 for p in range(total) if p * columns // total == c) for c in range(columns)
    ]


def test_few_buckets_and_entries_are_kept_as_points() -> None:
    header, blocks = growing_map()
    sink, _ = fold(header, blocks)
    assert not sink.is_dense
    assert np.concatenate(sink.points)[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 9, 11]
    assert sum(map(len, sink.spread_points)) == 24


def test_memory_is_bounded_for_many_buckets_and_entries() -> None:
    size = 1 << 16
    header = make_header([make_array("buckets", size)])
    rows = make_buckets(np.full(size, 3))
    rows.live[5] = 10**12
    sink = plot.PlotSink(header)
    for low in range(0, size, 4096):
        part = rows.part(low, low + 4096)
        sink.add(Block("buckets", part))
    few = make_buckets(np.full(1000, 3))
    for block in make_blocks("buckets", few, 100):
        sink.add(block)
    assert sink.points == [] and sink.spread_points == []
    assert sink.spread_count == 3000
    assert sink.live.counts.size <= 512 * 512


def test_a_count_of_entries_that_cannot_be_does_not_grow_the_picture() -> None:
    header = make_header([make_array("buckets", 4)], count=1 << 63)
    sink = plot.PlotSink(header)
    assert sink.scale.linear <= 512


def test_columns_are_of_one_width_where_they_can_be() -> None:
    for total in (1 << 12, 1 << 21, 3 << 15):
        sink = plot.PlotSink(make_header([make_array("buckets", total)]))
        assert len(set(sink.widths().tolist())) == 1
        assert 128 < sink.columns <= MAX_COLUMNS


def test_a_part_of_a_chain_comes_without_its_bucket() -> None:
    header = make_header([make_array("buckets", 2)])
    cells = make_cells(make_buckets([5, 0]), np.random.default_rng(1))
    sink = plot.PlotSink(header)
    sink.add(Block("buckets", None, cells))
    assert sink.spread_count == 5 and sink.seen.sum() == 0


def test_expected_counts_add_up_to_the_buckets_that_are_judged() -> None:
    header, blocks = growing_map()
    sink, stats = fold(header, blocks)
    expected = HistogramPanel(sink, stats)._expected()
    # Four new buckets of the two evacuated old ones, and two old ones.
    assert expected.sum() == pytest.approx(stats.bins) == 6
    assert expected[0] == pytest.approx(4 * math.exp(-3) + 2 * math.exp(-6))


# ---- files


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_suffix_chooses_the_format(suffix: str, tmp_path: Path) -> None:
    header, blocks = growing_map()
    sink, stats = fold(header, blocks)
    path = tmp_path / f"map{suffix.upper()}"
    plot.draw(str(path), sink, stats, plot.caption_of(stats))
    assert path.read_bytes().startswith(SUFFIXES[suffix])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_walk_gives_the_same_file(suffix: str) -> None:
    first, second = (draw_as(suffix, *growing_map()) for _ in range(2))
    assert first == second
    assert b"CreationDate" not in first and b"<dc:date>" not in first


def test_a_png_is_about_1600_by_1000() -> None:
    data = draw_as(".png", *growing_map())
    assert int.from_bytes(data[16:20], "big") == 1600
    assert int.from_bytes(data[20:24], "big") == 1000


@pytest.mark.parametrize("name", ["map", "map.jpeg", "map.png.gz", "png", ""])
def test_another_suffix_is_an_error_that_names_the_three(name: str) -> None:
    with pytest.raises(plot.PlotError) as caught:
        plot.format_of(name)
    text = str(caught.value)
    assert f"'{name}'" in text and "\n" not in text
    assert all(suffix in text for suffix in (".png", ".svg", ".pdf"))


def test_standard_output_is_png() -> None:
    assert plot.format_of("-") == "png"


# ---- what the figure says


def test_four_panels_say_which_map_and_when() -> None:
    words = words_of(draw_as(".svg", *growing_map()))
    for expected in (
        "m",
        "libhmap   int -> int   (struct hmap *) 0x1000",
        "24 entries in 8 buckets (B=3), load 3.00 of 6.5, growing: 2 of 4 old buckets evacuated",
        "core file, 2024-05-01 10:00:00",
        "Occupancy of each bucket",
        "Entries over bucket and tophash",
        "Buckets by number of entries",
        "Chains by length",
        "new array, 8 buckets",
        "old array, 4 buckets",
        "evacuated",
        "live, in an old bucket",
        "deleted",
        "uniform hash (Poisson)",
    ):
        assert expected in words
    assert any(word.startswith("verdict:  growing: 2 of 4 old buckets") for word in words)


def test_without_entries_three_panels_are_drawn_and_it_is_said() -> None:
    words = words_of(draw_as(".svg", *growing_map(), cells=False))
    assert "Entries over bucket and tophash" not in words
    assert any(word.startswith("note: three panels: the entries were not read") for word in words)


def test_a_map_without_buckets_draws_a_figure_that_says_so() -> None:
    words = words_of(draw_as(".svg", make_header([]), []))
    assert "no buckets: the map has never been written" in words
    assert "0 entries, no buckets" in words


def test_buckets_without_entries_are_drawn() -> None:
    header = make_header([make_array("buckets", 4)])
    words = words_of(draw_as(".svg", header, make_blocks("buckets", make_buckets([0] * 4), 4)))
    assert "no entries" in words and "verdict:  empty" in words


def test_swiss_groups_have_no_poisson_and_the_probes_that_are_given() -> None:
    arrays = [make_array("0", 4), make_array("1", 4)]
    header = make_header(arrays, geometry=ControlGroups(8, 136, 7.0, triangular))
    rows = make_buckets([8, 7, 3, 8])
    blocks = make_blocks("0", rows, 4) + make_blocks("1", rows, 4)
    words = words_of(draw_as(".svg", header, blocks))
    assert "Probes for an absent key, by length" in words
    assert "uniform hash (Poisson)" not in words
    assert "Entries over group and control byte" in words
    header = make_header(arrays, geometry=ControlGroups(8, 136, 7.0))
    words = words_of(draw_as(".svg", header, blocks))
    assert "Probes for an absent key, by length" not in words
    assert "note: probe lengths are unknown and not drawn" in words


def test_unordered_containers_are_drawn_over_the_place_in_the_chain() -> None:
    header = make_header([make_array("buckets", 4)], geometry=NODES)
    words = words_of(draw_as(".svg", header, make_blocks("buckets", make_buckets([2, 1, 0, 3]), 4)))
    assert "Entries over bucket and place in the chain" in words
    assert "nodes in the chain" in words


def test_a_geometry_says_which_panels_there_are() -> None:
    header = make_header([make_array("buckets", 4)], geometry=FlatSlots(1, 16, 0.75))
    blocks = make_blocks("buckets", make_buckets([1, 0, 1, 1]), 4)
    words = words_of(draw_as(".svg", header, blocks))
    assert "Occupancy of each slot" in words and "Slots by number of entries" in words
    assert not [one for one in words if one.startswith(("Entries over", "uniform hash"))]


def test_problems_of_the_walk_are_said() -> None:
    header, blocks = growing_map()
    _, stats = fold(header, blocks)
    caption = plot.caption_of(stats, problems=3)
    assert caption.notes == ("the walk met 3 problems: buckets may be missing from this picture",)


@pytest.mark.parametrize("size", [1, 50, 1000, 5000])
@pytest.mark.parametrize("worst", [0, 9, 100_000])
def test_every_size_and_skew_is_drawn(size: int, worst: int) -> None:
    live = np.random.default_rng(size).poisson(3, size)
    live[size // 3] += worst
    header = make_header([make_array("buckets", size)], int(live.sum()))
    rows = make_buckets(live, live // 2)
    assert draw_as(".png", header, make_blocks("buckets", rows, 997)).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "name",
    [
        r"$\frac{1}{0$",
        r"$\nosuchcommand$ and $x^{2}$",
        r"\$ a\$b $",
        "\x1b[31mred\x1b[0m\n\0\x07--> <!-- & <x>",
        "\ud800 lone surrogate",
        "\u4e2d\u6587 \U0001f600 not in the font",
        "x" * 5000,
        "",
    ],
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_text_from_the_target_is_only_text(name: str, suffix: str) -> None:
    header, blocks = growing_map()
    hostile = make_header(
        header.arrays,
        24,
        expression=name,
        type_name=name,
        name=name,
        created_at=name,
        key_type=Type(Kind.OTHER, name, 4),
    )
    data = draw_as(suffix, hostile, blocks)
    assert b"\x1b[31m" not in data
    if suffix == ".svg":
        words_of(data)


def test_dollars_stay_dollars() -> None:
    header, blocks = growing_map()
    named = make_header(header.arrays, 24, expression="a$x^2$b")
    assert "a$x^2$b" in words_of(draw_as(".svg", named, blocks))


def test_unprintable_letters_are_escaped() -> None:
    assert plain("a\tb\x1b\u202e") == r"a\x09b\x1b\u202e"
    assert plain("gr\u00fc\u00df") == "gr\u00fc\u00df"


# ---- matplotlib's place


def test_matplotlib_is_not_imported_before_something_is_drawn() -> None:
    program = "import sys, hmapdbg.plot; sys.exit('matplotlib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(PACKAGE.parent)}, check=False
    )
    assert done.returncode == 0


def test_pyplot_is_never_imported() -> None:
    draw_as(".png", *growing_map())
    program = (
        "import sys; sys.path[:0] = [sys.argv[1], sys.argv[2]]; import test_plot as t;"
        "t.draw_as('.png', *t.growing_map()); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", program, str(PACKAGE.parent), str(here)], check=False
    )
    assert done.returncode == 0


def test_the_users_settings_have_no_say_and_are_kept() -> None:
    import matplotlib

    plain = draw_as(".svg", *growing_map())
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "text.usetex": True}):
        before = dict(matplotlib.rcParams.copy())
        assert draw_as(".svg", *growing_map()) == plain
        assert dict(matplotlib.rcParams.copy()) == before
