"""Machine code of amd64, as much as tells what calls are given: in registers, as from go1.17 on."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

NEAR = 40  # bytes between the first of the instructions that load arguments and the call
CALL_SIZE = 5
TYPE = re.compile(rb"\x48\x8d\x05(....)", re.DOTALL)  # LEAQ type(SB), AX
MAP = re.compile(rb"\x48\x8b\x1d(....)", re.DOTALL)  # MOVQ variable(SB), BX
# MOVQ register, variable(SB)
STORE = re.compile(rb"[\x48\x4c]\x89[\x05\x0d\x15\x1d\x25\x2d\x35\x3d](....)", re.DOTALL)
_CALL = 0xE8


def referred(start: int, match: re.Match[bytes]) -> int:
    """What an instruction refers to, in code that begins at `start`."""
    far = int.from_bytes(match.group(1), "little", signed=True)
    return start + match.end() + far


def find_calls(start: int, code: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Where code that begins at `start` may have calls, counted from there, and what they call."""
    data = np.frombuffer(code, np.uint8)
    places = np.flatnonzero(data[:-4] == _CALL) if len(data) > 4 else np.zeros(0, np.int64)
    parts = data[places[:, None] + np.arange(1, 5)].astype(np.uint32)
    far = (parts << np.array([0, 8, 16, 24], np.uint32)).sum(1, dtype=np.uint32).view(np.int32)
    return places, (start + 5 + places + far.astype(np.int64)).astype(np.uint64)


def keeps_ax(code: bytes) -> bool:
    """Whether instructions are known, and none of them writes AX: loads and moves of the other
    arguments, and of constants."""
    at = 0
    while at < len(code):
        size = _size_of_load(code[at:])
        if not size:
            return False
        at += size
    return at == len(code)


def _size_of_load(code: bytes) -> int:
    """The bytes of an instruction that loads or moves into another register than AX; 0: it is none
    of those."""
    if code[0] in (0xB9, 0xBB, 0xBE, 0xBF):  # MOVL $constant, CX BX SI DI
        return 5
    if code[:2] in (b"\x31\xdb", b"\x31\xc9", b"\x31\xff", b"\x31\xf6"):  # XORL
        return 2
    if code[0] == 0x41 and len(code) > 1 and 0xB8 <= code[1] <= 0xBF:  # MOVL $constant, R8 …
        return 6
    if len(code) < 3 or code[0] & 0xF8 != 0x48:
        return 0
    wide, opcode, mode = code[0], code[1], code[2]
    into = (mode >> 3 & 7) | (wide & 4) << 1
    if opcode == 0x89 and mode >> 6 == 3:  # MOVQ register, register
        return 3 if (mode & 7) | (wide & 1) << 3 else 0
    if opcode not in (0x8B, 0x8D) or into == 0:
        return 0
    kind, base = mode >> 6, mode & 7
    if kind == 3:
        return 3
    size = 3 + (base == 4)
    if kind == 0:
        inner = code[3] & 7 if base == 4 and len(code) > 3 else base
        return size + (4 if inner == 5 else 0)
    return size + (1 if kind == 1 else 4)
