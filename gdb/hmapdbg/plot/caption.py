"""What is written around the panels."""

from __future__ import annotations

from ..compat import dataclass
from ..stats import Stats
from .words import count_of


@dataclass(frozen=True, slots=True)
class Caption:
    """The words around the panels, taken as they are: nothing in them is markup."""

    title: str
    origin: str = ""  # where and when the numbers were read
    lines: tuple[str, ...] = ()  # which map
    verdicts: tuple[str, ...] = ()
    calm: str = "nothing unusual"  # said where there is no verdict
    notes: tuple[str, ...] = ()  # what the picture does not show
    nothing: str = "no buckets: the map has never been written"  # in place of panels


def caption_of(stats: Stats, origin: str = "", problems: int = 0) -> Caption:
    """The caption of a map after its walk.

    origin: where and when, in the caller's words: "live process 4711, 2024-05-01 10:00:00".
    problems: how many the walk met.
    """
    header = stats.header
    named = f', named "{header.name}"' if header.name else ""
    made = f", made in {header.created_at}" if header.created_at else ""
    where = f"({header.type_name}) 0x{header.address:x}"
    verdicts = tuple(verdict.text for verdict in stats.verdicts())
    return Caption(
        header.expression,
        origin,
        (f"{header.family}   {header.types}   {where}{named}{made}", size_line(stats)),
        verdicts,
        "nothing unusual" if stats.live else "empty",
        problem_notes(problems),
    )


def size_line(stats: Stats) -> str:
    """How many entries in how many buckets; a load factor not known (0) is left out."""
    header = stats.header
    if not header.arrays:
        return f"{count_of(stats.live, 'entry', 'entries')}, no buckets"
    geometry, total = header.geometry, stats.main_buckets
    B = None if header.growth is None else header.growth.B
    size = f" (B={B})" if B is not None else ""
    load = f"load {stats.live / total if total else 0:.2f}"
    if geometry.limit and geometry.null_model is not None:
        load += f" of {geometry.limit}"
    entries = count_of(stats.live, "entry", "entries")
    text = f"{entries} in {count_of(total, geometry.bucket)}{size}, {load}"
    old = header.old
    if old is not None:
        text += (
            f", {header.growth_kind}: {stats.evacuated:,} of {old.buckets:,} old buckets evacuated"
        )
    return text


def problem_notes(count: int) -> tuple[str, ...]:
    """What the figure says of a walk that met so many Problems."""
    if count == 0:
        return ()
    return (f"the walk met {count_of(count, 'problem')}: buckets may be missing from this picture",)
