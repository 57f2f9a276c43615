"""The policy: all that an operator decides, in one document with a version.

Read from YAML by `runtime.policy_file`, which adds line numbers to what is wrong. Rules are ordered
and named; every decision names the one that won.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from schemas.base import (
    LEVELS,
    PRIORITIES,
    Channel,
    DeskId,
    Language,
    Level,
    Priority,
    SkillLevel,
)
from schemas.messages import AutomaticKind
from schemas.updates import UpdateKind

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _seconds(value: Any) -> Any:
    if isinstance(value, str):
        found = _DURATION.fullmatch(value.strip())
        if found is None:
            message = f"{value!r} is no duration; write a number and a unit: 500ms, 30s, 15m, 4h or 2d"
            raise ValueError(message)
        return float(found[1]) * _UNIT_SECONDS[found[2]]
    message = "a duration needs its unit: 500ms, 30s, 15m, 4h or 2d"
    raise ValueError(message)


Duration = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]
"""Written as `15m`, held in seconds."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
"""Of a rule, a tier or a provider, e.g. `outage-in-production`."""

Source = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
"""A value, or where it lies: `env:NAME` or `file:/path`. Secrets are always `env:` or `file:`."""

SkillPattern = Annotated[str, StringConstraints(pattern=r"^[a-z]+:([A-Za-z0-9_.+-]+|\{language\})$", max_length=80)]
"""A skill; `language:{language}` stands for the customer's own language."""


def _pointer(value: str) -> str:
    if re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+", value) is None:
        message = "a secret never stands in the policy itself; write where it lies: env:NAME or file:/path"
        raise ValueError(message)
    return value


SecretSource = Annotated[str, AfterValidator(_pointer)]
"""Where a secret lies: `env:NAME` or `file:/path`."""


def _once(names: Iterable[str]) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        message = f"{', '.join(twice)} stands more than once; reasons name it, so it must be unique"
        raise ValueError(message)


class Part(BaseModel):
    """A part of the policy. A field that is not known is refused: it is a spelling mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class When(Part):
    """What must hold for a rule to count. All fields that are given must hold; none given: always."""

    channel: tuple[Channel, ...] = ()
    provider: tuple[Name, ...] = ()
    language: tuple[Language, ...] = ()
    tier: tuple[Name, ...] = ()
    text: tuple[Annotated[str, StringConstraints(min_length=2, strip_whitespace=True)], ...] = ()
    """Any of these words or phrases, as whole words, in subject or text; case does not matter.
    A trailing `*` takes any ending: `принтер*`."""
    contacts_at_least: Annotated[int, Field(ge=2)] | None = None
    """The customer wrote at least so many messages in this case."""
    live: bool | None = None
    automatic: bool | None = None


class LevelRule(Part):
    """One row of urgency or impact: the first that holds wins."""

    name: Name
    when: When = When()
    level: Level


class NeedRule(Part):
    """One source of needs: every rule that holds adds its skills; of one skill the higher level counts."""

    name: Name
    when: When = When()
    skills: Annotated[dict[SkillPattern, SkillLevel], Field(min_length=1)]


class Tier(Part):
    """A group of customers, by identifier."""

    name: Name
    identifiers: Annotated[tuple[str, ...], Field(min_length=1)]
    """With `*` for any characters: `email:*@bigco.example`, `tel:+2711*`."""


class Offers(Part):
    """How cases are put to agents."""

    expire: Duration = 30.0
    """How long an agent has to accept."""
    again_after: Duration = 120.0
    """How long an agent who declined, or let an offer expire, is not offered the same case."""
    automatic: tuple[Channel, ...] = ()
    """Channels on which a case is assigned without asking."""


class Presence(Part):
    """Agents' leases."""

    lease: Duration = 30.0
    """How long an agent counts as there after the last RenewPresence."""


class Target(Part):
    """What is promised for one priority."""

    first_response: Duration
    resolution: Duration


class Sla(Part):
    """The promises."""

    warn_at: Annotated[float, Field(gt=0, lt=1)] = 0.75
    """At which part of the time a clock warns."""
    targets: dict[Priority, Target]

    @model_validator(mode="after")
    def _every_priority(self) -> Self:
        missing = [p for p in PRIORITIES if p not in self.targets]
        if missing:
            message = f"no target for {', '.join(missing)}; every priority from P1 to P5 needs one"
            raise ValueError(message)
        return self


class IntakeSource(Part):
    """One way in: a provider on a channel, and the secrets that prove it."""

    channel: Channel
    provider: Name
    secrets: tuple[SecretSource, ...] = ()
    """Any of them may have signed: put the new one beside the old one to rotate."""
    open: Literal["anyone can forge messages here"] | None = None
    """Only with these words does a source run without a secret."""
    addresses: tuple[Annotated[str, StringConstraints(pattern=r"^[^\s@]+@[^\s@]+$", max_length=320)], ...] = ()
    """Of the desk, for a source that takes mail by SMTP: mail to any of them is the desk's."""

    @model_validator(mode="after")
    def _proof(self) -> Self:
        if not self.secrets and self.open is None:
            message = (
                "needs secrets (e.g. ['env:ACME_CHAT_SECRET']); to run it without any, "
                "write: open: anyone can forge messages here"
            )
            raise ValueError(message)
        return self


class MailSender(Part):
    """How mail goes out."""

    url: Source
    """`smtp://user:password@host:587?starttls=true`, `smtps://host:465` or plain `smtp://host:25`;
    as `env:NAME` or `file:/path` when it holds a password."""
    sender: Annotated[str, StringConstraints(min_length=3)]
    """The From of the mail: `Acme Support <support@acme.example>`."""


