"""Refuse a host whose key is not known: with the command that shows why."""

import shlex
from collections.abc import Iterable, Sequence

from envcheck.errors import HostError
from envcheck.hosts import known_hosts
from envcheck.hosts.known_hosts import Entry, Verdict

PHASE = "checking the host's key"
# What stands first where the user has no file: only ssh itself reads these, and nobody writes the last.
FORGETFUL = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2", "/dev/null")
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
    compare = look_up(name, place.rpartition(":")[0] or next(iter(files), ""))
    if verdict.status == "changed":
        message = f"the key of {name} is not the known one ({place}): it shows {shown}"
        return HostError("host-key-changed", PHASE, message, f"{compare} shows the key it had")
    if verdict.status == "revoked":
        message = f"the key of {name} is revoked ({place}): it shows {shown}"
        return HostError("host-key-revoked", PHASE, message, f"{compare} shows the lines")
    message = f"the key of {name} is not known: it shows {shown}"
    return HostError("host-key-unknown", PHASE, message, unknown(name, files))


def look_up(name: str, file: str) -> str:
    """Give the command that shows which keys are known; without a file it is the user's own."""
    return f"ssh-keygen -l -F {shlex.quote(name)}" + (f" -f {shlex.quote(file)}" if file else "")


def unknown(name: str, files: Sequence[str]) -> str:
    """Say how the key of a host becomes known; *files*: those in which it is looked for, the user's first.

    Where the configuration leaves the user without a file, ssh asks, and forgets the answer.
    """
    if not files or files[0] in FORGETFUL:
        return (
            "no key can become known: UserKnownHostsFile names no file; let it name one, compare the key on "
            "the host (ssh-keygen -lf), then connect with ssh once"
        )
    shown = look_up(name, files[0])
    return f"{shown} finds nothing; compare it on the host (ssh-keygen -lf), then connect with ssh once"
