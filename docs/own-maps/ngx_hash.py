"""nginx's ngx_hash_t (src/core/ngx_hash.c): tables made once, then only read. TOML cannot say what
they are: the elements of a bucket have different lengths and lie one behind the other, and a bucket
ends with an element without a value.

    typedef struct { void *value; u_short len; u_char name[1]; } ngx_hash_elt_t;
    typedef struct { ngx_hash_elt_t **buckets; ngx_uint_t size; } ngx_hash_t;
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hmapdbg.own import (
    Addresses,
    Ints,
    Map,
    Memory,
    OwnFamily,
    Target,
    TargetError,
    Texts,
    Type,
    Value,
    chains,
    fields_of,
)


class Elements:
    """From element to element; see hmapdbg.own.Links."""

    def __init__(self, element: Type) -> None:
        self.value, self.length, self.name = (
            field.offset for name in ("value", "len", "name") if (field := element.find(name))
        )

    def heads(self, memory: Memory, raw: NDArray[np.uint8], cells: Addresses) -> Addresses:
        """A bucket without elements is NULL."""
        return memory.pointer_column(raw)

    def following(
        self, memory: Memory, starts: Addresses, cells: Addresses
    ) -> tuple[Addresses, NDArray[np.bool_]]:
        """The next element is where the name ends, rounded up to a pointer's size."""
        word = np.uint64(memory.pointer_size)
        raw, ok = memory.gather(starts + np.uint64(self.length), 2)
        lengths = memory.integer_column(raw, 0, 2).astype(np.uint64)
        ends = starts + np.uint64(self.name) + lengths
        following = (ends + word - np.uint64(1)) // word * word
        values, there = memory.gather(following + np.uint64(self.value), memory.pointer_size)
        return np.where(memory.pointer_column(values) != 0, following, 0), ok & there


def ngx_hash_key(texts: NDArray[np.uint8], lengths: Ints) -> NDArray[np.uint64]:
    """ngx_hash_key(): key * 31 + byte, of all texts at once."""
    codes = np.zeros(len(texts), np.uint64)
    for at in range(texts.shape[1]):
        more = codes * np.uint64(31) + texts[:, at].astype(np.uint64)
        codes = np.where(at < lengths, more, codes)
    return codes


class NgxHash(OwnFamily):
    """ngx_hash_t."""

    name = "ngx_hash"
    struct = "ngx_hash_t"
    fields = ("buckets", "size")

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        """See OwnFamily."""
        fields = fields_of(target, found, address, value)
        buckets = found.find("buckets")
        assert buckets is not None  # it was recognised
        element = buckets.type.target.target
        members = [element.find(name) for name in ("value", "len", "name")]
        if None in members:
            raise TargetError("no debug info for 'ngx_hash_elt_t': build nginx with -g")
        links = Elements(element)
        return chains(
            target,
            value,
            self,
            found,
            address,
            buckets=fields["buckets"],
            length=fields["size"],
            node=element,
            links=links,
            key=Texts(links.name, links.length, 2),
            elem=(links.value, element.fields[0].type),
            hash_of=ngx_hash_key,
        )


FAMILIES = [NgxHash()]
