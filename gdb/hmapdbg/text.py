"""What hmap-dump prints."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

from .block import Chain, Ints, Link, Problem
from .header import Aspect, Header, in_array
from .layout import Member, StructLayout
from .stats import Stats
from .values import Renderer

MARKS = " ▁▂▃▄▅▆▇█"
WIDTH = 10  # of the labels on the left
MAX_SHOWN_PROBLEMS = 10
# A type's name and, of an array of C's, the sizes that stand behind the field's name.
_DECLARED = re.compile(r"(.*?) ?((?:\[\d*\])*)", re.DOTALL)


def summary(stats: Stats, problems: Sequence[Problem], notes: Sequence[str] = ()) -> str:
    """The whole summary, lines ended by newlines, safe for a terminal. `notes` are the caller's,
    about what it did with the map."""
    lines = [*_iter_lines(stats, problems), *(_line("note", note) for note in notes)]
    return "".join(f"{printable(line)}\n" for line in lines)


def bucket_lines(
    header: Header, chains: Iterable[Chain], renderer: Renderer, limit: int
) -> Iterator[str]:
    """Buckets slot by slot, each line with its newline, safe for a terminal; at most `limit` slots
    (0: all). The links of a chain are read as they are printed."""
    if header.geometry.is_list:
        yield from _node_lines(header, chains, renderer, limit)
        return
    left = limit or sys.maxsize
    for chain in chains:
        prefix = header.array(chain.array).prefix
        for place, link in enumerate(chain.links):
            name = f"{prefix}{header.geometry.bucket} {chain.bucket:,}"
            if place:
                name = f"  overflow {place} of {name}"
            if link.spare is not None:
                name += f" (spare bucket {link.spare:,})"
            if link.note:
                yield f"{name}  0x{link.address:x}  {printable(link.note)}\n"
                continue
            if left <= 0:
                yield f"  output cut after {limit:,} slots: --limit N shows N, 0 shows all\n"
                return
            yield f"{name}  0x{link.address:x}\n"
            rows = _slot_rows(header, link, renderer)
            left -= len(rows)
            yield from (f"{printable(row)}\n" for row in rows)
            if link.overflow is not None:
                yield f"    overflow  {f'0x{link.overflow:x}' if link.overflow else 'NULL'}\n"


def _node_lines(
    header: Header, chains: Iterable[Chain], renderer: Renderer, limit: int
) -> Iterator[str]:
    """Buckets node by node: place, address, hash code where it is cached, key and value."""
    left = limit or sys.maxsize
    for chain in chains:
        empty = True
        yield f"bucket {chain.bucket:,}  0x{chain.address:x}\n"
        for place, link in enumerate(chain.links):
            empty = False
            if link.note:
                yield f"    0x{link.address:x}  {printable(link.note)}\n"
                continue
            if left <= 0:
                yield f"  output cut after {limit:,} nodes: --limit N shows N, 0 shows all\n"
                return
            left -= 1
            assert link.keys is not None and link.elems is not None
            shown = renderer.render(header.key_type, link.keys)
            if header.elem_type.name:
                shown += renderer.render(header.elem_type, link.elems)
            code = "".join(f"hash 0x{code:x}  " for code in link.tophash)
            yield f"    {place}  0x{link.address:x}  {code}{printable(' -> '.join(shown))}\n"
        if empty:
            yield "    empty\n"


def _slot_rows(header: Header, link: Link, renderer: Renderer) -> list[str]:
    """A line for each slot of one bucket: tophash and what it means, then key and value; what an
    empty slot still holds is stale."""
    assert link.keys is not None and link.elems is not None
    keys = renderer.render(header.key_type, link.keys)
    elems = renderer.render(header.elem_type, link.elems)
    held = link.keys.data.any(axis=1) | link.elems.data.any(axis=1)
    width = max(len(mark) for mark in link.marks)
    rows = []
    for slot, mark in enumerate(link.marks):
        byte = f"0x{link.tophash[slot]:02x} " if link.tophash else ""
        row = f"    {slot}  {byte}{mark:<{width}}"
        if link.live[slot]:
            row += f"  {keys[slot]} -> {elems[slot]}"
        elif held[slot]:
            word = "moved" if mark.startswith("evacuated") else "stale"
            row += f"  ({word}: {keys[slot]} -> {elems[slot]})"
        rows.append(row.rstrip())
    return rows


def layout_lines(layouts: Sequence[StructLayout]) -> Iterator[str]:
    """Structs in the manner of pahole: offset, size, field, and where the numbers come from."""
    for struct in layouts:
        members = sorted(struct.members, key=lambda one: one.offset)
        fields = [f"{_declaration(member)};" for member in members]
        width = max((len(field) for field in fields), default=0)
        yield "/* offset  size */"
        yield f"{struct.name} {{"
        for member, field in zip(members, fields):
            yield (
                f"/* {member.offset:6}  {member.size:4} */    {printable(field):<{width}}"
                f"  /* {member.source} */"
            )
        yield f"                      /* {struct.size:,} bytes in all */"
        yield "}"


def _declaration(member: Member) -> str:
    """A field as C writes it: the size of an array stands behind the name."""
    declared = _DECLARED.fullmatch(member.type.name)
    assert declared is not None  # it matches any text
    stem, sizes = declared.groups()
    gap = "" if stem.endswith("*") else " "
    return f"{stem}{gap}{member.name}{sizes}"


def printable(text: str) -> str:
    """Text from the target made safe for a terminal: control bytes become \\xNN."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    code = ord(letter)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _iter_lines(stats: Stats, problems: Sequence[Problem]) -> Iterator[str]:
    header = stats.header
    yield _title(header)
    if header.name or header.created_at:
        named = f'"{header.name}"' if header.name else "unnamed"
        where = f", made in {header.created_at}" if header.created_at else ""
        yield _line("map", f"{named}{where}")
    yield _line("entries", _entries(stats))
    if stats.slots:
        for aspect in header.geometry.aspects:
            text = _ASPECTS[aspect](stats)
            if text:
                yield _line(aspect.value, text)
    yield from (_line(label, text) for label, text in header.details)
    yield _line("memory", _memory(stats))
    for array in header.pins.retired:
        yield _line(
            "retired",
            f"{header.geometry.array} of "
            f"{count_of(array.buckets, header.geometry.bucket)} at 0x{array.address:x}, "
            f"{size_text(array.size)}, {count_of(array.pins, 'pin')}",
        )
    if stats.main_buckets > 1 and stats.live:
        yield _line("occupancy", _strip(stats))
    verdicts = stats.verdicts()
    for verdict in verdicts:
        yield _line("verdict", verdict.text)
    if not verdicts:
        sound = "nothing unusual" if stats.live else "empty"
        yield _line("verdict", "none, the map is not sound: see below" if problems else sound)
    for note in header.notes:
        yield _line("note", note)
    for problem in problems[:MAX_SHOWN_PROBLEMS]:
        yield _line("Problem", str(problem))
    if len(problems) > MAX_SHOWN_PROBLEMS:
        yield _line(
            "Problem",
            f"{len(problems) - MAX_SHOWN_PROBLEMS:,} more: see them all with hmap-check",
        )


