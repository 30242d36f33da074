"""Python's csv module must read what the CSV writers write."""

from __future__ import annotations

import csv
import io
import struct

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hmapdbg.block import Block, Buckets, Cells, Column
from hmapdbg.csv import ROWS_OF_DIGITS, EntriesWriter, OccupancyWriter, guard, quote
from hmapdbg.target import Field, Kind, Type
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import array_of
from hmapdbg.values import Renderer

relaxed = settings(derandomize=True, deadline=None, max_examples=80)

INT = Type(Kind.INTEGER, "int", 4, signed=True)
CHAR = Type(Kind.INTEGER, "char", 1, signed=True, character=True)
TEXT = array_of(CHAR, 24)
PAIR = Type(Kind.STRUCT, "pair", 28, fields=(Field("n", 0, INT), Field("t", 4, TEXT)))


def ints(values):
    return np.array(values, np.int64)


def bucket_block(array, rows):
    """A Block of rows (bucket, address, chain, slots, live, deleted, empty, evacuated)."""
    columns = list(zip(*rows)) or [()] * 8
    bucket, address, chain, slots, live, deleted, empty = columns[:7]
    return Block(
        array,
        buckets=Buckets(
            ints(bucket),
            np.array(address, np.uint64),
            ints(chain),
            ints(slots),
            ints(live),
            ints(deleted),
            ints(empty),
            np.array(columns[7], np.bool_),
        ),
    )


def cell_block(array, places, keys, elems):
    """A Block of cells at places (bucket, chain_index, slot, tophash) with raw values."""
    names = ("bucket", "chain_index", "slot", "tophash")
    columns = {name: ints([place[i] for place in places]) for i, name in enumerate(names)}
    address = np.zeros(len(places), np.uint64)
    return Block(array, cells=Cells(**columns, address=address, keys=keys, elems=elems))


def text_column(texts, size=24):
    rows = b"".join(text.ljust(size, b"\0") for text in texts)
    return Column(np.frombuffer(rows, np.uint8).reshape(-1, size))


COUNTS = st.integers(0, 1 << 40)
ROWS = st.tuples(
    COUNTS, st.integers(0, (1 << 64) - 1), COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.booleans()
)


@relaxed
@given(st.lists(st.tuples(st.sampled_from(["buckets", "oldbuckets", "7"]), st.lists(ROWS))))
def test_occupancy_reads_back(blocks):
    stream = io.StringIO(newline="")
    writer = OccupancyWriter(stream, "chains")
    expected = ["array,bucket,address,chain,slots,live,deleted,empty,evacuated,geometry".split(",")]
    for array, rows in blocks:
        writer.add(bucket_block(array, rows))
        for row in rows:
            shown = [str(row[0]), f"0x{row[1]:x}", *map(str, row[2:7]), "1" if row[7] else "0"]
            expected.append([array, *shown, "chains"])
    assert list(csv.reader(io.StringIO(stream.getvalue()))) == expected
    assert writer.rows == len(expected) - 1


def test_occupancy_of_more_rows_than_are_written_at_once():
    count = 2 * ROWS_OF_DIGITS + 3
    rows = [(i, 0x1000 + 16 * i, 1, 8, 3, 1, 4, False) for i in range(count)]
    stream = io.StringIO(newline="")
    writer = OccupancyWriter(stream, "chains")
    writer.add(bucket_block("buckets", rows))
    lines = stream.getvalue().splitlines()
    assert lines[1:] == [
        f"buckets,{i},0x{0x1000 + 16 * i:x},1,8,3,1,4,0,chains" for i in range(count)
    ]
    assert writer.rows == count


def test_block_without_rows_writes_nothing():
    occupancy, entries = io.StringIO(newline=""), io.StringIO(newline="")
    writers = OccupancyWriter(occupancy, "chains"), EntriesWriter(
        entries, Renderer(FakeTarget()), INT, INT
    )
    for writer in writers:
        writer.add(Block("buckets"))
        assert writer.rows == 0
    first = "array,bucket,address,chain,slots,live,deleted,empty,evacuated,geometry\n"
    assert occupancy.getvalue() == first
    assert entries.getvalue() == "array,bucket,chain_index,slot,tophash,key,value\n"


PLACES = st.tuples(COUNTS, COUNTS, st.integers(0, 7), st.integers(-1, 255))
SPECIAL = st.text(st.sampled_from('a,"\r\n %\\é'), max_size=12).map(str.encode)
ENTRIES = st.lists(st.tuples(PLACES, SPECIAL, st.integers(-(1 << 31), (1 << 31) - 1)))


