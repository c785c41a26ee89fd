"""Health of provider accounts, and warm mail that goes on to another, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import evolve

from outreach.adapters.memory.rows import AttemptRow, IntentRow, LaneRow, Standing
from outreach.adapters.memory.store import MemoryStore
from outreach.domain import health
from outreach.domain.change import Duty, DutyKind
from outreach.domain.channel import Channel
from outreach.domain.health import WELL, AccountHealth, Health, HealthState
from outreach.domain.heard import Heard
from outreach.domain.ids import AccountId, LeadId, SenderId, TenantId
from outreach.domain.message import NotArmed, Outcome, Result, WhyNotArmed
from outreach.domain.relay import PassedOn, account_room, may_wait_here
from outreach.domain.sender import SendClass, Sender
from outreach.domain.suppression import stopped_by
from outreach.ports.lanes import Claim

__all__ = [
    "away_until",
    "go_on",
    "health_of",
    "known_to",
    "may_claim",
    "move_on",
    "no_call",
    "note",
    "of",
    "opens_at",
    "refused_by",
    "room_of",
    "to_try",
    "unused",
]

_WARM = Channel.EMAIL_WARM


def of(store: MemoryStore, account: AccountId) -> Health:
    """Its record."""
    return store.relayed.health.get(account, WELL)


# --- claims and T1


def opens_at(store: MemoryStore, account: AccountId) -> datetime | None:
    """Engine time before which no lane of the account is claimed."""
    return of(store, account).until


def may_claim(store: MemoryStore, account: AccountId) -> bool:
    """Whether a lane of it can be claimed now."""
    known = of(store, account)
    return known.state is not HealthState.AWAY or health.takes_one(known, store.now)


def to_try(store: MemoryStore, lane: LaneRow) -> None:
    """A lane was claimed: if its account is away, to try it."""
    known, sender = of(store, lane.sender.account), lane.sender
    if known.state is HealthState.AWAY:
        tried = health.probed(known, sender.id, lane.token, store.now)
        store.relayed.health[sender.account] = tried


def unused(store: MemoryStore, lane: LaneRow) -> None:
    """Its claim ends without a call."""
    known = of(store, lane.sender.account)
    if known.lane is not None and _tries(known, lane.sender.id, lane.token):
        again = health.unused(known, store.now)
        store.relayed.health[lane.sender.account] = again


def away_until(store: MemoryStore, lane: LaneRow) -> datetime | None:
    """When its account is tried again; None: it serves, or this lane tries it."""
    known = of(store, lane.sender.account)
    if health.may_call(known, lane.sender.id, lane.token):
        return None
    return known.until


def no_call(store: MemoryStore, lane: LaneRow, claim: Claim) -> NotArmed | None:
    """T1's word, if its account is given nothing now."""
    known = of(store, lane.sender.account)
    if health.may_call(known, lane.sender.id, claim.token):
        return None
    return NotArmed(WhyNotArmed.AWAY, str(lane.sender.account))


def _tries(known: Health, lane: SenderId, token: int) -> bool:
    return (known.lane, known.token) == (lane, token)


# --- T2


def note(store: MemoryStore, attempt: AttemptRow, result: Result) -> None:
    """A call has ended; part of the commit that ends it."""
    parcel = attempt.parcel
    before = of(store, parcel.account)
    after = health.after_call(
        before,
        result.heard,
        store.now,
        asked=store.engine_span(result.rest),
        why=result.detail,
        probe=_tries(before, parcel.sender, attempt.token),
    )
    if after == before:
        return
    store.relayed.health[parcel.account] = after
    if (after.state is HealthState.AWAY) != (before.state is HealthState.AWAY):
        kind, key = DutyKind.AWAY, str(parcel.account)
        store.put_duty(Duty(kind, key, attempt.tenant, store.now))


def go_on(store: MemoryStore, attempt: AttemptRow, result: Result) -> None:
    """What was provably not accepted, and waits again, goes on if it should."""
    sender = store.lanes[attempt.parcel.sender].sender
    wait = max(result.gap, store.engine_span(result.rest))
    goes = health.goes_on(
        of(store, sender.account),
        result.heard,
        talks=(sender.id, attempt.lead) in store.contacted,
        wait=wait,
    )
    own = result.heard is Heard.OF_SENDER
    if goes and _elsewhere(store, sender, own=own):
        _leave(store, attempt.lead, sender, result.detail)