def _line(label: str, text: str) -> str:
    return f"{label:<{WIDTH}} {text}"


def _title(header: Header) -> str:
    return (
        f"{header.expression}   ({header.type_name}) 0x{header.address:x}   "
        f"{header.family}   {header.types}"
    )


def _entries(stats: Stats) -> str:
    header = stats.header
    if not header.arrays:
        return f"{header.count:,}{'' if header.details else _without_arrays(header)}"
    geometry, growth = header.geometry, header.growth
    size = f" (B={growth.B})" if growth is not None and growth.B is not None else ""
    tables = f" of {count_of(len(header.tables), 'table')}" if header.tables else ""
    state = _growth(stats)
    limit = f" of {geometry.limit}" if geometry.limit else ""
    return (
        f"{header.count:,} in {count_of(stats.main_buckets, geometry.bucket)}{size}{tables}, "
        f"load {stats.load:.2f}{limit}{f', {state}' if state else ''}"
    )


def _growth(stats: Stats) -> str:
    """Whether the map grows, or when it will; empty where that is not to be seen."""
    growth, old = stats.header.growth, stats.header.old
    if old is not None:
        kind = stats.header.growth_kind
        return f"{kind}: {stats.evacuated:,} of {old.buckets:,} old buckets evacuated"
    if growth is None:
        return ""
    if growth.above is None:
        return "not growing"
    if growth.above:
        return f"grows above {count_of(growth.above, 'entry', 'entries')}"
    return "the next insertion decides when it grows"


