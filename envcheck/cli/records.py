"""Records as files: one, or a folder of them, read with care; written whole or not at all."""

from __future__ import annotations

import os
import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from time import time

from envcheck import record
from envcheck.cli import judging, reading, sides
from envcheck.errors import NothingMatchedError, RecordError, UsageError
from envcheck.hosts.local import Local
from envcheck.judge import judge, matching, merge
from envcheck.model import Gap, HostReport, Report, Severity, Snapshot, Spec
from envcheck.report.environment import Environment
from envcheck.report.grouping import UNREAD
from envcheck.secrecy import Policy
from envcheck.sources.chain import WHY

SUFFIX = ".json"
LARGEST = 64 * 2**20  # bytes
REASONS: dict[str, str] = {
    **WHY,
    "oversized": f"it is too large for a record (more than {LARGEST >> 20} MiB)",
}


def files(places: Sequence[str]) -> list[str]:
    """Give the records that are meant: files as they are named, and of folders what ends in .json.

    Raises:
        UsageError: A folder cannot be read.
        NothingMatchedError: There is none in it.
    """
    found: list[str] = []
    for place in places:
        path = reading.absolute(place, "record")
        if not posixpath.isdir(path):
            found.append(path)
            continue
        try:
            names = sorted(name for name in os.listdir(path) if name.endswith(SUFFIX))  # noqa: PTH208
        except OSError as error:
            raise UsageError(f"unable to read the folder {place}: {error.strerror}") from None
        if not names:
            raise NothingMatchedError(f"no record is in {place}", f"a record is a file *{SUFFIX}")
        found += [posixpath.join(path, name) for name in names]
    return found


def read(path: str) -> Snapshot:
    """Read one record.

    Raises:
        RecordError: It cannot be read, or is none.
    """
    facts = Local().ask([{"op": "file", "path": path, "limit": LARGEST}])[0]
    if facts["status"] != "ok":
        why = REASONS.get(facts["status"]) or facts.get("detail") or facts["status"]
        raise RecordError(path, why)
    return record.load(facts["content"], path)


def running(place: str) -> Environment:
    """Give what runs in a record: its one server, or the one that is named after a #.

    Raises:
        UsageError: It has several servers, or none of that name.
        RecordError: It cannot be read.
    """
    path, target = reading.absolute(place, "record"), ""
    if "#" in path and not posixpath.exists(path):
        path, _, target = path.rpartition("#")
    snapshot = read(path)
    found = matching.targets(snapshot, target) if target else snapshot.servers
    if len(found) != 1:
        pids = ", ".join(f"{s.first.pid} ({s.name})" for s in snapshot.servers)
        what = f"{target or 'it'} means {len(found)} servers in the record {path}"
        record_of = place.removesuffix(f"#{target}") if target else place
        hint = f"name one of them after a #, as in snapshot:{record_of}#PID: {pids}"
        raise UsageError(what, hint if pids else "there is none in it")
    environment = sides.of_reading(found[0].first.running)
    return environment._replace(key_id=snapshot.key.id if snapshot.key else "")


def judged(
    places: Sequence[str],
    spec: Spec | None,
    targets: Sequence[str],
    policy: Policy,
    fail_on: Severity,
) -> Report:
    """Judge all records, one after another; one that cannot be read is a host that could not be looked at."""
    paths = list(dict.fromkeys(files(places)))
    found = _each(paths, spec, targets, policy, fail_on)
    return merge(
        told_apart([(path, one.hosts[0]) for path, one in zip(paths, found, strict=True)]), fail_on, time()
    )


def told_apart(found: Sequence[tuple[str, HostReport]]) -> list[Report]:
    """Give each host a name of its own: where several records have the same, with that of the file."""
    names = Counter(host.name for _, host in found)
    files = Counter((host.name, posixpath.basename(path)) for path, host in found)

    def own(path: str, host: HostReport) -> HostReport:
        if names[host.name] == 1:
            return host
        base = posixpath.basename(path)
        return host._replace(
            name=f"{host.name} ({base if files[host.name, base] == 1 else path})", called=host.name
        )

    return [Report((own(path, host),), 0) for path, host in found]


def _each(
    paths: Sequence[str], spec: Spec | None, targets: Sequence[str], policy: Policy, fail_on: Severity
) -> Iterator[Report]:
    bounds = judging.Bounds(spec)
    for path in paths:
        try:
            snapshot = read(path)
        except RecordError as error:
            name = posixpath.basename(path).removesuffix(SUFFIX)
            gap = Gap(f"the record {path}", error.reason, "take the snapshot of this host anew")
            yield Report((HostReport(name, UNREAD, (gap,), ()),), RecordError.exit_status)
            continue
        yield bounds.judged(snapshot.host, partial(judge, snapshot, spec, targets, policy, fail_on))


def write(text: str, path: str) -> None:
    """Write a record for its owner alone; who reads it meanwhile has the old one, or none.

    It takes the place of a file or of a link, and never that of a device, a pipe or an open file: /dev/null
    would be gone, or /dev/stdout.

    Raises:
        UsageError: It cannot be written.
    """
    folder, name = posixpath.split(reading.absolute(path, "record"))
    # A folder is refused by the system, in its own words.
    is_special = posixpath.exists(path) and not (posixpath.isfile(path) or posixpath.isdir(path))
    if is_special or (posixpath.islink(path) and os.readlink(path).startswith("/proc/")):  # noqa: PTH115
        raise UsageError(f"unable to write {path}: it is no regular file", "-o - is standard output")
    passing = posixpath.join(folder, f".{name}.{os.getpid()}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(passing, flags, 0o600), "w", encoding="ascii") as file:
            try:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                os.replace(passing, posixpath.join(folder, name))  # noqa: PTH105
            except BaseException:
                os.unlink(passing)  # noqa: PTH108
                raise
    except OSError as error:
        raise UsageError(f"unable to write {path}: {error.strerror}") from None
