"""Variables that a fresh process has although no source sets them, and changes that are none.

This silences only one thing: a variable that the process alone has. What a source sets, or a rule names,
is judged whatever it is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

# Who sets them, so that the next one finds its place.
NOISE = {
    "the shell that started it": (
        "_ PWD OLDPWD SHLVL SHELL HOME USER LOGNAME USERNAME MAIL TERM TERM_* COLORTERM HOSTNAME "
        "HOSTTYPE MACHTYPE OSTYPE BASH_ENV ENV LS_COLORS LESS* PAGER EDITOR VISUAL HIST* PS1 "
        "COLUMNS LINES PROMPT_COMMAND DISPLAY WAYLAND_DISPLAY XAUTHORITY XDG_* DBUS_* SSH_* SUDO_* "
        "GPG_* TMUX TMUX_* STY WINDOW TMPDIR LANG LANGUAGE LC_* TZ PATH MANPATH INFOPATH "
        "DEBIAN_FRONTEND MOTD_SHOWN IFS CI"
    ),
    "interpreters and version managers": (
        "PYTHON* PYENV* PIP_* UV_* VIRTUAL_ENV VIRTUAL_ENV_PROMPT CONDA_* RBENV_* RVM_* rvm_* NVM_* "
        "NODENV_* ASDF_* GEM_HOME GEM_PATH RUBYLIB RUBYOPT BUNDLE_* BUNDLER_* RUBYGEMS_* SPT_NOENV "
        "LD_PRELOAD LD_LIBRARY_PATH PYTEST_* JAVA_HOME CARGO_HOME RUSTUP_* GOPATH GOROOT"
    ),
    "the server itself": (
        "SERVER_SOFTWARE RACK_ENV UNICORN_FD UNICORN_WORKER GUNICORN_* LISTEN_PID LISTEN_FDS LISTEN_FDNAMES"
    ),
    "the supervisor": (
        "INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET WATCHDOG_* SYSTEMD_* MEMORY_PRESSURE_* MAINPID "
        "MANAGERPID UPSTART_* SUPERVISOR_* CREDENTIALS_DIRECTORY RUNTIME_DIRECTORY STATE_DIRECTORY "
        "CACHE_DIRECTORY LOGS_DIRECTORY CONFIGURATION_DIRECTORY FDSTORE container "
        "HONCHO_PROCESS_NAME __name__ MONIT_* RC_* EINFO_* EERROR_* SVCNAME"
    ),
}

# Lists around which a wrapper (bundler, rbenv, a virtual environment) puts a part of its own.
EXTENDED = {
    "PATH": ":",
    "RUBYLIB": ":",
    "PYTHONPATH": ":",
    "LD_LIBRARY_PATH": ":",
    "MANPATH": ":",
    "RUBYOPT": " ",
}


@cache
def _names() -> tuple[frozenset[str], tuple[str, ...]]:
    """Split the globs, all of which end in their star, into whole names and beginnings."""
    globs = " ".join(NOISE.values()).split()
    whole = frozenset(g for g in globs if not g.endswith("*"))
    return whole, tuple(g[:-1] for g in globs if g.endswith("*"))


def is_noise(name: str) -> bool:
    """Tell whether a process may have *name* from something that is no configuration."""
    whole, beginnings = _names()
    return name in whole or name.startswith(beginnings)


# What no supervisor hands on by itself, and the part of a path that excuses it: what is run by that manager.
FOREIGN = {
    "RBENV_": "rbenv",
    "RVM_": "rvm",
    "rvm_": "rvm",
    "PYENV": "pyenv",
    "NVM_": "nvm",
    "NODENV_": "nodenv",
    "ASDF_": "asdf",
    "CONDA_": "conda",
    "SSH_": "",
    "SUDO_": "",
    "TMUX": "",
    "GUNICORN_CMD_ARGS": "",  # the options of a server, which it does not set itself
}


def is_foreign(name: str, places: Iterable[str]) -> bool:
    """Tell whether *name* was left behind by another session; *places*: where the process' program is."""
    excuse = next((part for start, part in FOREIGN.items() if name.startswith(start)), None)
    return excuse is not None and not (excuse and any(excuse in place for place in places))


def same(name: str, configured: str | None, running: str | None) -> bool:
    """Compare a value with the configured one; what a wrapper put around a list does not count."""
    if configured == running:
        return True
    separator = EXTENDED.get(name)
    if separator is None or not configured or not running:
        return False
    return f"{separator}{configured}{separator}" in f"{separator}{running}{separator}"
