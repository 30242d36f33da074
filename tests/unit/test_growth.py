"""Graphs of growth, as shapes for an SVG."""

from __future__ import annotations

import pytest

from hmapdbg.plot.growth import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, growth_of


def test_lines_go_from_margin_to_margin() -> None:
    growth = growth_of(["monday", "tuesday", "wednesday"], [("a", [0, 50, 100]), ("b", [20] * 3)])
    assert growth is not None
    first, second = growth.lines
    middle = (LEFT + WIDTH - RIGHT) / 2
    assert first.dots == [
        (LEFT, HEIGHT - BOTTOM),
        (middle, (TOP + HEIGHT - BOTTOM) / 2),
        (WIDTH - RIGHT, TOP),
    ]
    assert first.points == " ".join(f"{float(x)},{float(y)}" for x, y in first.dots)
    assert (first.label, first.last, second.last) == ("a", "100", "20")
    assert len({height for _, height in second.dots}) == 1
    assert [text for _, text in growth.labels] == ["monday", "tuesday", "wednesday"]
    assert [text for _, text in growth.ticks] == ["0", "25", "50", "75", "100"]


@pytest.mark.parametrize(
    ("most", "top"),
    [
        (0, "4"),
        (1, "4"),
        (4, "4"),
        (5, "8"),
        (1817, "2,000"),
        (2180, "3,200"),
        (10**9, "1,000,000,000"),
    ],
)
def test_the_axis_ends_at_a_round_number(most: int, top: str) -> None:
    growth = growth_of(["a", "b"], [("m", [0, most])])
    assert growth is not None
    assert growth.ticks[-1][1] == top
    end = int(growth.ticks[-1][1].replace(",", ""))
    assert end >= most and end % 4 == 0


def test_many_looks_have_few_labels() -> None:
    looks = [f"a-core-with-a-long-name-{number}" for number in range(20)]
    growth = growth_of(looks, [("m", list(range(20)))])
    assert growth is not None
    assert len(growth.lines[0].dots) == 20
    assert [text for _, text in growth.labels] == [look[-14:] for look in looks[::4]]


def test_one_look_makes_no_line() -> None:
    assert growth_of(["monday"], [("m", [1])]) is None
    assert growth_of(["monday", "tuesday"], []) is None


def test_unknown_count_has_no_dot() -> None:
    growth = growth_of(["a", "b", "c"], [("m", [4, None, 2]), ("n", [None] * 3)])
    assert growth is not None
    assert [len(line.dots) for line in growth.lines] == [2, 0]
    assert [line.last for line in growth.lines] == ["2", "?"]
