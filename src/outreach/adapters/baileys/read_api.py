"""Reads deliveries of baileys-api: Baileys' own events, as they are. No I/O.

A message that was missed while the number was away comes with type `append`, as do our
own sends; one that a person writes on the telephone comes with `notify`. Imported
history is not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve

from outreach.adapters.baileys.content import content
from outreach.adapters.baileys.events import (
    Failure,
    Message,
    acknowledged,
    away,
    connected,
    fingerprint,
    locked,
    reacted,
    unknown,
    wrote,
)
from outreach.adapters.baileys.words import (
    BAILEYS_ACKS,
    Json,
    moment,
    part,
    refused_strangers,
    uid,
    word,
)
from outreach.domain.event import SystemEvent
from outreach.domain.message import MessageStatus

__all__ = ["chats_of", "events", "failure_of", "message_of"]

_CIPHERTEXT = (2, "CIPHERTEXT")
_GONE = {
    "wrong_phone_number": "another number was connected",
    "reconnect_loop_detected": "the gateway gave up connecting",
}


def events(
    body: Json, name: str, number: str, stamp: str, raw: bytes
) -> Iterable[SystemEvent]:
    """What a delivery says.

    Args:
        number: ours (E.164), from the path.
        stamp: when it came in; connections have nothing else to be told apart by.
    """
    if name == "messages.upsert":
        return _upserted(part(body, "data"), number, raw)
    if name == "messages.update":
        return _updated(body.get("data"), number, raw)
    if name == "connection.update":
        return _connection(part(body, "data"), number, stamp, raw)
    return [unknown(raw, f"not read: {name}")]


def _upserted(data: Json, number: str, raw: bytes) -> Iterator[SystemEvent]:
    messages, kind = data.get("messages"), data.get("type")
    if data.get("importMode") or not isinstance(messages, list):
        yield unknown(raw, "history" if data.get("importMode") else "no messages")
        return
    for place, item in enumerate(messages):
        of = raw + b"#%d" % place
        if not isinstance(item, dict) or item.get("importMode"):
            yield unknown(of, "no message")
            continue
        yield read_message(item, number, uid(part(item, "key").get("id")), of, kind)


def read_message(
    item: Json, number: str, ref: str, raw: bytes, kind: object
) -> SystemEvent:
    """One message of Baileys' own shape."""
    said = content(part(item, "message"))
    message = message_of(item, number, ref, live=kind == "notify")
    if said.reacts_to is not None:
        if message.from_us:
            return unknown(raw, "a reaction of ours")
        if said.reacts_to.get("fromMe") is False:
            return unknown(raw, "a reaction to one of theirs")
        return reacted(uid(said.reacts_to.get("id")), number, message.at, raw)
    if said.is_news:
        return unknown(raw, "news of another message")
    if message.broken or part(item, "message"):
        return wrote(evolve(message, text=said.text, media=said.media), raw)
    return unknown(raw, "a notice of WhatsApp's")


def message_of(item: Json, number: str, ref: str, *, live: bool) -> Message:
    """Who wrote to whom, and when; not what."""
    key = part(item, "key")
    from_us = key.get("fromMe") is True
    return Message(
        uid=ref,
        from_us=from_us,
        number=number,
        chats=chats_of(key),
        at=moment(item.get("messageTimestamp")),
        app=True if live else None,
        broken=item.get("messageStubType") in _CIPHERTEXT and not item.get("message"),
    )


def chats_of(key: Json) -> tuple[object, ...]:
    """All names of the chat: Baileys 7 has `remoteJidAlt`, 6 had `senderPn`."""
    names = ["remoteJid", "remoteJidAlt"]
    if key.get("fromMe") is not True:  # else the sender is we
        names += ["senderPn", "senderLid"]
    return tuple(key.get(name) for name in names)


def failure_of(update: Json) -> Failure:
    """WhatsApp's error codes, where Baileys hands them on."""
    codes = update.get("messageStubParameters")
    codes = codes if isinstance(codes, list) else []
    first = codes[0] if codes else ""
    code = str(first) if isinstance(first, str | int) else ""
    return Failure(code, strangers=refused_strangers(codes[:1]))


def _updated(data: object, number: str, raw: bytes) -> Iterator[SystemEvent]:
    for place, item in enumerate(data if isinstance(data, list) else [data]):
        of = raw + b"#%d" % place
        key, update = part(item, "key"), part(item, "update")
        status = update.get("status")
        if key.get("fromMe") is not True or not isinstance(status, int):
            yield unknown(of, "no news of a message of ours")
            continue
        reached: MessageStatus | None = BAILEYS_ACKS.get(status)
        ref = uid(key.get("id"))
        yield from acknowledged(ref, number, reached, of, failure=failure_of(update))


def _connection(
    data: Json, number: str, stamp: str, raw: bytes
) -> Iterator[SystemEvent]:
    if not number:
        yield unknown(raw, "a connection without a number")
        return
    state, error = word(data.get("connection")), word(data.get("error"))
    key = f"connection:{number}:{stamp or fingerprint(raw)}"
    lock = part(data, "reachoutTimeLock")
    code = part(data, "lastDisconnect", "error", "output").get("statusCode")
    if lock.get("isActive") is True:
        until = moment(lock.get("timeEnforcementEnds"))
        yield locked(number, f"{key}:lock", "reach-out time-lock", until)
    if error in _GONE:
        yield away(number, key, None, _GONE[error])
    elif state == "open":
        yield connected(number, key)
    elif state in {"connecting", "reconnecting"}:
        yield away(number, key, _passing(code), "connecting again", mending=True)
    elif state == "close":
        yield away(number, key, code, "disconnected")
    elif not lock:
        yield unknown(raw, "no news of a connection")


def _passing(code: object) -> object:
    """What a gateway is mending is no ban, whatever ended the last connection."""
    return None if code in (401, 403) else code
