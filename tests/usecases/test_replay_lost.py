"""Webhooks that did not arrive are taken in all the same, once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from attrs import define, field, frozen
from tests.unit.cases import uid
from tests.usecases.engine import Engine, engine
from tests.usecases.test_do_duties import due, put

from outreach.adapters.memory import MemoryPlaces
from outreach.adapters.memory.gateway import MemoryGateway
from outreach.domain.change import DutyKind
from outreach.domain.channel import Channel
from outreach.domain.errors import Unavailable
from outreach.domain.event import Arrival, EventType, SystemEvent
from outreach.domain.ids import AccountId, TenantId
from outreach.domain.usecases.do_duties import REPLAY_EVERY
from outreach.domain.usecases.replay_lost import (
    APART,
    BEHIND,
    LOOKS_BACK,
    ReplayLost,
    Source,
)
from outreach.ports.history import Retold
from outreach.testing.world import A

NOW: Final = datetime(2026, 12, 1, 9, tzinfo=UTC)
TENANT: Final = TenantId(uid(1))
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
    vendor: Any = field(factory=MemoryGateway)
    places: MemoryPlaces = field(init=False)
    now: datetime = NOW

    def __attrs_post_init__(self) -> None:
        self.places = MemoryPlaces(self.here.store)

    @property
    def replay(self) -> ReplayLost:
        return ReplayLost(
            inbox=self.here.world.inbox,
            places=self.places,
            readers={"vendor": Reader()},
            sources={ACCOUNT: Source("vendor", "default", self.vendor)},
            alerts=self.here.alerts,
            wall=lambda: self.now,
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

    assert await place.replay(TENANT, ACCOUNT) == 2

    first, second = await place.waiting()
    assert (first.key, second.key) == ("e-1", "e-2")
    assert (first.provider, first.account) == ("vendor", "default")
    assert first.received_at == NOW
    assert json.loads(first.raw) == {"keys": ["e-1", "e-2"]}


async def test_the_same_loss_is_taken_in_once_however_often_it_is_told(
    place: Place,
) -> None:
    place.miss("e-1")

    counts = [await place.replay(TENANT, ACCOUNT) for _ in range(3)]

    assert counts == [1, 0, 0]
    assert len(await place.waiting()) == 1


async def test_a_long_weekend_is_looked_back_on(place: Place) -> None:
    place.miss("in time", at=NOW - LOOKS_BACK)
    place.miss("long ago", at=NOW - LOOKS_BACK - HOUR)

    await place.replay(TENANT, ACCOUNT)

    assert [one.key for one in await place.waiting()] == ["in time"]


async def test_a_refused_key_is_told_to_people_and_a_silent_vendor_asked_again(
    place: Place,
) -> None:
    place.vendor.accepts_us = False
    assert await place.replay(TENANT, ACCOUNT) == 0
    kinds = [one.kind for one in place.here.alerts.told]

    place.vendor.is_reachable = False
    with pytest.raises(Unavailable):
        await place.replay(TENANT, ACCOUNT)

    assert kinds == ["provider.unhealthy"]


async def test_an_account_that_cannot_tell_is_passed_over(place: Place) -> None:
    assert await place.replay(TENANT, AccountId(uid(6))) == 0


async def test_it_is_asked_every_hour() -> None:
    here = engine()
    place = Place(here)
    here.replay = place.replay
    place.miss("e-1")
    await put(here, DutyKind.REPLAY, ACCOUNT)

    assert await here.duties() == 1

    assert len(await place.waiting()) == 1
    assert due(here, DutyKind.REPLAY) == here.clock.engine + REPLAY_EVERY


# --- a provider that tells its history


@define
class Conversations:
    """A vendor who tells what was written in each of its conversations, two at most
    a look.

    Attributes:
        written: by conversation, the times of its messages and their keys.
        asked: since when, and from where on.
    """

    written: dict[str, list[tuple[datetime, str]]] = field(factory=dict)
    asked: list[tuple[datetime, datetime]] = field(factory=list)
    is_reachable: bool = True

    def write(self, chat: str, key: str, at: datetime) -> None:
        self.written.setdefault(chat, []).append((at, key))

    async def history(self, since: datetime, passed: datetime) -> Retold:
        self.asked.append((since, passed))
        if not self.is_reachable:
            message = "the vendor is down"
            raise Unavailable(message)
        last = {chat: max(lines)[0] for chat, lines in self.written.items()}
        changed = sorted((at, chat) for chat, at in last.items() if at >= passed)
        keys = [
            key
            for _, chat in changed[:2]
            for at, key in self.written[chat]
            if at >= since
        ]
        bodies = [json.dumps({"keys": [key]}).encode() for key in keys]
        return Retold(bodies, changed[2][0] if changed[2:] else None)


@pytest.fixture
def talks() -> Place:
    return Place(engine(), Conversations())


async def test_what_was_written_before_the_first_look_is_none_of_our_business(
    talks: Place,
) -> None:
    talks.vendor.write("c", "before", NOW - HOUR)

    assert await talks.replay(TENANT, ACCOUNT) == 0
    talks.vendor.write("c", "after", NOW + HOUR / 2)
    talks.now = NOW + HOUR
    assert await talks.replay(TENANT, ACCOUNT) == 1

    assert [one.key for one in await talks.waiting()] == ["after"]
    assert talks.vendor.asked == [(NOW - BEHIND,) * 2]


async def test_looks_are_apart_however_fast_engine_time_goes(talks: Place) -> None:
    for minutes in (0, 10, 20, 29, 40, 50, 60, 69, 75):
        talks.now = NOW + timedelta(minutes=minutes)
        await talks.replay(TENANT, ACCOUNT)

    looked = [since + BEHIND - NOW for since, _ in talks.vendor.asked]
    assert looked == [timedelta(), APART - BEHIND]


async def test_what_a_clock_behind_ours_dates_before_the_look_is_seen(
    talks: Place,
) -> None:
    await talks.replay(TENANT, ACCOUNT)
    talks.now = NOW + HOUR
    await talks.replay(TENANT, ACCOUNT)
    talks.vendor.write("c", "behind", talks.now - BEHIND / 2)
    talks.now += HOUR

    assert await talks.replay(TENANT, ACCOUNT) == 1


async def test_a_look_that_reads_a_part_goes_on_from_there_and_leaves_nothing_out(
    talks: Place,
) -> None:
    await talks.replay(TENANT, ACCOUNT)
    for number in range(5):
        first, last = (NOW + HOUR * n for n in (1, 2 + number / 10))
        talks.vendor.write(f"c{number}", f"first {number}", first)
        talks.vendor.write(f"c{number}", f"last {number}", last)

    counts = []
    for hours in (3, 4, 5, 6):
        talks.now = NOW + hours * HOUR
        counts.append(await talks.replay(TENANT, ACCOUNT))

    assert counts == [4, 4, 2, 0]
    assert len(await talks.waiting()) == 10
    assert [since for since, _ in talks.vendor.asked] == [NOW - BEHIND] * 3 + [
        NOW + 5 * HOUR - BEHIND
    ]


async def test_a_look_that_failed_is_made_again_from_the_same_place(
    talks: Place,
) -> None:
    await talks.replay(TENANT, ACCOUNT)
    talks.vendor.write("c", "e-1", NOW + HOUR)
    talks.now = NOW + 2 * HOUR
    talks.vendor.is_reachable = False
    with pytest.raises(Unavailable):
        await talks.replay(TENANT, ACCOUNT)

    talks.vendor.is_reachable = True
    assert await talks.replay(TENANT, ACCOUNT) == 1


async def test_no_more_than_a_long_weekend_is_asked_for(talks: Place) -> None:
    await talks.replay(TENANT, ACCOUNT)
    talks.now = NOW + 30 * 24 * HOUR

    await talks.replay(TENANT, ACCOUNT)

    assert talks.vendor.asked == [(talks.now - LOOKS_BACK, talks.now - LOOKS_BACK)]
