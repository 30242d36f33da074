"""A container of libstdc++'s in fake memory, and what its walk must give."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from hmapdbg.block import Block, Problem
from hmapdbg.families import open_map
from hmapdbg.families.family import Map

from hmapdbg.target import Field, Kind, Type, Value
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import pointer_to


HEADER_AT = 0x1000
CELLS_AT = 0x10000
NODES_AT = 0x100000

INT = Type(Kind.INTEGER, "int", 4, signed=True)
LONG = Type(Kind.INTEGER, "std::size_t", 8)
FLOAT = Type(Kind.FLOAT, "float", 4, signed=True)
VOID_POINTER = pointer_to(Type(Kind.OTHER, "void", 0), 8)


# ---- a container in fake memory ------------------------------------------------------------------


def struct_of(name: str, size: int, *members: tuple[str, int, Type], **extra: object) -> Type:
    fields = tuple(Field(one, offset, type) for one, offset, type in members)
    found = Type(Kind.STRUCT, name, size, fields=fields)
    return replace(found, **extra) if extra else found


def templated(found: Type, *arguments: Type | int) -> Type:
    def argument(number: int) -> Type | int | None:
        return arguments[number] if number < len(arguments) else None

    return replace(found, resolve_argument=argument)


def container_type(
    *, cached: bool = False, is_set: bool = False, unique: bool = True, hash_name: str = ""
) -> Type:
    """std::unordered_map<int, int>, or a similar container."""
    base = struct_of("std::__detail::_Hash_node_base", 8, ("_M_nxt", 0, VOID_POINTER))
    pair = struct_of("std::pair<int const, int>", 8, ("first", 0, INT), ("second", 4, INT))
    value = INT if is_set else pair
    storage = Type(Kind.ARRAY, "unsigned char[]", value.size, count=value.size)
    members = [
        Field("std::__detail::_Hash_node_base", 0, base, base=True),
        Field("_M_storage", 8, storage),
    ]
    if cached:
        members.append(Field("_M_hash_code", 16, LONG))
    node = Type(Kind.STRUCT, "node", 24 if cached else 16, fields=tuple(members))
    node = templated(node, value, int(cached))
    allocator = templated(struct_of("std::allocator<node>", 1), node)
    alloc = templated(
        struct_of("std::__detail::_Hashtable_alloc<std::allocator<node> >", 1), allocator
    )
    policy = struct_of(
        "std::__detail::_Prime_rehash_policy",
        16,
        ("_M_max_load_factor", 0, FLOAT),
        ("_M_next_resize", 8, LONG),
    )
    traits = templated(struct_of("traits", 1), int(cached), int(is_set), int(unique))
    function = struct_of(hash_name or "std::hash<int>", 1)
    table = Type(
        Kind.STRUCT,
        "std::_Hashtable<...>",
        56,
        fields=(
            Field("alloc", 0, alloc, base=True),
            Field("_M_buckets", 0, VOID_POINTER),
            Field("_M_bucket_count", 8, LONG),
            Field("_M_before_begin", 16, base),
            Field("_M_element_count", 24, LONG),
            Field("_M_rehash_policy", 32, policy),
            Field("_M_single_bucket", 48, VOID_POINTER),
        ),
    )
    other = struct_of("other", 1)
    table = templated(table, INT, value, other, other, other, function, other, other, other, traits)
    return struct_of("std::unordered_map<int, int>", 56, ("_M_h", 0, table))


def chunk_size(size: int) -> int:
    """Bytes of the chunk of a block of glibc's malloc."""
    return max(32, (size + 8 + 15) // 16 * 16)


@dataclass
class Rig:
    """A container with the library's layout, to be corrupted and read."""

    runs: Sequence[Sequence[int]]  # keys per bucket
    cached: bool = False
    is_set: bool = False
    hash_name: str = "Hash"
    seed: int = 1
    order: Sequence[int] | None = None  # of the buckets on the list
    on_heap: bool = False  # in blocks of glibc's malloc, each with the word before it
    memory: dict[int, bytearray] = field(default_factory=dict)
    nodes: dict[tuple[int, int], int] = field(default_factory=dict)  # bucket, place -> address

    def __post_init__(self) -> None:
        size = 24 if self.cached else 16
        total = sum(map(len, self.runs))
        places = list(range(total))
        random.Random(self.seed).shuffle(places)
        step = chunk_size(size) if self.on_heap else size
        heap = bytearray(step * total)
        cells = [0] * len(self.runs)
        before, link_at = HEADER_AT + 16, None
        head = 0
        chosen = [n for n, run in enumerate(self.runs) if run]
        for bucket in self.order or chosen:
            cells[bucket] = before
            for place, key in enumerate(self.runs[bucket]):
                at = NODES_AT + step * places.pop()
                self.nodes[bucket, place] = at
                if link_at is None:
                    head = at
                else:
                    struct.pack_into("<Q", heap, link_at - NODES_AT, at)
                struct.pack_into("<ii", heap, at - NODES_AT + 8, key, -key)
                if self.cached:
                    struct.pack_into("<Q", heap, at - NODES_AT + 16, bucket + 7 * len(self.runs))
                before = link_at = at
        header = bytearray(56)
        single = len(self.runs) == 1
        address = HEADER_AT + 48 if single else CELLS_AT
        struct.pack_into("<QQQQfxxxxQ", header, 0, address, len(cells), head, total, 100.0, 0)
        struct.pack_into("<Q", header, 48, cells[0] if single else 0)
        self.memory = {HEADER_AT: header, NODES_AT: heap}
        if not single:
            self.memory[CELLS_AT] = bytearray(struct.pack(f"<{len(cells)}Q", *cells))
        if self.on_heap:
            self._make_chunks(NODES_AT, step)
            if not single:
                self._make_chunks(CELLS_AT, chunk_size(8 * len(cells)))

    def _make_chunks(self, at: int, step: int) -> None:
        """Blocks of malloc from an address on, of a multiple of `step` bytes, and the top chunk."""
        data = self.memory.pop(at)
        data += bytes(-len(data) % step)
        for block in range(0, len(data), step):
            struct.pack_into("<Q", data, block + step - 8, step | 1)
        struct.pack_into("<Q", data, len(data) - 8, 0x1F001)
        self.memory[at - 16] = bytearray(struct.pack("<QQ", 0, step | 1)) + data

    def write(self, at: int, value: int) -> None:
        for start, data in self.memory.items():
            if start <= at < start + len(data):
                struct.pack_into("<Q", data, at - start, value)

    def open(self, **options: bool) -> tuple[FakeTarget, Map]:
        found = container_type(cached=self.cached, is_set=self.is_set, hash_name=self.hash_name)
        target = FakeTarget({at: bytes(data) for at, data in self.memory.items()}, **options)
        data = bytes(self.memory[HEADER_AT])
        return target, open_map(target, Value("m", found, data, HEADER_AT))


def rows_of(
    walk: Iterator[Block | Problem],
) -> tuple[list[int], list[tuple[int, int, int]], list[Problem]]:
    """Live entries per bucket, (bucket, place, key) of the entries, and the Problems."""
    live: list[int] = []
    entries: list[tuple[int, int, int]] = []
    problems: list[Problem] = []
    for item in walk:
        if isinstance(item, Problem):
            problems.append(item)
            continue
        if item.buckets is not None:
            assert item.buckets.bucket.tolist() == list(
                range(len(live), len(live) + len(item.buckets))
            )
            assert (item.buckets.live == item.buckets.chain).all()
            assert (item.buckets.live == item.buckets.slots).all()
            live += item.buckets.live.tolist()
        if item.cells is not None:
            keys = item.cells.keys.data.copy().view("<i4")[:, 0].tolist()
            entries += zip(item.cells.bucket.tolist(), item.cells.chain_index.tolist(), keys)
    return live, entries, problems


def expected_entries(runs: Sequence[Sequence[int]]) -> list[tuple[int, int, int]]:
    return [(n, place, key) for n, run in enumerate(runs) for place, key in enumerate(run)]


RUNS = st.lists(
    st.lists(st.integers(1 - 2**31, 2**31 - 1), max_size=5), min_size=1, max_size=30
)
