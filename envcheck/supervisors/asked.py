"""What is asked of systemd before anybody knows that it is there: constants alone, cheap to import.

A service that the cgroup of a server names will be asked about, so the probe begins to ask while it reads on.
"""

from __future__ import annotations

from typing import Any

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
