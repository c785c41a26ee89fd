"""New leads to phones: in proportion, never beyond room, always the same way."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cases import a_sender, uid

from outreach.domain.allocation import (
    Intake,
    Room,
    Shortage,
    WhyNoRoom,
    allocate,
    shortage,
)
from outreach.domain.ids import IntentId, SenderId
from outreach.domain.pacing import Pacing
from outreach.domain.sender import SenderState

BOTH = (SenderState.ACTIVE, SenderState.WARMING)


def a_room(n: int, units: int, waiting: int = 0, priority: int = 1) -> Room:
    sender = a_sender(id=SenderId(uid(n)), priority=priority)
    return Room(sender, units, waiting)


def intents(many: int) -> list[IntentId]:
    return [IntentId(uid(1_000 + n)) for n in range(many)]


ROOMS = st.lists(
    st.builds(
        lambda units, waiting, priority, state, enabled: (
            units,
            waiting,
            priority,
            state,
            enabled,
        ),
        st.integers(0, 30),
        st.integers(0, 30),
        st.integers(1, 5),
        st.sampled_from([SenderState.ACTIVE, *SenderState]),
        st.sampled_from([True, True, False]),
    ),
    max_size=8,
).map(
    lambda rows: [
        Room(
            a_sender(
                id=SenderId(uid(n)), priority=priority, state=state, enabled=enabled
            ),
            units,
            waiting,
        )
        for n, (units, waiting, priority, state, enabled) in enumerate(rows, 1)
    ]
)


@given(ROOMS, st.integers(0, 120))
def test_no_phone_gets_more_than_its_room_and_none_is_left_empty_for_nothing(
    rooms: list[Room], many: int
) -> None:
    given_ = allocate(rooms, intents(many))

    taken = Counter(given_.values())
    free = {room.sender.id: room.free for room in rooms}
    assert all(taken[sender] <= free[sender] for sender in taken)
    assert len(given_) == min(many, sum(free.values()))


@given(ROOMS, st.integers(0, 120))
def test_only_phones_that_may_start_conversations_get_new_leads(
    rooms: list[Room], many: int
) -> None:
    may = {
        room.sender.id
        for room in rooms
        if room.sender.enabled and room.sender.state in BOTH
    }

    assert set(allocate(rooms, intents(many)).values()) <= may


@given(ROOMS, st.integers(0, 120), st.randoms(use_true_random=False))
def test_the_order_in_which_phones_are_named_does_not_matter(
    rooms: list[Room], many: int, mixer: Random
) -> None:
    mixed = list(rooms)
    mixer.shuffle(mixed)

    assert allocate(rooms, intents(many)) == allocate(mixed, intents(many))


def test_the_oldest_leads_come_first() -> None:
    asked = intents(5)

    assert list(allocate([a_room(1, 3)], asked)) == asked[:3]


def test_phones_share_in_proportion_to_priority_and_room() -> None:
    rooms = [a_room(1, 100), a_room(2, 100, priority=2), a_room(3, 50, priority=2)]

    shares = Counter(allocate(rooms, intents(40)).values())

    # 100 : 200 : 100
    assert [shares[SenderId(uid(n))] for n in (1, 2, 3)] == [10, 20, 10]


@given(
    st.lists(st.tuples(st.integers(1, 200), st.integers(1, 5)), min_size=1, max_size=6),
    st.integers(1, 60),
)
def test_nobody_is_more_than_a_lead_or_two_from_its_share(
    phones: list[tuple[int, int]], many: int
) -> None:
    rooms = [
        a_room(n, 10 * units, priority=priority)
        for n, (units, priority) in enumerate(phones, 1)
    ]
    weights = {room.sender.id: room.sender.priority * room.free for room in rooms}
    total = sum(weights.values())
    # Until the first phone is full all shares are those of the beginning.
    fits = min(room.free * total // weights[room.sender.id] for room in rooms)
    many = min(many, max(0, fits - len(rooms)))

    shares = Counter(allocate(rooms, intents(many)).values())

    for sender, weight in weights.items():
        assert abs(shares[sender] - many * weight / total) <= len(rooms)


def test_what_waits_for_a_phone_already_takes_of_its_room() -> None:
    rooms = [a_room(1, 10, waiting=8), a_room(2, 10, waiting=10)]

    assert Counter(allocate(rooms, intents(9)).values()) == {SenderId(uid(1)): 2}


def test_more_waiting_than_units_is_no_room_and_no_error() -> None:
    assert a_room(1, 3, waiting=7).free == 0
    assert allocate([a_room(1, 3, waiting=7)], intents(2)) == {}


def test_without_phones_or_leads_nothing_is_given() -> None:
    assert allocate([], intents(3)) == {}
    assert allocate([a_room(1, 5)], []) == {}


NOON = datetime(2026, 3, 4, 10, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 4, 22, tzinfo=UTC)


def a_long_run(n: int, units: int, used: int = 0, waiting: int = 0) -> Room:
    """Of a phone whose leads get four follow-ups each."""
    return evolve(a_room(n, units, waiting), used=used, followups=4)


@pytest.mark.parametrize(
    ("units", "used", "waiting", "free"),
    [
        (200, 0, 0, 97),
        (150, 50, 0, 47),
        (150, 50, 40, 7),
        (103, 97, 0, 0),
        (80, 120, 0, 0),
        (40, 0, 0, 40),
        (15, 90, 0, 7),
        (0, 0, 0, 0),
    ],
)
def test_the_smaller_of_units_and_what_is_left_of_the_sustainable_binds(
    units: int, used: int, waiting: int, free: int
) -> None:
    assert Intake().bounded(a_long_run(1, units, used, waiting)).free == free


def test_without_new_leads_or_with_an_override_units_alone_bind() -> None:
    assert Intake().bounded(a_room(1, 200)) == a_room(1, 200)


def test_a_slower_phone_and_fewer_stops_take_less() -> None:
    room = a_long_run(1, 200)
    pacing = Pacing(timedelta(seconds=60), timedelta(seconds=240))
    slower = evolve(room, sender=evolve(room.sender, pacing=pacing))

    assert Intake().most(slower) == 48
    assert Intake(stop_rate=0).most(room) == 72
    assert Intake(stop_rate=1).most(room) == 200


def test_a_shortage_names_what_binds() -> None:
    full = evolve(a_long_run(1, 0, used=40))
    worked = a_long_run(2, 103, used=97)
    locked = evolve(
        a_long_run(3, 200),
        sender=a_sender(id=SenderId(uid(3)), state=SenderState.REACHOUT_LOCKED),
    )

    found = [
        shortage(rooms, Intake(), NOON)
        for rooms in (
            [],
            [locked],
            [full, locked],
            [full, worked],
            [full, a_room(4, 1)],
        )
    ]

    assert found == [
        Shortage(WhyNoRoom.NO_PHONE),
        Shortage(WhyNoRoom.NO_PHONE),
        Shortage(WhyNoRoom.LIMIT, until=MIDNIGHT),
        Shortage(WhyNoRoom.CAPACITY, most=97, followups=4, until=MIDNIGHT),
        None,
    ]
