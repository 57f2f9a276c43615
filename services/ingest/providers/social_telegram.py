"""Telegram bots: JSON, one update in a request.

Proof: `X-Telegram-Bot-Api-Secret-Token` is the `secret_token` that was given to `setWebhook`. It says who called;
body and time are not covered, so TLS keeps it from strangers, and a repeat has the same id. Source:
https://core.telegram.org/bots/api#setwebhook. Retries: until 2xx, held for 24 hours. One desk has one bot; the
update's id is the bot's own, and the chat and message beside it keep two bots apart that follow one another.

A message is a `message` or a `business_message` with content of a customer's, or a `callback_query`: a button of
ours that somebody pressed, whose label is the text. Edits, reactions, posts of channels (also where they are
forwarded into a group), bots' messages, notices, polls and memberships are no new messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Final

from pydantic import Field

from schemas.messages import Attachment
from services.ingest import shared_token
from services.ingest.normalise.instant import Part, Said, file, place, read, received
from services.ingest.provider import InboundEvent, Intake, Provider, Request

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
"""What Telegram takes for a secret token."""


class User(Part):
    """A person, or a bot."""

    id: int
    is_bot: bool = False
    first_name: str | None = None
    last_name: str | None = None


class Chat(Part):
    """Where it was said; `title` is that of a group or channel."""

    id: int
    title: str | None = None


class File(Part):
    """Any of Telegram's files; what is known of it depends on its kind."""

    file_name: str | None = None
    mime_type: str | None = None
    file_size: int | None = None
    emoji: str | None = None


class Contact(Part):
    """A card; the sender's own where `user_id` says so, and then Telegram vouches for its number."""

    phone_number: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    user_id: int | None = None


class Location(Part):
    """Where somebody is."""

    latitude: float | None = None
    longitude: float | None = None


class Venue(Part):
    """A place with a name."""

    title: str | None = None
    address: str | None = None


class Option(Part):
    """An answer to a poll."""

    text: str | None = None


class Poll(Part):
    """A question with answers to choose from."""

    question: str | None = None
    options: tuple[Option, ...] = ()


class Dice(Part):
    """A throw."""

    emoji: str | None = None
    value: int | None = None


class Button(Part):
    """A button of ours."""

    text: str | None = None
    callback_data: str | None = None


class Keyboard(Part):
    """The buttons below a message of ours."""

    inline_keyboard: tuple[tuple[Button, ...], ...] = ()


class Quoted(Part):
    """The message that this one answers."""

    message_id: int


class Message(Part):
    """What was sent, of any kind."""

    message_id: int
    date: int | None = None
    chat: Chat
    sender: User | None = Field(None, alias="from")
    sender_chat: Chat | None = None
    sender_business_bot: User | None = None
    business_connection_id: Annotated[str, Field(max_length=300)] | None = None
    message_thread_id: int | None = None
    is_topic_message: bool = False
    is_automatic_forward: bool = False
    reply_to_message: Quoted | None = None
    reply_markup: Keyboard | None = None
    text: str | None = None
    caption: str | None = None
    photo: tuple[File, ...] = ()
    document: File | None = None
    animation: File | None = None
    audio: File | None = None
    video: File | None = None
    video_note: File | None = None
    voice: File | None = None
    sticker: File | None = None
    contact: Contact | None = None
    location: Location | None = None
    venue: Venue | None = None
    poll: Poll | None = None
    dice: Dice | None = None
    story: Part | None = None
    paid_media: Part | None = None
    checklist: Part | None = None
    """The last three are not passed on, but somebody sent them."""


class Press(Part):
    """A button of ours that somebody pressed; `message` is the one that it is on."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    sender: User = Field(alias="from")
    message: Message | None = None
    data: str | None = None


class Update(Part):
    """A request."""

    update_id: int
    message: Message | None = None
    business_message: Message | None = None
    callback_query: Press | None = None


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless the request carries `secret` (the webhook's secret token)."""
    shared_token.proof(request, secret, "X-Telegram-Bot-Api-Secret-Token")


