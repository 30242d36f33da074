"""Go's sync.Map: two maps and their entries up to go1.23 (src/sync/map.go), a hash trie from go1.24
on (src/internal/sync/hashtriemap.go).

It has no buckets of its own: entries have no place, and there are no numbers per bucket.
Invariants:

    I1   every entry that is counted is found
    Y1   if there is a dirty, an entry of read.m is in it unless it is expunged
    Y2   if and only if amended is set, there is a dirty
    T1   a node's parent is the node that has it as a child, and it is neither
         dead nor marked as an entry
    T2   a node is reached once
    T3   the trie is no deeper than a hash has digits
    T4   no more entries share a hash than chance can give
"""

from __future__ import annotations

from ...target import Target, Type, Value
from ..family import Family, Map, has_fields
from .sync_map import FAMILY_NAME
from .sync_pair import PAIR_FIELDS, PairMap
from .sync_trie import TRIE_FIELDS, TrieMap, trie_of


class GoSyncFamily:
    """Recognises sync.Map of both generations, and the trie by itself."""

    name = FAMILY_NAME
    words = ("sync", "go")
    describes = "sync.Map"
    has_nil = False
    is_handle = True
    headers = (PAIR_FIELDS, TRIE_FIELDS)

    def recognise(self, found: Type) -> bool:
        return has_fields(found, PAIR_FIELDS) or trie_of(found) is not None

    def open(self, target: Target, value: Value, found: Type, address: int) -> Map:
        if trie_of(found) is not None:
            return TrieMap(target, value, found, address)
        return PairMap(target, value, found, address)


FAMILY: Family = GoSyncFamily()
