"""Carry out what is due: everything periodic, and 'if nothing happens until'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from attrs import field, frozen

from outreach.domain.auditing import AUDIT_EVERY, AUDIT_LOOKS_BACK, HOURLY
from outreach.domain.budget import effective_limit
from outreach.domain.change import (
    Change,
    Done,
    Duty,
    DutyKind,
    Known,
    ReviewChange,
)
from outreach.domain.errors import NotFound, OutreachError, RetryLater
from outreach.domain.ids import (
    AccountId,
    AttemptId,
    CampaignId,
    EnrolmentId,
    HostedId,
    Incarnation,
    ReviewId,
    SenderId,
    StopId,
    TemplateId,
)
from outreach.domain.journey import Fact, happened
from outreach.domain.review import escalated
from outreach.domain.sender import Sender, SenderSignal, SenderState
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.usecases.audit_ledger import AuditLedger
from outreach.domain.usecases.carry_out_stops import CarryOutStops
from outreach.domain.usecases.check_domains import CheckDomains
from outreach.domain.usecases.dispatch import Dispatch
from outreach.domain.usecases.host_campaigns import COUNTED_EVERY, HostCampaigns
from outreach.domain.usecases.pick_winner import PickWinner
from outreach.domain.usecases.read_mailboxes import ReadMailboxes
from outreach.domain.usecases.replay_lost import ReplayLost
from outreach.domain.usecases.signal_sender import WRONG_SENDER, SignalSender
from outreach.domain.usecases.watch_breaker import WatchBreaker
from outreach.domain.usecases.watch_health import WatchHealth
from outreach.domain.usecases.watch_plans import WatchPlans
from outreach.domain.usecases.watch_senders import WatchSenders
from outreach.domain.usecases.write_intros import WriteIntros
from outreach.domain.window import local_day
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.domains import ChecksDomains, ExaminesDomains
from outreach.ports.duties import Duties
from outreach.ports.gateway import AccountSender, ListsAccounts, PollsStatus
from outreach.ports.journeys import Journeys
from outreach.ports.reviews import Reviews
from outreach.ports.senders import Polled, Senders, SenderUse

__all__ = [
    "DISPATCH_EVERY",
    "HEALTH_EVERY",
    "POLL_EVERY",
    "REPLAY_EVERY",
    "DoDuties",
]

DISPATCH_EVERY: Final = timedelta(minutes=5)
HEALTH_EVERY: Final = timedelta(minutes=10)
POLL_EVERY: Final = timedelta(minutes=10)
REPLAY_EVERY: Final = timedelta(hours=1)

_AGAIN: Final = timedelta(minutes=1)
_A_DAY: Final = timedelta(days=1)
_AWAY: Final = frozenset({SenderState.OFFLINE, SenderState.RECONNECTING})
_ABLE: Final = frozenset({SenderState.ACTIVE, SenderState.WARMING})
_POLLED: Final = 20
"""Messages asked for in one poll: a vendor's monthly calls are counted."""

_EVERY: Final = {
    DutyKind.DISPATCH: DISPATCH_EVERY,
    DutyKind.STATUS_POLL: POLL_EVERY,
    DutyKind.HEALTH: HEALTH_EVERY,
    DutyKind.AUDIT: AUDIT_EVERY,
    DutyKind.MAIL_COUNTS: COUNTED_EVERY,
    DutyKind.REPLAY: REPLAY_EVERY,
}


