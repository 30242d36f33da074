"""libstdc++'s unordered containers in fake memory: the walk against a model, its cost, faults, hash
codes, names."""

from __future__ import annotations

import random
import struct
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmapdbg.block import Block, Place
from hmapdbg.families import open_map
from hmapdbg.geometry.nodes import runs as node_runs, table as node_table, walk as node_walk
from hmapdbg.families.libstdcxx.hash import hash_bytes
from hmapdbg.families.std_hash import is_standard, is_text, own_codes
from hmapdbg.languages.cxx.names import short_name
from hmapdbg.find import find, parse_key
from hmapdbg.stats import Stats
from hmapdbg.survey import survey

from hmapdbg.target import TargetError, Value, memory
from hmapdbg.target.fake import FakeTarget
from hmapdbg.text import bucket_lines, summary
from hmapdbg.values import Renderer
from unordered_rig import (
    HEADER_AT,
    CELLS_AT,
    NODES_AT,
    INT,
    struct_of,
    container_type,
    Rig,
    rows_of,
    expected_entries,
    RUNS,
)


# ---- the walk ------------------------------------------------------------------------------------


@given(RUNS, st.booleans(), st.integers(0, 100))
@settings(max_examples=80, deadline=None)
def test_walk_equals_the_model(runs: list[list[int]], cached: bool, seed: int) -> None:
    rig = Rig(runs, cached=cached, seed=seed)
    _, opened = rig.open()
    live, entries, problems = rows_of(opened.walk(cells=True))
    assert live == [len(run) for run in runs]
    assert entries == expected_entries(runs)
    assert problems == []
    assert rows_of(opened.walk(cells=False)) == (live, [], [])
    assert rows_of(opened.audit())[2] == []


@given(RUNS, st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_walk_in_small_slabs_and_blocks_is_the_same(runs: list[list[int]], seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(node_runs, "SLAB", 3)
        patch.setattr(node_table, "SLAB", 3)
        patch.setattr(node_runs, "FEW", 2)
        patch.setattr(node_runs, "MAX_GENERATIONS", 2)
        patch.setattr(node_runs, "FIRST_MILESTONE", 1)
        patch.setattr(node_runs, "STRETCH", 2)
        patch.setattr(node_walk, "BLOCK_BYTES", 40)
        patch.setattr(node_walk, "ROWS", 4)
        _, opened = Rig(runs, seed=seed).open()
        live, entries, problems = rows_of(opened.walk(cells=True))
    assert live == [len(run) for run in runs]
    assert entries == expected_entries(runs)
    assert problems == []


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 500])
def test_one_bucket_holds_a_long_run(length: int) -> None:
    runs = [list(range(length))]
    _, opened = Rig(runs).open()
    assert rows_of(opened.walk(cells=True)) == ([length], expected_entries(runs), [])


def test_many_runs_longer_than_the_generations_are_followed_side_by_side() -> None:
    runs = [list(range(100 * n, 100 * n + 80 + n)) for n in range(40)]
    target, opened = Rig(runs).open()
    assert rows_of(opened.walk(cells=True)) == (
        [80 + n for n in range(40)],
        expected_entries(runs),
        [],
    )
    assert len(target.reads) < 1000


def test_a_node_is_read_at_most_twice_and_in_few_reads() -> None:
    randomly = random.Random(5)
    runs: list[list[int]] = [[] for _ in range(4001)]
    for key in range(4000):
        runs[randomly.randrange(len(runs))].append(key)
    target, opened = Rig(runs).open()
    asked: dict[int, int] = {}
    gather = target.gather

    def counting(addrs: np.ndarray, size: int) -> object:  # type: ignore[type-arg]
        for at in addrs.tolist():
            asked[at] = asked.get(at, 0) + 1
        return gather(addrs, size)

    target.gather = counting  # type: ignore[method-assign, assignment]
    rows_of(opened.walk(cells=False))
    nodes = {at: times for at, times in asked.items() if at >= NODES_AT}
    assert set(nodes.values()) == {1}
    assert len(target.reads) < 60
    asked.clear()
    rows_of(opened.walk(cells=True))
    # Once to count them, and once completely.
    assert max(times for at, times in asked.items() if at >= NODES_AT) == 2


