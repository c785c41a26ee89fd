"""Addresses that get nothing any more, and what waits for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from outreach.adapters.memory.stopping import cancel_waiting
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.address import AddressKey, AddressKind
from outreach.domain.ids import LeadId, TenantId
from outreach.domain.journey import Fact, happened
from outreach.domain.suppression import Suppression, SuppressionReason

__all__ = ["suppress"]

_OPT_OUTS: Final = frozenset({SuppressionReason.OPT_OUT, SuppressionReason.COMPLAINT})


def suppress(
    store: MemoryStore, tenant: TenantId, suppressions: Sequence[Suppression]
) -> int:
    """Add to the lists; nothing waits any more for who has such an address."""
    new = 0
    for suppression in suppressions:
        of = None if suppression.everywhere else tenant
        known = store.suppressions.setdefault(of, {})
        if suppression.key not in known:
            known[suppression.key] = suppression
            store.audit.suppressed_on[of, suppression.key] = store.machine
            new += 1
        for lead in tuple(_leads(store, of, suppression.key)):
            opted_out = suppression.reason in _OPT_OUTS
            if opted_out:
                fact = Fact.OPTED_OUT
                journey = store.journey(lead)
                by = suppression.by
                store.keep_moved(happened(journey, fact, suppression.at, by=by))
            cancel_waiting(store, lead, "OPTED_OUT" if opted_out else "SUPPRESSED")
    return new


def _leads(
    store: MemoryStore, tenant: TenantId | None, key: AddressKey
) -> Iterator[LeadId]:
    tenants = tuple(store.tenants) if tenant is None else (tenant,)
    if key.kind in {AddressKind.DOMAIN, AddressKind.EMAIL}:
        for lead, of in store.lead_tenants.items():
            if of in tenants and key in store.leads[lead].addresses:
                yield lead
        return
    for of in tenants:
        found = store.points.get((of, str(key)))
        if found is not None:
            yield found
