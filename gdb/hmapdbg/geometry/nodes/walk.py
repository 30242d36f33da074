"""The walk of lists of nodes: the buckets in order, and the entries of each.

First the nodes of every bucket are counted (runs), from links alone. If entries are wanted, the
nodes are then read again, whole: as many buckets at a time as fill a Block, their runs in parallel,
one generation at a time; a run that alone is larger than a Block is followed on its own and
split."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

import numpy as np

from ...block import Addresses, Block, Buckets, Cells, Chain, Column, Ints, Link, Place, Problem
from ...header import Array
from ...target import Target
from ..columns import Mask, Raw, pointer_column
from .layout import NodeLayout, Seen
from .runs import FEW, MAX_GENERATIONS, STRETCH, Runs
from .table import Table

BLOCK_BYTES = 8 << 20  # of nodes in a Block
ROWS = 1 << 17  # buckets in a Block without entries


class NodeWalk:
    """One pass over a table.

    head_at, header: see Table; `evidence`: whether every node that is read is also yielded, before
    the Block that has it."""

    def __init__(
        self,
        target: Target,
        layout: NodeLayout,
        array: Array,
        head_at: int,
        header: tuple[int, int],
        evidence: bool = False,
    ) -> None:
        self.target = target
        self.layout = layout
        self.array = array
        self.table = Table(target, layout, array, head_at, header)
        self.evidence = evidence
        self._given: Mask | None = None  # of the runs shared by several cells: counted already

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem, Seen]]:
        """See family.Map."""
        runs = Runs(self.table)
        low, high = 0, self.array.buckets
        yield from runs.load()
        if only is None:
            yield from runs.count()
        else:
            low, high = only.bucket, only.bucket + 1
            yield from runs.count(self._cells(low, high))
        self._given = np.zeros(len(runs.repeated), np.bool_)
        for bucket, befores in self.table.iter_cells(low, high):
            heads, live = runs.of(befores)
            self._give_once(runs, befores, live)
            if cells:
                yield from self._with_cells(bucket, heads, live)
                continue
            for begin in range(0, len(bucket), ROWS):
                part = slice(begin, begin + ROWS)
                yield Block(self.array.name, self._rows(bucket[part], live[part]))
        yield from self.table.told.iter_cut()

    def iter_chains(self, low: int, high: int) -> Iterator[Chain]:
        """Buckets [low, high), each with its nodes."""
        runs = Runs(self.table)
        for _ in runs.load():
            pass
        befores = dict(
            (bucket, cell)
            for buckets, cells in self.table.iter_cells(low, high)
            for bucket, cell in zip(buckets.tolist(), cells.tolist())
        )
        chosen = np.array([cell for cell in befores.values() if cell], np.uint64)
        for _ in runs.count(chosen):
            pass
        for bucket in range(low, high):
            address = self.array.address + bucket * self.table.width
            links = self._iter_run(runs, befores.get(bucket))
            yield Chain(self.array.name, bucket, address, links)

    def _iter_run(self, runs: Runs, before: int | None) -> Iterator[Link]:
        if before is None:
            yield Link(0, note="the bucket cannot be read")
            return
        heads, counts = runs.of(np.array([before], np.uint64))
        if before and not counts[0]:
            yield Link(before, note="no node follows the before-node: see hmap-check")
        for _, addrs, raw, ok in self._stretches(0, int(heads[0]), int(counts[0])):
            keys, elems = self._values(addrs, raw, ok)
            codes = self._codes(raw)
            for index, addr in enumerate(addrs.tolist()):
                place = np.array([index])
                yield Link(
                    addr,
                    tophash=() if codes is None else (int(codes[index]),),
                    live=(True,),
                    keys=keys.take(place),
                    elems=elems.take(place),
                )

    def _codes(self, raw: Raw) -> Addresses | None:
        """The cached hash codes of nodes; None if they are not cached."""
        layout = self.layout
        if layout.code < 0:
            return None
        return pointer_column(self.target, raw[:, layout.code : layout.code + layout.code_size])

    def _cells(self, low: int, high: int) -> Addresses:
        parts = [cells for _, cells in self.table.iter_cells(low, high)]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint64)

    def _give_once(self, runs: Runs, befores: Addresses, live: Ints) -> None:
        """Of cells that share a before-node, only the first has its nodes."""
        shared = runs.repeated
        if len(shared) == 0 or self._given is None:
            return
        place = np.minimum(np.searchsorted(shared, befores), len(shared) - 1)
        rows = np.flatnonzero(shared[place] == befores)
        unique, first = np.unique(place[rows], return_index=True)
        kept = np.zeros(len(befores), np.bool_)
        kept[rows[first[~self._given[unique]]]] = True
        self._given[unique] = True
        live[rows[~kept[rows]]] = 0

    def _rows(self, bucket: Ints, live: Ints) -> Buckets:
        nothing = np.zeros(len(bucket), np.int64)
        address = np.uint64(self.array.address) + bucket.astype(np.uint64) * np.uint64(
            self.table.width
        )
        return Buckets(
            bucket, address, live, live, live, nothing, nothing, np.zeros(len(bucket), np.bool_)
        )

    # ---- entries

    def _with_cells(
        self, bucket: Ints, heads: Addresses, live: Ints
    ) -> Iterator[Union[Block, Problem, Seen]]:
        most = max(1, BLOCK_BYTES // self.layout.size)
        ends = np.cumsum(live)
        begin = 0
        while begin < len(bucket):
            done = int(ends[begin - 1]) if begin else 0
            end = int(np.searchsorted(ends, done + most, side="right"))
            end = max(min(end, begin + ROWS), begin + 1)
            part = slice(begin, end)
            rows = self._rows(bucket[part], live[part])
            if end == begin + 1 and live[begin] > most:
                yield from self._long_run(rows, int(heads[begin]))
            else:
                yield from self._short_runs(rows, heads[part])
            begin = end

    def _short_runs(self, rows: Buckets, heads: Addresses) -> Iterator[Union[Block, Problem, Seen]]:
        """Buckets whose nodes fit into a Block."""
        row = np.flatnonzero(rows.live)
        nodes = heads[row]
        parts: list[tuple[Ints, Ints, Addresses, Raw, Mask]] = []
        place = 0
        while len(row) and not (place >= MAX_GENERATIONS and len(row) <= FEW):
            raw, ok, nodes_behind = self._read(nodes)
            parts.append((row, np.full(len(row), place), nodes, raw, ok))
            place += 1
            more = rows.live[row] > place
            row, nodes = row[more], nodes_behind[more]
        for one, node in zip(row.tolist(), nodes.tolist()):
            at = place
            for _, addrs, raw, ok in self._stretches(0, node, int(rows.live[one]) - place):
                places = np.arange(at, at + len(addrs))
                parts.append((np.full(len(addrs), one), places, addrs, raw, ok))
                at += len(addrs)
        cells = None
        if parts:
            found, places, addrs, raw, ok = (
                np.concatenate([part[column] for part in parts]) for column in range(5)
            )
            # Parts come generation by generation, so a stable sort by row is the order wanted.
            order = np.argsort(found, kind="stable")
            bucket, addrs = rows.bucket[found[order]], addrs[order]
            raw, ok = raw[order], ok[order]
            if self.evidence:
                yield Seen(bucket, addrs, raw, ok)
            cells = self._columns(bucket, places[order], addrs, raw, ok)
        yield Block(self.array.name, rows, cells)

    def _long_run(self, rows: Buckets, node: int) -> Iterator[Union[Block, Problem, Seen]]:
        """One bucket whose nodes do not fit into a Block."""
        place = 0
        for bucket, addrs, raw, ok in self._stretches(int(rows.bucket[0]), node, int(rows.live[0])):
            buckets = np.full(len(addrs), bucket)
            if self.evidence:
                yield Seen(buckets, addrs, raw, ok)
            places = np.arange(place, place + len(addrs))
            place += len(addrs)
            yield Block(self.array.name, None, self._columns(buckets, places, addrs, raw, ok))
        yield Block(self.array.name, rows)

    def _stretches(
        self, bucket: int, node: int, count: int
    ) -> Iterator[tuple[int, Addresses, Raw, Mask]]:
        """`count` nodes of a run from `node` on, a stretch at a time."""
        size = self.layout.size
        limit = max(1, min(STRETCH, BLOCK_BYTES // size))
        while node and count > 0:
            addrs, parts, node, faulty = self.table.stretch(node, min(limit, count), size)
            if not addrs:
                if not faulty:
                    return
                # Its link could be read, but not all of it.
                at = np.array([node], np.uint64)
                raw, ok, behind = self._read(at)
                yield bucket, at, raw, ok
                count -= 1
                node = int(behind[0])
                continue
            raw = np.frombuffer(b"".join(parts), np.uint8).reshape(len(addrs), size)
            yield bucket, np.array(addrs, np.uint64), raw, np.ones(len(addrs), np.bool_)
            count -= len(addrs)

    def _read(self, nodes: Addresses) -> tuple[Raw, Mask, Addresses]:
        """Nodes, which of them are whole, and their links."""
        layout = self.layout
        raw, ok = self.target.gather(nodes, layout.size)
        links = pointer_column(self.target, raw[:, layout.link : layout.link + self.table.width])
        if not ok.all():
            links[~ok], _ = self.table.links(nodes[~ok])
        return raw, ok, links

    def _columns(self, bucket: Ints, places: Ints, addrs: Addresses, raw: Raw, ok: Mask) -> Cells:
        count = len(addrs)
        keys, elems = self._values(addrs, raw, ok)
        return Cells(
            bucket=bucket,
            chain_index=places,
            slot=np.zeros(count, np.int64),
            tophash=np.full(count, -1),
            address=addrs,
            keys=keys,
            elems=elems,
        )

    def _values(self, addrs: Addresses, raw: Raw, ok: Mask) -> tuple[Column, Column]:
        layout = self.layout
        return (
            Column.read(raw[:, layout.key : layout.key + layout.key_size], ok, addrs),
            Column.read(raw[:, layout.elem : layout.elem + layout.elem_size], ok, addrs),
        )
