"""Reads the vendor's events, as SNS delivers them. No I/O; no bytes make it raise.

The key of an event is made of its type, the mail it is about and the vendor's id of
the report (or its time), so that the same bounce by event publishing and by an
identity's notification, or published twice, is one event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import evolve, frozen

from outreach.adapters import _json
from outreach.adapters.ses.envelope import Kind, open_envelope
from outreach.adapters.ses.words import (
    EVENTS,
    PROVIDER,
    Json,
    address,
    address_key,
    moment,
    part,
    parts,
    plain,
    uid,
    word,
)
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.mail_mark import mail_mark, marked_attempts

__all__ = ["SesReader"]

_PERMANENT: Final = "Permanent"
_UNSUBSCRIBED: Final = "UnsubscribedRecipient"
_NOT_SPAM: Final = "not-spam"
_OUT: Final = "OptOut"
_LONGEST_DETAIL: Final = 120
_LONGEST: Final = 1_000
_MOST_RECIPIENTS: Final = 50
"""The most that the vendor takes in one mail; ours have one."""
_PARTS: Final = {
    "Send": "send",
    "Delivery": "delivery",
    "Bounce": "bounce",
    "Complaint": "complaint",
    "Reject": "reject",
    "Rendering Failure": "failure",
    "DeliveryDelay": "deliveryDelay",
    "Open": "open",
    "Click": "click",
    "Subscription": "subscription",
}
"""Where in an event its details stand."""
_LISTS: Final = {
    "Bounce": "bouncedRecipients",
    "Complaint": "complainedRecipients",
    "DeliveryDelay": "delayedRecipients",
}
"""Lists of recipients, who have an address and more."""


@frozen
class SesReader:
    """Implements :class:`outreach.ports.gateway.Reads`."""

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        """See `Reads.read`; one event for each recipient that it names."""
        envelope = open_envelope(raw)
        if envelope is None:
            return [_unknown(raw, "no delivery of a topic")]
        if envelope.kind is not Kind.NOTIFICATION:
            return [_unknown(raw, envelope.kind)]
        try:
            body = _json.parse(envelope.message.encode())
        except (_json.Unreadable, UnicodeEncodeError):
            return [_unknown(raw, "not JSON within a delivery")]
        if not isinstance(body, dict):
            return [_unknown(raw, "no event within a delivery")]
        said = body.get("eventType", body.get("notificationType"))
        if not isinstance(said, str) or said not in EVENTS:
            return [_unknown(raw, f"not read: {word(said) or 'no event type'}")]
        mail = part(body, "mail")
        if not uid(mail.get("messageId")):
            return [_unknown(raw, f"{said} without an id")]
        return list(_events(said, mail, part(body, _PARTS[said]), raw))


def _events(said: str, mail: Json, about: Json, raw: bytes) -> Iterator[SystemEvent]:
    ref, sender = uid(mail.get("messageId")), address(mail.get("source"))
    at = moment(about.get("timestamp"))
    if said in {"Send", "Reject", "Rendering Failure"} and at is None:
        at = moment(mail.get("timestamp"))  # these have no time of their own
    report = uid(about.get("feedbackId")) or (at.isoformat() if at else "")
    plain_event = SystemEvent(
        key=f"{said}:{ref}:{report or _fingerprint(raw)}",
        provider=PROVIDER,
        type=EVENTS[said],
        channel=Channel.EMAIL_WARM,
        ref=ref,
        sender=sender,
        references=_mark(mail, sender),
        occurred_at=at,
    )
    whole = evolve(_told(plain_event, said, about), detail=_detail(said, about))
    recipients = _recipients(said, mail, about)
    for one in recipients:
        event = evolve(
            whole,
            address=address_key(one.get("emailAddress")),
            diagnostic=_diagnostic(one),
        )
        if len(recipients) > 1:
            event = evolve(event, key=f"{event.key}:{_short(one)}")
        yield event
    if not recipients:
        yield whole


def _told(event: SystemEvent, said: str, about: Json) -> SystemEvent:
    """What the details say of the type. What is not said to be permanent costs nobody
    an address.
    """
    kind = event.type
    match said:
        case "Bounce" if about.get("bounceType") == _PERMANENT:
            left = about.get("bounceSubType") == _UNSUBSCRIBED
            kind = EventType.UNSUBSCRIBE if left else EventType.BOUNCE
        case "Complaint" if about.get("complaintFeedbackType") == _NOT_SPAM:
            kind = EventType.UNKNOWN  # somebody says that it is none
        case "Subscription" if _opted_out(part(about, "newTopicPreferences")):
            kind = EventType.UNSUBSCRIBE
    return evolve(event, type=kind)


def _opted_out(wishes: Json) -> bool:
    """Of all topics, or of one: nobody is written to against a wish."""
    listed = parts(wishes.get("topicSubscriptionStatus"))
    each = [one.get("subscriptionStatus") for one in listed]
    return wishes.get("unsubscribeAll") is True or _OUT in each


def _detail(said: str, about: Json) -> str:
    """Their words for it, closed ones only: a message quotes addresses."""
    names = {
        "Bounce": ("bounceType", "bounceSubType"),
        "Complaint": ("complaintFeedbackType", "complaintSubType"),
        "DeliveryDelay": ("delayType",),
        "Rendering Failure": ("templateName",),
    }.get(said, ())
    known = [word(about.get(name)) for name in names]
    is_more = said in {"Reject", "Subscription", *_LISTS, "Rendering Failure"}
    found = [said, *filter(None, known)] if is_more else []
    return " ".join(found)[:_LONGEST_DETAIL]


def _recipients(said: str, mail: Json, about: Json) -> tuple[Json, ...]:
    """Whom it is about, at most as many as a mail can have."""
    if said in _LISTS:
        found = parts(about.get(_LISTS[said]))
    else:
        listed = about.get("recipients")
        if not isinstance(listed, list):
            listed = mail.get("destination")
        names = listed if isinstance(listed, list) else []
        found = tuple({"emailAddress": one} for one in names if isinstance(one, str))
    return found[:_MOST_RECIPIENTS]


def _diagnostic(one: Json) -> str:
    """The words of the server that returned it, without the ``smtp;`` before them."""
    said = plain(one.get("diagnosticCode"))[:_LONGEST].strip()
    kind, _, rest = said.partition(";")
    return rest.strip() if kind.strip().lower() == "smtp" else said


def _mark(mail: Json, sender: str) -> tuple[str, ...]:
    """The attempt that a tag of ours names, by which a mail without an answer is known.

    The vendor's own tags stand beside it; each is a list.
    """
    listed = part(mail, "tags").get("attempt")
    said = uid(listed[0]) if isinstance(listed, list) and listed else ""
    attempts = marked_attempts([said if "@" not in said else ""])
    return tuple(mail_mark(one, sender) for one in attempts)


def _short(one: Json) -> str:
    said = plain(one.get("emailAddress")).strip().lower()
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _unknown(raw: bytes, detail: str) -> SystemEvent:
    return SystemEvent(
        key=_fingerprint(raw),
        provider=PROVIDER,
        type=EventType.UNKNOWN,
        channel=Channel.EMAIL_WARM,
        detail=plain(detail)[:_LONGEST_DETAIL],
    )


def _fingerprint(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"
