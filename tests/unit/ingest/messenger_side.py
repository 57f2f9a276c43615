"""Messengers' webhooks as they are sent: signed with the provider's own library where there is one that goes with
ours, else by the documented recipe, written here a second time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from slack_sdk.signature import SignatureVerifier

from runtime.policy_file import parse_policy
from schemas.base import Channel
from services.ingest.doors import Door
from services.ingest.provider import InboundEvent, Intake, Rejected, Request
from services.ingest.providers import registry
from tests.unit.ingest.provider_side import NOW, POLICY

Headers = dict[str, str]
SECOND_OF_NOW = int(NOW.timestamp())
FORM = "application/x-www-form-urlencoded"


def dumped(payload: object) -> bytes:
    return json.dumps(payload).encode()


def meta(body: bytes, secret: str, _: datetime) -> Headers:
    return {"x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def line(body: bytes, secret: str, _: datetime) -> Headers:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"x-line-signature": base64.b64encode(digest).decode()}


def viber(body: bytes, secret: str, _: datetime) -> Headers:
    return {"x-viber-content-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def telegram(_: bytes, secret: str, __: datetime) -> Headers:
    return {"x-telegram-bot-api-secret-token": secret}


def vk(_: bytes, __: str, ___: datetime) -> Headers:
    return {}


def slack(body: bytes, secret: str, at: datetime) -> Headers:
    stamp = str(int(at.timestamp()))
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": str(signature)}


def batch(*events: Mapping[str, object], kind: str = "page", **entry: object) -> dict[str, object]:
    """A batch of Messenger's or Instagram's, of one entry."""
    return {"object": kind, "entry": [{"id": "1700", "time": SECOND_OF_NOW, "messaging": list(events)} | entry]}


def happened(number: int = 1, **what: object) -> dict[str, object]:
    """One event of such a batch: a text, unless something else is given."""
    what = what or {"message": {"mid": f"m_{number}", "text": "My printer is broken"}}
    return {
        "sender": {"id": "24015"},
        "recipient": {"id": "1700"},
        "timestamp": SECOND_OF_NOW * 1000 - 30_000,
    } | what


def line_event(number: int = 1, **changes: object) -> dict[str, object]:
    """A text, unless something else is given."""
    given: dict[str, object] = {
        "type": "message",
        "mode": "active",
        "timestamp": SECOND_OF_NOW * 1000 - 30_000,
        "source": {"type": "user", "userId": "U206d25c2ea6bd87c17655609a1c37cb8"},
        "webhookEventId": f"01FZ74A0TDDPYRVKNK77XKC3Z{number}",
        "deliveryContext": {"isRedelivery": False},
        "replyToken": "38ef843bde154d9b91c21320ffd17a0f",
        "message": {"id": f"46820{number}", "type": "text", "quoteToken": "q", "text": "My printer is broken"},
    }
    return {name: value for name, value in (given | changes).items() if value is not None}


def line_batch(*events: Mapping[str, object]) -> dict[str, object]:
    return {"destination": "U8e742f61d673b39c7fff3cecb7536ef0", "events": list(events)}


def viber_callback(**changes: object) -> dict[str, object]:
    """A text, unless something else is given."""
    return {
        "event": "message",
        "timestamp": SECOND_OF_NOW * 1000 - 30_000,
        "message_token": 4912661846655238145,
        "sender": {"id": "01234567890A=", "name": "Jan Botha", "language": "en", "country": "ZA", "api_version": 1},
        "message": {"type": "text", "text": "My printer is broken"},
        "silent": False,
    } | changes


def vk_callback(kind: str = "message_new", secret: str = "aaQ13axAPQEcczQa", **changes: object) -> dict[str, object]:
    """A message, unless something else is given as `object`."""
    given: dict[str, object] = {
        "group_id": 1,
        "type": kind,
        "event_id": "be5cdd4d08e46d5a4a2f7b1c0e02c7c3d1f7a6e2",
        "v": "5.199",
        "object": {"message": vk_message(), "client_info": {"button_actions": ["text"], "keyboard": True}},
        "secret": secret,
    }
    return {name: value for name, value in (given | changes).items() if value is not None}


def vk_message(**changes: object) -> dict[str, object]:
    return {
        "date": SECOND_OF_NOW - 30,
        "from_id": 123456,
        "id": 17,
        "out": 0,
        "version": 10000110,
        "attachments": [],
        "conversation_message_id": 15,
        "fwd_messages": [],
        "important": False,
        "is_hidden": False,
        "peer_id": 123456,
        "random_id": 0,
        "text": "My printer is broken",
    } | changes


def slack_event(envelope: Mapping[str, object] | None = None, **changes: object) -> dict[str, object]:
    """A message in a channel, unless something else is given."""
    event: dict[str, object] = {
        "type": "message",
        "channel": "C0123456",
        "user": "U0234567",
        "text": "My printer is broken",
        "ts": f"{SECOND_OF_NOW - 30}.000200",
        "event_ts": f"{SECOND_OF_NOW - 30}.000200",
        "channel_type": "channel",
        "team": "T061EG9R6",
        "client_msg_id": "5bc9f9a2-2d7e-4c0b-8d4e-7f5a9f2d8a11",
    }
    return {
        "token": "one-long-verification-token",
        "team_id": "T061EG9R6",
        "api_app_id": "A0FFV41KK",
        "type": "event_callback",
        "event_id": "Ev0PV52K21",
        "event_time": SECOND_OF_NOW - 30,
        "authorizations": [{"team_id": "T061EG9R6", "user_id": "U0BOT", "is_bot": True}],
        "event": {name: value for name, value in (event | changes).items() if value is not None},
    } | dict(envelope or {})


TELEGRAM: dict[str, object] = {
    "update_id": 10000,
    "message": {
        "message_id": 1365,
        "date": SECOND_OF_NOW - 30,
        "chat": {"id": 1111111, "type": "private", "first_name": "Jan", "last_name": "Botha"},
        "from": {"id": 1111111, "is_bot": False, "first_name": "Jan", "last_name": "Botha", "language_code": "en"},
        "text": "My printer is broken",
    },
}


@dataclass(frozen=True)
class Side:
    """One provider: its secrets, and how it proves a body with one of them."""

    channel: Channel
    sign: Callable[[bytes, str, datetime], Headers]
    example: Mapping[str, object]
    secrets: tuple[str, str, str] = ("the first secret", "второй", "somebody else's")
    """The first, the second, and one that is not the source's."""
    covers_body: bool = True
    timed: bool = False
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


