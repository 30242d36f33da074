"""Go's sync.Map: two maps and their entries up to go1.23 (src/sync/map.go), a hash trie from go1.24
on (src/internal/sync/hashtriemap.go).

It has no buckets of its own: entries have no place, and there is nothing to be seen of each bucket.
Invariants:

    I1   every entry that is counted is found
    Y1   read.m's entries that are not expunged are in dirty, where there is a dirty; others are not
    Y2   amended says that there is a dirty
    T1   a node's parent is the node that has it as a child, and it is not dead
    T2   a node is met once
    T3   the trie is no deeper than a hash has digits
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Union

import numpy as np
from numpy.typing import NDArray

from ..block import Addresses, Block, Cells, Chain, Column, Header, Ints, Problem
from ..languages.go import find_value, go_layout, go_name, required_field
from ..layout import StructLayout
from ..target import Field, Kind, MemoryFault, Target, TargetError, Type, Value
from . import go_bucket, go_swiss
from .bucket_walk import MAX_PROBLEMS, Raw, pointer_column
from .family import Family, Map, Place

ARRAY = "sync"  # what the entries CSV has in place of an array's name
AT_ONCE = 1 << 16  # entries in a Block
DIGIT_BITS = 4  # of the hash, for each level of the trie (nChildrenLog2)


class GoSyncFamily:
    """Recognises sync.Map of both generations, and the trie by itself."""

    name = "Go sync.Map"
    describes = "sync.Map"
    has_nil = False

    def recognise(self, found: Type) -> bool:
        if found.kind is not Kind.STRUCT:
            return False
        return _trie_of(found) is not None or all(
            found.find(name) for name in ("read", "dirty", "misses")
        )

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        if _trie_of(found) is not None:
            return _TrieMap(target, value, found, address)
        return _PairMap(target, value, found, address)


FAMILY: Family = GoSyncFamily()


def _trie_of(found: Type) -> Field | None:
    """The trie in a sync.Map, or the struct itself if it is one; None where it has none."""
    if all(found.find(name) for name in ("root", "keyHash", "valEqual")):
        return Field("", 0, found)
    member = found.find("m")
    if member is None or member.type.kind is not Kind.STRUCT:
        return None
    inner = _trie_of(member.type) if member.type.find("root") else None
    return inner and Field("m", member.offset, member.type)


class _LooseMap:
    """What both generations share: entries in columns, all of them read when the map is opened."""

    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        self.target = target
        self.value = value
        self.found = found
        self.address = address
        self.expression = value.expression
        self.problems: list[Problem] = []
        self._told: dict[str, int] = {}
        self.structs: list[StructLayout] = []
        self.inner: Header | None = None  # of the map that entries are in
        self.inner_size = 0  # held by such maps and by dead entries, or by nodes
        self.dead = 0  # deleted entries that are still held
        self.key_addrs: Addresses = np.zeros(0, np.uint64)
        self.elem_addrs: Addresses = np.zeros(0, np.uint64)

    header: Header

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map."""
        count = len(self.key_addrs)
        if not cells:
            yield Block(ARRAY, loose=count)
            return
        for begin in range(0, count, AT_ONCE):
            numbers = np.arange(begin, min(begin + AT_ONCE, count))
            none = np.full(len(numbers), -1, np.int64)
            keys = self._column(self.key_addrs[numbers], self.header.key_type.size)
            elems = self._column(self.elem_addrs[numbers], self.header.elem_type.size)
            found = Cells(none, none, none, none, self.key_addrs[numbers], keys, elems)
            yield Block(ARRAY, None, found, loose=len(numbers))

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """See family.Map: what opening the map did not show already."""
        for item in self.walk(cells=True):
            yield item
            if isinstance(item, Problem) or item.cells is None:
                continue
            for name, column in (("key", item.cells.keys), ("elem", item.cells.elems)):
                if column.faults is not None:
                    for addr in column.faults[column.faults != 0].tolist():
                        yield Problem(f"the {name} of an entry cannot be read", addr)

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map: there are no buckets."""
        return iter(())

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map."""
        return None

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """See family.Map. A cell's address is that of its key."""
        order = np.argsort(self.key_addrs, kind="stable")
        places = order[np.searchsorted(self.key_addrs[order], cells.address)]
        return cells.address, self.elem_addrs[places]

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        return self.structs

    def _make_header(
        self,
        key_type: Type,
        elem_type: Type,
        outer_size: int,
        entry_size: int,
        facts: tuple[tuple[str, int], ...],
        detail: tuple[str, str],
    ) -> Header:
        """`outer_size`: bytes of the map's own structs; a live entry has `entry_size`."""
        return Header(
            family="Go sync.Map",
            expression=self.expression,
            type_name=go_name(self.value.type.name),
            address=self.address,
            count_at=self.address,
            key_type=key_type.renamed(go_name(key_type.name)),
            elem_type=elem_type.renamed(go_name(elem_type.name)),
            count=len(self.key_addrs),
            arrays=(),
            bucket_size=0,
            slots_per_bucket=1,
            header_size=outer_size,
            box_size=entry_size,
            facts=facts,
            details=(detail,),
            inner=self.inner,
            inner_size=self.inner_size,
            dead=self.dead,
            problems=tuple([*self.problems, *self._iter_cut()]),
        )

    def _column(self, addrs: Addresses, size: int) -> Column:
        values, ok = self.target.gather(addrs, size)
        return Column(values, None if ok.all() else np.where(ok, np.uint64(0), addrs))

    def _layout(self, name: str, fields: Sequence[str]) -> StructLayout:
        """The layout of a struct of the runtime's. TargetError."""
        found = self.target.lookup_type(name)
        if found is None or not found.fields:
            raise TargetError(
                f"no debug info for '{name}', which '{self.expression}' is made of: build without "
                "-ldflags=-w"
            )
        layout = go_layout(found, fields)
        self.structs.append(layout)
        return layout

    def _read_uint(self, address: int, what: str) -> int:
        try:
            return self.target.read_uint(address)
        except MemoryFault:
            raise TargetError(
                f"cannot read {what} of '{self.expression}' at 0x{address:x}: "
                "the pointer is wild, or the core does not hold that memory"
            ) from None

    def _problem(self, kind: str, text: str, addr: int, invariant: str) -> None:
        self._told[kind] = self._told.get(kind, 0) + 1
        if self._told[kind] <= MAX_PROBLEMS:
            self.problems.append(Problem(text, addr, invariant))

    def _iter_cut(self) -> Iterator[Problem]:
        for kind, count in self._told.items():
            if count > MAX_PROBLEMS:
                yield Problem(f"{count - MAX_PROBLEMS:,} more like this: {kind}")


