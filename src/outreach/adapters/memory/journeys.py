"""Leads as they stand, over one truth in memory."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen

from outreach.adapters.memory import ending, knowing, reviewing, versions
from outreach.adapters.memory.counting import reach
from outreach.adapters.memory.faults import count_fault, take_fault_back
from outreach.adapters.memory.rows import LogRow, Standing
from outreach.adapters.memory.stopping import OPEN, cancel_waiting, withdraw
from outreach.adapters.memory.store import MemoryStore
from outreach.adapters.memory.suppressing import suppress
from outreach.adapters.memory.watch import came_back
from outreach.domain.analysis import ReplyIntent
from outreach.domain.change import Change, Done, Heard, Known
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import EnrolmentId, LeadId, SenderId, TenantId
from outreach.domain.journey import Journey
from outreach.domain.message import MessageStatus
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.stop import HOLDING

__all__ = ["MemoryJourneys"]


@frozen
class MemoryJourneys:
    """Implements `outreach.ports.journeys.Journeys`."""

    store: MemoryStore

    async def load(self, tenant: TenantId, leads: Sequence[LeadId]) -> Sequence[Known]:
        """Those that exist, in the order asked for."""
        await self.store.pause()
        found = [knowing.known(self.store, tenant, lead) for lead in leads]
        return [known for known in found if known is not None]

    async def match(self, account: str, event: SystemEvent) -> Known | None:
        """The lead an event is about."""
        await self.store.pause()
        return knowing.match(self.store, account, event)

    async def enrolled(self, tenant: TenantId, enrolment: EnrolmentId) -> Known | None:
        """The lead of that run, with that very run."""
        await self.store.pause()
        run = self.store.enrolments.get(enrolment)
        if run is None:
            return None
        known = knowing.known(self.store, tenant, run.enrolment.lead)
        return None if known is None else evolve(known, enrolment=run.enrolment)

    async def commit(self, changes: Sequence[Change]) -> Sequence[Done]:
        """Each change whole or not at all."""
        await self.store.pause()
        return [_commit(self.store, change) for change in changes]


def _commit(store: MemoryStore, change: Change) -> Done:
    if (change.tenant, change.key) in store.changes:
        _close(store, change)
        return Done.ALREADY
    if store.lead_tenants.get(change.lead) != change.tenant:
        return Done.CONFLICT
    if store.journey(change.lead).version != change.expected:
        return Done.CONFLICT
    if change.review is not None and reviewing.conflicts(store, change.review):
        return Done.CONFLICT
    store.changes.add((change.tenant, change.key))
    _apply_journey(store, change)
    _apply_messages(store, change)
    _apply_rest(store, change)
    _close(store, change)
    return Done.DONE


def _close(store: MemoryStore, change: Change) -> None:
    """The event is applied by this very commit."""
    if change.event is not None and change.event in store.events:
        event = store.events[change.event]
        event.lead = change.lead
        said = None if change.heard is None else change.heard.analysis
        event.away = said is not None and said.intent is ReplyIntent.OUT_OF_OFFICE
        store.close_event(change.event, "applied")


def _apply_journey(store: MemoryStore, change: Change) -> None:
    before = store.journey(change.lead)
    journey = store.keep_journey(evolve(change.journey, version=before.version))
    store.moves.extend((change.tenant, move) for move in change.moves)
    if change.anomaly:
        store.anomalies.append((change.tenant, change.lead, change.anomaly))
    if change.enrolment is not None:
        _apply_enrolment(store, *change.enrolment)
    if journey.opted_out:
        cancel_waiting(store, change.lead, "OPTED_OUT")
    if before.phone not in {None, journey.phone}:
        store.audit.reassigned.append((store.now, change.lead))
    _follow(store, before, journey)


def _follow(store: MemoryStore, before: Journey, journey: Journey) -> None:
    """What waits goes by the lead's own senders; an answer stays where it is."""
    for row in store.intents_for(journey.lead, Standing.WAITING, Standing.HELD):
        channel = row.intent.channel
        own = journey.sender(channel)
        of = None if row.lane is None else store.lanes[row.lane].sender.channel
        if own != before.sender(channel) and of in {None, channel}:
            store.place(row, own)


