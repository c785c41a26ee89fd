"""What the store in memory keeps of each thing; facts inside are never changed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from attrs import Factory, define

from outreach.adapters.memory.intro_rows import IntroRows
from outreach.adapters.memory.line import Line
from outreach.domain.address import AddressKey
from outreach.domain.analysis import Analysis
from outreach.domain.budget import UnitSlot
from outreach.domain.change import Duty
from outreach.domain.channel import Channel, State
from outreach.domain.consent import OPEN, Consent, Policy
from outreach.domain.decision import Decision
from outreach.domain.drafting import Draft
from outreach.domain.event import Arrival
from outreach.domain.ids import (
    AccountId,
    AttemptId,
    EventId,
    Incarnation,
    IntentId,
    LeadId,
    SenderId,
    StopId,
    TenantId,
)
from outreach.domain.journey import Journey, Move
from outreach.domain.message import (
    Aftermath,
    Intent,
    MessageStatus,
    Outcome,
    Parcel,
)
from outreach.domain.review import ReviewItem
from outreach.domain.sender import SendClass, Sender, SenderSignal
from outreach.domain.sequence import Enrolment, Sequence
from outreach.domain.stop import StopKind
from outreach.domain.window import Hours, Window
from outreach.ports.reviews import Audited

__all__ = [
    "AgreedRows",
    "AttemptRow",
    "AuditRows",
    "BudgetRow",
    "CampaignRow",
    "DecisionRow",
    "DutyRow",
    "EnrolmentRow",
    "EventRow",
    "InstanceRow",
    "IntentRow",
    "LaneRow",
    "Lease",
    "LogRow",
    "ReviewRow",
    "Standing",
    "StopRow",
    "TenantRow",
    "Undo",
    "UnitRow",
]


@define(eq=False)
class TenantRow:
    """Whose everything is; zone, language and hours are its defaults."""

    id: TenantId
    time_zone: str = "UTC"
    language: str = "en"
    hours: Hours = Factory(Hours)


@define
class Lease:
    """Who is at work on a row, and until when (machine time)."""

    who: Incarnation
    until: datetime


@define(eq=False)
class LaneRow:
    """One sender with the line of its messages.

    Attributes:
        gate_at: engine time; nothing leaves before.
        new_gate_at: engine time; no conversation is opened before.
        backoffs: calls in a row that the provider refused for now.
        budget_gate_at: engine time; nothing leaves before, for the day is used up.
        closed: until when each window key is known to be closed.
        last_was_new: of follow-ups and new contacts, a new one was sent last.
        lease: of the present claim; None: the lane is free.
        calling: attempts of the present claim that have no outcome yet.
    """

    sender: Sender
    gate_at: datetime
    new_gate_at: datetime | None = None
    budget_gate_at: datetime | None = None
    backoff_until: datetime | None = None
    backoffs: int = 0
    closed: dict[str, datetime] = Factory(dict)
    token: int = 0
    lease: Lease | None = None
    calling: dict[AttemptId, None] = Factory(dict)
    last_was_new: bool = False
    line: Line = Factory(Line)


class Standing(StrEnum):
    """What a message is doing."""

    WAITING = "WAITING"
    HELD = "HELD"
    CALLING = "CALLING"
    SENT = "SENT"
    CANCELLED = "CANCELLED"


@define(eq=False)
class IntentRow:
    """A message.

    Attributes:
        why: of HELD and CANCELLED.
        cancelled: asked for while its outcome was open; honoured if it was not sent.
        attempts: all of them, oldest first.
        noted: reason of the decision that was recorded last.
    """

    intent: Intent
    window: Window
    lane: SenderId | None
    standing: Standing = Standing.WAITING
    why: str = ""
    cancelled: str = ""
    attempts: list[AttemptId] = Factory(list)
    noted: str = ""

    @property
    def window_key(self) -> str:
        """Whose closing stops it; a person's permission stands above all."""
        return "" if self.intent.permission else self.window.key


@define(eq=False)
class Undo:
    """What counting an attempt as sent did, so that it can be taken back."""

    before: Journey
    move: Move | None
    step_before: int | None
    planned: IntentId | None
    duty: Duty | None


@define(eq=False)
class AttemptRow:
    """One try to send.

    Attributes:
        called_at: engine time of T1; called_on: machine time.
        deadline: machine time at which CALLING becomes UNKNOWN.
        slot: where the guard counted what it took of any budget.
        budgets: keys of the further budgets it took a unit of; plans: of its account.
        valid_until: engine time up to which it may leave.
        evidence: an event has told that it was accepted, before its call ended.
        overdue_at: engine time at which UNKNOWN must get an outcome.
        state: the lead's when it was armed.
        settled_at: engine time of its outcome.
        signal: what its call said of the sender, until that is carried out.
    """

    parcel: Parcel
    intent: IntentId
    tenant: TenantId
    lead: LeadId
    send_class: SendClass
    unit: UnitSlot | None
    token: int
    called_at: datetime
    called_on: datetime
    deadline: datetime
    valid_until: datetime
    aftermath: Aftermath | None
    state: State = State.COLD
    settled_at: datetime | None = None
    outcome: Outcome = Outcome.CALLING
    ref: str = ""
    detail: str = ""
    evidence: bool = False
    undo: Undo | None = None
    next_look: datetime | None = None
    overdue_at: datetime | None = None
    looks: int = 0
    lease: Lease | None = None
    slot: UnitSlot | None = None
    budgets: tuple[str, ...] = ()
    signal: SenderSignal | None = None
    signal_until: datetime | None = None
    plans: tuple[str, ...] = ()


