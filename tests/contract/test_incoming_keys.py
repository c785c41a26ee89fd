"""Who learns keys or confirms subscriptions keeps the promises of those ports."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.contract.promises import kept_by, promises_of
from tests.contract.sns_topic import SnsBench, opened

from outreach.ports.incoming import ConfirmsSubscriptions, LearnsKeys
from outreach.testing.incoming_keys import (
    ConfirmsSubscriptionsContract,
    LearnsKeysContract,
)


class TestSns(LearnsKeysContract, ConfirmsSubscriptionsContract):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[SnsBench]:
        async with opened() as bench:
            yield bench


def test_each_promise_is_a_test() -> None:
    for ability, suite in (
        (LearnsKeys, LearnsKeysContract),
        (ConfirmsSubscriptions, ConfirmsSubscriptionsContract),
    ):
        assert promises_of(ability) <= kept_by(suite), ability
