"""Two providers of warm mail, of which the first fails in each of its ways.

The judge is what both accepted: nobody gets a mail twice, none is lost. And what the
first was asked while it was away: one call at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unittest.mock import patch

import pytest
from attrs import Factory, define, evolve
from tests.simulation.mail_mutants import RELAYED
from tests.simulation.mutants import SMALL

from outreach.adapters.memory import relaying
from outreach.domain.health import WELL, HealthState
from outreach.domain.message import Answer, NotAccepted, Parcel, UnknownOutcome
from outreach.domain.sender import SenderSignal
from outreach.testing.simulation.evidence import breaches
from outreach.testing.simulation.mail_weather import Mail
from outreach.testing.simulation.parts import Parts
from outreach.testing.simulation.place import SPARE_BOX, WARM_BOX
from outreach.testing.simulation.world import World

WORLDS: Final = range(4)
BACK: Final = datetime(2026, 3, 3, 12, tzinfo=UTC)
"""The first provider fails until Tuesday noon; the last day is Wednesday."""
MINUTES: Final = timedelta(minutes=4)


def _refuses(_: Any, __: Parcel) -> Answer:
    return NotAccepted(lane=True, detail="429")


def _asks_to_wait(_: Any, __: Parcel) -> Answer:
    return NotAccepted(lane=True, detail="429", retry_after=timedelta(hours=6))


def _locks_out(_: Any, __: Parcel) -> Answer:
    signal = SenderSignal.AUTH_FAILED
    return NotAccepted(lane=True, detail="401", signal=signal)


def _takes_in_silence(box: Any, parcel: Parcel) -> Answer:
    box._take(parcel)
    return UnknownOutcome("no answer")


def _loses(_: Any, __: Parcel) -> Answer:
    return UnknownOutcome("no answer")


PROVEN: Final = (_refuses, _asks_to_wait, _locks_out)
WAYS: Final = (*PROVEN, _takes_in_silence, _loses)


@define(eq=False)
class _Failing:
    """A box that fails in one way, and how its account stood when it was called."""

    box: Any
    parts: Parts
    way: Callable[[Any, Parcel], Answer]
    uncalled_for: list[datetime] = Factory(list)
    failed: list[datetime] = Factory(list)

    async def send(self, parcel: Parcel, within: timedelta) -> Any:
        now = self.parts.store.machine
        known = self.parts.store.relayed.health.get(parcel.account, WELL)
        if known.state is HealthState.AWAY and known.lane is None:
            self.uncalled_for.append(now)
        if now >= BACK:
            return await self.box.send(parcel, within)
        self.failed.append(now)
        return self.way(self.box, parcel)

    async def repeat(self, parcel: Parcel, since: datetime, within: timedelta) -> Any:
        return await self.box.repeat(parcel, since, within)


def played(seed: int, way: Callable[[Any, Parcel], Answer]) -> tuple[World, _Failing]:
    failing: list[_Failing] = []

    def change(parts: Parts) -> None:
        failing.append(_Failing(parts.mail[WARM_BOX], parts, way))
        parts.mail[WARM_BOX] = failing[0]

    facts: dict[str, Any] = {
        "phones": 1,
        "leads": 6,
        "days": 3,
        "mail": Mail(**RELAYED),
    }
    world = World(evolve(SMALL, seed=seed, **facts), change)
    return world.run(), failing[0]


def sent(world: World, box: str) -> list[datetime]:
    assert world.mail is not None
    return [one.on for one in world.mail.boxes[box].sent]


@pytest.mark.parametrize("way", WAYS, ids=lambda one: one.__name__)
def test_nobody_gets_a_mail_twice_and_none_is_lost(way: Any) -> None:
    went_on = spare = 0

    for seed in WORLDS:
        world, failing = played(seed, way)
        assert breaches(world) == []
        assert failing.uncalled_for == []
        went_on += len(world.parts.store.relayed.passed)
        spare += len(sent(world, SPARE_BOX))

    assert spare > 0
    if way in PROVEN:
        assert went_on > 0


@pytest.mark.parametrize("way", PROVEN, ids=lambda one: one.__name__)
def test_one_that_fails_is_left_alone_and_tried_ever_more_seldom(way: Any) -> None:
    for seed in WORLDS:
        _, failing = played(seed, way)
        later = failing.failed[4:]
        gaps = [b - a for a, b in zip(failing.failed[3:], later, strict=False)]

        assert all(gap >= MINUTES for gap in gaps)


@pytest.mark.parametrize("way", [_refuses, _asks_to_wait, _loses])
def test_new_mail_comes_back_to_one_that_serves_again(way: Any) -> None:
    back = 0

    for seed in WORLDS:
        world, _ = played(seed, way)
        back += sum(on >= BACK for on in sent(world, WARM_BOX))

    assert back > 0


# --- and with a defect


@contextmanager
def health_ignored() -> Iterator[None]:
    """Neither claims, nor T1, nor who gives mail to senders, ask for the account."""
    defects = {
        "may_claim": lambda *_: True,
        "no_call": lambda *_: None,
        "away_until": lambda *_: None,
        "opens_at": lambda *_: None,
        "room_of": lambda *_: None,
        "to_try": lambda *_: None,
    }
    with ExitStack() as stack:
        for name, defect in defects.items():
            stack.enter_context(patch.object(relaying, name, defect))
        yield


def test_a_ledger_that_ignores_health_is_caught() -> None:
    with health_ignored():
        uncalled_for = [played(seed, _refuses)[1].uncalled_for for seed in WORLDS]

    assert any(uncalled_for)
