"""Work for people: review items, how soon each is due, and when it escalates."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from attrs import evolve, field, frozen

from outreach.domain.analysis import Analysis
from outreach.domain.channel import Channel
from outreach.domain.errors import Refused
from outreach.domain.ids import EventId, LeadId, ReviewId, TenantId, UserId
from outreach.domain.sla import SLA, Priority, ReviewCalendar, sla_due, sla_risk_at

__all__ = [
    "PRIORITY_OF",
    "SLA",
    "TRIGGER_MAX_CHARACTERS",
    "Priority",
    "Resolution",
    "ReviewCalendar",
    "ReviewItem",
    "ReviewReason",
    "ReviewStatus",
    "Trigger",
    "escalated",
    "fingerprint",
    "merge",
    "sla_due",
    "sla_risk_at",
]

TRIGGER_MAX_CHARACTERS: Final = 20_000
"""Of many messages in one item the latest are kept; the log holds them all."""


class ReviewReason(StrEnum):
    """Why a person must look."""

    NEGATIVE_SENTIMENT = "NEGATIVE_SENTIMENT"
    KEYWORD_TRIGGER = "KEYWORD_TRIGGER"
    AI_UNCERTAIN = "AI_UNCERTAIN"
    AI_FLAGGED = "AI_FLAGGED"
    """The analyser is sure that this deserves an answer: nothing is wrong with it."""
    BOUNCE_DETECTED = "BOUNCE_DETECTED"
    COMPLAINT = "COMPLAINT"
    LEGAL_THREAT = "LEGAL_THREAT"
    MANUAL_FLAG = "MANUAL_FLAG"
    SEND_UNCERTAIN = "SEND_UNCERTAIN"
    SEND_FAILED = "SEND_FAILED"
    WRONG_PERSON = "WRONG_PERSON"
    NOT_INTERESTED = "NOT_INTERESTED"
    LOW_SENTIMENT = "LOW_SENTIMENT"
    MEDIA_ONLY = "MEDIA_ONLY"
    LATE_REPLY = "LATE_REPLY"
    EVENT_PARKED = "EVENT_PARKED"


PRIORITY_OF: Final = MappingProxyType(
    {
        ReviewReason.COMPLAINT: Priority.URGENT,
        ReviewReason.LEGAL_THREAT: Priority.URGENT,
        ReviewReason.NEGATIVE_SENTIMENT: Priority.URGENT,
        ReviewReason.SEND_UNCERTAIN: Priority.URGENT,
        ReviewReason.KEYWORD_TRIGGER: Priority.HIGH,
        ReviewReason.EVENT_PARKED: Priority.HIGH,
        ReviewReason.WRONG_PERSON: Priority.MEDIUM,
        ReviewReason.NOT_INTERESTED: Priority.MEDIUM,
        ReviewReason.LOW_SENTIMENT: Priority.MEDIUM,
        ReviewReason.AI_UNCERTAIN: Priority.MEDIUM,
        ReviewReason.AI_FLAGGED: Priority.MEDIUM,
        ReviewReason.MEDIA_ONLY: Priority.MEDIUM,
        ReviewReason.LATE_REPLY: Priority.MEDIUM,
        ReviewReason.SEND_FAILED: Priority.MEDIUM,
        ReviewReason.MANUAL_FLAG: Priority.MEDIUM,
        ReviewReason.BOUNCE_DETECTED: Priority.LOW,
    }
)
"""The priority each reason opens with (SPEC section 9).

