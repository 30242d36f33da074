"""What a definition says: the data, as document.py has read and checked it."""

from __future__ import annotations

from collections.abc import Mapping

from ...compat import dataclass
from .expression import Node
from .toml_file import Where

CHAINS, SLOTS, CONTROL = "chains", "slots", "control"
GEOMETRIES = (CHAINS, SLOTS, CONTROL)


@dataclass(frozen=True)
class Expression:
    """An expression, and where it stands."""

    where: Where
    text: str
    node: Node


@dataclass(frozen=True)
class Text:
    """A text, and where it stands."""

    where: Where
    text: str


@dataclass(frozen=True)
class ArrayRule:
    """Where an array of cells or slots is."""

    address: Expression
    length: Expression
    item: Text | None = None  # the type of a cell or slot
    first: Expression | None = None  # chains: the member of a cell that leads to the first node
    segment: Expression | None = None  # chains: cells of a segment; `address` is of a directory


@dataclass(frozen=True)
class OldRule:
    """The second array, while a map grows."""

    when: Expression
    array: ArrayRule
    moved: Expression | None  # buckets below this one have been moved


@dataclass(frozen=True)
class NodeRule:
    """The nodes of chains."""

    where: Where
    type: Text | None
    link: Expression | None  # the member that links lead to
    next: Expression
    end: Expression | None  # on `link` and `cell`: which links end a list; NULL always does
    address: Expression | None  # on `link`: where it leads, of links with tags


@dataclass(frozen=True)
class StateRule:
    """The states of slots, which are the slots themselves without `member` and `address`; `empty`
    and `deleted` are expressions on `state`."""

    where: Where
    member: Expression | None
    address: Expression | None  # of an array of states beside that of the slots
    empty: Expression
    deleted: Expression | None
    tombstones: Expression | None  # how many, as the map counts them


@dataclass(frozen=True)
class ControlRule:
    """Control bytes, one for each slot, in an array of their own."""

    where: Where
    address: Expression
    empty: int
    deleted: int
    window: int  # bytes that a lookup compares at a time
    clones: Expression | None  # bytes behind those of the slots that repeat the first ones
    growth_left: Expression | None
    limit: Expression | None  # entries and tombstones at which the map grows


@dataclass(frozen=True)
class PartRule:
    """Keys, or elems."""

    where: Where
    member: Expression | None
    offset: Expression | None
    size: Expression | None
    type: Text | None
    is_pointer: bool
    length: Expression | None
    address: Expression | None  # of an array of their own


@dataclass(frozen=True)
class HashRule:
    """The stored hash, and what is made of it."""

    where: Where
    stored: Expression
    bucket: Expression
    probing: str  # slots: how lookups go on; empty: unknown


@dataclass(frozen=True)
class NamedRule:
    """Types of keys and elems by a name that each map has: name -> (key, elem)."""

    where: Where
    member: Expression
    types: Mapping[str, tuple[Text | None, Text | None]]


@dataclass(frozen=True)
class Definition:
    """A family, as a file declares it."""

    path: str
    where: Where
    name: str
    geometry: str
    struct: Text | None
    fields: tuple[Text, ...]
    array: ArrayRule
    count: Expression | None
    is_set: bool
    is_multi: bool  # a key may be there more than once
    is_handle: bool
    grows_at: Expression | None
    old: OldRule | None
    node: NodeRule | None
    state: StateRule | None
    control: ControlRule | None
    key: PartRule
    elem: PartRule | None
    hash: HashRule | None
    named: NamedRule | None
