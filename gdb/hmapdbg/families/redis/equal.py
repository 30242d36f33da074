"""Which keys are equal: those with equal text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...block import Column
from ...geometry.columns import Mask
from ...languages.redis.sds import Sds
from ...target import Target
from ...values.strings import StringReader

MAX_STRING = 1 << 20  # bytes of one key
MAX_STRINGS = 256 << 20  # of all keys of a Block


def text_identities(target: Target) -> Callable[[Column], tuple[NDArray[np.int64], Mask]]:
    """Keys that are equal if their text is."""

    def identities(keys: Column) -> tuple[NDArray[np.int64], Mask]:
        addrs, sizes = Sds().locate(target, keys.data)
        found = StringReader(target, MAX_STRING, MAX_STRINGS).read_counted(addrs, sizes)
        known = keys.known & ~found.cut & ~found.failed
        ends = np.cumsum(found.lengths + 1).tolist()
        whole = found.joined.tobytes()
        texts = (
            hash(whole[end - size - 1 : end - 1]) for end, size in zip(ends, found.lengths.tolist())
        )
        return np.fromiter(texts, np.int64, len(keys)), known

    return identities
