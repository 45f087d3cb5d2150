"""Generated shell scripts: what is computed is what dash gives the program that they start."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest
from unit.sources.oracle import absent, seeded

from envcheck.model import FileFacts
from envcheck.sources import shell
from envcheck.sources.shell_state import Called

SEEDS = range(40)
SCRIPTS = 25  # for each seed
NAMES = ("A", "B", "COLOUR", "_x", "S3_BUCKET", "GONE")
BASE = {"GONE": "from outside", "B": "base", "COLOUR": "a  b"}
TEXTS = (
    "red",
    "a b",
    "",
    "x=y",
    "#no",
    "it's",
    'say "so"',
    "100%",
    "é",
    "a\\b",
    "$",
    "a;b",
    "two\nlines",
    "-n",
)
FILE = "other.sh"


def quoted(text: str, pick: random.Random) -> str:
    """Write a text in one of the ways in which shell can."""
    ways: list[str] = []
    if "'" not in text:
        ways.append("'" + text + "'")
    ways.append('"' + "".join("\\" + c if c in '"\\$`' else c for c in text) + '"')
    if text and "\n" not in text:
        ways.append("".join(c if c.isalnum() or c in "%=_" else "\\" + c for c in text))
    return pick.choice(ways)


def value(pick: random.Random) -> str:
    pieces: list[str] = []
    for _ in range(pick.randrange(3)):
        name = pick.choice(NAMES)
        forms = [f"${{{name}}}", f'"${name}"', f'"${{{name}:-none}}"', f"${{{name}-none}}"]
        pieces.append(pick.choice([quoted(pick.choice(TEXTS), pick), pick.choice(forms)]))
    return "".join(pieces)


def statement(pick: random.Random, *, sourced: bool) -> str:
    name = pick.choice(NAMES)
    kinds = [
        f"{name}={value(pick)}",
        f"{name}={value(pick)} {pick.choice(NAMES)}={value(pick)}",
        f"export {name}",
        f"export {name}={quoted(pick.choice(TEXTS), pick)} {pick.choice(NAMES)}",
        f'export {name}={quoted(pick.choice(TEXTS), pick)} {pick.choice(NAMES)}="${name}"',
        f'export {name}="${pick.choice(NAMES)}"',
        f"unset {name}",
        f"unset -v {name}",
        pick.choice(["set -a", "set +a", "set -o allexport", "set +o allexport", "set -e", "set -eC"]),
        f"# {name}=comment",
        f"{name}={value(pick)} # behind",
        f"{name}=\\\n{value(pick)}",
        ":",
        "exec 2>&1",
        "umask 022",
        f"cat <<'END' >/dev/null\n{name}=in a document\nEND",
        f"A={value(pick)}; export A",
        f': "${{{name}:=dflt}}"',
        f": ${{{name}={pick.choice(['', 'x=y'])}}}",
        f"{name}=${{{pick.choice(NAMES)}:=dflt}}",
        f"{name}={value(pick)} :",
        f"{name}={value(pick)} export {pick.choice(NAMES)}",
        f"{name}={value(pick)} exec 2>&1",
        f'{name}="${pick.choice(NAMES)}" {pick.choice(NAMES)}=${{{pick.choice(NAMES)}:=dflt}}',
        f'export {name}="${pick.choice(NAMES)}" {pick.choice(NAMES)}="${{{pick.choice(NAMES)}:=dflt}}"',
    ]
    if not sourced:
        kinds += [f". ./{FILE}", f"[ -r ./{FILE} ] && . ./{FILE}", "[ -f ./none ] && . ./none"]
        kinds += [f"if [ -r ./{FILE} ]; then\n  . ./{FILE}\nfi", 'cd "."', "cd . && export A"]
        kinds += ["true && A=1", f"{name}=1 && export {name}"]
    return pick.choice(kinds)


def script(pick: random.Random, *, sourced: bool = False) -> str:
    lines = [statement(pick, sourced=sourced) for _ in range(pick.randrange(1, 9))]
    return "\n".join(pick.choice(["", "  "]) + line for line in lines) + "\n"


def really(folder: Path, env: dict[str, str], shell: str = "dash") -> dict[str, str]:
    done = subprocess.run([shell, "run"], check=False, capture_output=True, cwd=folder, env=env, timeout=20)
    assert done.returncode == 0, done.stderr
    pairs = [entry.partition(b"=") for entry in done.stdout.split(b"\0") if entry]
    found = {n.decode(): v.decode("utf-8", "surrogateescape") for n, _, v in pairs}
    return {n: v for n, v in found.items() if n not in ("PWD", "OLDPWD", "SHLVL", "_")}


def computed(folder: Path, env: dict[str, str]) -> dict[str, str]:
    def read(path: str) -> FileFacts:
        file = Path(path)
        return FileFacts("ok", file.read_bytes()) if file.exists() else FileFacts("missing")

    facts = read(str(folder / "run"))
    done = shell.run(str(folder / "run"), facts, Called(env, folder=str(folder)), read)
    found = dict(env)
    for piece in done.pieces:
        assert piece.parsed is not None, piece.why
        for assignment in piece.parsed.assignments:
            assert not assignment.dynamic, assignment
            if assignment.value is None:
                found.pop(assignment.name, None)
            else:
                found[assignment.name] = assignment.value
    if done.command[:1] == ("env",):
        prefix = [w.partition("=") for w in done.command[1:] if "=" in w]
        found |= {n: v for n, _, v in prefix}
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_scripts_as_dash_reads_them(seed: int, tmp_path: Path) -> None:
    if shutil.which("dash") is None:
        absent("dash")
    pick = seeded(seed)
    for number in range(SCRIPTS):
        (tmp_path / FILE).write_text(script(pick, sourced=True))
        end = pick.choice(["exec env -0\n", f"{pick.choice(NAMES)}=last exec env -0\n", "env -0\n"])
        (tmp_path / "run").write_text("#!/bin/sh\n" + script(pick) + end)
        env = dict(pick.sample(sorted(BASE.items()), pick.randrange(3)))
        told = (number, (tmp_path / "run").read_text(), (tmp_path / FILE).read_text(), env)
        given = really(tmp_path, env | {"PATH": "/usr/bin:/bin"})
        assert computed(tmp_path, env) == {n: v for n, v in given.items() if n != "PATH"}, told


# The order in which words are expanded and variables set; A is 1 before.
ORDERED = (
    "export A=2 B=$A",
    "export C=$A A=9 D=$A",
    'export B="$A" A=2 B="$A"',
    "export A=2; export B=$A",
    "A=2 B=$A; export B",
    "A=2 B=$A A=$B$A; export A B",
    "A=2 B=$A exec env -0",
    "A=2 exec env -0 B=$A",
    "\\export A=2 B=$A",
    '"export" A=2',
    "exp'ort' 'A'",
    "unset A; export B=${A:-7} A=$B",
    "\\unset A",
    "'set' '-a'; B=$A",
    "unset A; export C=$A B=${A:=7} D=$A",
    "unset A; C=$A B=${A:=7} D=$A; export A B C D",
    "unset A; export C=${A:-none} B=${A:=7} A=8 D=$A",
    "unset A; C=$A true ${A:=7}; B=$A; export B C",
    "B=$A exec env -0 C=$D D=${D:=7} E=$D",
    "B=$D exec env -0 ${D:=E=7}",
)


# What is odd, and can be told all the same.
ODD = (
    "readonly A=4",
    "readonly B=4 C=$A; export B C",
    "readonly -p >/dev/null; export -- B=1",
    'export "B=q" \'C\'=1 "D"',
    "Z='a  b'; export \"B=$Z\"",
    "unset -f A; unset -v A",
    "alias x=y; export B=1",
    "f() { local A=2; export B=3; return 1; }; export C=1",
    "f() ( export B=3 )\nexport C=1",
    "f()\n{\n  if true; then A=2; fi\n  exec env\n}\nexport C=1",
)
OF_BASH = ("A+=2", "export A+=2 B+=$A", "unset A; export A+=x", "function f { A=2; }; export C=1")


@pytest.mark.parametrize(
    ("shell", "line"), [*((s, o) for o in ODD for s in ("dash", "bash")), *(("bash", o) for o in OF_BASH)]
)
def test_odd_lines(shell: str, line: str, tmp_path: Path) -> None:
    test_the_order_of_words(shell, line, tmp_path)


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("line", ORDERED)
def test_the_order_of_words(shell: str, line: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        absent(shell)
    (tmp_path / "run").write_text(f"#!/bin/{shell}\n{line}\nexec env -0\n")

    given = really(tmp_path, {"A": "1", "PATH": "/usr/bin:/bin"}, shell)

    assert computed(tmp_path, {"A": "1"}) == {n: v for n, v in given.items() if n != "PATH"}
