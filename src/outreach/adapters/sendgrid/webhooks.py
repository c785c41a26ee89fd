"""Reads the vendor's event webhook. No I/O; no bytes make it raise.

A delivery is a list of events of many mails. The vendor's own id of an event
(``sg_event_id``) is its key: a delivery that is repeated, or an event that comes again
in another one, has the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Final

from attrs import evolve, frozen

from outreach.adapters import _json
from outreach.adapters.sendgrid.words import (
    ATTEMPT,
    DROPPED,
    EVENTS,
    PROVIDER,
    Json,
    address,
    mail_id,
    moment,
    plain,
    uid,
)
from outreach.domain.address import email_keys
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent

__all__ = ["MOST_KEYS", "SendGridReader"]

MOST_KEYS: Final = 100_000
"""Of one delivery: the vendor sends up to 768 KB at once, a dozen keys an event."""

_ATTEMPT: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STATUS: Final = re.compile(r"[245]\.[1-9]\d{0,2}\.\d{1,3}")
"""An enhanced code (RFC 3463) that says something: 5.0.0 does not."""
_PASSING: Final = re.compile(r"4\.\d{1,3}\.\d{1,3}")
_WORD: Final = re.compile(r"[A-Za-z0-9_ /-]{1,64}")
_LONGEST_DETAIL: Final = 120
_LONGEST: Final = 1_000


@frozen
class SendGridReader:
    """Implements `outreach.ports.gateway.Reads`, `outreach.ports.incoming.Splits`."""

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        """See `Reads.read`; an event that stands twice in a delivery is told once."""
        try:
            body = _json.parse(raw, most_keys=MOST_KEYS)
        except _json.Unreadable as error:
            return [_unknown(_hash(raw), str(error))]
        if not isinstance(body, list) or not body:
            return [_unknown(_hash(raw), "no list of events")]
        found: dict[str, SystemEvent] = {}
        for said in body:
            event = _event(said)
            found.setdefault(event.key, event)
        return tuple(found.values())

    def split(self, raw: bytes) -> Sequence[bytes]:
        """See `Splits.split`: lists of one event."""
        try:
            body = _json.parse(raw, most_keys=MOST_KEYS)
        except _json.Unreadable:
            return [raw]
        if not isinstance(body, list):
            return [raw]
        return [json.dumps([one], separators=(",", ":")).encode() for one in body] or [
            raw
        ]


def _event(said: object) -> SystemEvent:
    if not isinstance(said, dict):
        return _unknown(_fingerprint(said), "no event")
    key, word = uid(said.get("sg_event_id")) or _fingerprint(said), said.get("event")
    kind = EVENTS.get(word) if isinstance(word, str) else None
    if kind is None or not isinstance(word, str):
        return _unknown(key, f"not read: {_words('', said, 'event', 'type')}")
    attempt = said.get(ATTEMPT)
    ours = isinstance(attempt, str) and _ATTEMPT.fullmatch(attempt) is not None
    who = address(said.get("email"))
    event = SystemEvent(
        key=key,
        provider=PROVIDER,
        type=kind,
        channel=Channel.EMAIL_WARM,
        ref=_ref(said.get("sg_message_id")),
        thread=mail_id(said.get("smtp-id")),
        address=email_keys(who)[0] if who else None,
        occurred_at=moment(said.get("timestamp")),
        ours=True if ours else None,
        references=(f"<{attempt}@{PROVIDER}>",) if ours else (),
    )
    return _told(event, word, said)


def _told(event: SystemEvent, word: str, said: Json) -> SystemEvent:
    match word:
        case "bounce":
            return _bounced(event, said)
        case "dropped":
            reason = plain(said.get("reason"))
            kind = DROPPED.get(reason.strip().lower(), EventType.FAILED)
            return evolve(event, type=kind, detail=_words("dropped", said, "reason"))
        case "processed" if not event.ours:
            # another program's mail, by the same account
            return evolve(event, type=EventType.UNKNOWN, detail="processed, not ours")
        case "open" if said.get("sg_machine_open") is True:
            return evolve(event, type=EventType.UNKNOWN, detail="opened by a machine")
        case "deferred" | "group_resubscribe" | "group_unsubscribe":
            return evolve(event, detail=word)
    return event


def _bounced(event: SystemEvent, said: Json) -> SystemEvent:
    """`bounce` is for good, unless the server's code is one of 4xx, and `blocked` is
    not; what is not said to be for good costs nobody an address.
    """
    status = plain(said.get("status")).strip()
    is_hard = said.get("type") == "bounce" and _PASSING.fullmatch(status) is None
    code = status if _STATUS.fullmatch(status) else ""
    reason = plain(said.get("reason")).strip()
    return evolve(
        event,
        type=EventType.BOUNCE if is_hard else EventType.SOFT_BOUNCE,
        detail=_words("bounce", said, "type", "bounce_classification"),
        diagnostic=" ".join(filter(None, (code, reason)))[:_LONGEST],
    )


def _ref(said: object) -> str:
    """What the send was told as the mail's id; of an event, the part before a dot."""
    return uid(said).partition(".")[0]


def _words(what: str, said: Json, *names: str) -> str:
    """Their words for it, closed ones only: a sentence may quote an address."""
    found = [said.get(name) for name in names]
    known = [one for one in found if isinstance(one, str) and _WORD.fullmatch(one)]
    return " ".join([*filter(None, (what,)), *known])[:_LONGEST_DETAIL]


def _unknown(key: str, detail: str) -> SystemEvent:
    return SystemEvent(
        key=key,
        provider=PROVIDER,
        type=EventType.UNKNOWN,
        channel=Channel.EMAIL_WARM,
        detail=detail.strip()[:_LONGEST_DETAIL],
    )


def _fingerprint(said: object) -> str:
    return _hash(json.dumps(said, sort_keys=True).encode())


def _hash(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"
