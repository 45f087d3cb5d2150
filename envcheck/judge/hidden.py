"""Values as a record holds them: a token in place of what may not be shown."""

from __future__ import annotations

from envcheck.escaping import as_bytes
from envcheck.model import Expectation, Snapshot
from envcheck.noise import EXTENDED
from envcheck.secrecy import Policy
from envcheck.tokens import Token, is_hidden


def token(policy: Policy, name: str, value: str) -> str:
    """Give the value as it may be kept. That it is empty is no secret, and rules ask for it.

    Of a list around which wrappers put parts of their own, each part stands for itself: it is compared so.
    """
    separator = EXTENDED.get(name)
    if separator is not None:
        return separator.join(_token(policy, name, part) for part in value.split(separator))
    return _token(policy, name, value)


def _token(policy: Policy, name: str, value: str) -> str:
    if not value or (not is_hidden(value) and policy.may_show(name, value)):
        return value
    return str(Token(len(as_bytes(value)), policy.fingerprint(name, value)))


def comparable(rule: Expectation, snapshot: Snapshot, policy: Policy) -> Expectation:
    """Note the values of a rule as a record has them, where the key is at hand that it was made with."""
    if snapshot.key is None or snapshot.key.id != policy.key_id or not rule.values:
        return rule
    return rule._replace(tokens=tuple(token(policy, rule.name, value) for value in rule.values))
