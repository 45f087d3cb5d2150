"""What brings a change in with Gunicorn, by where it was made. All of it was seen on real servers.

Stage.EXEC: Arbiter.reexec() execs with cfg.env_orig, the environment that the master itself was started with.
Stage.ARGUMENT: the same argv again (START_CTX). Stage.CONFIG: reload() resets what the old raw_env had set.
Stage.CODE: reload() runs the file again, and what it does not set any more stays. Stage.START: reload() does
not call on_starting and when_ready.
"""

from __future__ import annotations

from envcheck.model import Action, Change, Stage
from envcheck.servers.table import Cures, Reasons, by_stage

RESTART, RELOAD = Action.RESTART, Action.RELOAD

CURES: Cures = {
    #                  added,   changed, kept,    removed
    Stage.EXEC: (RESTART, RESTART, RESTART, RESTART),
    Stage.ARGUMENT: (RESTART, RESTART, RESTART, RESTART),
    Stage.CONFIG: (RELOAD, RELOAD, RELOAD, RELOAD),  # also where it is computed: the file is run again
    Stage.CODE: (RELOAD, RELOAD, RESTART, RESTART),
    Stage.START: (RESTART, RESTART, RESTART, RESTART),
    Stage.WORKER: (RELOAD, RELOAD, RELOAD, RELOAD),
    Stage.APPLICATION: (RELOAD, RELOAD, RELOAD, RELOAD),
}
# BaseApplication.wsgi() keeps the application that the master has loaded.
PRELOADED: Cures = {**CURES, Stage.APPLICATION: (RESTART, RESTART, RESTART, RESTART)}

HUP_KEEPS: Reasons = {
    **by_stage(Stage.EXEC, "HUP forks new workers from the same master: they inherit its environment"),
    **by_stage(Stage.ARGUMENT, "HUP reads the configuration again, but the command line stays what it was"),
    **by_stage(Stage.START, "HUP does not run on_starting and when_ready again"),
    **by_stage(Stage.APPLICATION, "an application that is preloaded is not loaded again by HUP"),
    (Stage.CODE, Change.KEPT): "HUP runs the configuration again, but setdefault keeps what is set already",
}
# What cannot be told from outside, and decides.
PERHAPS: Reasons = {
    (Stage.CODE, Change.REMOVED): (
        "HUP is enough if raw_env had set it: that is reset; what code has set in the master stays"
    )
}
HUP_ENDS_NEW = "an upgrade is half done: HUP would end the new master, and the old one keeps what it has"
# gunicorn/app/base.py: get_config_from_module_name() imports it, which runs it once.
HUP_HAS_MODULE = "its configuration is a module of Python: HUP does not run it again"
# gunicorn/arbiter.py: reexec() does nothing where master_pid is set, and while reexec_pid is.
USR2_IGNORED = "an upgrade is half done: no master execs another one before it has ended"
HUP_BREAKS = "HUP runs the configuration again: as it is now, that ends the master which still serves"
USR2_KEEPS: Reasons = {
    **by_stage(
        Stage.EXEC, "USR2 execs the new master with the environment that the old one was started with"
    ),
    **by_stage(Stage.ARGUMENT, "USR2 execs the new master with the old command line"),
}
