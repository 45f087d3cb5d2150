"""What helps where a supervisor has started a server that does not come up: why, and how to try once more."""

from __future__ import annotations

from envcheck.model import Owner, Step

Argv = tuple[str, ...]

# Where a supervisor tells why what it runs does not come up.
TOLD_BY: dict[str, Argv] = {
    "systemd": ("journalctl", "-u"),
    "supervisord": ("supervisorctl", "tail"),
    "runit": ("sv", "status"),
    "daemontools": ("svstat",),
    "s6": ("s6-svstat",),
    "podman": ("podman", "logs"),
    "docker": ("docker", "logs"),
}
UPDATE = "update"  # of supervisorctl


def reason(owner: Owner | None, last: Step | None) -> Argv:
    """Give the command that shows what the server has said, () if none is known; *last*: the step before."""
    told = TOLD_BY.get(owner.kind) if owner else None
    if owner is None or told is None:
        return ()
    if last is not None and owner.kind == "supervisord":
        told = (*_control(last), "tail")
    return (*told, owner.name)


def again(owner: Owner | None, last: Step) -> tuple[Argv, ...]:
    """Give the commands that start it once more: `update` alone leaves a program stopped that has failed."""
    if owner is None or owner.kind != "supervisord" or UPDATE not in last.argv:
        return (last.argv,)
    return last.argv, (*_control(last), "start", owner.name)


def _control(step: Step) -> Argv:
    """Give the words of a command of supervisorctl before what it does: they say which supervisord."""
    verbs = (i for i, word in enumerate(step.argv) if word in (UPDATE, "restart", "start"))
    return step.argv[: next(verbs, 1)]
