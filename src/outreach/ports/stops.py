"""What providers must be told not to send any more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from outreach.domain.ids import LeadId, StopId, TenantId
from outreach.domain.stop import Stop

__all__ = ["Stops"]


class Stops(Protocol):
    """Stops, each written by the commit of its cause, with a duty that repeats it.

    Promises:
    - an opt-out withdraws all mail that a provider may hold and blocks its addresses;
    - whatever stops a run withdraws the run's mail;
    - a suppressed address withdraws what its lead was sent;
    - a call under way is in doubt until it has ended;
    - what has left its provider, or never reached one, makes no stop;
    - a channel that holds nothing makes no stop;
    - an open breaker pauses its campaign at every account it was sent from;
    - the same cause again makes no second stop;
    - a change that is not committed makes no stop;
    - a stop is due at once, and it is listed until it is confirmed;
    - what is confirmed stays confirmed;
    - the stops of another tenant are never seen.
    """

    async def get(self, tenant: TenantId, stop: StopId) -> Stop | None:
        """A stop that is not confirmed yet; None: it is, or there is none."""
        ...

    async def tried(self, stop: Stop) -> None:
        """Record one more try (`Stop.tries`, `Stop.detail`, `Stop.alerted`)."""
        ...

    async def confirm(self, stop: Stop, detail: str) -> None:
        """The provider has confirmed it."""
        ...

    async def unconfirmed(
        self, tenant: TenantId, lead: LeadId | None = None
    ) -> Sequence[Stop]:
        """What is not confirmed, of one lead or of all, oldest first; at most 100."""
        ...
