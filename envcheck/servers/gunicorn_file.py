"""Which file configures Gunicorn, and the folder in which it looks for it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from envcheck.model import FileFacts, Process, Server, Source, Stage
from envcheck.servers.gunicorn_options import own_arguments
from envcheck.servers.signals import option, started_in

DEFAULT = "gunicorn.conf.py"  # config.py: get_default_config_file()
MODULE = "python:"


def own_sources(server: Server, files: Mapping[str, FileFacts] | None = None) -> tuple[Source, ...]:
    """The configuration file: the one named, else gunicorn.conf.py, where the server is started.

    app/base.py: load_config() looks for it before the folder of --chdir, or of the file itself, counts. That
    is also the first place where a module is looked for: one that is a package before any other.

    A module may be in several places: *files* tell in which it is; without them, all are given.
    """
    folder = "/" if posixpath.isabs(_named(server)) else begun_in(server.first)
    if folder is None:
        return ()
    places = [_source(server, folder, name) for name in _names(server)]
    if files is None:
        return tuple(places)
    return (next((place for place in places if _is_there(place, files)), places[-1]),)


def _source(server: Server, folder: str, name: str) -> Source:
    full = posixpath.normpath(posixpath.join(folder, name))
    optional = not _named(server) or is_module(server)
    return Source("gunicorn-config", full, Stage.CONFIG, "gunicorn", optional=optional)


def _names(server: Server) -> tuple[str, ...]:
    path = _named(server) or DEFAULT
    if not is_module(server):
        return (path,)
    module = path.removeprefix(MODULE).replace(".", "/")
    return (f"{module}/__init__.py", f"{module}.py")


def _is_there(source: Source, files: Mapping[str, FileFacts]) -> bool:
    facts = files.get(source.path)
    return facts is not None and facts.status != "missing"


def is_module(server: Server) -> bool:
    """Tell whether its configuration is imported: then HUP does not read it again."""
    return _named(server).startswith(MODULE)


def _named(server: Server) -> str:
    """Give the configuration that it is told to read, or ""."""
    given = option(own_arguments(server.first), "-c", "--config")
    return given[-1].removeprefix("file:") if given else ""


def unnamed(server: Server, files: Mapping[str, FileFacts]) -> str:
    """Say why it is not known which file configures it, or ""."""
    path = _named(server)
    found = own_sources(server, files)
    if is_module(server) and not any(_is_there(source, files) for source in found):
        return f"its configuration is a module of Python, {path.removeprefix(MODULE)}, which was not found"
    if found or not (path or server.first.cwd):
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
