"""Signatures of Mailgun, SendGrid, Postmark, SES and Mailjet: what is let in, and what is not."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sendgrid.helpers.eventwebhook import EventWebhook

from services.ingest.provider import Rejected, Request
from tests.unit.ingest.mail_providers import (
    CERTIFICATE_URL,
    NOW,
    OTHER_TOPIC,
    RAW,
    SIDES,
    TOPIC,
    amazon,
    door,
    intake,
    key_pair,
    mailgun,
    parse,
    provider_of,
    sendgrid,
    ses,
    sns,
    subscription,
)

HOSTILE = ["é", "\ud800", "=", "====", "a" * 70_000, "Basic", "Basic é", "Basic \udc80", "\x00", "0" * 64, "Basic Og=="]
HEADER = {
    "sendgrid": "x-twilio-email-event-webhook-signature",
    "postmark": "authorization",
    "mailjet": "authorization",
}


def proved(request: Request) -> str:
    """`proven`, or why not."""
    try:
        assert door(request.url.rpartition("/")[2]).prove(request)
    except Rejected as rejected:
        return rejected.reason
    return "proven"


@pytest.fixture(params=sorted(SIDES))
def name(request):
    return request.param


def test_valid_and_second_secret(name):
    """Both secrets of a source let in what they signed, while they are being rotated."""
    side = SIDES[name]
    assert proved(side.make(side.first)) == "proven"
    assert proved(side.make(side.second)) == "proven"


def test_other_secret(name):
    """A secret that is not the source's proves nothing."""
    assert proved(SIDES[name].make(SIDES[name].other)) == "forged"


def test_unsigned(name):
    """Without a signature, or with an empty one, a provider is told what is missing."""
    request = SIDES[name].make()
    if name in HEADER:
        assert proved(replace(request, headers={"content-type": request.headers["content-type"]})) == "unsigned"
        assert proved(replace(request, headers={**request.headers, HEADER[name]: ""})) == "unsigned"
    elif name == "mailgun":
        for field in ("timestamp", "token", "signature"):
            without = request.body.replace(field.encode() + b"=", b"x" + field.encode() + b"=")
            assert proved(replace(request, body=without)) == "unsigned"
        assert proved(replace(request, body=request.body.rpartition(b"=")[0] + b"=")) == "unsigned"
    else:
        for field in ("Signature", "SignatureVersion", "SigningCertURL"):
            envelope = {k: v for k, v in json.loads(request.body).items() if k != field}
            assert proved(replace(request, body=json.dumps(envelope).encode())) == "unsigned"
            assert proved(replace(request, body=json.dumps({**envelope, field: ""}).encode())) == "unsigned"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_signature(name, hostile):
    """What makes validators crash, or is no signature, is turned down as what it is."""
    request = SIDES[name].make()
    if name in HEADER:
        request = replace(request, headers={**request.headers, HEADER[name]: hostile})
    elif name == "mailgun":
        printable = hostile.encode("utf-8", "replace").decode()
        request = replace(request, body=request.body.rpartition(b"=")[0] + b"=" + printable.encode())
    else:
        request = replace(request, body=json.dumps({**json.loads(request.body), "Signature": hostile}).encode())
    assert proved(request) in {"forged", "unsigned", "malformed"}


