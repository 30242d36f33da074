"""A listing as JSON, "format": "hmap-list/1", written and read again."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from ..json import text_of
from .difference import Difference
from .rows import Listing, Row, Sample

FORMAT = "hmap-list/1"
MAX_BYTES = 1 << 30
LIMIT = 1 << 64  # of all numbers
MAX_LEVEL = 64  # of a sample, whose numbers have so many bits
MAX_SECONDS = 1e11  # since 1970

# The notes of lists that were saved before they had "cuts", of a search that was cut short.
_CUT = re.compile(
    r"the search (of the heap )?(was )?ended|followed only|the heap was not|of the heap|not all el"
    r"|^only |^the registry: |^left out: |no variables are known|that the core lacks|more place"
)


class NotAListing(Exception):
    """A file is no saved listing; the text is one line for the user."""


def dump(listing: Listing, samples: bool) -> str:
    """One JSON object, with a newline behind it. Addresses are strings, sizes are bytes."""
    document = {
        "format": FORMAT,
        "program": listing.program,
        "process": listing.process,
        "taken_at": listing.taken_at,
        "held": listing.held,
        "wasted": listing.wasted,
        "complete": listing.is_complete,
        "cuts": list(listing.cuts),
        "notes": [*listing.cuts, *listing.notes],
        "choice": listing.choice,
        "maps": [_row(row, samples) for row in listing.rows],
    }
    return text_of(document, 1)


def _row(row: Row, samples: bool) -> dict[str, Any]:
    out: dict[str, Any] = {
        "path": row.path,
        "source": row.source,
        "family": row.family,
        "key_type": row.key_type,
        "elem_type": row.elem_type,
        "address": f"0x{row.address:x}",
        "name": row.name,
        "created_at": row.created_at,
        "held_by": row.held_by,
        "entries": row.entries,
        "capacity": row.capacity,
        "deleted": row.deleted,
        "held": row.held,
        "wasted": row.wasted,
        "growing": row.growing,
        "verdicts": list(row.verdicts),
        "evidence": list(row.evidence),
        "problems": row.problems,
        "is_exact": row.is_exact,
    }
    if samples and row.sample is not None:
        out["sample"] = {
            "level": row.sample.level,
            "comparable": row.sample.comparable,
            "keys": {f"{number:x}": text for number, text in row.sample.keys.items()},
        }
    return out


def dump_difference(found: Difference) -> str:
    """A difference as one JSON object, "format": "hmap-diff/1", with a newline behind it."""
    document = {
        "format": "hmap-diff/1",
        "seconds": found.seconds,
        "same_process": found.same_process,
        "unchanged": found.unchanged,
        "cuts_before": list(found.cuts_before),
        "cuts_after": list(found.cuts_after),
        "only_before": [row.path for row in found.only_before],
        "only_after": [row.path for row in found.only_after],
        "changes": [
            {
                "path": one.row.path,
                "state": one.state or "changed",
                "entries_gained": one.entries,
                "held_gained": one.held,
                "growth": one.growth,
                "entries_per_second": one.per_second,
                "new_keys": list(one.keys.shown) if one.keys is not None else [],
                "before": None if one.before is None else _row(one.before, False),
                "after": None if one.after is None else _row(one.after, False),
            }
            for one in found.changes
        ],
    }
    return text_of(document, 1)


def load(text: str) -> Listing:
    """A listing that `dump` wrote. NotAListing."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise NotAListing("it is not JSON") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise NotAListing(f"its format is not '{FORMAT}'")
    try:
        rows = [_row_of(one) for one in document["maps"]]
        taken_at = document["taken_at"]
        notes = list(map(str, document["notes"]))
        cuts = document.get("cuts")
        if cuts is None:
            cuts = filter(_CUT.search, notes)
        cuts = list(map(str, cuts))
        return Listing(
            rows,
            process=str(document["process"]),
            taken_at=None if taken_at is None else _moment(taken_at),
            program=str(document["program"]),
            notes=tuple(note for note in notes if note not in cuts),
            cuts=tuple(cuts),
            choice=str(document.get("choice", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = str(error).splitlines()[0] if str(error) else ""
        raise NotAListing(f"it is damaged: {type(error).__name__}: {what[:200]}") from None


def _row_of(one: dict[str, Any]) -> Row:
    fields = dict(one)
    sample = fields.pop("sample", None)
    fields["address"] = int(fields["address"], 16)
    fields["verdicts"] = tuple(fields["verdicts"])
    fields["evidence"] = tuple(fields["evidence"])
    _check(fields)
    if sample is not None:
        keys = {int(number, 16): str(text) for number, text in sample["keys"].items()}
        level = int(sample["level"])
        if not 0 <= level <= MAX_LEVEL or not all(0 <= number < LIMIT for number in keys):
            raise ValueError("the sample of a map is none")
        fields["sample"] = Sample(level, keys, bool(sample["comparable"]))
    return Row(**fields)


def _moment(given: Any) -> float:
    """Seconds since 1970. ValueError."""
    at = float(given)
    if not 0 <= at < MAX_SECONDS:
        raise ValueError(f"taken_at is {at}")
    return at


def _check(fields: dict[str, Any]) -> None:
    """Whether the values of a row are of their types. ValueError."""
    for one in dataclasses.fields(Row):
        if one.name not in fields or one.name == "sample":
            continue
        value, wanted = fields[one.name], str(one.type)
        if wanted.startswith("tuple"):
            good = all(isinstance(part, str) for part in value)
        elif wanted == "int":
            good = type(value) is int and 0 <= value < LIMIT
        else:
            good = type(value).__name__ == wanted
        if not good:
            raise ValueError(f"'{one.name}' of a map is {value!r}")
