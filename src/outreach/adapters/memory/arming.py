"""T1: everything is checked once more, then the attempt and its unit are one step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve

from outreach.adapters.memory import budgeting, metering, relaying, versions
from outreach.adapters.memory.rows import AttemptRow, IntentRow, LaneRow, Standing
from outreach.adapters.memory.stopping import stop_run
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.address import AddressKey, lead_key
from outreach.domain.allowance import is_plan
from outreach.domain.budget import HARD_LIMIT, has_room
from outreach.domain.channel import permitted
from outreach.domain.decision import Decision
from outreach.domain.ids import IntentId
from outreach.domain.message import Armed, Draft, NotArmed, Outcome, WhyNotArmed
from outreach.domain.sender import SendClass
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.suppression import SwitchScope, breaker_of, stopped_by
from outreach.domain.window import next_midnight
from outreach.ports.lanes import Claim

__all__ = ["LOOK_AGAIN", "arm", "close_to_strangers", "may_repeat"]

LOOK_AGAIN: Final = timedelta(seconds=5)
"""Engine time after which a message is offered again that INBOX_BEHIND stopped."""

_UNNOTED: Final = frozenset({WhyNotArmed.FENCED, WhyNotArmed.TAKEN})
"""These say nothing about the message, only about who asked."""


def arm(
    store: MemoryStore, claim: Claim, drafts: Sequence[tuple[Draft, Decision]]
) -> list[Armed | NotArmed]:
    """One verdict per draft, in order; the lane is freed if nothing was armed."""
    lane = store.lanes.get(claim.lane)
    if lane is None or lane.token != claim.token or lane.lease is None:
        return [NotArmed(WhyNotArmed.FENCED, "the claim has ended") for _ in drafts]
    if lane.calling:
        return [NotArmed(WhyNotArmed.FENCED, "a call is under way") for _ in drafts]
    if lane.lease.until <= store.machine + store.timing.arm_margin:
        lane.lease = None
        metering.return_call(store, lane.sender.account)
        relaying.unused(store, lane)
        why = "the lease ends too soon for a call"
        return [NotArmed(WhyNotArmed.FENCED, why) for _ in drafts]
    verdicts: list[Armed | NotArmed] = []
    for draft, decision in drafts:
        refused = _refused(store, lane, claim, draft)
        if refused is None:
            verdicts.append(_armed(store, lane, claim, draft, decision))
            continue
        _after(store, lane, draft, decision, refused)
        verdicts.append(refused)
    if not lane.calling:
        lane.lease = None
        metering.return_call(store, lane.sender.account)
        relaying.unused(store, lane)
    return verdicts


def may_repeat(store: MemoryStore, attempt: AttemptRow) -> bool:
    """What T1 asks, for a message of which nobody knows whether it went."""
    if attempt.outcome is not Outcome.UNKNOWN or store.now >= attempt.valid_until:
        return False
    journey = store.journey(attempt.lead)
    channel, sender = attempt.parcel.permit.channel, attempt.parcel.sender
    automatic = attempt.send_class is not SendClass.APPROVED
    if journey.opted_out or journey.state not in permitted(channel):
        return False
    if automatic and journey.human_controlled:
        return False
    addresses = (*store.leads[attempt.lead].addresses, lead_key(attempt.lead))
    switches = store.switches_of(attempt.tenant)
    run = store.intents[attempt.intent].intent.enrolment
    stopped = EnrolmentStatus.STOPPED
    return not (
        (run is not None and store.enrolments[run].enrolment.status is stopped)
        or store.suppressions_of(attempt.tenant, addresses)
        or stopped_by(switches, channel, sender)
        or breaker_of(switches, store.campaign_of(attempt.intent), channel)
        or _unread(store, addresses, automatic=automatic)
    )


def close_to_strangers(
    store: MemoryStore, lane: LaneRow, row: IntentRow, until: datetime
) -> None:
    """Shut the class of new contacts; a follow-up that would be one is moved."""
    known = lane.new_gate_at
    lane.new_gate_at = until if known is None else max(known, until)
    if row.intent.send_class is not SendClass.NEW:
        store.wait(row, until)


def _refused(
    store: MemoryStore, lane: LaneRow, claim: Claim, draft: Draft
) -> NotArmed | None:
    """The checks, in the order in which their answers outrank each other."""
    row = store.intents.get(draft.parcel.intent)
    if row is None or row.intent.tenant != lane.sender.tenant:
        return NotArmed(WhyNotArmed.TAKEN, "no such message")
    if store.now >= draft.valid_until:
        return NotArmed(WhyNotArmed.LATE, f"good until {draft.valid_until}")
    journey = store.journey(draft.lead)
    suppressed = store.suppressions_of(row.intent.tenant, draft.addresses)
    if journey.opted_out or suppressed:
        by = suppressed[0].reason if suppressed else "the lead opted out"
        return NotArmed(WhyNotArmed.SUPPRESSED, str(by))
    return (
        _switched_off(store, lane, draft)
        or relaying.no_call(store, lane, claim)
        or _taken(store, row, draft)
        or _stale(store, lane, row, draft)
        or _inbox_behind(store, draft)
        or _no_unit(store, lane, draft)
        or budgeting.no_budget(store, lane, draft)
        or metering.no_plan(store, lane.sender.account)
    )


def _switched_off(store: MemoryStore, lane: LaneRow, draft: Draft) -> NotArmed | None:
    sender = lane.sender
    channel = draft.parcel.permit.channel
    switch = stopped_by(store.switches_of(sender.tenant), channel, sender.id)
    if switch is not None:
        return NotArmed(WhyNotArmed.SWITCHED_OFF, f"{switch.scope} {switch.of}".strip())
    campaign = store.campaign_of(draft.parcel.intent)
    if breaker_of(store.switches_of(sender.tenant), campaign, channel) is not None:
        return NotArmed(WhyNotArmed.SWITCHED_OFF, f"{SwitchScope.CAMPAIGN} {campaign}")
    if not sender.may(draft.send_class):
        return NotArmed(WhyNotArmed.SWITCHED_OFF, f"the sender is {sender.state}")
    return None


def _taken(store: MemoryStore, row: IntentRow, draft: Draft) -> NotArmed | None:
    if row.standing is not Standing.WAITING:
        return NotArmed(WhyNotArmed.TAKEN, str(row.standing))
    if draft.parcel.attempt in store.attempts or draft.n != row.intent.armed + 1:
        return NotArmed(WhyNotArmed.TAKEN, f"attempt {draft.n} is not the next")
    return None


def _stale(
    store: MemoryStore, lane: LaneRow, row: IntentRow, draft: Draft
) -> NotArmed | None:
    journey = store.journey(draft.lead)
    if row.intent.lead != draft.lead or row.lane != lane.sender.id:
        return NotArmed(WhyNotArmed.STALE, "the message was moved")
    channel = row.intent.channel
    if channel is not draft.parcel.permit.channel:
        return NotArmed(WhyNotArmed.STALE, f"its channel is {channel} now")
    if not lane.sender.carries(channel, thread=draft.parcel.thread):
        return NotArmed(WhyNotArmed.STALE, f"its sender is for {lane.sender.channel}")
    if journey.version != draft.lead_version or journey.state not in draft.states:
        return NotArmed(WhyNotArmed.STALE, f"the lead is {journey.state} now")
    if journey.state not in permitted(draft.parcel.permit.channel):
        # Whatever the draft allows: the channel is not for such a lead.
        return NotArmed(WhyNotArmed.STALE, f"the lead is {journey.state} now")
    if draft.automatic and journey.human_controlled:
        return NotArmed(WhyNotArmed.STALE, "a person has taken over")
    return None


def _inbox_behind(store: MemoryStore, draft: Draft) -> NotArmed | None:
    concerned = (*draft.addresses, lead_key(draft.lead))
    why = _unread(store, concerned, automatic=draft.automatic)
    return NotArmed(WhyNotArmed.INBOX_BEHIND, why) if why else None


def _unread(
    store: MemoryStore, addresses: Sequence[AddressKey], *, automatic: bool
) -> str:
    """What came in and is not applied, if it is in the way."""
    limit = store.now - store.timing.inbox_behind
    for event in store.arrived.values():
        if event.due_at is None:
            continue
        if event.arrival.address in addresses:
            return "the lead has written"
        if automatic and not event.parked and event.stored_at < limit:
            return "events wait too long"
    return ""


def _no_unit(store: MemoryStore, lane: LaneRow, draft: Draft) -> NotArmed | None:
    if draft.unit is None:
        return None
    held = store.unit(draft.unit)
    if draft.parcel.intent in held.ids:
        return None
    limit = min(draft.limit, HARD_LIMIT, store.effective(lane.sender, draft.unit.day))
    if has_room(used=len(held.ids), external=held.external, limit=limit):
        return None
    used = f"{len(held.ids)} and {held.external} by people of {limit}"
    return NotArmed(WhyNotArmed.QUOTA, used)


def _armed(
    store: MemoryStore, lane: LaneRow, claim: Claim, draft: Draft, decision: Decision
) -> Armed:
    parcel = draft.parcel
    row = store.intents[parcel.intent]
    store.end(row, Standing.CALLING)
    row.intent = evolve(row.intent, armed=draft.n)
    row.attempts.append(parcel.attempt)
    store.attempts[parcel.attempt] = AttemptRow(
        parcel=parcel,
        intent=parcel.intent,
        tenant=claim.tenant,
        lead=draft.lead,
        send_class=draft.send_class,
        unit=draft.unit,
        token=claim.token,
        called_at=store.now,
        called_on=store.machine,
        deadline=store.machine + store.timing.doubtful,
        valid_until=draft.valid_until,
        aftermath=draft.aftermath,
        slot=draft.counted,
        budgets=tuple(share.key for share in draft.shares),
        state=store.journey(draft.lead).state,
    )
    versions.use(store, store.attempts[parcel.attempt], draft.used)
    budgeting.take(store, lane.sender.id, draft)
    metering.take_plan(store, store.attempts[parcel.attempt])
    store.hashes.setdefault(parcel.hash, []).append(parcel.attempt)
    store.calling[parcel.attempt] = None
    lane.calling[parcel.attempt] = None
    if draft.unit is not None:
        unit = store.unit(draft.unit)
        unit.ids[parcel.intent] = None
        unit.limit = min(draft.limit, HARD_LIMIT)
    store.record(row, decision, attempt=parcel.attempt)
    journey = store.journey(draft.lead)
    kept = journey.kept(lane.sender.channel, lane.sender.id)
    if lane.sender.channel is parcel.permit.channel and kept is not journey:
        store.keep_journey(kept)
    return Armed(parcel.attempt)


def _after(
    store: MemoryStore,
    lane: LaneRow,
    draft: Draft,
    decision: Decision,
    refused: NotArmed,
) -> None:
    """What becomes of a message that was not armed."""
    intent: IntentId = draft.parcel.intent
    row = store.intents.get(intent)
    if row is None:
        return
    if refused.why not in _UNNOTED:
        store.record(row, decision, outcome=str(refused.why))
    waits = row.standing is Standing.WAITING
    match refused.why:
        case WhyNotArmed.SUPPRESSED:
            store.cancel(row, str(refused.why))
            stop_run(store, row.intent.enrolment, str(refused.why))
        case WhyNotArmed.STALE if waits:
            own = store.journey(row.intent.lead).sender(row.intent.channel)
            if own is not None and lane.sender.channel is row.intent.channel:
                store.place(row, own)
        case WhyNotArmed.INBOX_BEHIND:
            store.wait(row, store.now + LOOK_AGAIN)
        case WhyNotArmed.QUOTA:
            midnight = next_midnight(store.now, lane.sender.time_zone)
            close_to_strangers(store, lane, row, midnight)
        case WhyNotArmed.BUDGET if waits:
            _close_full(store, lane, row, draft, refused.detail)
        case _:
            pass


def _close_full(
    store: MemoryStore, lane: LaneRow, row: IntentRow, draft: Draft, key: str
) -> None:
    """All that the full budget stops: of the lane, or of its whole account."""
    if is_plan(key):
        full = metering.full_plan(store, lane.sender.account)
        if full is not None:
            metering.close(store, lane.sender.account, full.ends_at)
        return
    ends = {share.key: share.ends_at for share in draft.shares}
    budgeting.close(store, lane, row, key, ends[key])
