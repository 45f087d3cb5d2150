"""What the options of a program of supervisord have to be (supervisor/datatypes.py and options.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def _boolean(text: str) -> bool:
    """supervisor/datatypes.py `boolean`."""
    if text.lower() not in ("yes", "true", "on", "1", "no", "false", "off", "0"):
        raise ValueError
    return text.lower() in ("yes", "true", "on", "1")


def _restart(text: str) -> bool:
    return text.lower() == "unexpected" or _boolean(text)


def server_url(value: object) -> str:
    url = str(value or "")
    return "" if url.strip().upper() == "AUTO" else url


# Options that are read before the processes of a program are counted, and what they have to be.
FORMS: Mapping[str, Callable[[str], object]] = {
    **dict.fromkeys(("priority", "startsecs", "startretries", "stopwaitsecs"), int),
    **dict.fromkeys(("numprocs", "numprocs_start"), int),
    **dict.fromkeys(("autostart", "stopasgroup", "killasgroup", "redirect_stderr"), _boolean),
    "autorestart": _restart,
    **dict.fromkeys(("stopsignal", "exitcodes", "user", "umask", "serverurl"), str),
}
# Those that may differ between the processes of a program.
EACH = ("directory", "stdout_logfile", "stderr_logfile")
