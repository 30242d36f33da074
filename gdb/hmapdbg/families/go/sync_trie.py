"""sync.Map from go1.24 on: a hash trie (src/internal/sync/hashtriemap.go)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Ints
from ...geometry.address_set import AddressSet
from ...geometry.columns import Mask, Raw, pointer_column
from ...target import Field, Kind, Target, Type, Value
from ..family import has_fields
from ...languages.go import go_layout, required_field, with_shapes
from .blocks import Blocks
from .sync_map import SyncMap, pointer_in

TRIE_FIELDS = ("root", "keyHash", "valEqual")
MAX_CHAIN = 4096  # entries of one hash, which has 64 bits
DIGIT_BITS = 4  # of the hash, per level of the trie (nChildrenLog2)


def trie_of(found: Type) -> Field | None:
    """The trie in a sync.Map, or the struct itself if it is one; None if it has none."""
    if has_fields(found, TRIE_FIELDS):
        return Field("", 0, found)
    member = found.find("m")
    if member is None or member.type.kind is not Kind.STRUCT:
        return None
    inner = trie_of(member.type) if member.type.find("root") else None
    return inner and Field("m", member.offset, member.type)


class TrieMap(SyncMap):
    """Nodes of 16 children each; a child is another node, or an entry followed by others with the
    same hash."""

    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        super().__init__(target, value, found, address)
        trie = trie_of(found)
        assert trie is not None
        self.structs.append(go_layout(trie.type, ["root"]))
        root = required_field(trie.type, "root")
        name = _parameter_of(root.type.name)
        self.indirect = self.layout(name, ("node", "dead", "parent", "children"))
        entry = name.replace(".indirect[", ".entry[", 1)
        # go1.27 has entries in debug info only as generic functions see them.
        self.entry = self.layout(entry, ("node", "overflow", "key", "value"), with_shapes(entry))
        is_entry = required_field(self.indirect["node"].type, "isEntry")
        self.is_entry = self.indirect["node"].offset + is_entry.offset
        self.fanout = self.indirect["children"].type.count
        at = address + trie.offset + pointer_in(root.type, root.offset)
        self.seen = AddressSet()
        self.nodes = self.depth = self.used = self.overflow = 0
        self._collect(self.read_uint(at, "the root"))
        self._finish(found.size)

    def _collect(self, root: int) -> None:
        """Level by level; sorts the entries at the end, in the order of a walk by children."""
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
                self.problem("T3", text, int(level[0]), "T3")
                break
            shift = np.uint64(64 - DIGIT_BITS * (self.depth + 1))
            self.depth += 1
            children, child_parents, path = self._children(level, parents, path, shift)
            rows, ok = self.target.gather(children + np.uint64(self.is_entry), 1)
            for at in np.flatnonzero(~ok).tolist():
                self.problem("node", "a node cannot be read", int(children[at]), "")
            leaf = ok & (rows[:, 0] != 0)
            leaf[leaf] = ~self._are_inner(children[leaf], child_parents[leaf])
            inner = ok & ~leaf
            chain, chain_path, place = children[leaf], path[leaf], 0
            while len(chain):
                entries.append(chain)
                paths.append(chain_path)
                places.append(np.full(len(chain), place, np.int64))
                chain, chain_path = self._overflow(chain, chain_path)
                self.overflow += len(chain)
                place += 1
                if place == MAX_CHAIN and len(chain):
                    text = (
                        f"more than {MAX_CHAIN:,} entries have one hash: those after are not read"
                    )
                    self.problem("T4", text, int(chain[0]), "T4")
                    break
            level, parents, path = children[inner], child_parents[inner], path[inner]
        order = np.lexsort((np.concatenate(places), np.concatenate(paths)))
        found = np.concatenate(entries)[order]
        self.key_addrs = found + np.uint64(self.entry["key"].offset)
        self.elem_addrs = found + np.uint64(self.entry["value"].offset)

    def _children(
        self, level: Addresses, parents: Addresses, path: NDArray[np.uint64], shift: np.uint64
    ) -> tuple[Addresses, Addresses, NDArray[np.uint64]]:
        """The new children of nodes, their parents and their paths."""
        raw, ok = self.target.gather(level, self.indirect.size)
        for at in np.flatnonzero(~ok).tolist():
            self.problem("node", "a node cannot be read", int(level[at]), "")
        level, parents, path, raw = level[ok], parents[ok], path[ok], raw[ok]
        self._check_nodes(level, parents, raw)
        self.nodes += len(level)
        member = self.indirect["children"]
        step = member.size // max(self.fanout, 1)
        inside = pointer_in(member.type.target, 0)
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

    def _are_inner(self, nodes: Addresses, parents: Addresses) -> Mask:
        """Which nodes that are marked as entries lead back to their parents, as only others do."""
        parent = self.indirect["parent"]
        rows, ok = self.target.gather(nodes + np.uint64(parent.offset), self.target.pointer_size)
        found: Mask = ok & (pointer_column(self.target, rows, 0) == parents)
        for at in np.flatnonzero(found).tolist():
            text = "an inner node is marked as an entry"
            self.problem("T1 marked", text, int(nodes[at]) + self.is_entry, "T1")
        return found

    def _check_nodes(self, level: Addresses, parents: Addresses, raw: Raw) -> None:
        """T1."""
        parent, dead = self.indirect["parent"], self.indirect["dead"]
        found = pointer_column(self.target, raw, parent.offset)
        for at in np.flatnonzero(found != parents).tolist():
            text = f"a node's parent is 0x{found[at]:x}, not 0x{parents[at]:x}"
            self.problem("T1", text, int(level[at]) + parent.offset, "T1")
        bytes_of = raw[:, dead.offset : dead.offset + dead.size]
        for at in np.flatnonzero(bytes_of.any(axis=1)).tolist():
            text = "a dead node is still in the trie"
            self.problem("T1 dead", text, int(level[at]) + dead.offset, "T1")

    def _overflow(
        self, entries: Addresses, path: NDArray[np.uint64]
    ) -> tuple[Addresses, NDArray[np.uint64]]:
        """The entries that follow entries."""
        member = self.entry["overflow"]
        offset = pointer_in(member.type, member.offset)
        rows, ok = self.target.gather(entries + np.uint64(offset), self.target.pointer_size)
        links = np.where(ok, pointer_column(self.target, rows, 0), np.uint64(0))
        there = links != 0
        links, path = links[there], path[there]
        fresh = self._fresh(links)
        return links[fresh], path[fresh]

    def _fresh(self, addrs: Addresses) -> Mask:
        """Which addresses are reached for the first time (T2)."""
        fresh: Mask = self.seen.add(addrs, np.zeros(len(addrs), np.int64)) < 0
        for at in np.flatnonzero(~fresh).tolist():
            self.problem("T2", "a node is reached again", int(addrs[at]), "T2")
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
        blocks = self.target.kept(Blocks)
        nodes_size = self.nodes * blocks.size(self.indirect.size)
        self.header = self.make_header(
            self.entry["key"].type,
            self.entry["value"].type,
            size,
            blocks.size(self.entry.size),
            ("nodes", nodes_size),
            lambda live: nodes_size,
            facts,
            ("trie", text),
        )


def _parameter_of(name: str) -> str:
    """T of "sync/atomic.Pointer[T]"; other names are left as they are."""
    begin = name.find("[")
    return name[begin + 1 : -1] if begin >= 0 and name.endswith("]") else name
