"""What is known of a lead, and which lead an event is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from attrs import evolve

from outreach.adapters.memory.faults import bounced
from outreach.adapters.memory.reviewing import open_of
from outreach.adapters.memory.rows import AttemptRow, Standing
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.change import Known, Outbound, Wrote
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import AccountId, AttemptId, LeadId, SenderId, TenantId
from outreach.domain.mail_mark import marked_attempts
from outreach.domain.message import MessageStatus, Outcome, payload_hash
from outreach.domain.sender import SendClass, Sender
from outreach.domain.stop import HOLDING
from outreach.domain.window import local_day

__all__ = ["known", "match", "wrote"]

_ECHOES: Final = frozenset(
    {
        EventType.SENT,
        EventType.DELIVERED,
        EventType.READ,
        EventType.FAILED,
        EventType.EXTERNAL_SENT,
    },
)
"""Events whose content is what left, not what somebody answered."""

_PERHAPS_SENT: Final = frozenset(
    {Outcome.CALLING, Outcome.UNKNOWN, Outcome.ACCEPTED, Outcome.ABANDONED},
)


def known(store: MemoryStore, tenant: TenantId, lead: LeadId) -> Known | None:
    """The lead as it stands; None: the tenant has no such lead."""
    if store.lead_tenants.get(lead) != tenant:
        return None
    facts = store.leads[lead]
    journey = store.journey(lead)
    run = store.live_enrolment(lead)
    home = store.tenants[tenant]
    zone = facts.time_zone or home.time_zone
    channels = {Channel.WHATSAPP} if facts.phone else set[Channel]()
    if facts.email:
        channels.add(Channel.EMAIL_COLD)
    sender = None if journey.phone is None else store.lanes[journey.phone].sender
    return Known(
        tenant=tenant,
        now=store.now,
        journey=journey,
        enrolment=None if run is None else run.enrolment,
        waiting=tuple(
            row.intent
            for row in store.intents_for(lead, Standing.WAITING, Standing.HELD)
        ),
        review=open_of(store, lead),
        sender=sender,
        contacted=sender is not None and (sender.id, lead) in store.contacted,
        number=facts.phone,
        email=facts.email,
        language=facts.language or home.language,
        time_zone=zone,
        ai_replies_today=_ai_replies(store, lead, zone),
        wrote=None if open_of(store, lead) is None else wrote(store, lead),
        other_channels=frozenset(channels),
        bounced=bounced(store, lead) if store.faults else (),
        fields=facts.variables,
    )


def match(store: MemoryStore, account: str, event: SystemEvent) -> Known | None:
    """By the provider's id, else the text, else the mails it answers, else the
    conversation, else the address.
    """
    if event.tenant is not None and event.lead is not None:
        told = known(store, event.tenant, event.lead)
        return None if told is None else evolve(told, sender=None, contacted=False)
    accounts = {
        one.id: one.tenant
        for one in store.accounts.values()
        if one.provider == event.provider and one.name == account
    }
    attempt = (
        _by_ref(store, accounts, event)
        or _by_text(store, accounts, event)
        or _by_mark(store, accounts, event)
    )
    sender = _sender(store, accounts, event, attempt)
    found = None
    if attempt is not None:
        found = attempt.tenant, attempt.lead
    else:
        found = _by_thread(store, accounts, event) or _by_address(
            store, accounts, event, sender
        )
    told = None if found is None else known(store, *found)
    if told is None:
        return None
    lead = told.journey.lead
    sender = sender or _mailed_by(store, accounts, lead)
    return evolve(
        told,
        outbound=None if attempt is None else _outbound(store, attempt),
        sender=sender,
        contacted=sender is not None and (sender.id, lead) in store.contacted,
    )


def _ai_replies(store: MemoryStore, lead: LeadId, zone: str) -> int:
    today = local_day(store.now, zone)
    return sum(
        store.attempts[row.attempt].send_class is SendClass.AI
        and local_day(row.at, zone) == today
        for row in store.log_of.get(lead, ())
        if row.attempt is not None
    )


def wrote(store: MemoryStore, lead: LeadId) -> Wrote | None:
    """What the lead has written last."""
    rows = store.log_of.get(lead, [])
    heard = next((row for row in reversed(rows) if row.inbound), None)
    mails = (row.subject for row in reversed(rows) if row.channel in HOLDING)
    subject = next((one for one in mails if one), "")
    return None if heard is None else Wrote(heard.channel, subject)


_Accounts = dict[AccountId, TenantId]


def _newest(
    store: MemoryStore, accounts: _Accounts, names: list[AttemptId] | None
) -> Iterator[AttemptRow]:
    for name in reversed(names or []):
        attempt = store.attempts[name]
        if attempt.parcel.account in accounts:
            yield attempt


def _by_ref(
    store: MemoryStore, accounts: _Accounts, event: SystemEvent
) -> AttemptRow | None:
    found = next(_newest(store, accounts, store.refs.get(event.ref)), None)
    return found or _by_own_id(store, accounts, event.ref)


def _by_own_id(store: MemoryStore, accounts: _Accounts, ref: str) -> AttemptRow | None:
    """What was handed over bore our own id, and comes back with it."""
    try:
        name = AttemptId(UUID(ref))
    except ValueError:
        return None
    there = name in store.attempts and str(name) == ref
    return next(_newest(store, accounts, [name] if there else []), None)


def _by_text(
    store: MemoryStore, accounts: _Accounts, event: SystemEvent
) -> AttemptRow | None:
    if event.type not in _ECHOES or event.address is None or not event.content:
        return None
    said = payload_hash(event.sender, event.address.value, "", event.content)
    for attempt in _newest(store, accounts, store.hashes.get(said)):
        refs = {attempt.ref, event.ref} - {""}
        if attempt.outcome in _PERHAPS_SENT and len(refs) <= 1:
            return attempt
    return None


def _by_mark(
    store: MemoryStore, accounts: _Accounts, event: SystemEvent
) -> AttemptRow | None:
    """The attempt whose mark, or whose own id, a mail names; of whatever account of
    the tenant.
    """
    tenants = set(accounts.values())
    own = [one for told in event.references for one in store.refs.get(told, [])[-1:]]
    for name in (*marked_attempts(event.references), *own):
        attempt = store.attempts.get(name)
        if attempt is not None and attempt.tenant in tenants:
            return attempt
    return None


def _by_thread(
    store: MemoryStore, accounts: _Accounts, event: SystemEvent
) -> tuple[TenantId, LeadId] | None:
    talk = store.talks.get(event.thread)
    if talk is None:
        return None
    sender, lead = talk
    account = store.lanes[sender].sender.account
    return (accounts[account], lead) if account in accounts else None


def _by_address(
    store: MemoryStore,
    accounts: _Accounts,
    event: SystemEvent,
    sender: Sender | None,
) -> tuple[TenantId, LeadId] | None:
    if event.address is None:
        return None
    tenants = accounts.values() if sender is None else (sender.tenant,)
    for tenant in dict.fromkeys(tenants):
        lead = store.points.get((tenant, str(event.address)))
        if lead is not None:
            return tenant, lead
    return None


def _sender(
    store: MemoryStore,
    accounts: _Accounts,
    event: SystemEvent,
    attempt: AttemptRow | None,
) -> Sender | None:
    """The one the event names, which may be another than the one that was meant."""
    for lane in store.lanes.values():
        sender = lane.sender
        if sender.account in accounts and sender.number == event.sender:
            return sender
    if attempt is None:
        return None
    meant: SenderId = attempt.parcel.sender
    return store.lanes[meant].sender


def _mailed_by(store: MemoryStore, accounts: _Accounts, lead: LeadId) -> Sender | None:
    """Where the vendor picks the mailbox: the account that the lead is written by."""
    for sender, known in store.threads:
        of = store.lanes[sender].sender
        if known == lead and of.account in accounts and of.channel in HOLDING:
            return of
    return None


def _outbound(store: MemoryStore, attempt: AttemptRow) -> Outbound:
    row = store.sent.get(attempt.parcel.attempt)
    status = None if row is None else row.status
    return Outbound(
        attempt=attempt.parcel.attempt,
        intent=attempt.intent,
        sender=attempt.parcel.sender,
        channel=attempt.parcel.permit.channel,
        status=status or MessageStatus.QUEUED,
        outcome=attempt.outcome,
    )
