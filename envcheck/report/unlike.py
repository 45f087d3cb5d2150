"""Variables that differ between hosts: who is unlike whom, and of whom that cannot be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envcheck.escaping import escape
from envcheck.model import Alike, Difference
from envcheck.report.advice import wrapped
from envcheck.report.folding import fold
from envcheck.report.naming import few, hosts_of, names_of
from envcheck.report.text import count

MOST = 6  # differences that are told one by one


def told(differences: Sequence[Difference], width: int) -> Iterator[str]:
    """Tell variables that differ between the same hosts together."""
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for difference in differences:
        where = f"({escape(difference.app)}, {' and '.join(difference.layers)})"
        for text, values in _sentences(difference):
            groups.setdefault((text, where), []).append((escape(difference.variable), values))
    for (text, where), found in list(groups.items())[:MOST]:
        values = f": {found[0][1]}" if len(found) == 1 else ""
        names = few(name for name, _ in found)
        yield from wrapped(f"DIFFERENT: {text.format(names)} {where}{values}", width, "")
    more = len(groups) - MOST
    if more > 0:
        yield f"and {count(more, 'other difference', 'other differences')}; -f json tells them"


def uncompared(hosts: Sequence[str], width: int) -> Iterator[str]:
    """Name the records of which nobody knows whether their hidden values are those of the others."""
    if hosts:
        what = "hidden values, for their fingerprints have another key than those of the others"
        yield from wrapped(f"NOT COMPARED: {hosts_of(hosts)}: {what}", width, "")
        yield from names_of(hosts, width)


def _sentences(difference: Difference) -> Iterator[tuple[str, str]]:
    """Give sentences in which the name of the variable is left open, and the values that they are about."""
    majority = difference.groups[0]
    for group in odd(difference):
        who = few(map(_braced, fold(group.hosts)))
        has, others = "has" if len(group.hosts) == 1 else "have", len(majority.hosts)
        if group.value is None:
            text = f"{who} {has} no {{}}, {count(others, 'other has', 'others have')}"
        elif majority.value is None:
            text = f"{who} {has} {{}}, {count(others, 'other has', 'others have')} none"
        else:
            text = f"{who} {has} another {{}} than {count(others, 'other', 'others')}"
        yield text, _values(difference, [group, majority])
    if not odd(difference):
        kinds = "; ".join(few(map(_braced, fold(group.hosts))) for group in difference.groups)
        yield f"{{}} is not the same on {kinds}", _values(difference, difference.groups)


def _braced(name: str) -> str:
    return escape(name).replace("{", "{{").replace("}", "}}")


def odd(difference: Difference) -> list[Alike]:
    """Give the groups that a majority differs from; of two hosts, the second."""
    first, *others = difference.groups
    total = sum(len(group.hosts) for group in difference.groups)
    pair = total == len(difference.groups) == 2  # noqa: PLR2004
    return others if 2 * len(first.hosts) > total or pair else []


def _values(difference: Difference, groups: Sequence[Alike]) -> str:
    return " / ".join(
        "none" if group.value is None else difference.policy.display(difference.variable, group.value)
        for group in groups
    )
