"""ExecStart=: the words of its first command, and what `$NAME` in them stands for.

systemd.service(5), "Command lines": `$NAME` alone is split at blanks, `${NAME}` stands for the value as it is
wherever it is, `$$` for a dollar; anything else stays. There are no defaults.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from envcheck.sources import systemd_words as grammar
from envcheck.sources.text import decode
from envcheck.supervisors.systemd.specifiers import Scope, expand

_PREFIX = re.compile(rb"[-@:+!|]*")
_WHOLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_EMBEDDED = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def words(value: bytes, scope: Scope) -> tuple[str, ...]:
    """Give the words of the first command of a line, specifiers expanded; none where it cannot be read."""
    return _read(value, scope)[1]


def as_manager(value: bytes, scope: Scope) -> bool:
    """Tell whether it is started as whom the manager runs, whatever User= says."""
    return bool(set("+!") & set(_read(value, scope)[0]))


def argv(value: bytes, scope: Scope, env: Mapping[str, str]) -> tuple[str, ...]:
    """Give what it would exec."""
    prefix, found = _read(value, scope)
    if not found:
        return ()
    return (found[0], *(found[1:] if ":" in prefix else expand_all(found[1:], env)))


def _read(value: bytes, scope: Scope) -> tuple[str, tuple[str, ...]]:
    split = grammar.split(value, lenient=True)
    found: list[str] = []
    for word in split.words:
        raw = value[word.at : word.at + 2]
        if found and raw[:1] == b";" and not raw[1:].strip():
            break
        expanded = expand(b";" if word.value == b"\\;" else word.value, scope)
        if expanded is None:
            return "", ()
        found.append(decode(expanded.value))
    if split.refused is not None or not found:
        return "", ()
    prefix = _prefix(found[0])
    path = found[0].removeprefix(prefix)
    return prefix, (path, *(found[2:] if "@" in prefix else found[1:]))


def _prefix(word: str) -> str:
    match = _PREFIX.match(word.encode("utf-8", "surrogateescape"))
    return match[0].decode() if match else ""


def expand_all(words: Iterable[str], env: Mapping[str, str]) -> list[str]:
    """Expand variables in arguments."""
    return [piece for word in words for piece in _expanded(word, env)]


def _expanded(word: str, env: Mapping[str, str]) -> list[str]:
    if match := _WHOLE.fullmatch(word):
        return _split(env.get(match[1], ""))
    return [_EMBEDDED.sub(lambda m: "$" if m[1] is None else env.get(m[1], ""), word)]


def _split(value: str) -> list[str]:
    """Split at blanks; quotes hold together, and a backslash is no escape."""
    pieces = re.findall(r"""(?:[^\s'"]|'[^']*'?|"[^"]*"?)+""", value)
    return [re.sub(r"""'([^']*)'?|"([^"]*)"?""", lambda m: m[1] or m[2] or "", p) for p in pieces]
