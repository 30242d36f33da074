"""Types that are shown, and typed, as something simpler than their members."""

from __future__ import annotations

from ..compat import dataclass
from ..target import Field


@dataclass(frozen=True)
class Shown:
    """A struct that is shown as some of its parts, separated by commas, between two texts; or, if
    `symbol` is set, as the name of what its one part, a pointer, leads to: that of a symbol behind
    the text `symbol`."""

    fields: tuple[Field, ...]
    before: str = ""
    after: str = ""
    symbol: str = ""

    @property
    def only(self) -> Field | None:
        """The part that the struct stands for; None if it stands for several."""
        return self.fields[0] if not self.before and len(self.fields) == 1 else None
