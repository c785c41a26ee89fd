"""Which account and sender takes which warm mail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cases import a_sender, uid

from outreach.domain.allocation import Room
from outreach.domain.channel import Channel
from outreach.domain.health import WELL, Health, HealthState
from outreach.domain.ids import AccountId, IntentId, LeadId, SenderId
from outreach.domain.relay import ORDER, Relayed, account_room, may_wait_here, relay

NOW: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
GONE: Final = Health(HealthState.AWAY, 8, until=NOW + MINUTE)


def a_box(n: int, provider: str, units: int = 100, **room: Any) -> Room:
    number = room.pop("number", f"box{n}@{provider}.example")
    sender = a_sender(
        id=SenderId(uid(n)),
        account=AccountId(uid(1_000 + ORDER.index(provider))),
        provider=provider,
        channel=Channel.EMAIL_WARM,
        number=number,
    )
    return Room(sender, units, 0, **room)


def mails(many: int, **facts: Any) -> list[Relayed]:
    return [
        Relayed(IntentId(uid(10_000 + n)), LeadId(uid(20_000 + n)), **facts)
        for n in range(many)
    ]


def through(rooms: list[Room], given: dict[Any, Any]) -> list[str]:
    of = {room.sender.id: room.sender.provider for room in rooms}
    return [of[given[one]] for one in sorted(given)]


RESEND, SES, GRID = (AccountId(uid(1_000 + n)) for n in range(3))
ONE_EACH: Final = [a_box(1, "sendgrid"), a_box(2, "ses"), a_box(3, "resend")]


def test_the_first_provider_of_the_order_takes_all_that_it_has_room_for() -> None:
    rooms = [*ONE_EACH[:2], a_box(3, "resend", 2)]

    given = relay(rooms, mails(3), ORDER)

    assert through(rooms, dict(given)) == ["resend", "resend", "ses"]


def test_the_order_is_what_it_is_set_to() -> None:
    given = [relay(ONE_EACH, mails(1), (name,)) for name in ORDER]

    assert [through(ONE_EACH, dict(one)) for one in given] == [[one] for one in ORDER]


def test_who_refused_it_is_asked_last() -> None:
    refused: list[dict[AccountId, int]] = [
        {},
        {RESEND: 1},
        {RESEND: 1, SES: 1},
        {RESEND: 1, SES: 1, GRID: 1},
        {RESEND: 2, SES: 1, GRID: 1},
    ]

    given = [relay(ONE_EACH, mails(1, refused=one), ORDER) for one in refused]

    assert [through(ONE_EACH, dict(one)) for one in given] == [
        [one] for one in ("resend", "ses", "sendgrid", "resend", "ses")
    ]


def test_an_account_that_is_away_takes_nothing_or_one() -> None:
    gone, due = a_box(3, "resend", account=0), a_box(3, "resend", account=1)
    beside = a_box(4, "resend", account=1)

    away = relay([*ONE_EACH[:2], gone], mails(2), ORDER)
    tried = relay([*ONE_EACH[:2], due, beside], mails(3), ORDER)

    assert through(ONE_EACH, dict(away)) == ["ses", "ses"]
    assert sorted(through([*ONE_EACH, beside], dict(tried))) == ["resend", "ses", "ses"]


def test_whom_the_lead_knows_then_its_domain_then_all_in_turn() -> None:
    known = a_box(1, "resend", number="ana@one.example", account=0)
    same = a_box(5, "ses", 1, number="dan@one.example")
    other = a_box(6, "ses", number="dan@two.example")
    again = a_box(7, "ses", number="old@three.example")
    rooms = [known, same, other, again]
    to_ana = mails(2, known=(known.sender.id,))
    to_old = mails(1, known=(again.sender.id, known.sender.id))

    by_domain = relay(rooms, to_ana[:1], ORDER)
    by_voice = relay(rooms, to_old, ORDER)
    full = relay([known, evolve(same, units=0), other], to_ana[:1], ORDER)

    assert list(by_domain.values()) == [same.sender.id]
    assert list(by_voice.values()) == [again.sender.id]
    assert list(full.values()) == [other.sender.id]


def test_messages_of_one_lead_go_together() -> None:
    rooms = [a_box(n, "resend") for n in range(1, 6)]
    lead = LeadId(uid(7))
    both = [evolve(one, lead=lead) for one in mails(3)]

    given = relay(rooms, [*both[:2], *mails(9)[4:], both[2]], ORDER)

    assert len({given[one.intent] for one in both}) == 1


@given(
    units=st.lists(st.integers(0, 4), min_size=1, max_size=6),
    rooms=st.lists(st.sampled_from([None, 0, 1]), min_size=3, max_size=3),
    many=st.integers(0, 12),
    knows=st.lists(st.integers(0, 6), max_size=12),
)
def test_nobody_is_given_more_than_there_is_room_for(
    *, units: list[int], rooms: list[int | None], many: int, knows: list[int]
) -> None:
    boxes = [
        a_box(n, ORDER[n % 3], free, account=rooms[n % 3])
        for n, free in enumerate(units, 1)
    ]
    asked = [
        evolve(one, known=(SenderId(uid(knows[n])),) if n < len(knows) else ())
        for n, one in enumerate(mails(many))
    ]

    first = relay(boxes, asked, ORDER)
    again = relay(list(boxes), list(asked), ORDER)

    taken = list(first.values())
    assert first == again
    for box in boxes:
        assert taken.count(box.sender.id) <= box.free
    for name, most in zip(ORDER, rooms, strict=True):
        if most is not None:
            assert through(boxes, dict(first)).count(name) <= most
    left = sum(
        box.units
        for box, n in zip(boxes, range(1, 99), strict=False)
        if rooms[n % 3] is None
    )
    assert len(taken) >= min(many, left)


def test_the_room_of_an_account_that_is_away() -> None:
    due = NOW + MINUTE

    assert account_room(WELL, NOW, None, 7) is None
    assert account_room(GONE, NOW, NOW, 0) == 0
    assert account_room(GONE, due, due, 0) == 1
    assert account_room(GONE, due, due, 1) == 0
    assert account_room(GONE, due, due + 2 * MINUTE, 0) == 0
    assert account_room(GONE, due, None, 0) == 0


def test_what_waits_stays_only_where_it_could_try_the_account_soon() -> None:
    due = NOW + MINUTE

    assert may_wait_here(WELL, NOW, None)
    assert not may_wait_here(GONE, NOW, NOW)
    assert may_wait_here(GONE, due, due + MINUTE)
    assert not may_wait_here(GONE, due, due + 2 * MINUTE)
    assert not may_wait_here(GONE, due, None)
