"""Conversations at TimelinesAI, told once more in the shape of its webhooks. No I/O.

The list of chats is ordered by the last message, newest first, and a chat's history is
asked for newest first too. Of a message only what a webhook needs is written down: of
an attachment its name, never an address.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Final

from attrs import field, frozen

from outreach.adapters._http import HttpReply, HttpRequest
from outreach.adapters.timelinesai import wire
from outreach.adapters.timelinesai.replies import Body, said_by
from outreach.adapters.timelinesai.words import Json, moment, uid

__all__ = [
    "Written",
    "changed_request",
    "read_written",
    "written_request",
]

_RECEIVED: Final = "message:received:new"
_SENT: Final = "message:sent:new"
_NOT_FOUND: Final = 404
_MESSAGE: Final = "whatsapp"
"""The other types are calls, notes, mails and summaries."""


@frozen
class Written:
    """A message in a chat; *body* is its webhook, empty for what has none."""

    uid: str
    at: datetime | None
    body: bytes = field(repr=False)

    def told_since(self, since: datetime) -> bool:
        """It has a webhook, and was not written before."""
        return bool(self.body) and self.at is not None and self.at >= since


def changed_request(page: int) -> HttpRequest:
    """Ask for the chats with one person, the last changed first, 50 a page, from 1."""
    return wire.listed("/chats", group="false", page=str(page))


def written_request(chat: str, since: date, before: str = "") -> HttpRequest:
    """Ask for what was written in a chat, newest first, 50 at a time.

    *since* is read in the workspace's zone, which we do not know: leave a day of
    room. *before* is the id of the message to go on before.
    """
    query = {"after": since.isoformat(), "sorting_order": "desc"}
    if before:
        query["before_message"] = before
    return wire.listed(f"/chats/{chat}/messages", **query)


def read_written(reply: HttpReply, chat: wire.Chat) -> wire.Page[Written]:
    """Read a page of what was written in *chat*; one that is gone holds nothing."""
    if reply.status == _NOT_FOUND and said_by(reply).body is Body.ERROR:
        return wire.Page((), has_more=False)
    return wire.page_of(reply, "messages", lambda item: _written(item, chat))


def _written(item: Json, chat: wire.Chat) -> Written:
    known = uid(item.get("uid"))
    at = moment(item.get("timestamp")) or moment(item.get("received_timestamp"))
    from_us, kind = item.get("from_me"), item.get("message_type", _MESSAGE)
    if not known or at is None or not isinstance(from_us, bool) or kind != _MESSAGE:
        return Written(known, at, b"")
    webhook = {
        "event_type": _SENT if from_us else _RECEIVED,
        "chat": {"chat_id": int(chat.id), "is_group": False, "phone": chat.contact},
        "whatsapp_account": {"phone": chat.account},
        "message": {
            "message_uid": known,
            "direction": "sent" if from_us else "received",
            "text": _text(item, "text"),
            "origin": _text(item, "origin"),
            "timestamp": _text(item, "timestamp"),
            "received_timestamp": _text(item, "received_timestamp"),
            "sender": {"phone": _text(item, "sender_phone")},
            "recipient": {"phone": _text(item, "recipient_phone")},
            "attachments": _attachments(item),
        },
    }
    return Written(known, at, json.dumps(webhook).encode())


def _attachments(item: Json) -> list[Json]:
    if not item.get("has_attachment"):
        return []
    return [{"filename": _text(item, "attachment_filename")}]


def _text(item: Json, name: str) -> str:
    """A webhook with a number out of bounds in it would not be read at all."""
    said = item.get(name)
    return said if isinstance(said, str) else ""
