"""A host whose answers are given: files by path, and the processes between a supervisor and its server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import build

from envcheck.model import Answers, FileFacts, Owner, Process, Start
from envcheck.supervisors import Supervisor
from envcheck.supervisors.known import Known


def known(files: Mapping[str, str | FileFacts], globs: Mapping[str, tuple[str, ...]] | None = None) -> Known:
    facts = {p: f if isinstance(f, FileFacts) else FileFacts("ok", f.encode(), 5.0) for p, f in files.items()}
    return Known(Answers(files=facts, globs=globs or {}))


def supervising(*argv: str, **given: Any) -> Process:
    return build.process(
        10, argv, **{"comm": argv[0].rpartition("/")[2], "cwd": "/sup", "started": 100.0, **given}
    )


def owned(module: Supervisor, process: Process, *ancestors: Process) -> Owner:
    owner = module.owner(process, ancestors)
    assert owner is not None
    return owner


def origins(start: Start) -> dict[str, tuple[str | None, str]]:
    """Give what wins for each variable: its value, and where it stands."""
    return {
        a.name: (a.value, f"{done.source.path}:{a.line}")
        for done in start.applied
        if done.parsed
        for a in done.parsed.assignments
    }


def gaps(start: Start) -> dict[str, str]:
    return {done.source.path: done.why for done in start.applied if done.parsed is None}
