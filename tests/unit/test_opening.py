"""What is asked before the servers' modules are there is what they say."""

from __future__ import annotations

from envcheck import opening
from envcheck.servers import SERVERS, gunicorn_file, unicorn_options


def test_the_words_are_those_of_the_servers() -> None:
    assert set(opening.WORDS) == {word for server in SERVERS.values() for word in server.WORDS}
    assert set(opening.INTERPRETERS) == {part for server in SERVERS.values() for part in server.INTERPRETERS}


def test_the_files_are_those_of_the_servers() -> None:
    assert set(opening.BESIDE) == {gunicorn_file.DEFAULT, unicorn_options.RACKUP}
