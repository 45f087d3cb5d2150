"""The text of a spec: bytes that are checked, and read as PyYAML's scanner wants to read them."""

from __future__ import annotations

from envcheck.spec.fault import Fault

MAX_BYTES = 1024 * 1024
# No text needs them: C0 without tab and newline, DEL, C1, and what YAML, but no editor, takes for a new line.
FORBIDDEN = "".join(map(chr, (*range(9), 11, 12, *range(14, 32), *range(127, 160), 0x2028, 0x2029)))


def decode(content: bytes) -> str:
    """Decode *content*; line breaks become newlines."""
    if len(content) > MAX_BYTES:
        raise Fault(1, f"is larger than {MAX_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Fault(content.count(b"\n", 0, error.start) + 1, "is not UTF-8 text") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = min((text.find(c) for c in FORBIDDEN if c in text), default=-1)
    if found >= 0:
        raise Fault(text.count("\n", 0, found) + 1, f"holds the control character U+{ord(text[found]):04X}")
    return text


class Mark:
    """A place in the text; all count from 0."""

    __slots__ = ("column", "index", "line")

    def __init__(self, index: int, line: int, column: int) -> None:
        self.index = index
        self.line = line
        self.column = column


class Reader:
    """The methods and attributes that PyYAML's scanner asks of its reader."""

    encoding = None

    def __init__(self, text: str) -> None:
        self._text = text + "\0" * 8  # the end, as the scanner knows it; it looks ahead by a few
        self.index = self.line = self.column = 0

    def peek(self, index: int = 0) -> str:
        return self._text[self.index + index]

    def prefix(self, length: int = 1) -> str:
        return self._text[self.index : self.index + length]

    def forward(self, length: int = 1) -> None:
        start = self.index
        self.index = end = start + length
        breaks = self._text.count("\n", start, end)
        if breaks:
            self.line += breaks
            self.column = end - 1 - self._text.rfind("\n", start, end)
        else:
            self.column += length

    def get_mark(self) -> Mark:
        return Mark(self.index, self.line, self.column)
