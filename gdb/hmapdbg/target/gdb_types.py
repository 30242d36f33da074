"""gdb's types as neutral ones, and back."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Union

import gdb

from .declared import definition
from .gdb_namesakes import STRUCTS, are_same
from .gdb_variants import Chooser, WholeTypes, has_variants
from .types import CHARACTERS, Field, Kind, Type, Variants, VirtualBase, array_of


class GdbTypes:
    """The types of one target, each described once.

    Files may have different types of one name: those private to a file, those of C, those of two
    plugins; gdb_namesakes tells them apart.
    """

    def __init__(
        self, pointer_size: int, indexed: Callable[[str], Type | None] | None = None
    ) -> None:
        """`indexed`: the types of an index, which those of the debugger's are replaced by."""
        self.pointer_size = pointer_size
        self._indexed = indexed
        self._whole = WholeTypes()
        self._originals: dict[int, tuple[Type, gdb.Type]] = {}
        self._described_as: dict[tuple[str, int, int], list[tuple[gdb.Type, Type]]] = {}

    def lookup(self, name: str) -> Type | None:
        """A type by its name."""
        found = type_named(name)
        return None if found is None else self.neutral(found)

    def original(self, neutral: Type) -> gdb.Type | None:
        """The gdb type of a neutral one; None if it is not from here, nor made of one that is."""
        found = self._originals.get(id(neutral.origin or neutral))
        if found is not None:
            return found[1]
        if neutral.kind is Kind.POINTER and neutral.resolve is not None:
            pointee = self.original(neutral.target)
            return None if pointee is None else pointee.pointer()
        if neutral.name in _ALWAYS_THERE:
            return gdb.lookup_type(neutral.name)
        return None

    def alignment(self, neutral: Type) -> int | None:
        """The alignment of a type; None if it is not from here, or incomplete."""
        original = self.original(neutral)
        try:
            return None if original is None else int(original.alignof)
        except (gdb.error, ValueError):  # of a type that has none
            return None

    def neutral(self, found: gdb.Type) -> Type:
        """A gdb type as a neutral one, typedefs and qualifiers stripped; an incomplete struct is
        completed from another compilation unit if possible."""
        found = self._whole.of(found)
        namesakes = self._described_as.setdefault((str(found), found.code, found.sizeof), [])
        for other, known in namesakes:
            if are_same(other, found):
                return known
        real = found.strip_typedefs().unqualified()
        name = str(found)
        own: Type | None = None
        if self._indexed is not None and real.code in STRUCTS:
            own = self._indexed(str(real))
        if own is not None and own.size == real.sizeof:
            neutral = own if str(real) == name else own.renamed(name)
        elif _is_go_function(found):
            neutral = Type(Kind.POINTER, name, self.pointer_size, resolve=lambda: _CODE)
        elif str(real) != name:  # a typedef, or qualified
            neutral = replace(self.neutral(real), name=name)
        else:
            neutral = replace(self._described(real, name), identity=len(self._originals))
        namesakes.append((found, neutral))
        # Keeps the neutral type alive, so that its id is not reused.
        self._originals[id(neutral)] = neutral, found
        return neutral

    def _described(self, real: gdb.Type, name: str) -> Type:
        code = real.code
        if code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_RANGE):
            return Type(
                Kind.INTEGER,
                name,
                real.sizeof,
                signed=_is_signed(real),
                character=real.name in CHARACTERS,
            )
        if code == gdb.TYPE_CODE_BOOL:
            return Type(Kind.BOOLEAN, name, real.sizeof)
        if code == gdb.TYPE_CODE_FLT:
            return Type(Kind.FLOAT, name, real.sizeof, signed=True)
        if code == gdb.TYPE_CODE_ENUM:
            pairs = tuple((member.name or "", int(member.enumval)) for member in real.fields())
            return Type(Kind.ENUM, name, real.sizeof, signed=_is_signed(real), enumerators=pairs)
        if code in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            pointee = functools.lru_cache(1)(lambda: self.neutral(real.target()))
            return Type(Kind.POINTER, name, real.sizeof, resolve=pointee)
        if code == gdb.TYPE_CODE_ARRAY:
            low, high = real.range()
            element = self.neutral(real.target())
            array = array_of(element, max(high - low + 1, 0))
            return Type(array.kind, name, array.size, count=array.count, resolve=array.resolve)
        if code in STRUCTS:
            kind = Kind.STRUCT if code == gdb.TYPE_CODE_STRUCT else Kind.UNION
            real = _completed(real)
            if has_variants(real):
                return Type(
                    kind,
                    name,
                    real.sizeof,
                    resolve_argument=lambda number: self._template_argument(real, number),
                    variants=Variants(tuple(self._iter_fields(real))[1:], Chooser(real)),
                )
            known = None
            if not real.sizeof and not real.fields():
                known = definition(real.name or "", self.pointer_size)
            if known is not None:
                return replace(known, name=name)
            return Type(
                kind,
                name,
                real.sizeof,
                fields=tuple(self._iter_fields(real)),
                resolve_argument=lambda number: self._template_argument(real, number),
                virtual_bases=tuple(self._iter_virtual_bases(real)),
            )
        return Type(Kind.OTHER, name, real.sizeof)

    def _iter_fields(self, struct: gdb.Type) -> Iterator[Field]:
        for member in struct.fields():
            position = getattr(member, "bitpos", None)
            if position is None:  # a static member
                continue
            bits = member.bitsize
            yield Field(
                member.name or "",
                position // 8,
                self.neutral(member.type),
                position if bits else 0,
                bits,
                bool(member.is_base_class),
            )

    def _iter_virtual_bases(self, struct: gdb.Type) -> Iterator[VirtualBase]:
        for member in struct.fields():
            if member.is_base_class and getattr(member, "bitpos", None) is None:
                locate = functools.partial(_locate_base, struct, member)
                yield VirtualBase(member.name or "", self.neutral(member.type), locate)

    def _template_argument(self, struct: gdb.Type, number: int) -> Union[Type, int, None]:
        try:
            found: object = struct.template_argument(number)
            if isinstance(found, gdb.Type):
                return self.neutral(found)
            return int(found) if isinstance(found, gdb.Value) else None
        except (gdb.error, RuntimeError, ValueError):
            return None


