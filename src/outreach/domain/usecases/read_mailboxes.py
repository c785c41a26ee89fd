"""Read our own mailboxes: what belongs to a lead is put into the inbox.

A mail that has nothing to do with any lead is not stored; it is left where it is, and
nothing of it is kept but that reading has passed it. A place is moved only when what
lies before it is stored, so a crash means that a mail is read again, and its events
are known already.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from outreach.domain.errors import NotFound
from outreach.domain.event import Arrival, EventType, SystemEvent
from outreach.domain.ids import TenantId
from outreach.domain.sender import Sender, SenderSignal, SenderState
from outreach.domain.usecases.signal_sender import SignalSender
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.gateway import Reads
from outreach.ports.inbox import Inbox
from outreach.ports.journeys import Journeys
from outreach.ports.mailboxes import Fault, Look, Mail, ReadsMailboxes
from outreach.ports.places import Places
from outreach.ports.senders import Senders

__all__ = ["AT_ONCE", "ReadMailboxes"]

AT_ONCE: Final = 25
"""Mailboxes of one duty: what they hold must be stored within its lease."""
LOOKS_PER_SECOND: Final = 10
"""Over all mailboxes and workers: each look is a connection and a sign-in."""
TOLD_AFTER: Final = 3
"""Looks in a row that fail before people are told: servers are restarted at times."""

_KIND: Final = "provider.unhealthy"
_WHY: Final = "its mailbox does not accept our sign-in"


@frozen
class ReadMailboxes:
    """One look at one part of the mailboxes.

    Attributes:
        provider, account: names, as what is read is stored under.
        reader: reads what *mailboxes* give.
        every: between two looks at a mailbox, at the least.
        wall: wall clock (UTC), which the mails' times are of.
    """

    mailboxes: ReadsMailboxes
    places: Places
    inbox: Inbox
    journeys: Journeys
    senders: Senders
    signal: SignalSender
    alerts: Alerts
    reader: Reads
    provider: str
    account: str
    every: timedelta
    wall: Callable[[], datetime]

    async def parts(self) -> int:
        """How many parts there are to look at."""
        return -(-len(await self.mailboxes.names()) // AT_ONCE)

    async def __call__(self, tenant: TenantId, part: int) -> timedelta | None:
        """When to look again; None: there is no such part any more.

        Raises:
            Unavailable: a store did not answer. What was not stored is read again.
        """
        names = await self.mailboxes.names()
        own = names[part * AT_ONCE : (part + 1) * AT_ONCE]
        if not own:
            return None
        known = await self.places.of(tenant, own)
        looks = await self.mailboxes.look({one: known.get(one, ()) for one in own})
        for look in looks:
            await self._take_in(tenant, look)
        for look in looks:
            await self._judge(tenant, look)
        if any(look.more for look in looks):
            return timedelta()
        return max(self.every, timedelta(seconds=len(names) / LOOKS_PER_SECOND))

    async def _take_in(self, tenant: TenantId, look: Look) -> None:
        for mail in look.mails:
            await self._put(tenant, mail)
            await self.places.move(tenant, look.mailbox, mail.place)
        last = {mail.place.folder: mail.place for mail in look.mails}
        for place in look.places:
            if last.get(place.folder) != place:
                await self.places.move(tenant, look.mailbox, place)

    async def _put(self, tenant: TenantId, mail: Mail) -> None:
        for event in self.reader.read(mail.raw):
            if not await self._is_ours(tenant, event):
                continue
            arrival = Arrival(
                provider=self.provider,
                account=self.account,
                raw=mail.raw,
                key=event.key,
                type=event.type,
                address=event.address,
                received_at=self.wall(),
            )
            await self.inbox.put(arrival)

    async def _is_ours(self, tenant: TenantId, event: SystemEvent) -> bool:
        """It is about a lead that we know."""
        if event.type is EventType.UNKNOWN:
            return False
        known = await self.journeys.match(self.account, event)
        return known is not None and known.tenant == tenant

    async def _judge(self, tenant: TenantId, look: Look) -> None:
        """What the look says of the mailbox."""
        match look.fault:
            case Fault.REFUSED:
                await self._refused(tenant, look)
            case Fault.AWAY if look.failures >= TOLD_AFTER:
                says = f"mail cannot be read at {look.host}: not reached or cut off"
                await self.alerts.raise_(Alert(_KIND, look.host, says))
            case None if look.is_news:
                await self.alerts.over(_KIND, look.host)
                await self._works(tenant, look)

    async def _refused(self, tenant: TenantId, look: Look) -> None:
        sender = await self._sender(tenant, look.address)
        if sender is None:
            says = f"the mailbox that all mail comes to at {look.host} refuses us"
            await self.alerts.raise_(Alert(_KIND, look.host, says))
            return
        if sender.state is not SenderState.OFFLINE:
            failed = SenderSignal.AUTH_FAILED
            await self.signal(tenant, sender.id, failed, why=_WHY, by="provider")

    async def _works(self, tenant: TenantId, look: Look) -> None:
        """Who was out of service for that is back; for another reason, is not."""
        sender = await self._sender(tenant, look.address)
        if sender is None or sender.state is not SenderState.OFFLINE:
            return
        if sender.state_reason == _WHY:
            why = "its mailbox accepts our sign-in again"
            back = SenderSignal.CONNECTED
            await self.signal(tenant, sender.id, back, why=why, by="provider")

    async def _sender(self, tenant: TenantId, address: str) -> Sender | None:
        if not address:
            return None
        try:
            return await self.senders.get(tenant, address)
        except NotFound:
            return None
