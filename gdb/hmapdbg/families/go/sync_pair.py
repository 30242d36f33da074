"""sync.Map up to go1.23: two maps, read and dirty, that share their entries (src/sync/map.go)."""

from __future__ import annotations

import numpy as np

from ...block import Addresses, Problem
from ...geometry.columns import Mask, pointer_column
from ...header import Header
from ...target import Kind, Target, TargetError, Type, Value
from ..family import Map
from ..reading import read_number
from ...languages.go import find_value, go_layout, required_field
from . import bucket, swiss
from .blocks import Blocks
from .sync_map import SyncMap, pointer_in


PAIR_FIELDS = ("read", "dirty", "misses")


class PairMap(SyncMap):
    """read and dirty: entries are shared between the two by their pointers."""

    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        super().__init__(target, value, found, address)
        self.inner: Header | None = None  # of the map that entries are in
        self.inner_size = 0  # held by such maps, and by dead entries
        self.structs.append(go_layout(found, PAIR_FIELDS))
        read_only = self.layout("sync.readOnly", ("m", "amended"))
        entry = self.layout("sync.entry", ("p",))
        content = pointer_in(entry["p"].type, entry["p"].offset)
        outer_size = found.size
        at = self.read_uint(address + self._read_offset(), "the read part")
        amended, flag_at = False, address
        read = dirty = None
        if at:
            flag_at = at + read_only["amended"].offset
            flag = read_number(target, flag_at, 1, self.expression, "the read part")
            amended = bool(flag)
            read = self._inner(read_only["m"].type, at + read_only["m"].offset, "read")
            outer_size += read_only.size
        member = required_field(found, "dirty")
        dirty = self._inner(member.type, address + member.offset, "dirty")
        if amended and dirty is None:
            text = "amended is set, but there is no dirty"
            self.problem("Y2", text, address + member.offset, "Y2")
        elif dirty is not None and not amended:
            text = "dirty is there, but read is not marked as amended: its own entries are left out"
            self.problem("Y2", text, flag_at, "Y2")
        self._collect(read, dirty, amended, content)
        misses = self.read_uint(address + required_field(found, "misses").offset, "misses")
        entry_size = self.target.kept(Blocks).size(entry.size)
        self._finish(read, dirty, amended, misses, outer_size, entry_size)

    def _read_offset(self) -> int:
        """Offset of the pointer to readOnly: in an atomic.Pointer, or, in go1.18 and go1.19, in the
        interface of an atomic.Value."""
        member = required_field(self.found, "read")
        inner = member.type.find("v")
        if inner is not None and inner.type.kind is Kind.STRUCT:
            return member.offset + inner.offset + required_field(inner.type, "data").offset
        return pointer_in(member.type, member.offset)

    def _inner(self, found: Type, address: int, name: str) -> Map | None:
        """The map in a variable of map type; None if it is nil."""
        pointer = self.read_uint(address, f"the {name} part")
        if pointer == 0 or found.kind is not Kind.POINTER:
            return None
        value = Value(f"{self.expression}.{name}", found, b"", address)
        for family in (bucket.FAMILY, swiss.FAMILY):
            if family.recognise(found.target):
                return family.open(self.target, value, found.target, pointer)
        raise TargetError(
            f"'{name}' of '{self.expression}' is not a map that this version knows: its type is "
            f"'{found.name}'"
        )

    def _entries(self, inner: Map | None, name: str) -> tuple[Addresses, Addresses]:
        """Addresses of keys and entries of a map, in walk order; takes its Problems."""
        keys: list[Addresses] = [np.zeros(0, np.uint64)]
        entries: list[Addresses] = [np.zeros(0, np.uint64)]
        if inner is None:
            return keys[0], entries[0]
        header = inner.header
        outside = found = 0
        for item in [*header.problems, *inner.audit()]:
            if isinstance(item, Problem):
                at = self.address if item.address is None else item.address
                self.problem(f"{name} {item.invariant}", f"{name}: {item.text}", at, item.invariant)
                continue
            outside += (item.overflow - item.spare_used) * header.geometry.overflow_size
            if item.cells is not None:
                keys.append(inner.slot_addresses(item.cells)[0])
                entries.append(pointer_column(self.target, item.cells.elems.data, 0))
                found += len(item.cells)
        if found != header.count:
            text = f"{name}: count is {header.count:,}, but {found:,} live cells were found"
            self.problem(f"{name} I1", text, header.count_at, "I1")
        self.inner = self.inner or header
        self.inner_size += header.header_size + header.held_as("directory") + outside
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
            self.problem("entry", "an entry cannot be read", int(entries[at]), "")
        values = pointer_column(self.target, rows, 0)
        expunged = self._expunged()
        gone = ok & (values == np.uint64(expunged)) & (expunged != 0)
        live = ok & (values != 0) & ~gone
        self.counts = int((ok & (values == 0)).sum()), int(gone.sum())
        self.key_addrs, self.elem_addrs = keys[live], values[live]
        if dirty is not None and len(dirty_keys):
            self._check_pair(read_entries, dirty_entries, gone[: len(read_entries)])

    def _check_pair(self, read: Addresses, dirty: Addresses, gone: Mask) -> None:
        """Y1."""
        there = np.isin(read, dirty)
        for at in np.flatnonzero(there & gone).tolist():
            self.problem("Y1 gone", "an expunged entry is in dirty", int(read[at]), "Y1")
        for at in np.flatnonzero(~there & ~gone).tolist():
            self.problem("Y1", "an entry of read is not in dirty", int(read[at]), "Y1")

    def _expunged(self) -> int:
        """The pointer that means deleted and absent from dirty."""
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
        self.header = self.make_header(
            found,
            found,
            outer_size,
            entry_size + found.size,
            ("maps", self.inner_size),
            self._size_made_for,
            facts,
            ("parts", text),
        )

    def _size_made_for(self, live: int) -> int:
        """Bytes of one map of that many entries."""
        header = self.inner
        if header is None:
            return 0
        size = header.header_size + header.box_size * live
        return size + (header.geometry.rebuilt(live, header.arrays) if live else 0)

    def _key_type(self) -> Type:
        """interface {}, of a map that is still empty."""
        dirty = required_field(self.found, "dirty").type
        value = Value(self.expression, dirty, b"")
        for family in (bucket.FAMILY, swiss.FAMILY):
            if dirty.kind is Kind.POINTER and family.recognise(dirty.target):
                return family.open(self.target, value, dirty.target, 0).header.key_type
        raise TargetError(f"'{self.expression}' is not a sync.Map that this version knows")
