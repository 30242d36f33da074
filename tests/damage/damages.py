"""Damages: small changes of a target's memory, as a stray write or a bad bit makes them.

Pure: what was read of the sound image is given, a list of patches comes out.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

Read = tuple[int, bytes]  # an address, and what is there

# Words that are boundaries of something: of counts, shifts, sizes, signed numbers, addresses.
WORDS = (
    *(0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 65, 127, 128, 200, 255, 256, 1000, 4096, 65535),
    *(1 << 20, 10_000_019, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 40, 1 << 47),
    *(
        (1 << 47) - 8,
        1 << 48,
        (1 << 63) - 1,
        1 << 63,
        (1 << 64) - 1,
        (1 << 64) - 8,
        (1 << 64) - 4096,
    ),
)


FIRST = 16  # reads


@dataclass(frozen=True)
class Damage:
    """One case: what is changed, and what that is called in a report."""

    name: str
    patches: tuple[Read, ...]


class Damager:
    """Makes damages of what commands read of a sound image, from one seed."""

    def __init__(self, reads: Sequence[Read], pointer_size: int, byte_order: str) -> None:
        self._reads = [one for one in reads if len(one[1])]
        self._width = pointer_size
        self._order = byte_order
        self._pointers = self._find_pointers()

    def _find_pointers(self) -> list[int]:
        """Words that lead to something that was read, and where the reads begin."""
        starts = sorted(addr for addr, _ in self._reads)
        return starts or [0]

    def make(self, seed: int) -> Damage:
        """The damage of a seed: one to three changes, mostly one."""
        chance = random.Random(seed)
        changes = [self._change(chance) for _ in range(chance.choice((1, 1, 1, 1, 2, 3)))]
        return Damage("; ".join(name for name, _ in changes), tuple(one for _, one in changes))

    def _change(self, chance: random.Random) -> tuple[str, Read]:
        # What is read first are headers, descriptors, directories: few bytes on which all depends.
        reads = self._reads[:FIRST] if chance.random() < 0.5 else self._reads
        addr, data = chance.choice(reads)
        kinds = (
            self._bit,
            self._byte,
            self._word,
            self._word,
            self._pointer,
            self._copy,
            self._run,
        )
        return chance.choice(kinds)(chance, addr, data)

    def _bit(self, chance: random.Random, addr: int, data: bytes) -> tuple[str, Read]:
        at = chance.randrange(len(data))
        bit = chance.randrange(8)
        return f"bit {bit} of 0x{addr + at:x}", (addr + at, bytes([data[at] ^ (1 << bit)]))

    def _byte(self, chance: random.Random, addr: int, data: bytes) -> tuple[str, Read]:
        at = chance.randrange(len(data))
        byte = chance.choice((0, 1, 2, 3, 4, 5, 0x7F, 0x80, 0xFE, 0xFF, chance.randrange(256)))
        return f"byte 0x{addr + at:x} = {byte}", (addr + at, bytes([byte]))

    def _word(self, chance: random.Random, addr: int, data: bytes) -> tuple[str, Read]:
        size = chance.choice((self._width, self._width, 4, 2))
        at = self._place(chance, data, size)
        number = chance.choice(WORDS)
        if chance.random() < 0.3:  # near what is there
            there = int.from_bytes(data[at : at + size], self._order)  # type: ignore[arg-type]
            number = there + chance.choice((-8, -1, 1, 8, 16, 4096))
        number &= (1 << (8 * size)) - 1
        return f"{size} bytes at 0x{addr + at:x} = 0x{number:x}", (
            addr + at,
            number.to_bytes(size, self._order),  # type: ignore[arg-type]
        )

    def _pointer(self, chance: random.Random, addr: int, data: bytes) -> tuple[str, Read]:
        """A word that leads elsewhere into what is read: rings, shared parts, wrong kinds."""
        at = self._place(chance, data, self._width)
        number = chance.choice(self._pointers) + chance.choice((0, 0, 0, 8, -8, 1))
        number &= (1 << (8 * self._width)) - 1
        return f"pointer at 0x{addr + at:x} = 0x{number:x}", (
            addr + at,
            number.to_bytes(self._width, self._order),  # type: ignore[arg-type]
        )

    def _copy(self, chance: random.Random, addr: int, data: bytes) -> tuple[str, Read]:
        """A word of elsewhere."""
        _, other = chance.choice(self._reads)
        at, source = self._place(chance, data, self._width), self._place(chance, other, self._width)
        return f"copy to 0x{addr + at:x}", (addr + at, other[source : source + self._width])

    def _run(self, chance: random.Random, addr: int, data: bytes) -> tuple[str, Read]:
        """A run of equal bytes, or of random ones."""
        at = chance.randrange(len(data))
        size = min(chance.choice((16, 64, 256)), len(data) - at)
        byte = chance.choice((0, 0xFF, 0x80, 0xFE, -1))
        fresh = chance.randbytes(size) if byte < 0 else bytes([byte]) * size
        return f"{size} bytes from 0x{addr + at:x} = {byte}", (addr + at, fresh)

    def _place(self, chance: random.Random, data: bytes, size: int) -> int:
        """An offset for a word of `size` bytes, aligned."""
        return chance.randrange(max((len(data) - size) // size + 1, 1)) * size
