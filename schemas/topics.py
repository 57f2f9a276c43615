"""The one registry of topics: name, key, events, partitions, retention, who writes and who reads.

No topic is named anywhere else. Names here are without the installation's prefix
(`SWITCHBOARD_TOPIC_PREFIX`, by default `switchboard.`); `Topics` binds them to one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from schemas import agents, assignments, cases, commands, messages, sla, updates
from schemas.base import Event

Service = Literal["ingest", "router", "sla-watcher", "notifier"]
SERVICES: Final[tuple[Service, ...]] = ("ingest", "router", "sla-watcher", "notifier")

DEFAULT_PREFIX: Final = "switchboard."
DEFAULT_PARTITIONS: Final = 12
"""Of every topic. All have the same number, so that one task sees all of a desk, or of a case."""

_DAY_MS: Final = 86_400_000


@dataclass(frozen=True)
class Topic:
    """One topic of the contract."""

    name: str
    """Without the prefix."""
    purpose: str
    key: Literal["desk", "case_id", "agent_id", "entity", "source"]
    """Which field of the events is the record's key; `source` for dead letters: as it was."""
    events: tuple[type[Event], ...] = ()
    producers: tuple[str, ...] = ()
    consumers: tuple[str, ...] = ()
    compacted: bool = False
    retention_ms: int = 7 * _DAY_MS
    max_message_bytes: int | None = None
    """Of a produce batch; the broker's own limit when None."""

    @property
    def config(self) -> dict[str, str]:
        """Kafka's own settings for the topic, by their Kafka names."""
        if self.compacted:
            return {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.2", "segment.ms": str(_DAY_MS)}
        limit = {} if self.max_message_bytes is None else {"max.message.bytes": str(self.max_message_bytes)}
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms), **limit}


RAW: Final = Topic(
    "raw",
    "Payloads that adapters publish to Kafka themselves, in a provider's own format.",
    "desk",
    producers=("adapters",),
    consumers=("ingest",),
)
MESSAGES: Final = Topic(
    "messages",
    "Inbound communications, normalised.",
    "desk",
    events=(messages.MessageReceived, messages.ContactEnded),
    producers=("ingest", "adapters"),
    consumers=("router",),
)
AGENTS: Final = Topic(
    "agents",
    "Who the agents are: skills, capacity, name.",
    "desk",
    events=(agents.AgentUpserted, agents.AgentRemoved),
    producers=("operators",),
    consumers=("router",),
    retention_ms=-1,
)
COMMANDS: Final = Topic(
    "commands",
    "What agents and operators do.",
    "desk",
    events=(
        commands.RenewPresence,
        commands.AcceptOffer,
        commands.DeclineOffer,
        commands.SendReply,
        commands.WaitForCustomer,
        commands.ResolveCase,
        commands.TransferCase,
        commands.EscalateCase,
        commands.SetPriority,
        commands.MergeCases,
    ),
    producers=("desktops",),
    consumers=("router",),
)
CASES: Final = Topic(
    "cases",
    "Everything that happens to a case, with the decision behind it.",
    "case_id",
    events=(
        cases.CaseOpened,
        cases.MessageAdded,
        cases.CasePrioritised,
        cases.CaseQueued,
        cases.CaseAssigned,
        cases.CaseReleased,
        cases.AgentReplied,
        cases.CaseWaiting,
        cases.CaseEscalated,
        cases.CaseTransferred,
        cases.CaseMerged,
        cases.CaseAbandoned,
        cases.CaseResolved,
        cases.CaseReopened,
    ),
    producers=("router",),
    consumers=("sla-watcher", "notifier", "desktops"),
    retention_ms=90 * _DAY_MS,
)
ASSIGNMENTS: Final = Topic(
    "assignments",
    "Offers, assignments and withdrawals for an agent's desktop.",
    "agent_id",
    events=(
        assignments.OfferMade,
        assignments.OfferWithdrawn,
        assignments.Assigned,
        assignments.Unassigned,
        assignments.CommandRejected,
    ),
    producers=("router",),
    consumers=("desktops",),
)
SLA: Final = Topic(
    "sla",
    "The clocks of a case: started, warned, breached, met.",
    "case_id",
    events=(
        sla.ClockStarted,
        sla.ClockPaused,
        sla.ClockResumed,
        sla.ClockWarned,
        sla.ClockBreached,
        sla.ClockMet,
        sla.ClockCancelled,
    ),
    producers=("sla-watcher",),
    consumers=("notifier",),
    retention_ms=90 * _DAY_MS,
)
UPDATES: Final = Topic(
    "updates",
    "What is to be told to customers, and what came of it.",
    "case_id",
    events=(updates.UpdateRequested, updates.UpdateDelivered, updates.UpdateFailed),
    producers=("notifier",),
    consumers=("notifier",),
    retention_ms=90 * _DAY_MS,
)
DEAD_LETTERS: Final = Topic(
    "dead-letters",
    "What could not be processed, unchanged, with reason and origin in headers.",
    "source",
    producers=SERVICES,
    consumers=("operators",),
    retention_ms=30 * _DAY_MS,
    # A dead letter is larger than the record it was made from, which may be as large as a broker takes.
    max_message_bytes=2 * 1024 * 1024,
)
ROUTER_STATE: Final = Topic(
    "router.state",
    "The router's private changelog.",
    "entity",
    producers=("router",),
    consumers=("router",),
    compacted=True,
)
SLA_WATCHER_STATE: Final = Topic(
    "sla-watcher.state",
    "The SLA watcher's private changelog.",
    "entity",
    producers=("sla-watcher",),
    consumers=("sla-watcher",),
    compacted=True,
)
NOTIFIER_STATE: Final = Topic(
    "notifier.state",
    "The notifier's private changelog.",
    "entity",
    producers=("notifier",),
    consumers=("notifier",),
    compacted=True,
)

REGISTRY: Final[tuple[Topic, ...]] = (
    RAW,
    MESSAGES,
    AGENTS,
    COMMANDS,
    CASES,
    ASSIGNMENTS,
    SLA,
    UPDATES,
    DEAD_LETTERS,
    ROUTER_STATE,
    SLA_WATCHER_STATE,
    NOTIFIER_STATE,
)

TOPIC_OF: Final[dict[type[Event], Topic]] = {event: topic for topic in REGISTRY for event in topic.events}
"""Each public event lies on exactly one topic."""


@dataclass(frozen=True)
class Topics:
    """The registry as one installation has it: with its prefix and its number of partitions."""

    prefix: str = DEFAULT_PREFIX
    partitions: int = DEFAULT_PARTITIONS
    _names: dict[str, Topic] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Index the full names."""
        self._names.update({self.name(topic): topic for topic in REGISTRY})

    def name(self, topic: Topic) -> str:
        """The full name of `topic`, as Kafka knows it."""
        return self.prefix + topic.name

    def of(self, name: str) -> Topic:
        """The topic that has this full name; KeyError when there is none."""
        return self._names[name]
