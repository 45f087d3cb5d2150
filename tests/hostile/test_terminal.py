"""Names, values and paths that drive terminals or forge lines arrive harmless in every format."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hostile.support import Gunicorn, app_in, gunicorn, on_terminal, run, write_spec
from live.harness import need

FORGED = "\nFORGED: in sync\r\nFORGED: nothing to do"
EVIL = {
    "esc": "\x1b[2J\x1b]0;title\x07",
    "osc52": "\x1b]52;c;ZXZpbA==\x07",
    "c1": "\x9b31m\x85\x90",
    "bidi": "\u202egnp.exe\u2066\u061c",
    "invisible": "a\u200bb\ufeffc\u2060\u3164",
    "tags": "\U000e0041\U000e007f",
    "markup": "[/oops][bold red]x[/][link=file:///etc/passwd]",
    "lines": FORGED,
    "separators": "\u2028FORGED: x\u2029FORGED: y\x0bFORGED: z\x0c",
    "bytes": "\udcff\udcfe\udc80",
    "controls": "".join(map(chr, range(1, 32))) + "\x7f",
    "backslash": "\\n\\x1b\\",
}
# Names under which a value is shown, so that it must be escaped and not merely hidden.
NAMES = ("HOST", "LANG", "TZ", "USER", "LOGNAME", "APP_ENV", "NODE_ENV", "RACK_ENV")
SHOWN = dict(zip(EVIL, NAMES, strict=False))


def as_name(text: str) -> str:
    """What can be the name of a file and of a variable."""
    return text.replace("/", "|").replace("=", ":")


@pytest.fixture(scope="module")
def evil(site: Path) -> Gunicorn:
    need("envdir", "setsid")
    folder = site / f"evil{''.join(EVIL.values()).replace('/', '|')[:70]}"
    folder.mkdir()
    env_d = folder / "env.d"
    env_d.mkdir()
    for number, text in enumerate(EVIL.values()):
        (env_d / f"F{number}{as_name(text)}").write_bytes(b"old " + os.fsencode(text))
    given = {f"E_{as_name(text)}": text for text in EVIL.values()}
    given |= {f"V_{kind}": text for kind, text in EVIL.items()}
    given |= {name: EVIL[kind] for kind, name in SHOWN.items()}
    server = gunicorn(
        folder,
        *("-n", "".join(EVIL.values())),
        *("-e", f"ARG_{EVIL['esc']}={EVIL['lines']}"),
        chain=("envdir", "env.d"),
        env=given,
        prelude="os.environ['HUGE'] = 'x\\x1b\\n' * 350_000",
    )
    for number, text in enumerate(EVIL.values()):
        (env_d / f"F{number}{as_name(text)}").write_bytes(b"new " + os.fsencode(text))
    (env_d / f"ADDED{FORGED}").write_text("1\n")
    return server


@pytest.fixture
def spec(evil: Gunicorn, home: Path) -> Path:
    """A copy of the envdir, for the path of the server's own is no text that YAML can hold."""
    copy = home / "env.d"
    copy.symlink_to(evil.folder / "env.d")
    hints = {kind: text for kind, text in EVIL.items() if text.isprintable()}
    rules: dict[str, object] = {f"V_{kind}": {"required": True, "hint": text} for kind, text in hints.items()}
    app = {
        "match": {"pid": str(evil.master)},
        "sources": [{"envdir": str(copy)}],
        "env": rules | {"HUGE": None},
    }
    return write_spec(home / "spec.yaml", shop=app)


