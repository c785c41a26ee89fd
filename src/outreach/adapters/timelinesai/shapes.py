"""A message in each of the shapes that the vendor's webhooks have had."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attrs import field, frozen

from outreach.adapters.timelinesai.words import (
    Json,
    chat_id,
    moment,
    number_of_jid,
    part,
    phone,
    plain,
    uid,
)

__all__ = ["Message", "flat", "nested", "old_bundle"]

_DIRECTIONS = {"sent": True, "received": False}


@frozen
class Message:
    """What all shapes say.

    Attributes:
        uid: empty if it cannot serve as an id.
        account: our number (E.164), empty if the shape does not say.
        contact: theirs.
        media: there is an attachment.
    """

    uid: str
    from_us: bool
    chat: str
    account: str
    contact: str = field(repr=False)
    text: str = field(repr=False)
    media: bool
    is_group: bool
    origin: str
    at: datetime | None


def nested(body: Json) -> Message | None:
    """Read the shape of the vendor's contract (webhooks 2.0.0)."""
    message, chat = part(body, "message"), part(body, "chat")
    from_us = _from_us(message)
    if from_us is None:
        return None
    them = part(message, "recipient" if from_us else "sender")
    return Message(
        uid=uid(message.get("message_uid")),
        from_us=from_us,
        chat=chat_id(chat.get("chat_id")),
        account=phone(part(body, "whatsapp_account").get("phone")),
        contact=phone(chat.get("phone")) or phone(them.get("phone")),
        text=plain(message.get("text")),
        media=_has_media(message),
        is_group=chat.get("is_group") is True,
        origin=plain(message.get("origin")),
        at=_at(message),
    )


def flat(body: Json, event_type: str) -> Message | None:
    """Read the shape of the vendor's guides: all below `data`, one direction a type."""
    data = part(body, "data")
    if not data:
        return None
    from_us = _from_us(data)
    if from_us is None:
        from_us = ":sent:" in event_type
    account = number_of_jid(data.get("whatsapp_account_id"))
    sender, recipient = (
        phone(data.get("sender_phone")),
        phone(data.get("recipient_phone")),
    )
    return Message(
        uid=uid(data.get("message_uid")),
        from_us=from_us,
        chat=chat_id(data.get("chat_id")),
        account=account or (sender if from_us else recipient),
        contact=recipient if from_us else sender,
        text=plain(data.get("text")),
        media=_has_media(data),
        is_group=data.get("is_group") is True,
        origin=plain(data.get("origin")),
        at=_at(data),
    )


def old_bundle(body: Json) -> Iterator[Message | None]:
    """Read the 'outbound integration' of old: a chat and its new messages."""
    account = number_of_jid(body.get("whatsapp_account_id"))
    for item in body["messages"]:
        from_us = _from_us(item) if isinstance(item, dict) else None
        if from_us is None:
            yield None
            continue
        yield Message(
            uid=uid(item.get("message_uid")) or uid(item.get("uid")),
            from_us=from_us,
            chat=chat_id(body.get("chat_id")),
            account=account,
            contact=phone(body.get("phone")),
            text=plain(item.get("text")),
            media=_has_media(item),
            is_group=body.get("is_group") is True,
            origin=plain(item.get("origin")),
            at=_at(item),
        )


def _from_us(message: Json) -> bool | None:
    direction = message.get("direction")
    return _DIRECTIONS.get(direction) if isinstance(direction, str) else None


def _has_media(message: Json) -> bool:
    return (
        bool(message.get("attachments"))
        or bool(message.get("attachment_url"))
        or message.get("has_attachment") is True
    )


def _at(message: Json) -> datetime | None:
    return moment(message.get("timestamp")) or moment(message.get("received_timestamp"))
