"""Envdir folders: recorded answers of the real tools, and the tools themselves on generated folders."""

from __future__ import annotations

import base64
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.sources.oracle import absent, environment, seeded, vectors

from envcheck.model import Assignment, FileFacts
from envcheck.sources import envdir

COLUMNS = {
    "daemontools envdir": "daemontools",
    "s6-envdir 2.11": "s6",
    "s6-envdir -fn": "s6-fn",
    "runit chpst -e": "chpst",
}
COMMANDS = {
    "daemontools": ["envdir"],
    "chpst": ["chpst", "-e"],
    "s6": ["s6-envdir"],
    "s6-f": ["s6-envdir", "-f"],
    "s6-n": ["s6-envdir", "-n"],
    "s6-fn": ["s6-envdir", "-f", "-n"],
}
FOLDERS = 300


def raw(value: str | dict[str, str]) -> bytes:
    return value.encode() if isinstance(value, str) else base64.b64decode(value["b64"])


def folder(**files: bytes | FileFacts) -> FileFacts:
    entries = {
        name: FileFacts("ok", given) if isinstance(given, bytes) else given for name, given in files.items()
    }
    return FileFacts("ok", entries=entries)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("case", vectors("envdir.json")["cases"], ids=lambda case: case["name"])
def test_recorded(case: dict[str, Any], column: str) -> None:
    parsed = envdir.parse_folder(folder(**{"K": raw(case["content"]), ".hid": b"x\n"}), COLUMNS[column])
    expected = case[column]
    assert expected["rc"] == 0
    value = None if expected["K"] is None else raw(expected["K"]).decode("utf-8", "surrogateescape")
    assert parsed.assignments == (Assignment("K", value, 1),)


@pytest.mark.parametrize("tool", ["daemontools", "s6", "s6-fn"])
def test_a_folder_inside_refuses_the_whole(tool: str) -> None:
    parsed = envdir.parse_folder(folder(A=b"1\n", SUB=FileFacts("folder")), tool)
    assert parsed.refused
    assert list(environment(parsed)) == ["A"]  # what is wanted, and nobody gets
    assert "SUB" in parsed.problems[0].message


def test_what_is_refused_keeps_no_other_problem_back() -> None:
    parsed = envdir.parse_folder(
        folder(SUB=FileFacts("folder"), QUOTED=b'"x"\n', MARKED=b"\xef\xbb\xbfx", GOOD=b"it's 'x'")
    )

    assert parsed.refused
    assert [p.message.partition(":")[0] for p in parsed.problems] == ["SUB", "MARKED", "QUOTED"]


def test_chpst_skips_a_folder_inside() -> None:
    parsed = envdir.parse_folder(folder(A=b"1\n", SUB=FileFacts("folder")), "chpst")
    assert not parsed.refused
    assert environment(parsed) == {"A": "1"}
    assert "SUB" in parsed.problems[0].message


def test_what_is_denied_to_us_is_not_known_and_not_absent() -> None:
    parsed = envdir.parse_folder(folder(A=b"1\n", TOKEN=FileFacts("denied")))
    assert parsed.assignments == (Assignment("A", "1", 1), Assignment("TOKEN", "", 1, dynamic=True))


def test_a_hidden_folder_does_no_harm() -> None:
    assert not envdir.parse_folder(folder(A=b"1\n", **{".git": FileFacts("folder")})).refused


@pytest.mark.parametrize("tool", envdir.TOOLS)
@given(
    entries=st.dictionaries(
        st.text(min_size=1).filter(lambda name: "/" not in name and "\0" not in name),
        st.tuples(st.sampled_from(["ok", "ok", "folder", "denied", "missing", "error"]), st.binary()),
    )
)
def test_never_raises(tool: str, entries: dict[str, tuple[str, bytes]]) -> None:
    parsed = envdir.parse_folder(folder(**{name: FileFacts(*facts) for name, facts in entries.items()}), tool)
    assert all(a.line == 1 and not a.name.startswith(".") for a in parsed.assignments)


