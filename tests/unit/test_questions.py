"""A question that is put before its answer is wanted: it is answered once, and ended where nobody asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from envcheck import questions

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
