"""The transcript at the head of the README: the origin story, on a real Unicorn."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from live.checking import envcheck
from live.servers import Unicorn

pytestmark = pytest.mark.live

README = Path(__file__).parent.parent.parent / "README.md"

SPEC = """\
apps:
  asset-manager:
    match: {{server: unicorn, cwd: {folder}}}
    sources: [{{envdir: {folder}/env.d}}]
    env: {{AWS_S3_BUCKET_NAME: ~, AWS_REGION: ~}}
"""


def plain(text: str, folder: Path) -> str:
    """Replace what differs from run to run."""
    text = text.replace(str(folder), "/var/apps/asset-manager").replace(
        "/var/apps/asset-manager/env.d", "/etc/env.d"
    )
    text = re.sub(r"fp=[0-9a-f]{16}", "fp=0123456789abcdef", text)
    text = re.sub(r"\d\d:\d\d:\d\dZ", "21:53:02Z", text)
    for index, pid in enumerate(
        dict.fromkeys(re.findall(r"(?:\bmaster |-QUIT |-HUP |-USR2 |-TERM )(\d+)", text))
    ):
        text = re.sub(rf"\b{pid}\b", str(5971 + index), text)
    return re.sub(r"PATH=\S+", "PATH=/usr/bin:/bin", text)


def test_origin_story(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("asset")
    server = Unicorn(folder, "-D", "-P", "app.pid").put(AWS_REGION="eu-west-1")
    with server:
        (folder / "asset-manager.yaml").write_text(SPEC.format(folder=folder))
        server.put(AWS_REGION="eu-west-2", AWS_S3_BUCKET_NAME="assets-production")
        server.reexec()
        outcome = envcheck("check", "-s", str(folder / "asset-manager.yaml"))

    shown = plain(outcome.out, folder)
    told = re.search(
        r"<!-- transcript: origin -->\n```\n(.*?)```\n<!-- end -->", README.read_text(), re.DOTALL
    )
    assert outcome.status == 1
    assert told is not None
    # Line ends move with the length of what has been replaced.
    assert words(told[1]) == words("$ envcheck check -s asset-manager.yaml\n" + shown)


def words(text: str) -> list[str]:
    return [word for word in text.split() if word != "#"]
