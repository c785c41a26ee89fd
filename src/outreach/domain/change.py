"""What the core reads of a lead, and what it commits, each as one value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from outreach.domain.analysis import Analysis, ReplyIntent
from outreach.domain.breaker import MailFault
from outreach.domain.budget import UnitSlot
from outreach.domain.channel import Channel, State
from outreach.domain.drafting import Draft
from outreach.domain.event import EventType
from outreach.domain.ids import (
    AttemptId,
    EnrolmentId,
    EventId,
    IntentId,
    LeadId,
    SenderId,
    TenantId,
)
from outreach.domain.journey import Journey, Move
from outreach.domain.message import Intent, MessageStatus, Outcome
from outreach.domain.review import ReviewItem
from outreach.domain.sender import Sender
from outreach.domain.sequence import Enrolment, EnrolmentStatus
from outreach.domain.suppression import Suppression

__all__ = [
    "Answered",
    "Change",
    "Done",
    "Duty",
    "DutyKind",
    "Heard",
    "Known",
    "Outbound",
    "Postponed",
    "ReviewChange",
    "StatusChange",
    "Wrote",
]

_INTEREST: Final = frozenset({ReplyIntent.INTERESTED, ReplyIntent.QUESTION})


class DutyKind(StrEnum):
    """Everything periodic, or due 'if nothing happens until then'."""

    DISPATCH = "DISPATCH"
    """Of a tenant: give new leads to phones."""
    SEQUENCE_END = "SEQUENCE_END"
    """Of an enrolment: nobody answered."""
    SLA = "SLA"
    """Of a review item: at half of its time, and at its end."""
    STATUS_POLL = "STATUS_POLL"
    """Of a provider account: how far its messages came."""
    HEALTH = "HEALTH"
    """Of a provider account: which of its senders are connected."""
    REPLAY = "REPLAY"
    """Of a provider account: which of its webhooks did not arrive."""
    MAILBOXES = "MAILBOXES"
    """Of a provider account and a part of its mailboxes: what came there."""
    SENDER_TIMEOUT = "SENDER_TIMEOUT"
    """Of a sender: its lock, pause or reconnection runs out."""
    AUDIT = "AUDIT"
    """Of a tenant: check the invariants over its ledger."""
    DOUBT = "DOUBT"
    """Of a sender: too many of its calls had no outcome."""
    SILENCE = "SILENCE"
    """Of a sender: whether anything has come back from it."""
    REFUSAL = "REFUSAL"
    """Of a sender: its provider refuses for an hour, or serves it again."""
    SIGNAL = "SIGNAL"
    """Of an attempt: what the end of its call said of the sender."""
    GONE = "GONE"
    """Of a sender that is banned or retired: its new contacts need another one."""
    STOP = "STOP"
    """Of a stop: tell the provider, until it confirms."""
    BREAKER = "BREAKER"
    """Of a campaign: its mail bounced or was complained about; judge it."""
    HOSTED = "HOSTED"
    """Of a provider's campaign: see that it is there, and whether it sends."""
    MAIL_COUNTS = "MAIL_COUNTS"
    """Of a provider account: what it counted for its campaigns."""
    PLAN = "PLAN"
    """Of a provider account: its plan is nearly used, or the vendor tells its use."""
    AWAY = "AWAY"
    """Of a provider account of warm mail: it went away, and what waits for it goes on;
    or it is back.
    """
    INTROS = "INTROS"
    """Of a tenant with a model: write about leads ahead of their messages."""
    WINNER = "WINNER"
    """Of a template with versions: leads have answered; see whether one is best."""


@frozen
class Duty:
    """A row with a due time (engine time).

    Attributes:
        key: id of what it is about, as text (of MAILBOXES with ``/`` and the part's
            number); (kind, key) is unique.
        now: engine time at which it was taken.
    """

    kind: DutyKind
    key: str
    tenant: TenantId
    due_at: datetime
    now: datetime | None = None


@frozen
class Outbound:
    """A message of ours that an event is about.

    Attributes:
        attempt: the one the event is about.
        outcome: of that attempt.
    """

    attempt: AttemptId
    intent: IntentId
    sender: SenderId
    channel: Channel
    status: MessageStatus
    outcome: Outcome


@frozen
class Wrote:
    """What the lead has written last, and by which way.

    Attributes:
        subject: of the last mail of the conversation, whoever wrote it.
    """

    channel: Channel
    subject: str = field(default="", repr=False)