class _PairMap(_LooseMap):
    """read and dirty: entries are shared between the two by their pointers."""

    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        super().__init__(target, value, found, address)
        names = ("read", "dirty", "misses")
        self.structs.append(go_layout(found, names))
        read_only = self._layout("sync.readOnly", ("m", "amended"))
        entry = self._layout("sync.entry", ("p",))
        content = _pointer_in(entry["p"].type, entry["p"].offset)
        outer_size = found.size
        at = self._read_uint(address + self._read_offset(), "the read part")
        amended = False
        read = dirty = None
        if at:
            amended = bool(self._byte(at + read_only["amended"].offset))
            read = self._inner(read_only["m"].type, at + read_only["m"].offset, "read")
            outer_size += read_only.size
        member = required_field(found, "dirty")
        dirty = self._inner(member.type, address + member.offset, "dirty")
        if amended and dirty is None:
            text = "amended is set, but there is no dirty"
            self._problem("Y2", text, address + member.offset, "Y2")
        self._collect(read, dirty, amended, content)
        misses = self._read_uint(address + required_field(found, "misses").offset, "misses")
        self._finish(read, dirty, amended, misses, outer_size, entry.size)

    def _read_offset(self) -> int:
        """Where the pointer to readOnly is: in an atomic.Pointer, or, in go1.18 and go1.19, in the
        interface of an atomic.Value."""
        member = required_field(self.found, "read")
        inner = member.type.find("v")
        if inner is not None and inner.type.kind is Kind.STRUCT:
            return member.offset + inner.offset + required_field(inner.type, "data").offset
        return _pointer_in(member.type, member.offset)

    def _byte(self, address: int) -> int:
        try:
            return self.target.read_uint(address, 1)
        except MemoryFault:
            raise TargetError(
                f"cannot read the read part of '{self.expression}' at 0x{address:x}: "
                "the pointer is wild, or the core does not hold that memory"
            ) from None

    def _inner(self, found: Type, address: int, name: str) -> Map | None:
        """The map in a variable of map type; None where it is nil."""
        pointer = self._read_uint(address, f"the {name} part")
        if pointer == 0 or found.kind is not Kind.POINTER:
            return None
        value = Value(f"{self.expression}.{name}", found, b"", address)
        for family in (go_bucket.FAMILY, go_swiss.FAMILY):
            if family.recognise(found.target):
                return family.open(self.target, value, found.target, pointer)
        raise TargetError(
            f"'{name}' of '{self.expression}' is no map that this version knows: its type is "
            f"'{found.name}'"
        )

    def _entries(self, inner: Map | None, name: str) -> tuple[Addresses, Addresses]:
        """Where keys and entries of a map are, in the order of its walk; and its Problems."""
        keys: list[Addresses] = [np.zeros(0, np.uint64)]
        entries: list[Addresses] = [np.zeros(0, np.uint64)]
        if inner is None:
            return keys[0], entries[0]
        header = inner.header
        outside = found = 0
        for item in [*header.problems, *inner.audit()]:
            if isinstance(item, Problem):
                at = self.address if item.address is None else item.address
                self._problem(
                    f"{name} {item.invariant}", f"{name}: {item.text}", at, item.invariant
                )
                continue
            outside += (item.overflow - item.spare_used) * header.bucket_size
            if item.cells is not None:
                keys.append(inner.slot_addresses(item.cells)[0])
                entries.append(pointer_column(self.target, item.cells.elems.data, 0))
                found += len(item.cells)
        if found != header.count:
            text = f"{name}: count is {header.count:,}, but {found:,} live cells were found"
            self._problem(f"{name} I1", text, header.count_at, "I1")
        self.inner = self.inner or header
        self.inner_size += header.header_size + header.directory_size + outside
        self.inner_size += sum(array.size for array in header.arrays)
        return np.concatenate(keys), np.concatenate(entries)

    def _collect(self, read: Map | None, dirty: Map | None, amended: bool, content: int) -> None:
        """The live entries: read's, and those that only dirty has."""
        read_keys, read_entries = self._entries(read, "read")
        dirty_keys, dirty_entries = self._entries(dirty, "dirty")
        more = ~np.isin(dirty_entries, read_entries)
        if not amended:
            more[:] = False
        keys = np.concatenate([read_keys, dirty_keys[more]])
        entries = np.concatenate([read_entries, dirty_entries[more]])
        rows, ok = self.target.gather(entries + np.uint64(content), self.target.pointer_size)
        for at in np.flatnonzero(~ok).tolist():
            self._problem("entry", "an entry cannot be read", int(entries[at]), "")
        values = pointer_column(self.target, rows, 0)
        expunged = self._expunged()
        gone = ok & (values == np.uint64(expunged)) & (expunged != 0)
        live = ok & (values != 0) & ~gone
        self.counts = int((ok & (values == 0)).sum()), int(gone.sum())
        self.key_addrs, self.elem_addrs = keys[live], values[live]
        if dirty is not None and len(dirty_keys):
            self._check_pair(read_entries, dirty_entries, gone[: len(read_entries)])

    def _check_pair(self, read: Addresses, dirty: Addresses, gone: NDArray[np.bool_]) -> None:
        """Y1."""
        there = np.isin(read, dirty)
        for at in np.flatnonzero(there & gone).tolist():
            self._problem("Y1 gone", "an expunged entry is in dirty", int(read[at]), "Y1")
        for at in np.flatnonzero(~there & ~gone).tolist():
            self._problem("Y1", "an entry of read is not in dirty", int(read[at]), "Y1")

    def _expunged(self) -> int:
        """The pointer that stands for deleted and absent from dirty."""
        value = find_value(self.target, "sync.expunged")
        if value is None:
            return 0
        return int.from_bytes(value.data, self.target.byte_order)

    def _finish(
        self,
        read: Map | None,
        dirty: Map | None,
        amended: bool,
        misses: int,
        outer_size: int,
        entry_size: int,
    ) -> None:
        deleted, expunged = self.counts
        live = len(self.key_addrs)
        in_read = 0 if read is None else read.header.count
        in_dirty = 0 if dirty is None else dirty.header.count
        self.dead = deleted + expunged
        self.inner_size += self.dead * entry_size
        text = (
            f"{live:,} live, {deleted:,} deleted, {expunged:,} expunged; read has {in_read:,}, "
            f"dirty {'none' if dirty is None else f'{in_dirty:,}'}"
            f"{', amended' if amended else ''}; misses {misses:,}"
        )
        facts = (
            ("live", live),
            ("deleted", deleted),
            ("expunged", expunged),
            ("read", in_read),
            ("dirty", in_dirty),
            ("amended", int(amended)),
            ("misses", misses),
        )
        known = read or dirty
        found = known.header.key_type if known is not None else self._key_type()
        self.header = self._make_header(
            found, found, outer_size, entry_size + found.size, facts, ("parts", text)
        )

    def _key_type(self) -> Type:
        """interface {}, of a map that has nothing in it yet."""
        dirty = required_field(self.found, "dirty").type
        value = Value(self.expression, dirty, b"")
        for family in (go_bucket.FAMILY, go_swiss.FAMILY):
            if dirty.kind is Kind.POINTER and family.recognise(dirty.target):
                return family.open(self.target, value, dirty.target, 0).header.key_type
        raise TargetError(f"'{self.expression}' is no sync.Map that this version knows")


