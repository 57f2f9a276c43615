"""A desk in a test: literal times, a small policy, and the commands in as few words as possible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.core import step
from runtime.policy_file import parse_policy
from schemas.agents import AgentUpserted
from schemas.base import Channel, ReplyAddress
from schemas.commands import RenewPresence
from schemas.messages import ContactEnded, MessageReceived, Sender
from schemas.policy import Policy
from schemas.topics import TOPIC_OF
from services.router.core.router import RouterCore

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

POLICY = """
version: test-1
desks:
  acme:
    name: Acme
    reference_prefix: AC
    region: ZA
    languages: [en, ru, af]
    tiers: [{name: gold, identifiers: ["email:*@bigco.example"]}]
    urgency:
      - {name: outage, when: {text: [outage, "не работа*"]}, level: critical}
      - {name: third-contact, when: {contacts_at_least: 3}, level: high}
      - {name: machine, when: {automatic: true}, level: low}
      - {name: ordinary, level: normal}
    impact:
      - {name: gold-customer, when: {tier: [gold]}, level: high}
      - {name: one-person, level: normal}
    matrix:
      critical: {critical: P1, high: P1, normal: P2, low: P3}
      high: {critical: P1, high: P2, normal: P3, low: P4}
      normal: {critical: P2, high: P3, normal: P4, low: P5}
      low: {critical: P3, high: P4, normal: P5, low: P5}
    needs:
      - {name: printers, when: {text: [printer]}, skills: {"product:printer": 2}}
      - {name: own-language, skills: {"language:{language}": 1}}
      - {name: asks-for-person, when: {text: [human]}, skills: {"kind:person": 1}}
    offers: {expire: 20s, again_after: 60s, automatic: [phone]}
    presence: {lease: 30s}
    updates: {per_customer_per_hour: 2}
    sla:
      targets:
        P1: {first_response: 15m, resolution: 4h}
        P2: {first_response: 30m, resolution: 8h}
        P3: {first_response: 2h, resolution: 1d}
        P4: {first_response: 4h, resolution: 2d}
        P5: {first_response: 8h, resolution: 4d}
"""


def policy() -> Policy:
    return parse_policy(POLICY, "test.yaml")


def at(seconds: float) -> datetime:
    return NINE + timedelta(seconds=seconds)


def agent(
    agent_id: str = "thandi", kind: str = "person", skills: dict[str, int] | None = None, **capacity: int
) -> AgentUpserted:
    return AgentUpserted(
        desk="acme",
        at=NINE,
        agent_id=agent_id,
        name=agent_id.title(),
        agent_kind=kind,
        skills=skills or {"language:en": 5, "product:printer": 3},
        capacity=capacity or {"email": 2, "chat": 2, "phone": 1, "social": 2},
    )


def presence(agent_id: str = "thandi", state: str = "available") -> RenewPresence:
    return RenewPresence(desk="acme", at=NINE, agent_id=agent_id, state=state)


def message(
    message_id: str,
    text: str = "Good morning",
    *identifiers: str,
    channel: Channel = "email",
    name: str = "Jan",
    **fields: Any,
) -> MessageReceived:
    who = identifiers or ("email:jan@example.com",)
    return MessageReceived(
        desk="acme",
        at=NINE,
        message_id=message_id,
        channel=channel,
        provider="test",
        provider_message_id=f"<{message_id}@example.com>",
        sender=Sender(identifiers=who, name=name),
        reply_to=ReplyAddress(channel=channel, provider="test", address=who[0].partition(":")[2]),
        text=text,
        language=fields.pop("language", "en"),
        **fields,
    )


def call(message_id: str, contact: str, number: str = "tel:+27821234567") -> MessageReceived:
    return message(message_id, "", number, channel="phone", live=True, contact=contact)


def hung_up(message_id: str, contact: str, number: str = "tel:+27821234567") -> ContactEnded:
    return ContactEnded(
        desk="acme",
        at=NINE,
        message_id=message_id,
        channel="phone",
        provider="test",
        contact=contact,
        sender=Sender(identifiers=(number,)),
        reason="hung_up",
    )


class Scenario:
    """A core and its clock."""

    def __init__(self) -> None:
        self.core = RouterCore(policy())
        self._causes = 0

    def given(self, *commands: Any) -> Scenario:
        for command in commands:
            self.when(command)
        return self

    def when(self, command: Any, seconds: float = 0, cause: str | None = None) -> list[Any]:
        """The public facts that follow, `seconds` after nine."""
        self._causes += 1
        facts = step(self.core, cause or getattr(command, "message_id", f"cause-{self._causes}"), command, at(seconds))
        return [fact for fact in facts if type(fact) in TOPIC_OF]

    def time_passes(self, seconds: float) -> list[Any]:
        """The public facts of all deadlines up to then, each decided at its own instant."""
        facts: list[Any] = []
        while (deadline := self.core.next_deadline()) is not None and deadline <= at(seconds):
            while (due := self.core.take_due(deadline)) is not None:
                facts += step(self.core, due.id, due.command, deadline)
        return [fact for fact in facts if type(fact) in TOPIC_OF]


def kinds(facts: list[Any]) -> list[str]:
    return [type(fact).__name__ for fact in facts]


def only(facts: list[Any], kind: type[Any]) -> Any:
    found = [fact for fact in facts if type(fact) is kind]
    assert len(found) == 1, f"{len(found)} of {kind.__name__} in {kinds(facts)}"
    return found[0]
