"""What a search for variables has left out: a list must say it, since maps may be missing."""

from __future__ import annotations

from dataclasses import field

from ..compat import dataclass


@dataclass(frozen=True)
class LeftOut:
    """Collected during one search."""

    unplaced: dict[str, str] = field(default_factory=dict)  # thread-locals without an address: why
    frames: list[int] = field(default_factory=list)  # threads with more frames than are looked at
    notes: list[str] = field(default_factory=list)  # further ones, for people
    cuts: list[str] = field(default_factory=list)  # by limits, for people

    def told(self) -> list[str]:
        """What debug info, or gdb, does not give, for people."""
        return [*self._unplaced_notes(), *self.notes]

    def told_of_limits(self, max_frames: int) -> list[str]:
        """What a limit has left out, for people."""
        cuts = list(self.cuts)
        if self.frames:
            first = self.frames[0]
            threads = f"{len(self.frames):,} threads" if len(self.frames) > 1 else "1 thread"
            cuts.append(
                f"only the innermost {max_frames:,} frames of {threads} were searched for maps, "
                f"the first is thread {first}: name a local of an outer one, as in "
                f"'hmap-dump thread {first} frame {max_frames}: NAME'"
            )
        return cuts

    def _unplaced_notes(self) -> list[str]:
        if not self.unplaced:
            return []
        name, why = next(iter(self.unplaced.items()))
        count = (
            f"{len(self.unplaced)} thread-local variables are"
            if self.unplaced.keys() - {name}
            else "1 thread-local variable is"
        )
        return [
            f"{count} left out, the first is '{name}': {why}: gdb needs libthread_db, see "
            "'show auto-load libthread-db' and 'show libthread-db-search-path'"
        ]
