"""Records: a snapshot without its secrets as JSON, and back. Schema envcheck.snapshot/1.

A record comes from a host, and is not trusted: what is read is checked, and is then as good as a snapshot.
"""

from __future__ import annotations

import json
from typing import Any

from envcheck.errors import RecordError
from envcheck.escaping import escape
from envcheck.model import Recorded, Snapshot
from envcheck.record.codec import Encoder, Fault, decoder, fields, items
from envcheck.record.redaction import redacted
from envcheck.servers import SERVERS
from envcheck.supervisors import SUPERVISORS

__all__ = ["SCHEMA", "dump", "load", "redacted"]

SCHEMA = "envcheck.snapshot/1"
MOST = 2_000_000  # values of a record, as far as they can be counted before it is read


def dump(snapshot: Snapshot, version: str) -> str:
    """Write a redacted snapshot; *version*: of envcheck."""
    encoder = Encoder()
    body = encoder.encode(snapshot)
    document = {"schema": SCHEMA, "envcheck": version, **body, "table": encoder.table}
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")) + "\n"


def load(content: bytes, path: str) -> Snapshot:
    """Read a record; *path* is for messages.

    Raises nothing but `RecordError`, which names a place in it but no value.
    """
    try:
        return _snapshot(_document(content))
    except Fault as fault:
        found = fault
    raise RecordError(path, f"{found.where and found.where + ': '}{found.what}")


def _document(content: bytes) -> dict[str, Any]:
    # As many take a tenth of a gigabyte; in a file of the largest size they could take two.
    if sum(map(content.count, (b",", b"[", b"{"))) > MOST:
        raise Fault("it holds too many values for a record")
    try:
        return fields(json.loads(content), "a JSON object")
    except (ValueError, RecursionError):
        raise Fault("it is not JSON") from None


def _snapshot(document: dict[str, Any]) -> Snapshot:
    schema = document.pop("schema", None)
    if schema != SCHEMA:
        newer = isinstance(schema, str) and schema.startswith("envcheck.snapshot/")
        raise Fault(
            f"its schema is not {SCHEMA}" + (": it needs another version of envcheck" if newer else "")
        )
    if not isinstance(document.pop("envcheck", None), str):
        raise Fault("it does not say which envcheck has written it", "envcheck")
    table = items(document.pop("table", []), "a table")
    try:
        snapshot: Snapshot = decoder(Snapshot)(document, table)
    except RecursionError:
        raise Fault("it is nested too deep") from None
    return _told(_sound(snapshot))


def _sound(snapshot: Snapshot) -> Snapshot:
    """Refuse what no host can be like."""
    if not snapshot.host.strip():
        raise Fault("it has no name", "host")
    if snapshot.key is None:
        raise Fault("it does not say which key its fingerprints have", "key")
    for server in snapshot.servers:
        if server.kind not in SERVERS:
            raise Fault("a kind of server that this version does not know", "servers")
        if any(owner.kind not in SUPERVISORS for owner in server.owners):
            raise Fault("a supervisor that this version does not know", "servers")
        if not server.generations or not all(g.processes for g in server.generations):
            raise Fault("a server without processes", "servers")
        if any(p.pid <= 0 for p in server.processes):
            raise Fault("no process can be like that", "servers")
    return snapshot


def _told(snapshot: Snapshot) -> Snapshot:
    """Spell out what cannot be seen in texts that reports take for our own."""
    return snapshot._replace(
        gaps=tuple(gap._replace(hint=escape(gap.hint)) for gap in snapshot.gaps),
        recorded=tuple(_advised(recorded) for recorded in snapshot.recorded),
    )


def _advised(recorded: Recorded) -> Recorded:
    plan = recorded.configured.plan
    if plan is None:
        raise Fault("it does not say what a restart takes", "recorded")
    told = plan._replace(advice=escape(plan.advice))
    return recorded._replace(configured=recorded.configured._replace(plan=told))