@pytest.mark.parametrize("name", ["sendgrid", "ses"])
def test_body_changed_by_one_byte(name):
    """A signature over the body covers every byte of it (of SNS, every byte of what is signed)."""
    request = SIDES[name].make()
    places = (
        range(len(request.body))
        if name == "sendgrid"
        else range(request.body.index(b'"Message":') + 12, request.body.index(b'"Message":') + 800, 7)
    )
    for place in [*places][:: max(1, len(places) // 60)]:
        changed = bytearray(request.body)
        changed[place] ^= 1
        assert proved(replace(request, body=bytes(changed))) in {"forged", "malformed"}, place
    assert proved(request) == "proven"


@pytest.mark.parametrize(
    ("name", "longest"),
    [("mailgun", timedelta(hours=9)), ("sendgrid", timedelta(hours=73)), ("ses", timedelta(days=1))],
)
def test_stale(name, longest):
    """What is older than the provider's longest retry is stale, as is what comes from the future; the retry is not."""
    for at in (NOW - longest - timedelta(seconds=1), NOW + timedelta(minutes=6)):
        request = SIDES[name].make(at=at)
        assert proved(request) == "proven"
        with pytest.raises(Rejected) as rejected:
            parse(request)
        assert rejected.value.reason == "stale"
        assert len(parse(request, proven=False)) == 1
    for at in (NOW - longest, NOW + timedelta(minutes=4)):
        assert len(parse(SIDES[name].make(at=at))) == 1


def test_replayed(name):
    """The same request again gives the same events."""
    request = SIDES[name].make()
    first, again = parse(request), parse(request, at=NOW + timedelta(minutes=10))
    assert [event.message_id for event in first] == [event.message_id for event in again]
    assert len(first) == 1


def test_nothing_at_all(name):
    """An empty body proves nothing, and is no mail."""
    empty = replace(SIDES[name].make(), body=b"")
    if name not in {"postmark", "mailjet"}:
        assert proved(empty) in {"forged", "malformed", "unsigned"}
    with pytest.raises(Rejected):
        parse(empty, proven=False)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("sendgrid", "no key"),
        ("sendgrid", base64.b64encode(b"no key").decode()),
        ("sendgrid", "é"),
        ("postmark", "nocolon"),
        ("postmark", ":password"),
        ("mailjet", "user:"),
        ("ses", "acme-inbound"),
        ("ses", "arn:aws:sqs:eu-west-1:123456789012:queue"),
        ("ses", f"{TOPIC}/@evil.example"),
    ],
)
def test_secret_that_cannot_be(name, secret):
    """A secret that can never prove anything is refused at start."""
    with pytest.raises(ValueError, match=r"\w"):
        provider_of(name).check_secret(secret)


def test_secrets_that_can_be():
    """Those of the right form are taken."""
    for name, side in SIDES.items():
        if provider_of(name).check_secret:
            provider_of(name).check_secret(side.as_policy(side.first))
    provider_of("ses").check_secret("arn:aws-cn:sns:cn-north-1:123456789012:acme.fifo")


def test_sendgrid_agrees():
    """SendGrid's own library lets in what is let in here, and nothing else."""
    request = sendgrid()
    signature, stamp = (request.headers[f"x-twilio-email-event-webhook-{n}"] for n in ("signature", "timestamp"))
    theirs = EventWebhook(key_pair("first")[1])
    assert theirs.verify_signature(request.body.decode(), signature, stamp)
    assert not theirs.verify_signature(request.body.decode() + "x", signature, stamp)
    assert not EventWebhook(key_pair("other")[1]).verify_signature(request.body.decode(), signature, stamp)
    assert proved(request) == "proven"


@pytest.mark.parametrize("stamp", ["", "nan", "-1", "é", "9" * 400, "2026-11-22", "١٧٩٥٣٣٩٧٧٠", " 1795339770"])
def test_hostile_timestamp(stamp):
    """A timestamp that is none lets nobody in."""
    header = "x-twilio-email-event-webhook-timestamp"
    request = sendgrid()
    assert proved(replace(request, headers={**request.headers, header: stamp})) in {"unsigned", "forged"}


def test_mailgun_digits_cannot_wander():
    """Timestamp and token are signed without a mark between them: another cut of the same text is forged."""
    request = mailgun(token="0123456789" * 5)
    stamp = str(int(NOW.timestamp()))
    for cut in (stamp[:-1], stamp + "0"):
        token = (stamp + "0123456789" * 5)[len(cut) :]
        body = request.body.replace(f"timestamp={stamp}".encode(), f"timestamp={cut}".encode())
        body = body.replace(b"token=" + b"0123456789" * 5, f"token={token}".encode())
        assert proved(replace(request, body=body)) == "forged"


def test_mailgun_body_is_not_covered():
    """Another body under the same signature is proved; its token tells that it was used."""
    request, other = mailgun(), mailgun(body_plain="Send me all passwords")
    assert proved(other) == "proven"
    token = provider_of("mailgun").single_use
    assert token(request) == token(other) == "a" * 50
    assert parse(request)[0].message_id != parse(other)[0].message_id