def _without_arrays(header: Header) -> str:
    return f", {header.geometry.nothing_yet}" if header.address else ", the map is nil"


def _tables(stats: Stats) -> str:
    """Sizes of the tables, and what each can still take; empty where there are none."""
    header = stats.header
    if not header.tables:
        return ""
    sizes: dict[int, int] = {}
    for table in header.tables:
        sizes[table.capacity] = sizes.get(table.capacity, 0) + 1
    shown = "   ".join(f"{size:,} slots: {sizes[size]:,}" for size in sorted(sizes)[:6])
    left = [table.growth_left for table in header.tables]
    most = max(left)
    room = f"{min(left):,} to {most:,}" if min(left) != most else f"{most:,}"
    text = f"{shown}   room for {room} more entries until one grows"
    tombstones = [table.tombstones for table in header.tables if table.tombstones]
    if tombstones:
        text += f"; tombstones in {len(tombstones):,}, up to {max(tombstones):,}"
    return text


def _probes(stats: Stats) -> str:
    """How many buckets, or windows, the search for an absent key looks at, over all places to start
    from."""
    if len(stats.probes) < 2:
        return ""
    text = _shares(stats.probes)
    length, array, start = stats.longest_probe
    geometry, of = stats.header.geometry, in_array(stats.header.array(array))
    return f"{text}   longest {length:,}, first from {geometry.start(start)}{of}"


def _slots(stats: Stats) -> str:
    shares = "   ".join(
        f"{name} {_percent(part, stats.slots)}"
        for name, part in (
            ("live", stats.live),
            ("deleted", stats.deleted),
            ("empty", stats.empty),
        )
    )
    return f"{shares}   of {stats.slots:,} in use"


def _chains(stats: Stats) -> str:
    text = _shares(stats.chains, stats.header.geometry.least_chain)
    if stats.longest:
        length, name, bucket = stats.longest[0]
        prefix = stats.header.array(name).prefix
        text += f"   longest {length:,}, first at {prefix}bucket {bucket:,}"
    return text


def _shares(counts: Ints, least: int = 1) -> str:
    """Shares of the lengths from `least` on."""
    total = int(counts.sum())
    shown = [
        f"{length}: {_percent(int(counts[length]), total)}"
        for length in range(least, min(len(counts), 5))
        if counts[length]
    ]
    longer = int(counts[5:].sum())
    if longer:
        shown.append(f"5 and more: {_percent(longer, total)}")
    return "   ".join(shown)


def _lookups(stats: Stats) -> str:
    return (
        f"a hit looks at {stats.nodes_of_hit:.2f} nodes on average, a miss at "
        f"{stats.nodes_of_miss:.2f}"
    )


