"""From a path, as hmap-list prints it, back to the value.

gdb evaluates what it can. Beyond that, a path may begin in a frame or the registry, and go through
what gdb's expressions do not know, or would have to call the program for: elems of maps by key, and
what a language's own types lead to, such as slices, containers, smart pointers and interfaces. Text
from the target is never evaluated: keys are compared, types looked up.

    goroutine 18 worker: seen
    frame 3: m                 thread 2 frame 3: m        registry "sessions"
    main.cache["users"]        main.handlers[4].(*main.server).sessions
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from ..block import Cells, Column
from ..compat import dataclass
from ..families import family_of, is_handle, open_map
from ..header import Header
from ..find import find, key_by_text, parse_key
from ..languages import Access, Contents, Holder, find_elements, find_holder, find_object
from ..languages.go import find_call, find_type
from ..languages.libhmap.registry import read_registry
from ..target import Field, Kind, MemoryFault, Target, TargetError, Type, Value
from ..target.spelling import WITH_LINE, Scope, closing_at, split_scope
from ..target.types import pointer_to, pointers_by_name
from .go_roots import is_root, resolve_root
from .go_stacks import PLACE, resolve_place
from .keys import KEY, hides_key
from .members import find_qualified, find_virtual_base
from .steps import has_base_step, step_starts

_REGISTRY = re.compile(r'registry "([^"]*)"\Z')
# A value by its type and address, in Go's syntax; it is no call of a function.
_CAST = re.compile(r"\(\*(?P<type>.+)\)\((?P<address>0x[0-9a-fA-F]+)\)\Z")
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

    is_only = bool(scope.object) or WITH_LINE.match(path) is not None
    root = _Root(find_variable, is_only)
    if scope.goroutine is not None:
        value = _in_goroutine(target, scope, path, root)
    elif root.is_only or not scope.text:
        value = _value(target, path, 0, root)[0]
    else:
        value = _in_frame(target, scope, path, root)
    return replace(pointed_at(target, value), expression=text)


def _in_frame(target: Target, scope: Scope, path: str, root: _Root) -> Value:
    """The value of a path that begins in a thread's frame."""
    failure: TargetError | None = None
    for behind in (False, True) if target.is_go else (False,):
        try:
            with target.frame_selected(scope.thread, scope.level or 0, behind):
                return _value(target, path, 0, root)[0]
        except TargetError as error:
            failure = failure or error
    assert failure is not None
    raise failure


def _in_goroutine(target: Target, scope: Scope, path: str, root: _Root) -> Value:
    """The value of a path that begins in a call of a goroutine."""
    assert scope.goroutine is not None
    call = find_call(target, scope.goroutine, scope.function)
    place = PLACE.match(path)
    if place is not None:
        first, start = place.group(), resolve_place(target, call, place.group())
        begin = _Root(lambda name: start if name == first else None, is_only=True)
        return _value(target, path, 0, begin)[0]
    failure = TargetError(f"debug info has no variables of '{call.label}' there")
    for at in call.places:
        try:
            with target.call_selected(*at):
                return _value(target, path, 0, root)[0]
        except TargetError as error:
            failure = error
    raise failure


def resolve_from(target: Target, text: str, root: Callable[[str], Value]) -> Value:
    """The value that `root` gives an expression for an address with a given type, or that of a path
    that begins with such an address, a number. TargetError."""
    starts = step_starts(text)
    first = text[: starts[0]] if starts else ""
    if not re.fullmatch(r"0x[0-9a-fA-F]+|\d+", first) and not is_root(first):
        return root(text)
    value = _stood_for(target, root(first))
    begin = _Root(lambda name: value if name == first else None, is_only=True)
    return pointed_at(target, replace(_value(target, text, 0, begin)[0], expression=text))


def _value(target: Target, text: str, depth: int, root: _Root) -> tuple[Value, bool]:
    """The value by gdb, if it knows all of the path; otherwise of the path without its last step,
    and then that step; and whether the path has a step that gdb does not know. TargetError: gdb's
    own if there is none."""
    failure = TargetError(f"path '{text}' is too long")
    if root.is_only:
        found = root.find(text)
        if found is not None:
            return found, True
        failure = TargetError(f"no variable '{text}' there: 'hmap-list' lists the maps")
    elif _CAST.match(text) and target.is_go:
        return _cast(target, text), True
    elif target.has_tables_only and is_root(text):
        return resolve_root(target, text), True
    elif not has_base_step(text) and not _indexes_map(target, text):
        try:
            return target.evaluate(text), False
        except TargetError as error:
            failure = error
    key = _key_behind(target, text, depth, root) if text.endswith(f"]{KEY}") else None
    if key is not None:
        return key, True
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
    inner = pointed_at(target, value)
    is_beyond = is_beyond or inner is not value or _is_beyond_gdb(target, inner.type, text)
    if not is_beyond and not has_base_step(text):
        raise _meant_a_key(inner, text) or failure
    if text.endswith("]") and inner is not value:
        inner = _stood_for(target, inner)
    try:
        return apply(target, inner, text), True
    except TargetError as error:
        raise _StepError(str(error)) from None


