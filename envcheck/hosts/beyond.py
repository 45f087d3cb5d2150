"""What a configuration of ssh asks for that Fabric cannot do: such a host is left to the system's ssh."""

from __future__ import annotations

import os
from binascii import a2b_base64
from collections.abc import Mapping, Sequence
from functools import lru_cache

from envcheck import questions
from envcheck.hosts.paths import content

# Settings, and the values with which they ask for nothing.
BEYOND = {
    "proxycommand": ("none",),
    "certificatefile": ("none",),
    "pkcs11provider": ("none",),
    "knownhostscommand": ("none",),
    "bindaddress": ("none",),
    "bindinterface": ("none",),
    "securitykeyprovider": ("internal",),
    "pubkeyauthentication": ("true", "yes"),
    "preferredauthentications": ("publickey",),  # Fabric knows no other
    "verifyhostkeydns": ("false", "no"),
    "hostbasedauthentication": ("no",),
    "revokedhostkeys": ("none",),
}
OWN_FORM = b"-----BEGIN OPENSSH PRIVATE KEY-----"
FIDO = (b"sk-ssh-ed25519@openssh.com", b"sk-ecdsa-sha2-nistp256@openssh.com")
PKCS8 = (b"-----BEGIN PRIVATE KEY-----", b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
# What is to be agreed upon with the host, and looked at beside its key: Fabric's own choices may be laxer.
CHOICES = (
    *("kexalgorithms", "ciphers", "macs", "hostkeyalgorithms", "pubkeyacceptedalgorithms"),
    *("requiredrsasize", "checkhostip"),
)


def beyond(said: Mapping[str, str], identities: Sequence[str]) -> str:
    """Say why Fabric cannot do what `ssh -G` has *said*; "" where it can. *identities*: paths of keys."""
    for key, harmless in BEYOND.items():
        if said.get(key, harmless[0]) not in harmless:
            return f"the configuration sets {key}"
    unconfigured = questions.usual()
    for key in CHOICES:
        if said.get(key) != unconfigured.get(key):
            return f"the configuration sets {key}"
    if said.get("identityagent", "SSH_AUTH_SOCK") not in ("none", "SSH_AUTH_SOCK"):
        return "the configuration sets identityagent"
    for path in identities:
        if "%" in path or "${" in path:
            return f"{path} has to be expanded"  # ssh -G does not
        if os.path.isfile(path) and (what := _unreadable(path)):  # noqa: PTH113
            return f"{path} is {what}"
        if os.path.exists(path + "-cert.pub"):  # noqa: PTH110
            return f"{path} has a certificate"
    return ""


@lru_cache(maxsize=64)
def _unreadable(path: str) -> str:
    """Say of a private key what it is, where that is nothing that Fabric reads.

    A key in OpenSSH's own form names its type before what is encrypted.
    """
    if path.endswith("_sk"):
        return "a FIDO key"
    first, _, rest = content(path).lstrip().partition(b"\n")
    if first.rstrip() in PKCS8:
        return "in PKCS#8"
    try:
        body = a2b_base64(rest.partition(b"-----")[0])
    except ValueError:
        return ""
    return "a FIDO key" if first.rstrip() == OWN_FORM and any(kind in body for kind in FIDO) else ""
