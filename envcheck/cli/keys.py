"""The key of the fingerprints from a file that many hosts have."""

from __future__ import annotations

import os
import sys

from envcheck.errors import UsageError

SHORTEST = 32  # bytes
LONGEST = 4096
OTHERS = 0o077
HINT = "openssl rand -hex 32 makes one; keep it with mode 0600"


def read(path: str) -> bytes:
    """Make 32 bytes of a key file.

    Raises:
        UsageError: It cannot be read, is no key, or is open to others.
    """
    from hashlib import sha256  # noqa: PLC0415 - only with a key file

    content = _standard_input() if path == "-" else _file(path)
    # A final newline is the editor's.
    material = content.rstrip(b"\r\n")
    if not SHORTEST <= len(material) <= LONGEST:
        raise UsageError(f"{_named(path)} is no key: it has to have {SHORTEST} to {LONGEST} bytes", HINT)
    return sha256(b"envcheck fingerprints\0" + material).digest()


def _named(path: str) -> str:
    return "standard input" if path == "-" else path


def _standard_input() -> bytes:
    return b"" if sys.stdin is None else sys.stdin.buffer.read(LONGEST + 3)


def _file(path: str) -> bytes:
    from envcheck.cli.reading import absolute  # noqa: PLC0415
    from envcheck.hosts.local import Local  # noqa: PLC0415
    from envcheck.sources.chain import WHY  # noqa: PLC0415

    facts = Local().ask([{"op": "file", "path": absolute(path, "key file"), "limit": 2 * LONGEST}])[0]
    if facts["status"] != "ok":
        why = WHY.get(facts["status"], facts.get("detail") or facts["status"])
        raise UsageError(f"unable to read the key file {path}: {why}", HINT)
    # As ssh has it with private keys: what one owns must not be open to others.
    if facts["uid"] == os.geteuid() and facts["mode"] & OTHERS:
        mode = f"{facts['mode'] & 0o7777:04o}"
        raise UsageError(f"the key file {path} is open to others (mode {mode})", f"chmod 600 {path}")
    content: bytes = facts["content"]
    return content
