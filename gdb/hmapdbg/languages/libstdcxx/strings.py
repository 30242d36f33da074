"""std::basic_string and std::basic_string_view (bits/basic_string.h, bits/cow_string.h,
string_view), of characters of any size."""

from __future__ import annotations

import numpy as np

from ...compat import dataclass
from ...target import Field, Memory, Type
from ..strings import (
    Addresses,
    Bytes,
    Ints,
    StringType,
    WideString,
    counted_string,
    points_to_text,
    text_unit,
)


@dataclass(frozen=True, slots=True)
class SharedString:
    """A string of the ABI before gcc 5, of which several may share one text: a pointer to the text,
    before which are its length, its capacity and the count of those that share it (_Rep_base)."""

    pointer: Field

    def locate(self, memory: Memory, raw: Bytes) -> tuple[Addresses, Ints]:
        """See StringType."""
        width = memory.pointer_size
        addrs = memory.pointer_column(raw, self.pointer.offset)
        # A text at a lower address than that has no room for them.
        heads = np.where(addrs >= 3 * width, addrs - np.uint64(3 * width), np.uint64(0))
        data, ok = memory.gather(heads, width)
        sizes = np.minimum(memory.pointer_column(data), np.uint64(np.iinfo(np.int64).max))
        return addrs, np.where(ok & (heads > 0), sizes.astype(np.int64), -1)


def find_string(found: Type) -> StringType | None:
    """A struct as a string, by its own fields: a class derived from one has more to show."""
    own = {field.name: field for field in found.fields if not field.base}
    string: StringType | None = None
    unit = 0
    view, holder = own.get("_M_str"), own.get("_M_dataplus")
    if view is not None and points_to_text(view.type):
        unit, string = text_unit(view.type), counted_string(found, view, own.get("_M_len"))
    inner = None if holder is None else holder.type.find("_M_p")
    if holder is not None and inner is not None and points_to_text(inner.type):
        pointer = Field(inner.name, holder.offset + inner.offset, inner.type)
        unit, length = text_unit(inner.type), own.get("_M_string_length")
        if len(own) == 1 and 0 <= pointer.offset <= found.size - inner.type.size:
            string = SharedString(pointer)
        else:
            string = counted_string(found, pointer, length)
    return WideString(string, unit) if string is not None and unit > 1 else string
