"""The grammars of files that set variables: one dialect a module, bytes in, assignments out.

Nothing here reads a file, runs a command or looks at the environment of the caller. What only running
something could tell (a command substitution) is `dynamic`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from envcheck.model import Parsed
from envcheck.sources import docker, dotenv_python, dotenv_ruby, systemd


class Dialect(Protocol):
    def __call__(self, content: bytes, known: Mapping[str, str]) -> Parsed:
        """Say what `content` sets. References resolve against it, then against `known`; never raises.

        *known* holds what is set before this file is applied.
        """
        ...


DIALECTS: dict[str, Dialect] = {
    "systemd": systemd.before_254,
    "systemd254": systemd.since_254,
    "dotenv-ruby": dotenv_ruby.parse,
    "dotenv-python": dotenv_python.parse,
    "docker": docker.parse,
}
