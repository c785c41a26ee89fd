"""Reads the vendor's webhooks (contract 1.5.0). No I/O; no bytes make it raise.

The key of an event is made of its type, what it is about and its time, which a
repetition repeats: the vendor's own id (``svix-id``) stands in the head of a delivery,
and reading what is stored must give the same key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from attrs import evolve, frozen

from outreach.adapters import _json
from outreach.adapters.resend.words import (
    EVENTS,
    PROVIDER,
    Json,
    address,
    mail_ids,
    moment,
    part,
    plain,
    texts,
    uid,
)
from outreach.domain.address import AddressKey, email_keys
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent

__all__ = ["ResendReader"]

_PERMANENT: Final = "permanent"
_COMPLAINED: Final = "previous_complaint"
_LONGEST_DETAIL: Final = 120
_LONGEST: Final = 1_000
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@frozen
class ResendReader:
    """Implements :class:`outreach.ports.gateway.Reads`."""

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        """See `Reads.read`; the vendor sends one event at a time."""
        try:
            body = _json.parse(raw)
        except _json.Unreadable as error:
            return [_unknown(raw, str(error))]
        if not isinstance(body, dict) or not isinstance(body.get("type"), str):
            return [_unknown(raw, "no event type")]
        word, data = body["type"], part(body, "data")
        kind = EVENTS.get(word)
        if kind is None:
            return [_unknown(raw, f"not read: {plain(word)}")]
        match word.partition(".")[0]:
            case "contact":
                return [_contact(body, data, raw)]
            case "domain":
                return [_domain(body, data, raw)]
        return [_mail(body, data, kind, raw)]


def _mail(body: Json, data: Json, kind: EventType, raw: bytes) -> SystemEvent:
    ref = uid(data.get("email_id"))
    if not ref:
        return _unknown(raw, f"{body['type']} without an id")
    event = SystemEvent(
        key=_key(body, ref, raw),
        provider=PROVIDER,
        type=kind,
        channel=Channel.EMAIL_WARM,
        ref=ref,
        occurred_at=moment(body.get("created_at")),
    )
    if kind is EventType.REPLY:
        return _received(event, data)
    to = texts(data.get("to"))
    event = evolve(
        event,
        sender=address(data.get("from")),
        address=_address(to[0]) if len(to) == 1 else None,
    )
    match body["type"]:
        case "email.bounced":
            return _bounced(event, part(data, "bounce"))
        case "email.suppressed":
            said = part(data, "suppressed")
            told = said.get("reason") == _COMPLAINED
            kind = EventType.COMPLAINT if told else EventType.BOUNCE
            return evolve(event, type=kind, detail=_words("suppressed", said, "reason"))
        case "email.failed":
            said = part(data, "failed")
            return evolve(event, detail=_words("failed", said, "reason"))
        case "email.scheduled" | "email.delivery_delayed":
            return evolve(event, detail=body["type"])
    return event


def _bounced(event: SystemEvent, said: Json) -> SystemEvent:
    """Permanent is hard. Payloads of old had a message only; what is not said to be
    permanent costs nobody an address.
    """
    word = said.get("type")
    is_hard = isinstance(word, str) and word.strip().lower() == _PERMANENT
    return evolve(
        event,
        type=EventType.BOUNCE if is_hard else EventType.SOFT_BOUNCE,
        detail=_words("bounced", said, "type", "subType"),
        diagnostic=plain("; ".join(texts(said.get("diagnosticCode"))))[:_LONGEST],
    )


def _received(event: SystemEvent, data: Json) -> SystemEvent:
    """A mail that came in; its text is to be fetched."""
    to = [address(one) for one in texts(data.get("to"))]
    return evolve(
        event,
        sender=next(filter(None, to), ""),
        address=_address(data.get("from")),
        thread="".join(mail_ids(data.get("message_id"))[:1]),
        subject=plain(data.get("subject"))[:_LONGEST],
        media=bool(data.get("attachments")),
        incomplete=True,
    )


def _contact(body: Json, data: Json, raw: bytes) -> SystemEvent:
    """A contact that takes no mail any more has said so, by whatever way."""
    ref, who = uid(data.get("id")), _address(data.get("email"))
    gone = data.get("unsubscribed") is True and body["type"] != "contact.deleted"
    if not ref or not gone or who is None:
        return _unknown(raw, f"not read: {body['type']}")
    return SystemEvent(
        key=_key(body, ref, raw),
        provider=PROVIDER,
        type=EventType.UNSUBSCRIBE,
        channel=Channel.EMAIL_WARM,
        address=who,
        occurred_at=moment(body.get("created_at")),
        detail=body["type"],
    )


def _domain(body: Json, data: Json, raw: bytes) -> SystemEvent:
    """Something happened to a domain: the provider is asked what."""
    ref = uid(data.get("id"))
    if not ref:
        return _unknown(raw, f"{body['type']} without an id")
    return SystemEvent(
        key=_key(body, ref, raw),
        provider=PROVIDER,
        type=EVENTS[body["type"]],
        channel=Channel.EMAIL_WARM,
        occurred_at=moment(body.get("created_at")),
        detail=_words(body["type"], data, "status"),
    )


def _key(body: Json, ref: str, raw: bytes) -> str:
    at = moment(body.get("created_at"))
    return f"{body['type']}:{ref}:{at.isoformat() if at else _fingerprint(raw)}"


def _words(what: str, said: Json, *names: str) -> str:
    """Their words for it, closed ones only: a message quotes addresses."""
    found = [said.get(name) for name in names]
    known = [one for one in found if isinstance(one, str) and _WORD.fullmatch(one)]
    return " ".join([what, *known])[:_LONGEST_DETAIL]


def _address(said: object) -> AddressKey | None:
    known = address(said)
    return email_keys(known)[0] if known else None


def _unknown(raw: bytes, detail: str) -> SystemEvent:
    return SystemEvent(
        key=_fingerprint(raw),
        provider=PROVIDER,
        type=EventType.UNKNOWN,
        channel=Channel.EMAIL_WARM,
        detail=detail[:_LONGEST_DETAIL],
    )


def _fingerprint(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"
