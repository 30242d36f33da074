"""libhmap's own hash functions (libhmap/src/types.c), for keys read from the target.

The target's functions are never called: XXH3 comes from the xxhash module, and other hash functions
are unknown here.
"""

from __future__ import annotations

from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from ...block import Column
from ...target import Target
from ...values.strings import StringReader

Hashes = NDArray[np.uint64]

MAX_KEY = 1 << 20  # bytes of a string key that is hashed
# The library's functions, by their names in the target's symbols.
BYTES, STRING = "bytes", "string"
FUNCTIONS = {
    "hmap_hash_4": BYTES,
    "hmap_hash_8": BYTES,
    "hmap_hash_bytes": BYTES,
    "hmap_hash_string": STRING,
}


class KeyHash:
    """One map's hash: its function's name and its seed."""

    def __init__(self, target: Target, function: str, seed: int) -> None:
        from xxhash import xxh3_64_intdigest

        self._digest = xxh3_64_intdigest
        self._target = target
        self.is_string = FUNCTIONS[function] == STRING
        self._seed = seed

    def hashes(self, keys: Column) -> tuple[Hashes, NDArray[np.bool_]]:
        """The 64-bit hash of each of n keys, and which of them could be hashed."""
        ok = keys.known
        hashes = np.zeros(len(keys), np.uint64)
        contents, readable = self.contents(keys.take(ok))
        hashes[ok] = np.fromiter(map(self._digest, contents, repeat(self._seed)), np.uint64)
        ok[ok] = readable
        return hashes, ok

    def hash_bytes(self, content: bytes) -> int:
        """The hash of one key, from its hashed bytes."""
        return int(self._digest(content, self._seed))

    def contents(self, keys: Column) -> tuple[list[bytes], NDArray[np.bool_]]:
        """The hashed bytes of each of n keys, and which of them could be read whole."""
        size = keys.data.shape[1]
        if not self.is_string:
            rows = np.ascontiguousarray(keys.data).view(f"V{size}").ravel()
            return [bytes(row) for row in rows.tolist()], np.ones(len(keys), np.bool_)
        order, width = self._target.order, self._target.pointer_size
        if size != width:  # a damaged type object: these are no pointers to strings
            return [b""] * len(keys), np.zeros(len(keys), np.bool_)
        pointers = np.ascontiguousarray(keys.data).view(f"{order}u{width}").ravel()
        reader = StringReader(self._target, MAX_KEY, 1 << 30)
        strings = reader.read_terminated(
            pointers.astype(np.uint64), np.ones(len(pointers), np.int64)
        )
        # Each string is followed by one NUL and holds none.
        parts = strings.joined.tobytes().split(b"\0")[: len(pointers)]
        return parts, ~(strings.cut | strings.failed)
