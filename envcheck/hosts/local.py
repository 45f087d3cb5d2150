"""This machine: the probe is called in-process."""

from __future__ import annotations

from collections.abc import Sequence

from envcheck import probe
from envcheck.hosts import Answer, Request


class Local:
    name = "localhost"

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        return probe.answer(list(requests))
