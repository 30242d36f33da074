"""What libc++'s std::hash makes of bytes (__functional/hash.h, __murmur2_or_cityhash): CityHash64
where a hash code has 64 bits, MurmurHash2 where it has 32. Numbers of at most a code's size are
their own hash code, but pointers and longer numbers are hashed as bytes."""

from __future__ import annotations

from ...target import Kind, Type

K0 = 0xC3A5C85C97CB3127
K1 = 0xB492B66FBE98F273
K2 = 0x9AE16A3B2F90404F
K3 = 0xC949D7C7509E6557
MULTIPLIER = 0x9DDFEA08EB382D69
MASK = (1 << 64) - 1

MURMUR = 0x5BD1E995
MASK_32 = (1 << 32) - 1

_NUMBERS = (Kind.INTEGER, Kind.ENUM, Kind.BOOLEAN, Kind.FLOAT, Kind.POINTER)


def by_bytes(key: Type, pointer_size: int) -> bool | None:
    """Whether a number of a type is hashed as bytes, and not its own code; None: it is none."""
    if key.kind not in _NUMBERS or key.size not in (1, 2, 4, 8, 16):
        return None
    if key.kind is Kind.FLOAT and key.size > 8:
        return None  # some of the bytes of a long double mean nothing
    return key.kind is Kind.POINTER or key.size > pointer_size


def city_hash(content: bytes) -> int:
    """CityHash64 as libc++ has it.

    >>> hex(city_hash(b"hello"))
    '0x34432ce1c0308a8'
    """
    size = len(content)
    if size <= 16:
        return _up_to_16(content)
    if size <= 32:
        return _up_to_32(content)
    if size <= 64:
        return _up_to_64(content)
    x = _word(content, size - 40)
    y = _word(content, size - 16) + _word(content, size - 56)
    z = _mixed(_word(content, size - 48) + size, _word(content, size - 24))
    v = _seeded(content, size - 64, size, z)
    w = _seeded(content, size - 32, y + K1, x)
    x = x * K1 + _word(content, 0)
    for at in range(0, (size - 1) & ~63, 64):
        x = _rotated(x + y + v[0] + _word(content, at + 8), 37) * K1 & MASK
        y = _rotated(y + v[1] + _word(content, at + 48), 42) * K1 & MASK
        x ^= w[1]
        y += v[0] + _word(content, at + 40)
        z = _rotated(z + w[0], 33) * K1 & MASK
        v = _seeded(content, at, v[1] * K1, x + w[0])
        w = _seeded(content, at + 32, z + w[1], y + _word(content, at + 16))
        x, z = z, x
    first = _mixed(v[0], w[0]) + _shifted(y & MASK) * K1 + z
    return _mixed(first, _mixed(v[1], w[1]) + x)


def _up_to_16(content: bytes) -> int:
    size = len(content)
    if size > 8:
        first, last = _word(content, 0), _word(content, size - 8)
        return _mixed(first, _rotated(last + size, size)) ^ last
    if size >= 4:
        first, last = _word(content, 0, 4), _word(content, size - 4, 4)
        # The shift is of 32 bits.
        return _mixed(size + (first << 3 & MASK_32), last)
    if size:
        y = content[0] + (content[size >> 1] << 8)
        z = size + (content[-1] << 2)
        return _shifted((y * K2 ^ z * K3) & MASK) * K2 & MASK
    return K2


def _up_to_32(content: bytes) -> int:
    size = len(content)
    a, b = _word(content, 0) * K1, _word(content, 8)
    c, d = _word(content, size - 8) * K2, _word(content, size - 16) * K0
    first = _rotated(a - b, 43) + _rotated(c, 30) + d
    return _mixed(first, a + _rotated(b ^ K3, 20) - c + size)


def _up_to_64(content: bytes) -> int:
    size = len(content)
    z = _word(content, 24)
    a = _word(content, 0) + (size + _word(content, size - 16)) * K0
    b, c = _rotated(a + z, 52), _rotated(a, 37)
    a += _word(content, 8)
    c += _rotated(a, 7)
    a += _word(content, 16)
    vf, vs = a + z, b + _rotated(a, 31) + c
    a = _word(content, 16) + _word(content, size - 32)
    z += _word(content, size - 8)
    b, c = _rotated(a + z, 52), _rotated(a, 37)
    a += _word(content, size - 24)
    c += _rotated(a, 7)
    a += _word(content, size - 16)
    wf, ws = a + z, b + _rotated(a, 31) + c
    r = _shifted(((vf + ws) * K2 + (wf + vs) * K0) & MASK)
    return _shifted((r * K0 + vs) & MASK) * K2 & MASK


def _seeded(content: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """__weak_hash_len_32_with_seeds()."""
    w, x, y, z = (_word(content, at + 8 * number) for number in range(4))
    a += w
    b = _rotated(b + a + z, 21)
    c = a
    a += x + y
    b += _rotated(a, 44)
    return (a + z) & MASK, (b + c) & MASK


def _mixed(u: int, v: int) -> int:
    """__hash_len_16()."""
    a = _shifted((u ^ v) * MULTIPLIER & MASK)
    b = _shifted((v ^ a) * MULTIPLIER & MASK)
    return b * MULTIPLIER & MASK


def _word(content: bytes, at: int, size: int = 8) -> int:
    return int.from_bytes(content[at : at + size], "little")


def _rotated(value: int, by: int) -> int:
    value &= MASK
    return (value >> by | value << (64 - by)) & MASK


def _shifted(value: int) -> int:
    return value ^ value >> 47


def murmur_hash(content: bytes) -> int:
    """MurmurHash2 of 32 bits, with the size as the seed.

    >>> hex(murmur_hash(b"hello"))
    '0xe56129cb'
    """
    code = len(content) & MASK_32
    whole = len(content) & ~3
    for at in range(0, whole, 4):
        word = _word(content, at, 4) * MURMUR & MASK_32
        word = (word ^ word >> 24) * MURMUR & MASK_32
        code = code * MURMUR & MASK_32 ^ word
    if whole != len(content):
        code = (code ^ int.from_bytes(content[whole:], "little")) * MURMUR & MASK_32
    code = (code ^ code >> 13) * MURMUR & MASK_32
    return code ^ code >> 15
