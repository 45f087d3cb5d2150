"""Nothing that drives a terminal or forges a line gets out, and two texts never look the same."""

import base64
import json
import re
import subprocess
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envcheck.escaping import as_bytes, command, escape, escape_json_text

# What an environment can hold: text, and bytes that are no UTF-8.
TEXTS = st.one_of(
    st.text(),
    st.binary().map(lambda data: data.decode("utf-8", "surrogateescape")),
    st.text(alphabet="\\nrtxuU0a1b\n\r\t\x1b\x9b\u202e\udc9b\u200bé"),
)
HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def unescape(text: str) -> str:
    """The inverse, written anew: it exists, so nothing is ambiguous."""

    def one(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] in "xuU":
            number = int(code[1:], 16)
            return chr(number + 0xDC00) if code[0] == "x" and number >= 0x80 else chr(number)
        return {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}[code]

    return re.sub(r"\\(n|r|t|\\|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})", one, text)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain", "plain"),
        ("", ""),
        ("[/oops][link=http://evil]x[/link][bold]", "[/oops][link=http://evil]x[/link][bold]"),
        ("naïve café ✓ 日本語 👍🏽", "naïve café ✓ 日本語 👍🏽"),
        ("a\nb", r"a\nb"),
        ("a\r\n\tb", r"a\r\n\tb"),
        ("\x1b[2J\x1b]52;c;\x07", r"\x1b[2J\x1b]52;c;\x07"),
        ("\x00\x7f", r"\x00\x7f"),
        ("\x9b31m", r"\u009b31m"),
        ("\udc9b31m", r"\x9b31m"),
        ("\udcff\udcfe", r"\xff\xfe"),
        ("\ud800", r"\ud800"),
        ("\u202ecod", r"\u202ecod"),
        ("a\u200bb\ufeff\u00ad", r"a\u200bb\ufeff\u00ad"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\U000e0041", r"\U000e0041"),
        ("\u3164", r"\u3164"),
        ("\u00a0", r"\u00a0"),
        (r"C:\dir", r"C:\dir"),
        (r"C:\new", r"C:\\new"),
        ("\\\n", r"\\\n"),
        (r"\d" + "\n", r"\\d\n"),
    ],
)
def test_escape(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(TEXTS)
def test_nothing_unseen_gets_out(text: str) -> None:
    escaped = escape(text)
    assert not {unicodedata.category(character) for character in escaped} & HIDDEN_CATEGORIES
    escaped.encode()


@given(TEXTS)
def test_escape_is_unambiguous(text: str) -> None:
    assert unescape(escape(text)) == text


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"], exclude_characters="\\")))
def test_plain_text_stays(text: str) -> None:
    visible = "".join(c for c in text if c not in "\u115f\u1160\u2800\u3164\uffa0")
    assert escape(visible) == visible


@given(TEXTS)
def test_json_text_is_valid_for_strict_parsers(text: str) -> None:
    encoded = json.dumps(escape_json_text(text))
    assert json.loads(encoded).encode("utf-8").decode() == escape_json_text(text)
    assert encoded.isprintable()
    assert encoded.isascii()


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("plain", "plain"), ("é\n\u202e", "é\n\u202e"), ("a\udcffb", r"a\xffb"), ("\ud800", r"\ud800")],
)
def test_escape_json_text(text: str, escaped: str) -> None:
    assert escape_json_text(text) == escaped


@given(st.binary())
def test_bytes_survive(data: bytes) -> None:
    assert as_bytes(data.decode("utf-8", "surrogateescape")) == data


def test_hostile_environment_of_the_vectors() -> None:
    """T=ESC ]0;... as it was measured."""
    raw = base64.b64decode("VD0bXTA7cHduZWQHG1sySsKbMzFt4oCufwA=").decode()
    assert escape(raw.rstrip("\0")) == r"T=\x1b]0;pwned\x07\x1b[2J\u009b31m\u202e\x7f"


@settings(max_examples=40)
@given(st.lists(TEXTS.map(lambda text: text.replace("\0", ""))))
@example(["systemctl", "restart", r"web\x20app.service", "it's\n", "a\udcffb", "\u202e", ""])
def test_a_command_can_be_pasted(argv: list[str]) -> None:
    """Into bash: it makes the same words of it."""
    line = command(["printf", "%s\\0", *argv])
    said = subprocess.run(
        ["bash", "-c", line],
        check=True,
        stdout=subprocess.PIPE,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )
    assert line.isprintable()
    assert said.stdout == b"".join(as_bytes(word) + b"\0" for word in argv or [""])
