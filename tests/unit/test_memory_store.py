"""What the store in memory promises beyond the ports it serves."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from datetime import timedelta
from itertools import count
from types import coroutine
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.adapters.memory import (
    MemoryAlerts,
    MemoryClock,
    MemoryDuties,
    MemoryStore,
)
from outreach.adapters.memory.clock import EPOCH
from outreach.adapters.memory.line import Line
from outreach.domain.change import Duty, DutyKind
from outreach.domain.ids import Incarnation, IntentId, TenantId
from outreach.domain.sender import SendClass
from outreach.ports.alerts import Alert

TENANT = TenantId(UUID(int=1))
HOUR = timedelta(hours=1)

places = st.lists(
    st.tuples(
        st.sampled_from(["", "RO", "DE"]),
        st.sampled_from(SendClass),
        st.integers(0, 5).map(lambda hours: EPOCH + hours * HOUR),
        st.integers(1, 20).map(lambda n: IntentId(UUID(int=n))),
    ),
    unique_by=lambda place: place[3],
)


@coroutine
def _suspended() -> Generator[str, None, None]:
    yield "paused"


async def _pause() -> None:
    await _suspended()


def _run(verb: Coroutine[Any, Any, Any]) -> tuple[list[str], Any]:
    """Drive a coroutine by hand: what it suspended with, and its answer."""
    seen: list[str] = []
    while True:
        try:
            seen.append(verb.send(None))
        except StopIteration as end:
            return seen, end.value


def test_a_verb_suspends_once_and_needs_no_event_loop() -> None:
    ids = count(1)
    clock = MemoryClock(pause=_pause)
    store = MemoryStore(clock, lambda: UUID(int=next(ids)), pause=_pause)
    duties = MemoryDuties(store)
    duty = Duty(DutyKind.HEALTH, "a", TENANT, clock.engine)

    put, _ = _run(duties.put([duty]))
    take, taken = _run(duties.take(Incarnation("a"), 1))
    now, at = _run(clock.now())

    assert put == take == now == ["paused"]
    assert [one.key for one in taken] == ["a"]
    assert at == clock.engine


def test_nothing_happens_before_the_pause() -> None:
    clock = MemoryClock(pause=_pause)
    store = MemoryStore(clock, lambda: UUID(int=1), pause=_pause)
    verb = MemoryDuties(store).put([Duty(DutyKind.HEALTH, "a", TENANT, clock.engine)])

    verb.send(None)
    before = dict(store.duties)
    verb.close()

    assert before == store.duties == {}


def test_a_clock_scales_engine_time_only() -> None:
    clock = MemoryClock(speed=60)

    clock.advance(timedelta(seconds=2))

    assert clock.machine - EPOCH == timedelta(seconds=2)
    assert clock.engine - EPOCH == timedelta(minutes=2)
    assert clock.monotonic() == pytest.approx(2)


def test_engine_time_can_move_alone() -> None:
    clock = MemoryClock(speed=60)

    clock.advance_engine(HOUR)

    assert (clock.engine - EPOCH, clock.machine) == (HOUR, EPOCH)
    assert clock.monotonic() == 0


@pytest.mark.parametrize("move", [MemoryClock.advance, MemoryClock.advance_engine])
def test_a_clock_never_goes_back(move: Any) -> None:
    clock = MemoryClock()

    with pytest.raises(ValueError, match="cannot go back"):
        move(clock, -HOUR)

    assert (clock.engine, clock.machine) == (EPOCH, EPOCH)


@given(places, st.data())
def test_a_line_has_the_earliest_of_each_queue_in_front(
    waiting: list[tuple[str, SendClass, Any, IntentId]], data: st.DataObject
) -> None:
    line = Line()
    for place in waiting:
        line.add(*place)
    gone = data.draw(st.sets(st.sampled_from(waiting))) if waiting else set()
    for place in gone:
        line.remove(*place)

    left = [place for place in waiting if place not in gone]
    first = {
        place[:2]: min(other[2:] for other in left if other[:2] == place[:2])
        for place in left
    }
    assert {head[:2]: head[2:] for head in line.heads()} == first
    assert line.count() == len(left)
    for kind in SendClass:
        assert line.count(kind) == sum(place[1] is kind for place in left)


def test_a_message_that_is_not_in_its_line_is_a_defect() -> None:
    line = Line()
    line.add("", SendClass.NEW, EPOCH, IntentId(UUID(int=1)))

    with pytest.raises(LookupError, match="not in its line"):
        line.remove("", SendClass.NEW, EPOCH + HOUR, IntentId(UUID(int=1)))


async def test_an_incident_is_one_alert_until_it_is_over() -> None:
    alerts = MemoryAlerts()
    offline = Alert("phone.offline", "p-1", "the phone is gone")

    await alerts.raise_(offline)
    await alerts.raise_(offline)
    await alerts.raise_(Alert("phone.offline", "p-2", "so is this one"))
    once = len(alerts.told)
    await alerts.over("phone.offline", "p-1")
    await alerts.raise_(offline)

    assert once == len({"p-1", "p-2"})
    assert [alert.about for alert in alerts.told] == ["p-1", "p-2", "p-1"]
