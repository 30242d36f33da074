"""Definition files without a debugger: expressions, what is wrong with a file and where, tables on
a fake target."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from hmapdbg.block import Block, Problem
from hmapdbg.families import FAMILIES, Definitions
from hmapdbg.families.declared.checking import structs_of
from hmapdbg.families.declared.document import read_definition
from hmapdbg.families.declared.evaluation import Struct, column_of, compute, spot_of
from hmapdbg.families.declared.expression import ExpressionError, parse, parse_path
from hmapdbg.families.declared.family import DeclaredFamily
from hmapdbg.families.declared.toml_file import DefinitionError
from hmapdbg.target import Field, Kind, Type, Value
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import array_of, pointer_to

ROOT = Path(__file__).resolve().parents[2]
U32 = Type(Kind.INTEGER, "unsigned int", 4)
I32 = Type(Kind.INTEGER, "int", 4, signed=True)
U64 = Type(Kind.INTEGER, "unsigned long", 8)


def struct_of(name: str, *members: tuple[str, Type]) -> Type:
    fields, at = [], 0
    for member, found in members:
        step = min((found.target if found.kind is Kind.ARRAY else found).size, 8)
        at = -(-at // step) * step
        fields.append(Field(member, at, found))
        at += found.size
    return Type(Kind.STRUCT, f"struct {name}", -(-at // 8) * 8, fields=tuple(fields))


INNER = struct_of("inner", ("low", U32), ("counts", array_of(U32, 3)))
OUTER = struct_of(
    "outer", ("bits", U32), ("signed_one", I32), ("in_it", INNER), ("to", pointer_to(INNER, 8))
)
MEMORY = {
    0x1000: struct.pack("<IiIIIIQ", 5, -3, 1, 10, 20, 30, 0x2000),
    0x2000: struct.pack("<IIII", 7, 1, 2, 3),
}


def number(text: str) -> int:
    return Struct(FakeTarget(MEMORY), OUTER, 0x1000).number(parse(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 << bits", 32),
        ("1 << bits << 60", 32 << 60),
        ("bits + 2 * 3", 11),
        ("(bits + 2) * 3", 21),
        ("bits - 1 - 1", 3),
        ("0x10 | 3 & 1 ^ 2", 0x13),
        ("~7 & 0xff", 0xF8),
        ("-bits", -5),
        ("7 / 2 * 2 + 7 % 2", 7),
        ("signed_one / 2", -1),
        ("signed_one % 2", -1),
        ("signed_one < 0", 1),
        ("bits == 5 && signed_one != 0 || 1 / 0", 1),
        ("!bits", 0),
        ("in_it.low + to->low", 8),
        ("to.counts[1]", 2),
        ("*to.counts", None),
        ("(*to).low", 7),
        ("in_it.counts[*]", 60),
        ("to.counts[*] + in_it.counts[2]", 36),
        ("bits > 5 ? 1 : bits > 4 ? 2 : 3", 2),
        ("10UL", 10),
    ],
)
def test_numbers_of_a_struct(text: str, value: int | None) -> None:
    if value is None:
        with pytest.raises(ExpressionError):
            number(text)
    else:
        assert number(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it ends early"),
        ("1 +", "it ends early"),
        ("1 + * ", "it ends early"),
        ("f(1)", "calls are not possible: only fields, numbers and operators"),
        ("(1", "it ends early, where ')' should be"),
        ("1 2", "unexpected '2'"),
        ("a[b]", "an index is a number, or * for the sum of all elements"),
        ("a[1", "it ends early, where ']' should be"),
        ("a = 1", "unexpected '= 1'"),
        ("'x'", "unexpected ''x''"),
        ("1.x", "unexpected '.'"),
        ("a.1", "unexpected '1'"),
        ("1 ? 2", "it ends early, where ':' should be"),
        ("0x10000000000000000", "'0x10000000000000000' has more than 64 bits"),
        ("(" * 50 + "1" + ")" * 50, "more than 40 brackets in one another"),
        ("-" * 50 + "1", "more than 40 operators in one another"),
        ("1+" * 600 + "1", "an expression has at most 1000 characters"),
    ],
)
def test_what_is_no_expression(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", "'struct outer' has no field 'nothing': it has bits, signed_one, in_it, to"),
        ("in_it", "'struct inner' is no number"),
        ("bits.x", "'unsigned int' is no struct, and has no field 'x'"),
        ("to.counts[3]", "'unsigned int[3]' has no element 3"),
        ("to[*]", "'struct inner *' is a pointer: how many it leads to is open"),
        ("*bits", "'unsigned int' is no pointer"),
        ("1 / (bits - 5)", "a division by 0"),
        ("1 << (bits + 60)", "a shift by 65"),
    ],
)
def test_what_cannot_be_computed(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        number(text)
    assert str(caught.value) == message


def test_columns_are_computed_as_in_c() -> None:
    fields = Struct(FakeTarget(MEMORY), OUTER, 0x1000)
    unsigned = np.array([1, 2**63, 2**64 - 1], np.uint64)
    signed = column_of(np.array([-1, 0, 1], np.int8))

    def column(text: str, **columns: np.ndarray) -> list[int]:
        return np.asarray(compute(parse(text), columns, fields)).tolist()

    assert column("hash & (1 << bits) - 1", hash=unsigned) == [1, 0, 31]
    assert column("hash >> 60", hash=unsigned) == [0, 8, 15]
    assert column("hash << 64", hash=unsigned) == [0, 0, 0]
    assert column("hash % 10", hash=unsigned) == [1, 8, 5]
    assert column("hash / 0", hash=unsigned) == [0, 0, 0]
    assert column("hash > 5", hash=unsigned) == [0, 1, 1]
    assert column("state < 0", state=signed) == [1, 0, 0]
    assert column("state == -1 || state == 1", state=signed) == [1, 0, 1]
    assert column("-state", state=signed) == [1, 0, -1]
    assert column("!state", state=signed) == [0, 1, 0]
    assert column("state / 2", state=signed) == [0, 0, 0]
    assert column("state == 0 ? 7 : state", state=signed) == [-1, 7, 1]
    assert column("hash - 2 < 5", hash=unsigned[:1]) == [0]  # it is unsigned


@pytest.mark.parametrize(("order", "data"), [("little", b"\x5d\0\0\0"), ("big", b"\xae\0\0\0")])
def test_bit_fields(order: str, data: bytes) -> None:
    """3 bits and then 5, which lie from the lowest bit on, or from the highest."""
    low = Field("low", 0, U32, 0, 3)
    high = Field("high", 0, I32, 3, 5)
    found = Type(Kind.STRUCT, "struct bits", 4, fields=(low, high))
    fields = Struct(FakeTarget({0x1000: data}, byte_order=order), found, 0x1000)
    assert fields.number(parse("low")) == 5
    assert fields.number(parse("high")) == (11 if order == "little" else 14)


def test_members_are_in_the_struct_itself() -> None:
    assert spot_of(OUTER, parse_path("in_it.counts[2]")).offset == 20
    for text, message in (
        ("to.low", "'struct inner *' is a pointer: only what is in the struct itself can be"),
        ("in_it.counts[3]", "'unsigned int[3]' has no element 3"),
        ("in_it.high", "'struct inner' has no field 'high': it has low, counts"),
    ):
        with pytest.raises(ExpressionError) as caught:
            spot_of(OUTER, parse_path(text))
        assert str(caught.value).startswith(message)
    with pytest.raises(ExpressionError):
        parse_path("a + 1")


GOOD = """
[family]
name = "table"
geometry = "chains"
struct = "table"
fields = ["cells", "size"]

