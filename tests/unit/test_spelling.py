"""Brackets and quotes of expressions."""

from __future__ import annotations

import pytest

from hmapdbg.target.spelling import closing_at, is_balanced, iter_unquoted


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("(a)", 2),
        ("(a[(b)]{c}) d", 10),
        ("(')' + \")\")", 10),
        (r"('\')')", 6),
        ("((a)", -1),
        ("(a]", -1),
        ("(a[)])", -1),
        ("('a)", -1),
    ],
)
def test_closing_bracket(text: str, at: int) -> None:
    assert closing_at(text, 0) == at
    assert closing_at(f"x{text}", 1) == (at if at < 0 else at + 1)


@pytest.mark.parametrize(
    "text", ["", "a", 'm["("]', "'main.m'.f[\"a b\"]", "(*(T *) p)->f[{1, 2}]", r'm["\""]']
)
def test_balanced(text: str) -> None:
    assert is_balanced(text)


@pytest.mark.parametrize("text", ["(", ")", "(]", "([)]", 'm["x]', "'", '\'"x"', r'm["\"]'])
def test_not_balanced(text: str) -> None:
    assert not is_balanced(text)


def test_letters_outside_of_quotes() -> None:
    assert "".join(letter for _, letter in iter_unquoted("a'b\\'c'd\"e\"f")) == "adf"
    assert list(iter_unquoted("a'b")) == [(0, "a"), (1, "'")]
    assert list(iter_unquoted("'a'b", 3)) == [(3, "b")]
