"""The walk of libhmap's list of maps on a fake target: valid lists, and corrupt ones."""

from __future__ import annotations

import struct

import pytest

from hmapdbg.languages.libhmap.registry import Registry, read_registry
from hmapdbg.target import Field, Kind, TargetError, Type, Value
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import pointer_to

SIZE = Type(Kind.INTEGER, "size_t", 8)
LINK_AT = 8


def hmap_type() -> Type:
    link = Type(Kind.POINTER, "struct hmap *", 8, resolve=hmap_type)
    fields = (Field("count", 0, SIZE), Field("registry_next", LINK_AT, link))
    return Type(Kind.STRUCT, "struct hmap", 16, fields=fields)


HEAD = Type(
    Kind.STRUCT,
    "struct hmap_registry",
    16,
    fields=(Field("first", 0, pointer_to(hmap_type(), 8)), Field("count", 8, SIZE)),
)


def registry(first: int, links: dict[int, int]) -> Registry:
    """The result for a list that begins at `first`; `maps`: each map with the next one."""
    segments = {address: struct.pack("<QQ", 0, link) for address, link in links.items()}
    head = Value("hmap_registry", HEAD, struct.pack("<QQ", first, len(links)), 0x100)
    return read_registry(FakeTarget(segments, values={"hmap_registry": head}))


def addresses(found: Registry) -> list[int]:
    return [int.from_bytes(one.data, "little") for one in found.maps]


def test_maps_come_oldest_first() -> None:
    found = registry(0x3000, {0x3000: 0x2000, 0x2000: 0x1000, 0x1000: 0})
    assert addresses(found) == [0x1000, 0x2000, 0x3000]
    assert [one.expression for one in found.maps][0] == "(struct hmap *) 0x1000"
    assert found.maps[0].type.name == "struct hmap *"
    assert found.trouble == ""


def test_time_limits_how_far_the_list_is_followed() -> None:
    segments = {at: struct.pack("<QQ", 0, at + 0x100) for at in range(0x1000, 0x2000, 0x100)}
    head = Value("hmap_registry", HEAD, struct.pack("<QQ", 0x1000, 16), 0x100)
    target = FakeTarget(segments, values={"hmap_registry": head})
    looks = iter([False] * 5 + [True])
    found = read_registry(target, lambda: next(looks))
    assert len(found.maps) == 5 and found.trouble == "its time was over, after 5 maps"


def test_no_maps() -> None:
    assert registry(0, {}) == Registry([])


@pytest.mark.parametrize(
    ("first", "links", "maps", "trouble"),
    [
        (0x2000, {0x2000: 0x2000}, [0x2000], "it is a cycle after 1 map"),
        (0x2000, {0x2000: 0x1000, 0x1000: 0x2000}, [0x1000, 0x2000], "a cycle after 2 maps"),
        (0x2000, {0x2000: 0xDDDDDDDD}, [0x2000], "0xdddddddd after 1 map is not a map"),
        (0x2000, {0x2000: 0x9000}, [0x2000], "does not hold the map at 0x9000, after 1 map"),
        (0x9000, {}, [], "does not hold the map at 0x9000, after 0 maps"),
        (0xFFFFFFFFFFFFFFF8, {}, [], "does not hold the map at 0xfffffffffffffff8"),
    ],
)
def test_broken_list_gives_the_maps_before_the_break(
    first: int, links: dict[int, int], maps: list[int], trouble: str
) -> None:
    found = registry(first, links)
    assert addresses(found) == maps
    assert trouble in found.trouble


def test_program_without_the_list() -> None:
    with pytest.raises(TargetError, match="^no maps: the program has no 'hmap_registry': "):
        read_registry(FakeTarget())


def test_something_else_of_that_name() -> None:
    value = Value("hmap_registry", SIZE, bytes(8), 0x100)
    with pytest.raises(TargetError, match="'hmap_registry' is not a struct hmap_registry"):
        read_registry(FakeTarget(values={"hmap_registry": value}))
