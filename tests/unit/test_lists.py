"""Lists of cells in fake memory, with links that are keys; Redis's strings; a map that shrinks."""

from __future__ import annotations

import struct
from typing import Literal

import numpy as np
import pytest

from hmapdbg.block import Addresses, Block, Buckets, Problem
from hmapdbg.geometry.columns import Mask
from hmapdbg.geometry.lists.layout import ListLayout
from hmapdbg.geometry.lists.walk import LONG, ListWalk
from hmapdbg.geometry.nodes.shape import NodeLists
from hmapdbg.header import Array, Growth, Header, Role
from hmapdbg.languages.redis.sds import Sds
from hmapdbg.stats import Stats
from hmapdbg.target import Kind, Type
from hmapdbg.target.fake import FakeTarget

CELLS_AT, NODES_AT = 0x1000, 0x2000
NODE = 16
INT = Type(Kind.INTEGER, "int", 4, signed=True)


def odd(links: Addresses) -> tuple[Mask, Addresses]:
    return links & np.uint64(1) != 0, links


LAYOUT = ListLayout(8, 0, NODE, 2, 8, 0, 8, 0, 0, -1, 0, 8, direct=odd)


def lists_of(lengths: list[int]) -> FakeTarget:
    """A cell for each length: so many entries, the last of which is a link itself. The keys are
    odd numbers, counted from 1 on in the order of the lists."""
    nodes, cells, key = b"", [], 1
    for length in lengths:
        links = [NODES_AT + len(nodes) + NODE * at + 2 for at in range(max(length - 1, 0))]
        keys = [key + 2 * at for at in range(length)]
        key += 2 * length
        following = [*links[1:], *keys[-1:]]
        for one, link in zip(keys, following):
            nodes += struct.pack("<QQ", one, link) if links else b""
        cells.append((links + keys[-1:])[0] if length else 0)
    return FakeTarget({CELLS_AT: struct.pack(f"<{len(cells)}Q", *cells), NODES_AT: nodes})


@pytest.mark.parametrize("lengths", [[], [1], [0, 3, 1, 0, 2], [1, LONG + 40, 2, LONG + 1]])
def test_the_last_link_of_a_list_may_be_its_key(lengths: list[int]) -> None:
    target = lists_of(lengths)
    array = Array("buckets", CELLS_AT, len(lengths), 8 * len(lengths))
    walk = ListWalk(target, LAYOUT, array, sum(lengths))
    items = list(walk.walk(cells=True))
    assert not [item for item in items if isinstance(item, Problem)]
    blocks = [item for item in items if isinstance(item, Block)]
    live = [number for one in blocks if one.buckets for number in one.buckets.live.tolist()]
    assert live == lengths
    cells = [one.cells for one in blocks if one.cells is not None and len(one.cells)]
    keys = [int(number) for one in cells for number in target.pointer_column(one.keys.data)]
    assert keys == [2 * at + 1 for at in range(sum(lengths))]
    places = [number for one in cells for number in one.chain_index.tolist()]
    assert places == [at for length in lengths for at in range(length)]
    for bucket, length in enumerate(lengths):
        (chain,) = walk.iter_chains(bucket, bucket + 1)
        assert len([link for link in chain.links if not link.note]) == length


def test_evacuated_buckets_are_no_lists() -> None:
    target = lists_of([2, 1])
    array = Array("oldbuckets", CELLS_AT, 2, 16, role=Role.OLD)
    items = list(ListWalk(target, LAYOUT, array, 1, evidence=True, evacuated=1).walk(cells=True))
    (problem,) = [item for item in items if isinstance(item, Problem)]
    assert (problem.invariant, problem.address) == ("L7", CELLS_AT)
    (rows,) = [item.buckets for item in items if isinstance(item, Block) and item.buckets]
    assert rows.live.tolist() == [0, 1] and rows.evacuated.tolist() == [True, False]


@pytest.mark.parametrize("order", ["little", "big"])
def test_the_length_of_a_redis_string_is_right_before_it(order: Literal["little", "big"]) -> None:
    sign = "<" if order == "little" else ">"
    formats = {1: "BB", 2: "HH", 3: "II", 4: "QQ"}
    headers = [bytes([5 << 3])]
    headers += [struct.pack(sign + formats[kind] + "B", 5, 9, kind) for kind in formats]
    segments, addrs = {}, []
    for number, header in enumerate(headers):
        start = 0x1000 * (number + 1)
        segments[start] = header + b"a\0b\0c\0"
        addrs.append(start + len(header))
    segments[0x9000] = b"\x07text\0"  # of no kind
    target = FakeTarget(segments, byte_order=order)
    wild = [0, 5, 0x9001, 0x8000]
    raw = np.array([*addrs, *wild], f"{sign}u8").view(np.uint8).reshape(-1, 8)
    found, lengths = Sds().locate(target, raw)
    assert found.tolist() == [*addrs, *wild]
    assert lengths.tolist() == [5] * 5 + [-1] * 4


def test_a_spread_is_not_judged_while_a_map_shrinks() -> None:
    def rows(buckets: int, live: list[int], evacuated: int) -> Buckets:
        numbers, counts = np.arange(buckets), np.array(live)
        none = np.zeros(buckets, np.int64)
        addrs = numbers.astype(np.uint64)
        return Buckets(numbers, addrs, counts, counts, counts, none, none, numbers < evacuated)

    new, old = Array("buckets", 1, 2, 16), Array("oldbuckets", 2, 8, 64, role=Role.OLD)
    header = Header(
        family="toy",
        expression="m",
        type_name="toy",
        address=0x10,
        count_at=0x10,
        key_type=INT,
        elem_type=INT,
        count=6,
        arrays=(new, old),
        geometry=NodeLists(0, 8, 1.0),
        header_size=0,
        growth=Growth(nevacuate=4),
    )
    stats = Stats(header)
    stats.add(Block("buckets", rows(2, [2, 1], 0)))
    stats.add(Block("oldbuckets", rows(8, [0, 0, 0, 0, 1, 0, 0, 2], 4)))
    assert header.shrinking and header.growth_kind == "shrinking"
    assert (stats.live, stats.evacuated, stats.unread) == (6, 4, 0)
    assert stats.strip.tolist() == [3, 3]  # old buckets 4 and 7 go to 0 and 1
    assert stats.nodes_of_miss == pytest.approx(6 / 6 + 3 / 6)
    assert stats.p_value is None and stats.chain_bound == 0 and header.null_model is None
