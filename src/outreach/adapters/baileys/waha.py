"""The dialect of WAHA 2026.7, engines NOWEB and GOWS. No I/O.

A session is named by the digits of its number. A message may be given an id of ours:
it is the attempt's, written as telephones with Android write theirs, and comes back in
every event about the message. WhatsApp shows one id once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from attrs import frozen

from outreach.adapters._http import HttpReply, HttpRequest
from outreach.adapters.baileys.dialect import Hook, Line, Page, written
from outreach.adapters.baileys.replies import (
    ANY,
    EDGE,
    FOUR,
    SUCCESS,
    Body,
    Row,
    Said,
    answered,
    asked,
    refused,
    takes,
    unclear,
    unknown,
    unreadable,
    waits,
)
from outreach.adapters.baileys.words import (
    Json,
    digits,
    is_person,
    lid,
    moment,
    number_of_jid,
    part,
    phone,
    plain,
    thread,
    uid,
)
from outreach.domain.ids import AttemptId
from outreach.domain.message import Accepted, Answer, Parcel, Refusal
from outreach.domain.sender import SenderSignal, SenderState
from outreach.ports.gateway import AccountSender

__all__ = ["EVENTS", "TABLE", "Waha", "own_id"]

EVENTS: Final = ("session.status", "message", "message.any", "message.ack")
"""What the reader reads; reactions say no more than acks do."""

_WORKING: Final = "WORKING"
_STARTING: Final = "STARTING"
_LINES: Final = 100
_CLOCK_ROOM: Final = timedelta(minutes=1)
_STRANGER: Final = re.compile(r"server returned error (?:463|475)\b")


def own_id(attempt: AttemptId) -> str:
    """The id that a message is sent under: 32 hexadecimal digits in capitals."""
    return attempt.hex.upper()


def _message(data: Any) -> Accepted | None:
    match data:
        case {"id": str(given)} if uid(given):
            return Accepted(uid(given))
        case {"id": {"_serialized": str(given)}} if uid(given):
            return Accepted(uid(given))
        case {"key": {"id": str(given)}} if uid(given):
            return Accepted(uid(given))
    return None


def _is_status(said: Said) -> bool:
    """Our session is there, and not in the state that a send needs."""
    return isinstance(said.data, dict) and "expected" in said.data


def _is_starting(said: Said) -> bool:
    return _is_status(said) and said.data.get("status") == _STARTING


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
        name="key not accepted",
        make=waits(SenderSignal.AUTH_FAILED),
        statuses=frozenset({403}),
    ),
    Row(
        name="no such session",
        make=waits(SenderSignal.DISCONNECTED),
        statuses=frozenset({404}),
        when=lambda said: said.has("does not exist", "not found"),
    ),
    Row(
        name="session is starting",
        make=waits(SenderSignal.RECONNECTING),
        statuses=frozenset({422}),
        when=_is_starting,
    ),
    Row(
        name="session does not work",
        make=waits(SenderSignal.DISCONNECTED),
        statuses=frozenset({422}),
        when=_is_status,
    ),
    Row(
        name="strangers are refused",
        make=refused(Refusal.COLD_RESTRICTED),
        statuses=frozenset({500}),
        when=lambda said: _STRANGER.search(said.words) is not None,
    ),
    Row(
        name="message not valid",
        make=refused(Refusal.REJECTED),
        statuses=frozenset({400}),
        when=lambda said: isinstance(part(said.data).get("message"), list),
    ),
    Row(
        name="message too large",
        make=refused(Refusal.REJECTED),
        statuses=frozenset({413}),
        bodies=frozenset({Body.JSON, Body.TEXT}),
    ),
    Row(name="refused, reason unclear", make=unclear, statuses=FOUR),
)
"""Statuses and errors of the gateway (a NestJS application); the first line that fits.

