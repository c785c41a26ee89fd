"""What a dialect has read, as events of ours. No I/O.

Groups, lists, status and newsletters are nobody's conversation and are told as UNKNOWN,
without their text. An acknowledgement is about a message id alone: the chat it names
may be a linked id, and what it says of a message that we do not know says nothing about
the person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from attrs import evolve, field, frozen

from outreach.adapters.baileys.words import (
    PROVIDER,
    is_person,
    lid,
    number_of_jid,
    plain,
    thread,
)
from outreach.domain.address import phone_key
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.message import MessageStatus

__all__ = [
    "Failure",
    "Message",
    "acknowledged",
    "away",
    "connected",
    "fingerprint",
    "locked",
    "reacted",
    "unknown",
    "wrote",
]

BANNED: Final = 403
PASSING: Final = frozenset({408, 428, 440, 503, 515})
"""Codes of Baileys' `DisconnectReason` after which a gateway connects again by itself:
time-out, connection closed, replaced, service unavailable, restart required."""
_CODES: Final = {
    401: "logged out",
    402: "banned for a time",
    403: "banned",
    406: "logged out",
    408: "timed out",
    411: "not for several devices",
    428: "connection closed",
    440: "connection replaced",
    500: "bad session",
    503: "service unavailable",
    515: "restart required",
}
_TOLD: Final = {
    MessageStatus.SENT: EventType.SENT,
    MessageStatus.DELIVERED: EventType.DELIVERED,
    MessageStatus.READ: EventType.READ,
    MessageStatus.FAILED: EventType.FAILED,
}
_LONGEST_DETAIL: Final = 64


@frozen
class Message:
    """What every dialect says of a message.

    Attributes:
        uid: reference of the message; empty if it has no usable id.
        number: ours (E.164), empty if the delivery does not say.
        chats: ids of the chat, the gateway's first: a phone's, a linked id, or both.
        app: a person wrote it on the telephone itself (None: it may have been us).
        broken: it could not be decrypted (yet).
    """

    uid: str
    from_us: bool
    number: str
    chats: tuple[object, ...] = field(repr=False)
    text: str = field(default="", repr=False)
    media: bool = False
    at: datetime | None = None
    app: bool | None = None
    broken: bool = False

    @property
    def contact(self) -> str:
        """Their phone (E.164), empty if no id of the chat tells it."""
        return next(filter(None, map(number_of_jid, self.chats)), "")

    @property
    def thread(self) -> str:
        """The conversation, where a linked id is told."""
        linked = next(filter(None, map(lid, self.chats)), "")
        return thread(self.number, linked)


@frozen
class Failure:
    """Why WhatsApp refused a message.

    Attributes:
        code: WhatsApp's, empty if the gateway does not hand it on.
        strangers: it refuses messages to strangers.
        until: how long, if that is told.
    """

    code: str = ""
    strangers: bool = False
    until: datetime | None = None


def fingerprint(raw: bytes) -> str:
    """The key of what has no id of its own."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def unknown(raw: bytes, detail: str) -> SystemEvent:
    """What says nothing to us; kept under its fingerprint."""
    return SystemEvent(
        key=fingerprint(raw),
        provider=PROVIDER,
        type=EventType.UNKNOWN,
        channel=Channel.WHATSAPP,
        detail=plain(detail)[:_LONGEST_DETAIL],
    )


def wrote(message: Message, raw: bytes) -> SystemEvent:
    """Somebody wrote: they, we, or a person on our telephone."""
    if not message.chats or not is_person(message.chats[0]):
        return unknown(raw, "not one person's chat")
    name = "sent" if message.from_us else "received"
    if message.broken:
        name = "undecrypted"
    event = SystemEvent(
        key=f"{name}:{message.uid or fingerprint(raw)}",
        provider=PROVIDER,
        type=EventType.REPLY,
        channel=Channel.WHATSAPP,
        ref=message.uid,
        thread=message.thread,
        sender=message.number,
        address=phone_key(message.contact) if message.contact else None,
        content=message.text,
        media=message.media,
        occurred_at=message.at,
    )
    if message.from_us:
        if message.broken:
            return unknown(raw, "one of ours that could not be decrypted")
        return evolve(
            event,
            type=EventType.EXTERNAL_SENT if message.app else EventType.SENT,
            ours=None if message.app is None else not message.app,
        )
    if not message.text and not message.media:
        # A sticker, a place, a contact, or what could not be decrypted: somebody has
        # to look at the telephone.
        why = (
            "could not be decrypted" if message.broken else "nothing that can be shown"
        )
        return evolve(event, media=True, detail=why)
    return event


def reacted(ref: str, number: str, at: datetime | None, raw: bytes) -> SystemEvent:
    """A reaction of theirs to a message of ours: a proof that they read it."""
    if not ref:
        return unknown(raw, "a reaction without a message")
    return _about(ref, number, EventType.READ, at, detail="reaction")


def acknowledged(
    ref: str,
    number: str,
    status: MessageStatus | None,
    raw: bytes,
    *,
    at: datetime | None = None,
    failure: Failure = Failure(),
) -> Iterator[SystemEvent]:
    """How far a message of ours came; with a lock if WhatsApp refuses strangers."""
    told = None if status is None else _TOLD.get(status)
    if not ref or told is None:
        yield unknown(raw, "on its way" if status else "an acknowledgement of no use")
        return
    yield _about(ref, number, told, at, detail=failure.code)
    if told is EventType.FAILED and failure.strangers and number:
        yield locked(number, f"locked:{ref}", failure.code, failure.until)


def locked(number: str, key: str, why: str, until: datetime | None) -> SystemEvent:
    """WhatsApp refuses messages of *number* to strangers."""
    return evolve(
        _of_sender(number, EventType.SENDER_LOCKED, key, why or "strangers refused"),
        until=until,
    )


def connected(number: str, key: str) -> SystemEvent:
    """A number is there again."""
    return _of_sender(number, EventType.SENDER_CONNECTED, key, "connected")


def away(
    number: str, key: str, code: object, why: str, *, mending: bool = False
) -> SystemEvent:
    """A number is not there.

    Args:
        code: of WhatsApp or Baileys, if there is one.
        mending: the gateway is connecting it again.
    """
    known = code if isinstance(code, int) and not isinstance(code, bool) else None
    if known == BANNED:
        return _of_sender(number, EventType.SENDER_BANNED, key, _CODES[BANNED])
    detail = _CODES.get(known, why) if known is not None else why
    event = _of_sender(number, EventType.SENDER_DISCONNECTED, key, detail)
    return evolve(event, passing=mending or known in PASSING)


def unique(events: Iterable[SystemEvent]) -> list[SystemEvent]:
    """One event per key, in order."""
    return list({event.key: event for event in events}.values())


def _of_sender(number: str, kind: EventType, key: str, why: str) -> SystemEvent:
    return SystemEvent(
        key=key,
        provider=PROVIDER,
        type=kind,
        channel=Channel.WHATSAPP,
        sender=number,
        detail=plain(why)[:_LONGEST_DETAIL],
    )


def _about(
    ref: str, number: str, kind: EventType, at: datetime | None, *, detail: str
) -> SystemEvent:
    return SystemEvent(
        key=f"{kind.lower()}:{ref}",
        provider=PROVIDER,
        type=kind,
        channel=Channel.WHATSAPP,
        ref=ref,
        sender=number,
        occurred_at=at,
        detail=plain(detail)[:_LONGEST_DETAIL],
    )