def _apply_enrolment(
    store: MemoryStore, enrolment: EnrolmentId, status: EnrolmentStatus, why: str
) -> None:
    run = store.enrolments[enrolment]
    store.keep_status(run, status, why)
    if status is EnrolmentStatus.STOPPED:
        withdraw(store, run.enrolment.lead, why, enrolment)
    ended = status in {EnrolmentStatus.STOPPED, EnrolmentStatus.COMPLETED}
    for row in store.intents_for(run.enrolment.lead, *OPEN):
        if row.intent.enrolment != enrolment:
            continue
        if ended:
            store.cancel(row, why)
        elif status is EnrolmentStatus.ACTIVE and row.standing is Standing.HELD:
            store.wait(row, row.intent.due_at)


def _apply_messages(store: MemoryStore, change: Change) -> None:
    for intent, why in change.cancels:
        row = store.intents.get(intent)
        if row is not None and row.intent.lead == change.lead:
            store.cancel(row, why)
    for postponed in change.postpones:
        row = store.intents.get(postponed.intent)
        if row is not None and row.standing in {Standing.WAITING, Standing.HELD}:
            store.wait(row, postponed.until)
    if change.heard is not None:
        _hear(store, change, change.heard)
    for plan in change.plans:
        store.plan(plan, _lane_of(store, change.lead, plan.channel))
    _apply_outcomes(store, change)


def _apply_outcomes(store: MemoryStore, change: Change) -> None:
    for told in change.statuses:
        attempt = store.attempts.get(told.attempt)
        if attempt is not None:
            reach(store, attempt, told.status, told.at)
    for name, outcome, ref, thread in change.resolves:
        attempt = store.attempts.get(name)
        if attempt is not None:
            ending.told(store, attempt, outcome, ref, thread)


def _lane_of(store: MemoryStore, lead: LeadId, channel: Channel) -> SenderId | None:
    """The lead's own sender: of warm mail the one it wrote to last, if that can answer
    there; of a lead that wrote first, the phone it wrote to.
    """
    own = store.journey(lead).sender(channel)
    warm = channel is Channel.EMAIL_WARM
    if own is not None and not warm:
        return own
    for row in reversed(store.log_of.get(lead, [])):
        if row.sender is None or (warm and not row.inbound):
            continue
        thread = store.threads.get((row.sender, lead), "")
        if store.lanes[row.sender].sender.carries(channel, thread=thread):
            return row.sender
        if warm and row.channel in HOLDING:
            break
    return own


def _hear(store: MemoryStore, change: Change, heard: Heard) -> None:
    ours = heard.type is EventType.EXTERNAL_SENT
    store.note(
        LogRow(
            tenant=change.tenant,
            lead=change.lead,
            at=heard.at,
            inbound=not ours,
            channel=heard.channel,
            text=heard.content,
            subject=heard.subject,
            status=MessageStatus.SENT if ours else None,
            ref=heard.ref,
            sender=heard.sender,
            analysis=heard.analysis,
            draft=heard.draft,
        )
    )
    if heard.sender is not None:
        came_back(store, heard.sender)
        store.converse(heard.sender, change.lead, heard.thread)


def _apply_rest(store: MemoryStore, change: Change) -> None:
    versions.apply(store, change)
    if change.suppressions:
        suppress(store, change.tenant, change.suppressions)
    if change.review is not None:
        reviewing.apply(store, change.review)
    for duty in change.duties:
        store.put_duty(duty)
    for name, fault in change.faults:
        count_fault(store, change.tenant, name, fault)
    for name in change.amends:
        take_fault_back(store, name)
    if change.external is not None:
        store.unit(change.external).external += 1
