"""The two CSV files of a map, as Blocks such as a family's walk gives them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from ..block import Block, Buckets, Cells, Column
from ..csv import ENTRIES_HEADER, MAIN_ARRAY, OCCUPANCY_HEADER, OLD_ARRAY
from ..geometry import NAMES, geometry_named
from ..geometry.unplaced import Unplaced
from ..header import Array, Geometry, Growth, Header, Role
from ..output.files import FileError
from ..target import Kind, Type
from .rows import Ints, Rows, iter_rows, show

MAX_COUNT = (1 << 31) - 1


@dataclass
class Part:
    """Adjacent buckets of one array, from `first` on."""

    first: int
    columns: NDArray[np.int32]  # (6, n): chain, slots, live, deleted, empty, evacuated

    def block(self, array: str) -> Block:
        """As a family would have walked it, but for the addresses, of no use in a picture."""
        chain, slots, live, deleted, empty, evacuated = self.columns.astype(np.int64)
        count = len(chain)
        return Block(
            array,
            Buckets(
                bucket=np.arange(self.first, self.first + count, dtype=np.int64),
                address=np.zeros(count, np.uint64),
                chain=chain,
                slots=slots,
                live=live,
                deleted=deleted,
                empty=empty,
                evacuated=evacuated != 0,
            ),
        )


class Occupancy:
    """The occupancy CSV. FileError."""

    FIELDS = OCCUPANCY_HEADER.rstrip("\n").split(",")
    COUNTS = FIELDS[3:-1]

    def __init__(self, path: str) -> None:
        self.path = path
        self.parts: dict[str, list[Part]] = {}
        self.sizes: dict[str, int] = {}
        self.geometries: dict[str, int] = {}  # each with the first row that names it
        last = None
        for rows in iter_rows(path, OCCUPANCY_HEADER, len(self.FIELDS)):
            numbers = {
                name: rows.integers(place, name, path)
                for place, name in enumerate(self.FIELDS)
                if name not in ("array", "address", "geometry")
            }
            for name, run in rows.iter_runs(path, len(self.FIELDS) - 1):
                self.geometries.setdefault(name, rows.first + run.start)
            self._check(rows, numbers)
            for name, run in rows.iter_runs(path):
                if name != last and name in self.sizes:
                    self._fail(rows.first + run.start, f"array '{name}' is repeated")
                last = name
                first = self.sizes.setdefault(name, 0)
                found = numbers["bucket"][run]
                strange = found != np.arange(first, first + len(found))
                if strange.any():
                    row = int(np.argmax(strange))
                    self._fail(
                        rows.first + run.start + row,
                        f"bucket {found[row]:,} where {first + row:,} was expected",
                    )
                self.sizes[name] += len(found)
                columns = np.stack([numbers[key][run] for key in self.COUNTS])
                self.parts.setdefault(name, []).append(Part(first, columns.astype(np.int32)))

    def _check(self, rows: Rows, numbers: dict[str, Ints]) -> None:
        for name in self.COUNTS:
            wrong = (numbers[name] < 0) | (numbers[name] > MAX_COUNT)
            if wrong.any():
                row = int(np.argmax(wrong))
                self._fail(rows.first + row, f"{name} is {numbers[name][row]:,}")
        parts = numbers["live"] + numbers["deleted"] + numbers["empty"]
        gone = numbers["evacuated"] != 0
        wrong = np.where(gone, parts != 0, parts != numbers["slots"])
        if wrong.any():
            row = int(np.argmax(wrong))
            total = "0, as for an evacuated bucket" if gone[row] else "the slots"
            self._fail(rows.first + row, f"live, deleted and empty do not add up to {total}")

    def _fail(self, row: int, text: str) -> NoReturn:
        raise FileError(
            f"'{self.path}' row {row:,}: {text}: use the complete file that hmap-dump wrote"
        )

    def slots_per_bucket(self) -> int:
        """Slots of one bucket, as the first row with any tells."""
        for parts in self.parts.values():
            for part in parts:
                chain, slots = part.columns[:2]
                used = np.flatnonzero(chain)
                if len(used):
                    return int(slots[used[0]] // chain[used[0]])
        return 1

    def geometry(self) -> Geometry:
        """The map's geometry, as the rows name it."""
        if not self.geometries:
            return Unplaced()
        (name, row), *others = sorted(self.geometries.items(), key=lambda one: one[1])
        for other, at in others:
            self._fail(at, f"geometry is '{show(other.encode())}' where it was '{name}'")
        found = geometry_named(name, self.slots_per_bucket())
        if found is None:
            known = ", ".join(NAMES)
            self._fail(row, f"unknown geometry '{show(name.encode())}', not one of {known}")
        return found

    def arrays(self, geometry: Geometry) -> tuple[Array, ...]:
        """The arrays with their roles."""
        names = list(self.sizes)
        # Tables have names of the family's; of arrays there are two at the most.
        strange = sorted({*names} - {MAIN_ARRAY, OLD_ARRAY}) if geometry.array == "array" else []
        if strange:
            raise FileError(
                f"'{self.path}' has an unknown array '{show(strange[0].encode())}': "
                "use the file as hmap-dump wrote it"
            )
        if OLD_ARRAY in names and names != [MAIN_ARRAY, OLD_ARRAY]:
            raise FileError(
                f"'{self.path}' has '{OLD_ARRAY}' but no '{MAIN_ARRAY}' before them: "
                "use the complete file that hmap-dump wrote"
            )
        is_table = geometry.array == "table" and len(names) > 1
        roles = {MAIN_ARRAY: Role.MAIN, OLD_ARRAY: Role.OLD}
        return tuple(
            Array(name, 0, size, 0, role=Role.TABLE if is_table else roles.get(name, Role.MAIN))
            for name, size in self.sizes.items()
        )

    def header(self, title: str) -> Header:
        """What a CSV tells of the map; the rest is empty or 0."""
        unknown = Type(Kind.OTHER, "", 0)
        geometry = self.geometry()
        sizes = list(self.sizes.values())
        live = sum(int(p.columns[2].sum(dtype=np.int64)) for ps in self.parts.values() for p in ps)
        return Header(
            family="",
            expression=title,
            type_name="",
            address=0,
            count_at=0,
            key_type=unknown,
            elem_type=unknown,
            count=live,
            arrays=self.arrays(geometry),
            geometry=geometry,
            header_size=0,
            growth=Growth(same_size=len(sizes) == 2 and sizes[0] == sizes[1]),
        )

    def iter_blocks(self) -> Iterator[Block]:
        for name, parts in self.parts.items():
            for part in parts:
                yield part.block(name)


