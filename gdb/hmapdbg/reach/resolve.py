"""From a path as hmap-list prints it back to the value.

What gdb can evaluate, gdb evaluates. Beyond that a path may begin in a frame or the registry, and
go through what gdb's expressions know nothing of, or would have to call the program for: elems of
maps by their key, and what a language's own types lead to, such as slices, containers, smart
pointers and interfaces. Text of the target is never evaluated: keys are compared, types looked up.

    frame 3: m                 thread 2 frame 3: m        registry "sessions"
    main.cache["users"]        main.handlers[4].(*main.server).sessions
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..families import family_of, is_handle, open_map
from ..find import find, key_by_text, parse_key
from ..languages import Access, Held, Holder, find_elements, find_holder, find_object
from ..languages.libhmap.registry import read_registry
from ..target import Kind, MemoryFault, Target, TargetError, Type, Value
from ..target.spelling import closing_at
from ..target.types import pointer_to
from .steps import FRAME, step_starts

_REGISTRY = re.compile(r'registry "([^"]*)"\Z')
MAX_STEPS = 200


def resolve(target: Target, text: str) -> Value:
    """The value of a path or expression. TargetError."""
    frame = FRAME.match(text)
    if frame is not None:
        thread = frame["thread"]
        with target.frame_selected(None if thread is None else int(thread), int(frame["level"])):
            return replace(resolve(target, text[frame.end() :]), expression=text)
    registered = _REGISTRY.match(text)
    if registered is not None:
        return _registered(target, registered.group(1))
    return pointed_at(target, _value(target, text, 0, None)[0])


def resolve_from(target: Target, text: str, root: Callable[[str], Value]) -> Value:
    """What `root` makes of an expression for an address, of which the type was given; or the value
    of a path that begins with such an address, a number. TargetError."""
    starts = step_starts(text)
    first = text[: starts[0]] if starts else ""
    if not re.fullmatch(r"0x[0-9a-fA-F]+|\d+", first):
        return root(text)
    value = root(first)
    return pointed_at(target, replace(_value(target, text, 0, (first, value))[0], expression=text))


def _value(
    target: Target, text: str, depth: int, root: tuple[str, Value] | None
) -> tuple[Value, bool]:
    """The value by gdb, if it knows all of the path; else of the path without its last step, and
    then that step; and whether there is a step in the path that gdb knows nothing of. TargetError:
    gdb's own where there is none."""
    failure = TargetError(f"path '{text}' is too long")
    if root is not None and text == root[0]:
        return root[1], True
    if root is None and not _indexes_map(target, text):
        try:
            return target.evaluate(text), False
        except TargetError as error:
            failure = error
    step = _last_step(text) if depth < MAX_STEPS else None
    if step is None:
        raise failure
    before, apply = step
    try:
        value, is_beyond = _value(target, before, depth + 1, root)
    except _StepError:
        raise
    except TargetError:
        raise failure from None
    inner = pointed_at(target, value)
    is_beyond = is_beyond or inner is not value or _is_beyond_gdb(target, inner.type, text)
    if not is_beyond:
        raise _meant_a_key(inner, text) or failure
    if text.endswith("]") and (inner is not value or root is not None and before == root[0]):
        inner = _stood_for(target, inner)
    try:
        return apply(target, inner, text), True
    except TargetError as error:
        raise _StepError(str(error)) from None


class _StepError(TargetError):
    """A step that gdb knows nothing of has failed: what is said of it tells more than gdb's error
    about the whole."""


def _is_beyond_gdb(target: Target, found: Type, text: str) -> bool:
    """Whether gdb does not know the last step of a path, from a value of the type on."""
    if text.endswith("]"):
        return _is_map(found) or find_elements(found) is not None
    return text.endswith(")") and (find_holder(found) is not None or _is_object(target, found))


def _indexes_map(target: Target, text: str) -> bool:
    """Whether an index of the path is a map's key. A map of Go or libhmap is a pointer, and to gdb
    an index would be an offset from it."""
    for at in step_starts(text):
        if text[at] != "[":
            continue
        try:
            value = target.evaluate(text[:at])
        except TargetError:
            return False  # gdb cannot evaluate the whole, then
        if _is_map(value.type):
            return True
    return False


