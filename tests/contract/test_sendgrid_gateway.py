"""SendGrid keeps the promises of the gateway's ports."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.contract.sendgrid_account import SendGridBench, opened

from outreach.testing.gateway import GatewayContract, ReceivesWebhooksContract
from outreach.testing.gateway_stops import TakesBackContract, WarmAccountContract
from outreach.testing.incoming import ChecksDomainsContract


class TestSendGrid(GatewayContract, ReceivesWebhooksContract, ChecksDomainsContract):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[SendGridBench]:
        async with opened() as bench:
            yield bench


class TestSendGridStops:
    """What the account accepted has left at once, so nothing of it can be held, and
    nobody is asked about it: the suite's tests about what is held do not apply.
    """

    @pytest.fixture
    async def bench(self) -> AsyncIterator[SendGridBench]:
        async with opened() as bench:
            yield bench

    test_the_same_stop_again = TakesBackContract.test_the_same_stop_again
    test_what_is_not_there = TakesBackContract.test_what_is_not_there
    test_stopping_raises_nothing = TakesBackContract.test_stopping_raises_nothing
    test_a_message_is_withdrawn_without_its_id = (
        TakesBackContract.test_a_message_is_withdrawn_without_its_id
    )


class TestSendGridWarmAccount(WarmAccountContract):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[SendGridBench]:
        async with opened(warms=False) as bench:
            bench.account.domains.append(("agro.example", True))
            yield bench
