"""JSON by the parts in C: what the package would have given."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envcheck.probe import quick

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(VALUES)
@settings(deadline=None)
def test_both_ways(value: object) -> None:
    text = json.dumps(value, separators=(",", ":"))
    assert quick.dumps(value) == text
    assert quick.loads(text) == json.loads(text)
    assert quick.loads(f" {text}\n") == json.loads(text)


@given(st.text(alphabet='[]{}",:0123456789eE+-.\\untrfalse \n') | st.text())
@settings(deadline=None)
def test_what_is_refused(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011 - the package's own words
            quick.loads(text)
    else:
        assert repr(quick.loads(text)) == repr(expected)


def test_what_cannot_be_written() -> None:
    with pytest.raises(TypeError):
        quick.dumps([object()])


def test_neither_way_imports_the_package(sent: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(sent)!r}); from elsewhere import quick;"
        "assert quick.loads(quick.dumps([{'a': [1.5, None]}])) == [{'a': [1.5, None]}];"
        "print('json' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, check=True).stdout
    assert said == b"False\n"
