"""Values as a record holds them: a token in place of what may not be shown."""

from __future__ import annotations

from collections.abc import Callable

from envcheck.escaping import as_bytes
from envcheck.model import Expectation, Snapshot
from envcheck.noise import EXTENDED, same
from envcheck.secrecy import Policy
from envcheck.tokens import Token, is_hidden


def token(policy: Policy, name: str, value: str) -> str:
    """Give the value as it may be kept. That it is empty is no secret, and rules ask for it.

    Of a list around which wrappers put parts of their own, each part stands for itself: it is compared so.
    """
    return _by_part(
        name, value, lambda part: part if _may_keep(policy, name, part) else _token(policy, name, part)
    )


def alike(name: str, a: str | None, b: str | None, keys: tuple[str, str], policy: Policy) -> bool | None:
    """Compare two values of which one may be from a record; None: that cannot be told.

    *keys*: the ids of the keys of both, "" where there is none and the value is as it was read.
    """
    if a is None or b is None or not (is_hidden(a) or is_hidden(b)):
        return same(name, a, b) or same(name, b, a)
    if keys[0] != keys[1] or not (is_hidden(a) and is_hidden(b)):
        if any(key not in ("", policy.key_id) for key in keys):
            return None
        # The one may have been taken with a spec that says which are no secrets.
        a, b = (
            _by_part(name, v, lambda p: p if is_hidden(p) or not p else _token(policy, name, p))
            for v in (a, b)
        )
    return same(name, a, b) or same(name, b, a)


def _by_part(name: str, value: str, keep: Callable[[str], str]) -> str:
    separator = EXTENDED.get(name)
    return keep(value) if separator is None else separator.join(map(keep, value.split(separator)))


def _may_keep(policy: Policy, name: str, value: str) -> bool:
    return not value or policy.may_show(name, value)


def _token(policy: Policy, name: str, value: str) -> str:
    return str(Token(len(as_bytes(value)), policy.fingerprint(name, value)))


def comparable(rule: Expectation, snapshot: Snapshot, policy: Policy) -> Expectation:
    """Note the values of a rule as a record has them, where the key is at hand that it was made with."""
    if snapshot.key is None or snapshot.key.id != policy.key_id or not rule.values:
        return rule
    return rule._replace(tokens=tuple(token(policy, rule.name, value) for value in rule.values))
