"""A line for each host, as it comes: a host of envcheck.report/1, with the schema and its own exit status."""

from __future__ import annotations

import json

from envcheck.model import HostReport, Report
from envcheck.report.json import host as of_host


def render(report: Report, *, width: int = 80) -> str:
    """Write what has not been written line by line: of one host, all."""
    del width
    return "".join(line(host, report.exit_code) for host in report.hosts)


def line(host: HostReport, exit_code: int) -> str:
    document = {"schema": "envcheck.report/1", "exit_code": exit_code, **of_host(host)}
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")) + "\n"