class WebhookSender(Part):
    """How updates for one channel go out: signed, to the adapter that brings them to the provider."""

    channel: Channel
    provider: Name
    url: Source
    secret: SecretSource
    """A Standard Webhooks secret (`whsec_...`)."""


class Sending(Part):
    """The ways out."""

    email: MailSender | None = None
    webhooks: tuple[WebhookSender, ...] = ()

    @field_validator("webhooks")
    @classmethod
    def _webhooks_once(cls, webhooks: tuple[WebhookSender, ...]) -> tuple[WebhookSender, ...]:
        _once(f"{webhook.channel}/{webhook.provider}" for webhook in webhooks)
        return webhooks


class TemplateText(Part):
    """One text in one language; Jinja2, with the variables of docs/policy.md."""

    subject: str | None = None
    text: Annotated[str, StringConstraints(min_length=1)]


class Updates(Part):
    """What customers are told."""

    tell: tuple[UpdateKind, ...] = ("acknowledged", "assigned", "progress", "reply", "resolved")
    templates: dict[UpdateKind, dict[Language, TemplateText]] = {}
    """In place of the built-in texts, by kind and language."""
    per_customer_per_hour: Annotated[int, Field(ge=1)] = 5
    """Acknowledgements at most, to one customer; more would make us a spam relay."""
    per_hour: Annotated[int, Field(ge=1)] = 5000
    """Acknowledgements at most, in all."""


class AutomaticMail(Part):
    """What happens to machines' mail. None of it is ever acknowledged."""

    close: tuple[AutomaticKind, ...] = ("auto_reply", "bounce", "loop")
    """Registered as a case of its own and closed at once, when it belongs to no open case."""


def _linear(pattern: str) -> str:
    """A pattern that can be searched for in time that grows with the text alone."""
    try:
        # pydantic's own engine is such a one, and refuses what could not be: lookaround and backreferences.
        whole = TypeAdapter(Annotated[str, StringConstraints(pattern=f"^(?:{pattern})$")])
    except Exception as error:
        message = f"{pattern!r} is no regular expression without lookaround and backreferences"
        raise ValueError(message) from error
    try:
        whole.validate_python("")
    except ValidationError:
        return pattern
    message = f"{pattern!r} fits nothing at all as well; let it ask for a digit or a letter"
    raise ValueError(message)


class Facts(Part):
    """What is looked for in messages, beside what looks the same at every desk."""

    order_number: Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_linear)] | None = None
    """A regular expression (RE2) for the desk's order numbers: `AC-\\d{6}`."""
    products: Annotated[
        tuple[Annotated[str, StringConstraints(min_length=2, max_length=80)], ...], Field(max_length=500)
    ] = ()
    """Names of what the desk supports, as customers write them; a trailing `*` takes any ending."""


class DeskPolicy(Part):
    """One desk."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    """As customers are told it."""
    reference_prefix: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,4}$")]
    """References look like `AC-7K3Q9XM`."""
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    """Country of phone numbers that are written without one, ISO 3166."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    """Spoken here; the first when a customer's cannot be told."""
    intake: tuple[IntakeSource, ...] = ()
    tiers: tuple[Tier, ...] = ()
    urgency: Annotated[tuple[LevelRule, ...], Field(min_length=1)]
    impact: Annotated[tuple[LevelRule, ...], Field(min_length=1)]
    matrix: dict[Level, dict[Level, Priority]]
    """Urgency, then impact, to priority."""
    needs: tuple[NeedRule, ...] = ()
    exclusive: tuple[Channel, ...] = ("phone",)
    """An agent with a live case on one of these channels gets nothing else."""
    offers: Offers = Offers()
    presence: Presence = Presence()
    sla: Sla
    sending: Sending = Sending()
    updates: Updates = Updates()
    automatic_mail: AutomaticMail = AutomaticMail()
    facts: Facts = Facts()
    remember_messages: Duration = 7 * 86400.0
    """How long a repeat of a message is recognised; above the longest retry of any provider."""
    remember_customers: Duration = 90 * 86400.0
    """How long a customer without an open case is recognised on all known channels."""

    # Each on its own field, so that a fault is reported on that field's line.

    @field_validator("urgency", "impact")
    @classmethod
    def _one_always_holds(cls, rules: tuple[LevelRule, ...]) -> tuple[LevelRule, ...]:
        if rules[-1].when != When():
            message = f"the last rule ({rules[-1].name}) must have no `when`, so that one always holds"
            raise ValueError(message)
        for rule in rules[:-1]:
            if rule.when == When():
                message = f"the rule {rule.name} always holds, so the rules after it never count"
                raise ValueError(message)
        return rules

    @field_validator("matrix")
    @classmethod
    def _every_cell(cls, matrix: dict[Level, dict[Level, Priority]]) -> dict[Level, dict[Level, Priority]]:
        gaps = [f"{u} x {i}" for u in LEVELS for i in LEVELS if u not in matrix or i not in matrix[u]]
        if gaps:
            message = f"no priority for {', '.join(gaps)} (urgency x impact)"
            raise ValueError(message)
        return matrix

    @field_validator("urgency", "impact", "needs", "tiers")
    @classmethod
    def _names_once(cls, named: tuple[Any, ...]) -> tuple[Any, ...]:
        _once(part.name for part in named)
        return named

    @field_validator("intake")
    @classmethod
    def _sources_once(cls, sources: tuple[IntakeSource, ...]) -> tuple[IntakeSource, ...]:
        _once(f"{source.channel}/{source.provider}" for source in sources)
        return sources


class Policy(Part):
    """The whole document."""

    version: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """Named in every decision; change it with every change of the document."""
    desks: Annotated[dict[DeskId, DeskPolicy], Field(min_length=1)]
