"""Slack: Events API (JSON), and what people press and type in Slack (forms).

What is signed: `v0:<X-Slack-Request-Timestamp>:<raw body>`, HMAC-SHA256 with the app's signing secret, in
`X-Slack-Signature: v0=<hex>`; the timestamp may be five minutes off. Source:
https://docs.slack.dev/authentication/verifying-requests-from-slack. Retries: at once, after a minute and after
five (`X-Slack-Retry-Num`), with the same `event_id`, signed anew; an answer is due within three seconds.

A message is an event `message` by a person (also with files, with `/me`, or told to the channel out of a
thread), a slash command with words, or a button of ours that was pressed (`block_actions`), whose label is the
text. Bots' messages, edits, deletions, notices, reactions, modals and shortcuts are no new messages; nor are
mentions (`app_mention`), which Slack sends beside the `message`: subscribe to `message.*`. Nobody knows when
somebody leaves Slack, so these contacts are not live.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Final

from slack_sdk.signature import SignatureVerifier

from schemas.messages import Attachment
from services.ingest.normalise.form import Form
from services.ingest.normalise.instant import Part, Said, file, read, received
from services.ingest.provider import Answer, InboundEvent, Intake, Provider, Rejected, Request

MAX_AGE_SECONDS: Final = 300
_BY_PEOPLE: Final = frozenset({None, "", "file_share", "thread_broadcast", "me_message"})
"""Subtypes of messages that somebody wrote; all others are notices, or changes of earlier ones."""
_FORM: Final = "application/x-www-form-urlencoded"
_REFERENCE: Final = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
"""A person, channel, group or link in Slack's own markup: `<https://example.com|here>`, `<@U012|jan>`."""


class File(Part):
    """A file as Slack keeps it."""

    id: str | None = None
    name: str | None = None
    title: str | None = None
    mimetype: str | None = None
    size: int | None = None


class Shared(Part):
    """A message that was passed on, or the preview of a link."""

    text: str | None = None
    fallback: str | None = None


class Profile(Part):
    """What a person calls themselves, where Slack tells."""

    real_name: str | None = None
    display_name: str | None = None


class Event(Part):
    """One thing that happened."""

    type: str = ""
    subtype: str | None = None
    channel: Any = None
    user: Any = None
    bot_id: str | None = None
    hidden: bool = False
    text: str | None = None
    ts: str | None = None
    thread_ts: str | None = None
    channel_type: str | None = None
    user_profile: Profile | None = None
    files: tuple[File, ...] = ()
    attachments: tuple[Shared, ...] = ()


class Envelope(Part):
    """A request of the Events API."""

    type: str = ""
    challenge: str | None = None
    event_id: str | None = None
    event: Event | None = None


class Named(Part):
    """A text with its kind, as labels of buttons have it; a person or channel with its name."""

    id: str | None = None
    text: str | None = None
    name: str | None = None
    username: str | None = None


class Option(Part):
    """What was chosen of a list."""

    text: Named | None = None
    value: str | None = None


class Action(Part):
    """What was pressed or chosen. Slack tells of buttons that are only links, too."""

    action_id: str | None = None
    action_ts: str | None = None
    text: Named | None = None
    value: str | None = None
    url: str | None = None
    selected_option: Option | None = None

    def label(self) -> str | None:
        """The words on it."""
        chosen = self.selected_option or Option()
        return (self.text or chosen.text or Named()).text or self.value or chosen.value


class Container(Part):
    """The message of ours that the button is on."""

    channel_id: str | None = None
    thread_ts: str | None = None
    message_ts: str | None = None


