"""What brings a change in with Unicorn, by where it was made. All of it was seen on real servers.

reexec() execs with the live ENV of the master: what its configuration, or a preloaded application, has ever
set is handed on. load_config!() runs the file again on HUP: what it does not set any more, and what `||=`
finds, stays.
"""

from __future__ import annotations

from envcheck.model import Action, Change, Stage
from envcheck.servers.table import Cures, Reasons, by_stage

RESTART, RELOAD = Action.RESTART, Action.RELOAD

CURES: Cures = {
    #                  added,   changed, kept,    removed
    Stage.EXEC: (RESTART, RESTART, RESTART, RESTART),
    Stage.ARGUMENT: (RESTART, RESTART, RESTART, RESTART),
    Stage.CONFIG: (RESTART, RESTART, RESTART, RESTART),  # it has no list of variables
    Stage.CODE: (RELOAD, RELOAD, RESTART, RESTART),
    Stage.START: (RESTART, RESTART, RESTART, RESTART),  # it has no such hook
    Stage.WORKER: (RELOAD, RELOAD, RELOAD, RELOAD),
    Stage.APPLICATION: (RELOAD, RELOAD, RELOAD, RELOAD),
}
PRELOADED: Cures = {**CURES, Stage.APPLICATION: (RESTART, RESTART, RESTART, RESTART)}

STAYS = "the application is preloaded: what it has set in the master stays set"
HANDED_ON = "USR2 execs the new master with all that the old one has set in its environment"
LEFT = "what the configuration has set in the master stays set"
HUP_KEEPS: Reasons = {
    **by_stage(Stage.EXEC, "HUP forks new workers from the same master: they inherit its environment"),
    **by_stage(Stage.ARGUMENT, "HUP reads the configuration again, but the command line stays what it was"),
    # build_app! evaluates config.ru again even where it is preloaded: what is new, or overrides, may come in.
    (Stage.APPLICATION, Change.KEPT): STAYS,
    (Stage.APPLICATION, Change.REMOVED): STAYS,
    (Stage.CODE, Change.KEPT): "HUP runs the configuration again, but ||= keeps what is set already",
    (Stage.CODE, Change.REMOVED): f"HUP runs the configuration again, but {LEFT}",
}
HUP_REEXECS = "without a configuration file HUP re-executes like USR2, and leaves two masters"
HUP_LOSES_PIDFILE = "HUP makes the master forget the pid file that its command line names"
USR2_KEEPS: Reasons = {
    **by_stage(Stage.EXEC, "USR2 execs the new master with the environment of the old one"),
    **by_stage(Stage.ARGUMENT, "USR2 execs the new master with the old command line"),
    (Stage.APPLICATION, Change.KEPT): HANDED_ON,
    (Stage.APPLICATION, Change.REMOVED): HANDED_ON,
    (Stage.CODE, Change.KEPT): f"USR2 execs the new master with the environment of the old one: {LEFT}",
    (Stage.CODE, Change.REMOVED): f"USR2 execs the new master with the environment of the old one: {LEFT}",
}
