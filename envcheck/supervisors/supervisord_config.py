"""The configuration of supervisord: which processes it defines, and what each of them gets.

Source of the knowledge: supervisor/options.py of 4.3.0 (`ServerOptions.read_config` and
`processes_from_section`), held against the real program by the live differential test. Not checked here are
names of users and signals, and that folders exist.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from envcheck.model import Applied, Parsed, Problem, Source, Stage
from envcheck.sources import chain
from envcheck.sources.supervisor import pairs
from envcheck.sources.text import strict
from envcheck.supervisors.ini import Ini, MalformedError, Option
from envcheck.supervisors.known import Known
from envcheck.supervisors.percent import RefusedError, UnboundedError, expand
from envcheck.supervisors.refusals import RejectError, UnreadError
from envcheck.supervisors.supervisord_forms import EACH, FORMS, server_url

MAIN = "supervisord"
PROGRAMS = ("program:", "fcgi-program:", "eventlistener:")
HOST_NAME = "/proc/sys/kernel/hostname"
TOO_MANY = 10_000  # processes that a configuration may define

Expansions = Mapping[str, str | int]


class Defined(NamedTuple):
    """One process of the configuration."""

    group: str
    name: str
    command: str
    environment: Applied
    autostart: bool
    stops_group: bool
    server_url: str
    folder: str
    user: str


class Configuration(NamedTuple):
    common: Applied  # [supervisord] environment
    processes: tuple[Defined, ...]
    changed: float  # the latest change of any of its files
    has_client: bool  # a section for supervisorctl
    has_server: bool  # something that supervisorctl can talk to


class Loader:
    """Reads one configuration; `load` gives None while answers are missing."""

    def __init__(self, path: str, environment: Mapping[str, str] | None, known: Known) -> None:
        self._path = path
        self._here = posixpath.dirname(path)
        self._known = known
        self._blind = environment is None
        self._env: dict[str, str | int] = {f"ENV_{n}": v for n, v in (environment or {}).items()}
        self._ini = Ini()
        self._changed: dict[str, float] = {}

    def load(self) -> Configuration | None:
        if not self._read(self._path, must=True) or not self._include():
            return None
        node = self._node()
        if node is None:
            return None
        if MAIN not in self._ini.sections:
            raise RejectError(self._path, None, "there is no section [supervisord]")
        common = self._common(node)
        processes = tuple(self._processes(node))
        return Configuration(
            common,
            processes,
            max(self._changed.values()),
            "supervisorctl" in self._ini.sections,
            any(s in self._ini.sections for s in ("unix_http_server", "inet_http_server"))
            and "rpcinterface:supervisor" in self._ini.sections,
        )

    # --- its files -------------------------------------------------------------------------------

    def _read(self, path: str, *, must: bool) -> bool:
        """Read a file; False: the host has not answered yet. An included one may be missing."""
        facts = self._known.file(path)
        if facts is None:
            return False
        if facts.status in ("missing", "folder") and not must:
            return True
        if facts.status != "ok":
            raise UnreadError(path, chain.why(facts), facts.changed)
        self._changed[path] = facts.changed
        text = strict(facts.content)
        if text is None:
            raise RejectError(path, None, "it is not valid UTF-8")
        try:
            self._ini.read(text, path)
        except MalformedError as error:
            raise RejectError(path, error.line, str(error)) from None
        return True

    def _include(self) -> bool:
        if "include" not in self._ini.sections:
            return True
        self._expand_here(self._here)
        files = self._ini.option("include", "files")
        if files is None:
            raise RejectError(self._path, None, "a section [include] without `files`")
        node = self._node()
        if node is None:
            return False
        patterns = self._expand(files, {**node, **self._env}).split()
        found = [self._known.glob(posixpath.join(self._here, pattern)) for pattern in patterns]
        complete = True
        for matches in found:
            complete = complete and matches is not None
            # All files are asked for in one round; they are read in their order once all are there.
            facts = [self._known.file(path) for path in sorted(matches or ())]
            complete = complete and None not in facts
        if complete:
            for path in (p for matches in found for p in sorted(matches or ())):
                self._read(path, must=False)
                self._expand_here(posixpath.dirname(path))
        return complete

    def _expand_here(self, here: str) -> None:
        """Replace %(here)s as text: what is left of it belongs to the file that was read last."""
        for section in self._ini.sections:
            for name, option in self._ini.options(section).items():
                if "%(here)s" in option.value:
                    value = option.value.replace("%(here)s", here)
                    self._ini.replace(section, name, option._replace(value=value))

    def _node(self) -> dict[str, str | int] | None:
        """Give what is known everywhere: the folder of the configuration, and the name of the host."""
        options = (o for s in self._ini.sections.values() for o in s.values())
        name = ""
        if any("host_node_name" in o.value for o in options):
            facts = self._known.file(HOST_NAME)
            if facts is None:
                return None
            name = facts.content.decode(errors="replace").strip()
        return {"here": self._here, "host_node_name": name}

    # --- its values ------------------------------------------------------------------------------

    def _expand(self, option: Option, expansions: Expansions, times: int = 1) -> str:
        value = option.value
        try:
            for _ in range(times):
                value = expand(value, expansions)
        except RefusedError as error:
            if self._blind:
                why = "it refers to the environment of supervisord, which could not be read"
                raise UnreadError(option.path, why, self._changed[option.path]) from None
            raise RejectError(option.path, option.line(1), str(error)) from None
        except UnboundedError as error:
            raise UnreadError(option.path, str(error), self._changed[option.path]) from None
        return value

    def _environment(self, option: Option, text: str, kind: str) -> Applied:
        """Cut an expanded `environment=` into what it sets, each with its line in its file."""
        parsed = pairs(text)
        moved = Parsed(
            tuple(a._replace(line=option.line(a.line)) for a in parsed.assignments),
            tuple(Problem(option.line(p.line or 1), p.message) for p in parsed.problems),
        )
        if parsed.refused:
            problem = moved.problems[0]
            raise RejectError(option.path, problem.line, problem.message.rpartition(":")[0])
        source = Source(kind, option.path, Stage.EXEC, "supervisor")
        return Applied(source, moved, self._changed[option.path])

    def _common(self, node: Expansions) -> Applied:
        """Read [supervisord]: its environment is expanded twice, so a literal percent sign is `%%%%`."""
        option = self._ini.option(MAIN, "environment")
        if option is None:
            return self._nothing(MAIN, "supervisord")
        once = self._expand(option, {**self._env, "here": self._here})
        text = self._expand(option._replace(value=once), {**node, **self._env})
        applied = self._environment(option, text, "supervisord")
        for assignment in applied.parsed.assignments if applied.parsed else ():
            self._env[f"ENV_{assignment.name}"] = assignment.value or ""
        return applied

    # --- its processes -----------------------------------------------------------------------------

    def _processes(self, node: Expansions) -> Iterator[Defined]:
        grouped: set[str] = set()
        count = 0
        for group, section in [*self._grouped(grouped), *self._alone(grouped)]:
            for defined in self._section(group, section, node):
                count += 1
                if count > TOO_MANY:
                    raise UnreadError(self._path, f"it defines more than {TOO_MANY} processes")
                yield defined

    def _grouped(self, grouped: set[str]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for section in [s for s in self._ini.sections if s.startswith("group:")]:
            option = self._ini.option(section, "programs")
            text = self._expand(option, {**self._env, "here": self._here}) if option else ""
            for program in [p.strip() for p in text.split(",")] if text else []:
                names = [n for n in (f"program:{program}", f"fcgi-program:{program}") if self._has(n)]
                if len(names) != 1 or option is None:
                    line = option.line(1) if option else None
                    raise RejectError(
                        self._path_of(section), line, "a group names a program that is not there"
                    )
                grouped.add(names[0])
                found.append((self._named(section), names[0]))
        return found

    def _alone(self, grouped: set[str]) -> list[tuple[str, str]]:
        sections = [s for s in self._ini.sections if s.startswith(PROGRAMS) and s not in grouped]
        return [(self._named(s), s) for s in sections]

    def _has(self, section: str) -> bool:
        return section in self._ini.sections

    def _named(self, section: str) -> str:
        name = section.partition(":")[2].strip()
        if any(sign in name for sign in " :/"):
            raise RejectError(self._path_of(section), None, "a name with a blank, a colon or a slash")
        return name

    def _path_of(self, section: str) -> str:
        return next((o.path for o in self._ini.sections[section].values()), self._path)

    def _section(self, group: str, section: str, node: Expansions) -> Iterator[Defined]:
        """Give the processes of one program."""
        program = self._named(section)
        # One mapping for all processes of a program, as there: what one sets, the next one still knows.
        common: dict[str, str | int] = {**node, "program_name": program, "group_name": group}
        read = {name: self._form(section, name, {**self._env, **common}) for name in FORMS}
        count = int(str(read["numprocs"] if read["numprocs"] is not None else 1))
        first = int(str(read["numprocs_start"] or 0))
        template = self._ini.option(section, "process_name")
        if count > 1 and (template is None or "%(process_num)" not in template.value):
            line = template.line(1) if template else None
            raise RejectError(
                self._path_of(section), line, "numprocs asks for %(process_num)d in process_name"
            )
        if read["stopasgroup"] is True and read["killasgroup"] is False:
            raise RejectError(self._path_of(section), None, "stopasgroup without killasgroup")
        for number in range(first, first + count):
            common |= {"process_num": number, "numprocs": count}
            common |= self._env
            environment = self._of_process(section, common)
            for assignment in environment.parsed.assignments if environment.parsed else ():
                common[f"ENV_{assignment.name}"] = assignment.value or ""
            for name in EACH:
                read[name] = self._form(section, name, {**self._env, **common})
            command = self._ini.option(section, "command")
            if command is None:
                raise RejectError(self._path_of(section), None, "a program without a command")
            yield Defined(
                group,
                self._expand(template, common).strip() if template else program,
                self._expand(command, {**self._env, **common}),
                environment,
                read["autostart"] is not False,
                read["stopasgroup"] is True,
                server_url(read["serverurl"]),
                str(read["directory"] or ""),
                str(read["user"] or ""),
            )

    def _of_process(self, section: str, expansions: Expansions) -> Applied:
        option = self._ini.option(section, "environment")
        kind = "supervisord-program"
        if option is None:
            return self._nothing(section, kind)
        return self._environment(option, self._expand(option, expansions), kind)

    def _nothing(self, section: str, kind: str) -> Applied:
        path = self._path_of(section)
        return Applied(Source(kind, path, Stage.EXEC, "supervisor"), Parsed(), self._changed[path])

    def _form(self, section: str, name: str, expansions: Expansions) -> object:
        """Read an option that has to have a form; None: it is not there."""
        option = self._ini.option(section, name)
        if option is None:
            return None
        text = self._expand(option, expansions)
        try:
            return FORMS.get(name, str)(text)
        except ValueError:
            raise RejectError(option.path, option.line(1), f"{name} is not what it has to be") from None
