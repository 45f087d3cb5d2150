"""What the first start of a server had beside its sources, as far as a second start is to have it too."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from envcheck.model import BY_DEFAULT, Cause, Configured, Hazard, Process
from envcheck.noise import NOISE
from envcheck.secrecy import MASK, Policy
from envcheck.suspicion import words

LOST = "only the running process has it: a restart would lose it"

# What belongs to the session of whoever typed the command.
SESSION = words(
    "_ PWD OLDPWD SHLVL USERNAME MAIL TERM TERM_* COLORTERM HOSTTYPE MACHTYPE OSTYPE BASH_ENV ENV "
    "BASH_FUNC_* LS_COLORS LESS* PAGER EDITOR VISUAL HIST* PS1 COLUMNS LINES PROMPT_COMMAND DISPLAY "
    "WAYLAND_DISPLAY XAUTHORITY XDG_* DBUS_* SSH_* SUDO_* GPG_* TMUX TMUX_* STY WINDOW "
    "MANPATH INFOPATH MOTD_SHOWN IFS"
)
# What the server, or a supervisor that is not there any more, set for the one process.
OF_THE_SERVER = words("UNICORN_FD UNICORN_WORKER GUNICORN_FD GUNICORN_PID SERVER_SOFTWARE LISTEN_*")
OF_A_SUPERVISOR = words(NOISE["the supervisor"])
# What `bundle exec` sets again.
BUNDLED = words("BUNDLE_BIN_PATH BUNDLER_* RUBYOPT RUBYLIB")
NIL = "BUNDLER_ENVIRONMENT_PRESERVER_INTENTIONALLY_NIL"

# Without these another program would be started, or it would not come up.
ESSENTIAL = words(
    "PATH HOME GUNICORN_CMD_ARGS LD_LIBRARY_PATH LD_PRELOAD PYTHONPATH PYTHONHOME RUBYLIB RUBYOPT GEM_HOME "
    "GEM_PATH BUNDLE_GEMFILE BUNDLE_PATH RACK_ENV RAILS_ENV DJANGO_SETTINGS_MODULE"
)


class Carried(NamedTuple):
    """NAME=VALUE for `env`, whether none of them had to be masked, and what is lost."""

    pairs: tuple[str, ...]
    whole: bool
    hazards: tuple[Hazard, ...]


def carried(process: Process, command: Sequence[str], configured: Configured, policy: Policy) -> Carried:
    """Give what the process was exec'd with and no source sets; not what the shell has that does it again."""
    reading = process.at_exec if process.at_exec.usable else process.live
    if not reading.usable:
        message = f"what its first start had in its environment could not be read ({reading.status})"
        return Carried((), whole=False, hazards=(Hazard(None, "unknown-start", message),))
    pairs: list[str] = []
    lost: list[Hazard] = []
    whole = True
    # What it had counts more than what its program sets where it has nothing.
    defaults = {n for n, winner in configured.winners.items() if winner.source.kind == BY_DEFAULT}
    sources = {*configured.settings, *configured.removed} - defaults
    for name, value in _handed_on(reading.variables, command).items():
        if name in sources:
            continue
        if policy.may_show(name, value) and is_text(name + value) and not name.startswith("-"):
            pairs.append(f"{name}={value}")
        elif name in ESSENTIAL:
            pairs.append(f"{name}={MASK}")
            whole = False
        else:
            lost.append(Hazard(name, Cause.LEAKED.value, LOST))
    return Carried(tuple(pairs), whole, tuple(lost))


def _handed_on(variables: Mapping[str, str], command: Sequence[str]) -> dict[str, str]:
    dropped = [*SESSION, *OF_THE_SERVER, *OF_A_SUPERVISOR]
    bundled = [posixpath.basename(word) for word in command[:2]] == ["bundle", "exec"]
    dropped += BUNDLED if bundled else []
    kept = {n: v for n, v in variables.items() if not any(fnmatchcase(n, glob) for glob in dropped)}
    if bundled:
        # What was there before bundler came.
        before = {n: variables.get(f"BUNDLER_ORIG_{n}", NIL) for n in ("RUBYOPT", "RUBYLIB")}
        kept |= {n: v for n, v in before.items() if v != NIL}
    return kept


def is_text(word: str) -> bool:
    """Tell whether a word can be written as UTF-8, and be given to a program at all."""
    if "\0" in word:
        return False
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True