The specification is silent on four: a late reply, a failed send and a flag set by
hand wait as long as an uncertain analysis; a parked event holds up its sender's
replies, therefore HIGH.
"""


class ReviewStatus(StrEnum):
    """Where an item is in the queue."""

    PENDING = "PENDING"
    ASSIGNED = "ASSIGNED"
    SNOOZED = "SNOOZED"
    RESOLVED = "RESOLVED"
    ESCALATED = "ESCALATED"


class Resolution(StrEnum):
    """How a person ended an item."""

    APPROVED = "APPROVED"
    EDITED = "EDITED"
    REJECTED = "REJECTED"
    TAKEOVER = "TAKEOVER"
    HANDED_OVER = "HANDED_OVER"
    OPTED_OUT = "OPTED_OUT"
    MARKED_DEAD = "MARKED_DEAD"
    WRONG_PERSON = "WRONG_PERSON"
    IGNORED = "IGNORED"


@frozen
class Trigger:
    """What opens an item, or is folded into the person's open one.

    Attributes:
        text: what the prospect wrote, or what failed.
        communication: the event it came with, None if none did.
        suggested: the reply offered, as rendered text or a template's name.
    """

    reason: ReviewReason
    priority: Priority
    text: str = field(default="", repr=False)
    communication: EventId | None = None
    analysis: Analysis | None = None
    suggested: str | None = field(default=None, repr=False)


@frozen
class ReviewItem:
    """One thing a person must decide about one lead.

    Attributes:
        communication: the event that opened it, None if none did.
        trigger: what the prospect wrote (or what failed), latest last.
        suggested: the reply offered, as rendered text or a template's name.
        fingerprint: of exactly what the reviewer was shown, see `fingerprint`.
        claimed_until: somebody is at work on it until then.
        response_sent: text of the reply that went out.
        version: grows with every change.
    """

    id: ReviewId
    tenant: TenantId
    lead: LeadId
    reason: ReviewReason
    priority: Priority
    opened_at: datetime
    sla_due_at: datetime
    trigger: str = field(default="", repr=False)
    communication: EventId | None = None
    analysis: Analysis | None = None
    suggested: str | None = field(default=None, repr=False)
    fingerprint: str | None = None
    assigned_to: UserId | None = None
    assigned_at: datetime | None = None
    claimed_until: datetime | None = None
    status: ReviewStatus = ReviewStatus.PENDING
    snoozed_until: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: UserId | None = None
    resolution: Resolution | None = None
    notes: str = field(default="", repr=False)
    response_sent: str | None = field(default=None, repr=False)
    escalated_to: UserId | None = None
    escalated_at: datetime | None = None
    sla_breached: bool = False
    version: int = 1

    @property
    def is_open(self) -> bool:
        """Nobody has resolved it."""
        return self.status is not ReviewStatus.RESOLVED

    @property
    def confidence(self) -> float | None:
        """How sure the analyser was, None if none was asked."""
        return None if self.analysis is None else self.analysis.confidence

    def at_work(self, now: datetime) -> bool:
        """Whether a reviewer's claim is running."""
        return self.claimed_until is not None and now < self.claimed_until


def escalated(item: ReviewItem, now: datetime) -> ReviewItem:
    """Apply the SLA: the item as it must be at *now*, the same one if nothing is due.

    The breach is recorded when it happens; the item becomes URGENT and ESCALATED
    once, and not while a reviewer is at work on it. Snoozing stops no clock. Who
    sees ``escalated_at`` change raises the alert.
    """
    if not item.is_open or now < item.sla_due_at or item.escalated_at is not None:
        return item
    if item.at_work(now):
        if item.sla_breached:
            return item
        return evolve(item, sla_breached=True, version=item.version + 1)
    return evolve(
        item,
        priority=Priority.URGENT,
        status=ReviewStatus.ESCALATED,
        escalated_at=now,
        snoozed_until=None,
        sla_breached=True,
        version=item.version + 1,
    )


def fingerprint(
    recipient: str, channel: Channel, text: str, at: datetime | None
) -> str:
    """Name exactly what a reviewer was shown; an approval is bound to it.

    *recipient* is a phone (E.164) or an address, *text* what would be sent,
    character for character, *at* when (aware; None: at once). Returns SHA-256 as
    64 hexadecimal digits.
    """
    when = None if at is None else at.astimezone(UTC).isoformat()
    shown = json.dumps([recipient, channel.value, text, when])
    return hashlib.sha256(shown.encode()).hexdigest()


def merge(
    item: ReviewItem, more: Trigger, *, at: datetime, calendar: ReviewCalendar
) -> ReviewItem:
    """Fold a further message of the same person into their open item.

    The higher priority and its reason win (the earlier one if equal); the item is
    due no later than before; the latest event, analysis and suggestion replace the
    earlier ones, whose text they answer no more; what was shown is shown no more,
    so the fingerprint goes; a snoozed item wakes up.

    Raises:
        Refused: the item is resolved; open a new one.
    """
    if not item.is_open:
        message = f"review item {item.id} is resolved: open a new one for this message"
        raise Refused(message)
    wins = more.priority > item.priority
    wakes = item.status is ReviewStatus.SNOOZED
    text = "\n".join(part for part in (item.trigger, more.text) if part)
    return evolve(
        item,
        reason=more.reason if wins else item.reason,
        priority=more.priority if wins else item.priority,
        trigger=text[-TRIGGER_MAX_CHARACTERS:],
        communication=more.communication or item.communication,
        analysis=more.analysis or item.analysis,
        suggested=more.suggested,
        fingerprint=None,
        status=ReviewStatus.PENDING if wakes else item.status,
        snoozed_until=None,
        sla_due_at=min(item.sla_due_at, sla_due(more.priority, at, calendar)),
        version=item.version + 1,
    )
