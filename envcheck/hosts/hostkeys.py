"""Refuse a host whose key is not known: with the command that shows why."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from envcheck.errors import HostError
from envcheck.hosts import known_hosts
from envcheck.hosts.known_hosts import Entry, Verdict

PHASE = "checking the host's key"
TYPES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


def preferred(
    entries: Iterable[Entry], known_as: tuple[str, int], offered: tuple[str, ...]
) -> tuple[str, ...]:
    """Ask for the types first of which a key is known: a host has a key of each type, and shows one."""
    kinds = known_hosts.kinds(entries, *known_as)
    known = [name for kind in kinds for name in TYPES.get(kind, (kind,)) if name in offered]
    return (*known, *(name for name in offered if name not in known))


def check(entries: Iterable[Entry], known_as: tuple[str, int], blob: bytes, files: tuple[str, ...]) -> None:
    """Accept the key, or not.

    Raises:
        HostError: It is unknown, changed or revoked.
    """
    verdict = known_hosts.judge(entries, *known_as, blob)
    if verdict.status != "ok":
        raise _refusal(verdict, known_as, blob, files)


def _refusal(verdict: Verdict, known_as: tuple[str, int], blob: bytes, files: tuple[str, ...]) -> HostError:
    name = known_hosts.name(*known_as)
    shown = known_hosts.fingerprint(blob)
    place = verdict.places[0] if verdict.places else ""
    file = place.rpartition(":")[0] or (files[0] if files else "~/.ssh/known_hosts")
    compare = f"ssh-keygen -l -F {shlex.quote(name)} -f {shlex.quote(file)}"
    if verdict.status == "changed":
        message = f"the key of {name} is not the known one ({place}): it shows {shown}"
        return HostError("host-key-changed", PHASE, message, f"{compare} shows the key it had")
    if verdict.status == "revoked":
        message = f"the key of {name} is revoked ({place}): it shows {shown}"
        return HostError("host-key-revoked", PHASE, message, f"{compare} shows the lines")
    message = f"the key of {name} is not known: it shows {shown}"
    hint = f"{compare} finds nothing; compare it on the host (ssh-keygen -lf), then connect with ssh once"
    return HostError("host-key-unknown", PHASE, message, hint)
