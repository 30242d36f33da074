"""For modules of Python that declare map families, loaded by `hmap-define FILE.py`: all that they
may rely on, which changes only with a line in CHANGELOG.md. docs/own-maps.md has an example.

A module has a list FAMILIES of objects of classes derived from OwnFamily. `open` reads the struct
of a map and returns `chains(...)`, or any other Map (families/family.py).
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .block import Addresses, Block, Column, Ints, Place, Problem, found_entries
from .families.family import Map, has_fields
from .families.reading import cannot_read, read_struct, unsound
from .geometry.counted_texts import CountedTexts as Texts
from .geometry.lists.layout import Links, ListLayout, Pointers, Values
from .geometry.lists.map import ListMap
from .geometry.nodes.shape import NodeLists
from .geometry.problems import Told
from .header import Array, Header
from .languages.c import counted_text
from .layout import StructLayout, struct_layout
from .target import Kind, Memory, Target, TargetError, Type, Value
from .values.strings import StringReader

__all__ = [
    "Addresses",
    "Column",
    "Ints",
    "Links",
    "Map",
    "Memory",
    "OwnFamily",
    "Pointers",
    "Target",
    "TargetError",
    "Texts",
    "Type",
    "Value",
    "Values",
    "chains",
    "fields_of",
    "unsound",
]

Codes = NDArray[np.uint64]
# The hash codes of n texts: from their bytes (n, longest), 0 behind the end, and lengths (n,).
HashOf = Callable[[NDArray[np.uint8], Ints], Codes]

MAX_TEXT = 1 << 16  # bytes of a key that is hashed
MAX_BUCKETS = 1 << 36


class OwnFamily(abc.ABC):
    """A family. A subclass sets `name` and `fields`, and says how a map is opened."""

    name: str
    fields: tuple[str, ...]  # by which the struct of a map is recognised
    struct = ""  # its name, if only that struct is one; without "struct"
    has_nil = False  # whether a null pointer to it is an empty map: `open` gets address 0
    is_handle = False  # whether programs know a map by a pointer to it alone

    @property
    def words(self) -> tuple[str, ...]:
        """For --family."""
        return (self.name.lower(),)

    @property
    def describes(self) -> str:
        """For people."""
        return f"{self.struct or 'a struct'} with {', '.join(self.fields)} ({self.name})"

    @property
    def headers(self) -> tuple[tuple[str, ...], ...]:
        """See families.family.Family."""
        return (self.fields,)

    def recognise(self, found: Type) -> bool:
        """Whether a struct is a map of this family."""
        is_named = not self.struct or found.name.split(" ")[-1] == self.struct
        return is_named and has_fields(found, self.fields)

    @abc.abstractmethod
    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        """The map of type `found` at `address`; `value` is what the user named. Errors for the user
        are TargetErrors of one line: failure, subject, remedy."""


def fields_of(target: Target, found: Type, address: int, value: Value) -> dict[str, int]:
    """The numbers and pointers of a struct, by name. TargetError if it cannot be read."""
    names = [one.name for one in found.fields if one.name]
    return read_struct(target, struct_layout(found, names), address, value.expression)


class _Lists(NodeLists):
    """Lists of which it is unknown when they grow."""

    needs_load_factor = False
    own_lists = True

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """See Geometry."""
        return sum(one.size for one in arrays)


def chains(
    target: Target,
    value: Value,
    family: OwnFamily,
    found: Type,
    address: int,
    *,
    buckets: int,
    length: int,
    node: Type,
    links: Links,
    key: tuple[int, Type] | Texts,
    elem: tuple[int, Type] | Texts | None,
    count: int | None = None,
    hash_of: HashOf | None = None,
) -> Map:
    """A map that is an array of `length` pointers at `buckets`, each to the first node of a list.

    `node`: the struct that a node begins with; `links`: what leads from node to node; `key` and
    `elem`: their offset in a node and type, or Texts; no elem: a set. `count`: the entries that the
    map counts; None: it does not. `hash_of`: hashes keys that are Texts; a key's bucket is its hash
    modulo the length, which hmap-check then verifies (L5), and hmap-find uses. TargetError."""
    width = target.pointer_size
    if not 0 <= length <= MAX_BUCKETS:
        raise unsound(value.expression, f"it has {length:,} buckets")
    for at in (buckets, buckets + length * width - 1) if length else ():
        if not target.is_readable(at, 1):
            raise cannot_read(target, "the buckets", value.expression, at)
    nothing = Type(Kind.OTHER, "", 0)
    text = counted_text(width)
    key_at, key_type = (0, text) if isinstance(key, Texts) else key
    elem_at, elem_type = (0, text) if isinstance(elem, Texts) else elem or (0, nothing)
    layout = ListLayout(
        stride=width,
        head=0,
        size=node.size,
        lead=0,
        link=0,
        key=key_at,
        key_size=key_type.size,
        elem=elem_at,
        elem_size=elem_type.size,
        code=-1,
        code_size=0,
        align=1,
        links=links,
        keys=key if isinstance(key, Texts) else None,
        elems=elem if isinstance(elem, Texts) else None,
    )
    structs = [
        struct_layout(one, [field.name for field in one.fields if field.name])
        for one in (found, node)
    ]

    def made(entries: int) -> _Chains:
        header = Header(
            family=family.name,
            expression=value.expression,
            type_name=value.type.name,
            address=address,
            count_at=address,
            key_type=key_type,
            elem_type=elem_type,
            count=entries,
            arrays=(Array("buckets", buckets, length, length * width),) if length else (),
            geometry=_Lists(slots=0, bucket_size=width, load_factor=0.0),
            header_size=found.size,
            box_size=node.size,
            count_rule="L1",
        )
        return _Chains(target, header, layout, structs, hash_of, count is not None)

    if count is not None:
        return made(count)
    return made(found_entries(made(0).walk(cells=False)))


class _Chains(ListMap):
    """See chains."""

    def __init__(
        self,
        target: Target,
        header: Header,
        layout: ListLayout,
        structs: Sequence[StructLayout],
        hash_of: HashOf | None,
        counts: bool,
    ) -> None:
        super().__init__(
            target,
            header,
            layout,
            structs,
            lambda codes, array: codes % np.uint64(array.buckets),
            counts=counts,
        )
        self._hash_of = hash_of

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map."""
        if self._hash_of is None or not self.header.arrays or len(key) > MAX_TEXT:
            return None
        code = self._hash_of(np.frombuffer(key, np.uint8)[None], np.array([len(key)]))
        array = self.header.arrays[0]
        return Place(array.name, int(code[0]) % array.buckets)

    def audit(self) -> Iterator[Block | Problem]:
        """See ListMap."""
        told = Told()
        for item in super().audit():
            yield item
            if isinstance(item, Block):
                yield from self._check_keys(told, item)
        yield from told.iter_cut()

    def check_placement(self) -> Iterator[Problem] | None:
        """See family.Map."""
        if self._hash_of is None:
            return None
        return (one for one in self.audit() if isinstance(one, Problem) and one.invariant == "L5")

    def _check_keys(self, told: Told, block: Block) -> Iterator[Problem]:
        """L5, and texts that cannot be read."""
        cells = block.cells
        if self._hash_of is None or cells is None or not len(cells):
            return
        width = self.target.pointer_size
        known = np.flatnonzero(cells.keys.known)
        addrs = self.target.pointer_column(cells.keys.data[known])
        sizes = self.target.pointer_column(cells.keys.data[known], width)
        lengths = np.minimum(sizes, np.uint64(MAX_TEXT + 1)).astype(np.int64)
        reader = StringReader(self.target, MAX_TEXT, 1 << 30)
        texts = reader.read_counted(addrs, lengths)
        for at in np.flatnonzero(texts.failed).tolist():
            what = f"bucket {int(cells.bucket[known[at]]):,}: what its key points to cannot be read"
            yield from told.problem("unreadable key", what, int(addrs[at]), "")
        good = np.flatnonzero(~texts.failed & ~texts.cut)
        data = np.zeros((len(good), int(texts.lengths[good].max(initial=0))), np.uint8)
        starts = np.concatenate([[0], np.cumsum(texts.lengths + 1)])
        for row, at in enumerate(good.tolist()):
            size = int(texts.lengths[at])
            data[row, :size] = texts.joined[starts[at] : starts[at] + size]
        codes = self._hash_of(data, texts.lengths[good])
        array = self.header.array(block.array)
        places = codes % np.uint64(array.buckets)
        buckets = cells.bucket[known][good]
        for at in np.flatnonzero(places != buckets.astype(np.uint64)).tolist():
            node = int(cells.address[known[good[at]]])
            what = (
                f"bucket {int(buckets[at]):,}: the key of node 0x{node:x} has hash "
                f"0x{int(codes[at]):x}, which selects bucket {int(places[at]):,}"
            )
            yield from told.problem("hash", what, node, "L5")
