"""libhmap's own map: struct hmap, struct hmap_type and struct hmap_array of hmap_internal.h."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Iterator, Sequence
from typing import Union

from ..block import Addresses, Array, Block, Cells, Chain, Header, Problem
from ..layout import Member, StructLayout, struct_layout
from ..target import Field, Kind, MemoryFault, Target, TargetError, Type, Value
from ..target.types import array_of, byte_array, pointer_to
from .bucket_audit import BucketAudit, RetiredAudit
from .bucket_view import iter_chains, slot_addresses
from .bucket_walk import BucketLayout, BucketWalk, Marks
from .family import Family, Map, Place
from .key_hash import FUNCTIONS, KeyHash

HEADER_FIELDS = (
    "count flags B noverflow key_kind hash0 buckets oldbuckets nevacuate nextOverflow type retired "
    "graveyard niterators name created_at"
).split()
TYPE_FIELDS = (
    "tag key_size elem_size key_slot_size elem_slot_size key_align elem_align keys_offset "
    "elems_offset overflow_offset bucket_size bucket_align key_ownership hash"
).split()
ARRAY_FIELDS = "next buckets pins nalloc size B".split()
FLAGS = "ITERATOR OLD_ITERATOR WRITING SAME_SIZE_GROW ALL".split()
MARKS = "EMPTY_REST EMPTY_ONE EVACUATED_X EVACUATED_Y EVACUATED_EMPTY MIN".split()

MAX_TEXT = 256  # of a tag or a map's name
MAX_BUCKET_SIZE = 1 << 20  # far above what 128-byte slots allow
MAX_VALUE_SIZE = 64 << 20  # of a key or elem; larger ones are a broken type object
MAX_RETIRED = 10_000
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class LibhmapFamily:
    """Recognises struct hmap."""

    name = "libhmap"
    describes = "struct hmap (libhmap)"
    has_nil = False

    def recognise(self, found: Type) -> bool:
        return found.kind is Kind.STRUCT and all(
            found.find(name) for name in ("buckets", "oldbuckets", "B", "type")
        )

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        return _LibhmapMap(target, value, found, address)


FAMILY: Family = LibhmapFamily()


class _LibhmapMap:
    def __init__(self, target: Target, value: Value, found: Type, address: int) -> None:
        self.target = target
        self.address = address
        self.expression = value.expression
        self.problems: list[Problem] = []
        self.pins: dict[str, tuple[int, int]] = {}  # of each array: its header's address, and pins
        self.notes: list[str] = []
        self.flags = _enumerators(target, "enum hmap_flags", "HMAP_FLAG_", FLAGS)
        self.marks = _marks(target)
        self.struct = struct_layout(found, HEADER_FIELDS)
        self.fields = self._decode(self.struct, address, "map")
        self.type_layout = struct_layout(self._required("struct hmap_type"), TYPE_FIELDS)
        self.array_layout = struct_layout(self._required("struct hmap_array"), ARRAY_FIELDS)
        self.box = self._required("struct hmap_box")
        self.type = self._decode(self.type_layout, self.fields["type"], "type object")
        self._check_type()
        self.key_type, self.elem_type = self._value_types()
        self.bucket = self._bucket_layout()
        arrays, retired = self._arrays(), self._retired()
        spare_left = self._spare_left(arrays)
        self._check_header(arrays)
        if importlib.util.find_spec("xxhash") is None:
            self.notes.append(
                "the xxhash module is missing, so no key's hash is known: install python3-xxhash"
            )
        self.header = Header(
            family="libhmap",
            expression=value.expression,
            type_name=value.type.name,
            address=address,
            count_at=self._field_address("count"),
            key_type=self.key_type,
            elem_type=self.elem_type,
            count=self.fields["count"],
            arrays=arrays,
            bucket_size=self.bucket.size,
            slots_per_bucket=self.bucket.slots,
            header_size=found.size,
            box_size=self._box_size(),
            load_factor=6.5,
            name=self._text(self.fields["name"]),
            created_at=self._creation_site(),
            B=self.fields["B"],
            same_size_grow=self._flag("SAME_SIZE_GROW"),
            nevacuate=self.fields["nevacuate"],
            overflow_estimate=self.fields["noverflow"],
            overflow_exact=self.fields["B"] < 16,
            spare_left=spare_left,
            writing=self._flag("WRITING"),
            iterators=self.fields["niterators"],
            retired=retired,
            notes=tuple(self.notes),
            problems=tuple(self.problems),
        )

    def walk(self, cells: bool, only: Place | None = None) -> Iterator[Union[Block, Problem]]:
        """See family.Map."""
        if self.header.arrays:
            yield from self._bucket_walk().walk(cells, only)

    def audit(self) -> Iterator[Union[Block, Problem]]:
        """I4 to I15 of hmap_internal.h, as far as the header did not show them already; see
        family.Map."""
        if self.header.arrays:
            yield from BucketAudit(
                self.header,
                self._bucket_walk(),
                key_hash=self.key_hash,
                owned_keys=bool(self.type["key_ownership"]),
                next_overflow=self.fields["nextOverflow"] if self.header.spare_left else 0,
                noverflow_at=self._field_address("noverflow"),
            ).run()
        for array in self.header.retired:
            yield from RetiredAudit(self.target, self.bucket, self.marks, array).run()

    def iter_chains(self, array: str, low: int, high: int) -> Iterator[Chain]:
        """See family.Map."""
        found = self._named_array(array)
        return iter_chains(self.target, self.bucket, self.marks, found, low, high)

    def place_of(self, key: bytes) -> Place | None:
        """See family.Map."""
        if self.key_hash is None or not self.header.arrays:
            return None
        number = self.key_hash.hash_bytes(key)
        new, *old = self.header.arrays
        if old:
            bucket = number % old[0].buckets
            chain = next(self.iter_chains(old[0].name, bucket, bucket + 1))
            main = next(chain.links)
            if main.tophash and not main.marks[0].startswith("evacuated"):
                return Place(old[0].name, bucket)
        return Place(new.name, number % new.buckets)

    def slot_addresses(self, cells: Cells) -> tuple[Addresses, Addresses]:
        """See family.Map."""
        return slot_addresses(self.target, self.bucket, cells)

    def layouts(self) -> Sequence[StructLayout]:
        """See family.Map."""
        return [self.struct, self.type_layout, self.array_layout, self._bucket_struct()]

    def _bucket_walk(self) -> BucketWalk:
        arrays = self.header.arrays
        return BucketWalk(self.target, self.bucket, self.marks, arrays[0], self.header.old)

    def _named_array(self, name: str) -> Array:
        return next(array for array in self.header.arrays if array.name == name)

    @functools.cached_property
    def key_hash(self) -> KeyHash | None:
        """The map's hash where it is one of the library's own and can be computed here."""
        function = self.target.function_at(self.type["hash"])
        if function not in FUNCTIONS or importlib.util.find_spec("xxhash") is None:
            return None
        return KeyHash(self.target, function, self.fields["hash0"])

    def _bucket_struct(self) -> StructLayout:
        """The bucket as it is read, by the numbers of the type object."""
        kind, pointer = self.type, self.target.pointer_size
        byte = Type(Kind.INTEGER, "uint8_t", 1)
        link = Type(Kind.POINTER, f"struct {self.tag} *", pointer)
        keys, elems = self._slot_type("key"), self._slot_type("elem")
        members = (
            Member("tophash", 0, 8, array_of(byte, 8), "hmap.h"),
            Member("keys", kind["keys_offset"], keys.size, keys, "type object"),
            Member("elems", kind["elems_offset"], elems.size, elems, "type object"),
            Member("overflow", kind["overflow_offset"], pointer, link, "type object"),
        )
        return StructLayout(f"struct {self.tag}", kind["bucket_size"], members)

    def _slot_type(self, part: str) -> Type:
        """The type of a bucket's keys or elems."""
        found = self.key_type if part == "key" else self.elem_type
        if self.type[f"{part}_size"] != self.type[f"{part}_slot_size"]:
            found = pointer_to(found, self.target.pointer_size)
        return array_of(found, 8)

    # ---- the header

    def _required(self, name: str) -> Type:
        found = self.target.lookup_type(name)
        if found is None or not found.fields:
            raise TargetError(
                f"no debug info for '{name}': load libhmap's symbols "
                "('sharedlibrary', or 'add-symbol-file' with its debug file)"
            )
        return found

    def _decode(self, layout: StructLayout, address: int, what: str) -> dict[str, int]:
        try:
            data = self.target.read(address, layout.size)
        except MemoryFault:
            raise TargetError(
                f"cannot read the {what} of '{self.expression}' at 0x{address:x}: "
                "the pointer is wild, or the core does not hold that memory"
            ) from None
        values = layout.decode(data, self.target.byte_order)
        for member in layout.members:
            if values.get(member.name, -1) < 0:
                raise TargetError(
                    f"field '{member.name}' of '{layout.name}' is no unsigned number: it is not a "
                    f"map this version knows; see what it is with 'ptype {layout.name}'"
                )
        return values

    def _flag(self, name: str) -> bool:
        return bool(self.fields["flags"] & self.flags[name])

    def _check_type(self) -> None:
        """The type object's geometry must make sense before anything is read by it."""
        kind, slots, pointer = self.type, 8, self.target.pointer_size
        sound = (
            0 < kind["bucket_size"] <= MAX_BUCKET_SIZE
            and kind["key_size"] > 0
            and kind["elem_size"] > 0
            and kind["key_slot_size"] in (kind["key_size"], pointer)
            and kind["elem_slot_size"] in (kind["elem_size"], pointer)
            and slots <= kind["keys_offset"]
            and kind["keys_offset"] + slots * kind["key_slot_size"] <= kind["elems_offset"]
            and kind["elems_offset"] + slots * kind["elem_slot_size"] <= kind["overflow_offset"]
            and kind["overflow_offset"] + pointer <= kind["bucket_size"]
            and max(kind["key_size"], kind["elem_size"]) <= MAX_VALUE_SIZE
        )
        if not sound:
            raise TargetError(
                f"'{self.expression}' is not a sound map: its type object at "
                f"0x{self.fields['type']:x} makes no sense: the pointer is wild, or the map was "
                "freed"
            )

    def _value_types(self) -> tuple[Type, Type]:
        """Key and elem types from `struct TAG` where it agrees with the type object; else bytes."""
        kind = self.type
        self.tag = tag = self._text(kind["tag"])
        fallback = byte_array(kind["key_size"]), byte_array(kind["elem_size"])
        if not _IDENTIFIER.match(tag):
            self.notes.append("the type object's tag is no identifier: keys and elems as bytes")
            return fallback
        bucket = self.target.lookup_type(f"struct {tag}")
        if bucket is None or not bucket.fields:
            self.notes.append(f"no debug info for 'struct {tag}': keys and elems as bytes")
            return fallback
        keys, elems, overflow = (bucket.find(name) for name in ("keys", "elems", "overflow"))
        if (
            keys is None
            or elems is None
            or overflow is None
            or (bucket.size, keys.offset, elems.offset, overflow.offset)
            != tuple(
                kind[name]
                for name in ("bucket_size", "keys_offset", "elems_offset", "overflow_offset")
            )
            or (keys.type.kind, keys.type.size) != (Kind.ARRAY, 8 * kind["key_slot_size"])
            or (elems.type.kind, elems.type.size) != (Kind.ARRAY, 8 * kind["elem_slot_size"])
        ):
            self.notes.append(
                f"'struct {tag}' differs from the map's type object: keys and elems as bytes"
            )
            return fallback
        return (
            self._value_type(keys, kind["key_size"], kind["key_slot_size"], fallback[0]),
            self._value_type(elems, kind["elem_size"], kind["elem_slot_size"], fallback[1]),
        )

    def _value_type(self, slots: Field, size: int, slot_size: int, fallback: Type) -> Type:
        found = slots.type.target
        if found.size != slot_size:
            return fallback
        if size != slot_size:
            found = found.target if found.kind is Kind.POINTER else fallback
        return found if found.size == size else fallback

    def _bucket_layout(self) -> BucketLayout:
        kind = self.type
        return BucketLayout(
            size=kind["bucket_size"],
            tophash=0,
            keys=kind["keys_offset"],
            key_slot=kind["key_slot_size"],
            elems=kind["elems_offset"],
            elem_slot=kind["elem_slot_size"],
            overflow=kind["overflow_offset"],
            key_size=kind["key_size"],
            elem_size=kind["elem_size"],
            key_boxed=kind["key_size"] != kind["key_slot_size"],
            elem_boxed=kind["elem_size"] != kind["elem_slot_size"],
            align=kind["bucket_align"] if kind["bucket_align"] in (1, 2, 4, 8, 16, 32, 64) else 1,
        )

    def _box_size(self) -> int:
        # array.c box_prefix(): one alignment for all boxes of a map.
        kind = self.type
        boxed = [
            part for part in ("key", "elem") if kind[f"{part}_size"] != kind[f"{part}_slot_size"]
        ]
        before = self.box.size
        for align in (kind[f"{part}_align"] for part in boxed):
            if align <= MAX_BUCKET_SIZE:
                before = max(before, align)
        return sum(kind[f"{part}_size"] + before for part in boxed)

    def _arrays(self) -> tuple[Array, ...]:
        fields = self.fields
        if not fields["buckets"]:
            if fields["count"] or fields["oldbuckets"]:
                self._problem(
                    "I2", "the map has entries or an old array, but no buckets", "buckets"
                )
            elif fields["B"]:
                self._problem("I2", f"B is {fields['B']}, but there are no buckets", "buckets")
            return ()
        if fields["B"] >= 8 * self.target.pointer_size:
            self._problem("I2", f"B is {fields['B']}, more than an address has bits", "B")
        new = self._array("buckets", fields["buckets"], fields["B"])
        if new is None:
            raise TargetError(
                f"'{self.expression}' is not a sound map: B is {fields['B']}, more buckets than "
                f"memory has at 0x{fields['buckets']:x}; the pointer is wild, or the map was freed"
            )
        old = None
        if fields["oldbuckets"]:
            B = fields["B"] if self._flag("SAME_SIZE_GROW") else fields["B"] - 1
            if B < 0:
                self._problem("I2", "the map doubles from no bucket: B is 0", "B")
            old = self._array("oldbuckets", fields["oldbuckets"], B)
        elif self._flag("SAME_SIZE_GROW"):
            self._problem("I2", "the flag sameSizeGrow is set, but no growth is under way", "flags")
        if old is not None and old.buckets > new.buckets:
            self.notes.append("the old array is larger than the new one: it is left out")
            old = None
        return (new,) if old is None else (new, old)

    def _array(self, name: str, address: int, B: int) -> Array | None:
        """The array whose first bucket is at `address`. Where its header says another B than the
        map, and all else in the header says the same, it is the map that is wrong. None: neither
        B is one that memory has room for."""
        at = (address - self.array_layout.size) % self.target.address_limit
        info = self._array_header(at)
        pins = 0
        if info is None:
            self._problem("", f"the header of '{name}' cannot be read", None, at)
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
        size = self.array_layout.size + nalloc * self.bucket.size
        if info is not None and self._agrees(info):
            size = info["size"]
        return Array(name, address, 1 << B, size, nalloc - (1 << B), pins)

    def _array_header(self, address: int) -> dict[str, int] | None:
        """The struct hmap_array at an address; None where it cannot be read."""
        try:
            data = self.target.read(address, self.array_layout.size)
        except MemoryFault:
            return None
        return self.array_layout.decode(data, self.target.byte_order)

    def _check_array(self, what: str, at: int, info: dict[str, int], buckets: int, B: int) -> bool:
        """I3: whether an array's header agrees with the map; the first field that does not."""
        wrong = None
        if info["buckets"] != buckets:
            wrong = "buckets", f"says it is that of 0x{info['buckets']:x}"
        elif info["B"] != B:
            wrong = "B", f"has B {info['B']}, the map says {B}"
        elif info["B"] >= 64:
            wrong = "B", f"has B {info['B']}, more than an address has bits"
        elif info["nalloc"] != self._nalloc(info["B"]):
            wrong = "nalloc", f"has {info['nalloc']:,} buckets, B {B} wants {self._nalloc(B):,}"
        elif not self._agrees(info):
            wrong = "size", f"has size {info['size']:,}, too {self._too(info)} its buckets"
        if wrong is None:
            return True
        field, text = wrong
        self._problem("I3", f"{what} {text}", None, at + self.array_layout[field].offset)
        return False

    def _nalloc(self, B: int) -> int:
        """Buckets of an array, spare ones included (array.c, array_new())."""
        return (1 << B) + (1 << (B - 4) if B >= 4 else 0)

    def _agrees(self, info: dict[str, int]) -> bool:
        """Whether an array's header agrees with itself: the spare buckets are those that its B
        gets, and what is in front of the first bucket is the header and its padding."""
        if info["B"] >= 64 or info["nalloc"] != self._nalloc(info["B"]):
            return False
        return 0 <= self._front(info) <= max(self.bucket.align, 64)

    def _front(self, info: dict[str, int]) -> int:
        return info["size"] - info["nalloc"] * self.bucket.size - self.array_layout.size

    def _too(self, info: dict[str, int]) -> str:
        return "small for" if self._front(info) < 0 else "large for"

    def _retired(self) -> tuple[Array, ...]:
        """Superseded arrays on the retired list, each once; those with a sound header."""
        out: list[Array] = []
        seen: set[int] = set()
        address = self.fields["retired"]
        while address:
            if address in seen:
                self._problem("I15", "the list of retired arrays is a cycle", "retired")
                break
            if len(seen) >= MAX_RETIRED:
                text = f"more than {MAX_RETIRED:,} retired arrays, the rest is left out"
                self._problem("I15", text, "retired")
                break
            name = f"retired {len(seen)}"
            seen.add(address)
            info = self._array_header(address)
            if info is None:
                self._problem("", "a retired array cannot be read", None, address)
                break
            self.pins[name] = address, info["pins"]
            if not info["pins"]:
                at = address + self.array_layout["pins"].offset
                self._problem("I15", f"'{name}' is not pinned", None, at)
            first = address + self.array_layout.size
            if self._check_array(f"the header of '{name}'", address, info, first, info["B"]):
                main = 1 << info["B"]
                out.append(
                    Array(name, first, main, info["size"], info["nalloc"] - main, info["pins"])
                )
            address = info["next"]
        return tuple(out)

    def _check_header(self, arrays: tuple[Array, ...]) -> None:
        """I2, I3 and I15: what needs no walk, beyond what the arrays have shown."""
        fields = self.fields
        unknown = fields["flags"] & ~self.flags["ALL"]
        if unknown:
            self._problem("I2", f"flags has unknown bits 0x{unknown:x}", "flags")
        kinds = self.target.lookup_type("enum hmap_key_kind")
        if kinds is not None and fields["key_kind"] not in dict(kinds.enumerators).values():
            self._problem("I2", f"key_kind is {fields['key_kind']}, which is none", "key_kind")
        limit = arrays[-1].buckets if arrays else 1
        if len(arrays) > 1 and fields["nevacuate"] >= limit:
            text = f"nevacuate is {fields['nevacuate']:,} of {limit:,} old buckets, still growing"
            self._problem("I2", text, "nevacuate")
        elif not fields["oldbuckets"] and fields["nevacuate"] > limit:
            text = f"nevacuate is {fields['nevacuate']:,} of {limit:,} buckets"
            self._problem("I2", text, "nevacuate")
        self._check_pins()
        if fields["graveyard"] and not fields["niterators"]:
            text = "the graveyard is not empty, but no iterator is open"
            self._problem("I15", text, "graveyard")

    def _check_pins(self) -> None:
        open_iterators = self.fields["niterators"]
        for name, (at, count) in self.pins.items():
            if count and not open_iterators:
                text = f"'{name}' has {count:,} pins, but no iterator is open"
                self._problem("I3", text, None, at + self.array_layout["pins"].offset)
        for name, flag in (("buckets", "ITERATOR"), ("oldbuckets", "OLD_ITERATOR")):
            if self.fields[name] and name not in self.pins:
                continue  # its header is not there to be asked
            count = self.pins[name][1] if name in self.pins else 0
            if self._flag(flag) != bool(count):
                state = "pinned" if self._flag(flag) else "not pinned"
                text = f"flags say that {name} is {state}, its pins are {count:,}"
                self._problem("I15", text, "flags")
        total = sum(count for _, count in self.pins.values())
        if total > 2 * open_iterators:
            text = f"{total:,} pins, but only {open_iterators:,} open iterators"
            self._problem("I15", text, "niterators")

    def _spare_left(self, arrays: tuple[Array, ...]) -> int:
        following = self.fields["nextOverflow"]
        if not following:
            return 0
        if not arrays:
            self._problem("I12", "nextOverflow is set, but there are no buckets", "nextOverflow")
            return 0
        first = arrays[0].address + arrays[0].buckets * self.bucket.size
        index, rest = divmod(following - first, self.bucket.size)
        if rest or not 0 <= index < arrays[0].spare:
            self._problem("I12", "nextOverflow is no spare bucket of the array", "nextOverflow")
            return 0
        return arrays[0].spare - index

    # ---- words

    def _field_address(self, name: str) -> int:
        return self.address + self.struct[name].offset

    def _problem(
        self, invariant: str, text: str, field: str | None, address: int | None = None
    ) -> None:
        at = address if field is None else self._field_address(field)
        self.problems.append(Problem(text, at, invariant))

    def _text(self, address: int) -> str:
        """A short C string of the target; empty where there is none."""
        if not address:
            return ""
        page = 4096
        data = b""
        try:
            while len(data) < MAX_TEXT and b"\0" not in data:
                at = address + len(data)
                data += self.target.read(at, min(page - at % page, MAX_TEXT - len(data)))
        except MemoryFault:
            return ""
        return data.split(b"\0")[0].decode("utf-8", "backslashreplace")

    def _creation_site(self) -> str:
        # A return address: the call is just before it.
        site = self.fields["created_at"]
        return (self.target.describe_address(site - 1) or "") if site else ""


def _enumerators(target: Target, name: str, prefix: str, wanted: Sequence[str]) -> dict[str, int]:
    """An enum's constants without their prefix; TargetError where a wanted one is missing."""
    found = target.lookup_type(name)
    if found is None or not found.enumerators:
        raise TargetError(
            f"no debug info for '{name}': load libhmap's symbols "
            "('sharedlibrary', or 'add-symbol-file' with its debug file)"
        )
    values = {key[len(prefix) :]: number for key, number in found.enumerators}
    for key in wanted:
        if key not in values:
            raise TargetError(
                f"'{name}' has no constant '{prefix}{key}': it is not of a libhmap this version "
                f"knows; see what it is with 'ptype {name}'"
            )
    return values


def _marks(target: Target) -> Marks:
    values = _enumerators(target, "enum hmap_tophash", "HMAP_TOPHASH_", MARKS)
    return Marks(*(values[name] for name in MARKS))
