"""What every look at a host begins with, whatever is wanted: constants alone, cheap to import.

So a host can be asked while the rest of envcheck is still being imported, and systemd while the host is still
read: a service that the cgroup of a server names will be asked about.
"""

from __future__ import annotations

from typing import Any

# One is in the command line of every process of a server, one in the path of its executable: see the modules
# of `servers`.
WORDS = ("gunicorn", "unicorn")
INTERPRETERS = ("/jruby", "/pypy", "/python", "/ruby", "/truffleruby")
# What configures a server by default, in the folder it runs in: it will be wanted.
BESIDE = ("gunicorn.conf.py", "config.ru")
# Programs through which a server may be started again by hand.
PROGRAMS = ("envdir", "chpst", "s6-envdir", "unicorn", "unicorn_rails", "bundle", "python3")

DEADLINE = 5.0  # seconds that a command may take
LIMIT = 4194304  # bytes that it may print

DIRECTORIES = (
    "RuntimeDirectory",
    "StateDirectory",
    "CacheDirectory",
    "LogsDirectory",
    "ConfigurationDirectory",
)
_OF_MANAGER = "Version,Architecture,Environment,UnitPath,UnitsLoadTimestamp,UnitsLoadFinishTimestamp"
_OF_UNIT = (
    "Id,Names,LoadState,Type,MainPID,InvocationID,FragmentPath,DropInPaths,NeedDaemonReload,Environment,"
    "EnvironmentFiles,PassEnvironment,UnsetEnvironment,ExecSearchPath,ExecStart,ExecReload,UnitFileState,User,"
    "PIDFile,PAMName,WorkingDirectory,DynamicUser,"
    "KillMode,TimeoutStopUSec,TriggeredBy," + ",".join(DIRECTORIES)
)
# The words that follow are the scope and the units. Both run at the same time.
SCRIPT = (
    f's=$1; shift; export TZ=UTC; systemctl "$s" -p {_OF_UNIT} show -- "$@" | '
    f'{{ systemctl "$s" -p {_OF_MANAGER} show && echo && cat; }}'
)
OF_SYSTEM = ("sh", "-c", SCRIPT, "envcheck", "--system")
OF_USER = ("sh", "-c", SCRIPT, "envcheck", "--user")

# For the words of a command, the last names of the paths of cgroups that begin and end so.
AHEAD: tuple[dict[str, Any], ...] = (
    {
        "argv": list(OF_SYSTEM),
        "before": "/system.slice/",
        "after": ".service",
        "timeout": DEADLINE,
        "limit": LIMIT,
    },
)


def scan(*, live: bool, sockets: bool = False) -> dict[str, Any]:
    """Ask for all processes of servers. *sockets*: see the probe's `census.scan`."""
    words = {"words": list(WORDS), "interpreters": list(INTERPRETERS)}
    return {"op": "scan", **words, "live": live, "sockets": sockets}


def requests(*, live: bool, sockets: bool = False) -> list[dict[str, Any]]:
    """Ask about the host, its processes, its programs and its users."""
    return [
        {"op": "host"},
        {**scan(live=live, sockets=sockets), "ahead": list(AHEAD), "beside": list(BESIDE)},
        {"op": "which", "names": list(PROGRAMS)},
        {"op": "file", "path": "/etc/passwd", "columns": 3},
    ]
