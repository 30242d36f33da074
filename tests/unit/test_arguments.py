"""The syntax of command lines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmapdbg.arguments import Option, UsageError, parse

OPTIONS = (
    Option("--csv", "FILE", repeatable=True),
    Option("--type", "TYPE"),
    Option("--all"),
)
HELP = {"--help": [""]}


@pytest.mark.parametrize(
    ("line", "expression", "options"),
    [
        ("", "", {}),
        ("   ", "", {}),
        ("x", "x", {}),
        ("  x  ", "x", {}),
        ("x --all", "x", {"--all": [""]}),
        ("--all x", "x", {"--all": [""]}),
        ("--all --csv f x", "x", {"--all": [""], "--csv": ["f"]}),
        ("--csv f x --all", "x", {"--csv": ["f"], "--all": [""]}),
        ("x\t--all\t--csv\tf\t", "x", {"--all": [""], "--csv": ["f"]}),
        ("x --csv f --csv g", "x", {"--csv": ["f", "g"]}),
        ("x --csv=f", "x", {"--csv": ["f"]}),
        ("x --csv=a=b", "x", {"--csv": ["a=b"]}),
        ("x --csv -", "x", {"--csv": ["-"]}),
        ("x --csv 'a b.csv'", "x", {"--csv": ["a b.csv"]}),
        ('x --csv "a b".csv', "x", {"--csv": ["a b.csv"]}),
        ("x --csv='a b'", "x", {"--csv": ["a b"]}),
        ("x --csv a\\ b", "x", {"--csv": ["a b"]}),
        ("x --csv 'it\"s'", "x", {"--csv": ['it"s']}),
        ("x --csv a\\", "x", {"--csv": ["a\\"]}),
        ("x --csv=--f", "x", {"--csv": ["--f"]}),
        ("x --csv '--f'", "x", {"--csv": ["--f"]}),
        ('--type "struct hmap" 0x5555', "0x5555", {"--type": ["struct hmap"]}),
        ("x --all --all", "x", {"--all": [""]}),
        # Go, C and C++ as users type them
        ("'main.m'", "'main.m'", {}),
        ("'main.m'.f --all", "'main.m'.f", {"--all": [""]}),
        ("'a --all b'", "'a --all b'", {}),
        ('"a --all"', '"a --all"', {}),
        ('a["x --y"]', 'a["x --y"]', {}),
        ('a["x --y"] --all', 'a["x --y"]', {"--all": [""]}),
        ("a[x --y]", "a[x --y]", {}),
        ("f(x --y) --all", "f(x --y)", {"--all": [""]}),
        ("(struct hmap *) 0x5 --all", "(struct hmap *) 0x5", {"--all": [""]}),
        ("*(struct a *) p->q", "*(struct a *) p->q", {}),
        ("{int} 0x5 --all", "{int} 0x5", {"--all": [""]}),
        ("a::b<c, d>::e --all", "a::b<c, d>::e", {"--all": [""]}),
        ("$rdi", "$rdi", {}),
        ("x->y", "x->y", {}),
        ("x--", "x--", {}),
        ("x - y", "x - y", {}),
        ("x -y", "x -y", {}),
        ("-x", "-x", {}),
        ("--1", "--1", {}),
        ("a[0] - 1 --all", "a[0] - 1", {"--all": [""]}),
        ("x - -y --all", "x - -y", {"--all": [""]}),
        ("x[1]) --all", "x[1])", {"--all": [""]}),  # a stray bracket does not hide options
        ("it's --all", "it's", {"--all": [""]}),  # nor does an open quote
        ("a['\\''] --all", "a['\\'']", {"--all": [""]}),
        ('"a\\" --all b" --all', '"a\\" --all b"', {"--all": [""]}),
        ("a['['] --all", "a['[']", {"--all": [""]}),
        # help in any place, whatever else is wrong
        ("-h", "", HELP),
        ("--help", "", HELP),
        ("x -h", "x", HELP),
        ("x --help", "x", HELP),
        ("--all -h", "", {"--all": [""], **HELP}),
        ("-h --nosuch", "", HELP),
        ("x -h y", "x -h y", {}),  # a subtraction
    ],
)
def test_line_is_taken_apart(line: str, expression: str, options: dict[str, list[str]]) -> None:
    found = parse(line, OPTIONS)
    found.options = {
        key: value[:1] if key == "--all" else value for key, value in found.options.items()
    }
    assert (found.expression, found.rest, found.options) == (expression, "", options)


@pytest.mark.parametrize(
    ("line", "expression", "rest", "options"),
    [
        ("x -- key", "x", "key", {}),
        ("x -- a --all b", "x", "a --all b", {}),
        ("x --csv f -- --all", "x", "--all", {"--csv": ["f"]}),
        ("--csv f -- x --all", "x --all", "", {"--csv": ["f"]}),
        ("-- x", "x", "", {}),
        ("--\tx", "x", "", {}),
        ("x --\tkey", "x", "key", {}),
        ("--", "", "", {}),
        ("x --", "x", "", {}),
        ("x -- ", "x", "", {}),
        ("x --  'a b' ", "x", "'a b'", {}),
        ("x -- --", "x", "--", {}),
        ("x -- -h", "x", "-h", {}),
        ("-- -h", "-h", "", {}),
    ],
)
def test_two_dashes_end_the_options(
    line: str, expression: str, rest: str, options: dict[str, list[str]]
) -> None:
    found = parse(line, OPTIONS)
    assert (found.expression, found.rest, found.options) == (expression, rest, options)


@pytest.mark.parametrize(
    ("line", "subject"),
    [
        ("x --nosuch", "'--nosuch'"),
        ("--nosuch x", "'--nosuch'"),
        ("x - --y", "'--y'"),
        ("x --y", "'--y'"),
        ("x --csvs f", "'--csvs'"),
        ("x --csv.f", "'--csv.f'"),
        ("x --csv'f'", "'--csv"),
        ("x --all.b", "'--all.b'"),
        ("x --csv", "'--csv'"),
        ("x --csv ''", "'--csv'"),
        ("x --csv=", "'--csv'"),
        ("x --csv= f", "'--csv'"),
        ("x --csv --all", "'--csv'"),
        ("--csv", "'--csv'"),
        ("x --all=1", "'--all'"),
        ("x --type a --type b", "'--type'"),
        ("x --csv 'f", "'f"),
        ("x --csv f y", "'y'"),
        ("--all x --csv f y z", "'y z'"),
        ("x --type struct hmap", "'hmap'"),
    ],
)
def test_usage_error_is_one_line_that_quotes_its_subject(line: str, subject: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(line, OPTIONS)
    text = str(error.value)
    assert subject in text
    assert "\n" not in text
    assert text[0].islower() and not text.endswith(".")


def test_unknown_option_where_there_are_none() -> None:
    with pytest.raises(UsageError, match="unknown option '--a'.*-h"):
        parse("x --a", [])


def test_arguments_are_asked_for_by_option() -> None:
    found = parse("x --csv a --csv b --all", OPTIONS)
    assert found.all("--csv") == ["a", "b"]
    assert found.last("--csv") == "b"
    assert "--all" in found
    assert (found.all("--type"), found.last("--type"), "--type" in found) == ([], None, False)


PIECES = st.sampled_from(
    ["--csv", "--type", "--all", "--", "-", "-h", "--help", "'", '"', "\\", " ", "\t", "\n", "="]
    + ["(", ")", "[", "]", "{", "}", "x", "main.m", "--nosuch", "0x5", "é", "\0", "\u2028", "--é"]
)
LINES = st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=20).map("".join))


@given(LINES)
@settings(max_examples=1000, derandomize=True, deadline=None)
def test_any_line_parses_or_is_a_usage_error(line: str) -> None:
    try:
        found = parse(line, OPTIONS)
    except UsageError as error:
        assert str(error)
        return
    assert found.expression == found.expression.strip()
    assert set(found.options) <= {"--csv", "--type", "--all", "--help"}
    # The expression is an unchanged part of the line.
    assert found.expression in line
    assert found.rest in line


@given(st.text(alphabet="ax'\"[](){} -", max_size=30))
@settings(max_examples=500, derandomize=True, deadline=None)
def test_expression_behind_two_dashes_is_verbatim(expression: str) -> None:
    found = parse(f"--all -- {expression}", OPTIONS)
    assert found.expression == expression.strip()


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=30))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_quoted_file_name_is_that_file_name(name: str) -> None:
    quote = "'" if "'" not in name else '"'
    if quote in name:
        return
    assert parse(f"x --csv {quote}{name}{quote}", OPTIONS).all("--csv") == [name]
    assert parse(f"--csv={quote}{name}{quote} x", OPTIONS).all("--csv") == [name]


def test_numbers_of_options() -> None:
    limit = Option("--limit", "N")
    assert parse("x", [limit]).number("--limit", 7) == 7
    assert parse("x --limit 0x10", [limit]).number("--limit", 7) == 16
    for text in ("-1", "many", "1.5"):
        with pytest.raises(UsageError) as raised:
            parse(f"x --limit={text}", [limit]).number("--limit", 7)
        expected = f"option '--limit' takes a number, not '{text}': give one from 0 on"
        assert str(raised.value) == expected


def test_patterns_of_options() -> None:
    match = Option("--match", "REGEX")
    assert parse("x", [match]).pattern("--match") is None
    found = parse("x --match a+", [match]).pattern("--match")
    assert found is not None and found.fullmatch("aa")
    with pytest.raises(UsageError, match="option '--match' takes a regular expression: "):
        parse("x --match a(", [match]).pattern("--match")
