"""How many nodes each bucket has, without a hash code.

All nodes form one list, in which those of a bucket are adjacent: its run. The cell of a bucket
points to the node *before* the run, so a run ends at the before-node of some other cell, or with
the list. All runs are followed in parallel, one generation of nodes at a time; when only a few long
ones are left, each is followed on its own, over pages that were read already.

A run that never ends is caught by milestones: where each run is at generations 16, 32, 64 and so
on. A valid run never reaches a milestone, since no node is in two runs or twice in one; one that
does is a cycle, or has joined another run. That takes time proportional to the nodes.

Stored for each non-empty bucket: its before-node and first node (8 bytes each), its number of
nodes, with a bit for whether its before-node was reached (4), and, while the run is open, where it
is (8 and 4): 32 bytes. All else is as large as a slab of rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...block import Addresses, Ints, Problem
from ..columns import Mask
from ..ranges import rows_text
from .table import SLAB, Table

Counts = NDArray[np.uint32]

FIRST_MILESTONE = 16  # generations
MAX_MILESTONES = 1 << 20
MAX_GENERATIONS = 64  # while only FEW runs are open
FEW = 16
STRETCH = 1 << 16  # nodes of a long run at a time
REACHED = np.uint32(1 << 31)  # in a count: a run has reached the before-node
COUNT = np.uint32(REACHED - 1)


class Runs:
    """The runs of all buckets: `load`, then `count`, then ask `of`.

    One long class: every method steps the same arrays, with a row per run, through the states that
    the module's text describes."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.befores: Addresses = np.zeros(0, np.uint64)  # sorted, each once
        self.repeated: Addresses = np.zeros(0, np.uint64)  # those of several cells
        self._heads: Addresses = np.zeros(0, np.uint64)  # the first node of each run; 0: none
        self._counts: Counts = np.zeros(0, np.uint32)
        self._broken = 0  # runs that do not end correctly
        self._ends: list[tuple[int, int]] = []  # run with which the list ends, and its last link
        self._milestones: Addresses = np.zeros(0, np.uint64)
        self._caught = 0

    def load(self) -> Iterator[Problem]:
        """Reads all cells."""
        table = self.table
        parts = [cells[cells != 0] for _, cells in table.iter_cells(0, table.array.buckets)]
        for low, high in table.unreadable:
            which = rows_text("bucket", low, high)
            yield Problem(f"{which} cannot be read", table.array.address + low * table.width)
        befores = np.concatenate(parts) if parts else self.befores
        del parts
        befores.sort()
        again = befores[1:] == befores[:-1]
        if again.any():
            self.repeated = np.unique(befores[1:][again])
            befores = np.concatenate([befores[:1], befores[1:][~again]])
        wrong = table.is_no_node(befores) & (befores != np.uint64(table.head_at))
        if wrong.any():
            yield from self._tell(
                "wild cell", befores[wrong], "U3", "bucket {}: its before-node 0x{:x} is not a node"
            )
            befores = befores[~wrong]
        yield from self._tell(
            "shared cell",
            self.repeated,
            "U3",
            "bucket {}: its before-node 0x{:x} is also that of another bucket",
        )
        self.befores = befores
        self._heads = np.zeros(len(befores), np.uint64)
        self._counts = np.zeros(len(befores), np.uint32)

    def _tell(
        self, kind: str, befores: Addresses, invariant: str, text: str, at: Addresses | None = None
    ) -> list[Problem]:
        """A Problem for each of some buckets, given by before-nodes. `text` takes the bucket and
        that address; `at`: where the Problem is, by default the bucket's cell."""
        table = self.table
        number = table.told.room_for(kind, len(befores)) if len(befores) else 0
        if not number:
            return []
        chosen = befores[:number].tolist()
        buckets = table.buckets_of(chosen)
        out = []
        for index, before in enumerate(chosen):
            bucket = buckets.get(before, 0)
            where = table.array.address + bucket * table.width if at is None else int(at[index])
            out.append(Problem(text.format(f"{bucket:,}", before), where, invariant))
        return out

    def _find(self, addrs: Addresses) -> tuple[Ints, Mask]:
        """The indices of addresses among the before-nodes, and which exist."""
        if len(self.befores) == 0:
            return np.zeros(len(addrs), np.int64), np.zeros(len(addrs), np.bool_)
        place = np.minimum(np.searchsorted(self.befores, addrs), len(self.befores) - 1)
        return place, self.befores[place] == addrs

    def of(self, cells: Addresses) -> tuple[Addresses, Ints]:
        """The first nodes of the buckets with these cells, and how many each has."""
        heads = np.zeros(len(cells), np.uint64)
        counts = np.zeros(len(cells), np.int64)
        filled = np.flatnonzero(cells)
        filled = filled[np.argsort(cells[filled])]
        place, hit = self._find(cells[filled])
        place, filled = place[hit], filled[hit]
        heads[filled] = self._heads[place]
        counts[filled] = self._counts[place] & COUNT
        return heads, counts

    # ---- counting

    def count(self, cells: Addresses | None = None) -> Iterator[Problem]:
        """Follows the runs of all buckets, or only of those with these cells."""
        if cells is None:
            opened = np.arange(len(self.befores), dtype=np.uint32)
        else:
            place, hit = self._find(np.unique(cells))
            opened = place[hit].astype(np.uint32)
        nodes = np.empty(len(opened), np.uint64)
        for part in _slabs(len(opened)):
            links, problems = self._follow(opened[part], self.befores[opened[part]], True)
            nodes[part] = self._heads[opened[part]] = links
            yield from problems
        generation, milestone = 0, FIRST_MILESTONE
        while True:
            opened, nodes = _without_ended(opened, nodes)
            if len(opened) == 0 or generation >= MAX_GENERATIONS and len(opened) <= FEW:
                break
            if generation == milestone or self._caught > len(self._milestones) // 2:
                milestone = max(milestone, generation * 2)
                yield from self._set_milestones(opened, nodes)
                if not nodes.all():
                    continue
            for part in _slabs(len(opened)):
                # In address order they are found and gathered much faster.
                order = np.argsort(nodes[part], kind="stable")
                opened[part] = opened[part][order]
                nodes[part], problems = self._step(opened[part], nodes[part][order])
                yield from problems
            generation += 1
        for run, node in zip(opened.tolist(), nodes.tolist()):
            yield from self._chase(run, node)
        del opened, nodes
        if cells is None:
            yield from self._check_ends()

    def _step(self, runs: Counts, nodes: Addresses) -> tuple[Addresses, list[Problem]]:
        """One node further: the next one of each run, 0 if it is over."""
        place, ends = self._find(nodes)
        problems = self._end(place[ends], runs[ends])
        going = ~ends
        if len(self._milestones):
            spot = np.minimum(np.searchsorted(self._milestones, nodes), len(self._milestones) - 1)
            caught = going & (self._milestones[spot] == nodes)
            if caught.any():
                problems += self._catch(runs[caught], nodes[caught])
                going &= ~caught
        out = np.zeros(len(nodes), np.uint64)
        out[going], more = self._follow(runs[going], nodes[going], False)
        return out, problems + more

    def _follow(
        self, runs: Counts, nodes: Addresses, first: bool
    ) -> tuple[Addresses, list[Problem]]:
        """Reads and counts nodes of distinct runs, or, with `first`, their before-nodes: the links
        to follow, 0 for none."""
        table = self.table
        links, ok = table.links(nodes)
        problems: list[Problem] = []
        if not ok.all():
            bad = ~ok
            self._broken += int(bad.sum())
            problems += self._tell(
                "unreadable node",
                self.befores[runs[bad]],
                "",
                (
                    "before-node of bucket {0} cannot be read"
                    if first
                    else "node of bucket {0} cannot be read"
                ),
                nodes[bad],
            )
            links[bad] = 0
        if not first:
            self._counts[runs[ok]] += 1
        fields = nodes + np.uint64(table.layout.link)
        last = ok & (links == 0)
        if first and last.any():
            self._broken += int(last.sum())
            problems += self._tell(
                "empty run",
                self.befores[runs[last]],
                "U3",
                "bucket {}: no node follows its before-node 0x{:x}",
            )
        elif last.any():
            self._ends += zip(runs[last].tolist(), fields[last].tolist())
        wild = ok & ~last & table.is_no_node(links)
        if wild.any():
            problems += self._tell_wild(runs[wild], links[wild], fields[wild])
            links[wild] = 0
        return links, problems

    def _tell_wild(self, runs: Counts, links: Addresses, fields: Addresses) -> list[Problem]:
        self._broken += len(runs)
        out = self._tell("wild link", self.befores[runs], "U4", "link in bucket {0}", fields)
        return [
            Problem(f"{one.text} is 0x{link:x}, not a node", one.address, one.invariant)
            for one, link in zip(out, links.tolist())
        ]

    def _end(self, places: Ints, runs: Counts) -> list[Problem]:
        """Runs that reach their last node, which is the before-node of another bucket."""
        self._counts[runs] += 1
        again = self._counts[places] >= REACHED
        self._counts[places] |= REACHED
        if len(np.unique(places)) != len(places):
            repeated = np.ones(len(places), np.bool_)
            repeated[np.unique(places, return_index=True)[1]] = False
            again |= repeated
        if not again.any():
            return []
        self._broken += int(again.sum())
        return self._tell(
            "joined runs",
            self.befores[runs[again]],
            "U4",
            "the list leads here twice: from bucket {0} and from another one",
            self.befores[places[again]],
        )

    # ---- runs that do not end

    def _set_milestones(self, opened: Counts, nodes: Addresses) -> list[Problem]:
        """Marks where the runs are; of those at the same node, all but the first are over: their
        node in `nodes` becomes 0."""
        self._caught = 0
        chosen = nodes[:MAX_MILESTONES]
        self._milestones, first = np.unique(chosen, return_index=True)
        # A run that is caught at its own milestone is a cycle.
        problems: list[Problem] = []
        if len(first) < len(chosen):
            joined = np.ones(len(chosen), np.bool_)
            joined[first] = False
            problems = self._catch(opened[: len(chosen)][joined], chosen[joined])
            self._caught = 0
            nodes[: len(chosen)][joined] = 0
        # The runs leave their milestones in the next step, which must not catch them there.
        for part in _slabs(len(opened)):
            standing = nodes[part]
            going = standing != 0
            place, ends = self._find(standing)
            ends &= going
            problems += self._end(place[ends], opened[part][ends])
            going &= ~ends
            links = np.zeros(len(standing), np.uint64)
            links[going], more = self._follow(opened[part][going], standing[going], False)
            problems += more
            nodes[part] = links
        return problems

    def _catch(self, runs: Counts, nodes: Addresses) -> list[Problem]:
        """Runs that reach a node where a run has been already."""
        self._broken += len(runs)
        self._caught += len(runs)
        problems = self._tell("endless run", self.befores[runs], "U4", "bucket {0}", nodes)
        for index, one in enumerate(problems):
            run = int(runs[index])
            back, distinct = self._measure(run)
            if distinct:
                self._counts[run] = int(self._counts[run] & REACHED) | distinct
                text = f"{one.text}: its nodes are a cycle, which returns to 0x{back:x}"
                problems[index] = Problem(text, back, one.invariant)
            else:
                text = f"{one.text}: its nodes are also in another bucket from 0x{one.address:x} on"
                problems[index] = Problem(text, one.address, one.invariant)
        return problems

    def _measure(self, run: int) -> tuple[int, int]:
        """The node that a run returns to, and how many nodes it has (Brent); 0, 0 if it is not a
        cycle of as many nodes as were counted."""
        follow = self.table.next_of
        limit = 4 * int(self._counts[run] & COUNT) + 16
        head = follow(int(self.befores[run]))
        power = length = 1
        slow, fast = head, follow(head) if head else 0
        while fast and slow != fast:
            limit -= 1
            if limit < 0:
                return 0, 0
            if power == length:
                slow, power, length = fast, power * 2, 0
            fast = follow(fast)
            length += 1
        if not fast:
            return 0, 0
        slow = fast = head
        for _ in range(length):
            fast = follow(fast)
        before = 0
        while slow != fast:
            slow, fast = follow(slow), follow(fast)
            before += 1
        return slow, before + length

    # ---- long runs

    def _chase(self, run: int, node: int) -> Iterator[Problem]:
        """One long run from `node` on."""
        table = self.table
        size = table.layout.link + table.width
        one = np.array([run], np.uint32)
        stone, since, power = node, 0, MAX_GENERATIONS
        limit = MAX_GENERATIONS
        first = 1  # the stone itself, at the start of the first stretch
        while node:
            addrs, _, after, faulty = table.stretch(node, limit, size)
            nodes = np.array(addrs, np.uint64)
            place, ends = self._find(nodes)
            over = int(np.argmax(ends)) if ends.any() else len(addrs)
            again = np.flatnonzero(nodes[first:over] == np.uint64(stone))
            if len(again):
                self._counts[run] += over
                yield from self._catch(one, nodes[first + again[:1]])
                return
            following = np.array([*addrs[1:], after], np.uint64)[: max(len(addrs), 0)]
            wrong = (following != 0) & table.is_no_node(following)
            if faulty and len(wrong):
                wrong[-1] |= bool(table.is_no_node(np.array([after], np.uint64))[0])
            bad = int(np.argmax(wrong)) if wrong.any() else len(addrs)
            if over < len(addrs) and over <= bad:
                self._counts[run] += over
                yield from self._end(place[over : over + 1], one)
                return
            if bad < len(addrs):
                self._counts[run] += bad + 1
                fields = nodes[bad : bad + 1] + np.uint64(table.layout.link)
                yield from self._tell_wild(one, following[bad : bad + 1], fields)
                return
            self._counts[run] += len(addrs)
            if faulty:
                self._broken += 1
                text = "node of bucket {0} cannot be read"
                at = np.array([after], np.uint64)
                yield from self._tell("unreadable node", self.befores[one], "", text, at)
                return
            if not after:
                self._ends.append((run, addrs[-1] + table.layout.link))
            since += len(addrs)
            first = 0
            node = after
            if since >= power:
                stone, since, power, first = node, 0, power * 2, 1
            limit = min(limit * 2, STRETCH)

    # ---- the list as a whole

    def _check_ends(self) -> Iterator[Problem]:
        """U3 and U4 of the list as a whole: each before-node except the list's head is the last
        node of one run, and one run ends the list. What follows from a broken run is not
        reported."""
        table = self.table
        head, ok = table.links(np.array([table.head_at], np.uint64))
        first, begins = self._find(np.array([table.head_at], np.uint64))
        if ok[0] and head[0] and not begins[0] and not table.unreadable:
            text = f"no bucket begins with the list's first node 0x{int(head[0]):x}"
            yield Problem(text, table.head_at, "U3")
            self._broken += 1
        if begins[0]:
            self._counts[first[0]] |= REACHED
        if len(self._ends) > 1:
            self._broken += len(self._ends) - 1
            runs = np.array([run for run, _ in self._ends], np.uint32)
            at = np.array([at for _, at in self._ends], np.uint64)
            text = "the list ends in bucket {0}, but also elsewhere"
            yield from self._tell("ends of the list", self.befores[runs], "U4", text, at)
        unreached = self.befores[self._counts < REACHED]
        if len(unreached) > self._broken:
            yield from self._tell(
                "unreached before-node",
                unreached,
                "U3",
                "bucket {}: its before-node 0x{:x} is not on the list",
            )


def _without_ended(opened: Counts, nodes: Addresses) -> tuple[Counts, Addresses]:
    """The runs that are not over, compacted in place."""
    end = 0
    for part in _slabs(len(nodes)):
        keep = np.flatnonzero(nodes[part])
        kept = slice(end, end + len(keep))
        opened[kept] = opened[part][keep]
        nodes[kept] = nodes[part][keep]
        end += len(keep)
    return opened[:end], nodes[:end]


def _slabs(count: int) -> Iterator[slice]:
    return (slice(begin, min(begin + SLAB, count)) for begin in range(0, count, SLAB))
