"""What is told to customers, and what came of it: the topic `updates`. Written by notifier."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.base import CaseId, Event, EventId, Language, Reference, ReplyAddress

UpdateKind = Literal["acknowledged", "assigned", "progress", "reply", "resolved"]
"""`reply` carries an agent's own words; the others are written by a template."""


class UpdateEvent(Event):
    """What every event of an update carries."""

    update_id: EventId
    """The idempotency key that the receiving side sees; the same at every attempt."""
    case_id: CaseId
    reference: Reference
    update_kind: UpdateKind


class UpdateRequested(UpdateEvent):
    """The customer is to be told this."""

    reply_to: ReplyAddress
    language: Language
    subject: Annotated[str, StringConstraints(max_length=1000)] | None = None
    """For channels that have one."""
    text: str
    """Ready to be sent."""
    template: str
    """The template that wrote it, as `name.language`, or `agent` for an agent's own words."""
    policy_version: str
    attempt: Annotated[int, Field(ge=1)] = 1
    """Above 1 when an earlier attempt's outcome never came in."""


class UpdateDelivered(UpdateEvent):
    """The mail server, or the adapter, took it over."""

    channel: str
    provider: str
    attempts: Annotated[int, Field(ge=1)]
    provider_message_id: str | None = None
    """What the other side calls it."""


class UpdateFailed(UpdateEvent):
    """The customer could not be told."""

    channel: str
    provider: str
    attempts: Annotated[int, Field(ge=0)]
    reason: Literal["refused", "unreachable", "no_sender", "in_doubt", "suppressed"]
    """`in_doubt`: the sender was interrupted and does not repeat what may have been sent already;
    `suppressed`: too many updates to this address."""
    detail: str
