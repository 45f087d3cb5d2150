"""The grammars of files that set variables: one dialect a module, bytes in, assignments out.

Nothing here reads a file, runs a command or looks at the environment of the caller. What only running
something could tell (a command substitution) is `dynamic`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol, cast

from envcheck.model import Parsed

# A word, or a part of one, that only running something could tell.
UNKNOWN = "\0"


class Dialect(Protocol):
    def __call__(self, content: bytes, known: Mapping[str, str]) -> Parsed:
        """Say what `content` sets. References resolve against it, then against `known`; never raises.

        *known* holds what is set before this file is applied.
        """
        ...


# Module and parser of each dialect. Imported when it is used: most runs need one of them, or none.
DIALECTS: dict[str, tuple[str, str]] = {
    "systemd": ("systemd", "before_254"),
    "systemd254": ("systemd", "since_254"),
    "dotenv-ruby": ("dotenv_ruby", "parse"),
    "dotenv-python": ("dotenv_python", "parse"),
    "docker": ("docker", "parse"),
    "supervisor": ("supervisor", "parse"),
    "dotenv-honcho": ("dotenv_honcho", "parse"),
    "dotenv-foreman": ("dotenv_foreman", "parse"),
    "dotenv-compose": ("dotenv_compose", "parse"),
    "shell": ("shell", "parse"),
}


def dialect(name: str) -> Dialect:
    module, parser = DIALECTS[name]
    return cast("Dialect", getattr(import_module(f"{__name__}.{module}"), parser))
