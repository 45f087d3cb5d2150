"""Whoever logs in without being root: what he may do there is asked for, and told as on that host itself."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from live.harness import need, root_only
from live.servers import Gunicorn
from live.test_services import TOOLS, Service
from remote.sshd import Sshd
from remote.test_shells import User, bin_without_python

pytestmark = root_only


@pytest.mark.parametrize("python", [True, False], ids=["python3", "sh"])
def test_steps_to_be_asked_for(street: Path, bare: Path, *, python: bool) -> None:
    need("useradd", "runsv", "chpst")
    home = street / f"python-{python}"
    home.mkdir()
    path = {} if python else {"SetEnv": f"PATH={bin_without_python(home / 'bin')}"}
    with User(home, f"rights-{python}".lower(), "/bin/sh") as user, Sshd(home / "sshd", **path) as sshd:
        server = Gunicorn(home / "shop", program=(str(bare / "gunicorn"),)).put(COLOUR="red")
        command = f"exec chpst -u {user.name} -e ./env.d {shlex.join(server.argv())}\n"
        service = Service(TOOLS["runit"], server, command)
        try:
            service.start()
            server.put(COLOUR="blue")
            done = sshd.envcheck("check", f"cwd:{server.folder}", "-f", "json", "-H", f"{user.name}@box")
        finally:
            service.stop()
    [host] = json.loads(done.out)["hosts"]
    assert host["status"] == "ok", done
    [app] = host["apps"]
    assert app["supervisor"]["kind"] == "runit", done
    [step] = app["remedy"]["steps"]
    assert step["runnable"] is False
    assert step["ask"].startswith("ask for: sv restart ")
