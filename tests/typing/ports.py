"""Read by mypy only: every adapter in memory fits its port."""

from __future__ import annotations

from outreach.adapters.memory import (
    MemoryAlerts,
    MemoryAllocations,
    MemoryCampaigns,
    MemoryClock,
    MemoryDecisions,
    MemoryDuties,
    MemoryInbox,
    MemoryIntents,
    MemoryJourneys,
    MemoryLanes,
    MemoryLeads,
    MemoryReviews,
    MemorySenders,
    MemoryStops,
    MemoryStore,
    MemorySwitches,
)
from outreach.ports.alerts import Alerts
from outreach.ports.campaigns import Campaigns
from outreach.ports.clock import Clock
from outreach.ports.decisions import Decisions
from outreach.ports.duties import Duties
from outreach.ports.inbox import Inbox
from outreach.ports.intents import Intents
from outreach.ports.journeys import Journeys
from outreach.ports.lanes import Allocations, Lanes
from outreach.ports.leads import Leads
from outreach.ports.reviews import Reviews
from outreach.ports.senders import Senders
from outreach.ports.stops import Stops
from outreach.ports.switches import Switches


def sending(store: MemoryStore) -> tuple[Lanes, Allocations, Intents, Journeys]:
    return (
        MemoryLanes(store),
        MemoryAllocations(store),
        MemoryIntents(store),
        MemoryJourneys(store),
    )


def what_is_due(store: MemoryStore) -> tuple[Inbox, Duties, Clock]:
    return MemoryInbox(store), MemoryDuties(store), MemoryClock()


def kept(store: MemoryStore) -> tuple[Leads, Campaigns, Senders, Switches]:
    return (
        MemoryLeads(store),
        MemoryCampaigns(store),
        MemorySenders(store),
        MemorySwitches(store),
    )


def told(store: MemoryStore) -> Stops:
    return MemoryStops(store)


def for_people(store: MemoryStore) -> tuple[Reviews, Decisions, Alerts]:
    return MemoryReviews(store), MemoryDecisions(store), MemoryAlerts()