@define(eq=False)
class UnitRow:
    """One sender's day: who holds a unit (in order), and what people did.

    Attributes:
        limit: that the last unit was taken under; None: none was.
    """

    ids: dict[IntentId, None] = Factory(dict)
    external: int = 0
    limit: int | None = None


@define(eq=False)
class BudgetRow:
    """One further budget of a sender in one period: who holds a unit, by which try."""

    ends_at: datetime
    ids: dict[IntentId, AttemptId] = Factory(dict)


@define(eq=False)
class EnrolmentRow:
    """A lead's run of a sequence."""

    enrolment: Enrolment
    tenant: TenantId
    zones: tuple[str, ...]
    country: str
    zones_why: str
    enrolled_at: datetime | None = None
    messages_sent: int = 0


@define(eq=False)
class CampaignRow:
    """Leads that were looked at for a campaign, and why some were skipped."""

    tenant: TenantId
    sequence: Sequence
    skipped: dict[LeadId, str] = Factory(dict)
    seen: set[LeadId] = Factory(set)


@define(eq=False)
class LogRow:
    """One message, either way.

    Attributes:
        reached: when each status was first told.
        ask_at: engine time of the next status poll; None: not asked yet.
    """

    tenant: TenantId
    lead: LeadId
    at: datetime
    inbound: bool
    channel: Channel
    text: str
    status: MessageStatus | None = None
    attempt: AttemptId | None = None
    ref: str = ""
    sender: SenderId | None = None
    analysis: Analysis | None = None
    draft: Draft | None = None
    subject: str = ""
    reached: dict[MessageStatus, datetime] = Factory(dict)
    ask_at: datetime | None = None


@define(eq=False)
class EventRow:
    """A stored arrival.

    Attributes:
        stored_at: engine time.
        due_at: engine time; None: parked for a person.
        parked: it was taken and put back.
        lead: whose it was when it was applied.
        away: it said that nobody is there now.
    """

    id: EventId
    arrival: Arrival
    stored_at: datetime
    due_at: datetime | None
    tries: int = 0
    parked: bool = False
    why: str = ""
    lead: LeadId | None = None
    away: bool = False
    lease: Lease | None = None


@define(eq=False)
class DutyRow:
    """A duty; *again* is what was put while it is being done."""

    duty: Duty
    lease: Lease | None = None
    taken_at: datetime | None = None
    again: datetime | None = None


@define(eq=False)
class AgreedRows:
    """What people agreed to, what they must have, and what is said of them."""

    consents: dict[LeadId, list[Consent]] = Factory(dict)
    intros: IntroRows = Factory(dict)
    policy: Policy = OPEN


@define(eq=False)
class AuditRows:
    """What an audit must know beside, and what it left.

    Attributes:
        last: engine and machine time of each tenant's last hourly audit.
        known: findings that were acted upon, by tenant, check and subject.
        suppressed_on: machine time at which an address came on a list.
        reassigned: when leads moved to another phone.
    """

    last: dict[TenantId, tuple[datetime, datetime]] = Factory(dict)
    known: set[tuple[TenantId, str, str]] = Factory(set)
    suppressed_on: dict[tuple[TenantId | None, AddressKey], datetime] = Factory(dict)
    reassigned: list[tuple[datetime, LeadId]] = Factory(list)


@define(eq=False)
class InstanceRow:
    """Which store this is, and how far it has come.

    Attributes:
        place: where it is; began_in: and where it was met first.
        held: why everything is held; empty if it is not.
    """

    lineage: str = ""
    place: str = "here"
    began_in: str = "here"
    position: int = 0
    moved_on: datetime | None = None
    held: str = ""


@define(eq=False)
class ReviewRow:
    """An item with its claim and its audit log."""

    item: ReviewItem
    claimed_by: str = ""
    audit: list[Audited] = Factory(list)


@define(eq=False)
class StopRow:
    """What a provider must be told; *about* is an attempt or a campaign."""

    id: StopId
    tenant: TenantId
    account: AccountId
    kind: StopKind
    about: UUID
    cause: str
    at: datetime
    lead: LeadId | None = None
    tries: int = 0
    detail: str = ""
    alerted: bool = False
    confirmed_at: datetime | None = None


@define(eq=False)
class DecisionRow:
    """A recorded decision."""

    tenant: TenantId
    lead: LeadId
    intent: IntentId
    step_number: int
    decision: Decision
    outcome: str = ""
    attempt: AttemptId | None = None
