"""sync.Map's trie in fake memory, with depths that no real hash reaches."""

from __future__ import annotations

from json import loads

import pytest

from hmapdbg.block import Problem
from hmapdbg.families import open_map
from hmapdbg.families.family import Map
from hmapdbg.families.go.sync_trie import MAX_CHAIN
from hmapdbg.json import dump
from hmapdbg.survey import survey
from hmapdbg.target import Field, Kind, TargetError, Type, Value
from hmapdbg.target.types import array_of, pointer_to

from builders import Image

MAP_AT, NODES_AT, ENTRY_AT, OVERFLOW_AT = 0x1000, 0x10000, 0x8000, 0x1000000
NODE_STEP = 0x100
FANOUT = 16
LEVELS = 16  # of a hash of 64 bits, four per level

INT = Type(Kind.INTEGER, "int", 8, signed=True)
BOOL = Type(Kind.BOOLEAN, "bool", 1)


def struct(name: str, size: int, *members: tuple[str, int, Type]) -> Type:
    return Type(Kind.STRUCT, name, size, fields=tuple(Field(*member) for member in members))


NODE = struct("internal/sync.node[int,int]", 1, ("isEntry", 0, BOOL))
WORD = pointer_to(Type(Kind.OTHER, "void", 0), 8)
INDIRECT_NAME = "internal/sync.indirect[int,int]"
ATOMIC = struct(f"sync/atomic.Pointer[{INDIRECT_NAME}]", 8, ("v", 0, WORD))
INDIRECT = struct(
    INDIRECT_NAME,
    152,
    ("node", 0, NODE),
    ("dead", 4, struct("sync/atomic.Bool", 4, ("v", 0, Type(Kind.INTEGER, "uint32", 4)))),
    ("parent", 16, WORD),
    ("children", 24, array_of(ATOMIC, FANOUT)),
)
ENTRY = struct(
    "internal/sync.entry[int,int]",
    32,
    ("node", 0, NODE),
    ("overflow", 8, ATOMIC),
    ("key", 16, INT),
    ("value", 24, INT),
)
TRIE = struct(
    "internal/sync.HashTrieMap[int,int]",
    40,
    ("root", 16, ATOMIC),
    ("keyHash", 24, WORD),
    ("valEqual", 32, WORD),
)


def trie_of(nodes: int, entry: Type = ENTRY, overflow: int = 0, marked: int = -1) -> Map:
    """A map with one entry at the end of a chain of nodes, each the fourth child. overflow: further
    entries of its hash. marked: the node that is marked as an entry."""
    image = Image()
    image.map(MAP_AT, TRIE.size)
    image.map(NODES_AT, nodes * NODE_STEP)
    image.map(ENTRY_AT, ENTRY.size)
    image.map(OVERFLOW_AT, max(overflow, 1) * ENTRY.size)
    for number in range(overflow):
        at = OVERFLOW_AT + number * ENTRY.size
        image.write_uint(at, 1, 1)
        image.write_uint(at + 8, at + ENTRY.size if number + 1 < overflow else 0)
    image.write_uint(MAP_AT + 16, NODES_AT)
    for number in range(nodes):
        at = NODES_AT + number * NODE_STEP
        image.write_uint(at + 16, at - NODE_STEP if number else 0)
        image.write_uint(at + 24 + 4 * 8, at + NODE_STEP if number + 1 < nodes else ENTRY_AT)
    if marked >= 0:
        image.write_uint(NODES_AT + marked * NODE_STEP, 1, 1)
    image.write_uint(ENTRY_AT, 1, 1)
    image.write_uint(ENTRY_AT + 8, OVERFLOW_AT if overflow else 0)
    image.write_uint(ENTRY_AT + 16, 7)
    image.write_uint(ENTRY_AT + 24, 8)
    target = image.target(types={INDIRECT_NAME: INDIRECT, entry.name: entry})
    pointer = pointer_to(TRIE, 8)
    return open_map(target, Value("m", pointer, MAP_AT.to_bytes(8, "little")))


def problems_of(opened: Map) -> list[Problem]:
    return survey(opened.header, opened.audit())[1]


def test_entry_is_found_on_every_level() -> None:
    for nodes in range(1, LEVELS + 1):
        opened = trie_of(nodes)
        assert problems_of(opened) == []
        assert dict(opened.header.facts) | {"live": 1, "indirects": nodes, "depth": nodes} == dict(
            opened.header.facts
        )


def test_entry_known_only_as_generic_functions_see_it() -> None:
    """As in go1.27: its types are shown as the program spells them."""
    shape = INT.renamed("go.shape.int")
    entry = struct(
        "internal/sync.entry[go.shape.int,go.shape.int]",
        ENTRY.size,
        ("node", 0, NODE),
        ("overflow", 8, ATOMIC),
        ("key", 16, shape),
        ("value", 24, shape),
    )
    header = trie_of(1, entry).header
    assert (header.count, header.key_type.name, header.elem_type.name) == (1, "int", "int")


def test_entry_without_debug_info_is_not_blamed_on_how_the_program_was_built() -> None:
    with pytest.raises(
        TargetError, match="no debug info for 'internal/sync.entry.int,int.'"
    ) as told:
        trie_of(1, struct("internal/sync.item[int,int]", 8))
    assert "ldflags" not in str(told.value)


def test_trie_deeper_than_a_hash_is_a_problem() -> None:
    for nodes in (LEVELS + 1, 5 * LEVELS):
        opened = trie_of(nodes)
        assert [problem.invariant for problem in problems_of(opened)] == ["T3"]
        assert opened.header.count == 0


def test_entries_of_one_hash_are_a_chain_with_an_end() -> None:
    assert trie_of(2, overflow=40).header.count == 41
    assert problems_of(trie_of(2, overflow=MAX_CHAIN - 1)) == []
    opened = trie_of(2, overflow=10 * MAX_CHAIN)
    assert [problem.invariant for problem in problems_of(opened)] == ["T4"]
    assert opened.header.count == MAX_CHAIN


def test_node_that_is_marked_as_an_entry_is_a_problem_and_loses_nothing() -> None:
    opened = trie_of(4, marked=2)
    assert [problem.invariant for problem in problems_of(opened)] == ["T1"]
    assert opened.header.count == 1


def test_entries_without_buckets_have_no_spread() -> None:
    opened = trie_of(2, overflow=10)
    stats, problems = survey(opened.header, opened.walk(cells=False))
    assert loads(dump(stats, problems))["statistics"]["chi_square"] is None
