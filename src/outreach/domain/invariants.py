"""What always holds, by name: in code, tests, metrics and ``outreach audit``."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from attrs import field, frozen

from outreach.domain.ids import SenderId, TenantId

__all__ = ["MEANING", "Breach", "Invariant"]


class Invariant(StrEnum):
    """The names; `MEANING` says what each promises."""

    ONE_SEND_PER_STEP = "INV-1"
    LIMIT_PER_DAY = "INV-2"
    GAP = "INV-3"
    WINDOW = "INV-4"
    OPT_OUT = "INV-5"
    NOTHING_LOST = "INV-6"
    EVENTS_APPLIED_ONCE = "INV-7"
    CHANNEL_GUARD = "INV-8"
    ATTEMPT_FIRST = "INV-9"
    UNITS_AGREE = "INV-10"
    TOKENS_GROW = "INV-11"
    ORDER_IS_NOTHING = "INV-12"
    STICKY_SENDER = "INV-13"
    BREAKER = "INV-14"
    BREACHES_ACT = "INV-15"
    SAME_SEED = "INV-16"
    STOPS_CONFIRMED = "INV-17"


MEANING: Final = {
    Invariant.ONE_SEND_PER_STEP: (
        "for each step of an enrolment at most one accepted send, over all providers "
        "and channels"
    ),
    Invariant.LIMIT_PER_DAY: (
        "for each phone and phone-day, accepted sends to new contacts stay within the "
        "limit, with Redis whole, empty, halved or stale"
    ),
    Invariant.GAP: "two accepted sends of one phone are at least 30 s apart",
    Invariant.WINDOW: (
        "every accepted send is inside the prospect's window (and the call budget) on "
        "a working day, unless a person's permission is on record; a provider's own "
        "schedule lies inside the window"
    ),
    Invariant.OPT_OUT: (
        "no attempt is armed after an opt-out of that address was committed; a call "
        "under way may end"
    ),
    Invariant.NOTHING_LOST: (
        "every live enrolment has a next time, an open or unknown attempt with a "
        "deadline, or a review item with an SLA; once faults stop, all due work is "
        "done within two cycles"
    ),
    Invariant.EVENTS_APPLIED_ONCE: (
        "every webhook answered 2xx is stored and applied exactly once; every reply "
        "stops its sequence and is triaged"
    ),
    Invariant.CHANNEL_GUARD: (
        "warm mail is accepted only for a lead that was WARM_REPLY, NEGOTIATION or "
        "CONVERTED when it was armed"
    ),
    Invariant.ATTEMPT_FIRST: (
        "every accepted send has an attempt with the same payload hash, committed "
        "before it"
    ),
    Invariant.UNITS_AGREE: (
        "the units equal the attempts that hold one, and so does the use of each "
        "further budget; the guard's sets equal them after reconciliation"
    ),
    Invariant.TOKENS_GROW: (
        "fencing tokens of a lane only grow; an old token changes no lane and starts "
        "no call, but may record the outcome of its own attempt"
    ),
    Invariant.ORDER_IS_NOTHING: (
        "any permutation and repetition of a set of events gives the same journey"
    ),
    Invariant.STICKY_SENDER: (
        "a lead's WhatsApp sends come from one phone unless a reassignment is on record"
    ),
    Invariant.BREAKER: "after a breaker opens nothing is added to that campaign",
    Invariant.BREACHES_ACT: (
        "a breach seen at run time pauses the sender and alerts; it is never logged "
        "and passed over"
    ),
    Invariant.SAME_SEED: (
        "the same seed gives the same event log, twice, under any hash seed"
    ),
    Invariant.STOPS_CONFIRMED: "every stop is confirmed by the provider, or alerted",
}


@frozen
class Breach:
    """One place where an invariant does not hold.

    Attributes:
        subject: ids of what is concerned, never an address or a text.
        says: what was seen, in words.
        sender: whom to pause, if the breach is a sender's.
    """

    invariant: Invariant
    subject: str
    says: str
    tenant: TenantId | None = field(default=None)
    sender: SenderId | None = field(default=None)

    def __str__(self) -> str:
        return f"{self.invariant} {self.subject}: {self.says}"
