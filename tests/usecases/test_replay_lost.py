"""Webhooks that did not arrive are taken in all the same, once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from attrs import define, field, frozen
from tests.unit.cases import uid
from tests.usecases.engine import Engine, engine
from tests.usecases.test_do_duties import due, put

from outreach.adapters.memory.gateway import MemoryGateway
from outreach.domain.change import DutyKind
from outreach.domain.channel import Channel
from outreach.domain.errors import Unavailable
from outreach.domain.event import Arrival, EventType, SystemEvent
from outreach.domain.ids import AccountId
from outreach.domain.usecases.do_duties import REPLAY_EVERY
from outreach.domain.usecases.replay_lost import LOOKS_BACK, ReplayLost, Source
from outreach.testing.world import A

NOW: Final = datetime(2026, 12, 1, 9, tzinfo=UTC)
ACCOUNT: Final = AccountId(uid(5))
HOUR: Final = timedelta(hours=1)


@frozen
class Reader:
    """An event for each key in the body."""

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        return [
            SystemEvent(key, "vendor", EventType.REPLY, Channel.EMAIL_COLD)
            for key in json.loads(raw)["keys"]
        ]


@define
class Place:
    """A provider account, and the engine that asks it."""

    here: Engine
    vendor: MemoryGateway = field(factory=MemoryGateway)

    @property
    def replay(self) -> ReplayLost:
        return ReplayLost(
            inbox=self.here.world.inbox,
            readers={"vendor": Reader()},
            sources={ACCOUNT: Source("vendor", "default", self.vendor)},
            alerts=self.here.alerts,
            wall=lambda: NOW,
        )

    def miss(self, *keys: str, at: datetime = NOW - HOUR) -> None:
        self.vendor.missed.append((at, json.dumps({"keys": keys}).encode()))

    async def waiting(self) -> list[Arrival]:
        return [one.arrival for one in await self.here.world.inbox.take(A, 100)]


@pytest.fixture
def place() -> Place:
    return Place(engine())


async def test_what_was_lost_waits_in_the_inbox_like_what_arrived(place: Place) -> None:
    place.miss("e-1", "e-2")

    assert await place.replay(ACCOUNT) == 2

    first, second = await place.waiting()
    assert (first.key, second.key) == ("e-1", "e-2")
    assert (first.provider, first.account) == ("vendor", "default")
    assert first.received_at == NOW
    assert json.loads(first.raw) == {"keys": ["e-1", "e-2"]}


async def test_the_same_loss_is_taken_in_once_however_often_it_is_told(
    place: Place,
) -> None:
    place.miss("e-1")

    counts = [await place.replay(ACCOUNT) for _ in range(3)]

    assert counts == [1, 0, 0]
    assert len(await place.waiting()) == 1


async def test_a_long_weekend_is_looked_back_on(place: Place) -> None:
    place.miss("in time", at=NOW - LOOKS_BACK)
    place.miss("long ago", at=NOW - LOOKS_BACK - HOUR)

    await place.replay(ACCOUNT)

    assert [one.key for one in await place.waiting()] == ["in time"]


async def test_a_refused_key_is_told_to_people_and_a_silent_vendor_asked_again(
    place: Place,
) -> None:
    place.vendor.accepts_us = False
    assert await place.replay(ACCOUNT) == 0
    kinds = [one.kind for one in place.here.alerts.told]

    place.vendor.is_reachable = False
    with pytest.raises(Unavailable):
        await place.replay(ACCOUNT)

    assert kinds == ["provider.unhealthy"]


async def test_an_account_that_cannot_tell_is_passed_over(place: Place) -> None:
    assert await place.replay(AccountId(uid(6))) == 0


async def test_it_is_asked_every_hour() -> None:
    here = engine()
    place = Place(here)
    here.replay = place.replay
    place.miss("e-1")
    await put(here, DutyKind.REPLAY, ACCOUNT)

    assert await here.duties() == 1

    assert len(await place.waiting()) == 1
    assert due(here, DutyKind.REPLAY) == here.clock.engine + REPLAY_EVERY
