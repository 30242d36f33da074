"""Text of characters of 2 and 4 bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.spelling import class_of_member, template_arguments
from hmapdbg.values.strings import StringReader
from hmapdbg.values.wide import narrow, narrowed, widened

ORDERS = [("<", "le"), (">", "be")]


@given(
    st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))),
    st.sampled_from([2, 4]),
    st.sampled_from(ORDERS),
)
def test_many_strings_at_once(texts: list[str], unit: int, order: tuple[str, str]) -> None:
    coded = [text.encode(f"utf-{8 * unit}-{order[1]}") for text in texts]
    assert coded == [widened(text.encode(), unit, order[0]) for text in texts]
    joined = np.frombuffer(b"".join(one + b"\0" for one in coded), np.uint8)
    lengths = np.array([len(one) for one in coded], np.int64)
    out, sizes = narrowed(joined, lengths, unit, order[0])
    assert out.tobytes() == b"".join(text.encode() + b"\0" for text in texts)
    assert sizes.tolist() == [len(text.encode()) for text in texts]


@pytest.mark.parametrize(
    ("content", "unit", "text"),
    [
        (b"a\0\x3d\xd8b\0", 2, "a\ufffdb"),  # half of a pair
        (b"\x3d\xd8\x00\xde\x01", 2, "\U0001f600"),  # and a byte that is none
        (b"\xff\xff\xff\xffz\0\0\0", 4, "\ufffdz"),
    ],
)
def test_what_is_no_character(content: bytes, unit: int, text: str) -> None:
    assert narrow(content, unit, "<").decode() == text


def test_strings_behind_pointers() -> None:
    # The second one lies at the end of the memory, across a page; the third is not aligned.
    end = "x".encode("utf-16-le") * 100 + b"\0\0"
    start = 0x3000 - 2
    target = FakeTarget({0x1000: "Ā".encode("utf-16-le") + b"\0\0", start: end})
    addrs = np.array([0x1000, start, 0x1001], np.uint64)
    found = StringReader(target, 1000, 1000).read_terminated(addrs, np.ones(3, np.int64), 2)
    assert found.lengths.tolist()[:2] == [2, 200] and found.failed.tolist() == [False, False, True]
    cut = StringReader(target, 9, 1000).read_terminated(addrs[1:2], np.ones(1, np.int64), 2)
    assert cut.cut.tolist() == [True]
    joined, lengths = narrowed(cut.joined, cut.lengths, 2, "<")
    assert joined.tobytes() == b"xxxx\0" and lengths.tolist() == [4]


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("std::any::_Manager_external<main()::Local>::_S_manage(std::any::_Op)",
         "std::any::_Manager_external<main()::Local>"),
        ("Sessions::~Sessions()", "Sessions"),
        ("(anonymous namespace)::Hidden::~Hidden()", "(anonymous namespace)::Hidden"),
        ("main()::Local::answer() const", "main()::Local"),
        ("main::{lambda(int)#2}::operator()(int) const", "main::{lambda(int)#2}"),
        ("A::operator->() const", "A"),
        ("main", ""),
    ],
)  # fmt: skip
def test_class_of_member(name: str, owner: str) -> None:
    assert class_of_member(name) == owner


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("std::_Function_handler<unsigned long (int, char), main::{lambda(int)#1}>",
         ["unsigned long (int, char)", "main::{lambda(int)#1}"]),
        ("std::function<void (A::*)(int)>", ["void (A::*)(int)"]),
        ("std::pair<int, std::pair<char, long> >", ["int", "std::pair<char, long>"]),
        ("int", []),
        ("a<b", []),
    ],
)  # fmt: skip
def test_template_arguments(name: str, arguments: list[str]) -> None:
    assert template_arguments(name) == arguments
