"""A question that is put before its answer is wanted: it is answered once, and ended where nobody asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envcheck import questions
from envcheck.errors import HostError
from envcheck.hosts import resolve
from envcheck.hosts.deadline import Deadline
from envcheck.hosts.destination import parse

CAT = ("cat", "/dev/null")
SLEEP = ("sleep", "60")


@pytest.fixture
def nothing_asked() -> Iterator[None]:
    yield
    questions.end()


@pytest.mark.usefixtures("nothing_asked")
def test_an_answer_is_given_once() -> None:
    marked = ("sh", "-c", "echo $$; echo why >&2; exit 3")
    questions.put(marked)
    first, second = questions.answer(marked, 9), questions.answer(marked, 9)
    assert (first.returncode, first.stderr) == (second.returncode, second.stderr) == (3, b"why\n")
    assert first.stdout != second.stdout


@pytest.mark.usefixtures("nothing_asked")
def test_a_question_that_takes_too_long_is_ended() -> None:
    with pytest.raises(TimeoutError):
        questions.answer(SLEEP, 0.01)
    questions.put(SLEEP)
    questions.end()  # and waits for no answer
    questions.put(CAT)
    assert questions.answer(CAT, 9).returncode == 0


def test_what_is_not_there_is_told_whoever_asks() -> None:
    questions.put(("/nowhere",))
    with pytest.raises(FileNotFoundError):
        questions.answer(("/nowhere",), 9)


def test_where_there_is_no_ssh_a_host_is_what_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ssh").mkdir()
    monkeypatch.chdir(tmp_path)
    for path in ("", str(tmp_path)):
        monkeypatch.setenv("PATH", path)
        assert resolve.ask(parse("web:2222"), Deadline(9, 9)).host == "web"


def test_an_ssh_that_cannot_be_run_is_not_taken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/nosuch\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="ssh cannot be run") as raised:
        resolve.ask(parse("web"), Deadline(9, 9))
    assert raised.value.status == "bad-configuration"
