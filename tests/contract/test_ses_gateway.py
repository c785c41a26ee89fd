"""Amazon SES keeps the promises of the gateway's ports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import pytest
from tests.contract.ses_account import SesBench, opened

from outreach.domain.message import Accepted
from outreach.domain.stop import StopKind
from outreach.ports.gateway import Again, Confirmed
from outreach.testing.gateway import GatewayContract, Situation
from outreach.testing.gateway_stops import (
    TakesBackContract,
    WarmAccountContract,
    mail,
    stop_of,
)
from outreach.testing.incoming import ChecksDomainsContract

AMPLE: Final = timedelta(seconds=10)


class TestSes(GatewayContract, ChecksDomainsContract):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[SesBench]:
        async with opened() as bench:
            yield bench


class TestSesStops:
    """What the account accepted has left at once, so nothing of it can be held: of the
    suite's tests those about what is held do not apply. Only an address is blocked at
    the provider, so the rest is asked of that.
    """

    @pytest.fixture
    async def bench(self) -> AsyncIterator[SesBench]:
        async with opened() as bench:
            yield bench

    test_the_same_stop_again = TakesBackContract.test_the_same_stop_again
    test_what_is_not_there = TakesBackContract.test_what_is_not_there
    test_stopping_raises_nothing = TakesBackContract.test_stopping_raises_nothing
    test_a_message_is_withdrawn_without_its_id = (
        TakesBackContract.test_a_message_is_withdrawn_without_its_id
    )

    async def test_what_is_confirmed_is_not_sent_afterwards(
        self, bench: SesBench
    ) -> None:
        blocked = mail("blocked", "Ana@firma.ro")

        answer = await bench.gateway.stop(stop_of(StopKind.BLOCK, blocked))
        later = [
            await bench.gateway.send(one, AMPLE)
            for one in (blocked, mail("of another", "eva@firma.ro"))
        ]

        assert isinstance(answer, Confirmed)
        assert [type(one) for one in later] == [Accepted, Accepted]
        assert bench.account.left == [later[1].ref]

    async def test_a_block_without_an_answer_is_to_be_repeated(
        self, bench: SesBench
    ) -> None:
        unheard = (Situation.SILENT, Situation.CUT_OFF)
        missed = (Situation.UNREACHABLE, Situation.KEY_REVOKED, Situation.LOST)
        for situation in (*missed, *unheard):
            stop = stop_of(StopKind.BLOCK, mail(situation.name))
            await bench.arrange(situation)

            lost = await bench.gateway.stop(stop)
            await bench.arrange(Situation.WELL)
            found = await bench.gateway.stop(stop)

            assert isinstance(lost, Again), (situation, lost)
            assert isinstance(found, Confirmed), (situation, found)


class TestSesWarmAccount(WarmAccountContract):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[SesBench]:
        async with opened(warms=False) as bench:
            bench.account.domains.append(("agro.example", True))
            yield bench
