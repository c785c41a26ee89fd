"""Reads deliveries of Evolution: Baileys' events, one message to a delivery. No I/O.

What the API sent is told as `send.message`, by some versions as `messages.upsert` like
what a person wrote: the key is the message's in both. An update without a status is
told as SERVER_ACK, which is why statuses only move forward. The error code is dropped:
a message that was refused as a stranger's looks like any that failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from outreach.adapters.baileys.content import content
from outreach.adapters.baileys.events import (
    acknowledged,
    away,
    connected,
    fingerprint,
    unknown,
)
from outreach.adapters.baileys.evolution import ref_of
from outreach.adapters.baileys.read_api import failure_of, read_message
from outreach.adapters.baileys.words import (
    EVOLUTION_ACKS,
    Json,
    number_of_jid,
    part,
    phone,
    word,
)
from outreach.domain.event import SystemEvent
from outreach.domain.message import MessageStatus

__all__ = ["events", "is_it"]


def is_it(body: Json) -> bool:
    """Whether a body has this gateway's shape."""
    return isinstance(body.get("instance"), str)


def events(body: Json, name: str, stamp: str, raw: bytes) -> Iterable[SystemEvent]:
    """What a delivery says.

    Args:
        stamp: when it came in; connections have nothing else to be told apart by.
    """
    data = part(body, "data")
    number = phone(body.get("instance")) or number_of_jid(body.get("sender"))
    kind = name.lower().replace("_", ".")
    if kind in {"messages.upsert", "send.message"}:
        return [_message(data, kind, number, raw)]
    if kind == "messages.update":
        return _updated(body.get("data"), number, raw)
    if kind in {"connection.update", "status.instance"}:
        return _connection(data, number, stamp, raw)
    return [unknown(raw, f"not read: {name}")]


def _message(data: Json, kind: str, number: str, raw: bytes) -> SystemEvent:
    ref = ref_of(number, part(data, "key").get("id"))
    live = "notify" if kind == "messages.upsert" else "append"
    said = content(part(data, "message"))
    if said.reacts_to is not None:
        inner = {**said.reacts_to, "id": ref_of(number, said.reacts_to.get("id"))}
        data = {**data, "message": {"reactionMessage": {"key": inner}}}
    return read_message(data, number, ref, raw, live)


def _updated(data: object, number: str, raw: bytes) -> Iterator[SystemEvent]:
    """`keyId` and `status`; in older versions and made-up examples, Baileys' own."""
    for place, item in enumerate(data if isinstance(data, list) else [data]):
        of = raw + b"#%d" % place
        told, key = part(item), part(item, "key")
        update = part(item, "update")
        word = told.get("status") or update.get("status")
        ours = told.get("fromMe") is True or key.get("fromMe") is True
        if not ours or not isinstance(word, str):
            yield unknown(of, "no news of a message of ours")
            continue
        reached: MessageStatus | None = EVOLUTION_ACKS.get(word.upper())
        ref = ref_of(number, told.get("keyId") or key.get("id"))
        yield from acknowledged(ref, number, reached, of, failure=failure_of(update))


def _connection(
    data: Json, number: str, stamp: str, raw: bytes
) -> Iterator[SystemEvent]:
    state = word(data.get("state")) or word(data.get("status"))
    code = data.get("statusReason") or data.get("disconnectionReasonCode")
    key = f"connection:{number}:{stamp or fingerprint(raw)}"
    if not number:
        yield unknown(raw, "an instance that is named by no number")
    elif state == "open":
        yield connected(number, key)
    elif state == "connecting":
        yield away(number, key, None, "connecting", mending=True)
    elif state in {"close", "closed"}:
        yield away(number, key, code, "disconnected")
    elif state == "refused":
        yield away(number, key, None, "no QR code was scanned")
    else:
        yield unknown(raw, "no news of a connection")