[array]
address = "cells"
length = "size"

[node]
next = "next"

[key]
member = "id"
"""


def refused(folder: Path, text: str | bytes) -> str:
    """The message about a file, without its name."""
    path = folder / "own.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DefinitionError) as caught:
        read_definition(str(path))
    message = str(caught.value)
    assert "\n" not in message and message.startswith(f"{path}:")
    return message.removeprefix(f"{path}:")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'struct = "table"',
            'strukt = "t"',
            "5: family.strukt: unknown key 'strukt': did you mean 'struct'?",
        ),
        ("[node]", "[nodes]", "12: nodes: unknown table 'nodes': did you mean 'node'?"),
        (
            'length = "size"',
            "length = true",
            "10: array.length: must be an expression, and is true or false",
        ),
        (
            'length = "size"',
            "length = 1.5",
            "10: array.length: must be an expression, and is a float",
        ),
        ('name = "table"', "name = 7", "3: family.name: must be a text, and is an integer"),
        (
            'fields = ["cells", "size"]',
            'fields = "cells"',
            "6: family.fields: must be a list of texts, and is a text",
        ),
        (
            'fields = ["cells", "size"]',
            "fields = []",
            "2: family: no 'fields': list some by which the struct is recognised",
        ),
        ('length = "size"', 'length = "size +"', "10: array.length: 'size +': it ends early"),
        (
            'length = "size"',
            'length = "size()"',
            "10: array.length: 'size()': calls are not possible: only fields, numbers and "
            "operators",
        ),
        ('length = "size"', "", "8: array: no 'length': it must have one"),
        (
            'geometry = "chains"',
            'geometry = "chain"',
            "4: family.geometry: unknown geometry 'chain': did you mean 'chains'?",
        ),
        (
            'member = "id"',
            'member = "id + 1"',
            "16: key.member: 'id + 1': 'id + 1' is no member: write its name, as in 'a' or 'a.b'",
        ),
        (
            'member = "id"',
            'member = "id"\noffset = 8',
            "15: key: has both 'member' and 'offset': one says where it is",
        ),
        ('member = "id"', "offset = 8", "15: key: 'offset' needs 'type' or 'size'"),
        (
            'member = "id"',
            "pointer = 1",
            "16: key.pointer: must be true or false, and is an integer",
        ),
        ('[key]\nmember = "id"\n', "", "2: family: no table '[key]': say where the key is"),
        (
            "[key]",
            "[state]\nempty = 0\n[key]",
            "15: state: 'state' says nothing of the geometry 'chains': remove it",
        ),
        (
            "[key]",
            '[hash]\nstored = "h"\nbucket = "hash"\nprobing = "linear"\n[key]',
            "18: hash.probing: is for slots: remove it",
        ),
        ("[key]", '[elem]\nmember = "x"\n[key]', None),
        ("[key]", "key", "15: no valid TOML: "),
        (
            'name = "table"',
            'name = "ta/ble"',
            "3: family.name: a name has letters, digits and _ . + -, at most 60",
        ),
        (
            "[family]",
            'format = "hmap-definition/9"\n[family]',
            "2: format: this version of hmap reads 'hmap-definition/1'",
        ),
        (
            "[family]",
            "family = 3\n[other]",
            "2: family: must be a table: write '[family]' on a line of its own",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(
    tmp_path: Path, old: str, new: str, message: str | None
) -> None:
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    if message is None:
        (tmp_path / "own.toml").write_text(text)
        assert read_definition(str(tmp_path / "own.toml")).elem is not None
    else:
        found = refused(tmp_path, text)
        assert found.startswith(message) if message.endswith(" ") else found == message


def test_a_file_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    assert refused(tmp_path, GOOD.encode() + b"# \xff\n") == "17: not UTF-8: save the file as UTF-8"
    with pytest.raises(DefinitionError) as caught:
        read_definition(str(tmp_path / "none.toml"))
    assert str(caught.value) == f"cannot read '{tmp_path}/none.toml': No such file or directory"
    with pytest.raises(DefinitionError) as caught:
        read_definition(str(tmp_path))
    assert str(caught.value) == f"cannot read '{tmp_path}': Is a directory"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "own-maps").glob("*.toml")), ids=lambda one: one.name
)
def test_the_examples_are_good(path: Path) -> None:
    assert DeclaredFamily(read_definition(str(path))).name


# ---- what is loaded


def test_files_are_loaded_replaced_and_forgotten(tmp_path: Path) -> None:
    families = list(FAMILIES)
    before = list(families)
    loaded = Definitions(families)
    path, other = tmp_path / "own.toml", tmp_path / "other.toml"
    path.write_text(GOOD)
    loaded.load(str(path))
    first = families[0]
    assert first.name == "table" and families[1:] == before
    loaded.load(str(path))
    assert families[0] is not first and families[1:] == before
    other.write_text(GOOD)
    with pytest.raises(DefinitionError) as caught:
        loaded.load(str(other))
    assert str(caught.value) == (
        f"{other}:2: the name 'table' is that of a family in '{path}': choose another"
    )
    other.write_text(GOOD.replace('"table"', '"khash"', 1))
    with pytest.raises(DefinitionError) as caught:
        loaded.load(str(other))
    assert str(caught.value) == (
        f"{other}:2: the name 'khash' is that of a family of hmap: choose another"
    )
    path.write_text("[famly]")
    with pytest.raises(DefinitionError):
        loaded.load(str(path))
    assert families[0].name == "table"  # the last good one stays
    assert loaded.forget(str(path)) == 1 and families == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FAMILIES = []", ": no list FAMILIES: name in it the families of the module"),
        ("FAMILIES = [3]", ": 'int' has no 'name': derive it from hmapdbg.own.OwnFamily"),
        ("\n1 / 0", ":2: ZeroDivisionError: division by zero"),
        ("\n\nx = (", ":3: SyntaxError: '(' was never closed (own.py, line 3)"),
    ],
)
def test_what_is_wrong_with_a_module(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "own.py"
    path.write_text(text)
    with pytest.raises(DefinitionError) as caught:
        Definitions([]).load(str(path))
    assert str(caught.value) == f"{path}{message}"
    with pytest.raises(DefinitionError) as caught:
        Definitions([]).load(str(tmp_path / "none.py"))
    assert str(caught.value) == f"cannot read '{tmp_path}/none.py': No such file or directory"


# ---- tables on a fake target

NODE = struct_of("node", ("next", pointer_to(U64, 8)), ("id", U32))
TABLE = struct_of("table", ("cells", pointer_to(pointer_to(NODE, 8), 8)), ("size", U32))


def opened(tmp_path: Path, memory: dict[int, bytes], text: str = GOOD) -> object:
    path = tmp_path / "own.toml"
    path.write_text(text)
    family = DeclaredFamily(read_definition(str(path)))
    target = FakeTarget(memory)
    assert family.recognise(TABLE)
    return family.open(target, Value("it", TABLE, b"", 0x1000), TABLE, 0x1000)


def chain(*nodes: tuple[int, int, int]) -> dict[int, bytes]:
    """A table of two cells, the second with these nodes: (address, next, id)."""
    memory = {
        0x1000: struct.pack("<QII", 0x2000, 2, 0),
        0x2000: struct.pack("<QQ", 0, nodes[0][0]),
    }
    return memory | {at: struct.pack("<QII", after, name, 0) for at, after, name in nodes}


def test_a_table_that_does_not_count_is_counted_by_a_walk(tmp_path: Path) -> None:
    found = opened(tmp_path, chain((0x3000, 0x3010, 1), (0x3010, 0, 2)))
    assert found.header.count == 2
    cells = [one.cells for one in found.walk(True) if isinstance(one, Block) and one.cells]
    assert cells[0].keys.data.view("<u4").ravel().tolist() == [1, 2]
    assert not [one for one in found.audit() if isinstance(one, Problem)]


def test_a_list_without_an_end_ends(tmp_path: Path) -> None:
    found = opened(tmp_path, chain((0x3000, 0x3010, 1), (0x3010, 0x3000, 2)))
    problems = [one for one in found.audit() if isinstance(one, Problem)]
    assert {one.invariant for one in problems} >= {"L3", "L4"}


def test_tagged_links_lead_where_they_are_said_to(tmp_path: Path) -> None:
    text = GOOD.replace('next = "next"', 'next = "next"\naddress = "link & ~3"\nend = "link & 2"')
    found = opened(tmp_path, chain((0x3000, 0x3011, 1), (0x3010, 0x4002, 2)), text)
    assert found.header.count == 2
    assert not [one for one in found.audit() if isinstance(one, Problem)]


def test_the_structs_that_a_layout_file_needs(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(GOOD)
    definition = read_definition(str(tmp_path / "own.toml"))
    types = {"struct table": TABLE, "struct node": NODE}
    assert structs_of(definition, types.get) == ["table", "node"]
    assert structs_of(definition, {}.get) == []
