"""Types that the user names."""

from __future__ import annotations

import difflib

from ..languages.go import MapTypes, find_type
from ..target import Kind, Target, TargetError, Type, Value
from ..target.types import pointer_to
from .go_roots import address_of


def typed_at(target: Target, type_name: str, address: str) -> Value:
    """A pointer to a value of a type at an address, both as the user typed them; also of a map type
    of Go's that debug info lacks. TargetError."""
    try:
        return target.evaluate_at(type_name, address)
    except TargetError:
        found = target.kept(MapTypes).named(type_name) if type_name.startswith("map[") else None
        if found is None and target.is_go:
            named = find_type(target, type_name)
            is_map = named is not None and named.kind is Kind.POINTER
            found = named if is_map or named is None else pointer_to(named, target.pointer_size)
        if found is None:
            near = _near(target, type_name)
            if near:
                raise TargetError(f"no type '{type_name}' in the program: it has {near}") from None
            raise
        number = address_of(target, address)
        data = number.data[: target.pointer_size]
        return Value(f"({type_name}) ({address})", found, data)


def named_type(target: Target, name: str) -> Type:
    """The type that the user names, as in a cast: "char *", "struct session". TargetError."""
    try:
        return target.evaluate(f"({name} *) 0").type.target
    except (TargetError, TypeError):
        named = find_type(target, name) if target.is_go else target.lookup_type(name)
        if named is not None:
            return named
        raise TargetError(
            f"no type '{name}' in the program: 'info types NAME' lists those of that name"
        ) from None


def _near(target: Target, type_name: str) -> str:
    """The map types that are spelled much like a name; empty: there are none."""
    known = [one.name for one in target.kept(MapTypes).all()] if type_name[:4] == "map[" else []
    return " or ".join(f"'{one}'" for one in difflib.get_close_matches(type_name, known))
