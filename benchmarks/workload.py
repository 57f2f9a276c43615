"""What the router is measured with: a roster, and messages of many customers of one desk."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from runtime.policy_file import parse_policy
from schemas.agents import AgentUpserted
from schemas.base import CHANNELS, Channel, Event, ReplyAddress
from schemas.commands import RenewPresence
from schemas.messages import MessageReceived, Sender
from schemas.policy import Policy

SEED = 20261122
AGENTS = 200
LANGUAGES = ("en", "ru", "af")
PRODUCTS = ("printer", "router", "shop")
_NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
_TEXTS = {
    "en": "Hello, my {product} stopped working this morning and I cannot work. I tried to restart it twice. Please help.",
    "ru": "Здравствуйте, мой {product} перестал работать утром, перезагрузка не помогла. Помогите, пожалуйста.",
    "af": "Goeie dag, my {product} werk nie meer vanoggend nie en ek kan nie werk nie. Help asseblief.",
}


def policy_text() -> str:
    """The sample desk's policy, assigning without asking, so that a run needs no desktops to answer."""
    sample = Path(__file__).parent.parent / "local" / "sample" / "policy.yaml"
    return "\n".join(_patient(line) for line in sample.read_text(encoding="utf-8").splitlines())


def policy() -> Policy:
    """The policy of the workload."""
    return parse_policy(policy_text(), "benchmark")


def _patient(line: str) -> str:
    stripped = line.strip()
    indent = line[: len(line) - len(line.lstrip())]
    if stripped.startswith("lease:"):
        return f"{indent}lease: 1d"
    if stripped.startswith("automatic: ["):
        return f"{indent}automatic: [email, chat, phone, social]"
    return line


def roster() -> Iterator[Event]:
    """Two hundred agents, each with a language or two and some products, all of them there."""
    dice = random.Random(SEED)
    for n in range(AGENTS):
        languages = dice.sample(LANGUAGES, dice.randint(1, 2))
        products = dice.sample(PRODUCTS, dice.randint(1, 3))
        skills = {f"language:{name}": dice.randint(2, 5) for name in languages}
        skills |= {f"product:{name}": dice.randint(2, 5) for name in products}
        skills |= {f"platform:{name}": 3 for name in ("windows", "linux", "mac")}
        capacity = dict.fromkeys(CHANNELS, 20)
        yield AgentUpserted(desk="acme", at=_NOW, agent_id=f"a{n}", name=f"Agent {n}", skills=skills, capacity=capacity)
        yield RenewPresence(desk="acme", at=_NOW, agent_id=f"a{n}")


def messages(count: int) -> Iterator[MessageReceived]:
    """`count` messages; about one in four is a further one of a customer who wrote before."""
    dice = random.Random(SEED + 1)
    customers = max(1, count * 3 // 4)
    for n in range(count):
        customer = n if n < customers else dice.randrange(customers)
        language = LANGUAGES[customer % len(LANGUAGES)]
        channel: Channel = ("email", "chat", "social")[customer % 3]
        identifier = f"email:customer-{customer}@example.com" if channel == "email" else f"handle:{channel}:{customer}"
        text = _TEXTS[language].format(product=dice.choice(PRODUCTS))
        yield MessageReceived(
            desk="acme",
            at=_NOW,
            message_id=f"{n:032x}",
            channel=channel,
            provider="bench",
            provider_message_id=f"<{n}@example.com>",
            sender=Sender(identifiers=(identifier,), name=f"Customer {customer}"),
            reply_to=ReplyAddress(channel=channel, provider="bench", address=identifier.rpartition(":")[2]),
            subject=f"Trouble with my {channel}" if channel == "email" else None,
            text=text,
            full_text=None,
            language=language,
        )
