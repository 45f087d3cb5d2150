"""Words, unit files, names, specifiers and command lines: recorded answers of systemd 252, and its manual."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.sources.oracle import vectors

from envcheck.sources import systemd_words
from envcheck.supervisors.systemd import command, grammar, loaded, names
from envcheck.supervisors.systemd.definition import simplify
from envcheck.supervisors.systemd.specifiers import Scope, expand

RECORDED: dict[str, Any] = vectors("systemd_unit_environment.json")


def texts(words: systemd_words.Words) -> list[str]:
    return [w.value.decode() for w in words.words]


@pytest.mark.parametrize("case", RECORDED["environment_words"], ids=lambda c: c["id"])
def test_words(case: dict[str, Any]) -> None:
    read = systemd_words.split(case["input"].encode())
    wanted = [w for w in case["words"] if isinstance(w, str)]
    assert texts(read) == wanted
    assert (read.refused is not None) == (len(wanted) < len(case["words"]))
    valid = [t for t in texts(read) if systemd_words.assignment(t.encode())]
    assert valid == case["valid_assignments_before_specifiers"]


@pytest.mark.parametrize(("name", "valid"), RECORDED["env_name_is_valid_v252"].items())
def test_names(name: str, *, valid: bool) -> None:
    assert systemd_words.is_name(name.encode()) is valid


@pytest.mark.parametrize(("word", "valid"), RECORDED["env_assignment_is_valid_v252"].items())
def test_assignments(word: str, *, valid: bool) -> None:
    assert (systemd_words.assignment(word.encode()) is not None) is valid


@pytest.mark.parametrize("case", RECORDED["env_clean"], ids=lambda c: c["id"])
def test_clean(case: dict[str, Any]) -> None:
    kept = systemd_words.clean(word.encode() for word in case["input"])
    assert [f"{n.decode()}={v.decode()}" for n, v in kept.items()] == case["v252"]


@pytest.mark.parametrize("case", RECORDED["exec_argv_expansion"], ids=lambda c: c["id"])
def test_expansion(case: dict[str, Any]) -> None:
    env = dict(pair.split("=", 1) for pair in case["env"])
    assert command.expand_all([case["arg"]], env) == case["argv_v252"]


@pytest.mark.parametrize("case", RECORDED["unit_file_continuation"], ids=lambda c: c["id"])
def test_continuation(case: dict[str, Any]) -> None:
    [line] = grammar.parse(case["input"].encode()).lines
    assert (line.section, line.key, line.value.decode()) == ("Section", "setting1", case["setting1"])


@given(st.binary(max_size=60))
def test_any_bytes(content: bytes) -> None:
    """Nothing raises, and a word never holds what was not escaped."""
    grammar.parse(content)
    systemd_words.split(content)
    command.argv(content, Scope(names.parse("a.service")), {})
    loaded.words(content.decode("latin-1"))


def test_a_unit_file() -> None:
    unit = grammar.parse(
        b"\xef\xbb\xbfEarly=1\n[Service]\r\nA = 1 \\\n; in between\n   2\nno equals\n; c\\\nB=\n[X-Own]\nC=3"
    )
    assert [(x.section, x.key, x.value, x.number) for x in unit.lines] == [
        ("Service", "A", b"1     2", 3),
        ("Service", "B", b"", 8),
        ("X-Own", "C", b"3", 10),
    ]
    assert [p.line for p in unit.problems] == [1, 6]
    assert unit.broken == ""


@pytest.mark.parametrize("bad", [b"[Service\n", b"A=\xff\n"])
def test_a_unit_file_that_is_refused(bad: bytes) -> None:
    unit = grammar.parse(b"[Service]\nA=1\n" + bad + b"B=2\n")
    assert [x.key for x in unit.lines] == ["A"]
    assert unit.broken.startswith("line 3")


@pytest.mark.parametrize(
    ("name", "folders"),
    [
        ("a.service", ["a.service.d"]),
        ("a-b-c.service", ["a-b-c.service.d", "a-b-.service.d", "a-.service.d"]),
        ("a-b@i-j.service", ["a-b@i-j.service.d", "a-b@.service.d", "a-.service.d"]),
        (r"a@\x2d.service", [r"a@\x2d.service.d", "a@.service.d"]),
    ],
)
def test_drop_in_folders(name: str, folders: list[str]) -> None:
    assert names.folders(names.parse(name)) == folders


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("%n|%N|%p|%i|%I|%j|%J|%P|%f", r"a-b@x\x2dy.service|a-b@x\x2dy|a-b|x\x2dy|x-y|b|b|a/b|/x-y"),
        ("100%", "100%"),
        ("%% %!", "% %!"),
        ("%y %Y", "/etc/a.service /etc"),
        ("%t %S %C %L %E", "/run /var/lib /var/cache /var/log /etc"),
        ("%Z", None),
        ("%1", None),
    ],
)
def test_specifiers(text: str, wanted: str | None) -> None:
    found = expand(text.encode(), Scope(names.parse(r"a-b@x\x2dy.service"), "/etc/a.service"))
    assert (found and found.value.decode()) == wanted


def test_a_specifier_that_is_not_known_yet() -> None:
    found = expand(b"%H", Scope(names.parse("a.service")))
    assert found is not None
    assert not found.known


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        (r"/bin/a 'b c' \x41 $X ${X} $$ x$X", ["/bin/a", "b c", "A", "1", "2", "1 2", "$", "x$X"]),
        ("-+!!/bin/a %N", ["/bin/a", "u"]),
        (":/bin/a $X", ["/bin/a", "$X"]),
        ("@/bin/a zero one", ["/bin/a", "one"]),
        (r"/bin/a \; b ; /bin/c", ["/bin/a", ";", "b"]),
        ("/bin/a 'open", []),
    ],
)
def test_commands(line: str, argv: list[str]) -> None:
    assert list(command.argv(line.encode(), Scope(names.parse("u.service")), {"X": "1 2"})) == argv


def test_what_systemctl_prints() -> None:
    line = r'P=unit "SPACE=a b" "QUOTE=it\"s" "DOL=\$HOME" PCT=100% "TAB=a\tb" "NL=a\nb"'
    line += r' "BS=a\\b" "BT=\`x" "C=\001"'
    assert loaded.variables(line) == {
        "P": "unit",
        "SPACE": "a b",
        "QUOTE": 'it"s',
        "DOL": "$HOME",
        "PCT": "100%",
        "TAB": "a\tb",
        "NL": "a\nb",
        "BS": "a\\b",
        "BT": "`x",
        "C": "\x01",
    }


def test_paths() -> None:
    assert simplify("//a/./b//c/") == "/a/b/c"
    assert simplify("/a/../b") == "/a/../b"


@pytest.mark.parametrize(
    ("printed", "on_disk", "expected"),
    [
        ("/bin/a b c", ("/bin/a", "b c"), ("/bin/a", "b c")),
        ("/bin/a b c", ("/bin/x",), ("/bin/a", "b", "c")),
        ("/bin/ash -ec . /etc/x; exec a", (), ("/bin/a", "-ec", ".", "/etc/x;", "exec", "a")),
        ("/bin/a sh -ec . /etc/x; exec a", (), ("/bin/a", "sh", "-ec", ". /etc/x; exec a")),
        ("called b c", ("/bin/a", "b c"), ("/bin/a", "b c")),
        ("called b c", ("/bin/x",), ("/bin/a", "b", "c")),
        ("called", (), ("/bin/a",)),
        ("/bin/a -c b c", (), ("/bin/a", "-c", "b", "c")),
        ("", (), ()),
    ],
)
def test_words_of_a_loaded_command(printed: str, on_disk: tuple[str, ...], expected: tuple[str, ...]) -> None:
    shown = f"{{ path=/bin/a ; argv[]={printed} ; ignore_errors=no ; start_time=[n/a] }}" if printed else ""
    said = loaded.Loaded(unit={"ExecStart": (shown,)})
    assert loaded.argv(said, on_disk) == expected
