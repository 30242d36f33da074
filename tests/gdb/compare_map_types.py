"""Runs inside gdb: map types put together from descriptors, against debug info. Prints how
many were compared, and how many differ."""

from __future__ import annotations

from hmapdbg.families import open_map
from hmapdbg.languages.go import MapTypes
from hmapdbg.target import Type, Value
from hmapdbg.target.opening import open_target


def shape(name: str, found: Type) -> object:
    """What a walk reads by."""
    opened = open_map(target, Value(name, found, bytes(target.pointer_size)))
    header = opened.header
    layouts = [
        [(one.name, one.offset, one.size) for one in struct.members] for struct in opened.layouts()
    ]
    return header.key_type.name, header.elem_type.name, header.geometry.bucket_size, layouts


target = open_target()
compared = different = 0
types = MapTypes(target)
names = [one.name for one in types.all()]
known = {name: target.lookup_type(name) for name in names}
lookup = target.find_type
setattr(target, "find_type", lambda name: None if name in known else lookup(name))
types = MapTypes(target)
for one in types.all():
    theirs = known[one.name]
    if theirs is None:
        continue
    compared += 1
    if shape(one.name, one) != shape(one.name, theirs):
        different += 1
        print(one.name, shape(one.name, one), shape(one.name, theirs))
print(compared, different)
