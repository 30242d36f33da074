"""What the benchmark of servers makes of lists, paths and measurements, without a server."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.servers import Look, delve, missed, unlike
from benchmarks.servers.measure import Listing, Spent

ROW = {"path": "main.m", "source": "global", "family": "Go Swiss map"}
ROW |= {"address": "0x10", "entries": 3}


class FakeDelve:
    """Answers for each expression; others are errors."""

    def __init__(self, answers: dict[tuple[str, int, int], dict[str, Any]]) -> None:
        self.answers = answers

    def evaluate(self, expression: str, goroutine: int, frame: int) -> dict[str, Any]:
        try:
            return self.answers[expression, goroutine, frame]
        except KeyError:
            raise ValueError(f"could not find symbol value for {expression}") from None

    def functions(self, _goroutine: int) -> list[str]:
        return ["runtime.gopark", "example.com/a.b/s.(*T).run", "main.f", "main.f"]


def compared(*rows: dict[str, Any], **answers: dict[str, Any]) -> delve.Agreement:
    known = {("main.m", -1, 0): answers.get("m"), ("m", 7, 3): answers.get("local")}
    fake = FakeDelve({where: one for where, one in known.items() if one})
    return delve.compare(rows, fake)  # type: ignore[arg-type]


def a_map(length: int, base: int = 0x10) -> dict[str, Any]:
    return {"kind": delve.KIND_MAP, "len": length, "base": base, "unreadable": ""}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("main.m", "main.m"),
        ("example.com/a/b.v.next[3]", '"example.com/a/b".v.next[3]'),
        ("gopkg.in/yaml.v3.table", '"gopkg.in/yaml.v3".table'),
        ("'example.com/go-b.v'.next", '"example.com/go-b".v.next'),
        ("*example.com/b.v", '*"example.com/b".v'),
        ('main.v.(*example.com/c.T).m["a/b.c"]', 'main.v.(data).m["a/b.c"]'),
        ("main.v.(example.com/c.T[func(int) bool]).m", "main.v.(data).m"),
    ],
)
def test_a_path_becomes_an_expression_of_delve(path: str, expected: str) -> None:
    assert delve.expression(path) == expected


def test_a_function_is_named_as_paths_name_it() -> None:
    assert delve.short_name("example.com/a.b/s.(*client).readLoop") == "(*client).readLoop"
    assert delve.short_name("main.f[go.shape.int]") == "f[...]"


def test_length_and_place_must_be_equal() -> None:
    assert compared(ROW, m=a_map(3)).equal == 1
    assert compared(ROW, m=a_map(4)).different == ["main.m: 3 entries at 0x10, Delve 4 at 0x10"]
    assert len(compared(ROW, m=a_map(3, 0x20)).different) == 1


def test_a_package_that_delve_confuses_with_a_vendored_one_is_no_difference() -> None:
    vendored = ROW | {"path": "vendor/main.m", "address": "0x20"}
    found = compared(ROW, vendored, m=a_map(3, 0x20))
    assert (found.equal, found.different) == (0, [])


def test_a_local_is_looked_up_in_the_frame_that_its_path_numbers() -> None:
    local = ROW | {"path": "goroutine 7 f#2: m", "source": "goroutine"}
    found = compared(local, local | {"path": "goroutine 7 f#3: m"}, local=a_map(3))
    assert (found.equal, found.frames) == (1, 1)
    assert found.refused == {"a frame that Delve does not have": 1}


def test_what_delve_cannot_evaluate_is_counted_by_reason() -> None:
    found = compared(ROW, ROW | {"path": "main.other"})
    assert found.refused == {"could not find symbol value for …": 2}


def test_lists_of_a_program_and_of_it_stripped_are_compared_by_address() -> None:
    def listing(**lengths: int) -> Listing:
        rows = [{"address": address, "entries": length} for address, length in lengths.items()]
        return Listing(Spent(0, 1.0, 100), rows)

    assert unlike(listing(a=1, b=2), listing(a=1, b=2)) == ""
    expected = "2 only with debug information, 1 only stripped, 1 of another length"
    assert unlike(listing(a=1, b=2, c=3), listing(a=2, d=4)) == expected


def test_each_goal_that_is_missed_is_named() -> None:
    def look(seconds: float, peak: float, *cuts: str) -> Look:
        listing = Listing(Spent(0, seconds, peak), (), cuts)
        return Look("nats", "gdb", Spent(0, 1.0, 100), listing, listing, None)

    assert missed(look(2.0, 400)) == []
    assert len(missed(look(2.1, 401, "the search ended"))) == 3
