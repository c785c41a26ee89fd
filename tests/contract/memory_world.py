"""A world in memory for the contract suites of the stores."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from uuid import UUID

from outreach.adapters.memory import (
    MemoryAccounts,
    MemoryAllocations,
    MemoryAudit,
    MemoryCampaigns,
    MemoryClock,
    MemoryConsents,
    MemoryDecisions,
    MemoryDuties,
    MemoryHostedCampaigns,
    MemoryInbox,
    MemoryInstance,
    MemoryIntents,
    MemoryIntros,
    MemoryJourneys,
    MemoryLanes,
    MemoryLeads,
    MemoryReviews,
    MemorySenders,
    MemoryStops,
    MemoryStore,
    MemorySwitches,
    MemoryWatch,
    TenantRow,
)
from outreach.domain.ids import TenantId
from outreach.testing.invented import START, ZONE
from outreach.testing.world import World

__all__ = ["memory_world"]

TENANT = TenantId(UUID(int=0xA))
STRANGER = TenantId(UUID(int=0xB))


def memory_world() -> World:
    """Empty, with two tenants, at the start."""
    clock = MemoryClock(START, START)
    ids: Iterator[int] = count(1)
    store = MemoryStore(clock, lambda: UUID(int=next(ids)))
    for tenant in (TENANT, STRANGER):
        store.tenants[tenant] = TenantRow(tenant, ZONE, "ro")

    async def advance_engine(by: timedelta) -> None:
        clock.advance_engine(by)

    async def advance_machine(by: timedelta) -> None:
        clock.advance(by)

    return World(
        lanes=MemoryLanes(store),
        allocations=MemoryAllocations(store),
        intents=MemoryIntents(store),
        journeys=MemoryJourneys(store),
        inbox=MemoryInbox(store),
        duties=MemoryDuties(store),
        clock=clock,
        consents=MemoryConsents(store),
        campaigns=MemoryCampaigns(store),
        senders=MemorySenders(store),
        accounts=MemoryAccounts(store),
        switches=MemorySwitches(store),
        watch=MemoryWatch(store),
        stops=MemoryStops(store),
        hosted=MemoryHostedCampaigns(store),
        intros=MemoryIntros(store),
        reviews=MemoryReviews(store),
        decisions=MemoryDecisions(store),
        leads=MemoryLeads(store),
        audit=MemoryAudit(store),
        instance=MemoryInstance(store),
        timing=store.timing,
        advance_engine=advance_engine,
        advance_machine=advance_machine,
        tenant=TENANT,
        stranger=STRANGER,
    )
