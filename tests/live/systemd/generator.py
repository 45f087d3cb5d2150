"""Random units: everything that has a say in a service's environment, in random combinations."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import NamedTuple

from live.systemd.machine import Machine

PLACES = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
)
NAMES = ("A", "B", "C", "D", "E", "PATH", "LANG", "HOME", "FROM_INIT", "FROM_MANAGER", "lower", "_X1")
VALUES = (
    *(
        "1",
        "two words",
        "",
        "a=b",
        "$HOME",
        "${B}",
        "'",
        '"',
        "\\",
        "\\\\",
        "\\n",
        "#",
        ";",
        "é",
        "a\tb",
        "%%",
        "%n",
    ),
    *(
        "%i",
        "%p",
        "%N",
        "%j",
        "%J",
        "%I",
        "%P",
        "%f",
        "%H",
        "%m",
        "%b",
        "%v",
        "%t/%S",
        "%C%L%E",
        "%T",
        "%u%U",
        "%h",
    ),
    *("%s", "%y", "%Y", "%o%w", "%a", "%d", "%l", "%q", "%W%A%B%M", "%g%G", "%V"),
    *("\\x41", "\\101", "\\u00e9", "\\xc3\\xa9", "\\s", "\\t", "\\$", "`x`", "x*?[y]", "100%", "(a)<b>|&!"),
)
ODD = ("%Z", "%1", "\\q", "\\xff", "\\", "'open", '"open', "\\x00", "\\400")
ODD_WORDS = ("=1", "1A=x", "A-B=x", "word", "A .B=1", "é=1")
FILE_LINES = (
    *(
        "A=file",
        "B = spaced ",
        'C="a \\"b\\" $x" tail',
        "D='li\nne'",
        "# A=no\\",
        "; c",
        "export E=1",
        "E=a\\\nb",
    ),
    *(
        "lower=x # y",
        "_X1=é",
        "1BAD=x",
        "nothing",
        "PATH=/from/file",
        "A=",
        "LANG=de",
        'B="open',
        "HOME=/in/file",
    ),
)


class Definition(NamedTuple):
    """The files of one unit; None: a link to /dev/null."""

    name: str
    files: dict[str, bytes | None]


class Generator:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - to be repeatable
        self.count = 0

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def name(self) -> str:
        self.count += 1
        n = self.count
        escaped = rf"t-{n}@a\x2db-c.service"
        forms = (f"u{n}.service", f"app-{n}.service", f"a-b-{n}.service", f"t{n}@one.service", escaped)
        return self.random.choice((*forms, f"app-x-y{n}@in-st.service", f"app-{n}-.service"))

    def define(self, name: str) -> Definition:
        """Write all the files that a unit is made of."""
        files: dict[str, bytes | None] = {}
        bare = name.removesuffix(".service")
        prefix, at, _ = bare.partition("@")
        template = f"{prefix}@.service"
        own = self.random.choice((name, template)) if at else name
        place = self.random.choice(PLACES)
        files[f"{place}/{own}"] = self.unit(name, main=True)
        if self.chance(15):
            files[f"{self.random.choice(PLACES)}/{own}"] = self.unit(name, main=True)
        folders = [name, *([template] if at else [])]
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 4))):
            folder = f"{self.random.choice(PLACES)}/{self.random.choice(folders)}.d"
            file = f"{folder}/{self.random.choice(('10-a', '10-b', '20', 'z'))}.conf"
            files[file] = self.dropin(name)
        if self.chance(5):
            files[f"{self.random.choice(PLACES)}/{name}.d/10-a.txt"] = b"[Service]\nEnvironment=A=not\n"
        files |= self.environment_files(name)
        return Definition(name, files)

    def shared(self) -> dict[str, bytes | None]:
        """Write drop-ins that many units share: of the type, and of prefixes."""
        files: dict[str, bytes | None] = {}
        for folder in (
            "service",
            "app-.service",
            "a-.service",
            "a-b-.service",
            "app-x-.service",
            "t-.service",
        ):
            for place in self.random.sample(PLACES, 2):
                name = self.random.choice(("10-a", "10-b", "15", "z"))
                word = f"S_{folder.replace('-', '_').replace('.', '_')}={self.random.randrange(100)}"
                text = f"[Service]\nEnvironment={word} SHARED={self.random.randrange(100)}\n"
                files[f"{place}/{folder}.d/{name}.conf"] = text.encode()
        return files

    def dropin(self, name: str) -> bytes | None:
        if self.chance(8):
            return None
        return b"" if self.chance(5) else self.unit(name, main=False)

    def unit(self, name: str, *, main: bool) -> bytes:
        lines: list[str] = [
            "# a comment \\",
            "[Unit]",
            "Description=%n",
            "Environment=A=in-unit",
            "[Service]",
        ]
        if main:
            lines += ["Type=oneshot", "RemainAfterExit=yes", "ExecStart=/usr/bin/env -0"]
            lines += [f"StandardOutput=truncate:{output(name)}"]
        kinds = self.random.choices(list(KINDS), [w for _, w in KINDS.values()], k=self.random.randrange(7))
        lines += [KINDS[kind][0](self, name) for kind in kinds]
        text = "\n".join(lines) + "\n"
        if name.endswith("-.service"):  # %j of such a name ends systemd 252 itself
            text = text.replace("%j", "%p").replace("%J", "%P")
        if self.chance(5):
            text = text.replace("\n", "\r\n")
        if self.chance(3):
            text = "\ufeff" + text
        return text.encode("utf-8", "surrogateescape")

    # --- lines -----------------------------------------------------------------------------------

    def environment(self, name: str) -> str:
        if self.chance(6):
            return self.random.choice(
                ("Environment=", "Environment = ", "nonsense", " Environment =A=sp", "[X-Own]")
            )
        del name
        words = [self.word() for _ in range(self.random.randrange(1, 4))]
        blank = self.random.choice((" ", "  ", "\t", " \\\n", " \\\n# comment\n  ", "\\\n"))
        return "Environment=" + blank.join(words)

    def word(self) -> str:
        if self.chance(7):
            return self.random.choice(ODD_WORDS)
        name, value = self.random.choice(NAMES), self.random.choice(ODD if self.chance(6) else VALUES)
        quote = self.random.choice(("", "", '"', "'"))
        if not quote and (" " in value or self.chance(10)):
            return f"{name}='{value}'x"
        return f"{quote}{name}={value}{quote}"

    def environment_file(self, name: str) -> str:
        if self.chance(8):
            return "EnvironmentFile="
        choices = ("one", "two", "*", "[ot]*", "missing", "wrong", "folder", "a b", "//./one/", "%n")
        path = f"/run/env/{folder(name)}/{self.random.choice(choices)}"
        if self.chance(5):
            path = "relative"
        optional = "-" if self.chance(80) else ""
        return f"EnvironmentFile={optional}{path}"

    def environment_files(self, name: str) -> dict[str, bytes | None]:
        files: dict[str, bytes | None] = {}
        for file in ("one", "two", "a b", name):
            lines = [self.random.choice(FILE_LINES) for _ in range(self.random.randrange(4))]
            files[f"/run/env/{folder(name)}/{file}"] = "\n".join(lines).encode() + b"\n"
        files[f"/run/env/{folder(name)}/wrong"] = self.random.choice((b"A=\xff\n", b"A=a\0b\n", b"A=fine\n"))
        files[f"/run/env/{folder(name)}/folder/x"] = b""
        return files

    def passed(self, name: str) -> str:
        del name
        words = self.random.choice(
            ("FROM_INIT container", "FROM_INIT", "", "NOT_THERE PATH", "A-B FROM_INIT", '"container"')
        )
        return f"PassEnvironment={words}"

    def unset(self, name: str) -> str:
        del name
        words = (
            "A",
            "B=1",
            "PATH",
            '"C=two words"',
            "LANG FROM_MANAGER",
            "",
            "A-B",
            "D E",
            "DEFAULT",
            "'E=%n'",
        )
        return f"UnsetEnvironment={self.random.choice(words)}"

    def user(self, name: str) -> str:
        del name
        return f"User={self.random.choice(('root', 'nobody', 'daemon', '0', 'www-data', ''))}"

    def dynamic_user(self, name: str) -> str:
        del name
        return f"DynamicUser={self.random.choice(('yes', '1', 'no', 'true'))}"

    def search_path(self, name: str) -> str:
        del name
        return f"ExecSearchPath={self.random.choice(('/opt/x:/usr/bin', '/a/./b', '', '/c:/c', '/%p'))}"

    def directory(self, name: str) -> str:
        kind = self.random.choice(("Runtime", "State", "Cache", "Logs", "Configuration"))
        tag = folder(name).replace("\\", "_")
        words = self.random.choice((f"zz-{tag} aa-{tag}", f"b-{tag}/c", "", f"%p-{tag}"))
        return f"{kind}Directory={words}"

    def pid_file(self, name: str) -> str:
        return f"PIDFile={self.random.choice(('/run/x.pid', 'y/z.pid', '/run/%n.pid'))}" if name else ""


Line = Callable[[Generator, str], str]
KINDS: dict[str, tuple[Line, int]] = {
    "environment": (Generator.environment, 12),
    "file": (Generator.environment_file, 7),
    "pass": (Generator.passed, 2),
    "unset": (Generator.unset, 2),
    "user": (Generator.user, 1),
    "dynamic": (Generator.dynamic_user, 1),
    "path": (Generator.search_path, 1),
    "directory": (Generator.directory, 1),
    "pid": (Generator.pid_file, 1),
}


def folder(name: str) -> str:
    return name.replace("\\", "_").replace("@", "_").replace(".", "_")


def output(name: str) -> str:
    return f"/run/out/{folder(name)}"


def install(machine: Machine, *trees: Mapping[str, bytes | None]) -> None:
    """Write files into the machine."""
    for path, content in (item for tree in trees for item in tree.items()):
        if content is not None:
            machine.write(path, content)
            continue
        file = machine.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.symlink_to("/dev/null")


def remove(machine: Machine, *trees: Mapping[str, bytes | None]) -> None:
    for path in (path for tree in trees for path in tree):
        machine.path(path).unlink(missing_ok=True)
