"""SipHash-1-3, which std's RandomState is made of (core/src/hash/sip.rs), of many keys at once.

J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", with one round for a word and
three at the end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
_END_MARK = np.uint64(0xFF)
WORD = 8


def siphash13(k0: int, k1: int, joined: NDArray[np.uint8], lengths: NDArray[np.int64]) -> Words:
    """The hash codes of n messages, which stand one behind the other in `joined`; `lengths` (n,) in
    bytes.

    >>> [hex(code) for code in siphash13(0, 0, np.zeros(0, np.uint8), np.array([0]))]
    ['0xd1fba762150c532c']
    """
    out = np.zeros(len(lengths), np.uint64)
    starts = np.cumsum(lengths) - lengths
    counts = lengths // WORD + 1  # the last word has the rest, and the length in its last byte
    for count in np.unique(counts).tolist():
        rows = np.flatnonzero(counts == count)
        size = WORD * count
        places = np.arange(size)
        padded = np.zeros((len(rows), size), np.uint8)
        inside = places < lengths[rows, None]
        padded[inside] = joined[(starts[rows, None] + places)[inside]]
        padded[:, -1] = lengths[rows] & 0xFF
        out[rows] = _of_words(k0, k1, padded.view("<u8").astype(np.uint64))
    return out


def _of_words(k0: int, k1: int, words: Words) -> Words:
    """Of n messages of m words (n, m)."""
    keys = (k0, k1, k0, k1)
    state = [np.full(len(words), start ^ key, np.uint64) for start, key in zip(_START, keys)]
    for column in range(words.shape[1]):
        word = words[:, column]
        state[3] ^= word
        _round(state)
        state[0] ^= word
    state[2] ^= _END_MARK
    for _ in range(3):
        _round(state)
    out: Words = state[0] ^ state[1] ^ state[2] ^ state[3]
    return out


def _rotated(word: Words, bits: int) -> Words:
    out: Words = (word << np.uint64(bits)) | (word >> np.uint64(64 - bits))
    return out


def _round(state: list[Words]) -> None:
    """One SipRound; sums wrap."""
    v0, v1, v2, v3 = state
    v0, v2 = v0 + v1, v2 + v3
    v1, v3 = _rotated(v1, 13) ^ v0, _rotated(v3, 16) ^ v2
    v0 = _rotated(v0, 32)
    v2, v0 = v2 + v1, v0 + v3
    v1, v3 = _rotated(v1, 17) ^ v2, _rotated(v3, 21) ^ v0
    v2 = _rotated(v2, 32)
    state[:] = v0, v1, v2, v3
