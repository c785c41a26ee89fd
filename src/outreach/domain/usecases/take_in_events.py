"""Apply what came in: match, analyse, react, commit; each event once.

An event that fails holds up no other. One that fails five times is parked, and a
person is asked, for it may have been a reply. One whose rest is still at the provider
is fetched first; while that cannot be asked, it waits aside and uses no try.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen

from outreach.domain.analysis import Reply
from outreach.domain.answer import asking
from outreach.domain.bounce import BounceClass, bounce_of, codes
from outreach.domain.change import Change, Done, Known
from outreach.domain.channel import Channel
from outreach.domain.errors import NeedsPerson, RetryLater, Unavailable
from outreach.domain.event import Arrived, EventType, SystemEvent
from outreach.domain.ids import AccountId, Incarnation, TenantId
from outreach.domain.reaction import Received, react, still_calling
from outreach.domain.replying import drafts_from
from outreach.domain.review import (
    PRIORITY_OF,
    Priority,
    ReviewCalendar,
    ReviewReason,
    Trigger,
)
from outreach.domain.sender import SenderSignal
from outreach.domain.sequence import MessageTemplate
from outreach.domain.usecases.signal_sender import WRONG_SENDER, SignalSender
from outreach.domain.window import local_day
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.analyst import Analyst
from outreach.ports.campaigns import Campaigns
from outreach.ports.clock import Clock
from outreach.ports.drafter import Drafter
from outreach.ports.gateway import Reads
from outreach.ports.inbox import Inbox
from outreach.ports.incoming import FetchesContent
from outreach.ports.journeys import Journeys
from outreach.ports.senders import Senders

__all__ = ["Applied", "TakeInEvents"]

PARK_AFTER: Final = 5
"""Failures after which an event waits for a person."""

_IN_A_MOMENT: Final = timedelta(seconds=5)
_MATCH_AGAIN: Final = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(days=1),
)
"""Fewer than PARK_AFTER: that nobody knows an address is no failure."""
_FETCH_AGAIN: Final = timedelta(seconds=30)
_CONFLICTS: Final = 5
_SIGNALS: Final = {
    EventType.SENDER_CONNECTED: None,
    EventType.SENDER_DISCONNECTED: SenderSignal.DISCONNECTED,
    EventType.SENDER_LOCKED: SenderSignal.LOCKED,
    EventType.SENDER_BANNED: SenderSignal.DISCONNECTED,
}
"""What is believed at once. That a phone is back, or gone for good, is believed only
of the provider that was asked; until then a phone said to be banned is offline."""
_CHECKED: Final = frozenset({EventType.SENDER_CONNECTED, EventType.SENDER_BANNED})
_UNASKED: Final = {
    EventType.SENDER_CONNECTED: SenderSignal.CONNECTED,
    EventType.SENDER_BANNED: SenderSignal.BANNED,
}
"""What is believed of a provider that cannot be asked: its word is all there is."""


class Applied(StrEnum):
    """What became of an event."""

    DONE = "DONE"
    CLOSED = "CLOSED"
    """There was nothing to apply."""
    UNMATCHED = "UNMATCHED"
    LATER = "LATER"
    PARKED = "PARKED"
    """It failed too often; people were told."""


@frozen
class TakeInEvents:
    """Takes waiting events and applies them, oldest first.

    Attributes:
        readers: by provider.
        fetchers: provider accounts that keep a part of what they tell.
        drafter: drafts answers from templates; None: nobody does.
        unattended: tenants that let approved templates go out without a person.
        unasked: provider accounts that cannot be asked which senders are connected.
        batch: events taken at once; all must be applied within the lease of the first.
    """

    inbox: Inbox
    journeys: Journeys
    senders: Senders
    campaigns: Campaigns
    analyst: Analyst
    signal: SignalSender
    clock: Clock
    alerts: Alerts
    readers: Mapping[str, Reads]
    reviewers: ReviewCalendar
    fetchers: Mapping[AccountId, FetchesContent] = field(factory=dict)
    drafter: Drafter | None = None
    unattended: Collection[TenantId] = ()
    unasked: Container[AccountId] = ()
    batch: int = 50

    async def __call__(self, who: Incarnation) -> int:
        """Answers how many events were taken."""
        taken = await self.inbox.take(who, self.batch)
        await self._each(taken)
        return len(taken)

    async def _each(self, taken: Sequence[Arrived]) -> None:
        for place, arrived in enumerate(taken, 1):
            try:
                await self.apply(arrived)
            except RetryLater:
                raise
            except Exception as error:
                await self._failed(arrived, type(error).__name__)
                await self._each(taken[place:])
                raise

    async def apply(self, arrived: Arrived) -> Applied:
        """Apply one event."""
        if arrived.tries > PARK_AFTER:
            # What fails may be the very reading, or the asking of a person.
            return await self._park(arrived)
        event = self._event(arrived)
        if event is None or event.type is EventType.UNKNOWN:
            says = "unknown type" if event is None else event.detail or "unknown type"
            await self.inbox.close(arrived.id, says)
            return Applied.CLOSED
        if arrived.tries == PARK_AFTER:
            if event.type not in _SIGNALS:
                await self._ask_person(arrived, event)
            return await self._park(arrived)
        if event.type in _SIGNALS:
            return await self._sender(arrived, event)
        return await self._lead(arrived, event)

    def _event(self, arrived: Arrived) -> SystemEvent | None:
        reader = self.readers.get(arrived.arrival.provider)
        if reader is None:
            return None
        read = reader.read(arrived.arrival.raw)
        return next((e for e in read if e.key == arrived.arrival.key), None)

    async def _failed(self, arrived: Arrived, defect: str) -> None:
        """Tried again in a minute; `PARK_AFTER` such tries park it."""
        says = f"{arrived.arrival.type} could not be applied: {defect}"
        await self.alerts.raise_(Alert("event.parked", str(arrived.id), says))
        again = await self.clock.now() + _MATCH_AGAIN[0]
        await self.inbox.park(arrived.id, says, again)

    async def _park(self, arrived: Arrived) -> Applied:
        says = _in_vain(arrived)
        await self.alerts.raise_(Alert("event.parked", str(arrived.id), says))
        await self.inbox.park(arrived.id, says, None)
        return Applied.PARKED

    async def _ask_person(self, arrived: Arrived, event: SystemEvent) -> None:
        """While the item is open nothing automatic goes to the lead."""
        says = _in_vain(arrived)
        for _ in range(_CONFLICTS):
            known = await self.journeys.match(arrived.arrival.account, event)
            if known is None:
                return
            reason = ReviewReason.EVENT_PARKED
            text = "\n".join(filter(None, (says, event.content)))
            trigger = Trigger(reason, PRIORITY_OF[reason], text, arrived.id)
            plain = Change(
                tenant=known.tenant,
                lead=known.journey.lead,
                key=f"parked/{arrived.id}",
                expected=known.journey.version,
                journey=known.journey,
            )
            change = asking(plain, known, trigger, self.reviewers)
            if await self._commit(change) is not Done.CONFLICT:
                return

    async def _commit(self, change: Change) -> Done:
        (done,) = await self.journeys.commit([change])
        if done is not Done.DONE:
            return done
        if change.anomaly:
            about = Alert("fact.anomaly", str(change.lead), change.anomaly)
            await self.alerts.raise_(about)
        asked = change.review
        if asked is not None and asked.item.priority is Priority.URGENT:
            says = f"{asked.item.reason}: a person must look"
            await self.alerts.raise_(Alert("review.urgent", str(asked.item.id), says))
        return done

    async def _sender(self, arrived: Arrived, event: SystemEvent) -> Applied:
        for account in await self.senders.all_accounts(
            event.provider, arrived.arrival.account
        ):
            can_ask = account.id not in self.unasked
            if event.type in _CHECKED and can_ask:
                await self.signal.have_checked(account.tenant, account.id)
            signal = _signal(event, can_ask=can_ask)
            if signal is None:
                continue
            for use in await self.senders.all(account.tenant):
                if use.sender.number == event.sender:
                    await self.signal(
                        account.tenant,
                        use.sender.id,
                        signal,
                        why=event.detail or str(event.type),
                        until=event.until,
                        by="provider",
                    )
        await self.inbox.close(arrived.id, "sender")
        return Applied.CLOSED

    async def _lead(self, arrived: Arrived, event: SystemEvent) -> Applied:
        if event.incomplete:
            fetched = await self._fetched(arrived, event)
            if fetched is None:
                return Applied.LATER
            event = fetched
        for _ in range(_CONFLICTS):
            known = await self.journeys.match(arrived.arrival.account, event)
            if known is None:
                return await self._unmatched(arrived)
            if still_calling(known):
                await self.inbox.wait(arrived.id, known.now + _IN_A_MOMENT)
                return Applied.LATER
            await self._blame(known, event)
            await self._right_sender(known, event)
            change = react(known, await self._received(arrived, event, known))
            if await self._commit(change) is not Done.CONFLICT:
                return Applied.DONE
        await self.inbox.wait(arrived.id, await self._soon())
        return Applied.LATER

    async def _fetched(
        self, arrived: Arrived, event: SystemEvent
    ) -> SystemEvent | None:
        """The whole of it; None: not now.

        Raises:
            NeedsPerson: no account here can be asked, so it is parked like what fails.
            Misconfigured: the provider refuses us, likewise.
        """
        accounts = await self.senders.all_accounts(
            event.provider, arrived.arrival.account
        )
        known = (self.fetchers.get(account.id) for account in accounts)
        fetcher = next(filter(None, known), None)
        if fetcher is None:
            message = f"no account of {event.provider} here can fetch the rest of it"
            raise NeedsPerson(message)
        try:
            return await fetcher.fetch(event)
        except Unavailable as error:
            wait = max(_FETCH_AGAIN, error.retry_after or timedelta())
            until = await self.clock.now() + wait
            await self.inbox.wait(arrived.id, until, aside=True)
            return None

    async def _blame(self, known: Known, event: SystemEvent) -> None:
        """A mail that came back through our fault: its mailbox rests until a person
        has looked. Before the event is applied, so that it is done however often.
        """
        ours = known.outbound
        if ours is None or bounce_of(event) is not BounceClass.SENDER:
            return
        why = f"a server refused its mail: {codes(event.diagnostic)}"
        move = SenderSignal.PAUSE
        await self.signal(known.tenant, ours.sender, move, why=why, by="provider")
        await self.alerts.raise_(Alert("mailbox.paused", str(ours.sender), why))

    async def _right_sender(self, known: Known, event: SystemEvent) -> None:
        """A phone whose message left from another number stops until a person has
        looked. Before the event is applied, so that it is done however often.
        """
        ours = known.outbound
        says = event.type is EventType.SENT and event.channel is Channel.WHATSAPP
        if ours is None or not says or not event.sender:
            return
        planned = await self.senders.by_id(known.tenant, ours.sender)
        if event.sender != planned.number:
            signal = SenderSignal.MISMATCH
            await self.signal(known.tenant, ours.sender, signal, why=WRONG_SENDER)

    async def _soon(self) -> datetime:
        return await self.clock.now() + _IN_A_MOMENT

    async def _unmatched(self, arrived: Arrived) -> Applied:
        """Kept for matching: the lead may be imported later."""
        again = None
        if arrived.tries < len(_MATCH_AGAIN):
            again = await self.clock.now() + _MATCH_AGAIN[arrived.tries]
        await self.inbox.park(arrived.id, "unmatched", again)
        return Applied.UNMATCHED

    async def _received(
        self, arrived: Arrived, event: SystemEvent, known: Known
    ) -> Received:
        if event.type not in {EventType.REPLY, EventType.AUTO_REPLY}:
            return Received(arrived.id, event, calendar=self.reviewers)
        reply = Reply(
            event.content,
            media=event.media,
            automatic=event.type is EventType.AUTO_REPLY,
        )
        analysis = await self.analyst.analyse(
            reply,
            received_on=local_day(known.now, known.time_zone),
            tenant=known.tenant,
        )
        received = Received(
            arrived.id,
            event,
            analysis=analysis,
            templates=await self._templates(known),
            unattended=known.tenant in self.unattended,
            calendar=self.reviewers,
        )
        return await self._drafted(received, known)

    async def _drafted(self, received: Received, known: Known) -> Received:
        if self.drafter is None:
            return received
        request = drafts_from(known, received)
        if request is None:
            return received
        draft = await self.drafter.draft(request, tenant=known.tenant)
        return evolve(received, draft=draft)

    async def _templates(self, known: Known) -> tuple[MessageTemplate, ...]:
        """In the version that the lead gets."""
        found = await self.campaigns.templates(known.tenant)
        return tuple(one.for_lead(known.journey.lead) for one in found)


def _signal(event: SystemEvent, *, can_ask: bool) -> SenderSignal | None:
    """What an event makes of its sender at once; None: nothing before it is checked."""
    if event.passing and event.type is EventType.SENDER_DISCONNECTED:
        return SenderSignal.RECONNECTING
    told = None if can_ask else _UNASKED.get(event.type)
    return told or _SIGNALS[event.type]


def _in_vain(arrived: Arrived) -> str:
    return f"{arrived.arrival.type} could not be applied in {PARK_AFTER} tries"