@relaxed
@given(st.lists(ENTRIES, max_size=3))
def test_entries_read_back(blocks):
    stream = io.StringIO(newline="")
    writer = EntriesWriter(stream, Renderer(FakeTarget()), TEXT, PAIR)
    expected = ["array,bucket,chain_index,slot,tophash,key,value".split(",")]
    for rows in blocks:
        elems = [struct.pack("<i", number) + text.ljust(24, b"\0") for _, text, number in rows]
        writer.add(
            cell_block(
                "buckets",
                [place for place, _, _ in rows],
                text_column([text for _, text, _ in rows]),
                Column(np.frombuffer(b"".join(elems), np.uint8).reshape(-1, 28)),
            )
        )
        for place, text, number in rows:
            shown = text.decode()
            inner = shown.replace("\\", "\\\\").replace('"', '\\"')
            expected.append(
                ["buckets", *map(str, place), shown, f'{{n = {number}, t = "{inner}"}}']
            )
    assert list(csv.reader(io.StringIO(stream.getvalue(), newline=""))) == expected
    assert writer.rows == len(expected) - 1


def test_lines_end_with_a_bare_newline_and_only_what_needs_quotes_has_them():
    stream = io.StringIO(newline="")
    writer = EntriesWriter(stream, Renderer(FakeTarget()), TEXT, INT)
    elems = Column(ints([1, 2, 3]).astype("<i4").view(np.uint8).reshape(-1, 4))
    places = [(0, 0, 0, 5), (0, 0, 1, 6), (1, 0, 0, -1)]
    writer.add(cell_block("buckets", places, text_column([b"plain", b'a "b", c', b""]), elems))
    assert stream.getvalue() == (
        "array,bucket,chain_index,slot,tophash,key,value\n"
        "buckets,0,0,0,5,plain,1\n"
        'buckets,0,0,1,6,"a ""b"", c",2\n'
        "buckets,1,0,0,-1,,3\n"
    )


def test_integers_at_fault_are_written_as_faults():
    stream = io.StringIO(newline="")
    writer = EntriesWriter(stream, Renderer(FakeTarget()), INT, INT)
    data = ints([1, 0]).astype("<i4").view(np.uint8).reshape(-1, 4)
    keys = Column(data, np.array([0, 0xABC], np.uint64))
    writer.add(cell_block("0", [(0, 0, 0, 9), (0, 0, 1, 9)], keys, Column(data)))
    assert stream.getvalue().splitlines()[1:] == ["0,0,0,0,9,1,1", "0,0,0,1,9,<fault 0xabc>,0"]


def test_percent_in_the_name_of_an_array_is_no_format():
    stream = io.StringIO(newline="")
    OccupancyWriter(stream, "chains").add(bucket_block("100%d", [(0, 1, 1, 8, 0, 0, 8, False)]))
    assert stream.getvalue().splitlines()[1] == "100%d,0,0x1,1,8,0,0,8,0,chains"


@relaxed
@given(st.lists(st.text(max_size=8).filter(lambda text: "\0" not in text), min_size=1))
def test_quoted_fields_read_back(texts):
    line = ",".join(["first", *quote(texts)]) + "\n"
    assert list(csv.reader(io.StringIO(line, newline=""))) == [["first", *texts]]


GUARDED = {
    "=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0",
    "@SUM(1;+2)": "'@SUM(1;'+2)",
    "-1+1": "'-1+1",
    "-": "'-",
    "\t=1": "'\\x09=1",
    "\ra": "'\\x0da",
    "\uff1d1": "'\uff1d1",  # a wide "="
    ' "=1': "' \"=1",
    "a;=1;-5;b": "a;'=1;-5;b",
    "a\u202eb\x9b\udcff\n": "a\\xe2\\x80\\xaeb\\xc2\\x9b\\xff\\x0a",
}
UNCHANGED = ("", "-5", "+0.5e-7", "-inf", "a=1", "-1;-2", "h\u00e9\u20ac \U0001f600", "'=1")


def test_cells_for_spreadsheets():
    assert guard([*GUARDED, *UNCHANGED]) == [*GUARDED.values(), *UNCHANGED]
    plain = list(UNCHANGED)
    assert guard(plain[1:2] + plain[4:5]) == ["-5", "a=1"]


@relaxed
@given(st.lists(st.text(st.sampled_from("=+-@\t\r;\"' a1\x1b\u202e\uff1d,\n"), max_size=8)))
def test_no_guarded_cell_is_a_formula(texts):
    for text in guard(texts):
        assert not set(text) & set("\t\r\n\x1b\u202e")
        for part in text.split(";"):
            bare = part.lstrip(' "')
            assert bare[:1] not in tuple("=+-@\uff1d") or not bare or bare[1:].isdigit(), text


def test_guarded_rows_differ_in_their_texts_alone():
    stream = io.StringIO(newline="")
    writer = EntriesWriter(stream, Renderer(FakeTarget()), TEXT, INT, guarded=True)
    elems = Column(ints([-1, 2]).astype("<i4").view(np.uint8).reshape(-1, 4))
    places = [(0, 0, 0, 5), (0, 0, 1, -1)]
    writer.add(cell_block("buckets", places, text_column([b"=1,2", b"plain"]), elems))
    assert stream.getvalue().splitlines()[1:] == [
        'buckets,0,0,0,5,"\'=1,2",-1',
        "buckets,0,0,1,-1,plain,2",
    ]