def _is_map(found: Type) -> bool:
    """Whether values of the type are maps, or pointers that stand for one, in whose paths an index
    is a key. Of any other pointer to a map it is the number of one in an array, as in gdb."""
    if found.kind is Kind.POINTER and found.resolve is not None:
        pointee = found.target
        return pointee.kind is Kind.STRUCT and is_handle(pointee)
    return found.kind is Kind.STRUCT and family_of(found) is not None


def _is_pointer_to_map(found: Type) -> bool:
    return found.kind is Kind.POINTER and found.resolve is not None and _is_map(found.target)


def _meant_a_key(value: Value, text: str) -> TargetError | None:
    """The error of an index that gdb cannot take, behind a pointer to a map; None for any other."""
    if not text.endswith("]") or not _is_pointer_to_map(value.type):
        return None
    key = text[step_starts(text)[-1] :]
    return TargetError(
        f"'{value.expression}' is a pointer, and '{text}' would be a map beside the one it points "
        f"to: for the elem of a key write '(*{value.expression}){key}'"
    )


def _stood_for(target: Target, value: Value) -> Value:
    """The map itself, of a pointer that stands for it; any other value as it is."""
    if _is_pointer_to_map(value.type):
        return _dereference(target, value, value.expression)
    return value


def _registered(target: Target, name: str) -> Value:
    """The map of that name in libhmap's registry."""
    found = []
    for value in read_registry(target).maps:
        try:
            if open_map(target, value).header.name == name:
                found.append(value)
        except TargetError:
            continue
    if not found:
        raise TargetError(f"no map '{name}' in the registry: 'hmap-list' lists them")
    if len(found) > 1:
        raise TargetError(
            f"{len(found):,} maps in the registry are named '{name}': "
            f"choose one by its address, as in '{found[0].expression}'"
        )
    return found[0]


def pointed_at(target: Target, value: Value) -> Value:
    """What a smart pointer points to, or an optional holds; any other value as it is. TargetError
    where an optional holds nothing, or the object of a smart pointer is gone."""
    elements = find_elements(value.type)
    if elements is not None and elements.access is Access.POINTEE:
        raw = np.frombuffer(value.data[: elements.size], np.uint8)[None]
        address = elements.locate(target, value.address or 0, raw, 0)
        if address is None and raw.any():
            raise _StepError(f"'{value.expression}' has expired: its object is gone")
        return _pointer(target, value.expression, elements.element, address or 0)
    holder = find_holder(value.type)
    if holder is None or holder.access is not Access.POINTEE:
        return value
    held = _held(target, holder, value)
    if held is None:
        raise _StepError(f"'{value.expression}' holds no value")
    if value.address is None:
        raise _StepError(f"'{value.expression}' is not in memory: name the variable that holds it")
    return _pointer(target, value.expression, held.type, int(held.addrs[0]))


def _pointer(target: Target, text: str, pointee: Type, address: int) -> Value:
    data = address.to_bytes(target.pointer_size, target.byte_order)
    return Value(text, pointer_to(pointee, target.pointer_size), data)


def _held(target: Target, holder: Holder, value: Value) -> Held | None:
    """What a holder holds; None where that is nothing, or not known."""
    raw = np.frombuffer(value.data[: holder.size], np.uint8)[None]
    contents = holder.open(target, raw, np.array([value.address or 0], np.uint64))
    return next(contents.iter_followed(), None)


_Apply = Callable[[Target, Value, str], Value]


def _last_step(text: str) -> tuple[str, _Apply] | None:
    """A path without its last step, and that step; None where it has no step."""
    text = text.strip()
    if text.startswith("(") and closing_at(text, 0) == len(text) - 1:
        inner = text[1:-1].strip()
        if inner.startswith("*"):
            return inner[1:].strip(), _dereference
        return _last_step(inner)
    starts = step_starts(text)
    if not starts:
        if text.startswith("*"):
            return text[1:].strip(), _dereference
        return None
    at = starts[-1]
    before, last = text[:at], text[at:]
    if last.startswith(".("):
        return before, lambda target, value, path: _assert(target, value, last[2:-1], path)
    if last.startswith("["):
        return before, lambda target, value, path: _element(target, value, last[1:-1], path)
    name = last[2:] if last.startswith("->") else last[1:]
    return before, lambda target, value, path: _member(target, value, name, path)


# ---- steps


