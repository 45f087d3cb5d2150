"""Generated configurations: what the real supervisord gives its programs, and what is computed."""

from __future__ import annotations

import random
import shlex
from collections.abc import Mapping
from pathlib import Path

import build
import pytest
from live.harness import OWN_BIN, clean, detach, kill_all_in, need, wait_for
from unit.sources.oracle import seeded
from unit.supervisors.real import real

from envcheck.model import Answers, FileFacts, Owner
from envcheck.sources import chain
from envcheck.supervisors import supervisord
from envcheck.supervisors.known import Known
from envcheck.supervisors.refusals import RejectError
from envcheck.supervisors.supervisord_config import HOST_NAME, Configuration, Loader

OWN = {
    "LC_ALL": "C.UTF-8",
    "REGION": "eu west",
    "PERCENT": "50%",
    "EMPTY": "",
    "QUOTED": 'a"b',
    "COLOUR": "own",
}
NAMES = ["COLOUR", "SIZE", "A_1", "lower", "a-b", "REGION", "PATH_2"]
VALUES = [
    *("red", "1.5", "/x/y:z", "-1", "+(a)", '"x y"', "'x y'", '"it\'s"', '""', '"a,b"', '"two\n  lines"'),
    *(
        '"100%%"',
        '"%(ENV_REGION)s"',
        '"%(here)s/x"',
        "%(program_name)s",
        '"%(group_name)s"',
        '"\u00e9"',
        '"a;b"',
    ),
    *(
        "%(process_num)d",
        '"%(process_num)03d"',
        '"%(host_node_name)s"',
        '"%(ENV_COMMON)s!"',
        '"a\\nb"',
        '"#1"',
    ),
    *('"[x]"', '"k=v"', '"%(ENV_EMPTY)s"', '"%(numprocs)d"', '"%(ENV_COLOUR)s"', '"a\n\n  b"'),
]
ODD = ["x#y", "x y", '"a"b', "$HOME", '"a ;b"', "%(ENV_QUOTED)s"]  # cut, or refused, as it comes
BAD = [*ODD, "a@b", "", '"open', '"%"', '"%(nope)s"', '"%(ENV_NOPE)s"', "%d", '"%(ENV_REGION)d"']
COMMON = ['"c1"', '"%(ENV_REGION)s"', '"%(here)s"', '"10%%%%"', "x", '"%(ENV_COLOUR)s"']


def _pairs(rng: random.Random, values: list[str], names: list[str]) -> str:
    glue = rng.choice([",", ", ", ",\n  ", ",\n  ; said between\n  ", " , "])
    pairs = [
        f"{rng.choice(names)}{rng.choice(['=', '=', ' = '])}{rng.choice(values)}"
        for _ in range(rng.randint(1, 5))
    ]
    return glue.join(pairs) + rng.choice(["", ",", " ; end"])


def _program(rng: random.Random, name: str, folder: Path, bad: float) -> str:
    lines = [f"[program:{name}]"]
    count = rng.choice([1, 1, 1, 2])
    if count > 1:
        lines += [f"numprocs={count}", "process_name=%(program_name)s_%(process_num)02d"]
        lines += rng.choice([[], ["numprocs_start = 5"]])
    out = f"{folder}/out/%(group_name)s:" + ("%(program_name)s_%(process_num)02d" if count > 1 else name)
    script = shlex.quote(f'exec env -0 > "{out}"')
    lines += [f"command = /bin/bash -c {script}", "startsecs=0", "autorestart=false", "exitcodes=0"]
    if rng.random() < bad:
        lines.append(
            f"{rng.choice(['startsecs', 'autostart', 'numprocs'])} = {rng.choice(['x', '', 'maybe'])}"
        )
    if rng.random() < 0.9:
        values = VALUES + (BAD if rng.random() < bad else [])
        lines.append(f"environment{rng.choice(['=', ' : ', ' = '])}{_pairs(rng, values, NAMES)}")
    if rng.random() < 0.2:
        lines += [
            "[program:again]",
            f"environment={_pairs(rng, VALUES, NAMES)}",
            f"[program:{name}]",
            "priority=5",
        ]
    return "\n".join(lines).replace("[program:again]", f"[program:{name}]") + "\n"


