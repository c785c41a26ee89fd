"""Reads TimelinesAI's webhooks (2.0.0). No I/O; no bytes make it raise.

The vendor signs nothing, so the secret in the path is all that vouches for a body.
It has no event id either. A message's key is its type and uid, as the vendor
advises; an account's is made of its id and the times it names. Two suspensions of
one connection look alike and are one event here; the list of accounts tells the
rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from attrs import evolve, frozen

from outreach.adapters import _json
from outreach.adapters.timelinesai.shapes import Message, flat, nested, old_bundle
from outreach.adapters.timelinesai.words import (
    OUR_ORIGIN,
    PROVIDER,
    Json,
    chat_id,
    moment,
    number_of_jid,
    part,
    phone,
    plain,
    uid,
)
from outreach.domain.address import AddressKey, phone_key
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent

__all__ = ["TimelinesReader"]

LEGACY: Final = "legacy shape"
"""Detail of an event from a shape that the vendor's contract no longer has."""

_RECEIVED: Final = "message:received:new"
_SENT: Final = "message:sent:new"
_EITHER: Final = "message:new"
_REACTION: Final = "message:reaction"
_MESSAGES: Final = frozenset({_RECEIVED, _SENT, _EITHER})
_ACCOUNTS: Final = {
    "whatsapp:account:connected": EventType.SENDER_CONNECTED,
    "whatsapp:account:resumed": EventType.SENDER_CONNECTED,
    "whatsapp:account:disconnected": EventType.SENDER_DISCONNECTED,
    "whatsapp:account:suspended": EventType.SENDER_DISCONNECTED,
}
_LONGEST_DETAIL: Final = 64


@frozen
class TimelinesReader:
    """Implements :class:`outreach.ports.gateway.Reads`."""

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        """See `Reads.read`."""
        try:
            body = _json.parse(raw)
        except _json.Unreadable as error:
            return [_unknown(raw, str(error))]
        if not isinstance(body, dict):
            return [_unknown(raw, "no object")]
        return list(_unique(_events(body, raw)))


def _events(body: Json, raw: bytes) -> Iterable[SystemEvent]:
    event_type = body.get("event_type")
    if event_type is None and isinstance(body.get("messages"), list):
        if not body["messages"]:
            return [_unknown(raw, "an old bundle of nothing")]
        return _bundle(body, raw)
    if not isinstance(event_type, str):
        return [_unknown(raw, "no event type")]
    if event_type in _MESSAGES:
        return [_about_message(body, event_type, raw)]
    if event_type == _REACTION:
        return [_reaction(body, raw)]
    if event_type in _ACCOUNTS:
        return [_account(body, event_type, raw)]
    return [_unknown(raw, f"not read: {plain(event_type)}")]


def _about_message(body: Json, event_type: str, raw: bytes) -> SystemEvent:
    legacy = not part(body, "message")
    message = flat(body, event_type) if legacy else nested(body)
    if message is None:
        return _unknown(raw, f"{event_type} without a message")
    if event_type != _EITHER and message.from_us is not (event_type == _SENT):
        return _unknown(raw, f"{event_type} the other way round")
    event = _event(message, raw)
    return evolve(event, detail=event.detail or LEGACY) if legacy else event


def _bundle(body: Json, raw: bytes) -> Iterable[SystemEvent]:
    for place, message in enumerate(old_bundle(body)):
        if message is None:
            yield _unknown(raw, "a message of an old bundle")
            continue
        event = _event(message, raw + b"#%d" % place)
        yield evolve(event, detail=event.detail or LEGACY)


def _event(message: Message, raw: bytes) -> SystemEvent:
    """Say what a message says; `message:new` is the same event as its two twins."""
    name = _SENT if message.from_us else _RECEIVED
    event = SystemEvent(
        key=f"{name}:{message.uid or _fingerprint(raw)}",
        provider=PROVIDER,
        type=EventType.SENT if message.from_us else EventType.REPLY,
        channel=Channel.WHATSAPP,
        ref=message.uid,
        thread=message.chat,
        sender=message.account,
        address=_address(message.contact),
        content=message.text,
        media=message.media,
        occurred_at=message.at,
    )
    if message.is_group:
        return evolve(
            event, type=EventType.UNKNOWN, address=None, content="", detail="a group"
        )
    if message.from_us:
        origin = message.origin.strip().lower()
        return evolve(event, ours=origin == OUR_ORIGIN if origin else None)
    if not message.text and not message.media:
        # A sticker, a place, a contact card: somebody has to look at the phone.
        return evolve(event, media=True, detail="nothing that can be shown")
    return event


def _reaction(body: Json, raw: bytes) -> SystemEvent:
    """Read a reaction of theirs as a proof that they read."""
    chat, reaction = part(body, "chat"), part(body, "reaction")
    ref, at = uid(reaction.get("message_uid")), moment(reaction.get("timestamp"))
    account = phone(part(body, "whatsapp_account").get("phone"))
    if not ref:
        return _unknown(raw, "a reaction without a message")
    if chat.get("chat_type") == "group" or chat.get("is_group") is True:
        return _unknown(raw, "a group")
    if account and phone(part(reaction, "reactor").get("phone")) == account:
        return _unknown(raw, "a reaction of ours")
    when = at.isoformat() if at else _fingerprint(raw)
    return SystemEvent(
        key=f"{_REACTION}:{ref}:{when}",
        provider=PROVIDER,
        type=EventType.READ,
        channel=Channel.WHATSAPP,
        ref=ref,
        thread=chat_id(chat.get("chat_id")),
        sender=account,
        address=_address(phone(chat.get("phone"))),
        occurred_at=at,
        detail="reaction",
    )


def _account(body: Json, event_type: str, raw: bytes) -> SystemEvent:
    account = part(body, "whatsapp_account")
    number = phone(account.get("phone")) or number_of_jid(account.get("id"))
    if not number:
        return _unknown(raw, f"{event_type} without a number")
    connected = moment(account.get("connected_on"))
    disconnected = moment(account.get("disconnected_on"))
    ours = _ACCOUNTS[event_type]
    is_named = event_type.endswith("connected")
    at = connected if ours is EventType.SENDER_CONNECTED else disconnected
    times = "/".join(
        time.isoformat() if time else "" for time in (connected, disconnected)
    )
    return SystemEvent(
        key=f"{event_type}:{uid(account.get('id')) or number}:{times}",
        provider=PROVIDER,
        type=ours,
        channel=Channel.WHATSAPP,
        sender=number,
        occurred_at=at if is_named else None,
        detail=event_type.rpartition(":")[2],
    )


def _unknown(raw: bytes, detail: str) -> SystemEvent:
    return SystemEvent(
        key=_fingerprint(raw),
        provider=PROVIDER,
        type=EventType.UNKNOWN,
        channel=Channel.WHATSAPP,
        detail=detail[:_LONGEST_DETAIL],
    )


def _fingerprint(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _address(number: str) -> AddressKey | None:
    return phone_key(number) if number else None


def _unique(events: Iterable[SystemEvent]) -> Iterable[SystemEvent]:
    return {event.key: event for event in events}.values()
