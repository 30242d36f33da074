"""File names made from arbitrary names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hmapdbg.cores.names import MOST, Names


@given(st.lists(st.text(), max_size=20), st.booleans())
def test_names_are_safe_and_no_two_alike(texts: list[str], dots: bool) -> None:
    names = Names(taken=("core",), dots=dots)
    taken = [names.take(text, "map") for text in texts]
    assert len({name.lower() for name in taken} | {"core"}) == len(taken) + 1
    for name in taken:
        assert name.isascii() and name and name[0] not in ".-_" and len(name) < MOST + 10
        assert all(letter.isalnum() or letter in "_-." for letter in name)
        assert dots or "." not in name


def test_names_that_differ_in_case_or_in_what_is_left_out() -> None:
    names = Names()
    texts = ["Cache", "cache", "cache-2", "a b", "a/b", "../a", ""]
    taken = [names.take(text, "unnamed") for text in texts]
    assert taken == ["Cache", "cache-2", "cache-2-2", "a_b", "a_b-2", "a", "unnamed"]
