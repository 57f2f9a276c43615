"""By which way an update leaves: the desk's mail server, or the webhook of a channel's adapter."""

from __future__ import annotations

from typing import Literal

from schemas.base import ReplyAddress
from schemas.policy import DeskPolicy, MailSender, WebhookSender

Way = MailSender | WebhookSender | None


def way_out(desk: DeskPolicy | None, to: ReplyAddress) -> Way:
    """The sender for an address: the webhook of exactly its channel and provider, else mail for email.

    None when the policy has none, or no longer has the desk.
    """
    if desk is None:
        return None
    for webhook in desk.sending.webhooks:
        if (webhook.channel, webhook.provider) == (to.channel, to.provider):
            return webhook
    return desk.sending.email if to.channel == "email" else None


def kind_of(way: Way) -> Literal["mail", "webhook", "none"]:
    """Mail cannot be repeated without the customer noticing; a webhook can, by its idempotency key."""
    if isinstance(way, MailSender):
        return "mail"
    return "none" if way is None else "webhook"
