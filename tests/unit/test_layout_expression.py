"""Expressions with only a layout file, in fake memory."""

from __future__ import annotations

import pytest

from hmapdbg.target import Field, Kind, TargetError, Type
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.layout_expression import Unknown, evaluate, has_name
from hmapdbg.target.types import array_of, pointer_to

INT = Type(Kind.INTEGER, "int", 4, signed=True)
INNER = Type(Kind.STRUCT, "struct inner", 8, fields=(Field("a", 0, INT), Field("b", 4, INT)))
POINTER = pointer_to(INNER, 8)
OUTER = Type(
    Kind.STRUCT,
    "struct outer",
    40,
    fields=(
        Field("head", 0, POINTER),
        Field("own", 8, INNER),
        Field("list", 16, array_of(INNER, 2)),
        Field("bit", 32, INT, bit_offset=256, bit_size=3),
    ),
)
REFERENCE = Type(Kind.POINTER, "struct inner &", 8, resolve=lambda: INNER)

OUTER_AT, INNER_AT, POINTER_AT = 0x1000, 0x2000, 0x3000


class Names:
    variables = {
        "outer": (OUTER_AT, OUTER),
        "main.outer": (OUTER_AT, OUTER),
        "net/http.head": (POINTER_AT, POINTER),
        "ns::head": (POINTER_AT, POINTER),
        "(anonymous namespace)::head": (POINTER_AT, POINTER),
        "f(int)::head": (POINTER_AT, POINTER),
        "reference": (POINTER_AT, REFERENCE),
        "wild": (0x9000, POINTER),
    }

    def variable(self, name: str) -> tuple[int, Type] | None:
        return self.variables.get(name)

    def constant(self, name: str) -> tuple[int, Type] | None:
        return (5, INT) if name == "runtime.five" else None

    def type(self, name: str) -> Type | None:
        return {"struct inner": INNER, "struct outer": OUTER, "int": INT}.get(name)

    def register(self, name: str) -> int | None:
        return INNER_AT if name == "$rdi" else None


def target() -> FakeTarget:
    words = [INNER_AT, 0x0000_0002_0000_0001, 0x0000_0004_0000_0003, 0x0000_0006_0000_0005, 7]
    return FakeTarget(
        {
            OUTER_AT: b"".join(word.to_bytes(8, "little") for word in words),
            INNER_AT: (0x0000_000B_0000_000A).to_bytes(8, "little") + b"\x0c" + bytes(31),
            POINTER_AT: INNER_AT.to_bytes(8, "little"),
        }
    )


@pytest.mark.parametrize(
    ("expression", "number", "address"),
    [
        ("outer.own.a", 1, OUTER_AT + 8),
        ("outer . own . b", 2, OUTER_AT + 12),
        ("outer.list[1].b", 6, OUTER_AT + 28),
        ("outer.head->a", 10, INNER_AT),
        ("outer.head.b", 11, INNER_AT + 4),
        ("(*outer.head).b", 11, INNER_AT + 4),
        ("outer.head[1].a", 12, INNER_AT + 8),
        ("main.outer.own.a", 1, OUTER_AT + 8),
        ("'main.outer'.own.a", 1, OUTER_AT + 8),
        ("(&outer)->own.a", 1, OUTER_AT + 8),
        ("net/http.head->a", 10, INNER_AT),
        ("ns::head->a", 10, INNER_AT),
        ("(anonymous namespace)::head->a", 10, INNER_AT),
        ("f(int)::head->b", 11, INNER_AT + 4),
        ("reference.b", 11, INNER_AT + 4),
        ("((struct inner *) 0x2000)->b", 11, INNER_AT + 4),
        ("((const struct inner*)$rdi)->b", 11, INNER_AT + 4),
        ("(*(struct inner **) 0x3000)->a", 10, INNER_AT),
        ("((struct inner *) &outer)->a", INNER_AT, OUTER_AT),
        ("runtime.five", 5, None),
        ("12", 12, None),
        ("$rdi", INNER_AT, None),
    ],
)
def test_values(expression: str, number: int, address: int | None) -> None:
    value = evaluate(expression, Names(), target())
    assert int.from_bytes(value.data, "little") == number
    assert (value.address, value.expression) == (address, expression)


def test_types_of_values() -> None:
    assert evaluate("reference", Names(), target()).type is INNER
    assert evaluate("&outer.own", Names(), target()).type.name == "struct inner *"
    cast = evaluate("(struct inner **) 16", Names(), target())
    assert (cast.type.name, cast.data) == ("struct inner * *", (16).to_bytes(8, "little"))


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("", "at its end"),
        ("nosuch", "no symbol 'nosuch'"),
        ("nosuch.x->y", "no symbol 'nosuch.x"),
        ("outer.nosuch", "no field 'nosuch'"),
        ("outer.own.a.x", "no fields of 'int'"),
        ("outer.bit", "cannot evaluate"),
        ("outer + 1", "at '+ 1'"),
        ("outer[0]", "cannot evaluate"),
        ("outer.list[x]", "cannot evaluate"),
        ("outer.list[1", "cannot evaluate"),
        ("*outer", "a non-pointer"),
        ("&5", "the address of a computed value"),
        ("(int) 5", "cast to a pointer"),
        ("(struct nosuch *) 5", "no type 'struct nosuch'"),
        ("$nosuch", "no value here"),
        ("(" * 5000 + "outer", "without debug info"),
        ("*" * 5000 + "outer", "without debug info"),
        ("'", "without debug info"),
    ],
)
def test_what_cannot_be_said(expression: str, text: str) -> None:
    with pytest.raises(Unknown) as error:
        evaluate(expression, Names(), target())
    assert text in str(error.value) and "\n" not in str(error.value)


def test_unreadable_memory_is_told() -> None:
    with pytest.raises(TargetError, match="cannot read 'wild->a'"):
        evaluate("wild->a", Names(), target())


def test_what_needs_no_names() -> None:
    assert not any(map(has_name, ("12", "0xff", '"text"', "$rdi", "-5", "")))
    assert all(map(has_name, ("x", "(int) 5", "$rdi->x", "'a.b'")))
