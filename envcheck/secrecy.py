"""What may be shown of a value, and how values are told apart that may not.

A value is hidden unless something allows it: its name is known to be harmless and neither name nor value
looks secret, or the user asked for it with `--reveal`. What is hidden is told apart by fingerprints: a keyed
hash, for an unkeyed one of a short secret is guessed within seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from envcheck import tokens
from envcheck.escaping import as_bytes, escape
from envcheck.suspicion import looks_secret, words

__all__ = ["MASK", "SHOWN", "Json", "Policy", "known_forms", "looks_secret", "mask_forms", "redact"]

SHOWN = words(
    # the system and its shells
    "_ HOME HOST HOSTNAME LANG LANGUAGE LOGNAME MAIL OLDPWD PATH PWD SHELL SHLVL TERM TMPDIR TZ USER"
    # what a supervisor tells the process of itself
    " JOURNAL_STREAM LISTEN_FDS LISTEN_PID MAINPID MANAGERPID NOTIFY_SOCKET SUPERVISOR_ENABLED"
    " SUPERVISOR_GROUP_NAME SUPERVISOR_PROCESS_NAME SYSTEMD_EXEC_PID UPSTART_INSTANCE UPSTART_JOB"
    " WATCHDOG_PID WATCHDOG_USEC"
    # which kind of environment it is
    " APP_ENV DJANGO_CONFIGURATION DJANGO_SETTINGS_MODULE ENVIRONMENT FLASK_APP FLASK_DEBUG FLASK_ENV"
    " NODE_ENV RACK_ENV RAILS_ENV"
    # servers
    " GUNICORN_FD GUNICORN_PID PORT PUMA_MAX_THREADS PUMA_MIN_THREADS SERVER_SOFTWARE UNICORN_FD"
    " WEB_CONCURRENCY"
    # languages and frameworks
    " GEM_HOME GEM_PATH LD_PRELOAD LOG_LEVEL MALLOC_ARENA_MAX NODE_PATH PYTHONDONTWRITEBYTECODE"
    " PYTHONHASHSEED PYTHONHOME PYTHONIOENCODING PYTHONPATH PYTHONUNBUFFERED PYTHONUTF8 RAILS_LOG_LEVEL"
    " RAILS_LOG_TO_STDOUT RAILS_MAX_THREADS RAILS_MIN_THREADS RAILS_RELATIVE_URL_ROOT"
    " RAILS_SERVE_STATIC_FILES RBENV_ROOT RBENV_VERSION RUBYLIB RUBYOPT RUBY_VERSION RUBY_YJIT_ENABLE"
    " VIRTUAL_ENV LD_LIBRARY_PATH PYTHONWARNINGS PYTHONOPTIMIZE PYTHONFAULTHANDLER PYTHONNOUSERSITE"
    " PYENV_ROOT PYENV_VERSION PYENV_SHELL CONDA_PREFIX CONDA_DEFAULT_ENV SPT_NOENV"
    # sites
    " AWS_DEFAULT_REGION AWS_REGION GOVUK_APP_NAME GOVUK_APP_ROOT GOVUK_APP_TYPE"
)
SHOWN_PREFIXES = ("LC_", "BUNDLE_")
FINGERPRINT_DIGITS = 16  # 64 bits
MASK = "***"
ASCII = 0x80
SHORTEST_KNOWN = 6  # a shorter secret would be found in every other word

Json = str | dict[str, str | int | bool]


class Policy(NamedTuple):
    """Which values may be shown, in this run. *key*: 32 random bytes, the same for all hosts of the run."""

    key: bytes
    reveal: tuple[str, ...] = ()  # globs of names, shown whatever they look like
    secret: frozenset[str] = frozenset()  # names that the spec calls secret
    shown: frozenset[str] = frozenset()  # names that the spec says are none: as if they stood in SHOWN

    def __repr__(self) -> str:
        return f"Policy(reveal={self.reveal!r})"

    @property
    def key_id(self) -> str:
        """Tells whether two keys are the same, and nothing else of them."""
        import hmac  # noqa: PLC0415

        return hmac.digest(self.key, b"\0id", "sha256").hex()[:FINGERPRINT_DIGITS]

    def may_show(self, name: str, value: str) -> bool:
        if tokens.is_hidden(value):
            return False
        if any(fnmatchcase(name, glob) for glob in self.reveal):
            return True
        known = name in SHOWN or name in self.shown or name.startswith(SHOWN_PREFIXES)
        return known and name not in self.secret and not looks_secret(name, value)

    def fingerprint(self, name: str, value: str) -> str:
        """Equal for equal values of one name, under one key; says nothing else of the value."""
        import hmac  # noqa: PLC0415 - takes milliseconds, and not every command hides something

        message = as_bytes(name) + b"\0" + as_bytes(value)
        return hmac.digest(self.key, message, "sha256").hex()[:FINGERPRINT_DIGITS]

    def display(self, name: str, value: str) -> str:
        """The value for a terminal, or what may be said of it."""
        if self.may_show(name, value):
            return escape(value)
        length, fingerprint = self.token(name, value)
        return f"<hidden len={length} fp={fingerprint}>"

    def token(self, name: str, value: str) -> tokens.Token:
        """Say what may be said of a hidden value; a record says no more than that."""
        if tokens.is_hidden(value):
            return tokens.summary(value)
        return tokens.Token(len(as_bytes(value)), self.fingerprint(name, value))

    def as_json(self, name: str, value: str) -> Json:
        if not self.may_show(name, value):
            return {"hidden": True, **self.token(name, value)._asdict()}
        data = as_bytes(value)
        try:
            return data.decode()
        except UnicodeDecodeError:
            from binascii import b2a_base64  # noqa: PLC0415 - hardly ever

            return {"b64": b2a_base64(data, newline=False).decode()}

    def secrets(self, variables: Mapping[str, str]) -> tuple[str, ...]:
        """The hidden values that must not turn up elsewhere either: in arguments, in messages.

        Left out is what says nothing, or every command line would be full of holes: what is too short, what
        is shown under another name, a path under a harmless name.
        """
        public = {value for name, value in variables.items() if self.may_show(name, value)}
        return tuple(
            value
            for name, value in variables.items()
            if len(value) >= SHORTEST_KNOWN and value not in public and not self._is_plain_path(name, value)
        )

    def _is_plain_path(self, name: str, value: str) -> bool:
        return value.startswith("/") and name not in self.secret and not looks_secret(name, value)


# --- known secrets in other texts --------------------------------------------------------------------


def redact(text: str, secrets: Iterable[str]) -> str:
    """Mask each of the secrets, as it is and as it looks when it is encoded. Short ones cannot be told."""
    return mask_forms(text, known_forms(secrets))


def known_forms(secrets: Iterable[str]) -> frozenset[str]:
    return frozenset(form for secret in secrets if len(secret) >= SHORTEST_KNOWN for form in _forms(secret))


def mask_forms(text: str, forms: Iterable[str]) -> str:
    result: list[str] = []
    done = 0
    for start, end in _merged(span for form in forms for span in _spans(text, form)):
        result += [text[done:start], MASK]
        done = end
    return "".join([*result, text[done:]])


def _spans(text: str, form: str) -> Iterator[tuple[int, int]]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + 1)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Secrets may overlap: what is left of one must not stay behind when the other is masked."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _forms(secret: str) -> set[str]:
    data = as_bytes(secret)
    return {secret, escape(secret), *_url_forms(data), *_base64_forms(data)}


def _url_forms(data: bytes) -> Iterator[str]:
    for kept in ("-._~", "-._~/"):
        for digits in ("02X", "02x"):
            plain = (chr(byte) if byte < ASCII else "" for byte in data)
            quoted = "".join(
                char if char.isalnum() or (char and char in kept) else f"%{byte:{digits}}"
                for char, byte in zip(plain, data, strict=True)
            )
            yield quoted
            yield quoted.replace("%20", "+")


def _base64_forms(data: bytes) -> Iterator[str]:
    """By itself, and the digits that are its own wherever it stands in something longer: user:password."""
    from binascii import b2a_base64  # noqa: PLC0415 - only where there are secrets

    for offset, shared in ((0, 0), (1, 2), (2, 3)):
        encoded = b2a_base64(b"\0" * offset + data, newline=False).decode()
        own = encoded[shared : (offset + len(data)) * 8 // 6]
        for form in {encoded, own} if offset == 0 else {own}:
            yield form
            yield form.replace("+", "-").replace("/", "_")
