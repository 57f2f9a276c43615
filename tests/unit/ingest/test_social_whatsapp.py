"""WhatsApp Cloud: batches, and what of them is a message."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from schemas.base import ReplyAddress
from schemas.messages import Attachment, MessageReceived, Sender
from services.ingest.provider import Rejected, Request
from services.ingest.providers.social_whatsapp import UNREADABLE, handshake
from tests.unit.ingest.provider_side import NOW, SECOND, SECRETS, intake, parse, wa, whatsapp


def test_text():
    """A text, whole."""
    assert parse("whatsapp", whatsapp(wa(context={"id": "wamid.0"}, text={"body": "My printer is broken"}))) == [
        MessageReceived(
            desk="acme",
            at=NOW,
            message_id=intake("whatsapp").message_id("wamid.1"),
            channel="social",
            provider="whatsapp",
            provider_message_id="wamid.1",
            sender=Sender(identifiers=("handle:whatsapp:27821234567", "tel:+27821234567"), name="Jan Botha"),
            reply_to=ReplyAddress(channel="social", provider="whatsapp", address="27821234567"),
            text="My printer is broken",
            language="en",
            references=("wamid.0",),
            verified=True,
            sent_at=datetime(2026, 11, 22, 9, 29, 30, tzinfo=UTC),
        )
    ]


def test_every_message_of_a_batch():
    """All messages of all changes of all entries count, in order."""
    one, two = json.loads(whatsapp(wa(number=1), wa(number=2))), json.loads(whatsapp(wa(number=3)))
    one["entry"][0]["changes"] += two["entry"][0]["changes"]
    one["entry"] += json.loads(whatsapp(wa(number=4)))["entry"]
    events = parse("whatsapp", json.dumps(one).encode())
    assert [event.provider_message_id for event in events] == [f"wamid.{n}" for n in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (wa("button", button={"payload": "yes", "text": "Yes, please"}), "Yes, please"),
        (
            wa("interactive", interactive={"type": "button_reply", "button_reply": {"id": "1", "title": "Call me"}}),
            "Call me",
        ),
        (
            wa(
                "interactive",
                interactive={"type": "list_reply", "list_reply": {"title": "Billing", "description": "Invoices"}},
            ),
            "Billing\nInvoices",
        ),
        (
            wa(
                "interactive",
                interactive={
                    "type": "nfm_reply",
                    "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"flow_token":"x","rating":"4"}'},
                },
            ),
            "rating: 4",
        ),
        (
            wa("location", location={"latitude": -25.75, "longitude": 28.19, "name": "Union Buildings"}),
            "Union Buildings\n-25.75, 28.19",
        ),
        (
            wa("contacts", contacts=[{"name": {"formatted_name": "Ann"}, "phones": [{"phone": "+1 555"}]}]),
            "Ann: +1 555",
        ),
        (
            wa("order", order={"text": "quickly", "product_items": [{"product_retailer_id": "INK", "quantity": 3}]}),
            "quickly\n3 x INK",
        ),
        (wa("unsupported", errors=[{"code": 131051}]), UNREADABLE),
        (wa("something_new", something_new={"x": 1}), UNREADABLE),
        (wa("interactive", context=None), UNREADABLE),
    ],
)
def test_what_customers_do(message, text):
    """Whatever a customer chose, shared or sent stands in the text in words."""
    (event,) = parse("whatsapp", whatsapp(message))
    assert event.text == text


def test_media():
    """Media are told of with caption, name, type and hash."""
    digest = base64.b64encode(bytes(range(32))).decode()
    media = {"caption": "see here", "filename": "a.pdf", "mime_type": "application/pdf", "sha256": digest, "id": "1"}
    (event,) = parse("whatsapp", whatsapp(wa("document", document=media)))
    assert event.text == "see here"
    assert event.attachments == (
        Attachment(name="a.pdf", media_type="application/pdf", size=0, sha256=bytes(range(32)).hex()),
    )


def test_media_without_words():
    """A voice note has no text; a hash that is none is left out."""
    (event,) = parse(
        "whatsapp", whatsapp(wa("audio", audio={"mime_type": "audio/ogg", "sha256": "4654+8g=", "id": "1"}))
    )
    assert (event.text, event.language) == ("", None)
    assert event.attachments == (Attachment(name="audio", media_type="audio/ogg", size=0),)


@pytest.mark.parametrize(
    "body",
    [
        whatsapp(wa("reaction", reaction={"message_id": "wamid.0", "emoji": "👍"})),
        whatsapp(wa("edit", edit={"original_message_id": "wamid.0"})),
        whatsapp(wa("revoke", revoke={"original_message_id": "wamid.0"})),
        whatsapp(wa("system", system={"body": "changed number"})),
        whatsapp(wa("interactive", interactive={"type": "call_permission_reply"})),
        whatsapp(field="messages", value={"statuses": [{"id": "wamid.0", "status": "read"}]}),
        whatsapp(wa(), field="smb_message_echoes"),
        whatsapp(wa(), field="account_update"),
    ],
)
def test_no_new_messages(body):
    """Statuses, reactions, edits, deletions, notices and echoes of our own are no messages."""
    assert parse("whatsapp", body) == []


def test_a_customer_without_a_number():
    """One who hides the number is known by the account."""
    message = {k: v for k, v in wa().items() if k != "from"} | {"from_user_id": "US.1349"}
    (event,) = parse("whatsapp", whatsapp(message))
    assert event.sender.identifiers == ("handle:whatsapp:US.1349",)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "JSON"),
        (b"{}", "object"),
        (b'{"object": "page", "entry": []}', "object"),
        (b'{"object": "whatsapp_business_account"}', "entry"),
        (whatsapp({"type": "text"}), "id"),
        (whatsapp({k: v for k, v in wa().items() if k != "from"}), "from"),
        (b'{"entry":' * 5000, "JSON"),
    ],
)
def test_malformed(body, detail):
    """What is wrong is said."""
    with pytest.raises(Rejected) as rejected:
        parse("whatsapp", body)
    assert rejected.value.reason == "malformed"
    assert detail in rejected.value.detail


def query(**changes: str) -> Request:
    given = {"hub.mode": "subscribe", "hub.verify_token": SECRETS["whatsapp"], "hub.challenge": "1158201444"}
    return Request("GET", "", {}, given | {f"hub.{name}": value for name, value in changes.items()}, b"")


@pytest.mark.parametrize("token", [SECRETS["whatsapp"], SECOND])
def test_handshake(token):
    """Whoever knows one of the secrets gets the challenge back."""
    assert handshake(query(verify_token=token), [SECRETS["whatsapp"], SECOND]).body == b"1158201444"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"verify_token": "wrong"}, "forged"),
        ({"verify_token": "é"}, "forged"),
        ({"verify_token": ""}, "unsigned"),
        ({"mode": "unsubscribe"}, "unsigned"),
        ({"challenge": "<script>" * 100}, "malformed"),
    ],
)
def test_handshake_refused(changes, reason):
    """Nobody else gets it, and it echoes no page."""
    with pytest.raises(Rejected) as rejected:
        handshake(query(**changes), [SECRETS["whatsapp"]])
    assert rejected.value.reason == reason