class _TrieMap(_LooseMap):
    """Nodes of 16 children each; a child is a node again, or an entry with others of the same hash
    behind it."""

    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        super().__init__(target, value, found, address)
        trie = _trie_of(found)
        assert trie is not None
        self.structs.append(go_layout(trie.type, ["root"]))
        root = required_field(trie.type, "root")
        name = _parameter_of(root.type.name)
        self.indirect = self._layout(name, ("node", "dead", "parent", "children"))
        entry = name.replace(".indirect[", ".entry[", 1)
        self.entry = self._layout(entry, ("node", "overflow", "key", "value"))
        is_entry = required_field(self.indirect["node"].type, "isEntry")
        self.is_entry = self.indirect["node"].offset + is_entry.offset
        self.fanout = self.indirect["children"].type.count
        at = address + trie.offset + _pointer_in(root.type, root.offset)
        self.seen: Addresses = np.zeros(0, np.uint64)
        self.nodes = self.depth = self.used = self.overflow = 0
        self._collect(self._read_uint(at, "the root"))
        self._finish(found.size)

    def _collect(self, root: int) -> None:
        """Level by level; in the end the entries in the order of a walk from child to child."""
        entries: list[Addresses] = [np.zeros(0, np.uint64)]
        paths: list[NDArray[np.uint64]] = [np.zeros(0, np.uint64)]
        places: list[Ints] = [np.zeros(0, np.int64)]
        level = np.array([root] if root else [], np.uint64)
        parents = np.zeros(len(level), np.uint64)
        path = np.zeros(len(level), np.uint64)
        most = 8 * self.target.pointer_size // DIGIT_BITS
        while len(level):
            if self.depth >= most:
                text = f"the trie is deeper than {most} levels"
                self._problem("T3", text, int(level[0]), "T3")
                break
            shift = np.uint64(64 - DIGIT_BITS * (self.depth + 1))
            self.depth += 1
            children, child_parents, path = self._children(level, parents, path, shift)
            rows, ok = self.target.gather(children + np.uint64(self.is_entry), 1)
            for at in np.flatnonzero(~ok).tolist():
                self._problem("node", "a node cannot be read", int(children[at]), "")
            leaf = ok & (rows[:, 0] != 0)
            inner = ok & ~leaf
            chain, chain_path, place = children[leaf], path[leaf], 0
            while len(chain):
                entries.append(chain)
                paths.append(chain_path)
                places.append(np.full(len(chain), place, np.int64))
                chain, chain_path = self._overflow(chain, chain_path)
                self.overflow += len(chain)
                place += 1
            level, parents, path = children[inner], child_parents[inner], path[inner]
        order = np.lexsort((np.concatenate(places), np.concatenate(paths)))
        found = np.concatenate(entries)[order]
        self.key_addrs = found + np.uint64(self.entry["key"].offset)
        self.elem_addrs = found + np.uint64(self.entry["value"].offset)

    def _children(
        self, level: Addresses, parents: Addresses, path: NDArray[np.uint64], shift: np.uint64
    ) -> tuple[Addresses, Addresses, NDArray[np.uint64]]:
        """The children of nodes that were not met before, their parents and their paths."""
        raw, ok = self.target.gather(level, self.indirect.size)
        for at in np.flatnonzero(~ok).tolist():
            self._problem("node", "a node cannot be read", int(level[at]), "")
        level, parents, path, raw = level[ok], parents[ok], path[ok], raw[ok]
        self._check_nodes(level, parents, raw)
        self.nodes += len(level)
        member = self.indirect["children"]
        step = member.size // max(self.fanout, 1)
        inside = _pointer_in(member.type.target, 0)
        columns = [
            pointer_column(self.target, raw, member.offset + child * step + inside)
            for child in range(self.fanout)
        ]
        grid = np.stack(columns, axis=1) if columns else np.zeros((len(level), 0), np.uint64)
        node, child = np.nonzero(grid)
        self.used += len(node)
        paths = path[node] | (child.astype(np.uint64) << shift)
        children = grid[node, child]
        fresh = self._fresh(children)
        return children[fresh], level[node][fresh], paths[fresh]

    def _check_nodes(self, level: Addresses, parents: Addresses, raw: Raw) -> None:
        """T1."""
        parent, dead = self.indirect["parent"], self.indirect["dead"]
        found = pointer_column(self.target, raw, parent.offset)
        for at in np.flatnonzero(found != parents).tolist():
            text = f"a node's parent is 0x{found[at]:x}, not 0x{parents[at]:x}"
            self._problem("T1", text, int(level[at]) + parent.offset, "T1")
        bytes_of = raw[:, dead.offset : dead.offset + dead.size]
        for at in np.flatnonzero(bytes_of.any(axis=1)).tolist():
            text = "a dead node is still in the trie"
            self._problem("T1 dead", text, int(level[at]) + dead.offset, "T1")

    def _overflow(
        self, entries: Addresses, path: NDArray[np.uint64]
    ) -> tuple[Addresses, NDArray[np.uint64]]:
        """The entries behind entries."""
        member = self.entry["overflow"]
        offset = _pointer_in(member.type, member.offset)
        rows, ok = self.target.gather(entries + np.uint64(offset), self.target.pointer_size)
        links = np.where(ok, pointer_column(self.target, rows, 0), np.uint64(0))
        there = links != 0
        links, path = links[there], path[there]
        fresh = self._fresh(links)
        return links[fresh], path[fresh]

    def _fresh(self, addrs: Addresses) -> NDArray[np.bool_]:
        """Which addresses are met for the first time (T2)."""
        fresh = np.zeros(len(addrs), np.bool_)
        fresh[np.unique(addrs, return_index=True)[1]] = True
        fresh &= ~np.isin(addrs, self.seen)
        for at in np.flatnonzero(~fresh).tolist():
            self._problem("T2", "a node is met again", int(addrs[at]), "T2")
        self.seen = np.concatenate([self.seen, addrs[fresh]])
        return fresh

    def _finish(self, size: int) -> None:
        live = len(self.key_addrs)
        slots = self.nodes * self.fanout
        share = f"{100 * self.used / slots:.1f}%" if slots else "none"
        nodes = (
            f"{self.nodes:,} nodes, {share} of their"
            if self.nodes > 1
            else f"1 node, {share} of its"
        )
        text = f"depth {self.depth}, {nodes} {slots:,} children in use"
        if self.overflow:
            entries = "1 entry shares" if self.overflow == 1 else f"{self.overflow:,} entries share"
            text += f"; {entries} the hash of another"
        facts = (
            ("live", live),
            ("indirects", self.nodes),
            ("children", self.used),
            ("depth", self.depth),
            ("overflow", self.overflow),
        )
        if not self.nodes:
            text = "never used"
        self.inner_size = self.nodes * self.indirect.size
        self.header = self._make_header(
            self.entry["key"].type,
            self.entry["value"].type,
            size,
            self.entry.size,
            facts,
            ("trie", text),
        )


def _pointer_in(found: Type, offset: int) -> int:
    """Where the pointer is in a pointer, or in an atomic.Pointer (sync/atomic/type.go), at an
    offset."""
    if found.kind is Kind.STRUCT:
        return offset + required_field(found, "v").offset
    return offset


def _parameter_of(name: str) -> str:
    """T of "sync/atomic.Pointer[T]"; a name that is no such is left as it is."""
    name = go_name(name)
    begin = name.find("[")
    return name[begin + 1 : -1] if begin >= 0 and name.endswith("]") else name
