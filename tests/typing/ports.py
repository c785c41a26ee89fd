"""Read by mypy only: every adapter in memory fits its port."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from redis.asyncio import Redis

from outreach.adapters.memory import (
    MemoryAlerts,
    MemoryAllocations,
    MemoryAudit,
    MemoryCampaigns,
    MemoryClock,
    MemoryConsents,
    MemoryDecisions,
    MemoryDuties,
    MemoryInbox,
    MemoryInstance,
    MemoryIntents,
    MemoryIntros,
    MemoryJourneys,
    MemoryLanes,
    MemoryLeads,
    MemoryLinks,
    MemoryReviews,
    MemorySenders,
    MemoryStops,
    MemoryStore,
    MemorySwitches,
    MemoryWatch,
    MemoryWitness,
)
from outreach.adapters.postgres.audit import PostgresAudit
from outreach.adapters.postgres.consents import PostgresConsents
from outreach.adapters.postgres.instance import PostgresInstance
from outreach.adapters.postgres.intros import PostgresIntros
from outreach.adapters.postgres.pool import Database
from outreach.adapters.redis.witness import RedisWitness
from outreach.adapters.system.links import LinksReader, SignedLinks
from outreach.adapters.system.witness import FileWitness
from outreach.ports.alerts import Alerts
from outreach.ports.audit import Audit
from outreach.ports.campaigns import Campaigns
from outreach.ports.clock import Clock
from outreach.ports.consents import Consents
from outreach.ports.decisions import Decisions
from outreach.ports.duties import Duties
from outreach.ports.gateway import Reads
from outreach.ports.inbox import Inbox
from outreach.ports.instance import Instance, Witness
from outreach.ports.intents import Intents
from outreach.ports.intros import Intros
from outreach.ports.journeys import Journeys
from outreach.ports.lanes import Allocations, Lanes
from outreach.ports.leads import Leads
from outreach.ports.links import Links
from outreach.ports.reviews import Reviews
from outreach.ports.senders import Senders
from outreach.ports.stops import Stops
from outreach.ports.switches import Switches
from outreach.ports.watch import Watch


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


def watched(store: MemoryStore) -> Watch:
    return MemoryWatch(store)


def told(store: MemoryStore) -> Stops:
    return MemoryStops(store)


def for_people(store: MemoryStore) -> tuple[Reviews, Decisions, Alerts]:
    return MemoryReviews(store), MemoryDecisions(store), MemoryAlerts()


def agreed(store: MemoryStore, database: Database) -> tuple[Consents, ...]:
    return MemoryConsents(store), PostgresConsents(database, uuid4)


def introduced(store: MemoryStore, database: Database) -> tuple[Intros, ...]:
    return MemoryIntros(store), PostgresIntros(database)


def signed() -> tuple[Links, Links, Reads]:
    return MemoryLinks(), SignedLinks(("key",), "https://mail.example"), LinksReader()


def instances(store: MemoryStore, database: Database) -> tuple[Instance, ...]:
    return MemoryInstance(store), PostgresInstance(database)


def witnesses(path: Path, client: Redis) -> tuple[Witness, ...]:
    return MemoryWitness(), FileWitness(path), RedisWitness(client)


def audits(store: MemoryStore, database: Database) -> tuple[Audit, ...]:
    return MemoryAudit(store), PostgresAudit(database)
