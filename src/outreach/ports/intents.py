"""The durable ledger of sends: T1, T2 and what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from outreach.domain.budget import Units, UnitSlot
from outreach.domain.decision import Decision
from outreach.domain.ids import Incarnation, LeadId, TenantId
from outreach.domain.message import (
    Armed,
    Draft,
    Left,
    NotArmed,
    Outcome,
    Parcel,
    Result,
)
from outreach.domain.review import ReviewItem
from outreach.domain.sender import SendClass
from outreach.ports.lanes import Claim

__all__ = ["Doubt", "Intents", "Resolution"]


@frozen
class Doubt:
    """An attempt whose outcome nobody knows, leased to one worker for a look.

    Attributes:
        called_at: engine time of T1; called_on: the same, wall clock.
        looks: how often it was looked for before.
        overdue: its last deadline has passed.
    """

    parcel: Parcel
    tenant: TenantId
    lead: LeadId
    send_class: SendClass
    called_at: datetime
    called_on: datetime
    now: datetime
    looks: int
    overdue: bool


@frozen
class Resolution:
    """What a look, or the deadline, made of a doubt.

    Attributes:
        outcome: ACCEPTED, NOT_SENT, ABANDONED, or UNKNOWN: look again at
            *again_at*.
        review: opened in the same commit (`SEND_UNCERTAIN` for a warm lead).
    """

    doubt: Doubt
    outcome: Outcome
    ref: str = ""
    thread: str = ""
    again_at: datetime | None = None
    review: ReviewItem | None = None
    detail: str = ""


class Intents(Protocol):
    """What was meant, tried and sent; PostgreSQL's word against everybody's.

    Promises:
    - an intent has at most one attempt that is calling, accepted, unknown or
      abandoned;
    - arming takes the unit in the same commit, and never more than the limit;
    - it takes of all further budgets or of none, and never more than their limits;
    - a draft is refused as STALE, SUPPRESSED, SWITCHED_OFF, LATE, QUOTA, TAKEN,
      FENCED, INBOX_BEHIND or BUDGET, and then nothing is taken;
    - an opt-out that was committed before refuses the draft;
    - of several drafts each has a verdict of its own;
    - messages of one call have an outcome each, and free their lane together;
    - of a call of many that was lost each message becomes UNKNOWN;
    - settling frees the lane, takes the gap from its own end, plans the next
      step and moves the journey;
    - settling twice is settling once;
    - a refused or released attempt gives its unit back and may be armed again;
    - an unknown one keeps its unit;
    - a late outcome lands, but touches no newer claim;
    - a step that follows is planned only if the enrolment is still active;
    - a call without an outcome becomes UNKNOWN after its deadline, whatever the
      state of its sender, and the lane goes on;
    - an unknown message may be repeated only while T1 would let it go;
    - a doubt is looked at by one worker at a time, and only when it is due;
    - every doubt is looked at when its deadline passes, however far a look puts the
      next one off;
    - what was proven not sent is armed once more, and its move undone;
    - what counts as sent counts in its budgets, and what was not sent gives back
      what it took of them, once;
    - the units of a slot are the ids of the intents that hold one, and so is the use
      of each further budget.
    """

    async def arm(
        self, claim: Claim, drafts: Sequence[tuple[Draft, Decision]]
    ) -> Sequence[Armed | NotArmed]:
        """T1: one verdict per draft, in order; what passed is committed together.

        The decisions are recorded with the attempts. After the answer STALE,
        SUPPRESSED, TAKEN or SWITCHED_OFF the message is re-planned or cancelled as
        the stored facts say, and the lane is freed if nothing was armed.

        Raises:
            AnswerLost: perhaps it is armed. Never call; recovery settles it.
        """
        ...

    async def settle(self, results: Sequence[Result]) -> Sequence[Left]:
        """T2: record outcomes, idempotent, keyed by the attempt and not the lease.

        Answers what the ledger now holds, which the guard follows.
        """
        ...

    async def give_up(self, limit: int) -> Sequence[Left]:
        """Turn calls past their deadline into UNKNOWN; waits for nobody else."""
        ...

    async def doubtful(self, who: Incarnation, limit: int) -> Sequence[Doubt]:
        """Attempts that are UNKNOWN and due for a look, leased to *who*."""
        ...

    async def may_repeat(self, doubt: Doubt) -> bool:
        """Whether T1 would let this message go now, of which nobody knows whether it
        went. To be asked right before a provider is given it again with its key.
        """
        ...

    async def resolve(self, resolutions: Sequence[Resolution]) -> Sequence[Left]:
        """Record what looks and deadlines said; what is settled already stays."""
        ...

    async def units(
        self, slots: Sequence[UnitSlot], budgets: Sequence[str] = ()
    ) -> Sequence[Units]:
        """All that a rebuild of the guard needs, per slot.

        Args:
            budgets: keys of further budgets of these senders that are needed too.
        """
        ...
