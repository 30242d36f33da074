"""How counts grew from look to look: lines, as shapes for an SVG.

matplotlib has no part in it: the page that draws them gives them the colours of its theme.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..compat import dataclass

WIDTH, HEIGHT = 640, 240  # of the whole, in the SVG's own units
LEFT, TOP, RIGHT, BOTTOM = 64, 12, 12, 28  # margins
MARKS = 4  # parts of the axis of counts
MOST_LABELS = 6
LABEL_LETTERS = 14  # of a look's name, the last ones
# Of which one, times a power of ten, is the end of the axis of counts.
ROUND = (1, 1.5, 2, 2.5, 3, 4, 5, 8)


@dataclass(frozen=True)
class Line:
    """One line."""

    label: str
    points: str  # as SVG takes them
    dots: Sequence[tuple[float, float]]
    last: str  # the count at the end


@dataclass(frozen=True)
class Growth:
    """Lines over the looks, with the marks of both axes."""

    lines: Sequence[Line]
    ticks: Sequence[tuple[float, str]]  # height, text
    labels: Sequence[tuple[float, str]]  # place, text
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def growth_of(
    looks: Sequence[str], counts: Sequence[tuple[str, Sequence[int | None]]]
) -> Growth | None:
    """The lines of named counts, each with one at each look, the first look left, or None where it
    is not known; None where there is nothing to draw a line of."""
    known = [number for _, numbers in counts for number in numbers if number is not None]
    if len(looks) < 2 or not known:
        return None
    top = _round_up(max(known) or 1)
    step = (WIDTH - LEFT - RIGHT) / (len(looks) - 1)
    across = [LEFT + step * number for number in range(len(looks))]
    every = max(1, -(-len(looks) // MOST_LABELS))
    return Growth(
        [_line(label, across, numbers, top) for label, numbers in counts],
        [
            (_height(top * part / MARKS, top), f"{top * part // MARKS:,}")
            for part in range(MARKS + 1)
        ],
        [
            (round(at, 1), name[-LABEL_LETTERS:])
            for number, (at, name) in enumerate(zip(across, looks))
            if number % every == 0
        ],
    )


def _line(label: str, across: Sequence[float], numbers: Sequence[int | None], top: int) -> Line:
    known = [(at, number) for at, number in zip(across, numbers) if number is not None]
    dots = [(round(at, 1), _height(number, top)) for at, number in known]
    last = f"{known[-1][1]:,}" if known else "?"
    return Line(label, " ".join(f"{x},{y}" for x, y in dots), dots, last)


def _height(count: float, top: int) -> float:
    """Where a count lies; SVG counts from above."""
    return round(HEIGHT - BOTTOM - count / top * (HEIGHT - BOTTOM - TOP), 1)


def _round_up(number: int) -> int:
    """The least round number that is not below, and has MARKS even parts.

    >>> _round_up(2180), _round_up(1)
    (3200, 4)
    """
    power = MARKS
    while True:
        for step in ROUND:
            if step * power >= number and step * power % MARKS == 0:
                return int(step * power)
        power *= 10
