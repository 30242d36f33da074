"""Verdicts on maps that move entries to a new array, also to a smaller one, in steps."""

from __future__ import annotations

from ...geometry import verdicts
from ...header import Numbers, Verdict

SHRINKS = "a deletion or the server's cron makes it fit"


def moving(numbers: Numbers) -> Verdict | None:
    """Entries that are being moved."""
    header = numbers.header
    if header.old is None:
        return None
    state = header.growth_kind if numbers.evacuated else "stalled"
    return Verdict(
        state,
        f"{state}: {numbers.evacuated:,} of {header.old.buckets:,} old buckets evacuated; each "
        "lookup and write moves one, and the server's cron some; until then both arrays are held",
    )


def oversized_array(numbers: Numbers) -> Verdict | None:
    """For lists: an array much larger than the entries need."""
    found = verdicts.oversized_array(numbers)
    if found is None:
        return None
    text = found.text.partition(";")[0]
    return Verdict(found.name, f"{text}; {SHRINKS}")


def oversized(numbers: Numbers) -> Verdict | None:
    """Much more memory than the entries need."""
    found = verdicts.oversized(numbers)
    if found is None:
        return None
    text = found.text.partition(";")[0]
    return Verdict(found.name, f"{text}; {SHRINKS}")
