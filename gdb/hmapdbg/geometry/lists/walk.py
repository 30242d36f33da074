"""The walk of lists: first the links alone, all lists of a part of the array side by side, one node
of each at a time; then, if entries are wanted, the nodes of as many buckets as fill a Block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

import numpy as np

from ...block import Addresses, Block, Buckets, Cells, Chain, Column, Ints, Link, Place, Problem
from ...compat import dataclass
from ...header import Array
from ...target import MemoryFault, Target
from ..columns import Mask, Raw, iter_runs
from ..problems import Told
from ..ranges import next_readable, rows_text
from .layout import ListLayout, Pointers, Seen, Segments

SLAB = 1 << 17  # cells at a time
BLOCK_BYTES = 8 << 20  # of nodes in a Block
MANY_MORE = 4  # times the nodes that the map counts, after which lists are taken for endless
MOST = 1 << 26  # nodes, if the map does not count them
FEW = 8  # lists that are followed one after the other, if they are longer than
LONG = 64  # nodes
WINDOW = 4096  # bytes read around a node of such a list


@dataclass(frozen=True)
class _Found:
    """The entries of some buckets, ordered by bucket and by their places in its list."""

    rows: Ints  # (n,) of the part of the array
    places: Ints  # (n,)
    addrs: Addresses  # (n,) where their nodes start; of one without a node, where its link is
    is_direct: Mask  # (n,) which have none, but are a link that is the key
    keys: Addresses  # (n,) of those


_Parts = list[tuple[Ints, Ints, Addresses, Mask, Addresses]]


def _of_nodes(
    rows: Ints, places: Ints, addrs: Addresses
) -> tuple[Ints, Ints, Addresses, Mask, Addresses]:
    """Entries with nodes, as a part of _Found."""
    return rows, places, addrs, np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.uint64)


class ListWalk:
    """One pass over an array. `count`: the entries that the map counts, -1: it does not;
    `evidence`: whether the nodes that are read are yielded too, before the Block that has them;
    `evacuated`: the buckets below it are moved to another array; `segments`: of an array that is
    not in one piece."""

    def __init__(
        self,
        target: Target,
        layout: ListLayout,
        array: Array,
        count: int,
        evidence: bool = False,
        evacuated: int = 0,
        segments: Segments | None = None,
    ) -> None:
        self.target = target
        self.layout = layout
        self.array = array
        self.evidence = evidence
        self.evacuated = evacuated
        self.segments = segments
        self.told = Told()
        self._links = layout.links or Pointers(layout.head, layout.link)
        self._left = MOST if count < 0 else MANY_MORE * count + (1 << 16)
        self._window = (0, b"")

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem, Seen]]:
        """See family.Map."""
        low, high = (0, self.array.buckets) if only is None else (only.bucket, only.bucket + 1)
        first = low
        while first < high:
            end = min(first + SLAB, high)
            raw, ok = self._read_cells(first, end)
            after = self._next_readable(end, high)
            for begin, stop in iter_runs(np.concatenate([~ok, [after > end]])):
                stop = after if stop > len(ok) else first + stop
                rows = rows_text("bucket", first + begin, stop)
                text = f"{self.array.prefix}{rows} cannot be read"
                yield from self.told.problem("cells", text, self._cell(first + begin), "")
            if not ok.any() and self.target.mappings() is None:
                break  # a wild array is endless
            cells_at = self._cells(np.arange(first, end))
            heads = np.where(ok, self._links.heads(self.target, raw, cells_at), np.uint64(0))
            yield from self._drop_moved(first, heads)
            found: list[_Found] = []
            yield from self._follow(first, heads, found)
            yield from self._blocks(first + np.flatnonzero(ok), first, found[0], cells)
            first = after
        yield from self.told.iter_cut()

    def iter_chains(self, low: int, high: int) -> Iterator[Chain]:
        """Buckets [low, high), each with its nodes."""
        for bucket in range(low, high):
            yield Chain(self.array.name, bucket, self._cell(bucket), self._iter_links(bucket))

    # ---- links

    def _drop_moved(self, first: int, heads: Addresses) -> Iterator[Problem]:
        """Clears the links of evacuated buckets, and yields those that are there still."""
        moved = max(0, min(self.evacuated - first, len(heads)))
        for at in np.flatnonzero(heads[:moved]).tolist() if self.evidence else ():
            text = f"{self._name(first + at)} was evacuated, but has a list at 0x{int(heads[at]):x}"
            place = self._cell(first + at) + self.layout.head
            yield from self.told.problem("moved", text, place, "L7")
        heads[:moved] = 0

    def _follow(self, first: int, heads: Addresses, out: list[_Found]) -> Iterator[Problem]:
        """Appends the entries of all lists, and yields what ends one before its time. A list that
        leads back into itself is left once a node is met that was marked (Brent's algorithm)."""
        layout, marked = self.layout, np.zeros(len(heads), np.uint64)
        parts: _Parts = []
        rows, links, place = np.flatnonzero(heads), heads[heads != 0], 0
        places = self._cells(first + rows) + np.uint64(layout.head)  # of the links
        while len(rows):
            rows, links, places = self._take_direct(rows, links, places, place, parts)
            if place >= LONG and len(rows) <= FEW:
                for row, link in zip(rows.tolist(), links.tolist()):
                    yield from self._follow_one(first, row, link, place, parts)
                break
            starts = links - np.uint64(layout.lead)
            good = (starts % np.uint64(layout.align) == 0) & (links >= np.uint64(layout.lead))
            cells = self._cells(first + rows)
            following, ok = self._links.following(self.target, starts, cells)
            good &= ok
            for at in np.flatnonzero(~good).tolist():
                yield from self._bad_link(first + int(rows[at]), int(links[at]))
            rows, starts = rows[good], starts[good]
            parts.append(_of_nodes(rows, np.full(len(rows), place), starts))
            self._left -= len(rows)
            if self._left < 0:
                yield from self._endless(first + int(rows[0]), int(starts[0]))
                break
            links = following[good]
            repeated = starts == marked[rows]
            for at in np.flatnonzero(repeated).tolist():
                yield from self._endless(first + int(rows[at]), int(starts[at]))
            if place & (place - 1) == 0:
                marked[rows] = starts
            going = (links != 0) & ~repeated
            places = (starts + np.uint64(layout.link))[going]
            rows, links = rows[going], links[going]
            place += 1
        if not parts:
            none = np.zeros(0, np.int64)
            parts.append(_of_nodes(none, none, none.astype(np.uint64)))
        columns = [np.concatenate([part[at] for part in parts]) for at in range(5)]
        order = np.argsort(columns[0], kind="stable")
        out.append(_Found(*(column[order] for column in columns)))

    def _take_direct(
        self, rows: Ints, links: Addresses, places: Addresses, place: int, parts: _Parts
    ) -> tuple[Ints, Addresses, Addresses]:
        """Takes the links that are keys, each the end of its list; the others are left."""
        if self.layout.direct is None:
            return rows, links, places
        which, keys = self.layout.direct(links)
        if which.any():
            count = int(which.sum())
            numbers = np.full(count, place)
            parts.append((rows[which], numbers, places[which], which[which], keys[which]))
        return rows[~which], links[~which], places[~which]

    def _follow_one(
        self, first: int, row: int, link: int, place: int, parts: _Parts
    ) -> Iterator[Problem]:
        """The rest of a long list."""
        layout, cell = self.layout, self._cell(first + row)
        found: list[int] = []
        at, marked = 0, -1  # where the link is; see _follow
        while link:
            if layout.direct is not None and at:
                one = np.array([link], np.uint64)
                where, rows = np.array([at], np.uint64), np.array([row])
                if not len(self._take_direct(rows, one, where, place + len(found), parts)[0]):
                    break
            start = link - layout.lead
            is_bad = start < 0 or start % layout.align
            following = None if is_bad else self._following_one(start, cell)
            if following is None:
                yield from self._bad_link(first + row, link)
                break
            found.append(start)
            self._left -= 1
            if self._left < 0 or start == marked:
                yield from self._endless(first + row, start)
                break
            if len(found) & (len(found) - 1) == 0:
                marked = start
            link, at = following, start + layout.link
        places = np.arange(place, place + len(found))
        rest = _of_nodes(np.full(len(found), row), places, np.array(found, np.uint64))
        # Before the link at their end that is a key.
        parts.insert(len(parts) - 1 if parts and parts[-1][1][0] > place else len(parts), rest)

    def _following_one(self, start: int, cell: int) -> int | None:
        """The link behind the node at an address; None: it cannot be read."""
        if self.layout.links is None:
            return self._link_at(start)
        starts, cells = np.array([start], np.uint64), np.array([cell], np.uint64)
        following, ok = self._links.following(self.target, starts, cells)
        return int(following[0]) if ok[0] else None

    def _link_at(self, start: int) -> int | None:
        """The pointer in the node at an address; None: it cannot be read."""
        width = self.target.pointer_size
        at = start + self.layout.link
        begin, data = self._window
        if not begin <= at <= begin + len(data) - width:
            try:
                begin = at & -WINDOW
                data = self.target.read(begin, WINDOW)
                if at + width > begin + WINDOW:
                    raise MemoryFault(at, width)
            except MemoryFault:
                try:
                    begin, data = at, self.target.read(at, width)
                except MemoryFault:
                    return None
            self._window = begin, data
        return int.from_bytes(data[at - begin : at - begin + width], self.target.byte_order)

    def _bad_link(self, bucket: int, link: int) -> list[Problem]:
        text = f"{self._name(bucket)}: its list leads to 0x{link:x}, where no node can be"
        return self.told.problem("link", text, link, "L3")

    def _endless(self, bucket: int, start: int) -> list[Problem]:
        text = f"{self._name(bucket)}: the lists have far more nodes than the map counts, or no end"
        return self.told.problem("endless", text, start, "L3")

    # ---- blocks

    def _blocks(
        self, buckets: Ints, first: int, found: _Found, cells: bool
    ) -> Iterator[Union[Block, Seen]]:
        """The buckets that were read, in Blocks."""
        counts = np.bincount(
            found.rows, minlength=int(buckets[-1]) - first + 1 if len(buckets) else 0
        )
        live = counts[buckets - first]
        if not cells:
            if len(buckets):
                yield Block(self.array.name, self._rows(buckets, live))
            return
        ends = np.cumsum(live)
        most = max(1, BLOCK_BYTES // self.layout.size)
        begin = done = 0
        while begin < len(buckets):
            end = int(np.searchsorted(ends, done + most, side="right"))
            if end > begin:
                stop = int(ends[end - 1])
                rows = self._rows(buckets[begin:end], live[begin:end])
                yield from self._block(first, rows, found, done, stop)
                begin, done = end, stop
                continue
            # One list that is larger than a Block: its row comes with its last nodes.
            stop = int(ends[begin])
            rows = self._rows(buckets[begin : begin + 1], live[begin : begin + 1])
            while done + most < stop:
                yield from self._block(first, None, found, done, done + most)
                done += most
            yield from self._block(first, rows, found, done, stop)
            begin, done = begin + 1, stop

    def _block(
        self, first: int, rows: Buckets | None, found: _Found, low: int, high: int
    ) -> Iterator[Union[Block, Seen]]:
        """The entries [low, high) of a part."""
        addrs, buckets = found.addrs[low:high], first + found.rows[low:high]
        raw, ok = self._read(addrs, found.is_direct[low:high], found.keys[low:high])
        if self.evidence and len(addrs):
            yield Seen(self.array, buckets, addrs, raw, ok)
        keys, elems = self._values(addrs, raw, ok)
        codes = self._codes(raw)
        made = Cells(
            bucket=buckets,
            chain_index=found.places[low:high],
            slot=np.zeros(len(addrs), np.int64),
            tophash=np.full(len(addrs), -1) if codes is None else codes.astype(np.int64),
            address=addrs,
            keys=keys,
            elems=elems,
        )
        yield Block(self.array.name, rows, made)

    def _read(self, addrs: Addresses, is_direct: Mask, keys: Addresses) -> tuple[Raw, Mask]:
        """The nodes of entries, and which could be read; of one without a node, one with that
        key."""
        layout = self.layout
        if not is_direct.any():
            return self.target.gather(addrs, layout.size)
        raw, ok = np.zeros((len(addrs), layout.size), np.uint8), is_direct.copy()
        raw[~is_direct], ok[~is_direct] = self.target.gather(addrs[~is_direct], layout.size)
        begin, width = layout.key, self.target.pointer_size
        words = keys[is_direct].astype(f"{self.target.order}u{width}")
        raw[is_direct, begin : begin + width] = words.view(np.uint8).reshape(-1, width)
        return raw, ok

    def _rows(self, buckets: Ints, live: Ints) -> Buckets:
        nothing = np.zeros(len(buckets), np.int64)
        return Buckets(
            buckets,
            self._cells(buckets),
            live,
            live,
            live,
            nothing,
            nothing,
            buckets < self.evacuated,
        )

    def _values(self, addrs: Addresses, raw: Raw, ok: Mask) -> tuple[Column, Column]:
        layout, found = self.layout, []
        for own, at, size in (
            (layout.keys, layout.key, layout.key_size),
            (layout.elems, layout.elem, layout.elem_size),
        ):
            if own is None:
                found.append(Column.read(raw[:, at : at + size], ok, addrs))
            else:
                found.append(own.column(self.target, addrs, raw, ok))
        if layout.inside is not None:
            width = self.target.pointer_size
            texts = layout.inside.addresses(addrs, raw).astype(f"{self.target.order}u{width}")
            found[0] = Column.read(texts.view(np.uint8).reshape(-1, width), ok, addrs)
        return found[0], found[1]

    def _codes(self, raw: Raw) -> Addresses | None:
        """The stored hash codes of nodes; None if there are none."""
        layout = self.layout
        if layout.code < 0:
            return None
        return self.target.integer_column(raw, layout.code, layout.code_size).astype(np.uint64)

    # ---- cells

    def _name(self, bucket: int) -> str:
        return f"{self.array.prefix}bucket {bucket:,}"

    def _cells(self, buckets: Ints) -> Addresses:
        """Where the cells of buckets are (n,)."""
        if self.segments is not None:
            return self.segments.cells(buckets, self.layout.stride)
        places = buckets.astype(np.uint64) * np.uint64(self.layout.stride)
        return np.uint64(self.array.address) + places

    def _cell(self, bucket: int) -> int:
        return int(self._cells(np.array([bucket]))[0])

    def _read_cells(self, first: int, end: int) -> tuple[Raw, Mask]:
        if self.segments is not None:
            return self.target.gather(self._cells(np.arange(first, end)), self.layout.stride)
        return self.target.read_rows(self._cell(first), end - first, self.layout.stride)

    def _next_readable(self, end: int, high: int) -> int:
        """The first bucket from `end` on that may be in memory."""
        if self.segments is not None:
            return end
        return next_readable(self.target, self._cell(0), self.layout.stride, end, high)

    def _iter_links(self, bucket: int) -> Iterator[Link]:
        found: list[_Found] = []
        raw, ok = self._read_cells(bucket, bucket + 1)
        if not ok[0]:
            yield Link(0, note="the bucket cannot be read")
            return
        heads = self._links.heads(self.target, raw, self._cells(np.array([bucket])))
        problems = list(self._follow(bucket, heads, found))
        addrs = found[0].addrs
        data, read = self._read(addrs, found[0].is_direct, found[0].keys)
        keys, elems = self._values(addrs, data, read)
        codes = self._codes(data)
        for index, addr in enumerate(addrs.tolist()):
            at = np.array([index])
            yield Link(
                addr,
                tophash=() if codes is None else (int(codes[index]),),
                live=(True,),
                keys=keys.take(at),
                elems=elems.take(at),
            )
        for one in problems:
            yield Link(one.address or 0, note=one.text)
