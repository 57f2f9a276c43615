"""The shape of a provider: how its requests are proved, parsed and answered.

Everything here is pure: a provider gets a whole request and gives events, or raises `Rejected`. It reads no
clock (the time of receipt is in `Intake`), opens no connection and keeps nothing between requests. How to add
one: a module in `services/ingest/providers/` with a `PROVIDER` in it; nothing else has to be told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

from schemas.base import Channel
from schemas.codec import derive_id
from schemas.messages import ContactEnded, MessageReceived
from schemas.policy import DeskPolicy

Reason = Literal[
    "unsigned",
    "forged",
    "stale",
    "unknown_desk",
    "unknown_channel",
    "unknown_provider",
    "wrong_method",
    "slow",
    "too_large",
    "compressed",
    "malformed",
    "unavailable",
    "failed",
]
"""Why a request is turned down: the machine word of the answer, and the metric's label."""

STATUS: Final[dict[Reason, int]] = {
    "unsigned": 401,
    "forged": 403,
    "stale": 403,
    "unknown_desk": 404,
    "unknown_channel": 404,
    "unknown_provider": 404,
    "wrong_method": 405,
    "slow": 408,
    "too_large": 413,
    "compressed": 415,
    "malformed": 422,
    "failed": 500,
    "unavailable": 503,
}
"""What HTTP says to each. Our own faults are 5xx, so that providers bring the message again."""

REASONS: Final[tuple[Reason, ...]] = get_args(Reason)

InboundEvent = MessageReceived | ContactEnded


class Rejected(Exception):
    """The request is turned down. To do: answer with `STATUS[reason]`, count it, go on.

    `detail` goes to the provider in plain words: what is wrong and what would be right, without the
    customer's words or addresses.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Request:
    """A provider's request, read whole."""

    method: Literal["GET", "POST"]
    url: str
    """As the provider called it, query included: signatures may cover it."""
    headers: Mapping[str, str]
    """Names in lower case."""
    query: Mapping[str, str]
    body: bytes
    fetched: Mapping[str, bytes] = field(default_factory=dict)
    """What lies at the addresses that the provider named in `needs`."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What a provider has to know about the desk that its request is for."""

    desk: str
    policy: DeskPolicy
    channel: Channel
    provider: str
    received_at: datetime
    proven: bool
    """A secret was checked; false only where the policy leaves the source open."""

    def message_id(self, provider_id: str) -> str:
        """The id of the event that the provider calls `provider_id`: the same at every repeat."""
        return derive_id(f"{self.desk}/{self.channel}/{self.provider}", provider_id)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider is told, where it prescribes that."""

    body: bytes
    media_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider on one channel."""

    channel: Channel
    name: str
    """As in ingest's path and in the policy."""
    proof: Callable[[Request, str], None]
    """Raises Rejected(unsigned, forged, stale) unless this secret signed the request. Any other exception
    counts as forged: validators crash on hostile headers."""
    parse: Callable[[Request, Intake], Sequence[InboundEvent]]
    """The events in the request, in order; none when it holds nothing new. Raises Rejected(malformed,
    too_large). Must end in bounded time whatever the bytes."""
    answer: Callable[[Request, Sequence[InboundEvent], Intake], Answer] | None = None
    """The body that the provider prescribes, asked for after Kafka's acknowledgement."""
    handshake: Callable[[Request, Sequence[str]], Answer] | None = None
    """Answers the GET by which the provider checks the address; gets all secrets. Raises Rejected."""
    challenge: Callable[[Request, Sequence[str]], Answer | None] | None = None
    """Answers the POST by which the provider checks the address before it proves anything; gets all secrets.
    None for every other request, which then goes through proof and parse. Raises Rejected."""
    check_secret: Callable[[str], None] | None = None
    """Raises ValueError with the expected form, at start, for a secret that can never prove anything."""
    statuses: Mapping[Reason, int] = field(default_factory=dict)
    """What HTTP says in place of `STATUS`, where the provider has a number of its own for "not again"."""
    needs: Callable[[Request, Sequence[str]], Sequence[str]] | None = None
    """The addresses of what the proof needs besides the request and the secrets, as a certificate: they are
    read beforehand and given in `Request.fetched`. The request is not proved yet, so only addresses on hosts of
    the provider may be named."""
    visits: Callable[[Request, Intake], Sequence[str]] | None = None
    """The addresses that have to be called (GET) before the answer, to confirm what was proved and parsed."""
    single_use: Callable[[Request], str | None] | None = None
    """What a signature covers in place of the body: it is remembered, and forged when it comes again with
    other events."""
    heavy: bool = False
    """Parsing takes long enough to be done off the event loop, whatever the size."""
    webhook: bool = True
    """Comes by HTTP. False for what has a way in of its own, and is not to be had by a request."""
