"""Structs of Go whose layouts come from memory."""

from __future__ import annotations

import pytest

from hmapdbg.languages.go.structs import go_layout
from hmapdbg.target import Field, Kind, TargetError, Type

INT = Type(Kind.INTEGER, "int", 8, signed=True)


@pytest.mark.parametrize("offset", [9, 16, -8])
def test_a_field_outside_of_its_struct_is_refused(offset: int) -> None:
    fields = (Field("first", 0, INT), Field("last", offset, INT))
    found = Type(Kind.STRUCT, "main.pair", 16, fields=fields)
    with pytest.raises(TargetError, match="field 'last' of 'main.pair' lies outside of it"):
        go_layout(found, ["first", "last"])


def test_a_field_at_the_end_is_in_its_struct() -> None:
    found = Type(Kind.STRUCT, "main.pair", 16, fields=(Field("last", 8, INT),))
    assert go_layout(found, ["last"])["last"].offset == 8