def move_on(
    store: MemoryStore, tenant: TenantId, account: AccountId, limit: int
) -> int:
    """What waits for an account that is away goes on; answers how many leads'."""
    known = of(store, account)
    moved = 0
    for _, lane in sorted(store.lanes.items()):
        sender = lane.sender
        if sender.tenant != tenant or sender.account != account:
            continue
        if may_wait_here(known, store.now, _opens(store, lane)):
            continue
        if not _elsewhere(store, sender, own=False):
            continue
        leads = dict.fromkeys(row.intent.lead for row in _in(store, sender.id))
        for lead in list(leads)[: limit - moved]:
            _leave(store, lead, sender, f"the account is away: {known.why}")
            moved += 1
    return moved


def _in(store: MemoryStore, sender: SenderId) -> Iterator[IntentRow]:
    rows = [row for row in store.intents.values() if row.lane == sender]
    for row in sorted(rows, key=lambda row: (row.intent.due_at, row.intent.id)):
        if row.standing is Standing.WAITING and row.intent.channel is _WARM:
            yield row


def _elsewhere(store: MemoryStore, sender: Sender, *, own: bool) -> bool:
    """Whether another sender takes warm mail now.

    Args:
        own: one of the same account will do.
    """
    return any(
        other.id != sender.id
        and other.tenant == sender.tenant
        and other.channel is _WARM
        and other.may(SendClass.NEW)
        and (own or other.account != sender.account)
        and may_claim(store, other.account)
        for other in (lane.sender for lane in store.lanes.values())
    )


def _leave(store: MemoryStore, lead: LeadId, sender: Sender, why: str) -> None:
    """All that waits for the lead there waits for another sender."""
    for row in [*store.intents_for(lead, Standing.WAITING)]:
        if row.lane != sender.id or row.intent.channel is not _WARM:
            continue
        store.place(row, None)
        store.relayed.passed.append(
            PassedOn(
                store.now,
                row.intent.id,
                sender.id,
                sender.number,
                sender.provider,
                why,
            )
        )
    journey = store.journey(lead)
    if journey.warm_mailbox == sender.id:
        store.keep_journey(evolve(journey, warm_mailbox=None))


# --- who takes what


def _opens(store: MemoryStore, lane: LaneRow) -> datetime | None:
    """From when on it could call; None: it is shut."""
    sender = lane.sender
    switches = store.switches_of(sender.tenant)
    if not sender.may(SendClass.FOLLOWUP) or stopped_by(switches, _WARM, sender.id):
        return None
    gates = (lane.backoff_until, lane.budget_gate_at)
    return max([lane.gate_at, *(at for at in gates if at is not None)])


def room_of(store: MemoryStore, lane: LaneRow) -> int | None:
    """See `outreach.domain.relay.account_room`."""
    sender = lane.sender
    known = of(store, sender.account)
    if sender.channel is not _WARM or known.state is not HealthState.AWAY:
        return None
    lanes = [
        one for one in store.lanes.values() if one.sender.account == sender.account
    ]
    waiting = sum(one.line.count() + bool(one.calling) for one in lanes)
    return account_room(known, store.now, _opens(store, lane), waiting)


def refused_by(store: MemoryStore, row: IntentRow) -> Mapping[AccountId, int]:
    """How often each account provably did not accept a message."""
    tries = (store.attempts[one] for one in row.attempts)
    return Counter(
        one.parcel.account for one in tries if one.outcome is Outcome.RELEASED
    )


def known_to(store: MemoryStore, lead: LeadId) -> tuple[SenderId, ...]:
    """Senders of warm mail that the lead has had some of, the last first."""
    rows = (store.intents[one] for one in store.intents_of.get(lead, ()))
    mails = [
        store.attempts[one]
        for row in rows
        for one in row.attempts
        if store.attempts[one].parcel.permit.channel is _WARM
        and store.attempts[one].outcome is Outcome.ACCEPTED
    ]
    mails.sort(key=lambda one: (one.called_at, one.parcel.attempt), reverse=True)
    return tuple(dict.fromkeys(one.parcel.sender for one in mails))


# --- for people


def health_of(store: MemoryStore, tenant: TenantId) -> list[AccountHealth]:
    """Every account with an enabled sender of warm mail."""
    warm = {
        lane.sender.account: lane.sender.provider
        for lane in store.lanes.values()
        if lane.sender.tenant == tenant
        and lane.sender.enabled
        and lane.sender.channel is _WARM
    }
    moved = Counter(
        store.lanes[one.sender].sender.account for one in store.relayed.passed
    )
    found = [
        AccountHealth(account, provider, of(store, account), store.now, moved[account])
        for account, provider in warm.items()
    ]
    return sorted(found, key=lambda one: (one.provider, one.account))
