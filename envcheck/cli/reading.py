"""What is read of this machine for a command: specs, keys, and which release this is."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence
from typing import TYPE_CHECKING

from envcheck.errors import UsageError
from envcheck.secrecy import Policy

if TYPE_CHECKING:
    from envcheck.model import Spec


def policy(reveal: Sequence[str] | None, key_file: str | None = None) -> Policy:
    """Make the policy of this run: fingerprints are good for this run alone, or for a key that others have.

    Raises:
        UsageError: The key file cannot be read, is no key, or is open to others.
    """
    key = os.urandom(32)
    if key_file is not None:
        from envcheck.cli import keys  # noqa: PLC0415

        key = keys.read(key_file)
    return Policy(key=key, reveal=tuple(reveal or ()))


def version() -> str:
    """Give the version that is installed; where envcheck runs from a folder or an archive, none is."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("envcheck-proc")
    except PackageNotFoundError:
        return "of no release"


def load_spec(path: str | None) -> Spec | None:
    """Read the spec.

    Raises:
        UsageError: It cannot be read, or is not written as it should be.
    """
    if path is None:
        return None
    from envcheck import spec  # noqa: PLC0415 - only with a spec
    from envcheck.servers import SERVERS  # noqa: PLC0415

    return spec.load(content(path, "spec"), absolute(path, "spec"), (*SERVERS, "any"))


def content(path: str, what: str) -> bytes:
    """Read a file of this machine; *what* it is, for messages.

    Raises:
        UsageError: It cannot be read.
    """
    from envcheck.hosts.local import Local  # noqa: PLC0415

    facts = Local().ask([{"op": "file", "path": absolute(path, what)}])[0]
    if facts["status"] != "ok":
        from envcheck.sources.chain import WHY  # noqa: PLC0415

        too_large = {"oversized": "it is too large"}
        why = (WHY | too_large).get(facts["status"]) or facts.get("detail") or facts["status"]
        raise UsageError(f"unable to read the {what} {path}: {why}")
    read: bytes = facts["content"]
    return read


def absolute(path: str, what: str) -> str:
    """Make a path absolute.

    Raises:
        UsageError: It is empty, or relative to a folder that is gone.
    """
    if not path:
        raise UsageError(f"no {what} is named: its path is empty")
    try:
        return posixpath.abspath(path)
    except OSError:
        raise UsageError(
            f"unable to find {path}: the working directory is gone", "name it by its full path"
        ) from None
