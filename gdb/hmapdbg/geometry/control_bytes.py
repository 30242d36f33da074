"""What the control bytes of open addressing mean: of groups, and of slots."""

from __future__ import annotations

from ..compat import dataclass

FULL = 0x80  # control bytes below this one mark full slots: 7 bits of the hash


@dataclass(frozen=True)
class Control:
    """Control bytes that are marks."""

    empty: int = 0x80
    deleted: int = 0xFE
    sentinel: int = -1  # behind the last slot; -1: there is none

    def name(self, byte: int) -> str:
        """What a byte means."""
        if byte < FULL:
            return "full"
        return {self.empty: "empty", self.deleted: "deleted"}.get(byte, "none")
