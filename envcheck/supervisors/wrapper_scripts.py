"""Shell scripts that stand before a server: what they set, and the command that they end in."""

from __future__ import annotations

import posixpath

from envcheck.model import Applied, FileFacts, Source, Stage
from envcheck.sources import chain, shell
from envcheck.sources.shell_state import Called, Piece
from envcheck.supervisors.programs import FOLDERS, SHEBANG
from envcheck.supervisors.wrapped import Chain


def shell_command(done: Chain, words: list[str]) -> list[str] | None:
    code = False
    allexport = False
    while words and words[0].startswith("-") and len(words[0]) > 1:
        word = words.pop(0)
        if word == "--":
            break
        if word.startswith("--") or set(word[1:]) - set("aceux"):
            return None
        code = code or "c" in word
        allexport = allexport or "a" in word
    if not words:
        return None
    if not code:
        facts = _file(done, words[0])
        return _run(done, words[0], facts, words[1:]) if facts is not None else None
    content = ("set -a;" if allexport else "") + words[0]
    facts = FileFacts("ok", content.encode("utf-8", "surrogateescape"), done.changed)
    return _run(done, "", facts, words[2:])


def script(done: Chain, first: str, words: list[str]) -> bool:
    """Read a program that is a shell script; any other is not understood."""
    facts = _file(done, first)
    name = posixpath.basename(first)
    if facts is None:
        return done.gap(f"{name} was not read: not known yet, or not found")
    if facts.status != "ok":
        if facts.status == "missing":
            done.unstartable = f"there is no program {first}"
        return done.gap(chain.why(facts), done.absolute(first) or first)
    if not SHEBANG.match(facts.content.partition(b"\n")[0]):
        return done.gap(f"dynamic: {name} is not understood")
    return done.rest(_run(done, first, facts, words), name)


def _file(done: Chain, program: str) -> FileFacts | None:
    """Find a program by its path, or in PATH."""
    if "/" in program:
        path = done.absolute(program)
        return done.known.file(path) if path else None
    found: FileFacts | None = None
    search = done.values.get("PATH", FOLDERS)
    for folder in [f for f in search.split(":") if f.startswith("/")]:
        found = done.known.file(f"{folder}/{program}")
        if found is None or found.status != "missing":
            done.found_in = folder
            return found
    return found


def _run(done: Chain, program: str, facts: FileFacts, arguments: list[str]) -> list[str] | None:
    """Read a shell script: what it sets, and the command that it ends in."""
    if facts.status != "ok":
        return None
    path = ""
    if program:
        path = (done.absolute(program) if "/" in program else f"{done.found_in}/{program}") or program
    called = Called(done.values, tuple(arguments), done.folder, done.complete)
    ran = shell.run(path, facts, called, done.known.file)
    for piece in ran.pieces:
        _piece(done, piece)
    done.folder = ran.folder
    if path:
        done.path, done.line, done.changed = path, ran.line, facts.changed
    if not ran.command:
        done.gap("dynamic: it does not end in a program that could be told")
        return []
    return list(ran.command)


def _piece(done: Chain, piece: Piece) -> None:
    """Add what one file says; a script in an argument stands where the argument stands."""
    parsed, path = piece.parsed, piece.path
    if not path:
        path = done.path
        moved = tuple(a._replace(line=done.line) for a in parsed.assignments) if parsed else ()
        parsed = parsed._replace(assignments=moved) if parsed else None
    source = Source("shell", path, Stage.EXEC, "shell")
    done.applied.append(Applied(source, parsed, piece.changed, piece.why))
