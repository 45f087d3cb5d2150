"""What is doubtful in a source beside what its grammar says."""

from __future__ import annotations

from envcheck.model import FileFacts, Source, Stage
from envcheck.sources import chain
from envcheck.sources.lint import doubts


def of_file(content: str, dialect: str) -> list[tuple[int | None, str]]:
    facts = FileFacts("ok", content.encode(), mode=0o600)
    applied, *_ = chain.read(Source("file", "/f", Stage.EXEC, dialect), facts, {})
    return [(d.line, d.message) for d in doubts(applied, facts)]


def of_folder(**files: bytes) -> list[tuple[str, int | None, str]]:
    entries = {name: FileFacts("ok", content, mode=0o600) for name, content in files.items()}
    facts = FileFacts("ok", entries=entries)
    applied, *_ = chain.read(Source("envdir", "/d", Stage.EXEC), facts, {})
    return [(d.path, d.line, d.message) for d in doubts(applied, facts)]


def test_a_file_with_an_odd_name_is_named() -> None:
    assert of_folder(**{"A~": b"1\n", "B C": b"'x'\n"}) == [
        ("/d/A~", 1, "not the name of a variable, but set all the same"),
        ("/d/B C", 1, "not the name of a variable, but set all the same"),
        ("/d/B C", 1, "the quotes are part of the value"),
    ]


def test_what_may_be_a_value_is_not_named() -> None:
    [(path, _, message)] = of_folder(**{"A=s3cret": b"1\n"})
    assert (path, "s3cret" in message) == ("/d", False)
