"""What looks like a secret: by its name, or by itself.

Patterns have no nested quantifier, and take linear time on values of megabytes. They are compiled at their
first use, which not every command gets to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from math import log2


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@cache
def pattern(text: str) -> re.Pattern[str]:
    """Compile when first used: a pattern costs as much as a module."""
    return re.compile(text, re.DOTALL)


# --- names -------------------------------------------------------------------------------------------

# A part of a name is one of these, but for its trailing digits ...
WORDS = words(
    "pass pwd pw jwt auth key keys salt cert certs pem p12 pfx pkcs12 otp totp mfa pin hmac dsn ssn sas creds"
    " passcode"
)
# ... or has one of these anywhere in it ...
LONG_WORDS = (
    *(
        "passw",
        "passphrase",
        "contrasena",
        "secret",
        "token",
        "bearer",
        "credential",
        "oauth",
        "authorization",
    ),
    *("authorisation", "authentication", "cookie", "session", "csrf", "xsrf", "apikey", "private", "privkey"),
    *(
        "crypt",
        "cipher",
        "pepper",
        "certificate",
        "keystore",
        "keypass",
        "passfile",
        "signature",
        "signing",
        "webhook",
    ),
    *("license", "licence", "master"),
)
# ... or ends so: DBPASS, MYSQLPWD, SSHKEY ...
ENDINGS = ("key", "keys", "pass", "pwd")
# ... and is none of these.
HARMLESS = words("monkey turkey hotkey hotkeys pubkey pubkeys publickey publickeys bypass compass")
# The name, its parts joined, ends so: addresses which carry a password more often than not.
TAILS = ("connectionstring", "connstring", "connstr", "databaseurl", "redisurl", "amqpurl", "rabbitmqurl")
# Folders, not passwords.
PLAIN_NAMES = words("PWD OLDPWD")
# Bundler keeps the credentials of a gem server in a variable named after its host, with `__` for a dot.
BUNDLER_PLAIN = ("BUNDLE_BUILD__", "BUNDLE_LOCAL__")


def _parts(name: str) -> list[str]:
    """Split at everything that is no letter or digit, and at the humps of camelCase."""
    humps = pattern(r"([a-z0-9])([A-Z])").sub(r"\1_\2", name)
    humps = pattern(r"([A-Z])([A-Z][a-z])").sub(r"\1_\2", humps)
    return [part for part in pattern(r"[\W_]+").split(humps) if part]


def _is_secret_part(part: str) -> bool:
    if part in HARMLESS:
        return False
    bare = part.rstrip("0123456789")
    return (
        part in WORDS or bare in WORDS or bare.endswith(ENDINGS) or any(word in part for word in LONG_WORDS)
    )


@lru_cache(maxsize=4096)
def _name_looks_secret(name: str) -> bool:
    parts = [part.lower() for part in _parts(name)]
    previous = ""
    for part in parts:
        public_key = previous == "public" and part in ("key", "keys")
        if _is_secret_part(part) and not public_key:
            return True
        previous = part
    if name.upper().startswith("BUNDLE_") and "__" in name:
        return not name.upper().startswith(BUNDLER_PLAIN)
    return "".join(parts).endswith(TAILS) or name.upper().startswith("MONGO")


# --- values ------------------------------------------------------------------------------------------

# What the issuers of keys put in front of them.
MARKS = (
    r"(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]|github_pat_|glpat-|xox[abeprs]-|xapp-"
    r"|[rs]k_(?:live|test)_|whsec_|sk-(?:ant|proj)-|AIza[A-Za-z0-9_-]{10}|hooks\.slack\.com"
    r"|SG\.[A-Za-z0-9_-]{16}|hvs\.[A-Za-z0-9_-]{16}|AGE-SECRET-KEY-|-----BEGIN"
    r"|\$(?:2[abxy]|5|6|y|argon2id?)\$"
)
# A word, and what follows where something is assigned to it: `key=x`, `"key": "x"`, `key: x`. The word is
# always eaten, so that no text is looked at twice.
ASSIGNED = r"""([\w.-]+)((?:["']?\s*=\s*|["']\s*:\s*|:\s+)["']?)?"""
ENDS = frozenset("\"'&;, \t\r\n")  # of what is assigned
MINIMUM = 20  # characters of something that was drawn at random
ENTROPY = 3.5  # bits per character
HEX_ENTROPY = 2.6
WORD_LENGTH = 3.5  # letters on the average, of what is made of words
# Folders whose members are named after a hash.
HASHED_IN = words("releases revisions versions builds deployments store")


def get_ready() -> None:
    """Compile what any value needs: there may be time for it while a host is waited for."""
    looks_secret("name", "name=" + "value-" * 5)


def looks_secret(name: str, value: str = "") -> bool:
    """Say whether the name, or the value, is like that of a secret."""
    return (name not in PLAIN_NAMES and _name_looks_secret(name)) or value_looks_secret(value)


def value_looks_secret(value: str) -> bool:
    return (
        pattern(MARKS).search(value) is not None
        or ("eyJ" in value and ".eyJ" in value)  # a JWT
        or has_user_information(value)
        or has_secret_assignment(value)
        or looks_random(value)
    )


def has_user_information(value: str) -> bool:
    """Say whether there is a URL such as scheme://user:password@host in it."""
    if "://" not in value or "@" not in value:
        return False
    # A password may have a slash in it that ought to be %2F: what stands behind "user:" counts up to the "@".
    inside = pattern(r"://[^/?#]*$|://[^/:]+:")
    return any(
        piece.count("@") and inside.search(before) is not None
        for piece in value.split()
        for before in piece.split("@")[:-1]
    )


def has_secret_assignment(value: str) -> bool:
    """Say whether a secret is assigned within it: ?token=x, Password=x;, {"api_key": "x"}."""
    if "=" not in value and ":" not in value:
        return False
    return any(
        is_secret_key(match[1])
        for match in pattern(ASSIGNED).finditer(value)
        if match[2] and value[match.end() : match.end() + 1] not in ("", *ENDS)
    )


def is_secret_key(key: str) -> bool:
    """Say whether the name of an option or of a parameter is one for a secret."""
    return key.lower() == "sig" or _name_looks_secret(key)


def looks_random(value: str) -> bool:
    """Say whether a part of it was drawn at random, which no path and no phrase is."""
    return any(_is_random_path(token) for token in _tokens(value))


def _tokens(value: str) -> Iterator[str]:
    return (match[0] for match in pattern(r"[A-Za-z0-9+/_-]{20,}").finditer(value))


def _is_random_path(token: str) -> bool:
    """Judge by the components that are not made of words: each by itself, and all if most of it is such.

    Of an absolute path only the odd words count: a folder such as /tmp/build-of-shop-x7k2q9pa is no secret.
    """
    components = token.split("/")
    odd = [
        _odd_words(part) if token.startswith("/") else part
        for before, part in zip(["", *components], components, strict=False)
        if part and before not in HASHED_IN and not _is_made_of_words(part)
    ]
    mostly = 2 * sum(map(len, odd)) > len(token)
    return any(map(_is_random, odd)) or (mostly and _is_random(token))


def _odd_words(text: str) -> str:
    return "".join(word for word in pattern(r"[\W_]+").split(text) if not _is_word(word))


def _is_random(text: str) -> bool:
    if len(text) < MINIMUM:
        return False
    is_hex = pattern(r"[0-9A-Fa-f-]*").fullmatch(text) is not None
    return entropy(text) >= (HEX_ENTROPY if is_hex else ENTROPY)


def _is_made_of_words(text: str) -> bool:
    return all(map(_is_word, pattern(r"[\W_]+").split(text)))


def _is_word(text: str) -> bool:
    """Say whether it is a word, or CamelCase, with or without a number: python3, x86, MyApp."""
    humps = _parts(text)
    word = pattern(r"[A-Z]?[a-z]{0,19}[0-9]*|[A-Z]{1,19}[0-9]*|[0-9]+[A-Za-z]?")
    letters = sum(len(hump.rstrip("0123456789")) for hump in humps)
    return all(map(word.fullmatch, humps)) and (len(humps) <= 1 or letters >= WORD_LENGTH * len(humps))


def entropy(text: str) -> float:
    """Shannon's, in bits per character."""
    shares = [text.count(character) / len(text) for character in set(text)]
    return -sum(share * log2(share) for share in shares)
