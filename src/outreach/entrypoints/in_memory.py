"""An engine whose stores are this process's memory, and whose time moves by itself."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from attrs import define, field

from outreach.adapters import memory
from outreach.adapters.memory import EPOCH, MemoryClock, MemoryStore, TenantRow
from outreach.adapters.memory.bell import LocalBell
from outreach.adapters.memory.gateway import MemoryGateway
from outreach.adapters.memory.guard import MemoryGuard
from outreach.domain.allowance import Allowance
from outreach.domain.ids import Incarnation, TenantId, account_id, tenant_id
from outreach.entrypoints.container import Container, put
from outreach.entrypoints.engine import Engine
from outreach.entrypoints.gateways import Gateways
from outreach.entrypoints.metrics import Metrics
from outreach.entrypoints.policy_file import policy_of
from outreach.entrypoints.providers import PROVIDERS
from outreach.entrypoints.settings import Settings
from outreach.ports.gateway import Gateway, Reads

__all__ = ["InMemory", "Providers", "open_in_memory"]

Providers = Mapping[str, Gateway]
"""Gateways by name of the provider, or by ``provider/account``."""

_DEFAULT: Final = "default"
_LANES: Final = 50
_ROUNDS: Final = 1_000
"""In one instant; more are a defect of ours, not work."""
_GRAIN: Final = timedelta(milliseconds=1)
_LINK_KEYS: Final = ("of this process alone",)


@define(eq=False)
class InMemory:
    """An engine over memory, and what moves it.

    Attributes:
        own: gateways that are lists of ours, by provider.
        audits: every hour, as workers do; False: whoever plays audits when it likes.
    """

    engine: Engine
    clock: MemoryClock
    store: MemoryStore
    own: Mapping[str, MemoryGateway]
    audits: bool = True
    _who: Incarnation = field(default=Incarnation("memory"), init=False)
    _began: bool = field(default=False, init=False)

    def hear(self, provider: str, reader: Reads) -> None:
        """Have *reader* read what comes in from a provider that is not built in."""
        self.engine.container.readers()[provider] = reader

    async def work(self, until: datetime) -> None:
        """Do all that is due up to *until* (engine time), which is then; nothing waits
        for real: the clock stands at the next thing due, always.
        """
        if not self._began:
            await self.engine.put_periodic_duties(audits=self.audits)
            self._began = True
        while self.clock.engine < until:
            await self._all_that_is_due()
            wait = await self.engine.container.lanes().next_wake({})
            left = until - self.clock.engine
            step = left if wait is None else min(max(wait, _GRAIN), left)
            self.clock.advance(step)
        await self._all_that_is_due()

    async def _all_that_is_due(self) -> None:
        for _ in range(_ROUNDS):
            if not await self._round():
                return
        message = f"work without end at {self.clock.engine}"
        raise RuntimeError(message)

    async def _round(self) -> int:
        parts = self.engine.container
        done: int = await parts.recover()()
        done += await parts.take_in()(self._who)
        done += await parts.look()(self._who)
        done += await parts.do_duties()(self._who)
        began = self.clock.monotonic()
        lanes, send = parts.lanes(), parts.send()
        claims = await lanes.claim(self._who, {}, _LANES)
        for claim in claims:
            await send(claim, began)
        return done + len(claims)


def open_in_memory(
    settings: Settings,
    gateways: Providers | None = None,
    *,
    begin: datetime = EPOCH,
    seed: int = 0,
) -> InMemory:
    """Make the engine; there is nothing to be closed.

    Args:
        gateways: of providers that shall not be lists in memory.
        begin: engine time to start from.
        seed: of gaps and the like; the same seed and input do the same.
    """
    tenant = tenant_id(settings.tenant.name)
    clock = MemoryClock(engine=begin, machine=begin)
    numbers = count(1)

    def ids() -> UUID:
        return UUID(int=next(numbers))

    store = MemoryStore(clock, ids)
    store.agreed.policy = policy_of(settings)
    zone, language = settings.tenant.time_zone, settings.tenant.language
    store.tenants[tenant] = TenantRow(tenant, zone, language)
    given = gateways or {}
    own = {
        name: MemoryGateway(now=begin, carries=one.channels)
        for name, one in PROVIDERS.items()
        if name not in given
    }
    filed = _filed(tenant, own, given)
    local = LocalBell(clock.monotonic)
    container = Container(
        settings=settings,
        database_url="",
        redis_url="",
        witness_file=Path(),
        **filed.by_ability(),
        bell=local,
    )
    put(container, {**_parts(store, clock, seed), "ids": ids})
    container.link_keys.override(_LINK_KEYS)
    container.public.override(settings.public)
    engine = Engine(settings, container, tenant, filed, local, local, Metrics())
    return InMemory(engine, clock, store, own)


def _filed(
    tenant: TenantId, own: Mapping[str, MemoryGateway], given: Providers
) -> Gateways:
    """Ours send and are looked into, no more; theirs do what they can."""
    filed = Gateways()
    for name, gateway in own.items():
        account = account_id(tenant, name, _DEFAULT)
        filed.send[account] = filed.look[account] = gateway
        filed.allowances[account] = Allowance()
    for name, theirs in given.items():
        provider, _, account_name = name.partition("/")
        account = account_id(tenant, provider, account_name or _DEFAULT)
        filed.add(account, provider, theirs, Allowance(), Metrics())
    return filed


def _parts(store: MemoryStore, clock: MemoryClock, seed: int) -> dict[str, Any]:
    """What stands in the place of each adapter that needs a server."""
    guard = MemoryGuard(clock.monotonic)
    return {
        "clock": clock,
        "guard": guard,
        "rng": random.Random(seed),
        "lanes": memory.MemoryLanes(store),
        "accounts": memory.MemoryAccounts(store),
        "allocations": memory.MemoryAllocations(store),
        "intents": memory.MemoryIntents(store),
        "journeys": memory.MemoryJourneys(store),
        "inbox": memory.MemoryInbox(store),
        "duties": memory.MemoryDuties(store),
        "leads": memory.MemoryLeads(store),
        "campaigns": memory.MemoryCampaigns(store),
        "senders": memory.MemorySenders(store),
        "switches": memory.MemorySwitches(store),
        "stops": memory.MemoryStops(store),
        "reviews": memory.MemoryReviews(store),
        "decisions": memory.MemoryDecisions(store),
        "consents": memory.MemoryConsents(store),
        "audit": memory.MemoryAudit(store),
        "hosted": memory.MemoryHostedCampaigns(store),
        "incidents": memory.MemoryIncidents(store),
        "instance": memory.MemoryInstance(store),
        "watched": memory.MemoryWatch(store),
        "intros": memory.MemoryIntros(store),
        "places": memory.MemoryPlaces(store),
        "witnesses": [memory.MemoryWitness()],
    }