def iter_cells(path: str, occupancy: Occupancy) -> Iterator[Block]:
    """The entries CSV as Blocks without bucket rows; keys and values are not looked at."""
    for rows in iter_rows(path, ENTRIES_HEADER, 5):
        bucket, chain_index, slot, tophash = (
            rows.integers(place, name, path)
            for place, name in enumerate(("bucket", "chain_index", "slot", "tophash"), 1)
        )
        for name, run in rows.iter_runs(path):
            size = occupancy.sizes.get(name, 0)
            strange = (bucket[run] < 0) | (bucket[run] >= size)
            if strange.any():
                row = run.start + int(np.argmax(strange))
                raise FileError(
                    f"'{path}' row {rows.first + row:,}: bucket {bucket[row]:,} of array "
                    f"'{show(name.encode())}' is not in '{occupancy.path}': "
                    "use two files of one hmap-dump"
                )
            count = run.stop - run.start
            nothing = Column(np.zeros((count, 0), np.uint8))
            yield Block(
                name,
                None,
                Cells(
                    bucket=bucket[run],
                    chain_index=np.maximum(chain_index[run], 0),
                    slot=slot[run],
                    tophash=tophash[run],
                    address=np.zeros(count, np.uint64),
                    keys=nothing,
                    elems=nothing,
                ),
            )