class Interaction(Part):
    """What somebody did with something of ours."""

    type: str
    user: Named | None = None
    channel: Named | None = None
    container: Container | None = None
    actions: tuple[Action, ...] = ()


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless `secret` (the app's signing secret) signed time and body within five minutes."""
    stamp = request.headers.get("x-slack-request-timestamp")
    signature = request.headers.get("x-slack-signature")
    if not stamp or not signature:
        raise Rejected("unsigned", "the headers X-Slack-Request-Timestamp and X-Slack-Signature are needed")
    verifier = SignatureVerifier(secret)
    # The library says only that one of the two is wrong.
    if abs(verifier.clock.now() - int(stamp)) > MAX_AGE_SECONDS:
        raise Rejected("stale", "X-Slack-Request-Timestamp is more than five minutes off")
    if not verifier.is_valid(request.body, stamp, signature):
        raise Rejected("forged", "X-Slack-Signature does not fit this time, body and signing secret")


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """One message, or nothing; of several buttons pressed at once, each."""
    if _is_form(request):
        return [received(said, intake) for said in _from_form(Form.read(request))]
    envelope = read(Envelope, request.body)
    event = envelope.event
    ours = event is None or event.type != "message" or event.subtype not in _BY_PEOPLE
    if event is None or ours or event.bot_id or event.hidden:
        return []
    if not (isinstance(event.user, str) and event.user and isinstance(event.channel, str) and event.channel):
        raise Rejected("malformed", "event: a message has a user and a channel")
    if not envelope.event_id or not event.ts:
        raise Rejected("malformed", "event_id and event.ts: a message has both")
    return [received(_written(event, event.user, event.channel, event.ts, envelope.event_id), intake)]


def answer(request: Request, _: Sequence[InboundEvent], __: Intake) -> Answer:
    """The challenge where there is one; else nothing, since Slack would show it to the user, or stumble."""
    if _is_form(request):
        return Answer(b"")
    envelope = read(Envelope, request.body)
    asked = envelope.type == "url_verification" and envelope.challenge
    return Answer(envelope.challenge.encode() if asked and envelope.challenge else b"")


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith(_FORM)


def _written(event: Event, user: str, channel: str, stamp: str, delivery: str) -> Said:
    in_thread = event.thread_ts if event.thread_ts != stamp else None
    # In a channel an answer belongs into the message's thread; in a direct conversation it stands below it.
    thread = event.thread_ts or (None if event.channel_type == "im" else stamp)
    profile = event.user_profile or Profile()
    return Said(
        event=delivery,
        own_id=f"{channel}/{stamp}",
        network="slack",
        who=user,
        name=profile.real_name or profile.display_name,
        address=channel,
        thread=thread or None,
        lines=list(_lines(event)),
        files=[_attachment(one) for one in event.files],
        answers=f"{channel}/{in_thread}" if in_thread else None,
        at=_seconds(stamp),
    )


def _from_form(form: Form) -> Iterator[Said]:
    payload = form.text("payload")
    if payload is not None:
        yield from _pressed(read(Interaction, payload))
        return
    command, text = form.text("command"), form.text("text")
    if not command:
        if form.text("ssl_check"):
            return  # Slack tries the certificate from time to time
        raise Rejected("malformed", "the form has neither payload nor command")
    user, channel, trigger = form.text("user_id"), form.text("channel_id"), form.text("trigger_id")
    if not user or not channel or not trigger:
        raise Rejected("malformed", "a command has user_id, channel_id and trigger_id")
    if text and text.strip():
        yield Said(
            event=trigger,
            own_id=trigger,
            network="slack",
            who=user,
            name=form.text("user_name"),
            address=channel,
            lines=[_plain(text)],
        )


def _pressed(interaction: Interaction) -> Iterator[Said]:
    """Only `block_actions` has something to tell; shortcuts and modals are of apps that do more than ask."""
    if interaction.type != "block_actions":
        return
    where = interaction.container or Container()
    user = interaction.user.id if interaction.user else None
    channel = (interaction.channel.id if interaction.channel else None) or where.channel_id
    for action in interaction.actions:
        label = action.label()
        if action.url or not label:
            continue
        if not user or not action.action_ts or not interaction.user:
            raise Rejected("malformed", "actions: have a user and an action_ts")
        # Slack has no id for it: who pressed what and when, to the microsecond, is one.
        pressed = f"{user}/{action.action_ts}/{sha256(f'{action.action_id} {label}'.encode()).hexdigest()[:16]}"
        yield Said(
            event=pressed,
            own_id=pressed,
            network="slack",
            who=user,
            name=interaction.user.name or interaction.user.username,
            address=channel or user,
            thread=where.thread_ts or None,
            lines=[_plain(label)],
            answers=f"{channel}/{where.thread_ts}" if channel and where.thread_ts else None,
            at=_seconds(action.action_ts),
        )


def _lines(event: Event) -> Iterator[str]:
    yield _plain(event.text or "")
    if not event.text:
        # Somebody passed on a message without a word of their own.
        yield from (_plain(shared.text or shared.fallback or "") for shared in event.attachments)


def _plain(text: str) -> str:
    """Slack's markup as one reads it (https://docs.slack.dev/messaging/formatting-message-text)."""
    words = _REFERENCE.sub(_readable, text)
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _readable(found: re.Match[str]) -> str:
    mark, target, label = found.groups()
    if mark == "!":
        return label or f"@{target.partition('^')[0]}"
    if mark:
        return mark + (label or target)
    address = target.removeprefix("mailto:").removeprefix("tel:")
    return address if not label or label in target else f"{label} ({address})"


def _attachment(found: File) -> Attachment:
    return file(found.name or found.title, found.mimetype, found.size, found.id or "file")


def _seconds(stamp: str) -> float | None:
    try:
        return float(stamp)
    except ValueError:
        return None


PROVIDER = Provider(channel="chat", name="slack", proof=proof, parse=parse, answer=answer)
