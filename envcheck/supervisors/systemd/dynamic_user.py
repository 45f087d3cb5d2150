"""The name of the user that DynamicUser= makes, where User= names none: that of the unit, or a hash of it.

As observed with systemd 252: such a user is given USER and LOGNAME, and neither a home nor a shell, even
where there is a user of that name already. The hash is SipHash-2-4 with a key of systemd's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# What systemd takes for the name of a user as it is: 31 bytes fit into utmp.
VALID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,30}")
KEY = bytes.fromhex("581aafe628584e96b44ef53b8c9207ec")
ALL = 2**64 - 1
INITIAL = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def name(prefix: str) -> str:
    """Give it; *prefix*: the name of the unit without its instance and its type."""
    if VALID.fullmatch(prefix):
        return prefix
    return f"_du{siphash(prefix.encode('utf-8', 'surrogateescape'), KEY):016x}"


def siphash(data: bytes, key: bytes) -> int:
    first, second = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    state = [initial ^ half for initial, half in zip(INITIAL, (first, second) * 2, strict=True)]
    for word in _words(data):
        state[3] ^= word
        _rounds(state, 2)
        state[0] ^= word
    state[2] ^= 0xFF
    _rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _words(data: bytes) -> Iterator[int]:
    """Cut into words of eight bytes; the last one ends with the length."""
    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) % 256])
    for at in range(0, len(padded), 8):
        yield int.from_bytes(padded[at : at + 8], "little")


def _rounds(v: list[int], count: int) -> None:
    for _ in range(count):
        v[0] = (v[0] + v[1]) & ALL
        v[1] = _rotated(v[1], 13) ^ v[0]
        v[0] = _rotated(v[0], 32)
        v[2] = (v[2] + v[3]) & ALL
        v[3] = _rotated(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & ALL
        v[3] = _rotated(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & ALL
        v[1] = _rotated(v[1], 17) ^ v[2]
        v[2] = _rotated(v[2], 32)


def _rotated(word: int, bits: int) -> int:
    return (word << bits | word >> (64 - bits)) & ALL
