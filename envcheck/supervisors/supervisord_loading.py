"""Which configuration a supervisord reads, what it says, and which of its programs a server is."""

from __future__ import annotations

import getopt
import shlex
from typing import NamedTuple

from envcheck.model import Owner
from envcheck.supervisors import ancestry
from envcheck.supervisors.known import Known
from envcheck.supervisors.refusals import RejectError, UnreadError
from envcheck.supervisors.supervisord_config import Configuration, Defined, Loader

KIND = "supervisord"
DEFINITION = ("supervisord", "supervisord-program")  # kinds of sources that only `update` brings in
UNKNOWN = "?"

# options.py `Options` and `ServerOptions`: what its command line may hold.
SHORT = "h?c:vnu:m:d:l:y:z:e:j:i:q:a:kts"
LONG = (
    *("help", "configuration=", "version", "nodaemon", "user=", "umask=", "directory=", "logfile="),
    *("logfile_maxbytes=", "logfile_backups=", "loglevel=", "pidfile=", "identifier=", "childlogdir="),
    *("minfds=", "minprocs=", "nocleanup", "strip_ansi", "profile_options=", "silent"),
)

# Where it looks without -c, relative to its folder; before that beside the folder of its program.
SEARCH = ("supervisord.conf", "etc/supervisord.conf")
SEARCH_LAST = ("/etc/supervisord.conf", "/etc/supervisor/supervisord.conf")


class Found(NamedTuple):
    path: str
    configuration: Configuration | None = None
    gap: UnreadError | None = None
    refusal: RejectError | None = None


def given_path(owner: Owner) -> str | None:
    """Give the configuration that its command line names."""
    supervising = owner.supervising
    words = ancestry.words_after(supervising, KIND, "supervisor.supervisord") if supervising else None
    if words is None or supervising is None:
        return None
    try:
        options, _ = getopt.getopt(list(words), SHORT, list(LONG))
    except getopt.GetoptError:
        return None
    named = [value for name, value in options if name in ("-c", "--configuration")]
    return ancestry.absolute(supervising, named[-1]) if named else None


def find_path(owner: Owner, known: Known) -> str | None:
    """Give the configuration that it reads: None: not known yet, or there is none."""
    if given := given_path(owner):
        return given
    supervising = owner.supervising
    if supervising is None:
        return None
    beside = owner.facts.get("client", "").rpartition("/bin/")[0]
    places = [f"{beside}/{place}" for place in ("etc/supervisord.conf", "supervisord.conf") if beside]
    places += [ancestry.absolute(supervising, place) for place in SEARCH]
    facts = {place: known.file(place) for place in (*places, *SEARCH_LAST)}
    if None in facts.values():
        return None
    return next((place for place, f in facts.items() if f and f.status != "missing"), None)


def load(owner: Owner, known: Known) -> Found | None:
    """Read the configuration as far as it can be; None: the host has not answered yet, or there is none."""
    path = find_path(owner, known)
    if path is None:
        return None
    supervising = owner.supervising
    usable = supervising is not None and supervising.running.usable
    environment = supervising.running.variables if supervising and usable else None
    try:
        configuration = Loader(path, environment, known).load()
    except UnreadError as error:
        return Found(path, gap=error)
    except RejectError as error:
        return Found(path, refusal=error)
    return Found(path, configuration)


def words_of(defined: Defined) -> tuple[tuple[str, ...], str]:
    """Cut the command into words as process.py `get_execv_args` does."""
    try:
        words = tuple(shlex.split(defined.command))
    except ValueError:
        return (), "its command cannot be cut into words: a quote is not closed"
    return words, "" if words else "its command is empty"


def defined_as(owner: Owner, configuration: Configuration) -> Defined | None:
    """Find the process by its names, else by its command."""
    if owner.name != UNKNOWN:
        named = (d for d in configuration.processes if f"{d.group}:{d.name}" == owner.name)
        return next(named, None)
    argv = tuple(owner.facts["child"].split("\0"))
    alike = [d for d in configuration.processes if ancestry.started_by(words_of(d)[0], argv)]
    return alike[0] if len(alike) == 1 else None
