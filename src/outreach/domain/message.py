"""An outbound message from intent to outcome."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from outreach.domain.address import AddressKey
from outreach.domain.budget import HARD_LIMIT, UnitSlot
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.heard import Heard
from outreach.domain.ids import (
    AccountId,
    AttemptId,
    EnrolmentId,
    IntentId,
    LeadId,
    ReviewId,
    SenderId,
    StepId,
    TenantId,
)
from outreach.domain.limits import Share
from outreach.domain.review import ReviewItem
from outreach.domain.sender import SendClass, SenderSignal
from outreach.domain.version import TextUsed

__all__ = [
    "FORWARD",
    "Accepted",
    "Aftermath",
    "Answer",
    "Armed",
    "Draft",
    "Intent",
    "Left",
    "MessageStatus",
    "NextStep",
    "NotAccepted",
    "NotArmed",
    "Outcome",
    "Parcel",
    "Refusal",
    "Refused",
    "Result",
    "UnknownOutcome",
    "WhyNotArmed",
    "furthest",
    "payload_hash",
]


class MessageStatus(StrEnum):
    """How far a message came; it only moves forward."""

    QUEUED = "QUEUED"
    ACCEPTED = "ACCEPTED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    READ = "READ"
    OPENED = "OPENED"
    CLICKED = "CLICKED"
    REPLIED = "REPLIED"
    BOUNCED = "BOUNCED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


FORWARD: Final = (
    MessageStatus.UNKNOWN,
    MessageStatus.QUEUED,
    MessageStatus.ACCEPTED,
    MessageStatus.SENT,
    MessageStatus.FAILED,
    MessageStatus.DELIVERED,
    MessageStatus.BOUNCED,
    MessageStatus.READ,
    MessageStatus.OPENED,
    MessageStatus.CLICKED,
    MessageStatus.REPLIED,
)
"""Statuses from nothing known to the furthest; a mail can bounce after delivery."""


def furthest(known: MessageStatus, told: MessageStatus) -> MessageStatus:
    """The further of two statuses, so that any order of events leaves the same."""
    return max(known, told, key=FORWARD.index)


@frozen
class Intent:
    """A message we mean to send: one per step of an enrolment, or per reply.

    Attributes:
        text, subject: frozen, of a reply; empty for a step (rendered when sent).
        permission: who allowed this message outside the window; empty for nobody.
        attempts: calls that were used up (REFUSED, NOT_SENT, or RELEASED for a
            reason of its own) so far.
        armed: attempts of any outcome so far; the next one has the number after it.
    """

    id: IntentId
    tenant: TenantId
    lead: LeadId
    send_class: SendClass
    channel: Channel
    due_at: datetime
    enrolment: EnrolmentId | None = None
    step: StepId | None = None
    step_number: int = 0
    review: ReviewId | None = None
    text: str = field(default="", repr=False)
    subject: str = field(default="", repr=False)
    permission: str = ""
    attempts: int = 0
    armed: int = 0


def payload_hash(sender: str, address: str, subject: str, text: str) -> str:
    """SHA-256 (hex) of what a person would receive, and from whom.

    Made of facts that a provider's echo carries too, so that an echo finds the
    attempt it belongs to.
    """
    body = f"{sender}\x00{address}\x00{subject}\x00{text}"
    return hashlib.sha256(body.encode()).hexdigest()


@frozen
class Parcel:
    """What a gateway is given: everything that leaves the process, and the proof
    that it may.

    Attributes:
        sender_number: our phone (E.164) or address.
        sender_ref: the provider's own id of it (`account_ref`), on the first try only.
        to: the other side's phone (E.164) or address.
        thread: the provider's id of the conversation; empty for a first touch.
        campaign: the provider's id of the campaign that the lead is added to, where
            the provider works by campaigns; empty elsewhere.
        unsubscribe: signed link of a mail, for its one-click headers (RFC 8058); it
            stands in the text too.
    """

    attempt: AttemptId
    intent: IntentId
    permit: Permit
    account: AccountId
    sender: SenderId
    sender_number: str
    to: str = field(repr=False)
    text: str = field(repr=False)
    subject: str = field(default="", repr=False)
    thread: str = ""
    campaign: str = ""
    unsubscribe: str = field(default="", repr=False)
    sender_ref: str = field(default="", repr=False)

    @property
    def hash(self) -> str:
        """See `payload_hash`."""
        return payload_hash(self.sender_number, self.to, self.subject, self.text)


# --- what a gateway answers


class Refusal(StrEnum):
    """Why a provider will never take this message (on this channel)."""

    INVALID_RECIPIENT = "INVALID_RECIPIENT"
    COLD_RESTRICTED = "COLD_RESTRICTED"
    """WhatsApp refuses strangers (ack 463, 475); the unit is not given back."""
    REJECTED = "REJECTED"


@frozen
class Accepted:
    """The provider took it.

    Attributes:
        ref: the provider's id of the message.
        thread: the provider's id of the conversation, if it says.
    """

    ref: str
    thread: str = ""


@frozen
class Refused:
    """Permanently not accepted on this channel."""

    kind: Refusal
    detail: str = ""
    until: datetime | None = None


@frozen
class NotAccepted:
    """Provably not accepted, for now.

    Attributes:
        lane: True: the provider or account refuses for now, the lane waits and no
            attempt of the message is used; False: this message failed, unclear why.
        retry_after: machine time the provider asked for.
        signal: what this says about the sender, if anything.
        ours: nothing was asked of the provider, so that it says nothing of it.
    """

    lane: bool
    detail: str = ""
    retry_after: timedelta | None = None
    signal: SenderSignal | None = None
    ours: bool = False


@frozen
class UnknownOutcome:
    """It may have been accepted."""

    detail: str = ""


Answer = Accepted | Refused | NotAccepted | UnknownOutcome


@frozen
class NextStep:
    """The step that follows, due this long after the call's end."""

    intent: IntentId
    step: StepId
    number: int
    channel: Channel
    delay: timedelta