def test_nodes_of_a_long_run_are_read_by_pages_each_at_most_twice() -> None:
    runs = [list(range(30_000)), *([key] for key in range(50_000, 50_040))]
    target, opened = Rig(runs).open()
    live, entries, problems = rows_of(opened.walk(cells=True))
    assert (live, entries, problems) == ([30_000] + 40 * [1], expected_entries(runs), [])
    pages = [at for at, size in target.reads if size == node_table.PAGE and at >= NODES_AT]
    assert len(pages) == len(set(pages)) > 100
    # Reads that the cache does not serve: few generations, and nodes across pages.
    assert len(target.reads) - len(pages) < 600


class Forgetful(FakeTarget):
    """Keeps no list of its reads."""

    def read_exactly(self, addr: int, size: int) -> bytes:
        data = super().read_exactly(addr, size)
        self.reads.clear()
        return data


def wide_rig(buckets: int, length: int) -> FakeTarget:
    """That many buckets with that many nodes each, scattered in memory."""
    count = buckets * length
    nodes = NODES_AT + 16 * np.random.default_rng(1).permutation(count).astype(np.uint64)
    heap = np.zeros((count, 2), np.uint64)
    heap[(nodes[:-1] - np.uint64(NODES_AT)) // np.uint64(16), 0] = nodes[1:]
    befores = np.concatenate([[np.uint64(HEADER_AT + 16)], nodes[length - 1 : -1 : length]])
    header = bytearray(56)
    cells_at = NODES_AT + 32 * count
    struct.pack_into("<QQQQfxxxxQ", header, 0, cells_at, buckets, int(nodes[0]), count, 100.0, 0)
    return Forgetful(
        {HEADER_AT: bytes(header), NODES_AT: heap.tobytes(), cells_at: befores.tobytes()}
    )


@pytest.mark.parametrize("length", [1, 3])
@pytest.mark.parametrize("cells", [False, True])
def test_walk_takes_at_most_32_bytes_a_bucket(
    length: int, cells: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other memory is the size of a slab for any map: small here.
    for module, name, size in (
        (memory, "MAX_READ", 1 << 17),
        (node_runs, "SLAB", 1 << 11),
        (node_table, "SLAB", 1 << 11),
        (node_walk, "ROWS", 1 << 11),
        (node_walk, "BLOCK_BYTES", 1 << 15),
    ):
        monkeypatch.setattr(module, name, size)
    peaks = []
    sizes = (10_000, 50_000)
    for buckets in sizes:
        target = wide_rig(buckets, length)
        found = container_type(hash_name="Hash")
        opened = open_map(target, Value("m", found, target.read(HEADER_AT, 56), HEADER_AT))
        live = 0
        tracemalloc.start()
        for item in opened.walk(cells=cells):
            assert isinstance(item, Block)
            if item.buckets is not None:
                live += int(item.buckets.live.sum())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert live == length * buckets
    # A slab's reads differ by some KiB from one place to another.
    assert peaks[1] - peaks[0] <= 32 * (sizes[1] - sizes[0]) + (32 << 10)
    assert peaks[0] <= 32 * sizes[0] + (1 << 20)


def test_single_bucket_is_read_by_its_place() -> None:
    rig = Rig([[1, 2, 3], [], [4, 5], [6], []])
    _, opened = rig.open()
    for bucket, keys in enumerate(rig.runs):
        blocks = [one for one in opened.walk(cells=True, only=Place("buckets", bucket))]
        assert len(blocks) == 1 and isinstance(blocks[0], Block)
        cells = blocks[0].cells
        found = [] if cells is None else cells.keys.data.copy().view("<i4")[:, 0].tolist()
        assert found == keys


def test_buckets_need_not_stand_on_the_list_in_their_order() -> None:
    runs = [[1], [2, 3], [], [4]]
    _, opened = Rig(runs, order=[3, 0, 1]).open()
    assert rows_of(opened.walk(cells=True)) == ([1, 2, 0, 1], expected_entries(runs), [])


# ---- faults --------------------------------------------------------------------------------------


def check(rig: Rig, **options: bool) -> list[tuple[str, int | None]]:
    _, opened = rig.open(**options)
    _, problems = survey(opened.header, opened.audit())
    assert all(isinstance(str(one), str) for one in problems)
    return [(one.invariant, one.address) for one in problems]


def ten_runs() -> list[list[int]]:
    return [[10 * n + place for place in range(n % 4)] for n in range(20)]


def test_cycle_is_named_with_the_node_that_it_comes_back_to() -> None:
    rig = Rig(ten_runs())
    rig.write(rig.nodes[3, 1], rig.nodes[3, 0])
    assert ("U4", rig.nodes[3, 0]) in check(rig)


def test_cycle_has_each_of_its_nodes_once() -> None:
    rig = Rig([list(range(90)), [100]])
    rig.write(rig.nodes[0, 80], rig.nodes[0, 40])
    _, opened = rig.open()
    live, entries, problems = rows_of(opened.walk(cells=True))
    assert live == [81, 1]
    assert entries[:81] == expected_entries([list(range(81))])
    assert [(one.invariant, one.address) for one in problems] == [("U4", rig.nodes[0, 40])]


@given(st.data(), st.integers(1, 60), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_link_may_lead_anywhere(data: st.DataObject, buckets: int, knows: bool) -> None:
    rig = Rig([list(range(n % 7)) for n in range(buckets)], cached=True)
    places = sorted(rig.nodes.values()) or [HEADER_AT + 16]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.sampled_from([*places, HEADER_AT + 16, CELLS_AT, CELLS_AT + 8]))
        to = data.draw(
            st.sampled_from(
                [*places, 0, 1, HEADER_AT, HEADER_AT + 16, CELLS_AT, 2**64 - 8, 2**47]
            )
        )
        rig.write(at, to)
    _, opened = rig.open(knows_mappings=knows)
    stats = Stats(opened.header)
    for item in opened.audit():
        if isinstance(item, Block):
            stats.add(item)
    live, entries, _ = rows_of(opened.walk(cells=True))
    assert sum(live) == len(entries) <= 4 * len(rig.nodes) + 4
    for chain in opened.iter_chains("buckets", 0, buckets):
        assert len(list(chain.links)) <= 4 * len(rig.nodes) + 4


def test_long_chain_that_many_buckets_lead_into_takes_time_in_proportion() -> None:
    # Each of 300 heads leads into one endless chain at a different node.
    rig = Rig([list(range(3000)), *([key] for key in range(5000, 5300))])
    for n in range(1, 301):
        rig.write(rig.nodes[n, 0], rig.nodes[0, 8 * n])
    target, opened = rig.open()
    _, _, problems = rows_of(opened.walk(cells=False))
    assert problems
    assert len(target.reads) < 5000


def test_wild_link_is_named_with_the_place_it_lies_in() -> None:
    rig = Rig(ten_runs())
    rig.write(rig.nodes[3, 1], rig.nodes[3, 1] + 3)
    assert ("U4", rig.nodes[3, 1]) in check(rig)


def test_unreadable_node_is_a_fault_at_its_address() -> None:
    rig = Rig(ten_runs())
    rig.write(rig.nodes[3, 1], 0x7000000)
    assert ("", 0x7000000) in check(rig)


def test_lost_tail_is_named_once() -> None:
    rig = Rig(ten_runs())
    rig.write(rig.nodes[7, 1], 0)
    found = check(rig)
    assert {name for name, _ in found} == {"U1", "U4"}


def test_wrong_count_is_named_at_the_count() -> None:
    rig = Rig(ten_runs())
    rig.write(HEADER_AT + 24, 5)
    assert check(rig) == [("U1", HEADER_AT + 24)]


def test_wrong_cached_code_is_named_at_the_code() -> None:
    rig = Rig(ten_runs(), cached=True)
    rig.write(rig.nodes[6, 1] + 16, 3)
    assert check(rig) == [("U5", rig.nodes[6, 1] + 16)]


def test_key_that_is_its_own_code_is_checked_without_a_cached_one() -> None:
    rig = Rig([[4, 8], [1], [], [3]], hash_name="std::hash<int>")
    assert check(rig) == []
    rig.write(rig.nodes[0, 1] + 8, 7)
    assert check(rig) == [("U5", rig.nodes[0, 1] + 8)]


def test_cell_that_is_no_node_is_named() -> None:
    rig = Rig(ten_runs())
    rig.write(CELLS_AT + 8 * 2, 0x333)
    assert ("U3", CELLS_AT + 8 * 2) in check(rig)


def test_shared_before_node_is_named_and_counted_once() -> None:
    rig = Rig([[1], [], [2]])
    before = struct.unpack_from("<Q", rig.memory[CELLS_AT], 0)[0]
    rig.write(CELLS_AT + 8, before)
    assert check(rig) == [("U3", CELLS_AT)]


@pytest.mark.parametrize(
    ("field_at", "value"), [(0, 0), (0, 12), (8, 0), (8, 2**63), (0, 2**40)]
)
def test_garbage_header_is_refused(field_at: int, value: int) -> None:
    rig = Rig(ten_runs())
    rig.write(HEADER_AT + field_at, value)
    with pytest.raises(TargetError, match="^'m' is not a valid map: "):
        rig.open()


def test_wild_bucket_count_reads_no_further_than_memory_goes() -> None:
    for knows in (False, True):
        rig = Rig(ten_runs())
        rig.write(HEADER_AT + 8, 10**12)
        rig.memory[CELLS_AT] += bytes(4096 - len(rig.memory[CELLS_AT]))
        target, opened = rig.open(knows_mappings=knows)
        items = list(opened.walk(cells=False))
        blocks = [one for one in items if isinstance(one, Block)]
        rows = sum(len(one.buckets) for one in blocks if one.buckets is not None)
        # A page of cells, and what follows it.
        assert 512 <= rows <= 512 + len(rig.memory[NODES_AT]) // 8
        assert len(items) > len(blocks)
        assert len(target.reads) < 200


def test_single_bucket_that_is_not_in_the_table_is_named() -> None:
    rig = Rig([[1], [2]])
    rig.write(HEADER_AT + 8, 1)
    assert ("U2", HEADER_AT + 8) in check(rig)


def test_next_resize_that_does_not_fit_is_named() -> None:
    rig = Rig(ten_runs())
    rig.write(HEADER_AT + 40, 7)
    assert check(rig) == [("U6", HEADER_AT + 40)]
    rig.write(HEADER_AT + 40, 2000)
    assert check(rig) == []


# ---- summary and find ----------------------------------------------------------------------------


def test_summary_tells_of_nodes_and_lookups() -> None:
    rig = Rig([[0], [1, 5, 9], [], [3]], hash_name="std::hash<int>", on_heap=True)
    _, opened = rig.open()
    stats, problems = survey(opened.header, opened.walk(cells=False))
    text = summary(stats, problems)
    assert problems == []
    assert "entries    5 in 4 buckets, load 1.25 of 100" in text
    assert "chains     0: 25.0%   1: 50.0%   3: 25.0%   longest 3, first at bucket 1" in text
    # 1 + 1 + (1 + 2 + 3) nodes for five hits; 1 + 1, 3 + 1, 0 and 1 for a miss: the list ends.
    assert stats.nodes_of_hit == pytest.approx(8 / 5)
    assert stats.nodes_of_miss == pytest.approx(7 / 4)
    assert "a hit looks at 1.60 nodes on average, a miss at 1.75" in text
    assert "slots" not in text
    # On the heap a node of 16 bytes takes 32, four cells 48.
    assert stats.held == 56 + 48 + 5 * 32


def test_set_has_keys_alone() -> None:
    rig = Rig([[1], [2]], is_set=True)
    _, opened = rig.open()
    header = opened.header
    assert header.family == "std::unordered_set"
    assert header.types == "int"
    (block,) = [one for one in opened.walk(cells=True) if isinstance(one, Block)]
    assert block.cells is not None
    assert Renderer(FakeTarget()).render(header.elem_type, block.cells.elems) == ["", ""]


def test_buckets_are_told_node_by_node() -> None:
    rig = Rig([[7], [], [8, 9]], cached=True)
    target, opened = rig.open()
    chains = opened.iter_chains("buckets", 0, 3)
    lines = list(bucket_lines(opened.header, chains, Renderer(target), 0))
    assert lines == [
        "bucket 0  0x10000\n",
        f"    0  0x{rig.nodes[0, 0]:x}  hash 0x15  7 -> -7\n",
        "bucket 1  0x10008\n",
        "    empty\n",
        "bucket 2  0x10010\n",
        f"    0  0x{rig.nodes[2, 0]:x}  hash 0x17  8 -> -8\n",
        f"    1  0x{rig.nodes[2, 1]:x}  hash 0x17  9 -> -9\n",
    ]


def test_key_is_found_by_its_hash_only_where_that_proves_right() -> None:
    rig = Rig([[4, 8], [1], [], [3]], hash_name="std::hash<int>")
    target, opened = rig.open()
    found = find(target, opened, parse_key(target, INT, "8"))
    assert found.hashed and found.cells is not None and found.cells.chain_index[0] == 1
    # A hash that differs from std::hash: all entries are compared.
    rig = Rig([[1], [8, 4], [], [3]], hash_name="std::hash<int>")
    target, opened = rig.open()
    found = find(target, opened, parse_key(target, INT, "8"))
    assert not found.hashed and found.cells is not None


# ---- hash codes and names ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", 0x553E93901E462A6E),
        (b"a", 0x454DDEE488C1ED6B),
        (b"hello", 0x26553298FDBE39C8),
        (b"12345678", 0x8C5B90A33A04DCA5),
        (b"a longer string of bytes, 37 of them", 0x28CD8F0FF6EA1DD8),
    ],
)
def test_hash_of_text_is_the_librarys(content: bytes, code: int) -> None:
    assert hash_bytes(content) == code


