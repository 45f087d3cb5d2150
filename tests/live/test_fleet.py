"""Fifty hosts that Ansible drives: each takes its snapshot, and all are judged in one report."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from live.checking import envcheck
from live.harness import OWN_BIN, clean, need, root_only
from live.servers import Gunicorn
from remote.sshd import Sshd

pytestmark = root_only

HOSTS = 50
REPOSITORY = Path(__file__).parents[2]
PLAYBOOK = REPOSITORY / "docs" / "ansible-snapshot.yml"


@pytest.fixture
def sshd(home: Path) -> Iterator[Sshd]:
    need("ansible-playbook")
    with Sshd(home / "sshd", MaxStartups="100", Subsystem="sftp internal-sftp") as made:
        yield made


def _packed(home: Path) -> Path:
    """Pack envcheck into one file, from what is installed."""
    program = home / "envcheck.pyz"
    installed = f"{sys.prefix}/demo"
    argv = ["make", f"--old-file={installed}", f"VENV={sys.prefix}", f"PYZ={program}", str(program)]
    subprocess.run(argv, check=True, capture_output=True, cwd=REPOSITORY)
    return program


def _play(
    home: Path, sshd: Sshd, names: Sequence[str], chosen: Mapping[str, object]
) -> subprocess.CompletedProcess[str]:
    """Run the playbook on hosts that are all this machine, with the variables *chosen*."""
    options = f"ansible_host=127.0.0.1 ansible_port={sshd.port} ansible_user=root"
    keys = f"-i {sshd.folder}/user -o UserKnownHostsFile={sshd.known_hosts} -o IdentitiesOnly=yes"
    common = f"ansible_ssh_common_args='{keys}' ansible_python_interpreter=/usr/bin/python3"
    (home / "hosts").write_text("".join(f"{name} {options} {common}\n" for name in names))
    return subprocess.run(
        ["ansible-playbook", "-f", "10", "-i", "hosts", str(PLAYBOOK), "-e", json.dumps(chosen)],
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
        cwd=home,
        env=clean(
            home,
            ANSIBLE_PIPELINING="1",
            ANSIBLE_SSH_ARGS="-o ControlMaster=no",
            ANSIBLE_NOCOLOR="1",
            LC_ALL="C.UTF-8",
        ),
    )


def test_fifty_hosts_and_one_report(home: Path, sshd: Sshd) -> None:
    names = [f"web-{number:02}" for number in range(1, HOSTS + 1)]
    key = home / "envcheck.key"
    key.write_text("fedcba9876543210" * 4)
    key.chmod(0o600)
    records = home / "records"
    secret = "synthetic-gneiss-93"
    with Gunicorn(home / "web").put(COLOUR="red", PASSWORD=secret) as server:
        server.rules = {"COLOUR": {"one_of": ["red", "blue"]}, "PASSWORD": {"secret": True}}
        spec = server.spec()
        server.put(COLOUR="blue")
        chosen = {
            "envcheck": str(_packed(home)),
            "key": str(key),
            "records": str(records),
            "spec": spec,
            "as_root": False,
        }
        done = _play(home, sshd, names, chosen)

    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(p.name for p in records.iterdir()) == [f"{name}.json" for name in names]
    assert not list(Path("/run").glob("envcheck-web-*"))
    said = done.stdout + done.stderr + "".join(p.read_text() for p in records.iterdir())
    assert secret not in said
    assert key.read_text() not in said
    # The server has ended: what is judged is what was recorded.
    judged = envcheck("check", "-s", spec, "--key-file", str(key), "--snapshot", str(records), "-f", "json")
    document = json.loads(judged.out)
    assert judged.status == document["exit_code"] == 1
    assert document["summary"]["apps"] == document["summary"]["stale"] == HOSTS
    assert [host["name"] for host in document["hosts"]] == names
    findings = [f for host in document["hosts"] for f in host["apps"][0]["findings"]]
    assert {(f["variable"], f["diagnosis"]) for f in findings} == {
        ("COLOUR", "stale"),
        ("PASSWORD", "in-sync"),
    }
    prints = {f["live"]["value"]["fingerprint"] for f in findings if f["variable"] == "PASSWORD"}
    assert len(prints) == 1


def test_a_playbook_that_fails_says_why_and_leaves_nothing(home: Path, sshd: Sshd) -> None:
    key = home / "envcheck.key"
    key.write_text("fedcba9876543210" * 4)
    key.chmod(0o600)
    kept = home / "kept.json"
    chosen = {"key": str(key), "kept": str(kept), "records": f"{key}/no folder", "as_root": False}

    absent = _play(home, sshd, ["web-1"], {**chosen, "envcheck": "/opt/none.pyz"})
    unfetched = _play(home, sshd, ["web-1"], {**chosen, "envcheck": f"{OWN_BIN}/envcheck"})

    assert absent.returncode == unfetched.returncode == 2
    assert "Is /opt/none.pyz there, and can it be run?" in absent.stdout
    assert "Unable to create local directories" in unfetched.stdout + unfetched.stderr
    assert not kept.exists()
