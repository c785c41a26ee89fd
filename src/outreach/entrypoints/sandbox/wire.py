"""The vendor's words: what its API answers and its webhooks carry.

Shapes follow the vendor's OpenAPI file (public API 1.3.0, webhooks 2.0.0).
Times are written `YYYY-MM-DD HH:MM:SS +ZZZZ` in the workspace's time zone; they
are times of the machine's clock, since a vendor knows no other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs

from outreach.entrypoints.sandbox.journal import Json
from outreach.entrypoints.sandbox.world import Account, Chat, Message

__all__ = ["EVENT_TYPES", "FORBIDDEN_PAGE", "NOT_FOUND_PAGE", "Scribe", "error"]

_OWNER: Final = "Sandbox Owner"
_OWNER_MAIL: Final = "owner@sandbox.invalid"

EVENT_TYPES: Final = frozenset(
    {
        "message:new",
        "message:sent:new",
        "message:received:new",
        "whatsapp:account:connected",
        "whatsapp:account:disconnected",
        "whatsapp:account:suspended",
        "whatsapp:account:resumed",
        "chat:new",
        "chat:incoming:new",
        "chat:outgoing:new",
        "chat:responsible:assigned",
        "chat:responsible:unassigned",
        "call:incoming:missed",
        "call:incoming:ended",
        "call:outgoing:ended",
        "message:reaction",
        "waba:message:received",
        "waba:message:delivered",
        "waba:message:failed",
        "waba:message:read",
        "waba:chat:incoming",
        "waba:chat:outgoing",
        "waba:chat:assigned",
        "waba:chat:unassigned",
        "waba:chat:closed",
        "waba:chat:reopened",
        "waba:account:active",
        "waba:account:disabled",
        "waba:account:disconnected",
        "waba:template:approved",
        "waba:template:rejected",
        "waba:template:disabled",
    }
)

NOT_FOUND_PAGE: Final = (
    "<!DOCTYPE html><html><head><title>Page not found</title></head>"
    "<body><h1>404</h1><p>Page not found</p></body></html>"
)
FORBIDDEN_PAGE: Final = (
    "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>"
    "<body><h1>Sorry, you have been blocked</h1></body></html>"
)


def error(message: str, *, code: str | None = None, fields: Iterable[str] = ()) -> Json:
    """Write the body of an error. The live API often leaves the code out."""
    body: Json = {"status": "error", "message": message}
    if code is not None:
        body["error_code"] = code
    named = list(fields)
    if named:
        body["errors"] = [{"fields": named, "msg": message}]
    return body


@attrs.frozen
class Scribe:
    """Writes the vendor's shapes for one workspace.

    `engine_per_s` is `--speed`: how fast a message ages.
    """

    zone: ZoneInfo
    base_url: str
    engine_per_s: float

    def time(self, at_s: float) -> str:
        moment = dt.datetime.fromtimestamp(at_s, self.zone)
        return moment.strftime("%Y-%m-%d %H:%M:%S %z")

    def age(self, message: Message, now_s: float) -> float:
        """Give the age of a message in seconds of engine time."""
        return (now_s - message.at_s) * self.engine_per_s

    def status(self, message: Message, now_s: float) -> str:
        if message.fate is None:
            return "Sent" if message.from_me else "Read"
        return message.fate.history(self.age(message, now_s))[-1][0]

    def status_history(self, message: Message, now_s: float) -> list[Json]:
        if message.fate is None:
            word = self.status(message, now_s)
            return [{"status": word, "timestamp": self.time(message.at_s)}]
        return [
            {
                "status": word,
                "timestamp": self.time(message.at_s + after_s / self.engine_per_s),
            }
            for word, after_s in message.fate.history(self.age(message, now_s))
        ]

    def message(self, message: Message, now_s: float) -> Json:
        info: Json = {
            "uid": message.uid,
            "chat_id": message.chat.id,
            "timestamp": self.time(message.at_s),
            "received_timestamp": self.time(message.at_s),
            "sender_phone": message.sender,
            "sender_name": message.sender,
            "recipient_phone": message.recipient,
            "recipient_name": message.recipient,
            "from_me": message.from_me,
            "text": message.text or None,
            "status": self.status(message, now_s),
            "origin": message.origin,
            "has_attachment": message.media is not None,
            "message_type": "whatsapp",
            "data": {},
            "created_by": _OWNER if message.origin == "Public API" else "",
        }
        if message.media is not None:
            info["attachment_url"] = self._attachment_url(message)
            info["attachment_filename"] = message.media.filename
        return info

    def chat(self, chat: Chat) -> Json:
        info: Json = {
            "id": chat.id,
            "name": chat.name,
            "phone": chat.contact or None,
            "jid": chat.jid,
            "is_group": bool(chat.group),
            "closed": False,
            "read": True,
            "labels": [],
            "chatgpt_autoresponse_enabled": False,
            "responsible_email": None,
            "whatsapp_account_id": chat.account.jid,
            "chat_url": self._chat_url(chat),
            "created_timestamp": self.time(chat.created_at_s),
            "unattended": False,
            "photo": "",
            "is_allowed_to_message": chat.account.status == "active",
        }
        return {**info, **self._last_message(chat)}

    def account(self, account: Account) -> Json:
        return {
            "id": account.jid,
            "phone": account.phone,
            "connected_on": self.time(account.connected_at_s),
            "status": account.status,
            "owner_name": _OWNER,
            "owner_email": _OWNER_MAIL,
            "account_name": account.phone,
        }

    def message_event(self, event_type: str, message: Message) -> Json:
        account = message.chat.account
        body: dict[str, Any] = {
            "text": message.text,
            "direction": "sent" if message.from_me else "received",
            "origin": message.origin,
            "timestamp": self.time(message.at_s),
            "received_timestamp": self.time(message.at_s),
            "message_uid": message.uid,
            "sender": {"full_name": message.sender, "phone": message.sender},
            "recipient": {"full_name": message.recipient, "phone": message.recipient},
        }
        if message.media is not None:
            attachment = {
                "temporary_download_url": self._attachment_url(message),
                "filename": message.media.filename,
                "size": len(message.media.content),
                "mimetype": message.media.mimetype,
            }
            body["attachments"] = [attachment]
        return {
            "event_type": event_type,
            "chat": {
                "full_name": message.chat.name,
                "chat_url": self._chat_url(message.chat),
                "chat_id": message.chat.id,
                "is_group": bool(message.chat.group),
                "phone": message.chat.contact,
            },
            "whatsapp_account": self._owner(account),
            "message": body,
        }

    def chat_event(self, event_type: str, chat: Chat) -> Json:
        return {
            "event_type": event_type,
            "chat": {
                "id": chat.id,
                "name": chat.name,
                "phone": chat.contact,
                "jid": chat.jid,
                "is_group": bool(chat.group),
                "closed": False,
                "read": True,
                "labels": [],
                "unattended_customer": False,
                "chatgpt_autoresponse_enabled": False,
                "whatsapp_account_id": chat.account.jid,
                "chat_url": self._chat_url(chat),
                "created_timestamp": self.time(chat.created_at_s),
                **self._last_message(chat),
            },
            "whatsapp_account": self.account(chat.account),
        }

    def account_event(self, event_type: str, account: Account) -> Json:
        info = self.account(account)
        if account.disconnected_at_s is not None:
            info["disconnected_on"] = self.time(account.disconnected_at_s)
        return {"event_type": event_type, "whatsapp_account": info}

    def reaction_event(self, message: Message, emoji: str, at_s: float) -> Json:
        chat = message.chat
        reaction = {
            "message_uid": message.uid,
            "action": "set",
            "emoji": emoji,
            "reactor": {"full_name": chat.contact, "phone": chat.contact},
            "timestamp": self.time(at_s),
            "reactions": {emoji: 1},
        }
        return {
            "event_type": "message:reaction",
            "chat": {
                "full_name": chat.name,
                "chat_url": self._chat_url(chat),
                "chat_id": chat.id,
                "chat_type": "direct",
                "platform": "whatsapp",
                "phone": chat.contact.removeprefix("+"),
            },
            "whatsapp_account": {
                **self._owner(chat.account),
                "whatsapp_account_wid": chat.account.jid,
            },
            "reaction": reaction,
        }

    def workspace(self, *, quota: int, sent: int, calls: int) -> Json:
        return {
            "workspace_id": "sandbox",
            "display_name": "Sandbox",
            "plan": "Business",
            "messaging_quota": {"total": quota, "used": sent},
            "api_calls_quota": {"total": 200_000_000, "used": calls},
        }

    def _owner(self, account: Account) -> Json:
        return {"full_name": _OWNER, "email": _OWNER_MAIL, "phone": account.phone}

    def _last_message(self, chat: Chat) -> Json:
        if not chat.messages:
            return {}
        last = chat.messages[-1]
        return {
            "last_message_uid": last.uid,
            "last_message_timestamp": self.time(last.at_s),
        }

    def _chat_url(self, chat: Chat) -> str:
        return f"{self.base_url}/chat/{chat.id}/messages/"

    def _attachment_url(self, message: Message) -> str:
        return f"{self.base_url}/media/{message.uid}"
