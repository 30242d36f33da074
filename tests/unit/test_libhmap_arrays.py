"""The headers of a libhmap map's arrays, and its retired arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from builders import walked
from libhmap_process import NEW, RETIRED, MODELS, Process


# ---- arrays' headers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"B": 4},
        {"B": 255},
        {"buckets": NEW},
        {"nalloc": 31},
        {"nalloc": 65},
        {"nalloc": 1 << 60},
        {"size": 0},
        {"size": (1 << 64) - 1},
        {"nalloc": 40},  # fits the B, but not the size
    ],
)
def test_array_header_that_does_not_agree(change: dict[str, int]) -> None:
    made = Process()
    new = made.add_array(NEW, 5)
    made.set_array(new, **change)
    made.set(B=5, buckets=new)
    ((number, text, address),) = made.problems()
    assert text.startswith("the header of 'buckets' ")
    (field,) = change
    assert (number, address) == ("I3", made.array_at(new, field))
    # The map's own fields stay correct, and the rest is computed from them.
    (found,) = made.header().arrays
    whole = made.hmap_array.size + 34 * made.bucket.size
    assert (found.buckets, found.spare, found.size) == (32, 2, whole)
    assert len(walked(made.open().walk(cells=False)).rows) == 32


def test_array_header_that_cannot_be_read() -> None:
    made = Process()
    made.image.map(NEW, 0x1000)
    made.set(buckets=NEW)
    header = NEW - made.hmap_array.size
    assert made.problems() == [("", "the header of 'buckets' cannot be read", header)]


def test_padding_before_an_array_s_header_is_fine() -> None:
    made = Process()
    new = made.add_array(NEW, 2)
    made.set(B=2, buckets=new)
    made.set_array(new, size=made.hmap_array.size + 4 * made.bucket.size + 16)
    assert made.problems() == []


@pytest.mark.parametrize(
    ("index", "extra", "sound"), [(0, 0, True), (1, 0, True), (2, 0, False), (0, 8, False)]
)
def test_next_overflow(index: int, extra: int, sound: bool) -> None:
    made = Process()
    new = made.add_array(NEW, 5)
    made.set(B=5, buckets=new, nextOverflow=made.spare(new, 5, index) + extra)
    found = made.header()
    if sound:
        assert (found.problems, found.overflow.spare_left) == ((), 2 - index)
    else:
        assert found.overflow.spare_left == 0
        assert made.problems() == [
            ("I12", "nextOverflow is not a spare bucket of the array", made.at("nextOverflow"))
        ]


def test_next_overflow_among_the_main_buckets() -> None:
    made = Process()
    new = made.add_array(NEW, 5)
    made.set(B=5, buckets=new, nextOverflow=new)
    assert [one[0] for one in made.problems()] == ["I12"]


# ---- retired arrays ------------------------------------------------------------------------------


def retire(made: Process, arrays: Sequence[int]) -> list[int]:
    """Puts arrays of 2^B buckets on the retired list; returns the addresses of their headers."""
    out = []
    for number, B in enumerate(arrays):
        made.add_array(RETIRED + number * 0x1_0000, B, pins=number + 1)
        out.append(RETIRED + number * 0x1_0000)
    made.set(retired=out[0], niterators=sum(range(1, len(arrays) + 1)))
    for at, following in zip(out, out[1:]):
        made.set_array(at + made.hmap_array.size, next=following)
    return out


@MODELS
def test_retired_arrays(pointer_size: int, order: Any) -> None:
    made = Process(pointer_size, order)
    made.set(B=2, buckets=made.add_array(NEW, 2))
    at = retire(made, [1, 5, 0])
    found = made.header()
    assert found.problems == ()
    front, size = made.hmap_array.size, made.bucket.size
    assert [
        (one.name, one.address, one.buckets, one.spare, one.size, one.pins)
        for one in found.pins.retired
    ] == [
        ("retired 0", at[0] + front, 2, 0, front + 2 * size, 1),
        ("retired 1", at[1] + front, 32, 2, front + 34 * size, 2),
        ("retired 2", at[2] + front, 1, 0, front + size, 3),
    ]


@pytest.mark.parametrize("back_to", [0, 1, 2])
def test_retired_list_that_is_a_cycle(back_to: int) -> None:
    made = Process()
    at = retire(made, [1, 1, 1])
    made.set_array(at[2] + made.hmap_array.size, next=at[back_to])
    assert made.problems() == [("I15", "the list of retired arrays is a cycle", made.at("retired"))]
    assert len(made.header().pins.retired) == 3


def test_retired_array_that_cannot_be_read() -> None:
    made = Process()
    at = retire(made, [1])
    made.set_array(at[0] + made.hmap_array.size, next=0xDEAD_0000)
    assert made.problems() == [("", "a retired array cannot be read", 0xDEAD_0000)]
    assert len(made.header().pins.retired) == 1


@pytest.mark.parametrize(
    "change", [{"B": 64}, {"B": 2}, {"nalloc": 1 << 62}, {"size": 1 << 62}, {"buckets": 0x1234}]
)
def test_retired_array_whose_header_makes_no_sense(change: dict[str, int]) -> None:
    made = Process()
    at = retire(made, [1, 1])
    first = at[1] + made.hmap_array.size
    made.set_array(first, **change)
    ((number, text, address),) = made.problems()
    assert text.startswith("the header of 'retired 1' ")
    # A different B is only found by comparison with the rest of the header.
    field = "nalloc" if change == {"B": 2} else next(iter(change))
    assert (number, address) == ("I3", made.array_at(first, field))
    assert len(made.header().pins.retired) == 1