@frozen
class DoDuties:
    """Takes duties whose time has come, one after the other.

    Attributes:
        stops: tells providers to stop.
        breakers: judges campaigns.
        hosting: looks after campaigns that providers run for us.
        polls, lists, domains: provider accounts that can be asked, by id.
        replay: takes in what did not arrive; None: no account can tell.
        mailboxes: reads mailboxes of our own; introduce: writes about leads ahead of
            their messages; None: nobody does.
        plans: when an account's plan is nearly used; health: when one does not serve.
        winners: picks the best version of a template.
    """

    duties: Duties
    dispatch: Dispatch
    audit: AuditLedger
    journeys: Journeys
    reviews: Reviews
    senders: Senders
    signal: SignalSender
    watch: WatchSenders
    alerts: Alerts
    stops: CarryOutStops
    breakers: WatchBreaker
    hosting: HostCampaigns
    plans: WatchPlans
    health: WatchHealth
    winners: PickWinner
    polls: Mapping[AccountId, PollsStatus]
    lists: Mapping[AccountId, ListsAccounts]
    domains: Mapping[AccountId, ChecksDomains | ExaminesDomains] = field(factory=dict)
    replay: ReplayLost | None = None
    mailboxes: ReadMailboxes | None = None
    introduce: WriteIntros | None = None

    async def __call__(self, who: Incarnation, limit: int = 20) -> int:
        """Answers how many duties were taken."""
        taken = await self.duties.take(who, limit)
        await self._each(taken)
        return len(taken)

    async def _each(self, taken: Sequence[Duty]) -> None:
        """One that fails is taken again once its lease has run out, and delays none."""
        for place, duty in enumerate(taken, 1):
            now = duty.now or duty.due_at
            try:
                again = await self._do(duty, now)
            except RetryLater:
                again = now + _AGAIN
            except NotFound:
                again = None  # what it was about is gone
            except Exception:
                await self._each(taken[place:])
                raise
            await self.duties.done(duty, again)

    async def _do(self, duty: Duty, now: datetime) -> datetime | None:
        every = _EVERY.get(duty.kind)
        if every is None:
            return await self._once(duty, now)
        match duty.kind:
            case DutyKind.DISPATCH:
                await self.dispatch(duty.tenant)
            case DutyKind.STATUS_POLL:
                await self._poll(duty, now)
            case DutyKind.HEALTH:
                await self._health(duty, now)
            case DutyKind.MAIL_COUNTS:
                await self.hosting.count(duty.tenant, AccountId(UUID(duty.key)))
            case DutyKind.REPLAY:
                if self.replay is not None:
                    await self.replay(duty.tenant, AccountId(UUID(duty.key)))
            case _:
                await self.audit(duty.tenant, now - AUDIT_LOOKS_BACK, by=HOURLY)
        return now + every

    async def _once(self, duty: Duty, now: datetime) -> datetime | None:
        """What is done when something made it due, and again only if it says when."""
        match duty.kind:
            case DutyKind.SEQUENCE_END:
                return await self._sequence_end(duty, now)
            case DutyKind.SLA:
                return await self._sla(duty, now)
            case DutyKind.SENDER_TIMEOUT:
                return await self.signal.time_out(duty.tenant, SenderId(UUID(duty.key)))
            case DutyKind.GONE:
                await self.dispatch.take_back(duty.tenant, SenderId(UUID(duty.key)))
            case DutyKind.SIGNAL:
                await self.watch.said(duty.tenant, AttemptId(UUID(duty.key)))
            case DutyKind.WINNER:
                await self.winners(duty.tenant, TemplateId(UUID(duty.key)))
            case DutyKind.STOP | DutyKind.BREAKER | DutyKind.HOSTED:
                return await self._campaign(duty)
            case DutyKind.MAILBOXES:
                return await self._mailboxes(duty, now)
            case DutyKind.PLAN | DutyKind.AWAY | DutyKind.INTROS:
                return await self._looked(duty, now)
            case _:
                return await self._sign(duty, now)
        return None

    async def _mailboxes(self, duty: Duty, now: datetime) -> datetime | None:
        """One part of them; where there are more than there were, the next one too."""
        account, _, part = duty.key.rpartition("/")
        if self.mailboxes is None:
            return None
        wait = await self.mailboxes(duty.tenant, int(part))
        if wait is None:
            return None
        following = int(part) + 1
        if following < await self.mailboxes.parts():
            key = f"{account}/{following}"
            after = Duty(DutyKind.MAILBOXES, key, duty.tenant, now + max(wait, _AGAIN))
            await self.duties.put([after])
        return now + wait

    async def _looked(self, duty: Duty, now: datetime) -> datetime | None:
        """What is looked at again for as long as it says so."""
        if duty.kind is DutyKind.INTROS:
            wrote = self.introduce
            return None if wrote is None else await wrote.turn(duty.tenant, now)
        watch = self.plans if duty.kind is DutyKind.PLAN else self.health
        return await watch(duty.tenant, AccountId(UUID(duty.key)), now)

    async def _campaign(self, duty: Duty) -> datetime | None:
        """What providers hold of ours: it is withdrawn, judged, or looked after."""
        about = UUID(duty.key)
        if duty.kind is DutyKind.STOP:
            return await self.stops(duty.tenant, StopId(about))
        if duty.kind is DutyKind.HOSTED:
            return await self.hosting(duty.tenant, HostedId(about))
        await self.breakers(duty.tenant, CampaignId(about))
        return None

    async def _sign(self, duty: Duty, now: datetime) -> datetime | None:
        """What the calls of a sender say of it."""
        sender = SenderId(UUID(duty.key))
        if duty.kind is DutyKind.SILENCE:
            return await self.watch.silence(duty.tenant, sender, now)
        if duty.kind is DutyKind.DOUBT:
            await self.watch.doubt(duty.tenant, sender, now)
        else:
            await self.watch.refusal(duty.tenant, sender, now)
        return None

    async def _sequence_end(self, duty: Duty, now: datetime) -> datetime | None:
        """Nobody answered: the enrolment is COMPLETED and the lead DEAD."""
        enrolment = EnrolmentId(UUID(duty.key))
        known = await self.journeys.enrolled(duty.tenant, enrolment)
        if known is None or known.enrolment is None:
            return None
        if known.enrolment.status is EnrolmentStatus.PAUSED:
            return now + _A_DAY
        if known.enrolment.status is not EnrolmentStatus.ACTIVE:
            return None
        moved = happened(
            known.journey, Fact.SILENT, now, by="sequence", why="nobody answered"
        )
        change = Change(
            tenant=duty.tenant,
            lead=known.journey.lead,
            key=f"sequence-end/{enrolment}",
            expected=known.journey.version,
            journey=moved.journey,
            moves=() if moved.move is None else (moved.move,),
            enrolment=(enrolment, EnrolmentStatus.COMPLETED, "NO_ANSWER"),
            anomaly=moved.anomaly,
        )
        (done,) = await self.journeys.commit([change])
        return now + _AGAIN if done is Done.CONFLICT else None

    async def _sla(self, duty: Duty, now: datetime) -> datetime | None:
        """A warning at half of an item's time, and escalation at its end."""
        review = ReviewId(UUID(duty.key))
        view = await self.reviews.get(duty.tenant, str(review))
        item = view.item
        if not item.is_open:
            return None
        if now < item.sla_due_at:
            says = f"review {review} is due at {item.sla_due_at.isoformat()}"
            await self.alerts.raise_(Alert("sla.risk", str(review), says))
            return item.sla_due_at
        after = escalated(item, now)
        if after == item:
            return item.claimed_until if item.at_work(now) else None
        (known,) = await self.journeys.load(duty.tenant, [item.lead])
        done = await self._escalate(known)
        if done is Done.CONFLICT:
            return now + _AGAIN
        if after.escalated_at is not None:
            says = f"review {review} was due at {item.sla_due_at.isoformat()}"
            await self.alerts.raise_(Alert("sla.breach", str(review), says))
            return None
        return item.claimed_until

    async def _escalate(self, known: Known) -> Done:
        was = known.review
        if was is None:
            return Done.ALREADY
        item = escalated(was, known.now)
        if item == was:
            return Done.ALREADY
        change = Change(
            tenant=known.tenant,
            lead=known.journey.lead,
            key=f"sla/{item.id}/{item.version}",
            expected=known.journey.version,
            journey=known.journey,
            review=ReviewChange(
                item,
                "SLA_BREACHED",
                "time",
                expected_fingerprint=was.fingerprint,
            ),
        )
        (done,) = await self.journeys.commit([change])
        return done

    async def _poll(self, duty: Duty, now: datetime) -> None:
        """How far messages came, for providers that do not say it by themselves."""
        account = AccountId(UUID(duty.key))
        provider = self.polls.get(account)
        if provider is None:
            return
        asked = await self.senders.unfinished(account, _POLLED)
        by_ref = {one.ref: one for one in asked}
        if not by_ref:
            return
        for status in await provider.statuses(list(by_ref)):
            one = by_ref.get(status.ref)
            if one is None:
                continue
            await self.senders.told(account, status, now)
            await self._right_sender(duty, one, status.sender)

    async def _right_sender(self, duty: Duty, one: Polled, sender: str) -> None:
        if not sender or sender == one.number:
            return
        signal = SenderSignal.MISMATCH
        await self.signal(duty.tenant, one.sender, signal, why=WRONG_SENDER)

    async def _health(self, duty: Duty, now: datetime) -> None:
        """Ask which senders are connected; believe only what was asked for."""
        account = AccountId(UUID(duty.key))
        domains = self.domains.get(account)
        if domains is not None:
            check = CheckDomains(self.senders, self.signal, self.alerts)
            await check(duty.tenant, account, domains, now)
        provider = self.lists.get(account)
        if provider is None:
            return
        try:
            seen = {one.number: one for one in await provider.senders()}
        except RetryLater:
            raise
        except OutreachError as error:
            alert = Alert("provider.unhealthy", str(account), str(error))
            await self.alerts.raise_(alert)
            return
        await self.alerts.over("provider.unhealthy", str(account))
        able = total = 0
        for use in await self.senders.all(duty.tenant):
            if use.sender.account != account or not use.sender.enabled:
                continue
            total += 1
            there = seen.get(use.sender.number)
            if there is None:
                await self._unlisted(use.sender)
                able += use.sender.state in _ABLE
                continue
            after = await self._checked(use, there, now)
            able += after.state in _ABLE
        if 2 * able < total:
            says = f"{able} of {total} phones can send"
            await self.alerts.raise_(Alert("pipeline.degraded", str(account), says))
        else:
            await self.alerts.over("pipeline.degraded", str(account))

    async def _checked(
        self, use: SenderUse, there: AccountSender, now: datetime
    ) -> Sender:
        sender = after = use.sender
        signal = SenderSignal.DISCONNECTED
        if there.state is SenderState.BANNED:
            signal = SenderSignal.BANNED
        elif there.state is SenderState.RECONNECTING:
            signal = SenderSignal.RECONNECTING
        elif there.connected:
            signal = SenderSignal.CONNECTED
        why = "health check"
        # What is as it was costs no look at the store.
        fine = (signal is SenderSignal.CONNECTED) is not (sender.state in _AWAY)
        if signal is SenderSignal.BANNED or not fine:
            after = await self.signal(sender.tenant, sender.id, signal, why=why)
        today = local_day(now, sender.time_zone)
        ramped = effective_limit(sender.daily_limit, sender.warm_up, today)
        if after.state is SenderState.WARMING and ramped >= sender.daily_limit:
            signal, why = SenderSignal.RAMPED, "the ramp is done"
            after = await self.signal(sender.tenant, sender.id, signal, why=why)
        return after

    async def _unlisted(self, sender: Sender) -> None:
        """A number the provider does not list proves nothing, but people must know."""
        says = f"{sender.label or sender.id} is not listed by {sender.provider}"
        await self.alerts.raise_(Alert("phone.silent", str(sender.id), says))
