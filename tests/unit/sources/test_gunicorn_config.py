"""Gunicorn's configuration file: rows of Python, and what each of them sets."""

from __future__ import annotations

import pytest

from envcheck.model import Parsed
from envcheck.sources import gunicorn_config

DYNAMIC = "<dynamic>"
UPDATE = "calls os.environ.update with names that are computed"
Told = list[tuple[int, str, str | None]]


def told(parsed: Parsed) -> Told:
    return [(a.line, a.name, DYNAMIC if a.dynamic else a.value) for a in parsed.assignments]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("raw_env = ['A=1', 'B=2']", [(1, "A", "1"), (1, "B", "2")]),
        ("raw_env = ('A=1',)\nraw_env += ['B=2']", [(1, "A", "1"), (2, "B", "2")]),
        ("x = ['A=1']\nraw_env = x + ['B=2']", [(1, "A", "1"), (2, "B", "2")]),
        ("x = ['A=1']\nraw_env = [*x, 'B=' + '2']", [(1, "A", "1"), (2, "B", "2")]),
        ("raw_env = []\nraw_env.append('A=1')\nraw_env.extend(['B=2'])", [(2, "A", "1"), (3, "B", "2")]),
        ("raw_env = 'A=1,B=2'", [(1, "A", "1"), (1, "B", "2")]),
        ("raw_env = list(('A=1',))", [(1, "A", "1")]),
        ("raw_env = [f'A={x}']", [(1, "A", DYNAMIC)]),
        ("raw_env = ['A=' + x]", [(1, "A", DYNAMIC)]),
        ("raw_env = ['A=%s' % x]", [(1, "A", DYNAMIC)]),
        ("raw_env = ['A={}'.format(x)]", [(1, "A", DYNAMIC)]),
        ("raw_env = ['A=1']\nif x:\n    raw_env.append('B=2')", [(1, "A", "1"), (3, "B", DYNAMIC)]),
        ("raw_env = ['A=1']\nif x:\n    raw_env = ['B=2']", [(1, "A", DYNAMIC), (3, "B", DYNAMIC)]),
        ("x = ['A=1']\nif y:\n    x += ['B=2']\nraw_env = x", [(1, "A", "1"), (3, "B", DYNAMIC)]),
    ],
)
def test_raw_env(text: str, expected: Told) -> None:
    found = gunicorn_config.scan(text.encode())

    assert (told(found.raw_env), found.raw_env.problems) == (expected, ())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("raw_env = open('env').read().split()", 1),
        ("raw_env = [x for x in y]", 1),
        ("raw_env = ['A=1']\nraw_env.insert(0, 'B=1')", 2),
        ("with open('x') as f:\n    raw_env = [l for l in f]", 2),
        ("if x:\n    y = ['A=1']\nraw_env = z", 3),
        ("raw_env = ['A=1', x]", 1),
    ],
)
def test_raw_env_that_is_computed(text: str, line: int) -> None:
    [problem] = gunicorn_config.scan(text.encode()).raw_env.problems

    assert problem.line == line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("os.environ['A'] = 'x'", "x"),
        ("environ['A'] = 'x'", "x"),
        ("os.environ.setdefault('A', 'x')", "x"),
        ("os.environ.update({'A': 'x'})", "x"),
        ("os.environ.update(A='x')", "x"),
        ("os.environ |= {'A': 'x'}", "x"),
        ("os.putenv('A', 'x')", "x"),
        ("os.environ.pop('A', None)", None),
        ("del os.environ['A']", None),
        ("os.unsetenv('A')", None),
        ("os.environ['A'] = x", DYNAMIC),
        ("os.environ['A'] = f'{x}'", DYNAMIC),
        ("os.environ.setdefault('A', x)", DYNAMIC),
        ("os.environ.update({'A': x})", DYNAMIC),
        ("x = os.environ.pop('A')", DYNAMIC),
        ("if x:\n    os.environ['A'] = 'x'", DYNAMIC),
        ("try:\n    os.environ['A'] = 'x'\nexcept E: pass", DYNAMIC),
        ("for x in y:\n    os.environ['A'] = 'x'", DYNAMIC),
        ("def f():\n    os.environ['A'] = 'x'", DYNAMIC),
        ("x = [os.environ.setdefault('A', 'x')]", DYNAMIC),
        ("if x:\n    del os.environ['A']", DYNAMIC),
    ],
)
def test_environ(text: str, expected: str | None) -> None:
    found = gunicorn_config.scan(text.encode()).environ

    [(_, name, value)] = told(found)
    assert (name, value, found.problems) == ("A", expected, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("os.environ.update(dict(A='1'))", [(1, "A", "1")]),
        (
            "os.environ.update(dict({'A': '1'}, B=x), C='3')",
            [(1, "A", "1"), (1, "B", DYNAMIC), (1, "C", "3")],
        ),
        ("os.environ.update(**{'A': '1'})", [(1, "A", "1")]),
        ("os.environ.update({**{'A': '1'}, 'B': '2'})", [(1, "A", "1"), (1, "B", "2")]),
        ("os.environ.update([('A', '1'), ['B', '2']])", [(1, "A", "1"), (1, "B", "2")]),
        ("os.environ |= dict(A='1') | {'B': '2'}", [(1, "A", "1"), (1, "B", "2")]),
        ("k = 'A'\nos.environ[k] = '1'", [(2, "A", "1")]),
        ("k: str = 'A'\nos.environ.setdefault(k + 'B', f'{k}1')", [(2, "AB", "A1")]),
        ("v = '1'\nif x:\n    os.environ['A'] = v", [(3, "A", DYNAMIC)]),
        ("k = 'A'\ndef post_fork(s, w):\n    os.environ[k] = '1'", [(3, "A", "1")]),
        ("x = {'A': '1'}\nos.environ.update(x)", [(1, "A", "1")]),
        ("for k in ('A', 'B'): os.environ[k] = '1'", [(1, "A", "1"), (1, "B", "1")]),
        ("x = ['A', 'B']\nfor k in x:\n    os.environ[k] = k", [(3, "A", "A"), (3, "B", "B")]),
        ("for k, v in {'A': '1', 'B': x}.items(): os.environ[k] = v", [(1, "A", "1"), (1, "B", DYNAMIC)]),
        ("for k, v in [('A', '1')]: os.environ[k] = v", [(1, "A", "1")]),
        (
            "for k in ('A', 'B'):\n    if x:\n        os.environ[k] = '1'",
            [(3, "A", DYNAMIC), (3, "B", DYNAMIC)],
        ),
        ("for a in 'B',:\n    for b in 'C', 'D': os.environ[a + b] = b", [(2, "BC", "C"), (2, "BD", "D")]),
        ("e = os.environ\ne['A'] = '1'", [(2, "A", "1")]),
        ("from os import environ as e\ne.update(A='1')", [(2, "A", "1")]),
    ],
)
def test_names_that_are_known_without_running_it(text: str, expected: Told) -> None:
    found = gunicorn_config.scan(text.encode()).environ

    assert (told(found), found.problems) == (expected, ())


