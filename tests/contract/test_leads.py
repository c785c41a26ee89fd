"""Every store of leads keeps the promises of the port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from uuid import UUID

import pytest
from tests.contract.postgres_world import postgres_world

from outreach.adapters.memory.clock import MemoryClock
from outreach.adapters.memory.leads import MemoryLeads
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.ids import TenantId
from outreach.ports.leads import Leads
from outreach.testing.leads import LeadsContract


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(UUID(int=0xA))


@pytest.fixture
def other_tenant() -> TenantId:
    return TenantId(UUID(int=0xB))


class TestMemoryLeads(LeadsContract):
    @pytest.fixture
    def leads(self) -> Leads:
        ids = count(1)
        return MemoryLeads(MemoryStore(MemoryClock(), lambda: UUID(int=next(ids))))


class TestPostgresLeads(LeadsContract):
    @pytest.fixture
    async def leads(self, postgres_url: str) -> AsyncIterator[Leads]:
        async with postgres_world(postgres_url) as world:
            yield world.leads
