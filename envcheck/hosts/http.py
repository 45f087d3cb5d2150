"""Whether a URL answers: any status of 2xx or 3xx does. Redirects are not followed, proxies not asked."""

from __future__ import annotations

from urllib.parse import urlsplit

from envcheck.errors import UsageError

PORTS = {"http": 80, "https": 443}
GOOD = range(200, 400)


def checked(url: str) -> str:
    """Give the URL as it is.

    Raises:
        UsageError: It is none that could be asked, or holds a password.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable, parts = False, None
    if not usable or not url.isprintable() or " " in url:
        raise UsageError("--url wants an http or https URL", "as in http://127.0.0.1:8080/healthcheck")
    if parts is not None and "@" in parts.netloc:
        raise UsageError("a password does not belong into --url: others see the command line")
    return url


def answers(url: str, seconds: float) -> str:
    """Ask once; "" if the answer is good, else why it is not."""
    import http.client  # noqa: PLC0415 - only where a URL is asked

    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(str(parts.hostname), parts.port or PORTS[parts.scheme], timeout=max(0.1, seconds))
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers={"User-Agent": "envcheck"})
        status = connection.getresponse().status
    except TimeoutError:
        return "it does not answer in time"
    except (OSError, http.client.HTTPException) as error:
        return f"it does not answer ({getattr(error, 'strerror', None) or type(error).__name__})"
    finally:
        connection.close()
    return "" if status in GOOD else f"it answers with {status}"
