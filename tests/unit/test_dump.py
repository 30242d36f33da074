"""One walk of a map writes all requested files."""

from __future__ import annotations

import csv
import html
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from builders import array, block, header
from hmapdbg.block import Addresses, Block, Cells, Chain, Column, Place, Problem
from hmapdbg.geometry.groups.shape import ControlGroups
from hmapdbg.geometry.probing import triangular
from hmapdbg.header import Header
from hmapdbg.layout import StructLayout
from hmapdbg.output.dump import Dumped, MapFiles, dump_map
from hmapdbg.output.files import FileError, Outputs
from hmapdbg.target.fake import FakeTarget

BROKEN = Problem("I4", 0x1234, "a counter is wrong")


class FakeMap:
    """A map of one Block whose audit also finds a Problem. It counts its walks."""

    def __init__(self, about: Header, rows: Block) -> None:
        self.header = about
        self._rows = rows
        self.walks: list[str] = []

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Block | Problem]:
        self.walks.append("cells" if cells else "buckets")
        yield Block(self._rows.array, self._rows.buckets, self._cells() if cells else None)

    def check_placement(self) -> None:
        pass

    def audit(self) -> Iterator[Block | Problem]:
        yield from self.walk(cells=True)
        yield BROKEN

    def _cells(self) -> Cells:
        buckets = self._rows.buckets
        assert buckets is not None
        where = np.repeat(buckets.bucket, buckets.live)
        count = len(where)
        numbers = np.arange(count, dtype="<i8")
        return Cells(
            bucket=where,
            chain_index=np.zeros(count, np.int64),
            slot=np.zeros(count, np.int64),
            tophash=np.full(count, 9, np.int64),
            address=np.zeros(count, np.uint64),
            keys=Column(numbers.view(np.uint8).reshape(count, 8)),
            elems=Column(numbers.astype("<u4").view(np.uint8).reshape(count, 4)),
        )

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        return iter(())

    def place_of(self, key: bytes) -> Place | None:
        return None

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        return cells.address, cells.address

    def layouts(self) -> Sequence[StructLayout]:
        return ()


def fake_map() -> FakeMap:
    return FakeMap(header([array(4)], count=9), block("buckets", [3, 0, 4, 2]))


def dumped(
    opened: FakeMap, files: MapFiles, most: int | None = None, audit: bool = False
) -> Dumped:
    with Outputs() as outputs:
        found = dump_map(
            FakeTarget(),
            opened,
            files,
            outputs,
            max_string=100,
            origin="fake process, today",
            most=most,
            audit=audit,
        )
        outputs.commit()
    return found


def words_of(path: Path) -> list[str]:
    found = re.findall(r"<!--(.*?)-->", path.read_text(encoding="utf-8"), re.DOTALL)
    return [html.unescape(text).strip() for text in found]


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_one_walk_fills_all_files(tmp_path: Path) -> None:
    opened = fake_map()
    paths = {name: tmp_path / name for name in ("o.csv", "e.csv", "j.json", "p.svg", "s.txt")}
    occupancy, entries, document, picture, summary = (str(path) for path in paths.values())
    files = MapFiles([occupancy], [entries], [document], [picture], [summary])
    found = dumped(opened, files)
    assert opened.walks == ["cells"]
    assert [row["live"] for row in rows_of(paths["o.csv"])] == ["3", "0", "4", "2"]
    assert [row["value"] for row in rows_of(paths["e.csv"])] == [str(n) for n in range(9)]
    assert json.loads(paths["j.json"].read_text())["format"] == "hmap-dump/1"
    assert "fake process, today" in words_of(paths["p.svg"])
    assert paths["s.txt"].read_text() == found.summary
    assert found.summary.startswith("m ") and found.stats.live == 9
    assert files.paths() == [occupancy, document, summary, entries, picture]


def test_a_file_asked_for_twice_is_written_twice(tmp_path: Path) -> None:
    paths = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    dumped(fake_map(), MapFiles(entries=paths, occupancy=[]))
    assert rows_of(tmp_path / "a.csv") == rows_of(tmp_path / "b.csv")


def test_entries_are_read_only_where_a_file_has_them(tmp_path: Path) -> None:
    opened = fake_map()
    dumped(opened, MapFiles(occupancy=[str(tmp_path / "o.csv")]))
    assert opened.walks == ["buckets"]


def test_an_audit_has_its_problems_in_the_summary(tmp_path: Path) -> None:
    found = dumped(fake_map(), MapFiles(documents=[str(tmp_path / "j.json")]), audit=True)
    assert found.problems == [BROKEN]
    assert "a counter is wrong" in found.summary
    assert "a counter is wrong" in (tmp_path / "j.json").read_text()


def test_what_the_limit_leaves_out_is_said(tmp_path: Path) -> None:
    path = str(tmp_path / "e.csv")
    found = dumped(fake_map(), MapFiles(entries=[path]), most=5)
    assert len(rows_of(tmp_path / "e.csv")) == 5
    assert f"{path} holds the first 5 of 9 entries (--limit)" in found.summary
    assert "--limit" not in dumped(fake_map(), MapFiles(entries=[path]), most=9).summary


def test_a_path_that_cannot_be_written_is_an_error_before_the_walk(tmp_path: Path) -> None:
    opened = fake_map()
    files = MapFiles([str(tmp_path / "o.csv")], summaries=[str(tmp_path / "no" / "s.txt")])
    with pytest.raises(FileError):
        dumped(opened, files)
    assert opened.walks == [] and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("audit", [False, True])
def test_the_picture_of_a_map_that_probes_has_the_probes(audit: bool, tmp_path: Path) -> None:
    """hmap-dump drew them, but hmap-cores, which audits, said that they were unknown."""
    about = header([array(4, "0")], count=9, geometry=ControlGroups(8, 136, 7.0, triangular))
    opened = FakeMap(about, block("0", [3, 0, 4, 2], chain=[1, 1, 1, 1]))
    dumped(opened, MapFiles(pictures=[str(tmp_path / "p.svg")]), audit=audit)
    words = words_of(tmp_path / "p.svg")
    assert "Probes for an absent key, by length" in words
    assert not any("probe lengths are not known" in word for word in words)
