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

from ..compat import dataclass
from ..families import family_of, open_map
from ..find import find, key_by_text, parse_key
from ..languages import Access, find_elements, find_holder
from ..languages.libhmap.registry import read_registry
from ..target import Kind, MemoryFault, Target, TargetError, Type, Value
from ..target.spelling import closing_at, split_scope
from ..target.types import pointer_to
from .members import find_qualified, find_virtual_base
from .steps import has_base_step, step_starts

_REGISTRY = re.compile(r'registry "([^"]*)"\Z')
MAX_STEPS = 200


@dataclass(frozen=True)
class _Root:
    """What a path may begin with that the target's expressions do not know, or must not be asked
    for."""

    find: Callable[[str], Value | None]
    is_only: bool = False  # the expressions are not asked


def resolve(target: Target, text: str) -> Value:
    """The value of a path or expression. TargetError."""
    registered = _REGISTRY.match(text)
    if registered is not None:
        return _registered(target, registered.group(1))
    scope, path = split_scope(text)

    def find_variable(name: str) -> Value | None:
        found = target.find_variable(scope.text + name)
        if found is None or found.address is None:
            return None
        return _at(target, found.type, found.address, name)

    root = _Root(find_variable, is_only=bool(scope.object))
    if root.is_only or not scope.text:
        value = _value(target, path, 0, root)[0]
    else:
        with target.frame_selected(scope.thread, scope.level or 0):
            value = _value(target, path, 0, root)[0]
    return replace(_pointed_at(target, value), expression=text)


def resolve_from(target: Target, text: str, root: Callable[[str], Value]) -> Value:
    """What `root` makes of an expression for an address whose type was given; or the value
    of a path that begins with such an address, a number. TargetError."""
    starts = step_starts(text)
    first = text[: starts[0]] if starts else ""
    if not re.fullmatch(r"0x[0-9a-fA-F]+|\d+", first):
        return root(text)
    value = root(first)
    begin = _Root(lambda name: value if name == first else None, is_only=True)
    return _pointed_at(target, replace(_value(target, text, 0, begin)[0], expression=text))


def _value(target: Target, text: str, depth: int, root: _Root) -> tuple[Value, bool]:
    """The value by gdb, if it knows all of the path; else of the path without its last step, and
    then that step; and whether the path has a step that gdb does not know. TargetError: gdb's own
    if there is no such step."""
    failure = TargetError(f"path '{text}' is too long")
    if root.is_only:
        found = root.find(text)
        if found is not None:
            return found, True
        failure = TargetError(f"no variable '{text}' there: 'hmap-list' lists the maps")
    elif not has_base_step(text) and not _indexes_map(target, text):
        try:
            return target.evaluate(text), False
        except TargetError as error:
            failure = error
    step = _last_step(text) if depth < MAX_STEPS else None
    if step is None:
        found = None if root.is_only else root.find(text)
        if found is not None:
            return found, True
        raise failure
    before, apply = step
    try:
        value, is_beyond = _value(target, before, depth + 1, root)
    except _StepError:
        raise
    except TargetError:
        raise failure from None
    inner = _pointed_at(target, value)
    is_beyond = is_beyond or inner is not value or _is_beyond_gdb(inner.type, text)
    if not is_beyond and not has_base_step(text):
        raise failure
    try:
        return apply(target, inner, text), True
    except TargetError as error:
        raise _StepError(str(error)) from None


class _StepError(TargetError):
    """A step that gdb knows nothing of has failed: what is said of it tells more than gdb's error
    about the whole."""


def _is_beyond_gdb(found: Type, text: str) -> bool:
    """Whether gdb does not know the last step of a path, from a value of the type on."""
    if text.endswith("]"):
        return _is_map(found) or find_elements(found) is not None
    return text.endswith(")") and find_holder(found) is not None


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
    """Whether values of the type are maps, or pointers to one."""
    if found.kind is Kind.POINTER and found.resolve is not None:
        found = found.target
    return found.kind is Kind.STRUCT and family_of(found) is not None


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


def _pointed_at(target: Target, value: Value) -> Value:
    """What a smart pointer points to; any other value as it is."""
    elements = find_elements(value.type)
    if elements is None or elements.access is not Access.POINTEE:
        return value
    raw = np.frombuffer(value.data[: elements.size], np.uint8)[None]
    address = elements.locate(target, value.address or 0, raw, 0) or 0
    data = address.to_bytes(target.pointer_size, target.byte_order)
    return Value(value.expression, pointer_to(elements.element, target.pointer_size), data)


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
    of_base = name.startswith("'") and name.endswith("'")
    virtual = find_virtual_base(value.type, name[1:-1]) if of_base else None
    if virtual is not None and value.address is not None:
        return _at(target, virtual.type, virtual.locate(value.address) or 0, path)
    found = find_qualified(value.type, name[1:-1]) if of_base else value.type.find(name)
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
    """What an interface holds, which has to be of that type."""
    holder = find_holder(value.type)
    if holder is None:
        raise TargetError(f"'{value.expression}' is no interface but of type '{value.type.name}'")
    raw = np.frombuffer(value.data[: holder.size], np.uint8)[None]
    addrs = np.array([value.address or 0], np.uint64)
    held = next(holder.open(target, raw, addrs).iter_followed(), None)
    if held is None or held.name != name:
        what = "nothing that is known" if held is None else f"a '{held.name}'"
        raise TargetError(f"'{value.expression}' holds {what}, no '{name}'")
    if held.data is None:
        return _at(target, held.type, int(held.addrs[0]), path)
    address = None if value.address is None else int(held.addrs[0])
    return Value(path, held.type, held.data[0].tobytes(), address)


def _number(target: Target, data: bytes) -> int:
    return int.from_bytes(data, target.byte_order)
