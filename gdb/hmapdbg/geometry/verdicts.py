"""The verdicts that a geometry may list as its rules: from a map's numbers to a judgement.

A rule gets the nouns and bounds of its geometry from the header."""

from __future__ import annotations

from ..header import Numbers, Verdict

OVERSIZED_MIN = 64 << 10  # bytes below which a map is never called oversized
FULL_LOAD = 4.0  # entries per bucket
LONG_PROBE = 4.0  # buckets; a uniform hash gives under 2 on average, even at full load


def full(numbers: Numbers) -> Verdict | None:
    """Mostly live entries."""
    tombstones = numbers.deleted / numbers.slots if numbers.slots else 0.0
    if numbers.load <= FULL_LOAD or tombstones >= 0.10:
        return None
    return Verdict(
        "full",
        "full of live entries; if it should be small, this is a leak: compare two cores",
    )


def emptied(numbers: Numbers) -> Verdict | None:
    """Many tombstones."""
    tombstones = numbers.deleted / numbers.slots if numbers.slots else 0.0
    if tombstones <= 0.25:
        return None
    return Verdict(
        "emptied",
        f"emptied: {tombstones:.0%} of the slots in use are tombstones of a mass deletion",
    )


def dead_keys(numbers: Numbers) -> Verdict | None:
    """Many deleted entries that are still held, outside of any bucket."""
    dead = numbers.header.dead
    if dead <= (numbers.live + dead) / 4:
        return None
    share = dead / (numbers.live + dead)
    return Verdict("emptied", f"emptied: {share:.0%} of the keys held belong to deleted entries")


def oversized(numbers: Numbers) -> Verdict | None:
    """Much more memory than the entries need."""
    if numbers.unread or numbers.held <= OVERSIZED_MIN or numbers.held < 4 * numbers.rebuilt:
        return None
    return Verdict(
        "oversized",
        f"oversized: holds {numbers.held / numbers.rebuilt:,.0f} times what its "
        f"{numbers.live:,} entries need; maps never shrink, rebuild it",
    )


def oversized_array(numbers: Numbers) -> Verdict | None:
    """For a map that allocates entries one by one: an array much larger than they need."""
    needed = numbers.rebuilt - numbers.header.header_size - numbers.box_bytes
    if numbers.unread or numbers.arrays_size <= max(4 * needed, OVERSIZED_MIN):
        return None
    return Verdict(
        "oversized",
        f"oversized: a bucket array of {numbers.arrays_size:,} bytes, where its "
        f"{numbers.live:,} entries need {needed:,}; it never shrinks by itself, "
        "rehash(0) makes it fit",
    )


def skewed_chains(numbers: Numbers) -> Verdict | None:
    """A chain longer than with a uniform hash."""
    p = numbers.p_value
    if p is None or p >= 1e-6 or numbers.longest_chain <= numbers.chain_bound:
        return None
    if numbers.misplaced:
        return None
    equal = "" if numbers.header.unique_keys else ", or many keys are equal"
    evidence = (
        f"a chain of {numbers.longest_chain:,} {numbers.header.geometry.link}s where a uniform "
        f"hash makes at most {numbers.chain_bound}"
    )
    return skewed(numbers, evidence, equal)


def skewed_probes(numbers: Numbers) -> Verdict | None:
    """Probes longer than with a uniform hash."""
    if numbers.mean_probe <= LONG_PROBE or numbers.misplaced:
        return None
    geometry = numbers.header.geometry
    unit = geometry.probe_unit or geometry.bucket
    evidence = f"a miss visits {numbers.mean_probe:,.1f} {unit}s on average"
    return skewed(numbers, evidence)


def skewed(numbers: Numbers, evidence: str, equal: str = "") -> Verdict:
    """A verdict about the hash only if every entry is in its bucket: entries that a data race put
    into wrong buckets look the same. Otherwise only the evidence."""
    if numbers.misplaced == 0:
        return Verdict("skewed", f"skewed: the hash is bad for these keys{equal}; {evidence}")
    return Verdict(
        "skewed",
        f"skewed: {evidence}; a bad hash for these keys{equal}, or a damaged map: "
        "this hash function is unknown, so placement was not verified",
    )


def growing(numbers: Numbers) -> Verdict | None:
    """An old array that is still held."""
    header = numbers.header
    if header.old is None:
        return None
    kind = "same-size growth" if header.same_size_grow else "growth"
    state = "growing" if numbers.evacuated else "stalled"
    return Verdict(
        state,
        f"{state}: {numbers.evacuated:,} of {header.old.buckets:,} old buckets evacuated; "
        f"only writes finish the {kind}; until then both arrays are held",
    )


def pinned(numbers: Numbers) -> Verdict | None:
    """Superseded arrays, kept by iterators."""
    header = numbers.header
    arrays = [one for one in (*header.pins.retired, *header.arrays[1:]) if one.pins]
    if not arrays:
        return None
    size = sum(array.size for array in arrays)
    count = sum(array.pins for array in arrays)
    what = header.geometry.array
    kind = "probable" if header.pins.is_probable else "open"
    return Verdict(
        "pinned",
        f"pinned: {len(arrays)} superseded {what if len(arrays) == 1 else what + 's'} "
        f"of {size:,} bytes kept by {count} {kind} {'iterator' if count == 1 else 'iterators'}",
    )


def incomplete(numbers: Numbers) -> Verdict | None:
    """Only a part of the map was found."""
    header = numbers.header
    if not numbers.unread and (numbers.live >= header.count or header.writing):
        return None
    return Verdict(
        "incomplete",
        f"incomplete: {numbers.live:,} of {header.count:,} entries were found, see the "
        "Problems; all other numbers are about those",
    )


def writer_inside(numbers: Numbers) -> Verdict | None:
    """The map was stopped in the middle of a write."""
    if not numbers.header.writing:
        return None
    return Verdict(
        "writer inside",
        "writer inside: a write is under way, the numbers may be inconsistent",
    )
