"""Every event of a case has its line in plain words."""

from __future__ import annotations

import pytest

from console.story import tell
from schemas.codec import decode
from schemas.topics import CASES, SLA, UPDATES
from tests.contracts.golden import golden

NAMES = {"lerato": "Lerato Dlamini", "sipho": "Sipho Mbeki"}


@pytest.mark.parametrize("kind", [*CASES.events, *SLA.events, *UPDATES.events], ids=lambda kind: kind.kind)
def test_every_event_of_a_case_is_told(kind) -> None:
    """`switchboard why` leaves nothing out."""
    example = golden(kind)
    event = decode(example.raw, example.raw_headers).event
    line = tell(event, NAMES)
    assert line is not None
    assert line.what
    assert line.reference == example.value["reference"]
    assert line.at == event.at


def test_decision_names_reasons_alternatives_and_policy() -> None:
    """Why this agent, who else, under which policy."""
    example = golden(next(kind for kind in CASES.events if kind.kind == "case_assigned"))
    line = tell(decode(example.raw, example.raw_headers).event, NAMES)
    assert line is not None
    assert line.what == "P2 to Lerato Dlamini after 9.3 s"
    assert line.why == ("least-loaded: 1 of 3 in use", "longest-idle: idle for 340 s")
    assert line.more == ("also considered: Sipho Mbeki, anna.k", "policy 2026-11-20.1")