@frozen
class Aftermath:
    """What a message that counts as sent brings about, if the lead allows it then.

    Attributes:
        move_to: journey state for a lead that is still in a cold state.
        next_step: planned if the enrolment is still ACTIVE; None: the last one.
        ends_in: engine time from the last step to the end by silence.
    """

    move_to: State | None
    next_step: NextStep | None
    ends_in: timedelta | None


@frozen
class Draft:
    """What T1 is asked to arm, with all that the decision relied on.

    Attributes:
        n: number of this attempt of the intent, from 1.
        unit: the slot a new contact is counted in; None costs nothing.
        slot: the sender's day, under which the guard counts whatever is taken.
        shares: what is taken of further budgets, together with the unit or not at all.
        used: the text of a template that it is made of; None: of none.
        lead_version: of the journey the decision was made on.
        states: journey states in which the send is allowed.
        addresses: keys that must not be suppressed.
        valid_until: engine time; earlier of window end and the phone's midnight,
            less the call budget.
        automatic: stopped by INBOX_BEHIND (a person's reply is not).
        limit: effective limit of the unit's day, as the decision saw it.
        aftermath: kept with the attempt, so that whoever learns that it counts as
            sent can go on from there.
    """

    parcel: Parcel
    n: int
    lead: LeadId
    unit: UnitSlot | None
    lead_version: int
    states: frozenset[State]
    addresses: tuple[AddressKey, ...]
    valid_until: datetime
    send_class: SendClass
    automatic: bool = True
    limit: int = HARD_LIMIT
    aftermath: Aftermath | None = None
    slot: UnitSlot | None = None
    shares: tuple[Share, ...] = ()
    used: TextUsed | None = None

    @property
    def counted(self) -> UnitSlot | None:
        """Where the guard counts it; None: it takes nothing of any budget."""
        if self.unit is None and not self.shares:
            return None
        return self.unit or self.slot


class WhyNotArmed(StrEnum):
    """Why T1 did not arm a draft."""

    STALE = "STALE"
    SUPPRESSED = "SUPPRESSED"
    SWITCHED_OFF = "SWITCHED_OFF"
    LATE = "LATE"
    QUOTA = "QUOTA"
    TAKEN = "TAKEN"
    FENCED = "FENCED"
    INBOX_BEHIND = "INBOX_BEHIND"
    BUDGET = "BUDGET"
    """A further budget is full; the detail is its key."""
    AWAY = "AWAY"
    """Its provider account is given nothing just now (`domain.health`)."""


@frozen
class Armed:
    """The attempt is CALLING; the call may be made within the call budget."""

    attempt: AttemptId


@frozen
class NotArmed:
    """Nothing was armed, and why."""

    why: WhyNotArmed
    detail: str = ""


class Outcome(StrEnum):
    """What became of an attempt."""

    CALLING = "CALLING"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    RELEASED = "RELEASED"
    UNKNOWN = "UNKNOWN"
    NOT_SENT = "NOT_SENT"
    ABANDONED = "ABANDONED"


@frozen
class Result:
    """How a call ended, for T2.

    Attributes:
        gap: engine time the lane rests, counted from T2.
        rest: machine time the lane rests in any case (`Retry-After`).
        lane_refused: no attempt of the message is used (`NotAccepted.lane`).
        keep_unit: a refused message whose unit is not given back.
        retry_in: engine time until this message may be tried again (RELEASED).
        review: a person must look: the message is not tried again, the enrolment
            is PAUSED, and this item is opened in the same commit.
        nobody_there: the lead's phone or address leads nowhere, and is marked so.
        fall_back_to: the channel by which the same message is tried next.
        signal: what the answer says of the sender, up to *signal_until* (engine time)
            if the provider named a time; kept with its duty in the same commit.
        heard: what the call says of the account.
    """

    attempt: AttemptId
    tenant: TenantId
    token: int
    outcome: Outcome
    gap: timedelta
    aftermath: Aftermath
    ref: str = ""
    thread: str = ""
    detail: str = ""
    rest: timedelta = timedelta()
    lane_refused: bool = False
    keep_unit: bool = False
    retry_in: timedelta = timedelta()
    fall_back_to: Channel | None = None
    nobody_there: bool = False
    review: ReviewItem | None = None
    signal: SenderSignal | None = None
    signal_until: datetime | None = None
    heard: Heard = Heard.NOTHING


@frozen
class Left:
    """What the ledger holds after T2, which the guard follows.

    Attributes:
        spent: the intent holds a unit of the slot, or of a further budget.
        slot: where the guard counted it, if the attempt had asked for any.
    """

    attempt: AttemptId
    intent: IntentId
    outcome: Outcome
    spent: bool
    slot: UnitSlot | None
