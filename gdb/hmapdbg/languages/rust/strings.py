"""Rust's strings: str behind a pointer of any kind, String, those of paths and of the system."""

from __future__ import annotations

import re

import numpy as np

from ...compat import dataclass
from ...target import Field, Kind, Memory, Type
from ..strings import Addresses, Bytes, Ints, StringType, counted_string
from .members import behind, only_field, unwrapped
from .names import full_name
from .sequences import Sequence, recognise

# Pointers to texts: &str, *const str, Box<str>, &Path, &OsStr.
_TEXT = r"(?:str|std::(?:ffi::os_str::OsStr|path::Path))"
_POINTER = re.compile(rf"(?:[&*](?:mut |const )?|alloc::boxed::Box<){_TEXT}(?:, .*>|>)?\Z")
_COUNTED = re.compile(rf"alloc::(?:sync::Arc|rc::Rc)<{_TEXT}[,>]")
# Texts made of a Vec of bytes.
_OWNED = re.compile(r"(?:alloc::string::String|std::ffi::os_str::OsString|std::path::PathBuf)\Z")


@dataclass(frozen=True, slots=True)
class CountedText:
    """The text of an Rc<str> or Arc<str>, behind the two counts of those that share it."""

    inner: StringType

    def locate(self, memory: Memory, raw: Bytes) -> tuple[Addresses, Ints]:
        """See StringType."""
        addrs, sizes = self.inner.locate(memory, raw)
        return addrs + np.uint64(2 * memory.pointer_size), sizes


def find_string(found: Type) -> StringType | None:
    """A struct as a string; None for any other type."""
    if len(found.fields) > 4:
        return None
    name = full_name(found)
    if _POINTER.match(name):
        return counted_string(found, found.find("data_ptr"), found.find("length"))
    if _COUNTED.match(name):
        whole = behind(found, "ptr", "pointer")
        inner = None if whole is None else _of_pointer(found, whole)
        return None if inner is None else CountedText(inner)
    return _owned(found) if _OWNED.match(name) else None


def _of_pointer(found: Type, pointer: Field) -> StringType | None:
    """The string of a pointer that is a part of a struct."""
    address, length = pointer.type.find("data_ptr"), pointer.type.find("length")
    if address is None or length is None:
        return None
    return counted_string(
        found, address.moved("", pointer.offset), length.moved("", pointer.offset)
    )


def _owned(found: Type) -> StringType | None:
    """The string of the Vec that a struct consists of."""
    offset, inner = 0, found
    for _ in range(4):
        field = only_field(inner)
        if field is None:
            return None
        offset, inner = offset + field.offset, field.type
        vector = recognise(inner)
        if isinstance(vector, Sequence) and vector.element.size == 1:
            pointer = unwrapped(vector.pointer)
            if pointer is None or vector.length.type.kind is not Kind.INTEGER:
                return None
            return counted_string(found, pointer.moved("", offset), vector.length.moved("", offset))
    return None
