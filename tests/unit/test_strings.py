"""How strings are shown, compared with Python's own decoding of the same bytes."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmapdbg.block import Column
from hmapdbg.target import Field, Kind, Type
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import array_of, pointer_to
from hmapdbg.values import Renderer, strings
from value_columns import (
    relaxed,
    CHAR,
    CHAR_POINTER,
    GO_STRING,
    HEAP,
    PAGE,
    column,
    render,
    structure,
)


# Text


def escaped(data):
    """The rule for plain text, by Python's codec: escapes the bytes that it refuses."""
    text = data.decode("utf-8", "surrogateescape")
    if not any("\udc80" <= c <= "\udcff" or c == "\0" for c in text):
        return text
    out = ""
    for character in text:
        if "\udc80" <= character <= "\udcff":
            out += f"\\x{ord(character) - 0xDC00:02x}"
        else:
            out += {"\\": "\\\\", "\0": "\\x00"}.get(character, character)
    return out


def quoted(data):
    text = data.replace(b"\\", b"\\\\").replace(b'"', b'\\"').decode("utf-8", "backslashreplace")
    return '"' + text.replace("\0", "\\x00") + '"'


def heap(values, terminated, align):
    """Strings one after the other from HEAP: segments and addresses. The last byte is the last of
    its segment."""
    blob, addrs = bytearray(), []
    for value in values:
        blob += bytes(-len(blob) % align)
        addrs.append(HEAP + len(blob))
        blob += value + (b"\0" if terminated else b"")
    return ({HEAP: bytes(blob)} if blob else {}), addrs


PIECES = st.sampled_from(
    [b"a", b"\\", b'"', b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b",\n"]
)
TEXTS = st.one_of(
    st.text(max_size=80).map(lambda text: text.encode("utf-8", "replace")),
    st.lists(PIECES, max_size=40).map(b"".join),
    st.binary(max_size=300),
)
WITHOUT_NUL = TEXTS.map(lambda data: data.replace(b"\0", b"."))


@relaxed
@given(st.lists(WITHOUT_NUL, min_size=1, max_size=12), st.sampled_from([1, 8, 4096]))
def test_c_strings_of_any_bytes(values, align):
    segments, addrs = heap(values, True, align)
    rows = [struct.pack("<Q", addr) for addr in addrs]
    assert render(CHAR_POINTER, rows, segments=segments) == [escaped(value) for value in values]
    holder = structure(Field("s", 0, CHAR_POINTER), size=8)
    expected = ["{s = " + quoted(value) + "}" for value in values]
    assert render(holder, rows, segments=segments) == expected


@relaxed
@given(st.lists(TEXTS, min_size=1, max_size=12))
def test_go_strings_of_any_bytes(values):
    segments, addrs = heap(values, False, 1)
    rows = [struct.pack("<Qq", addr, len(value)) for addr, value in zip(addrs, values)]
    assert render(GO_STRING, rows, segments=segments) == [escaped(value) for value in values]
    holder = structure(Field("s", 0, GO_STRING), size=16)
    expected = ["{s = " + quoted(value) + "}" for value in values]
    assert render(holder, rows, segments=segments) == expected


@relaxed
@given(st.lists(st.binary(min_size=9, max_size=9), min_size=1, max_size=12))
def test_char_arrays_up_to_the_first_nul(rows):
    text = array_of(CHAR, 9)
    heads = [row.split(b"\0")[0] for row in rows]
    assert render(text, rows) == [escaped(head) for head in heads]
    holder = structure(Field("t", 0, text), size=9)
    assert render(holder, rows) == ["{t = " + quoted(head) + "}" for head in heads]


def test_plain_text_keeps_its_backslashes():
    rows = [b"a\\b", b"a\\\xff"]
    assert render(array_of(CHAR, 3), rows) == ["a\\b", "a\\\\\\xff"]


@pytest.mark.parametrize("length", [0, 1, 62, 63, 64, 65, 127, 128, 4095, 4096, 4097, 20_000])
@pytest.mark.parametrize("behind", [0, 1, 63, 4000])
def test_string_that_ends_with_its_page_is_whole(length, behind):
    text = bytes(65 + i % 26 for i in range(length))
    data = text + b"\0" + bytes(behind)
    end = HEAP + 8 * PAGE
    for known in (False, True):
        filled = data.rjust(8 * PAGE, b"#")
        target = FakeTarget({HEAP: filled}, knows_mappings=known)
        row = struct.pack("<Q", end - len(data))
        assert Renderer(target).render(CHAR_POINTER, column([row])) == [text.decode()]


@relaxed
@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 300))
def test_memory_may_begin_and_end_inside_a_page(before, length, behind):
    text = b"x" * length
    start = HEAP + before
    segments = {start: text + b"\0" + bytes(behind)}
    assert render(CHAR_POINTER, [struct.pack("<Q", start)], segments=segments) == ["x" * length]


@pytest.mark.parametrize("pointer_size", [4, 8])
def test_string_at_the_end_of_the_address_space(pointer_size):
    limit = 1 << 8 * pointer_size
    data = b"#" * (PAGE - 4) + b"end\0"
    target = FakeTarget({limit - PAGE: data}, pointer_size=pointer_size)
    pointer = pointer_to(CHAR, pointer_size)
    rows = [(limit - 4).to_bytes(pointer_size, "little")]
    assert Renderer(target).render(pointer, column(rows)) == ["end"]
    endless = FakeTarget({limit - PAGE: b"#" * PAGE, 0: b"zero\0"}, pointer_size=pointer_size)
    assert Renderer(endless).render(pointer, column(rows)) == [f"<fault 0x{limit - 1:x}>"]