def _spread(stats: Stats) -> str:
    if not stats.live:
        return ""
    p = stats.p_value
    judged = "" if p is None else f"; chi² p {_probability(p)}"
    more = ""
    if stats.header.geometry.is_list:
        # With more buckets than entries the mean over all of them says little.
        more = f" ({stats.mean_occupied:.2f} over non-empty ones), at most {stats.maximum:,}"
    model = "" if stats.header.null_model is None else f" (Poisson {stats.expected_sd:.2f})"
    return (
        f"per bucket mean {stats.mean:.2f}{more}, sd {stats.sd:.2f}{model}; "
        f"position sd {stats.position_sd:,.0f} (uniform {stats.uniform_position_sd:,.0f}){judged}"
    )


def _memory(stats: Stats) -> str:
    geometry = stats.header.geometry
    unit, name = _unit(stats.held)
    parts = [
        (f"{geometry.bucket}s", stats.bucket_bytes),
        ("overflow in use", stats.overflow_bytes),
        ("spare", stats.spare_bytes),
        *stats.header.held,
        (geometry.box, stats.box_bytes),
        ("pinned", stats.pinned_bytes),
    ]
    shown = ", ".join(f"{part} {_amount(size, unit)}" for part, size in parts if size)
    held = f"{_amount(stats.held, unit)} {name} held"
    if stats.header.is_rounded is not None:
        held += " with rounding" if stats.header.is_rounded else " without rounding"
    detail = f" ({shown})" if shown else ""
    wasted = f"wasted {_amount(stats.wasted, unit)}"
    if stats.wasted * 100 < stats.held:
        return f"{held}{detail}, {wasted}: a rebuilt map needs as much"
    return f"{held}{detail}, {wasted}: a rebuilt map needs {size_text(stats.rebuilt)}"


def _strip(stats: Stats) -> str:
    """The fill of the array from its first bucket to its last; a full block is the growth limit or,
    where that is unknown, twice the mean."""
    buckets, count = stats.main_buckets, len(stats.strip)
    top = max(stats.header.geometry.load_factor or 2 * stats.load, 1.0)
    full = len(MARKS) - 1
    marks = ""
    for mark, live in enumerate(stats.strip.tolist()):
        # The buckets b with b * count // buckets == mark: not as many for each.
        width = -(-(mark + 1) * buckets // count) + (-mark * buckets // count)
        marks += MARKS[max(1, min(full, round(live / (top * width) * full))) if live else 0]
    few = buckets // count
    noun = stats.header.geometry.bucket
    each = count_of(round(buckets / count), noun)
    if few < 10 and buckets % count:
        each = f"{few} or {few + 1} {noun}s"
    return f"|{marks}|   each mark {each}"


# An empty text: there is nothing to be said.
_ASPECTS: dict[Aspect, Callable[[Stats], str]] = {
    Aspect.SLOTS: _slots,
    Aspect.TABLES: _tables,
    Aspect.PROBES: _probes,
    Aspect.CHAINS: _chains,
    Aspect.LOOKUPS: _lookups,
    Aspect.SPREAD: _spread,
}


def count_of(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def _percent(part: int, whole: int) -> str:
    """A share; what is there, but little, does not read as nothing, nor nearly all as all."""
    if whole == 0:
        return "0.0%"
    share = 100 * part / whole
    if part and share < 0.05:
        return "<0.1%"
    if part < whole and share >= 99.95:
        return ">99.9%"
    return f"{share:.1f}%"


def _probability(p: float) -> str:
    if p < 1e-6:
        return "under 1e-6"
    return f"{p:.2f}" if p >= 0.01 else f"{p:.1e}"


def _unit(size: int) -> tuple[int, str]:
    for shift, name in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << shift:
            return 1 << shift, name
    return 1, "bytes"


def _amount(size: int, unit: int) -> str:
    return f"{size:,}" if unit == 1 else f"{size / unit:,.1f}"


def size_text(size: int) -> str:
    """A number of bytes with its unit."""
    unit, name = _unit(size)
    return f"{_amount(size, unit)} {name}"
