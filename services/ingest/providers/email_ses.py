"""Amazon SES: mail that a receipt rule publishes to an SNS topic, which posts it here.

Proof: SNS's signature (`services.ingest.sns`); the secret is the topic's ARN. The subscription confirms itself: a
proved SubscriptionConfirmation is answered by a visit to SNS. Source:
https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html. The id is SNS's MessageId.

With an SNS action the mail comes along (up to 150 KB; choose the encoding Base64, since UTF-8 loses other
charsets). With an S3 action it stays in the bucket: the message then has its headers, and says where the rest lies.
Other notifications (deliveries, bounces, complaints) are about mail that was sent and are no messages.

SES checks DMARC itself: where that passes, the sender is `verified`.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import from_json

from schemas.codec import describe
from services.ingest import age, sns
from services.ingest.normalise.mail import MAX_HEADERS, MAX_RECIPIENTS, Mail
from services.ingest.normalise.parsed_mail import assembled, delivered
from services.ingest.normalise.received import author, received
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request

OLDEST: Final = timedelta(days=1)
"""SNS tries for an hour at most."""
ELSEWHERE: Final = "[Amazon SES has put this mail into S3: {bucket}/{key}]"


class Header(BaseModel):
    """One header."""

    name: str
    value: str


class Common(BaseModel):
    """The headers that SES has read."""

    writers: Annotated[list[str], Field(alias="from", max_length=MAX_RECIPIENTS)] = []
    to: Annotated[list[str], Field(max_length=MAX_RECIPIENTS)] = []
    subject: str | None = None
    date: str | None = None
    message_id: Annotated[str | None, Field(alias="messageId")] = None


class Taken(BaseModel):
    """The mail as it was taken."""

    source: str | None = None
    destination: Annotated[list[str], Field(max_length=MAX_RECIPIENTS)] = []
    headers: Annotated[list[Header], Field(max_length=MAX_HEADERS)] = []
    common: Annotated[Common, Field(alias="commonHeaders")] = Common()


class Verdict(BaseModel):
    """What a check came to."""

    status: str = ""


class Action(BaseModel):
    """What the receipt rule did with the mail."""

    type: str = ""
    encoding: str = "UTF8"
    bucket: Annotated[str, Field(alias="bucketName")] = ""
    key: Annotated[str, Field(alias="objectKey")] = ""


class Receipt(BaseModel):
    """How it was taken."""

    action: Action = Action()
    dmarc: Annotated[Verdict, Field(alias="dmarcVerdict")] = Verdict()


class Notification(BaseModel):
    """What SES has to say."""

    type: Annotated[str, Field(alias="notificationType")] = ""
    mail: Taken = Taken()
    receipt: Receipt = Receipt()
    content: str | None = None


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """One mail; nothing for confirmations and for notifications of another kind."""
    envelope = sns.Envelope.read(request)
    if intake.proven:
        age.check(intake, sns.signed_at(envelope), OLDEST)
    if envelope.Type != "Notification" or not _about_a_mail(envelope.Message):
        return []
    try:
        notification = Notification.model_validate_json(envelope.Message)
    except ValidationError as error:
        raise Rejected("malformed", f"Message: {describe(error)}") from error
    mail = delivered(_mail(notification), notification.mail.source, notification.mail.destination)
    return [received(mail, intake, own_id=envelope.MessageId, verified=_vouched_for(notification, mail))]


def visits(request: Request, intake: Intake) -> Sequence[str]:
    """Where the subscription is confirmed. Whoever could not prove it is none of ours."""
    envelope = sns.Envelope.read(request)
    if envelope.Type != "SubscriptionConfirmation":
        return []
    if not intake.proven:
        raise Rejected("unsigned", "a subscription is confirmed only where the policy names its topic")
    return [sns.confirmation_url(envelope)]


def _about_a_mail(message: str) -> bool:
    """SES also writes plain words, when a topic is set up, and reports on mail that was sent."""
    try:
        found = from_json(message)
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("notificationType") == "Received"


def _mail(notification: Notification) -> Mail:
    content, action = notification.content, notification.receipt.action
    if content is None:
        where = ELSEWHERE.format(bucket=action.bucket, key=action.key)
        return assembled(_headers(notification.mail), where)
    if action.encoding.upper() != "BASE64":
        return Mail.read(content.encode())
    try:
        return Mail.read(b64decode(content, validate=True))
    except (Error, ValueError) as error:
        raise Rejected("malformed", "content is not in base64") from error


def _headers(taken: Taken) -> Iterator[tuple[str, str]]:
    """All of them, or at least those that SES has read."""
    yield from ((header.name, header.value) for header in taken.headers)
    common = taken.common
    read = {
        "from": ", ".join(common.writers),
        "to": ", ".join(common.to),
        "subject": common.subject,
        "date": common.date,
        "message-id": common.message_id,
    }
    yield from ((name, value) for name, value in read.items() if value)


def _vouched_for(notification: Notification, mail: Mail) -> bool:
    """DMARC holds for the domain of one author; a mail that names several is nobody's."""
    written, found = author(mail.headers.get("from", "")), notification.mail.common.writers
    checked = author(found[0]) if len(found) == 1 else None
    passed = notification.receipt.dmarc.status == "PASS"
    return bool(passed and written and checked and written[0] == checked[0])


PROVIDER = Provider(
    channel="email",
    name="ses",
    proof=sns.proof,
    check_secret=sns.check_topic,
    needs=sns.needs,
    parse=parse,
    visits=visits,
    heavy=True,
)
