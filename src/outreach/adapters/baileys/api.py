"""The dialect of fazer-ai's baileys-api 3.5: the thinnest skin over Baileys. No I/O.

A number is named by itself, ``/connections/+40712345678``. The gateway cannot be asked
which numbers are connected, and keeps no messages.

It remembers the answer to a `chatwootMessageId` for ten minutes. We give the attempt's
id, so that a request that something between us repeats is sent once; we repeat none
ourselves, for the gateway forgets the id when a send ends in an error (which may come
after WhatsApp took the message), and while its own Redis is away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from attrs import frozen

from outreach.adapters._http import HttpReply, HttpRequest
from outreach.adapters.baileys.dialect import written
from outreach.adapters.baileys.replies import (
    ANY,
    EDGE,
    FOUR,
    SUCCESS,
    Body,
    Row,
    answered,
    asked,
    refused,
    takes,
    unclear,
    unknown,
    unreadable,
    waits,
)
from outreach.adapters.baileys.words import digits, is_person, lid, part, thread, uid
from outreach.domain.message import Accepted, Answer, Parcel, Refusal
from outreach.domain.sender import SenderSignal

__all__ = ["TABLE", "BaileysApi"]

_TEXT: Final = frozenset({Body.TEXT, Body.JSON})


def _message(data: Any) -> Accepted | None:
    found = uid(part(data, "data", "key").get("id"))
    return Accepted(found) if found else None


TABLE: Final = (
    Row(name="accepted", make=takes(_message), statuses=SUCCESS),
    Row(
        name="success without a message id",
        make=unknown,
        statuses=SUCCESS,
        bodies=ANY,
    ),
    *EDGE,
    Row(
        name="key not accepted",
        make=waits(SenderSignal.AUTH_FAILED),
        statuses=frozenset({401}),
        bodies=ANY,
    ),
    Row(
        name="key of another",
        make=waits(SenderSignal.AUTH_FAILED),
        statuses=frozenset({403}),
        bodies=_TEXT,
    ),
    Row(
        name="sender not connected",
        make=waits(SenderSignal.DISCONNECTED),
        statuses=frozenset({404}),
        bodies=_TEXT,
        when=lambda said: said.has("not connected"),
    ),
    Row(
        name="another worker has the number",
        make=waits(),
        statuses=frozenset({421}),
        bodies=ANY,
    ),
    Row(
        name="the same message is just being sent",
        make=unknown,
        statuses=frozenset({409}),
        bodies=ANY,
    ),
    Row(
        name="message not valid",
        make=refused(Refusal.REJECTED),
        statuses=frozenset({400, 422}),
        when=lambda said: said.has('"validation"'),
    ),
    Row(
        name="message too large",
        make=refused(Refusal.REJECTED),
        statuses=frozenset({413}),
        bodies=_TEXT,
    ),
    Row(name="refused, reason unclear", make=unclear, statuses=FOUR),
)
"""Statuses and sentences of the gateway's controllers; the first line that fits.

Our reading, where it promises nothing: 500 is what it answers when a send ended in an
error, be that before or after WhatsApp had the message.
"""


@frozen
class BaileysApi:
    """Implements `outreach.adapters.baileys.dialect.Dialect`."""

    name: str = "baileys-api"

    def headers(self, api_key: str) -> Mapping[str, str]:
        """See `Dialect.headers`."""
        return {"x-api-key": api_key}

    def check_request(self, parcel: Parcel) -> HttpRequest:
        """See `Dialect.check_request`."""
        jid = f"{digits(parcel.to)}@s.whatsapp.net"
        return _post(parcel, "on-whatsapp", {"jids": [jid]})

    def read_check(self, reply: HttpReply) -> str | None:
        """See `Dialect.read_check`; the list stands alone, or below `data`."""
        said = asked(TABLE, reply, "whether a number is on WhatsApp")
        found = said.data.get("data") if isinstance(said.data, dict) else said.data
        match found:
            case []:
                return None  # it leaves out whom it does not find
            case [{"exists": False}, *_]:
                return None
            case [{"exists": True, "jid": str(jid)}, *_] if is_person(jid):
                return jid
        raise unreadable(reply, "whether a number is on WhatsApp")

    def send_request(self, parcel: Parcel, to: str) -> HttpRequest:
        """See `Dialect.send_request`."""
        return _post(
            parcel,
            "send-message",
            {
                "jid": to or f"{digits(parcel.to)}@s.whatsapp.net",
                "messageContent": {"text": parcel.text},
                "chatwootMessageId": str(parcel.attempt),
            },
        )

    def answer(self, reply: HttpReply, parcel: Parcel) -> Answer:
        """See `Dialect.answer`."""
        told = answered(TABLE, reply)
        if not isinstance(told, Accepted):
            return told
        key = part(json.loads(reply.body), "data", "key")
        linked = lid(key.get("remoteJid")) or lid(key.get("remoteJidAlt"))
        return Accepted(told.ref, thread(parcel.sender_number, linked))


def _post(parcel: Parcel, verb: str, body: Mapping[str, Any]) -> HttpRequest:
    path = f"/connections/{quote(parcel.sender_number, safe='+')}/{verb}"
    return HttpRequest("POST", path, written(body))
