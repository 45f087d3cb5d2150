"""What typer makes of the commands: it reads the command line and calls one of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import typer

from envcheck.cli import reading
from envcheck.errors import UsageError

# One module a command; only the one that is called is imported, for every option of every command costs time.
COMMANDS = {
    "ps": "list the servers found: masters, workers, generations, since when",
    "show": "print the environment of a process, or what a file sets",
    "check": "judge running servers; for people and for deploy hooks",
    "why": "one variable through all layers: every place that sets it, a timeline, the cause, the remedy",
    "diff": "compare two environments: processes, what is configured, files",
    "lint": "look for what is wrong in specs and source files",
    "snapshot": "record what runs and what is configured, without secrets, to judge it elsewhere",
    "restart": "print what is to be restarted, and how; with --apply, do it and verify it",
    "demo": "start a real server, let it go stale, find it, cure it",
}

VERSION = "--version"

# What typer raises for wrong use; its class has no public name in 0.27.
WRONG_USE = typer.BadParameter.__bases__[0]


def run(arguments: Sequence[str]) -> int:
    """Run a command, and give the exit status.

    Raises:
        UsageError: The command line does not say what to do.
        EnvcheckError: Another reason why there is no report.
    """
    try:
        return _application(arguments)(args=arguments, prog_name="envcheck", standalone_mode=False) or 0
    except SystemExit as error:
        # Typer exits with 1 when the reader of a help text has left; that would mean drift.
        sys.exit(0 if error.code == 1 else error.code)
    except Exception as error:
        if isinstance(error, WRONG_USE):
            raise _wrong_use(error) from None
        raise


def _application(arguments: Sequence[str]) -> typer.Typer:
    app = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        pretty_exceptions_show_locals=False,
        rich_markup_mode=None,
    )
    about = "Does the running server have the environment it should have?"
    app.callback(help=about, invoke_without_command=True)(_group)
    named = arguments[0] if arguments else ""
    for name in [named] if named in COMMANDS else () if list(arguments) == [VERSION] else COMMANDS:
        module = import_module(f"envcheck.cli.{name}")
        app.command(name, help=module.__doc__)(module.command)
    return app


def _group(
    context: typer.Context,
    *,
    version: bool = typer.Option(False, VERSION, help="Print the version and exit."),
) -> None:
    if version:
        typer.echo(f"envcheck {reading.version()}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(UsageError.exit_status)


def _wrong_use(error: Exception) -> UsageError:
    message = str(getattr(error, "format_message", error.__str__)()).rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "envcheck"
    return UsageError(message[:1].lower() + message[1:], f"see {path} --help")
