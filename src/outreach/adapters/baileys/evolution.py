"""The dialect of Evolution API 2.3 (2.3.7, before its activation). No I/O.

An instance is named by the digits of its number. There is no key for a message, and a
400 may come after WhatsApp took it, for the gateway writes to its database in the same
breath. The reference of a message tells which of our numbers it left from, since the
gateway is asked for one number's messages at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

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
    unknown,
    unreadable,
    waits,
)
from outreach.adapters.baileys.words import (
    EVOLUTION_ACKS,
    Json,
    digits,
    lid,
    moment,
    number_of_jid,
    on_the_wire,
    part,
    phone,
    plain,
    tag,
    thread,
    uid,
)
from outreach.domain.errors import Misconfigured
from outreach.domain.message import (
    Accepted,
    Answer,
    MessageStatus,
    Parcel,
    Refusal,
    furthest,
)
from outreach.domain.sender import SenderSignal, SenderState
from outreach.ports.gateway import AccountSender, Status

__all__ = ["EVENTS", "HEADER", "TABLE", "Evolution", "ref_of"]

EVENTS: Final = (
    "CONNECTION_UPDATE",
    "MESSAGES_UPDATE",
    "MESSAGES_UPSERT",
    "SEND_MESSAGE",
)
"""What the reader reads, as the gateway's settings write it."""
HEADER: Final = "X-Outreach-Webhook-Secret"

_LINES: Final = 50
_LOOKED_FOR: Final = timedelta(days=2)
"""Longer than any message is looked for after its call."""
_OPEN: Final = "open"
_CONNECTING: Final = "connecting"
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404


def ref_of(number: str, key: object) -> str:
    """The reference of a message of *number* (E.164); empty without an id."""
    found = uid(key)
    return f"{tag(number)}.{found}" if found else ""


def _message(data: Any) -> Accepted | None:
    found = uid(part(data, "key").get("id"))
    return Accepted(found) if found else None


def _flat(data: Any) -> Iterator[Any]:
    """What stands in `response.message`: a text, a list, or a list of lists."""
    waiting = [part(data, "response").get("message")]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, list):
            waiting = [*one, *waiting]
        else:
            yield one


def _nobody(said: Said) -> bool:
    return any(
        isinstance(one, dict) and one.get("exists") is False for one in _flat(said.data)
    )


def _is_ill_formed(said: Said) -> bool:
    told = list(_flat(said.data))
    return bool(told) and all(
        isinstance(one, str) and "requires property" in one for one in told
    )


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
        name="no such instance",
        make=waits(SenderSignal.DISCONNECTED),
        statuses=frozenset({404}),
        when=lambda said: said.has("does not exist"),
    ),
    Row(
        name="not on WhatsApp",
        make=refused(Refusal.INVALID_RECIPIENT),
        statuses=frozenset({400}),
        when=_nobody,
    ),
    Row(
        name="message not valid",
        make=refused(Refusal.REJECTED),
        statuses=frozenset({400}),
        when=_is_ill_formed,
    ),
    Row(
        name="400 of a send that may have left",
        make=unknown,
        statuses=frozenset({400}),
        bodies=ANY,
    ),
    Row(
        name="message too large",
        make=refused(Refusal.REJECTED),
        statuses=frozenset({413}),
        bodies=frozenset({Body.JSON, Body.TEXT}),
    ),
    Row(
        name="licence not activated",
        make=waits(),
        statuses=frozenset({503}),
        when=lambda said: said.has("license_required"),
    ),
    Row(name="an answer that proves nothing", make=unknown, statuses=FOUR, bodies=ANY),
)
"""Statuses and errors of the gateway; the first line that fits."""


