"""This machine: the probe is called in-process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from envcheck import probe
from envcheck.hosts import Answer, Request


class Local:
    name = "localhost"

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        # The probe is typed for Python 3.6, where a list does not say of what.
        return cast("list[Answer]", probe.answer(list(requests)))  # pyright: ignore[reportUnknownMemberType]
