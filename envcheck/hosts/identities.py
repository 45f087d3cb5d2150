"""The keys that a user may prove himself with: of the agent, and of files, each file read once."""

from __future__ import annotations

import base64
import os
import shlex
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from envcheck.errors import HostError
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.paths import content, existing
from envcheck.hosts.resolve import Resolved

PHASE = "authenticating"
DENIED = 'ssh -v shows the keys that are offered; "ssh-add -l" those of the agent'

KEYS_ALONE = "let a key in there (PubkeyAuthentication, authorized_keys): envcheck asks for no password"
AGENT = "ssh-add -l shows whether it does; without SSH_AUTH_SOCK it is not asked"
FEWER = "IdentitiesOnly yes, with one IdentityFile, in the configuration of ssh offers the right one alone"
PRIVATE = 0o077  # rights that nobody else may have


class Unusable(NamedTuple):
    """A key of a file that ssh would not use as it is. *cure*: the command that changes that."""

    path: str
    why: str
    cure: str


class Identities:
    """What paramiko calls an authentication strategy."""

    def __init__(self, resolved: Resolved, deadline: Deadline) -> None:
        self.resolved = resolved
        self.deadline = deadline
        self.left_out: list[Unusable] = []

    def authenticate(self, transport: Any) -> list[object]:
        """Offer one key after the other.

        Raises:
            HostError: None is accepted.
        """
        paramiko = import_module("paramiko")
        offered = 0
        for key in self._keys():
            offered += 1
            transport.auth_timeout = self.deadline.left
            try:
                further = transport.auth_publickey(self.resolved.user, key)
            except paramiko.BadAuthenticationType as error:
                takes = ", ".join(map(str, error.allowed_types))
                why = f"{self.resolved.user} may not log in by a key: the host takes {takes}"
                raise HostError("denied", PHASE, why, KEYS_ALONE) from None
            except paramiko.AuthenticationException:
                if self.deadline.passed:
                    raise self.deadline.over(PHASE) from None
                if not transport.is_active():
                    raise self._refused(f"it hung up after {_count(offered)}", FEWER) from None
            else:
                if further:
                    raise HostError(
                        "denied", PHASE, "the host asks for more than a key", "--transport ssh may be able to"
                    )
                return []
        raise self._refused(_refusal(offered), DENIED)

    def _refused(self, what: str, hint: str) -> HostError:
        """Say what came of the keys, and which were left out: the right one may be among those."""
        left_out = "; ".join(f"{one.path} was left out: {one.why}" for one in self.left_out)
        why = f"{self.resolved.user} may not log in: {what}{left_out and '; ' + left_out}"
        return HostError("denied", PHASE, why, "; ".join(one.cure for one in self.left_out) or hint)

    def _keys(self) -> Iterator[Any]:
        """Those of the agent that files name first, then its others, then the files."""
        named = [blob for path in self.resolved.identities if (blob := _public(path))]
        held = _agent(self.deadline) if self.resolved.agent else []
        held = [key for key in held if not self.resolved.identities_only or key.asbytes() in named]
        yield from sorted(
            held, key=lambda key: named.index(key.asbytes()) if key.asbytes() in named else len(named)
        )
        known = {key.asbytes() for key in held}
        for path in existing(self.resolved.identities):
            key = load(path)
            if isinstance(key, Unusable):
                self.left_out += [] if _public(path) in known else [key]
            elif key is not None and key.asbytes() not in known:
                yield key


def _count(offered: int) -> str:
    return "1 key" if offered == 1 else f"{offered} keys"


def _refusal(offered: int) -> str:
    if not offered:
        return "no key is there to offer"
    return "the only key is not accepted" if offered == 1 else f"none of {offered} keys is accepted"


@lru_cache(maxsize=64)
def load(path: str) -> Any:
    """The key of a file, or why it is not to be used; None if it is none."""
    paramiko = import_module("paramiko")
    try:
        key = paramiko.PKey.from_path(path)
        open_to_others = _is_open(path)
    except TypeError:  # so it says that a passphrase is wanted
        return Unusable(path, "it has a passphrase", f"ssh-add {shlex.quote(path)}")
    except (paramiko.SSHException, OSError, ValueError, paramiko.pkey.UnknownKeyType):
        return None
    if open_to_others:
        return Unusable(path, "others may read it", f"chmod 600 {shlex.quote(path)}")
    return key


def _is_open(path: str) -> bool:
    """Tell whether others have rights to a key of one's own: OpenSSH offers no such key."""
    found = os.stat(path)  # noqa: PTH116
    return found.st_uid == os.getuid() and bool(found.st_mode & PRIVATE)


@lru_cache(maxsize=64)
def _public(path: str) -> bytes:
    """The public half: from the file beside the key, or that file itself, where an agent has the other."""
    for name in (path + ".pub", path):
        try:
            return base64.b64decode(content(name).split()[1], validate=True)
        except (ValueError, IndexError):
            continue
    return b""


def _agent(deadline: Deadline) -> list[Any]:
    """Give the keys of the agent.

    Raises:
        HostError: It does not answer in time: it may be asking its owner, or hang.
    """
    if not os.environ.get("SSH_AUTH_SOCK"):
        return []
    paramiko = import_module("paramiko")

    class Agent(paramiko.Agent):  # type: ignore[misc,name-defined]
        def _connect(self, connection: Any) -> None:
            # It asks for the keys as soon as it is made, and sets no limit itself.
            connection.settimeout(deadline.left)
            super()._connect(connection)  # pyright: ignore[reportUnknownMemberType]

    try:
        return list(Agent().get_keys())
    except TimeoutError:
        raise HostError("timed-out", PHASE, "the ssh-agent does not answer", AGENT) from None
    except (paramiko.SSHException, OSError, ValueError):
        return []
