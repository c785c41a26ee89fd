"""Reads deliveries of WAHA: a model of its own over every engine. No I/O.

`message` is what they wrote, `message.any` that and what left from us; the same message
in both is one event. Its acknowledgements count from -1, not as Baileys does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from outreach.adapters.baileys.events import (
    Failure,
    Message,
    acknowledged,
    away,
    connected,
    fingerprint,
    unknown,
    wrote,
)
from outreach.adapters.baileys.read_api import failure_of
from outreach.adapters.baileys.words import (
    WAHA_ACKS,
    Json,
    moment,
    number_of_jid,
    part,
    phone,
    plain,
    refused_strangers,
    uid,
    word,
)
from outreach.domain.event import SystemEvent
from outreach.domain.message import MessageStatus

__all__ = ["events", "is_it"]

_APP = {"app": True, "api": False}
_AWAY = {
    "SCAN_QR_CODE": "waits for a QR code",
    "PASSKEY_REQUIRED": "waits for a passkey",
    "PASSKEY_CONFIRMATION_REQUIRED": "waits for a passkey",
    "FAILED": "the session failed",
    "STOPPED": "the session is stopped",
}


def is_it(body: Json) -> bool:
    """Whether a body has this gateway's shape."""
    return isinstance(body.get("session"), str) and "payload" in body


def events(body: Json, name: str, raw: bytes) -> Iterable[SystemEvent]:
    """What a delivery says."""
    payload = part(body, "payload")
    number = phone(body.get("session")) or number_of_jid(part(body, "me").get("id"))
    if name in {"message", "message.any"}:
        return [wrote(_message(payload, number), raw)]
    if name == "message.ack":
        return _acknowledged(payload, number, raw)
    if name == "session.status":
        return _status(body, payload, number, raw)
    return [unknown(raw, f"not read: {name}")]


def _message(payload: Json, number: str) -> Message:
    from_us = payload.get("fromMe") is True
    return Message(
        uid=uid(payload.get("id")),
        from_us=from_us,
        number=number,
        chats=_chats(payload, "to" if from_us else "from"),
        text=plain(payload.get("body")),
        media=payload.get("hasMedia") is True,
        at=moment(payload.get("timestamp")),
        app=_APP.get(word(payload.get("source"))),
    )


def _chats(payload: Json, name: str) -> tuple[object, ...]:
    """All names of the chat; engine NOWEB has Baileys' key, GOWS `Info`."""
    raw, info = part(payload, "_data", "key"), part(payload, "_data", "Info")
    ours = payload.get("fromMe") is True
    return (
        payload.get(name),
        raw.get("remoteJidAlt"),
        None if ours else raw.get("senderPn"),
        info.get("RecipientAlt" if ours else "SenderAlt"),
    )


def _acknowledged(payload: Json, number: str, raw: bytes) -> Iterator[SystemEvent]:
    ack = payload.get("ack")
    if payload.get("fromMe") is not True or not isinstance(ack, int):
        yield unknown(raw, "no news of a message of ours")
        return
    reached: MessageStatus | None = WAHA_ACKS.get(ack)
    ref = uid(payload.get("id"))
    yield from acknowledged(ref, number, reached, raw, failure=_failure(payload))


def _failure(payload: Json) -> Failure:
    """The block beside the acknowledgement, else the engine's own words."""
    error = part(payload, "error")
    if not error:
        update = part(payload, "_data", "update") or part(payload, "_data")
        return failure_of(update)
    code = error.get("code")
    return Failure(
        code=plain(code) if isinstance(code, str) else "",
        strangers=error.get("blocked") is True or refused_strangers(code),
        until=moment(error.get("until")),
    )


def _status(
    body: Json, payload: Json, number: str, raw: bytes
) -> Iterator[SystemEvent]:
    status = word(payload.get("status"))
    given = uid(body.get("id"))
    key = f"session:{given}" if given else f"session:{fingerprint(raw)}"
    if not number:
        yield unknown(raw, "a session that is named by no number")
    elif status == "WORKING":
        yield connected(number, key)
    elif status == "STARTING":
        yield away(number, key, None, "starting", mending=True)
    elif status in _AWAY:
        yield away(number, key, None, _AWAY[status])
    else:
        yield unknown(raw, "no news of a session")
