"""The line of a rackup file that has options for the server: `#\\ -E production`.

lib/unicorn/configurator.rb: parse_rackup_file() takes the first such line, and splits it at its blanks.
"""

from __future__ import annotations

import re

from envcheck.sources.text import decode

OPTIONS = re.compile(r"^#\\(.*)", re.MULTILINE)


def options(content: bytes) -> tuple[int, tuple[str, ...]]:
    """Give the line, and the words in it; 0 where there is none."""
    text = decode(content)
    found = OPTIONS.search(text)
    return (text.count("\n", 0, found.start()) + 1, tuple(found[1].split())) if found else (0, ())
