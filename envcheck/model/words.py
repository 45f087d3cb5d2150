"""Words that stand for themselves: roles, stages, diagnoses, causes, actions."""

from enum import StrEnum


class Role(StrEnum):
    """The part a process plays in a server."""

    MASTER = "master"
    WORKER = "worker"


class Stage(StrEnum):
    """When a source is applied, which decides what brings a change of it in."""

    EXEC = "exec"  # before the server is exec'd: unit, envdir, EnvironmentFile, shell
    ARGUMENT = "argument"  # on the server's command line, which a re-exec repeats
    CONFIG = "config"  # by a list in the server's configuration (raw_env), set and reset when it is read
    CODE = "code"  # by code of that file or a hook in it: in the master, whenever it is read
    START = "start"  # by a hook that the master runs once, when it starts
    WORKER = "worker"  # by a hook that every new worker runs: the master does not have it
    APPLICATION = "application"  # by the application when it is loaded; what is set already is kept


class Change(StrEnum):
    """What has become of a variable where it is set, as seen from the process."""

    ADDED = "added"
    CHANGED = "changed"
    KEPT = "kept"  # changed, but what sets it keeps what is set already
    REMOVED = "removed"


class Diagnosis(StrEnum):
    """The judgement over one variable, worst first."""

    MISCONFIGURED = "misconfigured"
    STALE = "stale"
    UNEXPLAINED = "unexplained"
    UNDECIDED = "undecided"
    LATENT = "latent"
    UNPROVEN = "unproven"
    IN_SYNC = "in-sync"


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Cause(StrEnum):
    """Why a variable is as it is; a finding carries one."""

    STARTED_BEFORE_CHANGE = "started-before-change"
    INHERITED_BY_REEXEC = "inherited-by-reexec"
    REFORKED = "reforked"
    DAEMON_RELOAD_NEEDED = "daemon-reload-needed"
    STRAY = "stray"  # it runs among the processes of a supervisor that has not started it
    NOT_CONFIGURED = "not-configured"
    SHADOWED = "shadowed"
    UNSET_BY_EMPTY_FILE = "unset-by-empty-file"
    INHERITED_FROM_SUPERVISOR = "inherited-from-supervisor"  # which is older than the change itself
    IGNORED_LINE = "ignored-line"  # a line would set it, and the program that reads the file drops it
    WRONG_NAME = "wrong-name"  # it is not there, another that is nearly called so is
    EPHEMERAL = "ephemeral"  # set in the memory of a supervisor alone
    CRASH_LOOP = "crash-loop"
    STOPPED = "stopped"
    RELOAD_REFUSED = "reload-refused"
    DYNAMIC_SOURCE = "dynamic-source"
    SET_BY_APPLICATION = "set-by-application"
    REMOVED_BY_APPLICATION = "removed-by-application"
    KEPT_BY_DOTENV = "kept-by-dotenv"
    POISONED_REEXEC = "poisoned-reexec"
    MIXED_GENERATIONS = "mixed-generations"
    MIXED_WORKERS = "mixed-workers"
    ORPHANED = "orphaned"
    LEAKED = "leaked"
    LEFT_BY_CONFIGURATION = (
        "left-by-configuration"  # the server's configuration has set it, and no longer does
    )
    OLD_OPTIONS = "old-options"  # the options that it was started with have set it, or have not
    UNSTARTABLE = "unstartable"
    NOT_APPLIED = "not-applied"  # the source is older than the process, which has another value all the same
    WRONG_VALUE = "wrong-value"  # configured and running agree, and both are not what is expected
    WRONG_COUNT = "wrong-count"  # there are more or fewer workers, or servers, than the spec asks for
    CLOBBERED = "clobbered"
    DENIED = "denied"
    GONE = "gone"
    HIDDEN = "hidden"  # a record has a fingerprint instead of the value, which the rule asks about
    UNREADABLE = "unreadable"  # any other named state of a reading


class Action(StrEnum):
    """What a remedy amounts to, least disruptive first."""

    NONE = "none"
    RETIRE_OLD = "retire-old"
    RELOAD = "reload"
    REEXEC = "reexec"
    RESTART = "restart"
    RECREATE = "recreate"
    ADOPT = "adopt"
    REFUSE = "refuse"
    FIX_CONFIGURATION = "fix-configuration"


class Disruption(StrEnum):
    NONE = "none"
    WORKERS = "workers"
    CONNECTIONS = "connections"
    DOWNTIME = "downtime"


class Result(StrEnum):
    """What came of a remedy that was to be carried out."""

    DONE = "done"
    NOTHING_TO_DO = "nothing-to-do"
    REFUSED = "refused"  # nothing was tried
    FAILED = "failed"  # a step has failed, those after it were not tried
    NOT_VERIFIED = "not-verified"  # all steps were done, and not all is well
    INTERRUPTED = "interrupted"
    NOT_TRIED = "not-tried"  # another one before it has failed, or not all was found
