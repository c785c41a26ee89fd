"""Every gateway keeps the promises of its ports: in memory, TimelinesAI, Baileys in
three dialects, Instantly and our own mailboxes alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from attrs import define
from tests.contract import baileys_gateways, instantly_workspace, smtp_pool
from tests.contract.baileys_gateways import (
    ApiHouse,
    BaileysBench,
    EvolutionHouse,
    WahaHouse,
)
from tests.contract.instantly_workspace import InstantlyBench
from tests.contract.promises import kept_by, promises_of
from tests.contract.smtp_pool import SmtpBench
from tests.contract.timelines_workspace import TimelinesBench, opened

from outreach.adapters.memory.gateway import MemoryGateway, Mishap
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.message import Answer, NotAccepted, Refusal, Refused
from outreach.ports.domains import AccountDomain, ChecksDomains, ExaminesDomains
from outreach.ports.gateway import (
    AccountSender,
    LooksUpMany,
    RepeatsSafely,
    ReplaysLost,
    SendsMany,
    TakesBack,
)
from outreach.ports.history import TellsHistory
from outreach.ports.incoming import FetchesContent
from outreach.testing.gateway import (
    OURS,
    WAIT,
    GatewayContract,
    ListsAccountsContract,
    LooksUpByContentContract,
    LooksUpContract,
    PollsStatusContract,
    ReceivesWebhooksContract,
    ReplaysLostContract,
    Situation,
    TellsHistoryContract,
    TellsUseContract,
)
from outreach.testing.gateway_many import (
    LooksUpManyContract,
    RepeatsSafelyContract,
    SendsManyContract,
)
from outreach.testing.gateway_stops import (
    CAMPAIGN,
    TakesBackContract,
    WarmAccountContract,
)
from outreach.testing.incoming import (
    ChecksDomainsContract,
    ExaminesDomainsContract,
    FetchesContentContract,
)

_PLENTY: Final = 4
_SCRIPTS: Final[dict[Situation, Answer | Mishap]] = {
    Situation.RATE_LIMITED: NotAccepted(lane=True, retry_after=WAIT),
    Situation.RATE_LIMITED_SOMEHOW: NotAccepted(lane=True),
    Situation.BUSY: NotAccepted(lane=True),
    Situation.TURNED_AWAY: NotAccepted(lane=True),
    Situation.NOBODY_THERE: Refused(Refusal.INVALID_RECIPIENT),
    Situation.FIRST_REFUSED: Refused(Refusal.INVALID_RECIPIENT),
    Situation.BUSY_SOMEWHERE: Mishap.ACCEPTED_THEN_SILENT,
    Situation.BROKEN: Mishap.ACCEPTED_THEN_SILENT,
    Situation.SILENT: Mishap.ACCEPTED_THEN_SILENT,
    Situation.CUT_OFF: Mishap.ACCEPTED_THEN_SILENT,
    Situation.RUBBISH: Mishap.ACCEPTED_THEN_SILENT,
    Situation.LOST: Mishap.LOST_ON_THE_WAY,
}


@define(eq=False)
class MemoryBench:
    gateway: MemoryGateway

    @property
    def arrivals(self) -> int:
        return self.gateway.arrivals

    @property
    def accepted(self) -> list[str]:
        return [parcel.text for parcel in self.gateway.accepted]

    async def arrange(self, situation: Situation) -> None:
        self.gateway.is_reachable = situation is not Situation.UNREACHABLE
        self.gateway.accepts_us = situation is not Situation.KEY_REVOKED
        coming = _SCRIPTS.get(situation)
        times = 1 if situation is Situation.FIRST_REFUSED else _PLENTY
        self.gateway.script(*([coming] * times if coming else ()))
        deaf = [coming] * _PLENTY if isinstance(coming, Mishap) else []
        self.gateway.ignore(*deaf)

    async def receive(self, text: str) -> SystemEvent:
        ref = f"in-{len(self.gateway.letters)}"
        self.gateway.letters[ref] = text
        return SystemEvent(
            key=f"received:{ref}",
            provider="memory",
            type=EventType.REPLY,
            channel=Channel.EMAIL_WARM,
            ref=ref,
            incomplete=True,
        )

    async def forget(self, event: SystemEvent) -> None:
        del self.gateway.letters[event.ref]

    async def own(self, domain: str, *, ready: bool) -> None:
        self.gateway.owned.append(AccountDomain(domain, ready=ready))

    async def miss(self, body: bytes, at: datetime) -> None:
        self.gateway.missed.append((at, body))

    async def let_go(self) -> list[str]:
        return [parcel.text for parcel in self.gateway.let_go()]


def in_memory(**facts: Any) -> MemoryBench:
    accounts = [AccountSender(number, number, connected=True) for number in OURS]
    soon = datetime.now(UTC) + timedelta(minutes=1)
    return MemoryBench(MemoryGateway(now=soon, accounts=accounts, **facts))


class TestMemory(
    GatewayContract,
    LooksUpContract,
    LooksUpByContentContract,
    LooksUpManyContract,
    PollsStatusContract,
    ListsAccountsContract,
    SendsManyContract,
    RepeatsSafelyContract,
    TakesBackContract,
    FetchesContentContract,
    ChecksDomainsContract,
    ReplaysLostContract,
):
    @pytest.fixture
    def bench(self) -> MemoryBench:
        return in_memory(campaign=str(CAMPAIGN))


class TestMemoryWarmAccount(WarmAccountContract):
    @pytest.fixture
    def bench(self) -> MemoryBench:
        return in_memory(carries=frozenset({Channel.EMAIL_WARM}))


def test_each_promise_of_an_ability_is_a_test() -> None:
    for ability, suite in (
        (SendsMany, SendsManyContract),
        (RepeatsSafely, RepeatsSafelyContract),
        (LooksUpMany, LooksUpManyContract),
        (TakesBack, TakesBackContract),
        (FetchesContent, FetchesContentContract),
        (ChecksDomains, ChecksDomainsContract),
        (ExaminesDomains, ExaminesDomainsContract),
        (ReplaysLost, ReplaysLostContract),
        (TellsHistory, TellsHistoryContract),
    ):
        assert promises_of(ability) <= kept_by(suite), ability


class TestTimelinesAI(
    GatewayContract,
    LooksUpContract,
    LooksUpByContentContract,
    PollsStatusContract,
    ListsAccountsContract,
    TellsUseContract,
    TellsHistoryContract,
    ReceivesWebhooksContract,
):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[TimelinesBench]:
        async with opened() as bench:
            yield bench


class TestBaileysApi(GatewayContract):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[BaileysBench[ApiHouse]]:
        async with baileys_gateways.opened(ApiHouse()) as bench:
            yield bench


class TestWaha(
    GatewayContract,
    LooksUpContract,
    LooksUpByContentContract,
    RepeatsSafelyContract,
    ListsAccountsContract,
    ReceivesWebhooksContract,
):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[BaileysBench[WahaHouse]]:
        async with baileys_gateways.opened(WahaHouse()) as bench:
            yield bench


class TestEvolution(
    GatewayContract,
    LooksUpContract,
    LooksUpByContentContract,
    PollsStatusContract,
    ListsAccountsContract,
    ReceivesWebhooksContract,
):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[BaileysBench[EvolutionHouse]]:
        async with baileys_gateways.opened(EvolutionHouse()) as bench:
            yield bench


class TestInstantly(
    GatewayContract,
    SendsManyContract,
    LooksUpContract,
    LooksUpManyContract,
    RepeatsSafelyContract,
    TakesBackContract,
    ReceivesWebhooksContract,
    ReplaysLostContract,
):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[InstantlyBench]:
        async with instantly_workspace.opened() as bench:
            yield bench


class TestSmtp(GatewayContract, ExaminesDomainsContract):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[SmtpBench]:
        async with smtp_pool.opened() as bench:
            yield bench