@frozen
class Evolution:
    """Implements `outreach.adapters.baileys.dialect.Polled`."""

    name: str = "evolution"

    def headers(self, api_key: str) -> Mapping[str, str]:
        """See `Dialect.headers`."""
        return {"apikey": api_key}

    def check_request(self, parcel: Parcel) -> None:
        """See `Dialect.check_request`: a send looks by itself."""

    def read_check(self, reply: HttpReply) -> str | None:
        """See `Dialect.read_check`; nobody is asked."""
        raise unreadable(reply, "whether a number is on WhatsApp")

    def send_request(self, parcel: Parcel, to: str) -> HttpRequest:
        """See `Dialect.send_request`."""
        body = {"number": to or digits(parcel.to), "text": parcel.text}
        return _post("message/sendText", digits(parcel.sender_number), body)

    def answer(self, reply: HttpReply, parcel: Parcel) -> Answer:
        """See `Dialect.answer`."""
        told = answered(TABLE, reply)
        if not isinstance(told, Accepted):
            return told
        number = parcel.sender_number
        key = part(json.loads(reply.body), "key")
        return Accepted(ref_of(number, key.get("id")), thread(number, _linked(key)))

    def history_request(
        self, parcel: Parcel, since: datetime, page: int
    ) -> HttpRequest:
        """See `Askable.history_request`; the gateway heeds no lower bound alone."""
        key = {"remoteJid": f"{digits(parcel.to)}@s.whatsapp.net", "fromMe": True}
        until = since + _LOOKED_FOR
        times = {"gte": since.isoformat(), "lte": until.isoformat()}
        where = {"key": key, "messageTimestamp": times}
        body = {"where": where, "page": page, "offset": _LINES}
        return _post("chat/findMessages", digits(parcel.sender_number), body)

    def read_history(self, parcel: Parcel, reply: HttpReply) -> Page:
        """See `Askable.read_history`."""
        said = asked(TABLE, reply, "its messages")
        told = part(said.data, "messages")
        records = told.get("records")
        if not isinstance(records, list):
            raise unreadable(reply, "its messages")
        lines = tuple(
            _line(parcel.sender_number, one) for one in records if isinstance(one, dict)
        )
        return Page(lines, has_more=len(records) >= _LINES)

    def accounts_request(self) -> HttpRequest:
        """See `Askable.accounts_request`."""
        return HttpRequest("GET", "/instance/fetchInstances")

    def read_accounts(self, reply: HttpReply) -> Sequence[AccountSender]:
        """See `Askable.read_accounts`; instances that are named otherwise are not ours.

        Version 1 put each below `instance`, and so does the vendor's description.
        """
        said = asked(TABLE, reply, "its instances")
        if not isinstance(said.data, list):
            raise unreadable(reply, "its instances")
        found = (_account(part(one, "instance") or part(one)) for one in said.data)
        return [account for account in found if account is not None]

    def hooks_request(self, name: str) -> HttpRequest:
        """See `Askable.hooks_request`."""
        return HttpRequest("GET", f"/webhook/find/{quote(name, safe='')}")

    def hook_request(
        self, name: str, reply: HttpReply, wanted: Hook
    ) -> HttpRequest | None:
        """See `Askable.hook_request`: an instance has one webhook."""
        there: Json = {}
        if reply.status != _NOT_FOUND and reply.body.strip() not in {b"", b"null"}:
            there = part(asked(TABLE, reply, "a webhook").data)
        is_used = there.get("enabled") is True and bool(there.get("url"))
        if is_used and not wanted.is_ours(there.get("url")):
            message = (
                "an instance of the WhatsApp gateway has a webhook of somebody else, "
                "and can have one only: disable it, or have its events passed on to us"
            )
            raise Misconfigured(message)
        if is_used and _is_as_wanted(there, wanted):
            return None
        hook = {
            "enabled": True,
            "url": wanted.url,
            "headers": {HEADER: wanted.secret},
            "byEvents": False,
            "base64": False,
            "events": list(EVENTS),
        }
        return _post("webhook/set", name, {"webhook": hook})

    def read_hooked(self, reply: HttpReply) -> None:
        """See `Askable.read_hooked`."""
        asked(TABLE, reply, "whether it took the webhook")

    def status_request(self, name: str, ref: str) -> HttpRequest:
        """See `Polled.status_request`."""
        body = {"where": {"id": _key(ref), "fromMe": True}, "limit": _LINES}
        return _post("chat/findStatusMessage", name, body)

    def read_status(self, ref: str, reply: HttpReply) -> Status | None:
        """See `Polled.read_status`: the furthest of what the gateway has kept."""
        said = asked(TABLE, reply, "how far a message came")
        if not isinstance(said.data, list):
            raise unreadable(reply, "how far a message came")
        told = [
            EVOLUTION_ACKS.get(str(one.get("status")).upper(), MessageStatus.UNKNOWN)
            for one in said.data
            if isinstance(one, dict) and one.get("keyId") == _key(ref)
        ]
        if not told:
            return None
        reached = told[0]
        for one in told[1:]:
            reached = furthest(reached, one)
        return Status(ref, reached, at=None)

    def owner(self, ref: str, names: Mapping[str, str]) -> str:
        """See `Polled.owner`."""
        mark = ref.partition(".")[0]
        return next((name for one, name in names.items() if tag(one) == mark), "")


def _key(ref: str) -> str:
    return on_the_wire(ref.partition(".")[2])


def _post(verb: str, name: str, body: Mapping[str, Any]) -> HttpRequest:
    return HttpRequest("POST", f"/{verb}/{quote(name, safe='')}", written(body))


def _linked(key: Json) -> str:
    return lid(key.get("remoteJid")) or lid(key.get("remoteJidAlt"))


def _line(number: str, record: Json) -> Line:
    key, message = part(record, "key"), part(record, "message")
    text = message.get("conversation") or part(message, "extendedTextMessage").get(
        "text"
    )
    return Line(
        ref=ref_of(number, key.get("id")),
        text=plain(text),
        at=moment(record.get("messageTimestamp")),
        thread=thread(number, _linked(key)),
    )


def _account(item: Json) -> AccountSender | None:
    name = item.get("name") or item.get("instanceName")
    number = phone(name)
    if not number or name != digits(number):
        return None
    within = number_of_jid(item.get("ownerJid") or item.get("owner"))
    status = item.get("connectionStatus") or item.get("status") or item.get("state")
    works = status == _OPEN and within in {"", number}
    state = SenderState.OFFLINE
    if status == _CONNECTING:
        state = SenderState.RECONNECTING
    elif item.get("disconnectionReasonCode") == _FORBIDDEN:
        state = SenderState.BANNED
    return AccountSender(number, name, connected=works, state=None if works else state)


def _is_as_wanted(there: Json, wanted: Hook) -> bool:
    headers = part(there, "headers")
    by_events = there.get("webhookByEvents") or there.get("byEvents")
    return (
        there.get("url") == wanted.url
        and sorted(map(str, there.get("events") or ())) == sorted(EVENTS)
        and headers.get(HEADER) == wanted.secret
        and not by_events
    )
