"""The structs of a QHash in debug info (qhash.h of Qt 6.0 to 6.8).

    QHash, QMultiHash {d}        d -> QHashPrivate::Data<Node>, null where nothing was put in
    QSet {q_hash}                a QHash whose nodes have keys alone
    Data {ref, size, numBuckets, seed, spans}
    Span {offsets[128], entries, allocated, nextFree}
    Node {key, value}            in a QMultiHash `value` leads to a list of {value, next}
"""

from __future__ import annotations

from ...compat import dataclass
from ...layout import StructLayout, struct_layout
from ...target import Field, Kind, Target, TargetError, Type
from ..family import has_fields
from ..reading import kept_for_type

DATA = ("ref", "size", "numBuckets", "seed", "spans")
SPAN = ("offsets", "entries", "allocated", "nextFree")
CHAIN = ("value", "next")
MULTI = "MultiNode<"  # in the name of a QMultiHash's nodes
SLOTS = 128  # of a span (SpanConstants::NEntries)
NOTHING = Type(Kind.OTHER, "", 0)  # the elem of a set


@dataclass(frozen=True)
class Parts:
    """What all maps of one type have in common. Offsets in bytes."""

    data_at: int  # of the pointer to Data in the map
    data: StructLayout
    span: StructLayout
    entry: int  # bytes of an entry
    key: Field  # in the entry
    elem: Field | None  # of each value: in the entry, or in what `chain` leads to
    chain: Field | None  # of a QMultiHash: the pointer to the first value
    chain_size: int  # bytes of one of those
    count: Field | None  # of a QMultiHash: how many values it has
    ref: int  # offset of the count of those that share Data

    @property
    def is_multi(self) -> bool:
        """Whether a key may have several values."""
        return self.chain is not None


def find_data(found: Type) -> tuple[int, Type] | None:
    """Where a struct has its pointer to Data, and Data; None: it is no such map."""
    if found.kind is not Kind.STRUCT:
        return None
    offset, inner = 0, found.find("q_hash")
    if inner is not None:
        offset, found = inner.offset, inner.type
    pointer = found.find("d") if found.kind is Kind.STRUCT else None
    if pointer is None or pointer.type.kind is not Kind.POINTER or pointer.type.resolve is None:
        return None
    data = pointer.type.target
    return (offset + pointer.offset, data) if has_fields(data, DATA) else None


def parts_of(target: Target, found: Type, expression: str) -> Parts:
    """The structs of a map. TargetError if debug info lacks any."""
    parts = kept_for_type(target, found, _parts_of)
    if parts is None:
        raise TargetError(
            f"no debug info for the nodes of '{expression}': build the part that uses the map with "
            "-g"
        )
    return parts


def _parts_of(target: Target, found: Type) -> Parts | None:
    place = find_data(found)
    assert place is not None  # it was recognised
    at, data = place
    node, spans, ref = data.argument(0), data.find("spans"), data.find("ref")
    if spans is None or spans.type.kind is not Kind.POINTER or ref is None:
        return None
    span = spans.type.target
    if not isinstance(node, Type) or not has_fields(span, SPAN):
        return None
    entries = span.find("entries")
    assert entries is not None  # see SPAN
    key, elem = node.find("key"), node.find("value")
    if key is None or not node.size or entries.type.kind is not Kind.POINTER:
        return None
    entry = entries.type.target.size or node.size
    chain, chain_size = _chain_of(elem) if MULTI in node.name else (None, 0)
    return Parts(
        data_at=at,
        data=struct_layout(data, DATA[1:]),
        span=struct_layout(span, SPAN),
        entry=entry,
        key=key,
        elem=elem if chain is None or elem is None else elem.type.target.find("value"),
        chain=chain,
        chain_size=chain_size,
        count=found.find("m_size"),
        ref=ref.offset,
    )


def _chain_of(elem: Field | None) -> tuple[Field | None, int]:
    """The elem of a node as the pointer to a list of values, and the size of one of these."""
    if elem is None or elem.type.kind is not Kind.POINTER or elem.type.resolve is None:
        return None, 0
    pointee = elem.type.target
    return (elem, pointee.size) if has_fields(pointee, CHAIN) else (None, 0)
