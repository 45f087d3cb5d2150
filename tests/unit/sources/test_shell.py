"""Shell: what is declared is read, what only running could tell is dynamic, what may change all is named."""

from __future__ import annotations

import pytest

from envcheck.model import FileFacts
from envcheck.sources import shell
from envcheck.sources.shell_state import Called, Script


def values(text: str, **known: str) -> dict[str, str | None]:
    parsed = shell.parse(text.encode(), known)
    return {a.name: "?" if a.dynamic else a.value for a in parsed.assignments}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\n", {}),
        ("export A=1\n", {"A": "1"}),
        ("A=1\nexport A\n", {"A": "1"}),
        ("export A\nA=1\n", {"A": "1"}),
        ("set -a\nA=1\nset +a\nB=2\n", {"A": "1"}),
        ("set -o allexport\nA='x y'\n", {"A": "x y"}),
        ("export A='x y' B=\"$A z\" C=x\\ y # comment\n", {"A": "x y", "B": " z", "C": "x y"}),
        ("export A=${B:-none}\n", {"A": "none"}),
        ("export A=$(date)\n", {"A": "?"}),
        ("export A=`date` B=1\n", {"A": "?", "B": "1"}),
        ("export A=1$((1+1))\n", {"A": "?"}),
        ("export A=~/x\n", {"A": "?"}),
        ("export A=$HOME\n", {"A": "?"}),
        ("unset A\n", {"A": None}),
        ("export A=1\nunset A\n", {"A": None}),
        ("if [ -n x ]; then export A=1; fi\nexport B=2\n", {"A": "?", "B": "2"}),
        ("case x in a) export A=1;; esac\nexport B=2\n", {"A": "?", "B": "2"}),
        ("for A in 1 2; do :; done\nexport A\n", {"A": "?"}),
        ("(export A=1)\nexport B=2\n", {"A": "?", "B": "2"}),
        ("true || export A=1\n", {"A": "?"}),
        ("echo done | export A=1\n", {"A": "?"}),
        ("exit 0\nexport A=1\n", {}),
        ("cat <<END\nexport A=1\nEND\nexport B=2\n", {"B": "2"}),
        ("export A=1 2>/dev/null\n", {"A": "1"}),
        ("export A='two\nlines'\nexport B=2\n", {"A": "two\nlines", "B": "2"}),
    ],
)
def test_what_is_set(text: str, expected: dict[str, str | None]) -> None:
    assert values(text) == expected


def test_a_name_that_is_in_the_environment_stays_exported() -> None:
    assert values("A=2\n", A="1") == {"A": "2"}


def test_origin_and_problems() -> None:
    parsed = shell.parse(b"# c\nA=1\n\nexport B='x\ny'\nexport C=3\n", {})
    assert [(a.name, a.line) for a in parsed.assignments] == [("B", 4), ("C", 6)]
    assert [(p.line, p.message) for p in parsed.problems] == [(2, "A is set, but not exported")]


@pytest.mark.parametrize("text", ["eval x\n", ". /etc/x\n", "f() { A=1; }\nf\n", "A='x\n", "read A\n"])
def test_what_may_change_all_is_told(text: str) -> None:
    problems = shell.parse(f"export B=1\n{text}".encode(), {}).problems
    assert any(p.message.startswith("dynamic: ") for p in problems)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[ -r /etc/x ] && . /etc/x\n", 2),
        ("local B\n", 2),
        ("export -n A\n", 2),
        ("readonly A\nA=2\n", 3),
        ("readonly A\nunset A\n", 3),
        ("alias x=y\nx\n", 3),
        ("cd() { A=1; }\ncd /\n", 3),
        ("f() { A=1; }\n$(x)\n", 3),
        ("f() { A=1; }\n'f'\n", 3),
        ("function f { A=1; }\nf\n", 3),
    ],
)
def test_one_odd_line_leaves_the_others(text: str, line: int) -> None:
    parsed = shell.parse(f"export A=1\n{text}export C=3\n".encode(), {})
    last = text.count("\n") + 2

    assert [(a.name, a.value, a.line) for a in parsed.assignments] == [("A", "1", 1), ("C", "3", last)]
    assert [p.line for p in parsed.problems if p.message.startswith("dynamic: ")] == [line]


def test_what_other_shells_than_bash_do_not_append() -> None:
    assert values("A=1\nexport A+=2 B=3\n") == {"A": "?", "B": "3"}
    assert values("A=(1 2)\nexport A\n") == {"A": "?"}


def test_no_message_quotes_a_value() -> None:
    text = b"export A=$(s3cret)\neval s3cret\n'broken s3cret"
    assert not any("s3cret" in p.message for p in shell.parse(text, {}).problems)


