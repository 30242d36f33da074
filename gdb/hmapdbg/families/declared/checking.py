"""A definition against the structs of a program, before there is a map: the fields that it names
must be there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...target import Kind, Type
from .definition import ArrayRule, Definition, Expression, Text
from .evaluation import find_member, spot_of
from .expression import (
    Binary,
    Choice,
    Element,
    ExpressionError,
    Member,
    Name,
    Node,
    Number,
    Unary,
    children_of,
)

# The type of that name; None: the program has none.
FindType = Callable[[str], "Type | None"]

COLUMNS = ("hash", "length", "link", "cell", "state", "node_size")


def check(definition: Definition, find: FindType) -> None:
    """DefinitionError if a struct of the program lacks a field. What is not known is left out: a
    map of that kind tells when it is opened."""
    if definition.struct is None:
        return
    struct = _struct(find, definition.struct.text)
    if struct is None or not struct.fields:
        return
    for one in definition.fields:
        try:
            find_member(struct, one.text)
        except ExpressionError as error:
            raise one.where.error(str(error)) from None
    for expression in _of_the_map(definition):
        _judge(expression, _type_of, struct)
    item = _item(definition.array, struct, find)
    owner = item if definition.node is None else _node(definition, item, find)
    if definition.node is not None and definition.array.first is not None:
        _judge(definition.array.first, _spot_of, item)
    for expression in _of_nodes(definition):
        _judge(expression, _spot_of, owner)


def structs_of(definition: Definition, find: FindType) -> list[str]:
    """The structs that reading such a map needs, each once, as far as the program has them: for
    'hmap-layout --also'."""
    if definition.struct is None:
        return []
    struct = _struct(find, definition.struct.text)
    if struct is None or not struct.fields:
        return []
    item = _item(definition.array, struct, find)
    owner = item if definition.node is None else _node(definition, item, find)
    found = [struct, item, owner, *_owners(definition, struct)]
    texts = [one.type for one in (definition.key, definition.elem) if one is not None]
    if definition.named is not None:
        texts += [one for both in definition.named.types.values() for one in both]
    found += [_named(find, one) for one in texts]
    names: dict[str, None] = {}
    for one in found:
        if one is not None and one.kind in (Kind.STRUCT, Kind.UNION) and one.name:
            names[one.name.removeprefix("struct ").removeprefix("union ")] = None
    return list(names)


def _owners(definition: Definition, struct: Type) -> Iterator[Type | None]:
    """The structs behind pointers that expressions lead through."""
    for expression in _of_the_map(definition):
        for node in _paths_in(expression.node):
            owner = _type_of(node.owner, struct)
            yield _target(owner) if owner is not None and owner.kind is Kind.POINTER else owner


def _paths_in(node: Node) -> Iterator[Member]:
    if isinstance(node, Member):
        yield node
    for one in children_of(node):
        yield from _paths_in(one)


def _judge(
    expression: Expression, look: Callable[[Node, Type], object], struct: Type | None
) -> None:
    """DefinitionError if a struct, as far as it is known, does not have what is looked for."""
    if struct is None:
        return
    try:
        look(expression.node, struct)
    except ExpressionError as error:
        raise expression.where.error(f"'{expression.text}': {error}") from None


def _spot_of(node: Node, struct: Type) -> None:
    if struct.kind is Kind.STRUCT and struct.fields:
        spot_of(struct, node)


def _struct(find: FindType, name: str) -> Type | None:
    return find(name) or (None if name.startswith("struct ") else find(f"struct {name}"))


def _of_the_map(definition: Definition) -> Iterator[Expression]:
    """The expressions on fields of the map."""
    arrays = [definition.array, *([definition.old.array] if definition.old else [])]
    found = [definition.count, definition.grows_at]
    for array in arrays:
        found += [array.address, array.length, array.segment]
    if definition.old is not None:
        found += [definition.old.when, definition.old.moved]
    if definition.node is not None:
        found += [definition.node.end, definition.node.address]
    if definition.state is not None:
        rule = definition.state
        found += [rule.address, rule.empty, rule.deleted, rule.tombstones]
    if definition.control is not None:
        control = definition.control
        found += [control.address, control.clones, control.growth_left, control.limit]
    for part in (definition.key, definition.elem):
        if part is not None:
            found += [part.offset, part.size, part.address]
    if definition.hash is not None:
        found.append(definition.hash.bucket)
    if definition.named is not None:
        found.append(definition.named.member)
    yield from (one for one in found if one is not None)


def _of_nodes(definition: Definition) -> Iterator[Expression]:
    """The members of nodes or slots."""
    found: list[Expression | None] = []
    if definition.node is not None:
        found += [definition.node.link, definition.node.next]
    if definition.state is not None:
        found.append(definition.state.member)
    if definition.hash is not None:
        found.append(definition.hash.stored)
    for part in (definition.key, definition.elem):
        if part is not None and part.address is None:
            found += [part.member, part.length]
    yield from (one for one in found if one is not None)


def _named(find: FindType, named: Text | None) -> Type | None:
    return None if named is None else _struct(find, named.text)


def _item(rule: ArrayRule, struct: Type, find: FindType) -> Type | None:
    """What cells or slots are."""
    if rule.item is not None:
        return _named(find, rule.item)
    found = _target(_type_of(rule.address.node, struct))
    return _target(found) if rule.segment is not None else found


def _node(definition: Definition, item: Type | None, find: FindType) -> Type | None:
    rule = definition.node
    assert rule is not None
    if rule.type is not None:
        return _named(find, rule.type)
    if item is None:
        return None
    first = definition.array.first
    try:
        return _target(item if first is None else spot_of(item, first.node).type)
    except ExpressionError:
        return None


def _target(found: Type | None) -> Type | None:
    is_to = found is not None and found.kind in (Kind.POINTER, Kind.ARRAY)
    return found.target if is_to and found is not None and found.resolve is not None else None


def _type_of(node: Node, struct: Type) -> Type | None:
    """The type of a field; None: a number, or what is not known. ExpressionError."""
    if isinstance(node, Number):
        return None
    if isinstance(node, Name):
        found = struct.find(node.name) if struct.kind is Kind.STRUCT else None
        if found is None and node.name in COLUMNS:
            return None
        return find_member(struct, node.name).type
    if isinstance(node, Member):
        owner = _type_of(node.owner, struct)
        if owner is not None and owner.kind is Kind.POINTER:
            owner = _target(owner)
        return None if owner is None or not owner.fields else find_member(owner, node.name).type
    if isinstance(node, Element):
        return _target(_type_of(node.owner, struct))
    if isinstance(node, Choice):
        _type_of(node.condition, struct)
        yes, no = _type_of(node.yes, struct), _type_of(node.no, struct)
        return yes or no
    if isinstance(node, Unary):
        inner = _type_of(node.operand, struct)
        return _target(inner) if node.sign == "*" else None
    assert isinstance(node, Binary)
    _type_of(node.left, struct)
    _type_of(node.right, struct)
    return None