Engine GOWS learns of a lock before it answers, and says so with 500; every other 5xx
may come after the message left.
"""


@frozen
class Waha:
    """Implements `outreach.adapters.baileys.dialect.Askable`."""

    name: str = "waha"

    def headers(self, api_key: str) -> Mapping[str, str]:
        """See `Dialect.headers`."""
        return {"x-api-key": api_key}

    def check_request(self, parcel: Parcel) -> HttpRequest:
        """See `Dialect.check_request`."""
        asks = {"phone": digits(parcel.to), "session": digits(parcel.sender_number)}
        return HttpRequest("GET", f"/api/contacts/check-exists?{urlencode(asks)}")

    def read_check(self, reply: HttpReply) -> str | None:
        """See `Dialect.read_check`."""
        said = asked(TABLE, reply, "whether a number is on WhatsApp")
        match said.data:
            case {"numberExists": False}:
                return None
            case {"numberExists": True, "chatId": str(jid)} if is_person(jid):
                return jid
            case {"numberExists": True}:
                return ""
        raise unreadable(reply, "whether a number is on WhatsApp")

    def send_request(self, parcel: Parcel, to: str) -> HttpRequest:
        """See `Dialect.send_request`."""
        body = {
            "session": digits(parcel.sender_number),
            "chatId": to or _chat(parcel),
            "text": parcel.text,
            "id": own_id(parcel.attempt),
        }
        return HttpRequest("POST", "/api/sendText", written(body))

    def answer(self, reply: HttpReply, parcel: Parcel) -> Answer:
        """See `Dialect.answer`."""
        told = answered(TABLE, reply)
        if not isinstance(told, Accepted):
            return told
        linked = _linked(json.loads(reply.body))
        return Accepted(told.ref, thread(parcel.sender_number, linked))

    def history_request(
        self, parcel: Parcel, since: datetime, page: int
    ) -> HttpRequest:
        """See `Askable.history_request`."""
        asks = {
            "limit": str(_LINES),
            "offset": str(_LINES * (page - 1)),
            "sortOrder": "desc",
            "downloadMedia": "false",
            "filter.fromMe": "true",
            "filter.timestamp.gte": str(int((since - _CLOCK_ROOM).timestamp())),
        }
        session, chat = digits(parcel.sender_number), quote(_chat(parcel), safe="@")
        path = f"/api/{session}/chats/{chat}/messages?{urlencode(asks)}"
        return HttpRequest("GET", path)

    def read_history(self, parcel: Parcel, reply: HttpReply) -> Page:
        """See `Askable.read_history`."""
        items = _items(reply, "its messages")
        lines = tuple(_line(parcel, item) for item in items if item.get("fromMe"))
        return Page(lines, has_more=len(items) >= _LINES)

    def accounts_request(self) -> HttpRequest:
        """See `Askable.accounts_request`."""
        return HttpRequest("GET", "/api/sessions?all=true")

    def read_accounts(self, reply: HttpReply) -> Sequence[AccountSender]:
        """See `Askable.read_accounts`; sessions with other names are not ours."""
        found = (_account(item) for item in _items(reply, "its sessions"))
        return [account for account in found if account is not None]

    def hooks_request(self, name: str) -> HttpRequest:
        """See `Askable.hooks_request`."""
        return HttpRequest("GET", f"/api/sessions/{quote(name, safe='')}")

    def hook_request(
        self, name: str, reply: HttpReply, wanted: Hook
    ) -> HttpRequest | None:
        """See `Askable.hook_request`: one more webhook; others' are left alone.

        A session is started anew by the change, so it is made only if need be.
        """
        said = asked(TABLE, reply, "a session")
        if not isinstance(said.data, dict):
            raise unreadable(reply, "a session")
        config = part(said.data, "config")
        there = config.get("webhooks")
        hooks = [one for one in there if isinstance(one, dict)] if there else []
        ours = [one for one in hooks if wanted.is_ours(one.get("url"))]
        if len(ours) == 1 and _is_as_wanted(ours[0], wanted):
            return None
        others = [one for one in hooks if not wanted.is_ours(one.get("url"))]
        body = {"config": {**config, "webhooks": [*others, _hook(wanted)]}}
        path = f"/api/sessions/{quote(name, safe='')}"
        return HttpRequest("PUT", path, written(body))

    def read_hooked(self, reply: HttpReply) -> None:
        """See `Askable.read_hooked`."""
        asked(TABLE, reply, "whether it took the webhook")


def _chat(parcel: Parcel) -> str:
    return f"{digits(parcel.to)}@c.us"


def _linked(message: Json) -> str:
    """A linked id of the chat, if the message tells."""
    raw = part(message, "_data", "key") or part(message, "key")
    told = (message.get("to"), raw.get("remoteJid"), raw.get("remoteJidAlt"))
    return next((found for found in map(lid, told) if found), "")


def _items(reply: HttpReply, what: str) -> list[Json]:
    said = asked(TABLE, reply, what)
    if not isinstance(said.data, list):
        raise unreadable(reply, what)
    return [item for item in said.data if isinstance(item, dict)]


def _line(parcel: Parcel, item: Json) -> Line:
    return Line(
        ref=uid(item.get("id")),
        text=plain(item.get("body")),
        at=moment(item.get("timestamp")),
        thread=thread(parcel.sender_number, _linked(item)),
    )


def _account(item: Json) -> AccountSender | None:
    name = item.get("name")
    number = phone(name)
    if not number or name != digits(number):
        return None
    within = number_of_jid(part(item, "me").get("id"))
    status = item.get("status")
    works = status == _WORKING and within in {"", number}
    state = SenderState.RECONNECTING if status == _STARTING else SenderState.OFFLINE
    return AccountSender(number, name, connected=works, state=None if works else state)


def _hook(wanted: Hook) -> Json:
    return {"url": wanted.url, "events": list(EVENTS), "hmac": {"key": wanted.secret}}


def _is_as_wanted(there: Json, wanted: Hook) -> bool:
    key = part(there, "hmac").get("key")
    return (
        there.get("url") == wanted.url
        and sorted(map(str, there.get("events") or ())) == sorted(EVENTS)
        and (key == wanted.secret or _is_masked(key))
    )


def _is_masked(key: object) -> bool:
    """A gateway that hides its keys need not be told again each time."""
    return isinstance(key, str) and bool(key) and not key.strip("*")
