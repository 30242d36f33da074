"""Runs in gdb: functions with which test_go_faults.py plants faults in Go maps."""

from __future__ import annotations

from collections.abc import Iterator

import gdb

INDIRECT = "internal/sync.indirect[interface {},interface {}]"


WILD = 0xDEAD0000000
written: list[tuple[int, bytes]] = []


def pick(name: str, number: int | None) -> gdb.Value:
    """The header of a map in an array, or in a variable, of package main."""
    found = gdb.parse_and_eval(f"&'main.{name}'").dereference()
    if number is not None:
        found = found[number]
    if found.type.strip_typedefs().code == gdb.TYPE_CODE_PTR:
        found = found.referenced_value()
    return found


def plant(place: gdb.Value, number: int | gdb.Value) -> None:
    """Writes a number over a value, and reports the address."""
    address, size = int(place.address), place.type.sizeof
    memory = gdb.selected_inferior()
    written.append((address, bytes(memory.read_memory(address, size))))
    memory.write_memory(address, (int(number) % (1 << 8 * size)).to_bytes(size, "little"))
    print("planted", hex(address))


def mend() -> None:
    """Undoes all writes."""
    while written:
        gdb.selected_inferior().write_memory(*written.pop())


def byte(place: gdb.Value, number: int) -> gdb.Value:
    """A byte of a value."""
    return cast(gdb.Value(int(place.address) + number), "uint8")


def cast(pointer: gdb.Value, found: str | gdb.Type) -> gdb.Value:
    """The target of a pointer, as a value of a type."""
    if isinstance(found, str):
        found = gdb.lookup_type(found)
    return pointer.cast(found.pointer()).dereference()


def word(place: gdb.Value) -> gdb.Value:
    """The pointer in an atomic.Value or an atomic.Pointer."""
    while place.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
        names = [field.name for field in place.type.strip_typedefs().fields()]
        place = place["data" if "data" in names else "v"]
    return place


# ---- bucket maps


def iter_buckets(m: gdb.Value, array: str = "buckets") -> Iterator[gdb.Value]:
    """Main buckets, endlessly."""
    at = 0
    while True:
        yield m[array][at]
        at += 1


def full(m: gdb.Value) -> gdb.Value:
    """A main bucket without overflow ones, its first three cells live."""
    return next(
        b
        for b in iter_buckets(m)
        if not int(b["overflow"]) and all(int(b["tophash"][i]) >= 5 for i in range(3))
    )


def chained(m: gdb.Value) -> gdb.Value:
    """A main bucket with an overflow bucket."""
    return next(b for b in iter_buckets(m) if int(b["overflow"]))


def old(m: gdb.Value, moved: bool) -> int:
    """The first old bucket that has been evacuated, or has not."""
    return next(
        number
        for number, bucket in enumerate(iter_buckets(m, "oldbuckets"))
        if (2 <= int(bucket["tophash"][0]) <= 4) == moved
    )


def live(bucket: gdb.Value) -> int:
    """The first live cell."""
    return next(i for i in range(8) if int(bucket["tophash"][i]) >= 5)


# ---- Swiss maps


def table(m: gdb.Value) -> gdb.Value:
    """The first table."""
    return m["dirPtr"][0].dereference()


def group(m: gdb.Value, number: int = 0) -> gdb.Value:
    """A group of the first table."""
    return table(m)["groups"]["data"][number]


def slots_of(m: gdb.Value, state: str) -> list[tuple[int, int]]:
    """(group, slot) of the slots of the first table that are full, empty or deleted."""
    out = []
    for number in range(int(table(m)["groups"]["lengthMask"]) + 1):
        for slot in range(8):
            ctrl = int(byte(group(m, number)["ctrl"], slot))
            if {"full": ctrl < 0x80, "empty": ctrl == 0x80, "deleted": ctrl == 0xFE}[state]:
                out.append((number, slot))
    return out


def empty_in_small(m: gdb.Value) -> gdb.Value:
    """The control byte of the first empty slot of a map of one group."""
    control = (cast(gdb.Value(int(m["dirPtr"]) + slot), "uint8") for slot in range(8))
    return next(one for one in control if int(one) == 0x80)


# ---- sync.Map


def read_only(m: gdb.Value) -> gdb.Value:
    """The read map of a sync.Map up to go1.23."""
    return cast(word(m["read"]), "sync.readOnly")


def shared_expunged(m: gdb.Value) -> gdb.Value:
    """The pointer of the first expunged entry of the read map."""
    mark = int(gdb.parse_and_eval("'sync.expunged'"))
    for bucket in iter_buckets(read_only(m)["m"]):
        for cell in range(8):
            if int(bucket["tophash"][cell]) >= 5 and int(word(bucket["values"][cell]["p"])) == mark:
                return word(bucket["values"][cell]["p"])
    raise AssertionError


def root(m: gdb.Value) -> gdb.Value:
    """The root of a trie."""
    return cast(word(m["m"]["root"]), INDIRECT)


def inner(m: gdb.Value) -> tuple[gdb.Value, gdb.Value]:
    """The first child of the root that is a node: its pointer, and the node."""
    for child in range(16):
        place = word(root(m)["children"][child])
        if int(place) and not int(cast(place, INDIRECT)["node"]["isEntry"]):
            return place, cast(place, INDIRECT)
    raise AssertionError
