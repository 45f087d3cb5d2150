"""Why no report can be made: exit status and hint on the class.

* EnvcheckError (3)
  - RecordError
  - UsageError (2)
    - SpecError
  - NothingMatchedError (2)
  - HostError (3): one host of several; the others are looked at

Drift is not an error but a result. Something unreadable *within* a snapshot is a gap: data, not an exception.
A message has no capital, no full stop and never a value of a variable.
"""

from __future__ import annotations

from typing import ClassVar


class EnvcheckError(Exception):
    """Something that the user can act on."""

    exit_status: ClassVar[int] = 3
    hint: str = ""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint or self.hint


class RecordError(EnvcheckError):
    """A file is no record of a snapshot, or one that this version cannot read. `reason` leaves out which."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"unable to read the record {path}: {reason}")
        self.reason = reason


class UsageError(EnvcheckError):
    """The command line does not say what to do."""

    exit_status = 2


class SpecError(UsageError):
    """The spec cannot be used as it is written."""


class NothingMatchedError(UsageError):
    """Targets, or a spec, that no running server answers to: never a pass."""

    hint = "envcheck ps lists the servers that were found"


class HostError(EnvcheckError):
    """A host that cannot be asked. `status` names its state, `phase` says what was being done."""

    hint = "ssh -v shows what the connection meets"

    def __init__(self, status: str, phase: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status
        self.phase = phase
