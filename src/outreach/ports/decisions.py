"""What was decided and what would be, for people who ask why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from attrs import field, frozen

from outreach.domain.case import Case
from outreach.domain.decision import Decision, Reason
from outreach.domain.ids import AttemptId, IntentId, LeadId, SenderId, TenantId
from outreach.domain.lane import LaneView
from outreach.domain.relay import PassedOn

__all__ = ["Decisions", "Explained", "PhoneDay", "Recorded", "Summary"]


@frozen
class Recorded:
    """A stored decision.

    Attributes:
        through: the provider and sender of its attempt; empty: it led to none.
        attempt: None: it led to none.
    """

    intent: IntentId
    step_number: int
    decision: Decision
    outcome: str = ""
    through: str = ""
    attempt: AttemptId | None = None


@frozen
class Explained:
    """A lead with what waits, what was decided, and what happened.

    Attributes:
        cases: one per message that waits, next first; windows without holidays.
        ended: why nothing waits, if nothing does: the enrolment's stop reason, the
            reason it was skipped, or that it was never enrolled.
        passed: messages that left their sender for another one.
    """

    lead: LeadId
    name: str = field(repr=False)
    state: str
    now: datetime
    cases: tuple[Case, ...]
    recorded: tuple[Recorded, ...]
    ended: str = ""
    passed: tuple[PassedOn, ...] = ()


@frozen
class Summary:
    """Counts of a whole run, each an incremental or indexed figure.

    Attributes:
        sent: accepted sends by channel.
        deferred: decisions other than SEND, by reason.
        events: stored events by type.
        reviews: items by priority; replies by intent.
        unknown: attempts whose outcome is not known or was given up.
        skipped: leads not planned, by reason.
        breaches: that audits found, by invariant.
        passed: warm mail that left its sender for another one, by provider.
        health: provider accounts of warm mail, by state.
        phones: (number, new, follow-ups and replies, limit), accepted sends only.
    """

    imported: int
    enrolled: int
    sent: Mapping[str, int]
    deferred: Mapping[str, int]
    events: Mapping[str, int]
    replies: Mapping[str, int]
    reviews: Mapping[str, int]
    suppressed: int
    unknown: int
    skipped: Mapping[str, int]
    phones: tuple[tuple[str, int, int, int], ...]
    waiting: Mapping[str, int]
    breaches: Mapping[str, int] = field(factory=dict)
    passed: Mapping[str, int] = field(factory=dict)
    health: Mapping[str, int] = field(factory=dict)


@frozen
class PhoneDay:
    """What one phone sent on one of its own days; accepted sends only."""

    phone: str
    day: date
    new: int
    followups: int
    limit: int


class Decisions(Protocol):
    """The decision log and the facts to decide again.

    Promises:
    - the facts of a case are those a claim would carry;
    - a decision is recorded per send, per refusal and per change of reason;
    - a recorded decision reads back as it was made;
    - a recorded decision has facts from which the same is decided again;
    - a lead is found by its messages and attempts, too;
    - a lane is shown as it is, with what waits in it and what keeps it.
    """

    async def explain(self, tenant: TenantId, lead: LeadId) -> Explained:
        """Raises NotFound if the lead is not there."""
        ...

    async def behind(self, tenant: TenantId, start: str) -> Sequence[LeadId]:
        """Leads with a message or an attempt whose id begins so, at most 20.

        Args:
            start: at least 4 characters of an id, with or without dashes.
        """
        ...

    async def waiting(
        self, tenant: TenantId, after: IntentId | None, limit: int
    ) -> Sequence[Case]:
        """Every message that waits, by id."""
        ...

    async def deferred(self, tenant: TenantId) -> Mapping[Reason, int]:
        """How often each reason was given."""
        ...

    async def days(self, tenant: TenantId) -> Sequence[PhoneDay]:
        """Accepted sends of every phone on each day it sent on, by phone and day."""
        ...

    async def lanes(
        self, tenant: TenantId, lane: SenderId | None = None
    ) -> Sequence[LaneView]:
        """Every lane of the tenant, or that one, by the sender's number."""
        ...

    async def summary(self, tenant: TenantId) -> Summary:
        """See `Summary`."""
        ...