def _generate(rng: random.Random, folder: Path, count: int, bad: float = 0.0) -> None:
    """Write one configuration with *count* programs, over several files."""
    (folder / "out").mkdir(parents=True)
    (folder / "conf.d").mkdir()
    main = ["[supervisord]", "nodaemon=true", "logfile=%(here)s/log", "pidfile=%(here)s/pid"]
    main.append(f"environment=COMMON={rng.choice(COMMON)},{_pairs(rng, COMMON, NAMES)}")
    main += ["[include]", "files = conf.d/*.ini  more*.conf"]
    files: dict[str, list[str]] = {"conf.d/b.ini": [], "conf.d/a.ini": [], "more.conf": []}
    names = [f"p{i}" for i in range(count)]
    for name in names:
        rng.choice([main, *files.values()]).append(_program(rng, name, folder, bad))
    grouped = rng.sample(names, min(3, count))
    main.append(
        f"[group:g]\nprograms={rng.choice([',', ' , ']).join(grouped)}{',nope' if rng.random() < bad else ''}"
    )
    (folder / "supervisord.conf").write_text("\n".join(main) + "\n")
    for name, parts in files.items():
        (folder / name).write_text("\n".join(parts))


def _answers(folder: Path) -> Answers:
    paths = [p for p in folder.rglob("*") if p.suffix in (".conf", ".ini")]
    files = {str(p): FileFacts("ok", p.read_bytes(), 1.0) for p in paths}
    files[HOST_NAME] = FileFacts("ok", Path(HOST_NAME).read_bytes())
    globs = {f"{folder}/{g}": tuple(sorted(map(str, folder.glob(g)))) for g in ("conf.d/*.ini", "more*.conf")}
    return Answers(files=files, globs=globs)


def _computed(owner: Owner, folder: Path) -> dict[str, str] | None:
    start = supervisord.start(owner, build.process(1, ()), Known(_answers(folder)))
    return None if start.unstartable else chain.values(start.applied)


def _owner(folder: Path, name: str, own: Mapping[str, str]) -> Owner:
    argv = ("supervisord", "-c", f"{folder}/supervisord.conf")
    supervising = build.process(7, argv, cwd=str(folder), at_exec=own)
    return Owner("supervisord", name, pid=7, facts={"child": "", "since": "1"}, supervising=supervising)


def test_what_programs_get(home: Path) -> None:
    need("supervisord")
    rng = seeded(31)
    own = clean(home) | OWN
    compared = 0
    try:
        for run in range(3):
            folder = home / f"r{run}"
            folder.mkdir()
            _generate(rng, folder, 30)
            detach([f"{OWN_BIN}/supervisord", "-n", "-c", f"{folder}/supervisord.conf"], folder, own)
            configuration = Loader(f"{folder}/supervisord.conf", own, Known(_answers(folder))).load()
            assert configuration is not None
            outs = [folder / "out" / f"{d.group}:{d.name}" for d in configuration.processes]
            wait_for(lambda outs=outs: all(o.exists() and o.stat().st_size for o in outs), "not all have run")  # type: ignore[misc]
            for out in outs:
                entries = out.read_bytes().decode().split("\0")[:-1]
                has = dict(e.split("=", 1) for e in entries)
                # What bash adds by itself.
                has = {n: v for n, v in has.items() if n not in ("_", "PWD", "SHLVL", "OLDPWD")}
                assert _computed(_owner(folder, out.name, own), folder) == has, out
                compared += 1
            kill_all_in(folder)
    finally:
        kill_all_in(home)
    assert compared >= 60


def test_what_is_refused(tmp_path: Path) -> None:
    """The real loader in this process: it takes and refuses the same, and gives the same."""
    oracle = real("supervisor.options")
    rng = seeded(32)
    refused = 0
    for number in range(300):
        folder = tmp_path / str(number)
        _generate(rng, folder, 3, bad=0.15)
        path = f"{folder}/supervisord.conf"
        options = oracle.ServerOptions()
        options.environ_expansions = {f"ENV_{n}": v for n, v in OWN.items()}
        options.configfile, options.here = path, str(folder)
        try:
            section = options.read_config(path)
        except ValueError as error:
            with pytest.raises(RejectError):
                print(path, error, Loader(path, OWN, Known(_answers(folder))).load())
            refused += 1
            continue
        ours = Loader(path, OWN, Known(_answers(folder))).load()
        assert ours is not None
        expected = {
            (group.name, process.name): (process.command, process.environment)
            for group in section.process_group_configs
            for process in group.process_configs
        }
        assert _all(ours) == expected
    assert 20 < refused < 280


def _all(configuration: Configuration) -> dict[tuple[str, str], tuple[str, dict[str, str]]]:
    return {
        (d.group, d.name): (d.command, chain.values([configuration.common, d.environment]))
        for d in configuration.processes
    }
