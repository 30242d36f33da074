"""What every map family offers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, Union

from ..block import Addresses, Block, Cells, Chain, Place, Problem
from ..header import Header
from ..layout import StructLayout
from ..target import Kind, Target, Type, Value


def has_fields(found: Type, names: Iterable[str]) -> bool:
    """Whether a type is a struct with fields of all those names."""
    return found.kind is Kind.STRUCT and all(found.find(name) for name in names)


class Map(Protocol):
    """An opened map: its header was read, and can be trusted not to crash a walk.

    No method raises for what memory holds: that is a Problem."""

    @property
    def header(self) -> Header:
        ...

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """The map's arrays from the first bucket to the last, new array before old; with `cells`,
        each live entry too; with `only`, just that bucket."""

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """A walk with cells that checks every invariant of the family, except the sum of live cells
        and what the header already shows."""

    def check_placement(self) -> Iterable[Problem] | None:
        """Entries that are in a bucket that their hash does not select; None if the family does
        not know the hash function."""

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """Main buckets [low, high) of an array, slot by slot."""

    def place_of(self, key: bytes) -> Place | None:
        """The bucket where a key would be, from its bytes in a slot, or a string's own bytes; None
        if the family does not know the hash function."""

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """Where the key and the elem of each cell are, boxes followed."""

    def layouts(self) -> Sequence[StructLayout]:
        """The structs that reading this map relies on."""


class Family(Protocol):
    """One kind of map."""

    @property
    def name(self) -> str:
        """As in the summary: "Go Swiss map"."""

    @property
    def words(self) -> tuple[str, ...]:
        """Its words for --family: one of its own, and one for each group it belongs to."""

    @property
    def describes(self) -> str:
        """For people: "struct hmap (libhmap)"."""

    @property
    def headers(self) -> tuple[tuple[str, ...], ...]:
        """The fields by which a header is recognised, for each kind of header that it has."""

    @property
    def has_nil(self) -> bool:
        """Whether a null pointer to the header is an empty map: `open` gets address 0."""

    @property
    def is_handle(self) -> bool:
        """Whether programs know the map by a pointer to its header alone, as in Go: an index behind
        the pointer is a key then, and not the number of a header in an array."""

    def recognise(self, found: Type) -> bool:
        """Whether a struct is this family's header, by its field names."""

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        """Reads the header of the map of type `found` at `address`. TargetError."""
