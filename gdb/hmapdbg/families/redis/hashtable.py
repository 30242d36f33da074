"""Valkey's hashtable, from 8.1 on: buckets of 7 pointers to entries (12 on 32 bits) in a cache
line, with child buckets; a second array while it grows or shrinks.

It is recognised by the names of its fields. Invariants, checked by hmap-check, beside those of
geometry.presence.map:

    V2  sizes and rehash_idx agree

From source: hashtable.c of Valkey 8.1 and 9.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from ...block import Problem
from ...compat import dataclass
from ...geometry import verdicts
from ...geometry.chains.shape import BucketChains
from ...geometry.columns import Identities
from ...geometry.presence.layout import BucketLayout, EntryReader
from ...geometry.presence.map import Counted, PresenceMap
from ...header import Array, Growth, Header, Overflow, Role, Rule
from ...layout import StructLayout, struct_layout
from ...target import Field, Kind, MemoryFault, Target, TargetError, Type, Value
from ..family import Family, Map, has_fields
from ..malloc import Allocation, Malloc, find_malloc
from ..reading import cannot_read, read_struct, unsound
from .equal import text_identities
from .valkey_entries import reader_of
from .verdicts import moving, oversized

FIELDS = ("type", "rehash_idx", "tables", "used", "bucket_exp", "child_buckets")
BUCKET = ("chained", "presence", "hashes", "entries")
FACTOR = {7: (5, 32), 12: (3, 32)}  # buckets an entry, by the slots of a bucket
MAX_FILL = 100  # percent, above which it grows (MAX_FILL_PERCENT_SOFT)
MAX_BITS = 48  # of a number of buckets
FUNCTIONS = {"hashFunction": "hash", "keyCompare": "equal", "entryGetKey": "key of an entry"}


class ValkeyFamily:
    """See Family."""

    name = "Valkey hashtable"
    words = ("valkey",)
    describes = "hashtable (Valkey)"
    has_nil = False
    is_handle = True
    headers = (FIELDS,)

    def recognise(self, found: Type) -> bool:
        return has_fields(found, FIELDS)

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        layout = struct_layout(found, FIELDS, ("pause_rehash",))
        numbers = read_struct(target, layout, address, value.expression)
        tables = [_table(target, layout, address, one, value.expression) for one in range(2)]
        if not -1 <= numbers["rehash_idx"] < max(tables[0].buckets, 1):
            raise unsound(value.expression, f"rehash_idx is {numbers['rehash_idx']:,}")
        struct = _bucket_struct(layout)
        for one in tables:
            for at in (one.address, one.address + one.buckets * struct.size - 1):
                if one.buckets and not target.is_readable(at, 1):
                    raise cannot_read(target, "the buckets", value.expression, at)
        functions = _functions(
            target, layout["type"].type.target, numbers["type"], value.expression
        )
        return _open(target, value, address, layout, numbers, tables, struct, functions)


FAMILY: Family = ValkeyFamily()


@dataclass(frozen=True)
class _Table:
    """One of the two."""

    address: int
    buckets: int
    counted: Counted


def _table(
    target: Target, layout: StructLayout, address: int, number: int, expression: str
) -> _Table:
    def element(name: str) -> tuple[int, int]:
        member = layout[name]
        if member.type.kind is not Kind.ARRAY or member.type.count != 2:
            raise TargetError(f"'{layout.name}' has no two '{name}': not a map that is known")
        size = member.type.target.size
        at = address + member.offset + number * size
        return target.read_uint(at, size), at

    table, _ = element("tables")
    bits, _ = element("bucket_exp")
    bits -= 256 * (bits > 127)
    if not -1 <= bits <= MAX_BITS or (bits < 0) != (table == 0):
        raise unsound(expression, f"table {number} has the exponent {bits}, at 0x{table:x}")
    used, children = element("used"), element("child_buckets")
    if bits < 0 and used[0]:
        raise unsound(expression, f"table {number} has {used[0]:,} entries, but no buckets")
    return _Table(table, 1 << bits if bits >= 0 else 0, Counted(*used, *children))


def _bucket_struct(layout: StructLayout) -> StructLayout:
    """The struct of a bucket. TargetError."""
    pointer = layout["tables"].type.target
    if pointer.kind is not Kind.POINTER or pointer.resolve is None or not pointer.target.fields:
        raise TargetError("no debug info for the buckets of a hashtable: build hashtable.c with -g")
    return struct_layout(pointer.target, BUCKET)


def _functions(target: Target, found: Type, address: int, expression: str) -> dict[str, str]:
    """The names of the functions of a hashtableType; empty: unknown, or there is none."""
    out = {}
    for name in FUNCTIONS:
        field = found.find(name)
        try:
            at = 0 if field is None else target.read_uint(address + field.offset)
        except MemoryFault:
            raise cannot_read(target, "the type", expression, address) from None
        out[name] = target.function_at(at) if at else ""
    return out


def _bucket_layout(target: Target, struct: StructLayout, found: Type) -> BucketLayout:
    entries = struct["entries"].type
    chained, presence = found.find("chained"), found.find("presence")
    assert chained is not None and presence is not None  # struct_layout found them
    offset, size = min(chained.offset, presence.offset), presence.type.size

    def shift(field: Field) -> int:
        at = field.bit_offset - 8 * offset
        return 8 * size - at - field.bit_size if target.byte_order == "big" else at

    return BucketLayout(
        size=struct.size,
        slots=entries.count,
        bits=offset,
        bits_size=size,
        chained=shift(chained),
        presence=shift(presence),
        hashes=struct["hashes"].offset,
        entries=struct["entries"].offset,
        align=target.pointer_size,
    )


def _open(
    target: Target,
    value: Value,
    address: int,
    layout: StructLayout,
    numbers: dict[str, int],
    tables: list[_Table],
    struct: StructLayout,
    functions: dict[str, str],
) -> Map:
    bucket = _bucket_layout(target, struct, layout["tables"].type.target.target)
    index = numbers["rehash_idx"]
    there = [one for one in tables if one.buckets]
    blocks = [Allocation(one.address, one.buckets * bucket.size) for one in there]
    blocks.append(Allocation(address, layout.size))
    rounding = find_malloc(target, blocks)
    malloc, sizes = rounding if rounding is not None else (None, [one.size for one in blocks])
    is_moving = index >= 0 and len(there) == 2
    arrays = []
    for one, size in zip(there, sizes):
        is_old = is_moving and one is tables[0]
        name, role = ("oldbuckets", Role.OLD) if is_old else ("buckets", Role.MAIN)
        arrays.append((Array(name, one.address, one.buckets, size, role=role), one.counted))
    arrays = arrays[::-1] if is_moving else arrays[:1]
    reader = reader_of(target, functions["entryGetKey"], functions["hashFunction"])
    children = sum(one.counted.children for one in tables)
    main = arrays[0][0].buckets if arrays else 0
    words = [f"{what} {functions[name]}" for name, what in FUNCTIONS.items() if functions[name]]
    header = Header(
        family="Valkey hashtable",
        expression=value.expression,
        type_name=value.type.name,
        address=address,
        count_at=tables[0].counted.used_at,
        key_type=reader.key,
        elem_type=reader.elem,
        count=sum(one.counted.used for one in tables),
        arrays=tuple(array for array, _ in arrays),
        geometry=_geometry(bucket, malloc),
        header_size=sizes[-1],
        is_rounded=rounding is not None,
        count_rule="V1",
        growth=Growth(nevacuate=max(index, 0), above=main * bucket.slots * MAX_FILL // 100),
        overflow=Overflow(children),
        details=(("functions", ", ".join(words)),) if words else (),
        problems=tuple(_iter_problems(layout, address, tables, index)),
    )
    return PresenceMap(
        target,
        header,
        bucket,
        reader,
        [counted for _, counted in arrays],
        (layout, struct),
        _identities(target, reader, functions["hashFunction"]),
    )


def _identities(target: Target, reader: EntryReader, hash_name: str) -> Identities | None:
    return text_identities(target) if reader.key.name == "sds" and "Case" not in hash_name else None


@dataclass(frozen=True)
class _Buckets(BucketChains):
    """Buckets in a cache line each."""

    byte = "hash"
    rules: ClassVar[tuple[Rule, ...]] = (oversized, verdicts.skewed_chains, moving)

    def rebuilt(self, live: int, arrays: Sequence[Array]) -> int:
        """See Geometry."""
        factor, divisor = FACTOR.get(self.slots, (1, self.slots))
        buckets = 1 << max((live * factor - 1) // divisor, 0).bit_length()
        return self.block(buckets * self.bucket_size) if arrays else 0


def _geometry(bucket: BucketLayout, malloc: Malloc | None) -> BucketChains:
    block: Callable[[int], int] = (lambda size: size) if malloc is None else malloc.size
    return _Buckets(
        slots=bucket.slots,
        bucket_size=bucket.size,
        load_factor=bucket.slots * MAX_FILL / 100,
        front=0,
        block=block,
    )


def _iter_problems(
    layout: StructLayout, address: int, tables: list[_Table], index: int
) -> Iterator[Problem]:
    """V2."""
    at = address + layout["rehash_idx"].offset
    if (index >= 0) != (tables[1].buckets > 0):
        text = f"rehash_idx is {index:,}, but the second table has {tables[1].buckets:,} buckets"
        yield Problem(text, at, "V2")