@frozen
class Known:
    """A lead as it stands, with all that a reaction to an event looks at.

    Attributes:
        now: engine time of the read.
        outbound: the message the event's ref, or its payload hash, points to.
        sender: the sender the event came to, if it is one of ours.
        waiting: intents of the lead that are not sent yet.
        review: the open review item, if there is one.
        contacted: sender and lead have written to each other before.
        number: the lead's phone (E.164), empty if it has none.
        wrote: looked up where a review item is open; None: it has written nothing.
        other_channels: every channel the lead has an address for.
        bounced: its mails that came back for good, oldest first.
        fields: variables for templates.
    """

    tenant: TenantId
    now: datetime
    journey: Journey
    enrolment: Enrolment | None = None
    waiting: tuple[Intent, ...] = ()
    review: ReviewItem | None = None
    outbound: Outbound | None = None
    sender: Sender | None = None
    contacted: bool = False
    number: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    language: str = ""
    time_zone: str = "UTC"
    ai_replies_today: int = 0
    wrote: Wrote | None = None
    other_channels: frozenset[Channel] = frozenset()
    bounced: tuple[AttemptId, ...] = ()
    fields: Mapping[str, str] = field(factory=dict, repr=False)


@frozen
class Heard:
    """An inbound message, or one a person sent, as a row of the log."""

    type: EventType
    channel: Channel
    at: datetime
    ref: str = ""
    thread: str = ""
    sender: SenderId | None = None
    content: str = field(default="", repr=False)
    subject: str = field(default="", repr=False)
    analysis: Analysis | None = None
    draft: Draft | None = None


@frozen
class Answered:
    """A reply, as the figures of the version see it that it answers.

    Attributes:
        attempt: the message that it names; None: the lead's last one.
        positive: it shows interest.
    """

    attempt: AttemptId | None
    positive: bool


@frozen
class StatusChange:
    """How far a message came; the store keeps the furthest."""

    attempt: AttemptId
    status: MessageStatus
    at: datetime


@frozen
class Postponed:
    """A waiting message that is due later than planned."""

    intent: IntentId
    until: datetime
    why: str


@frozen
class ReviewChange:
    """A review item as it shall be, with the line for its audit log.

    Attributes:
        expected: fingerprint the item must still have; None for a new item.
    """

    item: ReviewItem
    action: str
    by: str
    notes: str = ""
    expected_fingerprint: str | None = None


@frozen
class Change:
    """Everything one event or command does to one lead, committed whole.

    Attributes:
        key: the event or command; the same one again is done already.
        event: the stored event that is applied by this commit, if it was one.
        expected: version of the journey the change was made from.
        resolves: attempts whose outcome the event tells, with the provider's id.
        external: the slot in which a person made a new contact by hand.
        faults: mails that came back or were complained about; they count for their
            campaign, each once. The address of one that came back is marked, and its
            lead gets no mail there.
        amends: mails that did not come back after all: all of that is undone.
        anomaly: why the event made no sense; people are told.
    """

    tenant: TenantId
    lead: LeadId
    key: str
    expected: int
    journey: Journey
    event: EventId | None = None
    moves: tuple[Move, ...] = ()
    heard: Heard | None = None
    statuses: tuple[StatusChange, ...] = ()
    cancels: tuple[tuple[IntentId, str], ...] = ()
    postpones: tuple[Postponed, ...] = ()
    plans: tuple[Intent, ...] = ()
    enrolment: tuple[EnrolmentId, EnrolmentStatus, str] | None = None
    review: ReviewChange | None = None
    suppressions: tuple[Suppression, ...] = ()
    duties: tuple[Duty, ...] = ()
    resolves: tuple[tuple[AttemptId, Outcome, str, str], ...] = ()
    external: UnitSlot | None = None
    faults: tuple[tuple[AttemptId, MailFault], ...] = ()
    amends: tuple[AttemptId, ...] = ()
    anomaly: str = ""

    @property
    def answered(self) -> Answered | None:
        """What the commit says of the version that was answered; None: nothing."""
        if self.heard is None or self.heard.type is not EventType.REPLY:
            return None
        named = [told.attempt for told in self.statuses]
        said = self.heard.analysis
        positive = said is not None and said.intent in _INTEREST and said.sentiment >= 0
        return Answered(named[0] if named else None, positive)

    @property
    def converted(self) -> bool:
        """Whether the lead becomes a customer by it."""
        return any(move.after is State.CONVERTED for move in self.moves)


class Done(StrEnum):
    """What became of a change."""

    DONE = "DONE"
    ALREADY = "ALREADY"
    """The same event or command was committed before."""
    CONFLICT = "CONFLICT"
    """The journey has another version; load and decide again."""
