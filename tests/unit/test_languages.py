"""A language is added by one object in one list: the strings, elements and holders of a language
outside the package are shown, followed and named in paths."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import pytest

from hmapdbg import languages
from hmapdbg.block import Column
from hmapdbg.languages import Access, Held, Places, spread
from hmapdbg.languages.holders import Bytes, Contents, Words
from hmapdbg.languages.language import Language
from hmapdbg.reach.plan import Plans, Way
from hmapdbg.reach.resolve import resolve
from hmapdbg.reach.steps import Path, access_step, fields_step
from hmapdbg.reach.walk import Search
from hmapdbg.target import Field, Kind, Memory, Target, TargetError, Type, Value, Variable
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import pointer_to
from hmapdbg.values import Renderer

LONG = Type(Kind.INTEGER, "long", 8, signed=True)
BYTE = Type(Kind.INTEGER, "u8", 1)
ADDRESS = pointer_to(BYTE, 8)


def struct_of(name: str, *fields: tuple[str, Type]) -> Type:
    members, at = [], 0
    for field, found in fields:
        members.append(Field(field, at, found))
        at += found.size
    return Type(Kind.STRUCT, name, at, fields=tuple(members))


# The family libhmap recognises it as a map, but cannot open it.
HMAP = struct_of(
    "struct hmap",
    ("buckets", ADDRESS),
    ("oldbuckets", ADDRESS),
    ("type", ADDRESS),
    ("B", LONG),
)
MAP_AT, LIST_AT, TEXT_AT = 0x1000, 0x2000, 0x3000

TEXT = struct_of("toy::text", ("from", ADDRESS), ("to", ADDRESS))
LIST = struct_of("toy::list", ("items", pointer_to(HMAP, 8)), ("used", LONG))
SECRET = struct_of("toy::secret", ("map", HMAP))
# The tag says what the next word is: 1 a number, 2 a pointer to a map, otherwise nothing.
ANY = struct_of("toy::any", ("tag", LONG), ("word", ADDRESS))


class ToyText:
    def locate(self, memory: Memory, raw: Bytes) -> tuple[Words, np.ndarray]:
        starts, ends = memory.pointer_column(raw), memory.pointer_column(raw, 8)
        return starts, ends.astype(np.int64) - starts.astype(np.int64)


class ToyList:
    noun = "toy list"
    element = HMAP
    size = LIST.size
    access = Access.INDEX

    def find(self, memory: Memory, addrs: Words, raw: Bytes) -> Places:
        counts = memory.integer_column(raw, 8, 8, signed=True)
        return spread(memory.pointer_column(raw), counts, HMAP.size)

    def locate(self, memory: Memory, addr: int, raw: Bytes, number: int) -> int | None:
        places = self.find(memory, np.array([addr], np.uint64), raw)
        return int(places.addrs[number]) if number < len(places.addrs) else None


class ToyContents:
    def __init__(self, target: Target, raw: Bytes, addrs: Words | None) -> None:
        self.raw, self.addrs = raw, addrs
        self.tags = target.integer_column(raw, 0, 8)
        self.words = target.pointer_column(raw, 8)
        self.empty = self.tags == 0
        self.faults = np.zeros(len(raw), np.uint64)

    def iter_shown(self) -> Iterator[Held]:
        rows = np.flatnonzero(self.tags == 1)
        where = np.zeros(len(rows), np.uint64) if self.addrs is None else self.addrs[rows] + 8
        if len(rows):
            yield Held(rows, LONG, "number", where, self.raw[rows, 8:])

    def iter_followed(self) -> Iterator[Held]:
        yield from self.iter_shown()
        rows = np.flatnonzero(self.tags == 2)
        if len(rows):
            yield Held(rows, HMAP, "map", self.words[rows])


class ToyAny:
    size = ANY.size
    access = Access.ASSERTION
    nothing = "void"

    def open(self, target: Target, raw: Bytes, addrs: Words | None = None) -> Contents:
        return ToyContents(target, raw, addrs)


class Toy(Language):
    name = "toy"
    arrow = "!"

    def runs(self, target: Target) -> bool:
        return target.lookup_type("toy::main") is not None

    def find_string(self, found: Type) -> ToyText | None:
        return ToyText() if found.find("from") and found.find("to") else None

    def find_elements(self, found: Type) -> ToyList | None:
        return ToyList() if found.find("items") and found.find("used") else None

    def find_holder(self, found: Type) -> ToyAny | None:
        return ToyAny() if found.find("tag") and found.find("word") else None

    def is_internal(self, found: Type) -> bool:
        return found.name == "toy::secret"


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "LANGUAGES", (*languages.LANGUAGES, Toy()))


def target(**values: Value) -> FakeTarget:
    segments = {
        MAP_AT: bytes(2 * HMAP.size),
        LIST_AT: struct.pack("<QQ", MAP_AT, 2),
        TEXT_AT: b"some text",
    }
    return FakeTarget(segments, types={"toy::main": LONG}, values=values)


def render(found: Type, *rows: bytes) -> list[str]:
    column = Column(np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1))
    return Renderer(target()).render(found, column)


def test_string_is_text() -> None:
    row = struct.pack("<QQ", TEXT_AT, TEXT_AT + 4)
    assert render(TEXT, row) == ["some"]
    assert render(struct_of("s", ("name", TEXT)), row) == ['{name = "some"}']
    assert languages.is_text(TEXT) and not languages.is_text(LIST)
    assert languages.read_counted_string(target(), TEXT, row, 4) == b"some"
    assert languages.read_counted_string(target(), TEXT, row, 3) is None
    assert languages.read_counted_string(target(), LIST, row, 4) is None


def test_what_a_holder_holds_is_shown() -> None:
    rows = [struct.pack("<QQ", *pair) for pair in ((0, 0), (1, 17), (2, MAP_AT), (9, 0xABC))]
    assert render(ANY, *rows) == ["void", "17", f"0x{MAP_AT:x}", "0xabc"]


def test_elements_and_holders_are_followed() -> None:
    plans = Plans(target())
    plan = plans.of(struct_of("s", ("number", LONG), ("list", LIST), ("any", ANY)))
    assert plan is not None and plan.leaves is not None
    assert [(leaf.way, leaf.offset) for leaf in plan.leaves] == [
        (Way.ELEMENTS, 8),
        (Way.HOLDER, 24),
    ]
    assert plans.of(SECRET) is None
    search = Search(target())
    assert list(search.follow([Variable("list", LIST, LIST_AT)], "global")) == []
    assert search.misses.invalid == 2
    image = target()
    image.segments[0x4000] = struct.pack("<QQ", 2, MAP_AT)
    search = Search(image)
    assert list(search.follow([Variable("any", ANY, 0x4000)], "global")) == []
    assert search.misses.invalid == 1


def test_paths_are_spelled_as_the_language_has_them() -> None:
    path = Path("a", arrow=languages.language_of(target()).arrow)
    assert path.pointee().field("b").text == "a!b"
    assert languages.language_of(FakeTarget()).arrow == "->"
    before, root = fields_step(("b",)), Path("frame 1: a")
    for access, text in (
        (Access.INDEX, "frame 1: a.b[3]"),
        (Access.NUMBER, "frame 1: a.b[#3]"),
        (Access.ASSERTION, "frame 1: a.b.(T)"),
    ):
        assert access_step(access, before, "T")(root, 3).text == text
    pointee = access_step(Access.POINTEE, before)(root, 0)
    assert pointee.index("0").text == "frame 1: (*a.b)[0]"


def test_paths_are_resolved() -> None:
    data = struct.pack("<QQ", MAP_AT, 2)
    image = target(
        list=Value("list", LIST, data, LIST_AT),
        any=Value("any", ANY, struct.pack("<QQ", 2, MAP_AT), 0x4000),
        number=Value("number", ANY, struct.pack("<QQ", 1, 17), 0x4000),
        gone=Value("gone", ANY, bytes(16), 0x4000),
    )
    second = resolve(image, "list[1]")
    assert (second.type, second.address) == (HMAP, MAP_AT + HMAP.size)
    with pytest.raises(TargetError, match="no element 2 in 'list': it has fewer"):
        resolve(image, "list[2]")
    held = resolve(image, "any.(map)")
    assert (held.type, held.address) == (HMAP, MAP_AT)
    number = resolve(image, "number.(number)")
    assert (number.type, number.address, number.data[0]) == (LONG, 0x4008, 17)
    with pytest.raises(TargetError, match="'any' holds a 'map', not a 'number'"):
        resolve(image, "any.(number)")
    with pytest.raises(TargetError, match="'gone' holds nothing, not a 'map'"):
        resolve(image, "gone.(map)")