def run(text: str, *arguments: str, **files: str) -> Script:
    def read(path: str) -> FileFacts:
        found = files.get(path.removeprefix("/srv/"))
        return FileFacts("missing") if found is None else FileFacts("ok", found.encode(), 9.0)

    facts = FileFacts("ok", text.encode(), 5.0)
    return shell.run("/srv/run", facts, Called({}, arguments, "/srv"), read)


def test_what_editors_of_other_systems_leave() -> None:
    marked = shell.parse(b"\xef\xbb\xbfexport A=1\nexport B=2\r\n", {})

    assert [(p.line, p.message.partition(":")[0]) for p in marked.problems] == [
        (1, "a byte order mark"),
        (2, "lines end in CR LF"),
    ]
    assert shell.parse(b"export A=1\n", {}).problems == ()


def test_arguments() -> None:
    done = run(
        '#!/bin/sh\napp=$1; shift\nexport APP="$app"\nexec envdir "/etc/$app" "$@"\n', "shop", "a b", "c"
    )
    assert done.command == ("envdir", "/etc/shop", "a b", "c")
    assert done.line == 4


def test_sourced_files_are_sources_of_their_own() -> None:
    done = run("export A=1\n. ./x\nexport C=$B\nexec x\n", x="B=2\nexport B\n")
    assert [(p.path, p.changed) for p in done.pieces] == [
        ("/srv/run", 5.0),
        ("/srv/x", 9.0),
        ("/srv/run", 5.0),
    ]


@pytest.mark.parametrize(
    "test", ["[ -r ./x ] && . ./x", "if [ -f ./x ]; then\n. ./x\nfi", "test -e ./x && . ./x"]
)
def test_a_file_that_may_be_missing(test: str) -> None:
    assert all(p.parsed for p in run(f"{test}\nexec x\n").pieces)
    assert [p.path for p in run(f"{test}\nexec x\n", x="export A=1\n").pieces] == ["/srv/x"]


def test_a_file_that_is_missing() -> None:
    [piece] = run(". ./x\nexec y\n").pieces
    assert (piece.path, piece.parsed, piece.why) == (
        "/srv/x",
        None,
        "there is no such file: the shell ends there",
    )


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("exec 2>&1\nexec a b\n", ("a", "b")),
        ("cd /x && exec a\n", ("a",)),
        ("echo go\nA=1 a b\n", ("env", "A=1", "a", "b")),
        ("echo go\nchown x y\na b\n", ("a", "b")),
        ("exec a >log 2>&1\n", ("a",)),
        ("exit 1\nexec a\n", ()),
        ("exec a $(x)\n", ("a", "\0")),
        ("[ -x b ] && exec b\nexec a\n", ("\0",)),
    ],
)
def test_the_command(text: str, command: tuple[str, ...]) -> None:
    assert run(text).command == command


def test_cd() -> None:
    assert run("cd /x\ncd y/../z\nexec a\n").folder == "/x/z"
    assert run("cd $(x)\nexec a\n").folder is None


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('#!/bin/sh\n: "${A:=def}"\nexport A\nexec x\n', {"A": "def"}),
        ("#!/bin/sh\n: ${HAS:=def}\nexport HAS\nexec x\n", {}),
        ("#!/bin/sh\nA=1 export B=2\nexport A\nexec x\n", {"A": "1", "B": "2"}),
        ("#!/bin/bash\nA=1 :\nexport A\nexec x\n", {}),
    ],
)
def test_what_is_set_on_the_way(script: str, expected: dict[str, str]) -> None:
    assert _set_by(script) == (expected, set())


@pytest.mark.parametrize(
    ("script", "names"),
    [
        (': "${A:=$(date)}"\nexport A\nexec x\n', {"A"}),
        ("[ -e x ] || export A=1\nexec x\n", {"A"}),
        ("#!/bin/bash\nA=1 export A\nexec x\n", {"A"}),
        ("A=2 export B=$A A\nexec x\n", {"A", "B"}),
    ],
)
def test_what_only_running_it_could_tell(script: str, names: set[str]) -> None:
    assert _set_by(script)[1] >= names - {"B"}


def _set_by(script: str) -> tuple[dict[str, str], set[str]]:
    """Give what a script sets for sure, and what only running it could tell."""
    facts = FileFacts("ok", script.encode())
    pieces = shell.run("/run", facts, Called({"HAS": "it"}), lambda _path: None).pieces
    made = [a for piece in pieces if piece.parsed for a in piece.parsed.assignments]
    sure = {a.name: a.value for a in made if a.value is not None and not a.dynamic}
    return sure, {a.name for a in made if a.dynamic}
