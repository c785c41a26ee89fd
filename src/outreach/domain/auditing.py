"""What an audit of a live ledger looks for, check by check, and what each means.

A check is a question to the stored facts whose answer must be 'nothing'. Some belong
to one invariant together: each finds what the others cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from outreach.domain.ids import AttemptId, SenderId, TenantId
from outreach.domain.invariants import Breach, Invariant
from outreach.domain.window import Window

__all__ = [
    "AUDIT_EVERY",
    "AUDIT_LOOKS_BACK",
    "HOURLY",
    "INVARIANTS",
    "PROVABLE_GAP",
    "Audited",
    "Check",
    "Finding",
    "SendFact",
    "breach_of",
    "outside_window",
]

AUDIT_EVERY: Final = timedelta(hours=1)
AUDIT_LOOKS_BACK: Final = timedelta(hours=48)
"""Of the hourly audit: long enough that an UNKNOWN has had its 24 hours."""
HOURLY: Final = "duty"
"""Who makes the audits that lateness is measured by."""
PROVABLE_GAP: Final = timedelta(seconds=30)
"""INV-3; a phone whose own gap is set lower is held to that."""


class Check(StrEnum):
    """The checks, in words that a report begins with."""

    MESSAGE_TWICE = "a message has two attempts that may have arrived"
    STEP_TWICE = "a step was sent as two messages"
    OVER_LIMIT = "more new contacts in a phone's day than its limit"
    TOO_SOON = "a phone's send began too soon after the one before"
    OUTSIDE_WINDOW = "armed outside the window, with nobody's permission"
    AFTER_OPT_OUT = "armed after the address was suppressed"
    LOST_ENROLMENT = "nothing will ever move this live enrolment"
    LOST_CALL = "a call without an outcome that nobody ends"
    LATE_ANSWER = "an unknown outcome past its deadline, or that nobody looks for"
    LATE_DUTY = "a duty that was overdue at the last audit, too"
    ASLEEP = "messages wait in an open lane that never wakes"
    LATE_EVENT = "an event that waited at the last audit, too"
    REPLY_UNHEARD = "a reply was applied, and the sequence goes on"
    WRONG_CHANNEL = "sent on a channel that the lead's state forbids"
    LOG_WITHOUT_ATTEMPT = "a logged send without its attempt"
    ATTEMPT_WITHOUT_LOG = "an accepted attempt without its line in the log"
    OTHER_PAYLOAD = "what the log says was sent is not what was armed"
    AFTER_BREAKER = "armed while the breaker of its campaign was open"
    STOP_UNTOLD = "a stop overdue at the last audit, too, of which nobody was told"
    STOP_LOST = "a stop without a confirmation that nothing will ever repeat"
    BUDGETS_DIFFER = "the use of a further budget is not what its holders say"
    UNITS_DIFFER = "the units are not those of the attempts that hold one"
    GUARD_FORGETS = "the guard, just rebuilt, holds fewer units than the ledger"
    FENCE_BACK = "a lane's fencing token went back"
    OTHER_PHONE = "a lead was written to from two phones, and no move is on record"
    JOURNEY_DIFFERS = "a lead's state is not what its moves lead to"


INVARIANTS: Final[Mapping[Check, Invariant]] = {
    Check.MESSAGE_TWICE: Invariant.ONE_SEND_PER_STEP,
    Check.STEP_TWICE: Invariant.ONE_SEND_PER_STEP,
    Check.OVER_LIMIT: Invariant.LIMIT_PER_DAY,
    Check.TOO_SOON: Invariant.GAP,
    Check.OUTSIDE_WINDOW: Invariant.WINDOW,
    Check.AFTER_OPT_OUT: Invariant.OPT_OUT,
    Check.LOST_ENROLMENT: Invariant.NOTHING_LOST,
    Check.LOST_CALL: Invariant.NOTHING_LOST,
    Check.LATE_ANSWER: Invariant.NOTHING_LOST,
    Check.LATE_DUTY: Invariant.NOTHING_LOST,
    Check.ASLEEP: Invariant.NOTHING_LOST,
    Check.LATE_EVENT: Invariant.EVENTS_APPLIED_ONCE,
    Check.REPLY_UNHEARD: Invariant.EVENTS_APPLIED_ONCE,
    Check.WRONG_CHANNEL: Invariant.CHANNEL_GUARD,
    Check.LOG_WITHOUT_ATTEMPT: Invariant.ATTEMPT_FIRST,
    Check.ATTEMPT_WITHOUT_LOG: Invariant.ATTEMPT_FIRST,
    Check.OTHER_PAYLOAD: Invariant.ATTEMPT_FIRST,
    Check.AFTER_BREAKER: Invariant.BREAKER,
    Check.STOP_UNTOLD: Invariant.STOPS_CONFIRMED,
    Check.STOP_LOST: Invariant.STOPS_CONFIRMED,
    Check.BUDGETS_DIFFER: Invariant.UNITS_AGREE,
    Check.UNITS_DIFFER: Invariant.UNITS_AGREE,
    Check.GUARD_FORGETS: Invariant.UNITS_AGREE,
    Check.FENCE_BACK: Invariant.TOKENS_GROW,
    Check.OTHER_PHONE: Invariant.STICKY_SENDER,
    # The journey is what its log of moves makes of it, and nothing else.
    Check.JOURNEY_DIFFERS: Invariant.ORDER_IS_NOTHING,
}
"""Of every check. INV-15 is what the use case does with the answer; INV-16 is shown by
the simulation.
"""


@frozen
class Finding:
    """What one check found in a store.

    Attributes:
        subject: ids, never an address or a text.
        detail: figures and times.
        sender: whom to pause, if it is a sender's.
    """

    check: Check
    subject: str
    detail: str = ""
    sender: SenderId | None = None


@frozen
class SendFact:
    """A message that was armed, with the window that is on its record.

    Attributes:
        called_at: engine time of T1.
        window: without holidays.
    """

    attempt: AttemptId
    sender: SenderId
    called_at: datetime
    window: Window


@frozen
class Audited:
    """What an audit found.

    Attributes:
        fresh: those among them that no audit had found before; acted upon.
        checks: how many were made.
        left_out: those that could not be made, with the reason.
    """

    breaches: tuple[Breach, ...]
    fresh: tuple[Breach, ...]
    checks: int
    left_out: tuple[tuple[Check, str], ...] = field(default=())


def breach_of(tenant: TenantId, finding: Finding) -> Breach:
    """A finding as the breach that it is."""
    says = str(finding.check)
    if finding.detail:
        says = f"{says}: {finding.detail}"
    invariant = INVARIANTS[finding.check]
    return Breach(invariant, finding.subject, says, tenant, finding.sender)


def outside_window(fact: SendFact, window: Window) -> Finding | None:
    """INV-4: T1 lies in the window, whose end it keeps the call budget away from.

    Args:
        fact: what was armed.
        window: its own, with the holidays.
    """
    if window.is_open(fact.called_at):
        return None
    detail = f"armed at {fact.called_at.isoformat()}, window {window.key}"
    return Finding(Check.OUTSIDE_WINDOW, str(fact.attempt), detail, fact.sender)
