"""What both kinds of sync.Map share: entries in columns, all read when the map is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Union

import numpy as np

from ...block import Addresses, Block, Cells, Chain, Column, Place, Problem
from ...geometry.problems import Told
from ...geometry.unplaced import Unplaced
from ...header import Header
from ...layout import StructLayout
from ...target import Kind, Target, TargetError, Type, Value
from ..reading import read_number
from .blocks import Blocks
from ...languages.go import go_layout, go_name, required_field

FAMILY_NAME = "Go sync.Map"
ARRAY = "sync"  # the array's name in the entries CSV
AT_ONCE = 1 << 16  # entries in a Block


class SyncMap:
    """Entries by the addresses of their keys and elems."""

    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        self.target = target
        self.value = value
        self.found = found
        self.address = address
        self.expression = value.expression
        self.problems: list[Problem] = []
        self.told = Told()
        self.structs: list[StructLayout] = []
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
        """See family.Map: what opening the map did not show."""
        for item in self.walk(cells=True):
            yield item
            if isinstance(item, Problem) or item.cells is None:
                continue
            for name, column in (("key", item.cells.keys), ("elem", item.cells.elems)):
                if column.faults is not None:
                    for addr in column.faults[column.faults != 0].tolist():
                        yield Problem(f"the {name} of an entry cannot be read", addr)

    def check_placement(self) -> None:
        """See family.Map."""

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

    def make_header(
        self,
        key_type: Type,
        elem_type: Type,
        outer_size: int,
        entry_size: int,
        held: tuple[str, int],
        made_for: Callable[[int], int],
        facts: tuple[tuple[str, int], ...],
        detail: tuple[str, str],
    ) -> Header:
        """`outer_size`: bytes of the map's own structs; `entry_size`: of a live entry. `held`: what
        entries are in, and its bytes; `made_for`: such bytes of a map made for that many
        entries."""
        return Header(
            family=FAMILY_NAME,
            expression=self.expression,
            type_name=go_name(self.value.type.name),
            address=self.address,
            count_at=self.address,
            key_type=key_type.renamed(go_name(key_type.name)),
            elem_type=elem_type.renamed(go_name(elem_type.name)),
            count=len(self.key_addrs),
            arrays=(),
            geometry=Unplaced(made_for=made_for),
            header_size=outer_size,
            box_size=entry_size,
            is_rounded=self.target.kept(Blocks).are_known,
            facts=facts,
            details=(detail,),
            held=(held,),
            dead=self.dead,
            problems=tuple([*self.problems, *self.told.iter_cut()]),
        )

    def _column(self, addrs: Addresses, size: int) -> Column:
        values, ok = self.target.gather(addrs, size)
        return Column(values, None if ok.all() else np.where(ok, np.uint64(0), addrs))

    def layout(self, name: str, fields: Sequence[str], other: str = "") -> StructLayout:
        """The layout of a struct of the runtime's, which may have another name. TargetError."""
        found = self.target.lookup_type(name)
        if found is None and other:
            found = self.target.lookup_type(other)
        if found is None or not found.fields:
            # Its map has a type, so the program was built with debug info.
            raise TargetError(
                f"no debug info for '{name}', which '{self.expression}' is made of: read it with a "
                "version of hmap that knows this program's Go"
            )
        layout = go_layout(found, fields)
        self.structs.append(layout)
        return layout

    def read_uint(self, address: int, what: str) -> int:
        size = self.target.pointer_size
        return read_number(self.target, address, size, self.expression, what)

    def problem(self, kind: str, text: str, addr: int, invariant: str) -> None:
        self.problems += self.told.problem(kind, text, addr, invariant)


def pointer_in(found: Type, offset: int) -> int:
    """Offset of the pointer in a pointer, or in an atomic.Pointer (sync/atomic/type.go), at an
    offset."""
    if found.kind is Kind.STRUCT:
        return offset + required_field(found, "v").offset
    return offset