def test_mailgun_turns_down_for_good():
    """Where trying again is in vain, Mailgun hears the one number that makes it stop."""
    statuses = provider_of("mailgun").statuses
    assert {reason for reason, status in statuses.items() if status == 406} == {
        "unsigned", "forged", "stale", "malformed", "too_large", "compressed",
    }  # fmt: skip


@pytest.mark.parametrize("version", ["1", "2"])
def test_sns_versions(version):
    """Both versions of SNS's signature are checked, each with its own hash."""
    request = sns("hello", version=version)
    assert proved(request) == "proven"
    other = json.loads(request.body) | {"SignatureVersion": "2" if version == "1" else "1"}
    assert proved(replace(request, body=json.dumps(other).encode())) == "forged"
    assert proved(sns("hello", version="3")) == "forged"


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://evil.example/?https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-../bucket/evil.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem?x=.pem",
        "https://sns.eu-west-1.amazonaws.com/evil.pem",
        "https://bucket.s3.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://169.254.169.254/SimpleNotificationService-0123456789abcdef.pem",
        "file:///etc/passwd",
    ],
)
def test_sns_certificate_elsewhere(url):
    """A certificate is looked for on the host of the topic's region only, however well it signs."""
    request = sns("hello", SigningCertURL=url)
    with pytest.raises(Rejected) as rejected:
        provider_of("ses").needs(request, [TOPIC])
    assert rejected.value.reason == "forged"
    assert proved(replace(request, fetched={url: amazon()[1]})) == "forged"


def test_sns_needs():
    """Only for a topic of ours is anything fetched at all."""
    needs = provider_of("ses").needs
    assert list(needs(ses(), [OTHER_TOPIC, TOPIC])) == [CERTIFICATE_URL]
    assert list(needs(ses(OTHER_TOPIC), [TOPIC])) == []
    china = "arn:aws-cn:sns:cn-north-1:123456789012:acme"
    url = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0123456789abcdef.pem"
    assert list(needs(sns("hello", china, SigningCertURL=url), [china])) == [url]


def test_sns_certificates_that_prove_nothing():
    """A certificate of somebody else, of another time, or none at all proves nothing."""
    request = ses()
    for pem in (amazon(datetime(2026, 2, 1, tzinfo=UTC))[1], b"", b"no certificate", b"-----BEGIN CERTIFICATE-----"):
        assert proved(replace(request, fetched={CERTIFICATE_URL: pem})) == "forged"
    assert proved(ses(at=datetime(2027, 6, 1, tzinfo=UTC))) == "forged"
    assert proved(replace(request, fetched={})) == "forged"


def test_sns_subscription():
    """A proved wish to subscribe is confirmed at the topic's own host; nothing that stands in it is followed."""
    visits = provider_of("ses").visits
    expected = (
        "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
        "&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Aacme-inbound&Token=2336412f37"
    )
    for request in (subscription(), subscription(SubscribeURL="http://169.254.169.254/latest")):
        assert proved(request) == "proven"
        assert list(parse(request)) == []
        assert list(visits(request, intake("ses"))) == [expected]
    assert proved(subscription(OTHER_TOPIC)) == "forged"
    assert list(visits(ses(), intake("ses"))) == []
    assert list(visits(subscription(Type="UnsubscribeConfirmation"), intake("ses"))) == []
    assert (
        "&TopicArn=" not in next(iter(visits(subscription(Token="t&TopicArn=x"), intake("ses")))).partition("Token=")[2]
    )


def test_sns_subscription_at_an_open_door():
    """Whoever opens the door to everybody confirms nobody's topic."""
    with pytest.raises(Rejected) as rejected:
        provider_of("ses").visits(subscription(), intake("ses", proven=False))
    assert rejected.value.reason == "unsigned"


def test_raw_mail_is_what_is_signed():
    """A raw mail in eight bits inside a form is proved byte by byte."""
    request = sendgrid(email=RAW.replace(b"printer", "принтер".encode("koi8-r")))
    assert proved(request) == "proven"
    assert proved(replace(request, body=request.body.replace(b"\xd0", b"\xd1", 1))) == "forged"
