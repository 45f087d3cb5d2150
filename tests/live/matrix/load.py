"""load.py PORT: a new connection every few milliseconds until standard input closes; then what came of it."""

from __future__ import annotations

import json
import select
import socket
import sys
import time

PAUSE = 0.004  # seconds
PATIENCE = 10.0


def asked(port: int) -> bool:
    """Tell whether a new connection is answered well."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            while got := connection.recv(65536):
                answer += got
    except OSError:
        return False
    return answer.partition(b"\r\n")[0].split()[1:2] == [b"200"]


def main(port: int) -> dict[str, float]:
    requests = failed = 0
    gap = 0.0
    good = time.monotonic()
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        requests += 1
        if asked(port):
            now = time.monotonic()
            gap, good = max(gap, now - good), now
        else:
            failed += 1
    return {"requests": requests, "failed": failed, "gap": max(gap, time.monotonic() - good)}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
