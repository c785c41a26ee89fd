"""Every gateway whose provider works by campaigns keeps the promises of that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

import pytest
from attrs import define, field
from tests.contract.instantly_workspace import InstantlyBench, opened
from tests.contract.promises import kept_by, promises_of

from outreach.adapters.memory.campaign_gateway import Kept, MemoryCampaignGateway
from outreach.adapters.memory.gateway import Mishap
from outreach.domain.provider_campaign import CampaignHold, CampaignPlan
from outreach.ports.gateway import RunsCampaigns
from outreach.testing.gateway import Situation
from outreach.testing.gateway_campaigns import RunsCampaignsContract

_MISHAPS: Final = {
    Situation.BUSY_SOMEWHERE: Mishap.ACCEPTED_THEN_SILENT,
    Situation.BROKEN: Mishap.ACCEPTED_THEN_SILENT,
    Situation.SILENT: Mishap.ACCEPTED_THEN_SILENT,
    Situation.CUT_OFF: Mishap.ACCEPTED_THEN_SILENT,
    Situation.RUBBISH: Mishap.ACCEPTED_THEN_SILENT,
    Situation.LOST: Mishap.LOST_ON_THE_WAY,
}


@define(eq=False)
class MemoryCampaignBench:
    gateway: MemoryCampaignGateway = field(factory=MemoryCampaignGateway)

    @property
    def arrivals(self) -> int:
        return self.gateway.arrivals

    @property
    def accepted(self) -> list[str]:
        return [parcel.text for parcel in self.gateway.accepted]

    @property
    def started(self) -> Sequence[str]:
        return self.gateway.started

    @property
    def made(self) -> Sequence[str]:
        return [one.name for one in self.gateway.campaigns.values()]

    async def arrange(self, situation: Situation) -> None:
        self.gateway.is_reachable = situation is not Situation.UNREACHABLE
        self.gateway.accepts_us = situation is not Situation.KEY_REVOKED
        mishap = _MISHAPS.get(situation)
        self.gateway.hears = [] if mishap is None else [mishap] * 4

    async def make(self, plan: CampaignPlan) -> str:
        return self.gateway.make(plan)

    async def spoil(self) -> None:
        self.gateway.keeps = Kept.OTHERWISE

    async def stop(self, ref: str, why: CampaignHold) -> None:
        self.gateway.hold(ref, why)


class TestMemory(RunsCampaignsContract):
    @pytest.fixture
    def bench(self) -> MemoryCampaignBench:
        return MemoryCampaignBench()


class TestInstantly(RunsCampaignsContract):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[InstantlyBench]:
        async with opened() as bench:
            bench.workspace.campaigns.clear()
            mailbox = {"email": "ion@agro.example", "status": 1}
            bench.workspace.accounts.append(mailbox)
            yield bench


def test_each_promise_of_the_ability_is_a_test() -> None:
    assert promises_of(RunsCampaigns) <= kept_by(RunsCampaignsContract)
