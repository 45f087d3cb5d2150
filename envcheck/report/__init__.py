"""Report -> str: one format a module. Nothing here prints, and nothing is decided here."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from envcheck.model import HostReport, Report


class Format(Protocol):
    """One way to write a report."""

    def render(self, report: Report, *, width: int = 80) -> str:
        """Write the report; *width* is in columns, for formats that people read."""
        ...


class Streamed(Format, Protocol):
    """One that says of each host what is to be said of it as soon as that is known."""

    def line(self, host: HostReport) -> str: ...


# Imported when it is used: a deploy hook pays for one of them.
FORMATS = {
    "text": "envcheck.report.text",
    "json": "envcheck.report.json",
    "jsonl": "envcheck.report.jsonl",
}


STREAMED = ("jsonl",)


def format_named(name: str) -> Format:
    return cast("Format", import_module(FORMATS[name]))