def _locate_base(struct: gdb.Type, base: gdb.Field, address: int) -> int | None:
    """Where a virtual base class of the object at an address is, by the object's own table."""
    try:
        found = gdb.Value(address).cast(struct.pointer()).dereference()[base].address
        return None if found is None else int(found)
    except (gdb.error, OverflowError):
        return None


_ALWAYS_THERE = ("void", "char")  # in gdb's own list of types

_CODE = Type(Kind.OTHER, "code", 0)


def _is_go_function(found: gdb.Type) -> bool:
    """Whether a type is one of Go's function types: a value is a pointer to a closure, but to gdb
    it is the code itself."""
    while found.code == gdb.TYPE_CODE_TYPEDEF:
        if (found.name or "").startswith("func("):
            return True
        found = found.target()
    return False


def type_named(name: str) -> gdb.Type | None:
    """A type by its name. gdb 13.1 finds a Go struct by its bare name only after it has read the
    symbols of the package, which looking up `struct NAME` causes, even if that fails."""
    for spelled in (name, f"struct {name}", name):
        try:
            found = gdb.lookup_type(spelled)
        except gdb.error:
            continue
        if found.code != gdb.TYPE_CODE_NAMESPACE:  # Rust: of functions of the type
            return found
    return None


def _completed(struct: gdb.Type) -> gdb.Type:
    if struct.sizeof or struct.fields() or not struct.name or "(" in struct.name:
        return struct  # one of an anonymous namespace is in no other unit
    prefix = "union" if struct.code == gdb.TYPE_CODE_UNION else "struct"
    for name in (f"{prefix} {struct.name}", struct.name):
        try:
            return gdb.lookup_type(name).strip_typedefs()
        except gdb.error:
            continue
    return struct


def _is_signed(scalar: gdb.Type) -> bool:
    return bool(getattr(scalar, "is_signed"))  # which the stubs do not know
