"""Start a real Gunicorn on 127.0.0.1, let it go stale, find it, cure it by the advice, and stop it."""

from __future__ import annotations

import typer

from envcheck import demo
from envcheck.cli import BUG


def command() -> None:
    raise typer.Exit(0 if demo.run() else BUG)