def test_nil_and_unreadable_strings():
    segments = {HEAP: b"ok\0" + b"y" * (PAGE - 3)}
    rows = [struct.pack("<Q", addr) for addr in (0, HEAP, 0xDEAD000, HEAP + 3)]
    expected = ["0x0", "ok", "<fault 0xdead000>", f"<fault 0x{HEAP + PAGE:x}>"]
    assert render(CHAR_POINTER, rows, segments=segments) == expected
    holder = structure(Field("s", 0, CHAR_POINTER), size=8)
    expected = ["{s = 0x0}", '{s = "ok"}', "{s = <fault 0xdead000>}"]
    assert render(holder, rows[:3], segments=segments) == expected


def test_go_strings_with_impossible_lengths():
    segments = {HEAP: b"hello" + bytes(PAGE - 5)}
    pairs = [(0, 0), (0xDEAD, 0), (0, 3), (HEAP, -1), (HEAP, 5), (HEAP, 1 << 62), (HEAP, 0)]
    rows = [struct.pack("<Qq", *pair) for pair in pairs]
    fault = f"<fault 0x{HEAP + PAGE:x}>"
    expected = ["", "", "<fault 0x0>", f"<fault 0x{HEAP:x}>", "hello", fault, ""]
    assert render(GO_STRING, rows, segments=segments) == expected


def test_std_string_is_text():
    base = structure(size=1, name="std::allocator<char>")
    holder = structure(
        Field("std::allocator<char>", 0, base), Field("_M_p", 0, CHAR_POINTER), size=8
    )
    local = Type(Kind.UNION, "", 16, fields=(Field("_M_local_buf", 0, array_of(CHAR, 16)),))
    std_string = structure(
        Field("_M_dataplus", 0, holder),
        Field("_M_string_length", 8, Type(Kind.INTEGER, "size_t", 8)),
        Field("", 16, local),
        size=32,
        name="std::string",
    )
    segments = {HEAP: b"one two" + bytes(9)}
    rows = [struct.pack("<QQ16x", HEAP, 7), struct.pack("<QQ16x", HEAP + 4, 3)]
    assert render(std_string, rows, segments=segments) == ["one two", "two"]


@pytest.mark.parametrize("type_row", ["c", "go", "array"])
def test_long_strings_are_cut_and_counted(type_row):
    limit = 100
    exact, longer = b"e" * limit, b"l" * (limit + 1)
    if type_row == "array":
        type, rows, segments = array_of(CHAR, 101), [exact + b"\0", longer], {}
    else:
        segments, addrs = heap([exact, longer], True, 1)
        if type_row == "c":
            type, rows = CHAR_POINTER, [struct.pack("<Q", addr) for addr in addrs]
        else:
            type = GO_STRING
            rows = [struct.pack("<Qq", a, n) for a, n in zip(addrs, (limit, limit + 1))]
    renderer = Renderer(FakeTarget(segments, knows_mappings=True), max_string=limit)
    rows = [rows[1], rows[0], rows[1]]
    cut = "l" * limit + "…"
    assert renderer.render(type, column(rows)) == [cut, "e" * limit, cut]
    assert renderer.cut_strings == 2
    holder = structure(Field("s", 0, type), size=type.size)
    assert renderer.render(holder, column(rows[:1])) == ['{s = "' + "l" * limit + '"…}']


def test_cut_does_not_split_a_character():
    segments, addrs = heap(["aé€😀".encode() * 50], True, 1)
    row = [struct.pack("<Q", addrs[0])]
    for limit in range(1, 40):
        (text,) = render(CHAR_POINTER, row, segments=segments, max_string=limit)
        assert text == ("aé€😀" * 50).encode()[:limit].decode("utf-8", "ignore") + "…"


def test_text_of_a_column_is_bounded():
    page = b"z" * (PAGE - 1) + b"\0"
    segments = {HEAP: page * 256}
    target = FakeTarget(segments, knows_mappings=True)
    renderer = Renderer(target, max_text=64 << 10)
    rows = [struct.pack("<Q", HEAP + PAGE * i) for i in range(256)]
    texts = renderer.render(CHAR_POINTER, column(rows))
    assert sum(map(len, texts)) <= (64 << 10) + 256
    assert renderer.cut_strings == 256 and all(text.endswith("…") for text in texts)
    # The limit is per call, and a string counts each time it is shown.
    assert renderer.render(CHAR_POINTER, column(rows[:8])) == ["z" * (PAGE - 1)] * 8
    texts = renderer.render(CHAR_POINTER, column(rows[:1] * 256))
    assert sum(map(len, texts)) <= (64 << 10) + 256


def test_strings_in_many_parts_keep_their_places(monkeypatch):
    monkeypatch.setattr(strings, "MAX_CHUNK_BYTES", 4096)
    monkeypatch.setattr("hmapdbg.values.renderer.MAX_STRINGS", 16)
    values = [b"%d:" % i + b"v" * (i * 37 % 900) for i in range(200)]
    segments, addrs = heap(values, True, 1)
    order = np.random.default_rng(3).permutation(200).tolist() * 2
    rows = [struct.pack("<Q", addrs[i]) for i in order]
    assert render(CHAR_POINTER, rows, segments=segments) == [values[i].decode() for i in order]
    rows = [struct.pack("<Qq", addrs[i], len(values[i])) for i in order]
    assert render(GO_STRING, rows, segments=segments) == [values[i].decode() for i in order]


def test_near_strings_share_reads():
    segments, addrs = heap([b"key-%d" % i for i in range(5000)], True, 16)
    segments = {HEAP: segments[HEAP] + bytes(64)}
    target = FakeTarget(segments)
    rows = np.array(addrs, np.uint64).view(np.uint8).reshape(-1, 8)
    Renderer(target).render(CHAR_POINTER, Column(rows))
    assert len(target.reads) < 10


# Compound values
