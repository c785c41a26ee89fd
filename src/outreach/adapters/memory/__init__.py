"""Every port over one truth in memory: for tests, simulation, and embedding."""

from outreach.adapters.memory.accounts import MemoryAccounts
from outreach.adapters.memory.alerts import MemoryAlerts
from outreach.adapters.memory.allocations import MemoryAllocations
from outreach.adapters.memory.audit import MemoryAudit
from outreach.adapters.memory.campaigns import MemoryCampaigns
from outreach.adapters.memory.clock import EPOCH, MemoryClock
from outreach.adapters.memory.consents import MemoryConsents
from outreach.adapters.memory.decisions import MemoryDecisions
from outreach.adapters.memory.duties import MemoryDuties
from outreach.adapters.memory.hosting import MemoryHostedCampaigns
from outreach.adapters.memory.inbox import MemoryInbox
from outreach.adapters.memory.incidents import MemoryIncidents, MemoryModelBudget
from outreach.adapters.memory.instance import MemoryInstance, MemoryWitness
from outreach.adapters.memory.intents import MemoryIntents
from outreach.adapters.memory.intros import MemoryIntros
from outreach.adapters.memory.journeys import MemoryJourneys
from outreach.adapters.memory.lanes import MemoryLanes
from outreach.adapters.memory.leads import MemoryLeads
from outreach.adapters.memory.links import MemoryLinks
from outreach.adapters.memory.mailboxes import MemoryMailboxes
from outreach.adapters.memory.pause import Pause, yield_once
from outreach.adapters.memory.places import MemoryPlaces
from outreach.adapters.memory.reviews import MemoryReviews
from outreach.adapters.memory.rows import TenantRow
from outreach.adapters.memory.senders import MemorySenders
from outreach.adapters.memory.stops import MemoryStops
from outreach.adapters.memory.store import MemoryStore
from outreach.adapters.memory.switches import MemorySwitches
from outreach.adapters.memory.watch import MemoryWatch

__all__ = [
    "EPOCH",
    "MemoryAccounts",
    "MemoryAlerts",
    "MemoryAllocations",
    "MemoryAudit",
    "MemoryCampaigns",
    "MemoryClock",
    "MemoryConsents",
    "MemoryDecisions",
    "MemoryDuties",
    "MemoryHostedCampaigns",
    "MemoryInbox",
    "MemoryIncidents",
    "MemoryInstance",
    "MemoryIntents",
    "MemoryIntros",
    "MemoryJourneys",
    "MemoryLanes",
    "MemoryLeads",
    "MemoryLinks",
    "MemoryMailboxes",
    "MemoryModelBudget",
    "MemoryPlaces",
    "MemoryReviews",
    "MemorySenders",
    "MemoryStops",
    "MemoryStore",
    "MemorySwitches",
    "MemoryWatch",
    "MemoryWitness",
    "Pause",
    "TenantRow",
    "yield_once",
]