@pytest.mark.parametrize(
    "text",
    [
        "for k in ('A', 'B'):\n    k = x\n    os.environ[k] = '1'",
        "for k in ('A', 'B'):\n    if x: break\n    os.environ[k] = '1'",
        "if x:\n    k = 'A'\nos.environ[k] = '1'",
        "k = 'A'\ndef post_fork(s, k):\n    os.environ[k] = '1'",
    ],
)
def test_names_that_only_running_it_could_tell(text: str) -> None:
    found = gunicorn_config.scan(text.encode()).environ

    assert not found.assignments
    assert {p.message for p in found.problems} == {"sets a variable whose name is computed"}


def test_loops_are_not_followed_for_ever() -> None:
    text = "".join(f"{' ' * n}for k{n} in {list('ABCDEFGH')}:\n" for n in range(9))
    found = gunicorn_config.scan(f"{text}         os.environ[k0] = '1'".encode()).environ

    assert {a.name for a in found.assignments} == set("ABCDEFGH")
    assert len(found.assignments) < 2000


def test_a_long_chain_of_operators_is_followed() -> None:
    text = "os.environ['A'] = " + " + ".join(["'x'"] * 500)

    assert told(gunicorn_config.scan(text.encode()).environ) == [(1, "A", "x" * 500)]


