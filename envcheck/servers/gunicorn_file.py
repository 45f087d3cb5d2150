"""Which file configures Gunicorn, and the folder in which it looks for it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain

from envcheck.model import FileFacts, Process, Server, Source, Stage
from envcheck.servers.gunicorn_options import own_arguments
from envcheck.servers.signals import option, started_in
from envcheck.sources import gunicorn_config

DEFAULT = "gunicorn.conf.py"  # config.py: get_default_config_file()
MODULE = "python:"


def own_sources(server: Server, files: Mapping[str, FileFacts] | None = None) -> tuple[Source, ...]:
    """The configuration file: the one named, else gunicorn.conf.py, where the server is started.

    app/base.py: load_config() looks for it before the folder of --chdir, or of the file itself, counts. That
    is also the first place where a module is looked for: one that is a package before any other.

    It may be in several places: *files* tell in which it is, as far as they do; without them, all are given.
    """
    named = _named(server)
    places = _places(named, _folders(server.first, named))
    if files is None or not places:
        return tuple(chain.from_iterable(places))
    here = _found(places[-1], files)
    if len(places) == 1:
        return (here,)
    told = _found(places[0], files)
    if told != here and _leads_here(told, server.first, files):
        return (told,)
    # PWD may be what somebody has left behind who did not start it there.
    return (here,) if _is_there(here, files) or not _is_there(told, files) else ()


@lru_cache(maxsize=64)
def _places(named: str, folders: Sequence[str]) -> tuple[tuple[Source, ...], ...]:
    """Give what it may be in each folder. It is asked dozens of times of a server, and of all hosts alike."""
    names: tuple[str, ...] = (named or DEFAULT,)
    if named.startswith(MODULE):
        module = named.removeprefix(MODULE).replace(".", "/")
        names = (f"{module}/__init__.py", f"{module}.py")
    optional = not named or named.startswith(MODULE)
    paths = [[posixpath.normpath(posixpath.join(folder, name)) for name in names] for folder in folders]
    return tuple(
        tuple(Source("gunicorn-config", path, Stage.CONFIG, "gunicorn", optional=optional) for path in place)
        for place in paths
    )


def _folders(first: Process, named: str) -> tuple[str, ...]:
    """Give the folders that it may have been started in: what it is configured by may have moved it since."""
    if posixpath.isabs(named):
        return ("/",)
    begun, told = begun_in(first), started_in(first)
    if begun is None:
        return ()
    moved = first.begun_in is None and begun == first.cwd and told not in (begun, None)
    return (told, begun) if moved and told else (begun,)


def _found(place: Sequence[Source], files: Mapping[str, FileFacts]) -> Source:
    return next((source for source in place if _is_there(source, files)), place[-1])


def _is_there(source: Source, files: Mapping[str, FileFacts]) -> bool:
    facts = files.get(source.path)
    return facts is not None and facts.status != "missing"


def _leads_here(source: Source, process: Process, files: Mapping[str, FileFacts]) -> bool:
    """Tell whether a configuration in the folder that PWD tells has led to where the server is."""
    facts, begun = files.get(source.path), started_in(process)
    target = gunicorn_config.folder(facts.content) if facts is not None and facts.status == "ok" else None
    if begun is None or target is None:
        return False
    return posixpath.normpath(posixpath.join(begun, target)) == process.cwd


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
    if perhaps := own_sources(server):
        return f"whether it reads {perhaps[0].path} cannot be told: PWD alone tells that it was started there"
    return f"which {path or DEFAULT} it reads cannot be told: the folder it was started in is not known"


def begun_in(process: Process) -> str | None:
    """Give the folder it was started in: --chdir moves it, and then its supervisor tells, or PWD."""
    moved = option(own_arguments(process), "--chdir")
    if process.begun_in is not None or not moved:
        return process.begun_in or process.cwd
    told = started_in(process)
    target = posixpath.normpath(posixpath.join(told or "/", moved[-1]))
    return told if posixpath.isabs(moved[-1]) or target == process.cwd else None