SIDES: dict[str, Side] = {
    "messenger": Side("social", meta, batch(happened())),
    "instagram": Side("social", meta, batch(happened(), kind="instagram")),
    "line": Side("social", line, line_batch(line_event())),
    "viber": Side("social", viber, viber_callback()),
    "telegram": Side("social", telegram, TELEGRAM, ("first-token", "second_token", "other"), covers_body=False),
    "vk": Side("social", vk, vk_callback(), ("aaQ13axAPQEcczQa:2fd1cb35", "second:6f0c", "other:1"), covers_body=False),
    "slack": Side("chat", slack, slack_event(), timed=True),
}
DESK = parse_policy(POLICY, "policy.yaml").desks["acme"]


def intake(name: str, *, proven: bool = True) -> Intake:
    return Intake("acme", DESK, SIDES[name].channel, name, NOW, proven=proven)


def path(name: str) -> str:
    return f"/v1/desks/acme/{SIDES[name].channel}/{name}"


def request(name: str, body: bytes, headers: Mapping[str, str] | None = None) -> Request:
    given = SIDES[name].headers if headers is None else headers
    return Request("POST", f"https://help.acme.example{path(name)}", dict(given), {}, body)


def parse(name: str, payload: object, headers: Mapping[str, str] | None = None) -> Sequence[InboundEvent]:
    """What comes of a payload (or raw body) that was proved."""
    body = payload if isinstance(payload, bytes) else dumped(payload)
    return registry()[SIDES[name].channel, name].parse(request(name, body, headers), intake(name))


def refusal(name: str, payload: object, headers: Mapping[str, str] | None = None, reason: str = "malformed") -> str:
    """Why a payload is not taken."""
    with pytest.raises(Rejected) as rejected:
        parse(name, payload, headers)
    assert rejected.value.reason == reason
    return rejected.value.detail


def door(name: str, *, proved: bool = True) -> Door:
    side = SIDES[name]
    return Door("acme", DESK, registry()[side.channel, name], side.secrets[:2] if proved else ())


def signed(
    name: str,
    payload: object = None,
    secret: str | None = None,
    minutes: float = 0,
    headers: Mapping[str, str] | None = None,
) -> Request:
    """A request as the provider sends it."""
    side = SIDES[name]
    secret = secret or side.secrets[0]
    payload = side.example if payload is None else payload
    if name == "vk" and isinstance(payload, dict) and "secret" in payload:
        payload = payload | {"secret": secret.partition(":")[0]}
    body = payload if isinstance(payload, bytes) else dumped(payload)
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    return request(name, body, {**(side.headers if headers is None else headers), **side.sign(body, secret, at)})


def proved(name: str, sent: Request) -> str:
    """`proven`, or why not."""
    try:
        return "proven" if door(name).prove(sent) else "open"
    except Rejected as rejected:
        return rejected.reason