@pytest.mark.parametrize(
    "text",
    [
        "bind = '127.0.0.1:' + os.environ.get('PORT', '80')",
        "workers = int(os.environ['W'])",
        "if 'A' in os.environ: x = 1",
        "for k in os.environ: print(k)",
        "x = {**os.environ, 'A': '1'}",
        "x = dict(os.environ)",
        "x = f'{os.environ}'",
        "import os\nfrom os import environ",
    ],
)
def test_reading_sets_nothing(text: str) -> None:
    assert gunicorn_config.scan(text.encode()).environ == Parsed()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("load_dotenv()", "runs load_dotenv"),
        ("dotenv.load_dotenv('.env')", "runs load_dotenv"),
        ("exec(open('x').read())", "runs exec"),
        ("os.environ[x] = '1'", "sets a variable whose name is computed"),
        ("os.environ.setdefault(x, '1')", "sets a variable whose name is computed"),
        ("os.environ.update(read())", UPDATE),
        ("os.environ.update({x: 'y'})", UPDATE),
        ("os.environ.clear()", "uses os.environ.clear"),
        ("x.e = os.environ", "hands os.environ on"),
        ("e = f = os.environ", "hands os.environ on"),
        ("getattr(os, 'environ')['A'] = '1'", "hands os.environ on"),
        ("os.environ |= x", "hands os.environ on"),
        ("for k in x: os.environ[k] = '1'", "sets a variable whose name is computed"),
        ("k = 'A'; k = 'B'; os.environ[k] = '1'", "sets a variable whose name is computed"),
        ("from x import *; k = 'A'; os.environ[k] = '1'", "sets a variable whose name is computed"),
        ("e = os.environ; e[x] = '1'", "sets a variable whose name is computed"),
        ("x = {'A': '1'}; x['B'] = '2'; os.environ.update(x)", UPDATE),
        ("os.environ.update([x])", UPDATE),
        ("fill(os.environ)", "hands os.environ on"),
    ],
)
def test_what_may_set_anything_is_a_problem(text: str, message: str) -> None:
    [problem] = gunicorn_config.scan(text.encode()).environ.problems

    assert (problem.line, problem.message) == (1, message)


def test_each_hook_is_told_apart() -> None:
    text = """\
os.environ["A"] = "1"
def on_starting(server):
    os.environ["B"] = "2"
def post_fork(server, worker):
    if worker.age > 5:
        return
    os.environ["C"] = "3"
def pre_exec(server):
    load_dotenv()
    server.cfg.env_orig.update(os.environ)
def on_reload(server):
    os.environ.setdefault("D", "4")
"""
    found = gunicorn_config.scan(text.encode())

    assert [(a.by, a.name, a.dynamic) for a in found.environ.assignments] == [
        ("os.environ", "A", False),
        ("on_starting", "B", False),
        ("post_fork", "C", True),
        ("on_reload", "D", False),
    ]
    assert (found.environ.problems, found.reexec) == ((), 10)


def test_pre_exec_without_env_orig_brings_nothing() -> None:
    """Arbiter.reexec() execs with a copy of cfg.env_orig."""
    assert gunicorn_config.scan(b"def pre_exec(s):\n    os.environ['A'] = 'x'").reexec is None


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 7),
        ("workers = 3\n", 3),
        ("workers = 3\nworkers = 4\n", 4),
        ("import os\nworkers = os.cpu_count()\n", None),
        ("if x:\n    workers = 3\n", None),
        ("workers = \n", None),
    ],
)
def test_workers(text: str, count: int | None) -> None:
    assert gunicorn_config.workers(text.encode(), 7) == count