def test_every_command(evil: Gunicorn, spec: Path) -> None:
    folder, pid = str(evil.folder), str(evil.master)
    for argv in (
        ("ps", f"cwd:{folder}"),
        ("ps", pid),
        ("show", pid),
        ("show", str(evil.workers[0]), "--reveal", "*"),
        ("show", f"file:{folder}/env.d"),
        ("show", f"file:{folder}/env.d", "--reveal", "*"),
        ("show", f"file:{folder}/nothing here"),
        ("show", f"file:{folder}/app.py"),
        ("show", f"file:{folder}/app.py", "--dialect", EVIL["osc52"] + FORGED),
        ("check", pid),
        ("check", f"cwd:{folder}"),
        ("check", f"pidfile:{folder}"),
        ("check", EVIL["esc"] + FORGED),
        ("check", "-s", f"{folder}/no spec"),
        ("check", "-s", f"{folder}/app.py"),
        ("check", "-s", str(spec)),
        ("check", "-s", str(spec), "--reveal", "*"),
        ("check", "-s", str(spec), "-f", f"json={folder}/no folder/report.json"),
        ("check", "-f", EVIL["esc"] + FORGED),
        ("check", f"--{EVIL['osc52']}{FORGED}"),
        ("check", "--color", EVIL["esc"] + FORGED),
        ("check", "--fail-on", EVIL["c1"] + EVIL["bidi"]),
        (EVIL["esc"] + FORGED,),
    ):
        ran = run(*argv)
        lines = [*ran.out.splitlines(), *ran.err.splitlines()]
        assert not [line for line in lines if line.lstrip().startswith("FORGED")], argv


def test_in_colour(evil: Gunicorn, spec: Path) -> None:
    for argv in (
        ("check", "-s", str(spec), "--reveal", "*"),
        ("show", str(evil.master), "--reveal", "*"),
        ("ps", str(evil.master)),
        ("show", f"file:{evil.folder}/env.d", "--reveal", "*"),
    ):
        for env in ({}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}):
            ran = run(*argv, "--color", "always", "-f", "text", color=True, env=env)
            assert "FORGED" not in [line.lstrip()[:6] for line in ran.out.splitlines()]


@pytest.mark.parametrize("columns", [20, 80, 200])
def test_on_a_terminal(evil: Gunicorn, spec: Path, columns: int) -> None:
    for argv in (
        ("check", "-s", str(spec), "--reveal", "*"),
        ("check", str(evil.master)),
        ("show", str(evil.master), "--reveal", "F*"),
        ("ps", str(evil.master)),
    ):
        _, text = on_terminal(*argv, columns=columns)
        assert "FORGED" not in [line.lstrip()[:6] for line in text.splitlines()]


def test_json_keeps_every_byte(evil: Gunicorn) -> None:
    document = run("show", str(evil.workers[0]), "--reveal", "*").document

    variables = document["layers"]["live"]["variables"]
    for kind, text in EVIL.items():
        raw = os.fsencode(text)
        value = variables[f"V_{kind}"]
        assert value == text if kind != "bytes" else value == {"b64": "//6A"}, raw
    assert len(variables["HUGE"]) == 3 * 350_000
    assert "E_\\xff\\xfe\\x80" in variables


def test_revealed_values_are_spelled_out(evil: Gunicorn) -> None:
    out = run("show", str(evil.master), "--no-live", "--reveal", "V_*").out

    assert "V_lines=\\nFORGED: in sync\\r\\nFORGED: nothing to do" in out
    assert "V_bytes=\\xff\\xfe\\x80" in out
    assert "V_markup=[/oops][bold red]x[/][link=file:///etc/passwd]" in out


def test_names_of_an_envdir(evil: Gunicorn) -> None:
    ran = run("show", f"file:{evil.folder}/env.d", "--reveal", "*")

    assert ran.status == 0
    assert sum(line.startswith("F") for line in ran.out.splitlines()) == len(EVIL)


def test_strange_application(home: Path) -> None:
    """A pattern, a rule and a name that hold what YAML allows."""
    spec = write_spec(home / "spec.yaml", shop=app_in(f"{home}[/oops]*", {"envdir": f"{home}/[/oops]"}))

    assert run("check", "-s", str(spec)).status == 2
