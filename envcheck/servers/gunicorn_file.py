"""Which file configures Gunicorn, and the folder in which it looks for it."""

from __future__ import annotations

import posixpath

from envcheck.model import Process, Server, Source, Stage
from envcheck.servers.gunicorn_options import own_arguments
from envcheck.servers.signals import option, started_in

DEFAULT = "gunicorn.conf.py"  # config.py: get_default_config_file()
MODULE = "python:"


def own_sources(server: Server) -> tuple[Source, ...]:
    """The configuration file: the one named, else gunicorn.conf.py, where the server is started.

    app/base.py: load_config() looks for it before the folder of --chdir, or of the file itself, counts. That
    is also the first place where a module is looked for.
    """
    given = _named(server)
    path = given or DEFAULT
    if is_module(server):
        path = path.removeprefix(MODULE).replace(".", "/") + ".py"
    folder = "/" if posixpath.isabs(path) else begun_in(server.first)
    if folder is None:
        return ()
    full = posixpath.normpath(posixpath.join(folder, path))
    optional = not given or is_module(server)
    return (Source("gunicorn-config", full, Stage.CONFIG, "gunicorn", optional=optional),)


def is_module(server: Server) -> bool:
    """Tell whether its configuration is imported: then HUP does not read it again."""
    return _named(server).startswith(MODULE)


def _named(server: Server) -> str:
    """Give the configuration that it is told to read, or ""."""
    given = option(own_arguments(server.first), "-c", "--config")
    return given[-1].removeprefix("file:") if given else ""


def unnamed(server: Server, *, found: bool = True) -> str:
    """Say why it is not known which file configures it, or "". *found*: whether a module may be there."""
    path = _named(server)
    if is_module(server) and not (found and own_sources(server)):
        return f"its configuration is a module of Python, {path.removeprefix(MODULE)}, which was not found"
    if own_sources(server) or not (path or server.first.cwd):
        return ""
    return f"which {path or DEFAULT} it reads cannot be told: the folder it was started in is not known"


def begun_in(process: Process) -> str | None:
    """Give the folder it was started in: --chdir moves it, and then its supervisor tells, or PWD."""
    moved = option(own_arguments(process), "--chdir")
    if process.begun_in is not None or not moved:
        return process.begun_in or process.cwd
    told = started_in(process)
    target = posixpath.normpath(posixpath.join(told or "/", moved[-1]))
    return told if posixpath.isabs(moved[-1]) or target == process.cwd else None