def check_secret(secret: str) -> None:
    """Raises ValueError for what Telegram does not take for a secret token."""
    if not _TOKEN.fullmatch(secret):
        message = "a secret token is 1 to 256 letters, digits, _ and -"
        raise ValueError(message)


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """One message, or nothing."""
    update = read(Update, request.body)
    if update.callback_query:
        said = _pressed(update.callback_query, update.update_id)
    elif update.business_message:
        said = _business(update.business_message, update.update_id)
    else:
        said = _written(update.message, update.update_id) if update.message else None
    return [received(said, intake)] if said else []


def _business(message: Message, update: int) -> Said | None:
    """Both sides of a business account's chat are told of; the customer is who the chat is with."""
    ours = message.sender_business_bot is not None or message.sender is None or message.sender.id != message.chat.id
    return None if ours else _written(message, update)


def _written(message: Message, update: int) -> Said | None:
    lines, files = list(_lines(message)), list(_files(message))
    hidden = message.story or message.paid_media or message.checklist
    if message.is_automatic_forward or not (lines or files or hidden):
        return None  # a notice, or a post of a channel
    if message.sender_chat and message.sender_chat.id != message.chat.id:
        who, name = message.sender_chat.id, message.sender_chat.title  # on behalf of a channel
    elif message.sender and not message.sender.is_bot:
        who, name = message.sender.id, _name(message.sender)
    else:
        return None  # bots, and who runs the group and stays unnamed
    own_id = f"{message.chat.id}/{message.message_id}"
    topic = str(message.message_thread_id) if message.is_topic_message and message.message_thread_id else None
    answered = message.reply_to_message
    return Said(
        event=f"{update} {own_id}",
        own_id=own_id,
        network="telegram",
        who=str(who),
        name=name,
        phone=message.contact.phone_number if message.contact and message.contact.user_id == who else None,
        address=str(message.chat.id),
        thread=message.business_connection_id or topic,
        lines=lines,
        files=files,
        answers=f"{message.chat.id}/{answered.message_id}" if answered else None,
        at=message.date,
    )


def _pressed(press: Press, update: int) -> Said | None:
    keyboard = press.message.reply_markup if press.message else None
    rows = keyboard.inline_keyboard if keyboard else ()
    labels = (button.text for row in rows for button in row if press.data and button.callback_data == press.data)
    label = next(labels, None) or press.data
    if press.sender.is_bot or not label:
        return None
    return Said(
        event=f"{update} {press.id}",
        own_id=f"callback/{press.id}",
        network="telegram",
        who=str(press.sender.id),
        name=_name(press.sender),
        address=str(press.message.chat.id if press.message else press.sender.id),
        thread=press.message.business_connection_id if press.message else None,
        lines=[label],
    )


def _lines(message: Message) -> Iterator[str]:
    found: list[str | None] = [message.text, message.caption]
    if message.contact:
        card = message.contact
        found += [" ".join(filter(None, (card.first_name, card.last_name))), card.phone_number]
    if message.venue:
        found += [message.venue.title, message.venue.address]
    if message.location:
        found.append(place(message.location.latitude, message.location.longitude))
    if message.poll:
        found += [message.poll.question, *(option.text for option in message.poll.options)]
    if message.dice:
        found.append(f"{message.dice.emoji or ''} {message.dice.value or ''}".strip())
    if message.sticker:
        found.append(message.sticker.emoji)
    yield from filter(None, found)


def _files(message: Message) -> Iterator[Attachment]:
    if message.photo:
        # The same picture in several sizes, the largest last.
        yield file(None, "image/jpeg", message.photo[-1].file_size, "photo")
    kinds = {
        "animation": message.animation,
        # Telegram repeats an animation as a document, for old bots.
        "document": None if message.animation else message.document,
        "audio": message.audio,
        "video": message.video,
        "video_note": message.video_note,
        "voice": message.voice,
        "sticker": message.sticker,
    }
    for kind, found in kinds.items():
        if found:
            yield file(found.file_name, found.mime_type, found.file_size, kind)


def _name(user: User) -> str:
    return " ".join(filter(None, (user.first_name, user.last_name)))


PROVIDER = Provider(channel="social", name="telegram", proof=proof, check_secret=check_secret, parse=parse)