def generate(chance: random.Random) -> dict[str, bytes]:
    names = [
        "A",
        "B",
        "low-er",
        "with space",
        "A~",
        "A.dpkg-old",
        ".hidden",
        "_",
        "1",
        "é",
        "N=x",
        "N2=",
        "HOME",
    ]
    pieces = [
        b"v",
        b"x y",
        b" ",
        b"\t",
        b"\n",
        b"\n",
        b"\r",
        b"\0",
        b"\v",
        b"\f",
        b"'",
        b'"',
        b"$A",
        b"=",
        b"\\",
        b"#",
    ]
    rare = [b"\xff", "é".encode(), b"y" * 4094, b" " * 300, b"\x01"]
    return {
        name: b"".join(
            chance.choices(pieces + rare, weights=[4] * len(pieces) + [1] * len(rare), k=chance.randrange(9))
        )
        for name in chance.sample(names, chance.randrange(1, 8))
    }


def real(command: list[str], path: Path) -> dict[str, str]:
    program = shutil.which(command[0])
    assert program
    run = [program, *command[1:], str(path), "/usr/bin/env", "-0"]
    output = subprocess.run(
        run, env={"A": "old", "HOME": "/old"}, capture_output=True, check=True, timeout=10
    ).stdout
    entries = output.decode("utf-8", "surrogateescape").split("\0")[:-1]
    return {name: value for name, value in (entry.split("=", 1) for entry in entries)}  # noqa: C416 - typed so


@pytest.mark.parametrize("tool", COMMANDS)
def test_reads_generated_folders_as_the_real_tool_does(tool: str, tmp_path: Path) -> None:
    if not shutil.which(COMMANDS[tool][0]):
        absent(COMMANDS[tool][0])
    chance = seeded(20261123)
    for number in range(FOLDERS):
        files, path = generate(chance), tmp_path / str(number)
        path.mkdir()
        for name, content in files.items():
            (path / name).write_bytes(content)
        expected = {"A": "old", "HOME": "/old"}
        for assignment in envdir.parse_folder(folder(**files), tool).assignments:
            expected.pop(assignment.name, None)
            if assignment.value is not None:
                expected[assignment.name] = assignment.value
        assert real(COMMANDS[tool], path) == expected, f"folder {number}: {files!r}"


@pytest.mark.parametrize("tool", ["daemontools", "chpst", "s6"])
def test_a_folder_inside_as_the_real_tool_has_it(tool: str, tmp_path: Path) -> None:
    program = shutil.which(COMMANDS[tool][0])
    if not program:
        absent(COMMANDS[tool][0])
    (tmp_path / "SUB").mkdir()
    run = [str(program), *COMMANDS[tool][1:], str(tmp_path), "/usr/bin/env"]
    done = subprocess.run(run, env=dict(os.environ), capture_output=True, check=False, timeout=10)
    assert envdir.parse_folder(folder(SUB=FileFacts("folder")), tool).refused == (done.returncode == 111)


@pytest.mark.parametrize("tool", ["daemontools", "chpst", "s6"])
def test_a_link_to_nowhere_as_the_real_tool_has_it(tool: str, tmp_path: Path) -> None:
    """Two of them take it for a file without a byte, which unsets the variable; s6-envdir refuses it."""
    program = shutil.which(COMMANDS[tool][0])
    if not program:
        absent(COMMANDS[tool][0])
    (tmp_path / "A").symlink_to("/nowhere/at-all")
    run = [str(program), *COMMANDS[tool][1:], str(tmp_path), "/usr/bin/env"]
    done = subprocess.run(run, env={"A": "old"}, capture_output=True, check=False, timeout=10)
    parsed = envdir.parse_folder(folder(A=FileFacts("missing")), tool)
    assert parsed.refused == (done.returncode == 111)
    assert parsed.refused or [(a.name, a.value, a.dynamic) for a in parsed.assignments] == [
        ("A", None, False)
    ]
    assert b"A=" not in done.stdout
