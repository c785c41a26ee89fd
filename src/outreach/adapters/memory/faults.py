"""Mails that came back or were complained about, and the addresses they went to."""

from __future__ import annotations

from attrs import evolve

from outreach.adapters.memory.store import MemoryStore
from outreach.domain.bounce import RETURNED
from outreach.domain.breaker import MailFault
from outreach.domain.change import Duty, DutyKind
from outreach.domain.ids import AttemptId, LeadId, TenantId
from outreach.domain.stop import HOLDING

__all__ = ["bounced", "count_fault", "take_fault_back"]


def count_fault(
    store: MemoryStore, tenant: TenantId, name: AttemptId, fault: MailFault
) -> None:
    """Once for each mail; its campaign is judged from now on."""
    attempt = store.attempts.get(name)
    if attempt is None or (name, fault) in store.faults:
        return
    if attempt.tenant != tenant or attempt.parcel.permit.channel not in HOLDING:
        return
    store.faults[name, fault] = store.now
    if fault is MailFault.BOUNCED:
        _mark(store, name)
    campaign = store.campaign_of(attempt.intent)
    if campaign is not None:
        store.put_duty(Duty(DutyKind.BREAKER, str(campaign), tenant, store.now))


def _mark(store: MemoryStore, name: AttemptId) -> None:
    attempt = store.attempts[name]
    lead = store.leads[attempt.lead]
    if lead.email != attempt.parcel.to or lead.email_status == RETURNED:
        return
    store.marked[name] = lead.email_status
    _call(store, attempt.lead, RETURNED)


def _call(store: MemoryStore, lead: LeadId, status: str) -> None:
    known = store.leads[lead]
    store.leads[lead] = evolve(known, email_status=status, version=known.version + 1)


def take_fault_back(store: MemoryStore, name: AttemptId) -> None:
    """It did not come back after all: as if it had never been counted."""
    if store.faults.pop((name, MailFault.BOUNCED), None) is None:
        return
    status = store.marked.pop(name, None)
    if status is None:
        return
    lead = store.attempts[name].lead
    left = bounced(store, lead)
    if left:
        store.marked[left[0]] = status
    elif store.leads[lead].email_status == RETURNED:
        _call(store, lead, status)


def bounced(store: MemoryStore, lead: LeadId) -> tuple[AttemptId, ...]:
    """Mails of a lead that came back for good, oldest first."""
    found = [
        name
        for intent in store.intents_of.get(lead, ())
        for name in store.intents[intent].attempts
        if (name, MailFault.BOUNCED) in store.faults
    ]
    return tuple(sorted(found, key=lambda name: store.attempts[name].called_at))
