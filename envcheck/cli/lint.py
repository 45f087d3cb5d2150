"""Look for what is wrong in specs and source files, by dialect, with file and line.

Exit status: 0 nothing, 1 problems, 2 wrong use, 3 could not read.
"""

from __future__ import annotations

import posixpath
from typing import Annotated

import typer

from envcheck import raw
from envcheck.cli import options, output, reading, sides
from envcheck.errors import EnvcheckError, SpecError
from envcheck.escaping import escape, escape_json_text
from envcheck.hosts.local import Local
from envcheck.judge.verdict import DRIFT, OK
from envcheck.sources import chain
from envcheck.sources.lint import Doubt, doubts
from envcheck.supervisors import lint as configurations

SPECS = (".yaml", ".yml")


def command(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Specs, files and envdirs.")],
    *,
    dialect: Annotated[str | None, typer.Option("--dialect", metavar="NAME", help="Of all files.")] = None,
    formats: options.Formats = None,
    color: options.Colors = output.Color.AUTO,
) -> None:
    wanted = output.formats(formats, ["text", "json"])
    found = [doubt for file in files for doubt in _lint(file, dialect)]
    for name, path in wanted:
        output.emit(_as_json(found) if name == "json" else _as_text(found, len(files)), path, color=color)
    raise typer.Exit(DRIFT if found else OK)


def _lint(file: str, dialect: str | None) -> tuple[Doubt, ...]:
    path = reading.absolute(file, "file")
    if dialect is None and posixpath.splitext(path)[1] in SPECS:
        return _spec(path)
    if dialect in (None, "supervisor") and (found := _configuration(path)) is not None:
        return found
    source = sides.source_of(Local(), path, dialect)
    facts = raw.file_facts(Local().ask([chain.request(source)])[0])
    # What only running it could tell is one of its problems, and the gap behind it is not told again.
    applied = next(iter(chain.read(source, facts, {})), None)
    if applied is None or applied.parsed is None:
        raise EnvcheckError(f"unable to read {path}: {applied.why if applied else 'it is missing'}")
    return doubts(applied, facts)


def _configuration(path: str) -> tuple[Doubt, ...] | None:
    """Look at the configuration of a supervisor; None: the file is none."""
    facts = raw.file_facts(Local().ask([{"op": "file", "path": path}])[0])
    parts = configurations.parts(path, facts) if facts.status == "ok" else ()
    found = {doubt for part in parts for doubt in doubts(part, facts)}
    return tuple(sorted(found, key=lambda d: (d.line or 0, d.message))) if parts else None


def _spec(path: str) -> tuple[Doubt, ...]:
    try:
        reading.load_spec(path)
    except SpecError as error:
        where, _, message = str(error).removeprefix(f"{path}:").partition(": ")
        return (Doubt(path, int(where) if where.isdigit() else None, message or str(error)),)
    return ()


def _as_text(found: list[Doubt], files: int) -> str:
    if not found:
        return f"OK: nothing wrong in {files} {'file' if files == 1 else 'files'}\n"
    lines = [f"{escape(d.path)}:{'' if d.line is None else f'{d.line}:'} {escape(d.message)}" for d in found]
    return "\n".join(lines) + "\n"


def _as_json(found: list[Doubt]) -> str:
    from envcheck.report.json import dump  # noqa: PLC0415

    problems = [
        {
            "path": escape_json_text(d.path),
            **({} if d.line is None else {"line": d.line}),
            "message": escape_json_text(d.message),
        }
        for d in found
    ]
    return dump({"schema": "envcheck.lint/1", "problems": problems})
