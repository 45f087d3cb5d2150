"""What differs between hosts that run the same app, and is worth a question.

Two layers are compared, each among the hosts where it is known. What is drift already is not told again: a
stale host differs from its neighbours, of course. Nor is what is every host's own: its name, its address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from envcheck.model import Alike, AppReport, Diagnosis, Difference, HostReport
from envcheck.noise import is_noise
from envcheck.secrecy import Policy
from envcheck.tokens import is_hidden

FEW = 4  # so many groups are kinds of hosts; with more of them, only a majority says that others are odd

Values = Mapping[str, str | None]  # of a host: name -> value; of a variable: host -> value

CONFIGURED, RUNNING = "configured", "running"
OWN = frozenset({"HOST", "HOSTNAME"})


class Layers(NamedTuple):
    """A variable that is not the same everywhere, with its values by layer and host."""

    variable: str
    values: Mapping[str, Values]
    policy: Policy


def differences(hosts: Sequence[HostReport]) -> tuple[Difference, ...]:
    """Compare all variables of all apps that several hosts have."""
    keys = {host.name: host.key for host in hosts}
    return tuple(
        difference
        for name, of_host in _shared(hosts)
        for layers in _of_app(of_host)
        for difference in _told(name, layers, keys)
    )


def uncompared(hosts: Sequence[HostReport]) -> tuple[str, ...]:
    """Name the hosts whose hidden values could not be compared with those of most: their key is another.

    That two values are unlike under two keys says nothing; nor does it that nothing was found.
    """
    keys = {host.name: host.key for host in hosts}
    if len(set(keys.values())) == 1:
        return ()
    apart = {
        host
        for _, of_host in _shared(hosts)
        for layers in _of_app(of_host)
        for values in layers.values.values()
        for host in _apart(_by_key(values, keys))
    }
    return tuple(name for name in keys if name in apart)


def _apart(groups: Sequence[Values]) -> Iterator[str]:
    """Give the hosts outside of the largest group; where all stand alone, these are all."""
    if len(groups) > 1:
        largest = max(groups, key=len)
        yield from (host for group in groups if group is not largest or len(group) == 1 for host in group)


def _shared(hosts: Sequence[HostReport]) -> Iterator[tuple[str, dict[str, AppReport]]]:
    """Give the apps that several hosts have, by host."""
    apps: dict[tuple[str, str], dict[str, AppReport]] = {}
    for host in hosts:
        for app in host.apps:
            apps.setdefault(_identity(app), {}).setdefault(host.name, app)
    for (name, _), of_host in sorted(apps.items()):
        if len(of_host) > 1:
            yield name, of_host


def _identity(app: AppReport) -> tuple[str, str]:
    """Tell several servers of one host apart: by what their supervisor calls them."""
    owner = app.server.owner
    return app.name, owner.name if owner else ""


def _of_app(apps: Mapping[str, AppReport]) -> Iterator[Layers]:
    """Give what is not the same on all hosts, less what is told already and what is every host's own."""
    policy = next(iter(apps.values())).policy
    configured = {host: values for host, app in apps.items() if (values := _configured(app)) is not None}
    running = {
        host: app.server.first.running.variables
        for host, app in apps.items()
        if app.server.processes and app.server.first.running.usable
    }
    told = {host: {f.variable for f in app.findings if f.wrong} for host, app in apps.items()}
    unfit = {host: _dynamic(app) | _misconfigured(app) for host, app in apps.items()}
    sourced = {name for values in configured.values() for name in values}
    for variable in _unequal([*configured.values(), *running.values()]):
        if variable in OWN or (variable not in sourced and is_noise(variable)):
            continue
        layers = {
            CONFIGURED: {h: v.get(variable) for h, v in configured.items() if variable not in unfit[h]},
            RUNNING: {h: v.get(variable) for h, v in running.items() if variable not in told[h]},
        }
        yield Layers(variable, layers, policy)


def _told(app: str, layers: Layers, keys: Mapping[str, str]) -> Iterator[Difference]:
    """Tell what differs among the hosts of each key."""
    found: dict[tuple[Alike, ...], list[str]] = {}
    for layer, values in layers.values.items():
        for comparable in _by_key(values, keys):
            if groups := telling(comparable):
                found.setdefault(groups, []).append(layer)
    # Layers that differ in the same way are told once.
    for groups, of_layers in found.items():
        yield Difference(app, layers.variable, tuple(of_layers), groups, layers.policy)


def _by_key(values: Values, keys: Mapping[str, str]) -> list[Values]:
    """Take hosts apart where values are hidden under several keys: equal ones do not look equal."""
    if not any(value is not None and is_hidden(value) for value in values.values()):
        return [values]
    groups: dict[str, dict[str, str | None]] = {}
    for host, value in values.items():
        groups.setdefault(keys[host], {})[host] = value
    return list(groups.values())


def _configured(app: AppReport) -> Values | None:
    """Give what is configured; None: that is not known whole."""
    configured = app.configured
    if not configured.known or configured.gaps or configured.refused:
        return None
    return {name: settings[-1].assignment.value for name, settings in configured.settings.items()}


def _dynamic(app: AppReport) -> frozenset[str]:
    """Give the variables that only running something could tell."""
    settings = app.configured.settings
    return frozenset(name for name, places in settings.items() if places[-1].assignment.dynamic)


def _unequal(environments: Sequence[Values]) -> list[str]:
    """Give the names that are not the same everywhere: for all others nothing has to be grouped."""
    if not environments:
        return []
    common = set(environments[0].items())
    for values in environments[1:]:
        common &= values.items()
    same = {name for name, _ in common}
    return sorted({name for values in environments for name in values} - same)


def _misconfigured(app: AppReport) -> frozenset[str]:
    return frozenset(f.variable or "" for f in app.findings if f.diagnosis is Diagnosis.MISCONFIGURED)


def telling(values: Values) -> tuple[Alike, ...]:
    """Group hosts by value, the largest group first; nothing where the groups say nothing.

    They do where most hosts agree, or where there are few kinds. A value of its own on each of three or more
    hosts is made so.
    """
    groups: dict[str | None, list[str]] = {}
    for host, value in values.items():
        groups.setdefault(value, []).append(host)
    largest = max(map(len, groups.values()), default=0)
    pair = len(values) == 2  # noqa: PLR2004 - which of two is right, somebody has to say
    kinds = len(groups) <= FEW and largest > 1
    if len(groups) < 2 or not (pair or kinds or 2 * largest > len(values)):  # noqa: PLR2004
        return ()
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[1]))
    return tuple(Alike(value, tuple(hosts)) for value, hosts in ordered)
