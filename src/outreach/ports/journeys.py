"""Leads as they stand: load, decide, compare and set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from outreach.domain.change import Change, Done, Known
from outreach.domain.event import SystemEvent
from outreach.domain.ids import EnrolmentId, LeadId, TenantId

__all__ = ["Journeys"]


class Journeys(Protocol):
    """Read, decide purely, commit what was decided as a value.

    Promises:
    - a change is committed whole or not at all;
    - the same event or command twice is committed once;
    - a change made from another version is a CONFLICT and changes nothing;
    - an opt-out is seen by every draft that is armed after its commit;
    - a cancelled message is never armed;
    - statuses only move forward, whatever the order;
    - an event is matched by the provider's id, else by what was sent, else by the
      mails that it answers, else by the conversation, else by the address;
    - an event that names its lead is that lead's, and of no sender;
    - while an event that names a lead waits, nothing is armed for it;
    - an address whose mail came back for good gets no mail any more;
    - a bounce that is taken back leaves nothing behind but its record;
    - a reply by mail goes by the sender that the lead wrote to, if that can answer
      there;
    - else it goes by its mailbox of warm mail, or waits for one;
    - where a person is asked, it is known what the lead wrote last and on which way;
    - the journey of another tenant is never seen.
    """

    async def load(self, tenant: TenantId, leads: Sequence[LeadId]) -> Sequence[Known]:
        """Those that exist, in the order asked for."""
        ...

    async def match(self, account: str, event: SystemEvent) -> Known | None:
        """The lead an event is about; None: not known (yet).

        Args:
            account: name of the provider account the event came in by.
        """
        ...

    async def enrolled(self, tenant: TenantId, enrolment: EnrolmentId) -> Known | None:
        """The lead of an enrolment."""
        ...

    async def commit(self, changes: Sequence[Change]) -> Sequence[Done]:
        """One verdict per change, in order."""
        ...
