"""A line for each host, as it comes: a host of envcheck.report/1, with the schema."""

from __future__ import annotations

import json

from envcheck.model import HostReport, Report
from envcheck.report.json import host as of_host


def render(report: Report, *, width: int = 80) -> str:
    del width
    return "".join(map(line, report.hosts))


def line(host: HostReport) -> str:
    document = {"schema": "envcheck.report/1", **of_host(host)}
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")) + "\n"
