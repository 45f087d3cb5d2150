"""What the README shows is true: its tables are the dicts, its spec loads, its statuses are the constants."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from envcheck import spec
from envcheck.cli.application import COMMANDS
from envcheck.judge import verdict
from envcheck.model import Diagnosis
from envcheck.report import FORMATS
from envcheck.servers import SERVERS
from envcheck.sources import DIALECTS
from envcheck.supervisors import SUPERVISORS

README = (Path(__file__).parent.parent / "README.md").read_text()

TABLES: dict[str, list[str]] = {
    "servers": list(SERVERS),
    "supervisors": list(SUPERVISORS),
    "dialects": ["envdir", *DIALECTS],
    "formats": list(FORMATS),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_name_what_is_there_and_nothing_else(name: str) -> None:
    found = re.search(rf"<!-- table: {name} -->\n(.*?)<!-- end -->", README, re.DOTALL)

    assert found is not None
    rows = re.findall(r"^\| `([^`]+)`", found[1], re.MULTILINE)
    assert sorted(rows) == sorted(TABLES[name])


def test_every_diagnosis_is_told() -> None:
    assert set(re.findall(r"`([a-z-]+)`", README)) >= {str(d) for d in Diagnosis}


def test_the_spec_loads_and_is_short() -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)

    assert len(text.splitlines()) <= 15
    assert len(spec.load(text.encode(), "/srv/spec.yaml").apps[0].expectations) == 7


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (verdict.OK, "all as it should be"),
        (verdict.DRIFT, "drift"),
        (verdict.NOTHING_MATCHED, "nothing matched"),
        (verdict.COULD_NOT_TELL, "could not tell"),
        (verdict.NOT_VERIFIED, "not verified"),
        (verdict.REFUSED, "refused"),
    ],
)
def test_exit_statuses(status: int, word: str) -> None:
    assert re.search(rf"^\| {status} \|.*{word}", README, re.MULTILINE)


def test_every_command_shown_is_one() -> None:
    shown = set(re.findall(r"^envcheck (\w+)", README, re.MULTILINE))

    assert shown
    assert shown <= set(COMMANDS)
