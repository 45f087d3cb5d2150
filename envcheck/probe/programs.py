"""The op "which": where programs are."""

import os

FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin")  # sshd and sudo may give less


def search_path() -> "list[str]":
    """PATH and the system's own folders, each once."""
    found = []  # type: list[str]
    for folder in [*os.environ.get("PATH", "").split(":"), *FOLDERS]:
        if folder.startswith("/") and folder not in found:
            found.append(folder)
    return found


def which(names: "list[str]") -> dict:
    """{"paths": {name: path or None}}."""
    return {"status": "ok", "paths": {name: _which(name) for name in names}}


def _which(name: str) -> "str | None":
    for path in [name] if "/" in name else [folder + "/" + name for folder in search_path()]:
        if name and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None
