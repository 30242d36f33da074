"""Columns of values in fake memory, and how they are shown."""

from __future__ import annotations


import numpy as np
import pytest
from hypothesis import settings

from hmapdbg.block import Column
from hmapdbg.target import Field, Kind, Type
from hmapdbg.target.fake import FakeTarget
from hmapdbg.target.types import pointer_to
from hmapdbg.values import Renderer


relaxed = settings(derandomize=True, deadline=None, max_examples=100)

CHAR = Type(Kind.INTEGER, "char", 1, signed=True, character=True)
INT = Type(Kind.INTEGER, "int", 4, signed=True)
UINT = Type(Kind.INTEGER, "unsigned int", 4)
INT64 = Type(Kind.INTEGER, "int64_t", 8, signed=True)
BOOL = Type(Kind.BOOLEAN, "bool", 1)
FLOAT = Type(Kind.FLOAT, "float", 4)
DOUBLE = Type(Kind.FLOAT, "double", 8)
CHAR_POINTER = pointer_to(CHAR, 8)
GO_STRING = Type(
    Kind.STRUCT,
    "string",
    16,
    fields=(
        Field("str", 0, pointer_to(Type(Kind.INTEGER, "uint8", 1), 8)),
        Field("len", 8, INT64),
    ),
)
ORDERS = pytest.mark.parametrize("order", ["little", "big"])

HEAP = 0x10000
PAGE = 4096


def column(rows, size=None):
    """A column of these rows, from a wider array, so that it is neither aligned nor contiguous."""
    size = len(rows[0]) if size is None else size
    wide = np.full((len(rows), size + 5), 0xEE, np.uint8)
    for i, row in enumerate(rows):
        wide[i, 3 : 3 + size] = np.frombuffer(row, np.uint8)
    return Column(wide[:, 3 : 3 + size])


def render(type, rows, order="little", segments=None, **options):
    target = FakeTarget(segments or {}, byte_order=order, knows_mappings=True)
    return Renderer(target, **options).render(type, column(rows, type.size))


def structure(*fields, size, name="s", kind=Kind.STRUCT):
    return Type(kind, name, size, fields=fields)


# Integers, booleans, enums, pointers
