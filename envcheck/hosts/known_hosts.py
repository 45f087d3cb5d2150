"""known_hosts, read as OpenSSH reads it (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): a bad line harms no other.

paramiko's own reader knows no patterns, keeps one key of a type, and gives a file up for one marker in it.
"""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Iterator
from fnmatch import translate
from typing import NamedTuple

PORT = 22
MARKERS = (b"@cert-authority", b"@revoked")
BLANKS = re.compile(rb"[ \t]+")
ANY = "utf-8", "surrogateescape"  # a name of other bytes takes nothing from the rest of its line


class Entry(NamedTuple):
    """A line: `names` is its first field, in lower case unless it is hashed."""

    marker: str  # "", "cert-authority" or "revoked"
    names: str
    kind: str
    blob: bytes
    place: str  # file:line


class Known:
    """Entries in which many hosts are looked up: names that are written out are found without a search."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self.plain: dict[str, list[int]] = {}
        self.others: list[int] = []
        for place, entry in enumerate(self.entries):
            if entry.names.startswith("|") or any(char in entry.names for char in "*?!"):
                self.others.append(place)
            else:
                for one in dict.fromkeys(entry.names.split(",")):
                    self.plain.setdefault(one, []).append(place)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def named(self, wanted: str) -> list[Entry]:
        others = (place for place in self.others if _matches(self.entries[place].names, wanted))
        return [self.entries[place] for place in sorted([*self.plain.get(wanted, ()), *others])]


class Verdict(NamedTuple):
    """`status`: ok, unknown, changed, revoked. `places`: the lines that say so."""

    status: str
    places: tuple[str, ...] = ()


def read(content: bytes, path: str) -> Iterator[Entry]:
    """The lines that can be used."""
    for number, line in enumerate(content.split(b"\n"), 1):
        words = [word for word in BLANKS.split(line) if word]
        marker = b""
        if words and words[0].startswith(b"@"):
            marker, words = words[0], words[1:]
            if marker not in MARKERS:
                continue
        if len(words) < 3 or words[0].startswith(b"#"):  # noqa: PLR2004 - names, type, key
            continue
        try:
            blob = _decoded(words[2])
        except Base64Error:
            continue
        names, kind = words[0].decode(*ANY), words[1].decode(*ANY)
        if kind != _kind(blob):
            continue
        names = names if names.startswith("|") else names.lower()
        yield Entry(marker[1:].decode(), names, kind, blob, f"{path}:{number}")


def _decoded(word: bytes) -> bytes:
    """Decode base64. White space counts for nothing, as a CR at the end of a line; nothing else may be in it.

    Raises:
        Base64Error: It is none.
    """
    return a2b_base64(b"".join(word.split()), strict_mode=True)


def name(host: str, port: int) -> str:
    """What an entry calls a host: a port that is not the usual one is part of it."""
    return host.lower() if port == PORT else f"[{host.lower()}]:{port}"


def matching(entries: Iterable[Entry], wanted: str) -> list[Entry]:
    if isinstance(entries, Known):
        return entries.named(wanted)
    return [entry for entry in entries if _matches(entry.names, wanted)]


def judge(entries: Iterable[Entry], host: str, port: int, blob: bytes) -> Verdict:
    """Judge the key that a host has shown.

    A key of another type than the known ones is unknown, not changed: that is what a strict client says.
    """
    entries = entries if isinstance(entries, Known) else list(entries)
    verdict = _judge(matching(entries, name(host, port)), blob)
    if verdict.status == "unknown" and port != PORT:
        # An entry without a port counts for every port, if it has this very key.
        plain = _judge(matching(entries, name(host, PORT)), blob)
        return plain if plain.status in ("ok", "revoked") else verdict
    return verdict


def _judge(entries: list[Entry], blob: bytes) -> Verdict:
    revoked = tuple(e.place for e in entries if e.marker == "revoked" and e.blob == blob)
    if revoked:
        return Verdict("revoked", revoked)
    plain = [e for e in entries if not e.marker]
    same = tuple(e.place for e in plain if e.blob == blob)
    if same:
        return Verdict("ok", same)
    others = tuple(e.place for e in plain if e.kind == _kind(blob))
    return Verdict("changed", others) if others else Verdict("unknown")


def kinds(entries: Iterable[Entry], host: str, port: int) -> list[str]:
    """The types of the keys that are known for a host, as they come: those to ask it for first."""
    entries = entries if isinstance(entries, Known) else list(entries)
    found = matching(entries, name(host, port)) or matching(entries, name(host, PORT))
    return list(dict.fromkeys(e.kind for e in found if not e.marker))


def has_authority(entries: Iterable[Entry], host: str, port: int) -> bool:
    """Whether a certificate of the host could be accepted."""
    entries = entries if isinstance(entries, Known) else list(entries)
    wanted = (name(host, port), name(host, PORT))
    return any(e.marker == "cert-authority" for w in wanted for e in matching(entries, w))


def fingerprint(blob: bytes) -> str:
    """As `ssh-keygen -l` prints it."""
    from hashlib import sha256  # noqa: PLC0415 - takes milliseconds, and is seldom wanted

    return "SHA256:" + b2a_base64(sha256(blob).digest(), newline=False).decode().rstrip("=")


def _matches(names: str, wanted: str) -> bool:
    if names.startswith("|"):
        return _is_hash_of(names, wanted)
    found = False
    for pattern in names.split(","):
        negated = pattern.startswith("!")
        if _fits(pattern.removeprefix("!"), wanted):
            if negated:
                return False
            found = True
    return found


def _fits(pattern: str, wanted: str) -> bool:
    """`*` and `?` alone are special: brackets enclose a host before its port."""
    if "*" not in pattern and "?" not in pattern:
        return pattern == wanted
    return re.fullmatch(translate(pattern.replace("[", "[[]")), wanted) is not None


def _is_hash_of(names: str, wanted: str) -> bool:
    """`|1|salt|HMAC-SHA1 of the name`, both in base64."""
    parts = names.split("|")
    if len(parts) != 4 or parts[1] != "1":  # noqa: PLR2004
        return False
    try:
        salt, digest = (_decoded(part.encode(*ANY)) for part in parts[2:])
    except Base64Error:
        return False
    import hmac  # noqa: PLC0415 - takes milliseconds, and not every file is hashed

    return hmac.compare_digest(hmac.digest(salt, wanted.encode(), "sha1"), digest)


def _kind(blob: bytes) -> str:
    """The type that a key names itself: a string after its length (RFC 4253, 6.6)."""
    length = int.from_bytes(blob[:4], "big")
    return blob[4 : 4 + length].decode("ascii", "replace") if length < len(blob) else ""
