"""The numbers of a dict's two tables, by the struct of its version.

    up to 6.2   ht[2] {table, size, sizemask, used}
    from 7.0    ht_table[2], ht_used[2], ht_size_exp[2]

Table 0 is the one in use; while entries are moved to table 1, from the bucket `rehashidx` on, it is
the old one.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...block import Problem
from ...compat import dataclass
from ...layout import Member, StructLayout, struct_layout
from ...target import Kind, MemoryFault, Target, TargetError, Type
from ..reading import cannot_read, read_struct, unsound

ONE_STRUCT = ("type", "ht", "rehashidx")
ARRAYS = ("type", "ht_table", "ht_used", "rehashidx", "ht_size_exp")
TABLE = ("table", "size", "sizemask", "used")
# Of a later dict, which has no lists.
OTHER = ("ht_tombstones",)
PAUSED = ("pauserehash", "iterators")  # of 6.2 and later, and before
MAX_BITS = 48  # of a number of buckets


@dataclass(frozen=True)
class Table:
    """One of the two. `used_at`: where its entries are counted."""

    address: int
    buckets: int
    used: int
    used_at: int


@dataclass(frozen=True)
class Tables:
    """Both, and the struct that they are from. `rehash_index`: -1 while nothing is moved; `paused`:
    how many iterators and the like keep entries from being moved."""

    layout: StructLayout
    both: tuple[Table, Table]
    rehash_index: int
    paused: int
    type: int  # address of the dictType
    link: Type  # a pointer to an entry
    problems: tuple[Problem, ...]

    @property
    def is_rehashing(self) -> bool:
        """Whether entries are being moved."""
        return self.rehash_index >= 0

    @property
    def used(self) -> int:
        """The entries of both."""
        return sum(one.used for one in self.both)


def is_dict(found: Type) -> bool:
    """Whether a struct is a dict, by the names of its fields."""
    if found.kind is not Kind.STRUCT or any(found.find(name) for name in OTHER):
        return False
    if all(found.find(name) is not None for name in ARRAYS):
        return True
    if any(found.find(name) is None for name in ONE_STRUCT):
        return False
    inner = _array(found, "ht")
    return inner is not None and all(inner.find(name) for name in TABLE)


def read_tables(target: Target, found: Type, address: int, expression: str) -> Tables:
    """The numbers of the dict at an address. TargetError if it cannot be one."""
    is_new = found.find("ht_table") is not None
    layout = struct_layout(found, ARRAYS if is_new else ONE_STRUCT, PAUSED)
    numbers = read_struct(target, layout, address, expression)
    reader = _Reader(target, layout, address, expression)
    both = reader.arrays() if is_new else reader.structs()
    index = numbers["rehashidx"]
    if not -1 <= index < max(both[0].buckets, 1):
        raise unsound(expression, f"rehashidx is {index:,}, of {both[0].buckets:,} buckets")
    for one in both:
        for at in (one.address, one.address + one.buckets * target.pointer_size - 1):
            if one.buckets and not target.is_readable(at, 1):
                raise cannot_read(target, "the buckets", expression, at)
    links = layout["ht_table" if is_new else "ht"].type
    link = links.target.target if is_new else _member(links.target, "table").type.target
    paused = next((numbers[name] for name in PAUSED if name in numbers), 0)
    problems = [*reader.problems, *_iter_problems(layout, address, both, index)]
    return Tables(layout, both, index, paused, numbers["type"], link, tuple(problems))


def _array(found: Type, name: str) -> Type | None:
    """The type of the two elements of a field; None: there are not two."""
    field = found.find(name)
    is_pair = field is not None and field.type.kind is Kind.ARRAY and field.type.count == 2
    return field.type.target if field is not None and is_pair else None


def _member(found: Type, name: str) -> Member:
    return struct_layout(found, (name,))[name]


class _Reader:
    """Reads both tables of a dict."""

    def __init__(self, target: Target, layout: StructLayout, address: int, expression: str) -> None:
        self.target = target
        self.layout = layout
        self.address = address
        self.expression = expression
        self.problems: list[Problem] = []

    def arrays(self) -> tuple[Table, Table]:
        """Those of three arrays."""
        first, second = (self._of_arrays(number) for number in range(2))
        return first, second

    def structs(self) -> tuple[Table, Table]:
        """Those of an array of structs."""
        first, second = (self._of_struct(number) for number in range(2))
        return first, second

    def _of_arrays(self, number: int) -> Table:
        table, _ = self._element("ht_table", number)
        used, used_at = self._element("ht_used", number)
        bits, _ = self._element("ht_size_exp", number)
        bits -= 256 * (bits > 127)
        if not -1 <= bits <= MAX_BITS:
            raise unsound(self.expression, f"the exponent of the size of table {number} is {bits}")
        return self._table(number, table, 1 << bits if bits >= 0 else 0, used, used_at)

    def _of_struct(self, number: int) -> Table:
        array = self.layout["ht"]
        found = array.type.target
        at = self.address + array.offset + number * found.size
        layout = struct_layout(found, TABLE)
        table = read_struct(self.target, layout, at, self.expression)
        size = table["size"]
        if size & (size - 1) or size >> MAX_BITS:
            raise unsound(self.expression, f"table {number} has {size:,} buckets, no power of two")
        if size and table["sizemask"] != size - 1:
            text = f"the mask of table {number} is 0x{table['sizemask']:x} for {size:,} buckets"
            self.problems.append(Problem(text, at + layout["sizemask"].offset, "L2"))
        used_at = at + layout["used"].offset
        return self._table(number, table["table"], size, table["used"], used_at)

    def _table(self, number: int, address: int, buckets: int, used: int, used_at: int) -> Table:
        if bool(address) != bool(buckets) or used and not buckets:
            text = f"table {number} has {buckets:,} buckets at 0x{address:x}, of {used:,} entries"
            raise unsound(self.expression, text)
        return Table(address, buckets, used, used_at)

    def _element(self, name: str, number: int) -> tuple[int, int]:
        """An element of an array, and where it is."""
        member = self.layout[name]
        if member.type.kind is not Kind.ARRAY or member.type.count != 2:
            raise TargetError(f"'{self.layout.name}' has no two tables: not a dict that is known")
        size = member.type.target.size
        at = self.address + member.offset + number * size
        try:
            return self.target.read_uint(at, size), at
        except MemoryFault:
            raise cannot_read(self.target, "the map", self.expression, at) from None


def _iter_problems(
    layout: StructLayout, address: int, both: tuple[Table, Table], index: int
) -> Iterator[Problem]:
    """L2."""
    at = address + layout["rehashidx"].offset
    if index < 0 and both[1].buckets:
        yield Problem("rehashidx is -1, but there are two tables", at, "L2")
    if index >= 0 and not both[1].buckets:
        yield Problem(f"rehashidx is {index:,}, but there is no second table", at, "L2")