def _key_behind(target: Target, text: str, depth: int, root: _Root) -> Value | None:
    """The key of an elem, "m[3].key"; None where that is a field of the elem, or there is no map.
    TargetError where the map lacks the key."""
    elem = text[: -len(KEY)]
    begin = step_starts(elem)[-1:]
    if not begin or depth >= MAX_STEPS:
        return None
    try:
        value = pointed_at(target, _value(target, elem[: begin[0]], depth + 1, root)[0])
    except TargetError:
        return None
    value = _stood_for(target, value)
    if not _is_map(value.type):
        return None
    header, addr, _, cells = _slot(target, value, elem[begin[0] + 1 : -1])
    if hides_key(header.elem_type):
        return None
    return _in_map(target, header.key_type, addr, cells.keys, text)


def _cast(target: Target, text: str) -> Value:
    """The pointer that "(*main.server)(0xc000012000)" is."""
    found = _CAST.match(text)
    assert found is not None
    name = found["type"]
    pointee = pointers_by_name(partial(find_type, target), name, target.pointer_size)
    if pointee is None:
        raise TargetError(f"no type '{name}' in the program: 'info types -q' lists them")
    return _pointer(target, text, pointee, int(found["address"], 16))


class _StepError(TargetError):
    """A step that gdb does not know has failed: its error says more than gdb's error about the
    whole path."""


def _is_beyond_gdb(target: Target, found: Type, text: str) -> bool:
    """Whether gdb does not know the last step of a path from a value of the type."""
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
            return False  # so gdb cannot evaluate the whole
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
    """What a smart pointer points to, or an optional holds; any other value unchanged. TargetError
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
    held = next(_contents(target, holder, value).iter_followed(), None)
    if held is None:
        raise _StepError(f"'{value.expression}' holds no value")
    if value.address is None:
        raise _StepError(f"'{value.expression}' is not in memory: name the variable that holds it")
    return _pointer(target, value.expression, held.type, int(held.addrs[0]))


def _pointer(target: Target, text: str, pointee: Type, address: int) -> Value:
    data = address.to_bytes(target.pointer_size, target.byte_order)
    return Value(text, pointer_to(pointee, target.pointer_size), data)


def _contents(target: Target, holder: Holder, value: Value) -> Contents:
    """What a holder holds."""
    raw = np.frombuffer(value.data[: holder.size], np.uint8)[None]
    return holder.open(target, raw, np.array([value.address or 0], np.uint64))


_Apply = Callable[[Target, Value, str], Value]


def _last_step(text: str) -> tuple[str, _Apply] | None:
    """A path without its last step, and that step; None if it has no step."""
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
        raise TargetError(f"'{value.expression}' is not a pointer: its type is '{value.type.name}'")
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
        found = _active_variant(value, name)
    if found is None:
        raise TargetError(
            f"'{value.expression}' has no field '{name}': see 'ptype {value.type.name}'"
        )
    return _part(value, found.type, found.offset, path)


def _active_variant(value: Value, name: str) -> Field | None:
    """The variant of that name; None where there is none. TargetError where another one is the
    active one."""
    variants = value.type.variants
    names = [one.name for one in variants.members] if variants is not None else []
    if variants is None or name not in names:
        return None
    raw = np.frombuffer(value.data, np.uint8)[None]
    number = int(variants.choose(raw)[0])
    if number < 0 or names[number] != name:
        other = "no known variant" if number < 0 else f"'{names[number]}'"
        raise TargetError(f"'{value.expression}' is not '{name}': it is {other}")
    return variants.members[number]


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
        raise TargetError(f"'{text}' in '{path}' is not the number of an element")
    return number


def _elem(target: Target, value: Value, text: str, path: str) -> Value:
    """The elem of a key in a map. It may be in a box."""
    header, _, addr, cells = _slot(target, value, text)
    return _in_map(target, header.elem_type, addr, cells.elems, path)


def _in_map(target: Target, found: Type, addr: int, column: Column, path: str) -> Value:
    """The only key or elem of a column, at an address; 0: it is stored in less than its size."""
    if not addr and found.kind is Kind.POINTER:
        return Value(path, found, column.data[0].tobytes())
    return _at(target, found.origin or found, addr, path)


def _slot(target: Target, value: Value, text: str) -> tuple[Header, int, int, Cells]:
    """A map's header, where it has a key, and its elem, and its cell. TargetError where it lacks
    the key."""
    opened = open_map(target, value)
    header = opened.header
    try:
        key = parse_key(target, header.key_type, text)
    except TargetError:  # not an expression, but as in the entries CSV: an interface's value
        key = key_by_text(target, header.key_type, text)
    hit = find(target, opened, key, only=True)
    if hit.cells is None:
        raise TargetError(f"key {text} is absent from '{value.expression}'")
    keys, elems = opened.slot_addresses(hit.cells)
    return header, int(keys[0]), int(elems[0]), hit.cells


def _assert(target: Target, value: Value, name: str, path: str) -> Value:
    """What an interface or the like holds, or the object that a value is a part of; it must be of
    that type."""
    if value.type.kind is Kind.POINTER and _is_object(target, value.type):
        value = _dereference(target, value, value.expression)
    holder = find_holder(value.type) or find_object(value.type, target.pointer_size)
    if holder is None:
        raise TargetError(
            f"'{value.expression}' is not an interface, a variant or an object with virtual "
            f"functions: its type is '{value.type.name}'"
        )
    contents = _contents(target, holder, value)
    held = next(contents.iter_followed(), None)
    if held is None or held.name != name:
        what = "nothing" if contents.empty[0] else "an unknown type"
        what = what if held is None else f"a '{held.name}'"
        raise TargetError(f"'{value.expression}' holds {what}, not a '{name}'")
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
