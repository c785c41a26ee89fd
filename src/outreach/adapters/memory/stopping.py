"""What ends for a lead, and what providers must be told because of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from outreach.adapters.memory.rows import AttemptRow, Standing, StopRow
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.change import Duty, DutyKind
from outreach.domain.ids import (
    AccountId,
    CampaignId,
    EnrolmentId,
    LeadId,
    StopId,
    TenantId,
)
from outreach.domain.message import MessageStatus, Outcome
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.stop import HOLDING, StopKind

__all__ = [
    "OPEN",
    "cancel_waiting",
    "mailed_from",
    "pause",
    "pause_again",
    "pause_at",
    "stop_run",
    "unpause",
    "withdraw",
]

OPEN: Final = (Standing.WAITING, Standing.HELD, Standing.CALLING, Standing.SENT)
"""Messages that a stop concerns: one that counts as sent must not wait again if it
turns out that it was not.
"""

_MAYBE_THERE: Final = frozenset(
    {Outcome.CALLING, Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.ABANDONED},
)
_NOT_LEFT: Final = frozenset(
    {MessageStatus.QUEUED, MessageStatus.ACCEPTED, MessageStatus.UNKNOWN},
)
"""A provider that has told more has sent the message on: nothing to take back."""


def stop_run(store: MemoryStore, enrolment: EnrolmentId | None, why: str) -> None:
    """Stop a run with the mail it has at providers, unless it has ended already."""
    row = None if enrolment is None else store.enrolments[enrolment]
    if row is not None and row.enrolment.is_live:
        store.keep_status(row, EnrolmentStatus.STOPPED, why)
        withdraw(store, row.enrolment.lead, why, enrolment)


def cancel_waiting(store: MemoryStore, lead: LeadId, why: str) -> None:
    """Nothing more goes to this lead: what waits, its run, and what providers hold."""
    for row in store.intents_for(lead, *OPEN):
        store.cancel(row, why)
    run = store.live_enrolment(lead)
    if run is not None:
        stop_run(store, run.enrolment.id, why)
    withdraw(store, lead, why)
    boxes: dict[tuple[AccountId, str], AttemptRow] = {}
    for attempt in _mailed(store, lead):
        boxes.setdefault((attempt.parcel.account, attempt.parcel.to), attempt)
    for attempt in boxes.values():
        _add(store, StopKind.BLOCK, attempt, why)


def withdraw(
    store: MemoryStore, lead: LeadId, why: str, enrolment: EnrolmentId | None = None
) -> None:
    """Have providers send no more of what they may hold for a lead, or of one run."""
    for attempt in _mailed(store, lead):
        name = attempt.parcel.attempt
        told = store.sent.get(name)
        if told is not None and told.status not in _NOT_LEFT:
            continue
        run = store.intents[attempt.intent].intent.enrolment
        if enrolment is None or run == enrolment:
            _add(store, StopKind.WITHDRAW, attempt, why)


def pause(store: MemoryStore, tenant: TenantId, campaign: CampaignId, why: str) -> None:
    """Have every account that a campaign's mail went to send no more of it."""
    there = [one for one in store.hosted.values() if one.campaign == campaign]
    for one in there:
        if one.hosting.ref:
            pause_at(store, tenant, one.account, one.id, why)
    hosts = {one.account for one in there}
    for account in mailed_from(store, campaign):
        if account not in hosts:
            pause_at(store, tenant, account, campaign, why)


def pause_at(
    store: MemoryStore, tenant: TenantId, account: AccountId, about: UUID, why: str
) -> None:
    """Have one account pause a campaign: ours, or its own for it."""
    _keep(
        store,
        StopRow(
            id=StopId(store.ids()),
            tenant=tenant,
            account=account,
            kind=StopKind.PAUSE,
            about=about,
            cause=why,
            at=store.now,
        ),
    )


def pause_again(
    store: MemoryStore, tenant: TenantId, account: AccountId, about: UUID, why: str
) -> None:
    """What an account was told to pause goes on all the same: it is told again."""
    key = account, StopKind.PAUSE, about
    there = store.stops.get(key)
    if there is not None and there.confirmed_at is not None:
        del store.stops[key]
    pause_at(store, tenant, account, about, why)


def unpause(store: MemoryStore, campaign: CampaignId) -> None:
    """A person closed the breaker: nobody is told to pause it any more, and what is at
    its provider is started again.
    """
    there = [one for one in store.hosted.values() if one.campaign == campaign]
    ended = {campaign, *(one.id for one in there)}
    for key, row in tuple(store.stops.items()):
        if row.kind is StopKind.PAUSE and row.about in ended:
            del store.stops[key]
    for one in there:
        one.resume = True
        store.put_duty(Duty(DutyKind.HOSTED, str(one.id), one.tenant, store.now))


def mailed_from(store: MemoryStore, campaign: CampaignId) -> list[AccountId]:
    """Accounts that accepted mail of a campaign, each once."""
    found = {
        one.parcel.account: None
        for one in store.attempts.values()
        if one.parcel.permit.channel in HOLDING
        and one.outcome is Outcome.ACCEPTED
        and store.campaign_of(one.intent) == campaign
    }
    return list(found)


def _mailed(store: MemoryStore, lead: LeadId) -> Iterator[AttemptRow]:
    for intent in tuple(store.intents_of.get(lead, ())):
        for name in store.intents[intent].attempts:
            attempt = store.attempts[name]
            mail = attempt.parcel.permit.channel in HOLDING
            if mail and attempt.outcome in _MAYBE_THERE:
                yield attempt


def _add(store: MemoryStore, kind: StopKind, attempt: AttemptRow, why: str) -> None:
    _keep(
        store,
        StopRow(
            id=StopId(store.ids()),
            tenant=attempt.tenant,
            account=attempt.parcel.account,
            kind=kind,
            about=attempt.parcel.attempt,
            cause=why,
            at=store.now,
            lead=attempt.lead,
        ),
    )


def _keep(store: MemoryStore, row: StopRow) -> None:
    """The first cause stays; a duty repeats the stop from now on."""
    if (row.account, row.kind, row.about) in store.stops:
        return
    store.stops[row.account, row.kind, row.about] = row
    store.put_duty(Duty(DutyKind.STOP, str(row.id), row.tenant, store.now))
