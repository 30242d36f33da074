"""Two listings of one program: which maps have grown, the one that grew most first.

Maps are matched by identity where both listings are of one process (address, types and where the
map was made), and by path. How much a map has grown is what its new entries take, not what it holds
more: a map that doubles its array for one entry more is no leak, and one that fills the room it has
is one. A map that only one of two looks has seen is new or gone only where the other has looked
everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..compat import dataclass
from .rows import Listing, Row, ranked
from .sample import at_level

SHOWN_KEYS = 5


@dataclass(frozen=True)
class NewKeys:
    """Keys that a sample has now and had not before."""

    shown: tuple[str, ...]
    found: int  # in the sample
    sampled: int  # keys in the sample now
    gone: int  # keys of the former sample that are not there any more


@dataclass(frozen=True)
class Change:
    """What has become of a map; one of `before` and `after` is None for new and gone ones."""

    before: Row | None
    after: Row | None
    seconds: float | None = None  # between the two looks
    is_replaced: bool = False  # another map is at the same path now
    keys: NewKeys | None = None

    @property
    def row(self) -> Row:
        """The map as it is now, or as it was before it went."""
        row = self.after or self.before
        assert row is not None
        return row

    @property
    def entries(self) -> int:
        """Entries gained."""
        return _of(self.after, "entries") - _of(self.before, "entries")

    @property
    def held(self) -> int:
        """Bytes gained."""
        return _of(self.after, "held") - _of(self.before, "held")

    @property
    def growth(self) -> int:
        """Bytes that the entries gained take."""
        room = self.row.capacity or self.row.entries
        return round(self.entries * self.row.held / room) if room else 0

    @property
    def per_second(self) -> float | None:
        """Entries gained per second."""
        return self.entries / self.seconds if self.seconds else None

    @property
    def state(self) -> str:
        """ "new", "gone", "replaced", or nothing for a map in both."""
        if self.before is None:
            return "new"
        if self.after is None:
            return "gone"
        return "replaced" if self.is_replaced else ""


@dataclass(frozen=True)
class Difference:
    """All changes, the map that grew most first; those that did not change are counted alone."""

    changes: Sequence[Change]
    unchanged: int
    seconds: float | None
    same_process: bool
    cuts_before: Sequence[str] = ()  # by what either look was cut short
    cuts_after: Sequence[str] = ()
    # Maps that one look has, and the other may have missed.
    only_before: Sequence[Row] = ()
    only_after: Sequence[Row] = ()

    @property
    def is_partial(self) -> bool:
        """Whether either look may have missed maps."""
        return bool(self.cuts_before or self.cuts_after)

    @property
    def grown(self) -> int:
        """The growth of all maps that have grown."""
        return sum(max(change.growth, 0) for change in self.changes)


def compare(before: Listing, after: Listing) -> Difference:
    """What has changed from one listing to a later one of the same program."""
    same = bool(before.process) and before.process == after.process
    seconds = None
    if before.taken_at is not None and after.taken_at is not None:
        seconds = max(after.taken_at - before.taken_at, 0.0) or None
    cuts_before = [*before.cuts, *_choice_cut(before, after)]
    pairs = list(_iter_pairs(before, after, same))
    only_before = [old for old, new in pairs if old is not None and new is None and after.cuts]
    only_after = [new for old, new in pairs if new is not None and old is None and cuts_before]
    unsure = {id(row) for row in (*only_before, *only_after)}
    changes = [
        Change(
            old,
            new,
            seconds,
            old is not None and new is not None and same and _identity(old) != _identity(new),
            None if old is None or new is None else _new_keys(old, new, same),
        )
        for old, new in pairs
        if id(old) not in unsure and id(new) not in unsure
    ]
    changed = [one for one in changes if one.state or one.entries or one.held]
    changed.sort(key=lambda one: (-one.growth, -one.held, one.row.path))
    return Difference(
        changed,
        len(changes) - len(changed),
        seconds,
        same,
        cuts_before,
        list(after.cuts),
        ranked(only_before),
        ranked(only_after),
    )


def _choice_cut(before: Listing, after: Listing) -> Iterator[str]:
    """What the earlier look cannot tell, since it has only some of the maps."""
    if before.choice and before.choice != after.choice:
        yield (
            f"it has only the maps chosen by '{before.choice}': the same options compare them all"
        )


def _iter_pairs(
    before: Listing, after: Listing, same: bool
) -> Iterator[tuple[Row | None, Row | None]]:
    """Each map once: both rows of one in both listings, else one row and None."""
    left = {id(row): row for row in before.rows}
    by_identity = {_identity(row): row for row in before.rows} if same else {}
    by_path = {row.path: row for row in before.rows}
    by_name = _by_name(before.rows)
    names = _by_name(after.rows)
    rest = []
    for row in after.rows:
        old = by_identity.get(_identity(row))
        if old is None or id(old) not in left:
            rest.append(row)
            continue
        del left[id(old)]
        yield old, row
    for row in rest:
        old = by_path.get(row.path)
        if old is None or id(old) not in left or not _is_lasting(row.path) and same:
            # Another variable may lead to it now; its own name is still the same.
            named = names.get((row.name, row.types)) is row
            old = by_name.get((row.name, row.types)) if named else None
        if old is None or id(old) not in left:
            yield None, row
            continue
        del left[id(old)]
        yield old, row
    for row in left.values():
        yield row, None


def _identity(row: Row) -> tuple[object, ...]:
    return row.address, row.family, row.key_type, row.elem_type, row.created_at


def _by_name(rows: Sequence[Row]) -> dict[tuple[str, str], Row]:
    """The maps that have a name of their own that no other map has."""
    count = Counter((row.name, row.types) for row in rows)
    return {
        (row.name, row.types): row for row in rows if row.name and count[row.name, row.types] == 1
    }


def row_like(row: Row, listing: Listing) -> Row | None:
    """The same map in another listing of the program, by its path or its own name."""
    for other in listing.rows:
        if other.path == row.path:
            return other
    return _by_name(listing.rows).get((row.name, row.types))


def _is_lasting(path: str) -> bool:
    """Whether a path means the same map at another time: frames come and go."""
    return not path.startswith(("frame ", "thread ", "--type "))


def _of(row: Row | None, name: str) -> int:
    return 0 if row is None else int(getattr(row, name))


def _new_keys(old: Row, new: Row, same: bool) -> NewKeys | None:
    """The keys that are new, as far as both samples can tell."""
    if old.sample is None or new.sample is None:
        return None
    if not same and not (old.sample.comparable and new.sample.comparable):
        return None
    if old.sample.comparable != new.sample.comparable:
        return None
    level = max(old.sample.level, new.sample.level)
    known, now = at_level(old.sample.keys, level), at_level(new.sample.keys, level)
    found = [text for number, text in now.items() if number not in known]
    gone = sum(number not in now for number in known)
    return NewKeys(tuple(found[:SHOWN_KEYS]), len(found), len(now), gone)