def _at(target: Target, found: Type, address: int, path: str) -> Value:
    try:
        return Value(path, found, target.read(address, found.size), address)
    except MemoryFault as fault:
        raise TargetError(f"cannot read '{path}': {fault}: the pointer is wild") from None


def _dereference(target: Target, value: Value, path: str) -> Value:
    if value.type.kind is not Kind.POINTER or value.type.resolve is None:
        raise TargetError(f"'{value.expression}' is no pointer but of type '{value.type.name}'")
    return _at(target, value.type.target, _number(target, value.data), path)


def _member(target: Target, value: Value, name: str, path: str) -> Value:
    if value.type.kind is Kind.POINTER and value.type.resolve is not None:
        value = _dereference(target, value, value.expression)
    found = value.type.find(name)
    if found is None:
        raise TargetError(
            f"'{value.expression}' has no field '{name}': see what it is with "
            f"'ptype {value.type.name}'"
        )
    return _part(value, found.type, found.offset, path)


def _part(value: Value, found: Type, offset: int, path: str) -> Value:
    data = value.data[offset : offset + found.size]
    return Value(path, found, data, None if value.address is None else value.address + offset)


def _element(target: Target, value: Value, text: str, path: str) -> Value:
    """An element of an array, slice or container by its number, or an elem of a map by its key."""
    if value.type.name.endswith("&"):  # a reference stands for what it refers to
        value = _dereference(target, value, value.expression)
    found = value.type
    if _is_map(found):
        return _elem(target, value, text, path)
    number = _index(text, path)
    elements = find_elements(found)
    if elements is not None and value.address is not None:
        raw = np.frombuffer(value.data[: elements.size], np.uint8)[None]
        address = elements.locate(target, value.address, raw, number)
        if address is None:
            raise TargetError(f"no element {number:,} in '{value.expression}': it has fewer")
        return _at(target, elements.element, address, path)
    if found.kind is Kind.ARRAY and number < found.count:
        return _part(value, found.target, number * found.target.size, path)
    if found.kind is Kind.POINTER and found.resolve is not None:
        element = found.target
        return _at(target, element, _number(target, value.data) + number * element.size, path)
    raise TargetError(f"'{value.expression}' has no element {text}: its type is '{found.name}'")


def _index(text: str, path: str) -> int:
    try:
        number = int(text.lstrip("#"), 0)
    except ValueError:
        number = -1
    if number < 0:
        raise TargetError(f"'{path}' has '{text}' for a number of an element")
    return number


def _elem(target: Target, value: Value, text: str, path: str) -> Value:
    """The elem of a map's key. An elem may be in a box of its own."""
    opened = open_map(target, value)
    header = opened.header
    try:
        key = parse_key(target, header.key_type, text)
    except TargetError:  # no expression, but what the entries CSV shows: an interface's value
        key = key_by_text(target, header.key_type, text)
    hit = find(target, opened, key)
    if hit.cells is None:
        raise TargetError(f"key {text} is absent from '{value.expression}'")
    _, elems = opened.slot_addresses(hit.cells)
    return _at(target, header.elem_type.origin or header.elem_type, int(elems[0]), path)


def _assert(target: Target, value: Value, name: str, path: str) -> Value:
    """The content of an interface or the like, or the object that a part belongs to; it must be of
    that type."""
    if value.type.kind is Kind.POINTER and _is_object(target, value.type):
        value = _dereference(target, value, value.expression)
    holder = find_holder(value.type) or find_object(value.type, target.pointer_size)
    if holder is None:
        raise TargetError(
            f"'{value.expression}' is no interface, variant or object with virtual functions but "
            f"of type '{value.type.name}'"
        )
    held = _held(target, holder, value)
    if held is None or held.name != name:
        what = "nothing that is known" if held is None else f"a '{held.name}'"
        raise TargetError(f"'{value.expression}' holds {what}, no '{name}'")
    if held.data is None:
        return _at(target, held.type, int(held.addrs[0]), path)
    address = None if value.address is None else int(held.addrs[0])
    return Value(path, held.type, held.data[0].tobytes(), address)


def _is_object(target: Target, found: Type) -> bool:
    """Whether a type is a class with virtual functions, or a pointer to one."""
    if found.kind is Kind.POINTER and found.resolve is not None:
        found = found.target
    return find_object(found, target.pointer_size) is not None


def _number(target: Target, data: bytes) -> int:
    return int.from_bytes(data, target.byte_order)
