"""struct hmap_array: a map's bucket arrays, also those on its retired list, and their headers."""

from __future__ import annotations

from ...geometry.chains.layout import BucketLayout
from ...header import Array, Role
from ...layout import StructLayout, struct_layout
from ...target import MemoryFault, Target, TargetError
from ..two_arrays import TwoArrays, spare_buckets
from .records import required_type

ARRAY_FIELDS = "next buckets pins nalloc size B".split()
MAX_RETIRED = 10_000


class MapArrays(TwoArrays):
    """See TwoArrays; checks I3 and I15 for arrays, too."""

    def __init__(
        self,
        target: Target,
        struct: StructLayout,
        address: int,
        fields: dict[str, int],
        flags: dict[str, int],
        bucket: BucketLayout,
        expression: str,
    ) -> None:
        same_size = bool(fields["flags"] & flags["SAME_SIZE_GROW"])
        super().__init__(target, struct, address, fields, bucket, same_size, expression)
        self.flags = flags
        self.notes: list[str] = []
        self.pins: dict[str, tuple[int, int]] = {}  # of each array: its header's address, and pins
        self.layout = struct_layout(required_type(target, "struct hmap_array"), ARRAY_FIELDS)
        self.walked = self.read_arrays()
        self.retired = self._retired()
        self.spare_left = self._spare_left()

    def unsound(self, why: str) -> TargetError:
        """See TwoArrays."""
        return TargetError(
            f"'{self.expression}' is not a valid map: {why}; the pointer is wild, or the map was "
            "freed"
        )

    def read_arrays(self) -> tuple[Array, ...]:
        """See TwoArrays."""
        fields = self.fields
        if fields["buckets"] and fields["B"] >= 8 * self.target.pointer_size:
            self.problem("I2", f"B is {fields['B']}, more than an address has bits", "B")
        arrays = super().read_arrays()
        if not arrays and not self.problems and fields["B"]:
            self.problem("I2", f"B is {fields['B']}, but there are no buckets", "buckets")
        if len(arrays) > 1 and arrays[1].buckets > arrays[0].buckets:
            self.notes.append("the old array is larger than the new one: it is left out")
            return arrays[:1]
        return arrays

    def _flag(self, name: str) -> bool:
        return bool(self.fields["flags"] & self.flags[name])

    def array_at(self, name: str, address: int, B: int, role: Role) -> Array | None:
        """The array whose first bucket is at `address`. If its header has another B than the map,
        and the rest of the header agrees with it, the map is wrong. None: memory has no room for
        either B."""
        at = (address - self.layout.size) % self.target.address_limit
        info = self._array_header(at)
        pins = 0
        if info is None:
            self.problem("", f"the header of '{name}' cannot be read", None, at)
        else:
            self._check_array(f"the header of '{name}'", at, info, address, B)
            if info["buckets"] == address or self._agrees(info):
                pins = info["pins"]
                self.pins[name] = at, pins
            if self._agrees(info):
                B = info["B"]
        limit = (self.target.address_limit - address) // self.bucket.size
        if not 0 <= B < 64 or 1 << B > limit:
            return None
        nalloc = min(self._nalloc(B), limit)
        size = self.layout.size + nalloc * self.bucket.size
        if info is not None and self._agrees(info):
            size = info["size"]
        return Array(name, address, 1 << B, size, nalloc - (1 << B), pins, role)

    def _array_header(self, address: int) -> dict[str, int] | None:
        """The struct hmap_array at an address; None if it cannot be read."""
        try:
            data = self.target.read(address, self.layout.size)
        except MemoryFault:
            return None
        return self.layout.decode(data, self.target.byte_order)

    def _check_array(self, what: str, at: int, info: dict[str, int], buckets: int, B: int) -> bool:
        """I3: whether an array's header agrees with the map; reports the first mismatch."""
        wrong = None
        if info["buckets"] != buckets:
            wrong = "buckets", f"belongs to 0x{info['buckets']:x}"
        elif info["B"] != B:
            wrong = "B", f"has B {info['B']}, the map says {B}"
        elif info["B"] >= 64:
            wrong = "B", f"has B {info['B']}, more than an address has bits"
        elif info["nalloc"] != self._nalloc(info["B"]):
            wrong = "nalloc", f"has {info['nalloc']:,} buckets, B {B} needs {self._nalloc(B):,}"
        elif not self._agrees(info):
            wrong = "size", f"has size {info['size']:,}, too {self._too(info)} its buckets"
        if wrong is None:
            return True
        field, text = wrong
        self.problem("I3", f"{what} {text}", None, at + self.layout[field].offset)
        return False

    def _nalloc(self, B: int) -> int:
        """Buckets of an array, including spare ones (array.c, hmap_array_new())."""
        return (1 << B) + spare_buckets(1 << B)

    def _agrees(self, info: dict[str, int]) -> bool:
        """Whether an array's header agrees with itself: it has the spare buckets of its B, and only
        the header and its padding before the first bucket."""
        if info["B"] >= 64 or info["nalloc"] != self._nalloc(info["B"]):
            return False
        return 0 <= self._front(info) <= max(self.bucket.align, 64)

    def _front(self, info: dict[str, int]) -> int:
        return info["size"] - info["nalloc"] * self.bucket.size - self.layout.size

    def _too(self, info: dict[str, int]) -> str:
        return "small for" if self._front(info) < 0 else "large for"

    def _retired(self) -> tuple[Array, ...]:
        """Superseded arrays on the retired list with a valid header, each once."""
        out: list[Array] = []
        seen: set[int] = set()
        address = self.fields["retired"]
        while address:
            if address in seen:
                self.problem("I15", "the list of retired arrays is a cycle", "retired")
                break
            if len(seen) >= MAX_RETIRED:
                text = f"more than {MAX_RETIRED:,} retired arrays, the rest is left out"
                self.problem("I15", text, "retired")
                break
            name = f"retired {len(seen)}"
            seen.add(address)
            info = self._array_header(address)
            if info is None:
                self.problem("", "a retired array cannot be read", None, address)
                break
            self.pins[name] = address, info["pins"]
            if not info["pins"]:
                at = address + self.layout["pins"].offset
                self.problem("I15", f"'{name}' is not pinned", None, at)
            first = address + self.layout.size
            if self._check_array(f"the header of '{name}'", address, info, first, info["B"]):
                main = 1 << info["B"]
                spare = info["nalloc"] - main
                out.append(
                    Array(name, first, main, info["size"], spare, info["pins"], Role.RETIRED)
                )
            address = info["next"]
        return tuple(out)

    def _spare_left(self) -> int:
        arrays = self.walked
        following = self.fields["nextOverflow"]
        if not following:
            return 0
        if not arrays:
            self.problem("I12", "nextOverflow is set, but there are no buckets", "nextOverflow")
            return 0
        index = self.place_of_spare(arrays[0], following)
        if index is None:
            self.problem("I12", "nextOverflow is not a spare bucket of the array", "nextOverflow")
            return 0
        return arrays[0].spare - index

    def check_pins(self) -> None:
        open_iterators = self.fields["niterators"]
        for name, (at, count) in self.pins.items():
            if count and not open_iterators:
                text = f"'{name}' has {count:,} pins, but no iterator is open"
                self.problem("I3", text, None, at + self.layout["pins"].offset)
        for name, flag in (("buckets", "ITERATOR"), ("oldbuckets", "OLD_ITERATOR")):
            if self.fields[name] and name not in self.pins:
                continue  # its header cannot be read
            count = self.pins[name][1] if name in self.pins else 0
            if self._flag(flag) != bool(count):
                state = "pinned" if self._flag(flag) else "not pinned"
                text = f"flags say that {name} is {state}, its pins are {count:,}"
                self.problem("I15", text, "flags")
        total = sum(count for _, count in self.pins.values())
        if total > 2 * open_iterators:
            text = f"{total:,} pins, but only {open_iterators:,} open iterators"
            self.problem("I15", text, "niterators")