def test_codes_of_integers_are_extended_by_their_sign() -> None:
    column = np.array([[0xFE, 0xFF, 0xFF, 0xFF], [5, 0, 0, 0]], np.uint8)
    assert own_codes(column, INT, "<").tolist() == [2**64 - 2, 5]
    assert own_codes(column, replace(INT, signed=False), "<").tolist() == [2**32 - 2, 5]


def test_a_programs_own_hash_is_not_the_standard_one() -> None:
    assert is_standard(struct_of("std::hash<int>", 1))
    assert not is_standard(struct_of("mystd::hash<int>", 1))
    assert is_text(struct_of("std::string", 32))
    assert is_text(struct_of("const std::__cxx11::basic_string<char, x>", 32))
    assert not is_text(struct_of("std::pair<std::string, int>", 40))


STRING = "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >"


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("int", "int"),
        (STRING, "std::string"),
        (f"const {STRING} *", "const std::string *"),
        (f"std::pair<{STRING} const, long>", "std::pair<std::string const, long>"),
        (
            f"std::unordered_map<{STRING}, int, std::hash<{STRING} >, std::equal_to<{STRING} >, "
            f"std::allocator<std::pair<{STRING} const, int> > >",
            "std::unordered_map<std::string, int>",
        ),
        ("std::vector<int, std::allocator<int> > *", "std::vector<int> *"),
        ("std::vector<int, Mine<int> >", "std::vector<int, Mine<int>>"),
        ("mine::map<int, std::allocator<int> >", "mine::map<int, std::allocator<int>>"),
        ("std::_Hashtable<int, int, std::allocator<int> >::size_type", "size_type"),
        ("std::__cxx1998::unordered_set<int, std::hash<int> >", "std::unordered_set<int>"),
        ("std::unique_ptr<T, std::default_delete<T> >", "std::unique_ptr<T>"),
        ("std::function<void (int)>", "std::function<void (int)>"),
        ("a<b", "a<b"),
        ("a>b", "a>b"),
        ("", ""),
    ],
)
def test_name_is_shortened(name: str, short: str) -> None:
    assert short_name(name) == short
