"""The nouns: frozen values that pass between the stages. Nothing here does anything.

They are named tuples, not dataclasses: the decorator of a frozen, slotted dataclass costs 0.7 ms a class
when the program starts, a named tuple 0.1 ms, and a deploy hook pays for all of them at every call.

Text is `str`, decoded as UTF-8 with `surrogateescape`: every byte survives. Times are seconds since the
epoch as floats, UTC.
"""

from __future__ import annotations

from envcheck.model.configured import (
    BY_DEFAULT,
    Answers,
    Applied,
    Assignment,
    Configured,
    FileFacts,
    Need,
    Output,
    Parsed,
    Problem,
    Setting,
    Source,
    Start,
)
from envcheck.model.expected import (
    App,
    Condition,
    Constraint,
    Count,
    Expectation,
    Match,
    Spec,
    Waiver,
)
from envcheck.model.running import (
    Generation,
    Owner,
    Process,
    Reading,
    Server,
)
from envcheck.model.seen import (
    Alike,
    AppReport,
    Difference,
    Finding,
    Gap,
    HostReport,
    Key,
    Layer,
    Listed,
    Recorded,
    Remedy,
    Report,
    Snapshot,
)
from envcheck.model.steps import (
    Hazard,
    Outcome,
    Plan,
    Step,
    Taken,
)
from envcheck.model.words import (
    Action,
    Cause,
    Change,
    Diagnosis,
    Disruption,
    Result,
    Role,
    Severity,
    Stage,
)

__all__ = [
    "BY_DEFAULT",
    "Action",
    "Alike",
    "Answers",
    "App",
    "AppReport",
    "Applied",
    "Assignment",
    "Cause",
    "Change",
    "Condition",
    "Configured",
    "Constraint",
    "Count",
    "Diagnosis",
    "Difference",
    "Disruption",
    "Expectation",
    "FileFacts",
    "Finding",
    "Gap",
    "Generation",
    "Hazard",
    "HostReport",
    "Key",
    "Layer",
    "Listed",
    "Match",
    "Need",
    "Outcome",
    "Output",
    "Owner",
    "Parsed",
    "Plan",
    "Problem",
    "Process",
    "Reading",
    "Recorded",
    "Remedy",
    "Report",
    "Result",
    "Role",
    "Server",
    "Setting",
    "Severity",
    "Snapshot",
    "Source",
    "Spec",
    "Stage",
    "Start",
    "Step",
    "Taken",
    "Waiver",
]
