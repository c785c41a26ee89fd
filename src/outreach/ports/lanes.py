"""Who may send now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Protocol

from attrs import field, frozen

from outreach.domain.allocation import Room
from outreach.domain.case import Case
from outreach.domain.channel import Channel
from outreach.domain.decision import Decision
from outreach.domain.ids import (
    AccountId,
    Incarnation,
    IntentId,
    LeadId,
    SenderId,
    TenantId,
)

__all__ = ["ALL_ROOM", "ALONE", "Allocations", "Claim", "Lanes", "PutOff", "Waiting"]

ALL_ROOM: Final[Mapping[AccountId, int]] = MappingProxyType({})
"""No account is known to be full."""
ALONE: Final[Mapping[AccountId, int]] = MappingProxyType({})
"""No account takes more than one message a call."""


@frozen
class Claim:
    """One lane, taken by one worker for one call.

    Attributes:
        token: fencing token; grows with every claim of the lane.
        now: engine time; the send decides by it.
        lease_until: machine time of the store's clock.
        epoch: of the ledger; a guard rebuilt under another one is not believed.
        speed: engine seconds per machine second, 1 unless the run is scaled.
        backoffs: calls in a row that the provider refused for now.
        last_was_new: of follow-ups and new contacts, a new one was sent last.
        cases: what could be sent, in the order (class, due time): of each open class
            the first of every open window, and where one call takes many messages
            (*many*), also those that follow the first of all in its window; windows
            carry no holidays yet.
        many: so many messages one call to the account takes.
    """

    lane: SenderId
    tenant: TenantId
    account: AccountId
    token: int
    now: datetime
    lease_until: datetime
    epoch: int
    cases: tuple[Case, ...]
    last_was_new: bool = False
    backoffs: int = 0
    speed: float = 1.0
    many: int = 1


@frozen
class PutOff:
    """A message that is not sent now, with the decision that says why.

    By the decision's binding reason the store moves as little as possible:
    OUTSIDE_WINDOW closes the case's window for this lane until then,
    QUOTA_EXCEEDED closes the lane for new contacts, anything else with a time
    moves the message (a HOLD is looked at again then), STOP cancels it and stops
    its enrolment. BUDGET_EXCEEDED closes the lane if the budget is of all it sends;
    else it moves, in their order, all of the lane's messages that wait for the same
    people (who have not answered) or as new contacts of the same campaign. *hosted*
    moves all that would be added to the same campaign of the provider.

    Attributes:
        until: engine time; None only for STOP.
        budget: key of the further budget that is full; empty: none is.
        hosted: the provider's campaign is not there, or takes nothing; one that was
            never asked for is from now on (`outreach.ports.hosting`).
        to_channel: its own channel has become impossible: it waits on this one, for
            the lead's sender there or for any.
    """

    intent: IntentId
    decision: Decision
    until: datetime | None
    budget: str = ""
    hosted: bool = False
    to_channel: Channel | None = None


class Lanes(Protocol):
    """The lines of sends, one per sender, shared by all workers.

    Leases and `Claim.now` are read from the store's own clock. Every verb is one
    atomic step and one round trip.

    Promises:
    - a lane is claimed by one worker at a time;
    - every claim of a lane has a higher token than the one before;
    - a lane whose lease ran out is claimed again only after the grace;
    - a lane with a call under way is never claimed;
    - a claim takes at most the room that is left of each provider account;
    - a claim holds messages of one tenant only;
    - tenants take turns: whoever was served last comes after all others that are due;
    - only messages that are due, in an open window and an open class, are offered;
    - where one call takes many messages, a claim offers as many of each class, from
      the window that is first in it, but replies one by one;
    - what is put off in a lane that is kept leaves the claim as it is;
    - what is put off comes back at its time, not before;
    - what is moved to another channel waits for a sender of that;
    - follow-ups and new contacts take turns, whatever replies come between;
    - a full budget puts off at once all in the lane that it stops;
    - a stale token changes nothing;
    - the next wake is the earliest time anything is due;
    - lanes of an account without room wake nobody;
    - a lane that is switched off or whose sender may send nothing never wakes.
    """

    async def claim(
        self,
        who: Incarnation,
        room: Mapping[AccountId, int],
        limit: int,
        after: TenantId | None = None,
        many: Mapping[AccountId, int] = ALONE,
    ) -> Sequence[Claim]:
        """Take up to *limit* lanes whose wake time has come, one tenant's at a time.

        A caller that hands over the tenant it served last keeps nobody waiting for
        more than one claim of each other tenant, however many lanes or messages
        those have.

        Args:
            room: how many calls each account can still take; an account that is
                not named can take *limit*.
            after: the tenant that was served last; None: begin with the lane that
                has waited longest.
            many: how many messages one call to an account takes; an account that is
                not named takes one.
        """
        ...

    async def put_off(
        self, claim: Claim, puts: Sequence[PutOff], *, keep: bool = False
    ) -> None:
        """Move these messages, record why, and free the lane.

        Args:
            keep: do not free it: other messages of the claim are sent now.
        """
        ...

    async def free(self, claim: Claim) -> None:
        """Give the lane back with nothing changed."""
        ...

    async def next_wake(
        self, room: Mapping[AccountId, int] = ALL_ROOM
    ) -> timedelta | None:
        """Machine time until the earliest thing is due (zero: now), None: nothing.

        Looks at lanes, leases that run out, attempts without an outcome, duties
        and arrived events alike; O(1) in lanes and leads.

        Args:
            room: as for `claim`; lanes of accounts that have none left are not
                looked at, for nothing can be done about them here.
        """
        ...

    async def forsake(self, dead: Incarnation) -> int:
        """End the claims of incarnations that are proven dead, at once.

        Their calls under way become UNKNOWN, their other lanes are free after the
        gap. Answers how many lanes that were. *dead* may be a prefix ending in
        ``*``.
        """
        ...


@frozen
class Waiting:
    """A message without a sender.

    Attributes:
        refused: of warm mail, how often each account provably did not accept it.
        known: of warm mail, who has sent the lead some, the last first.
    """

    intent: IntentId
    due_at: datetime
    lead: LeadId | None = None
    refused: Mapping[AccountId, int] = field(factory=dict)
    known: tuple[SenderId, ...] = ()


class Allocations(Protocol):
    """Which sender takes which new lead.

    Promises:
    - the rooms tell today's remaining units and what waits already;
    - the rooms tell the follow-ups of the longest sequence that has leads nobody has
      written to;
    - an override of capacity counts while its campaign has such leads;
    - what is allocated wakes its lane;
    - a message is allocated once: who comes second changes nothing;
    - new contacts of a phone that is gone wait for another one, and whoever it has
      written to stays;
    - mail waits for a sender of its channel, and no other takes it;
    - a mailbox has room for what its budgets leave, and plenty without any;
    - what waits comes in the order of its due time;
    - warm mail tells who refused it and whom its lead knows;
    - an account that is away has no room, but for one message once it is to be tried.
    """

    async def rooms(self, tenant: TenantId) -> Sequence[Room]:
        """Every enabled sender of the tenant with today's room, by id."""
        ...

    async def waiting(
        self, tenant: TenantId, limit: int, channel: Channel = Channel.WHATSAPP
    ) -> Sequence[Waiting]:
        """What is due on that channel and has no sender, oldest first."""
        ...

    async def allocate(
        self, tenant: TenantId, given: Mapping[IntentId, SenderId]
    ) -> int:
        """Put the messages into the senders' lanes; answers how many were moved."""
        ...

    async def take_back(self, tenant: TenantId, sender: SenderId, limit: int) -> int:
        """Have new contacts of a phone that is BANNED or RETIRED wait for another.

        Answers how many were taken, 0 of a phone that is there; those are due for a
        dispatch at once.
        """
        ...
