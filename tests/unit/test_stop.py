"""How often a provider is told to stop, and when people are."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve
from tests.unit.cases import NOON, uid

from outreach.domain.channel import Channel
from outreach.domain.ids import AccountId, StopId, TenantId
from outreach.domain.stop import (
    ALERT_AFTER,
    HOLDING,
    Stop,
    StopKind,
    next_try,
    overdue,
)

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
STOP = Stop(
    id=StopId(uid(1)),
    tenant=TenantId(uid(2)),
    account=AccountId(uid(3)),
    kind=StopKind.WITHDRAW,
    about=str(uid(4)),
    cause="OPTED_OUT",
    at=NOON,
    now=NOON,
    to="ana@firma.ro",
)


def test_a_stop_is_tried_again_after_10_s_and_then_ever_more_seldom() -> None:
    late = evolve(STOP, now=NOON + ALERT_AFTER)

    waits = [next_try(evolve(late, tries=n)) - late.now for n in range(10)]

    assert waits[:3] == [10 * SECOND, 20 * SECOND, 40 * SECOND]
    assert waits == sorted(waits)
    assert waits[-1] == 5 * MINUTE
    assert next_try(evolve(late, tries=10_000)) == late.now + 5 * MINUTE


def test_the_try_after_which_people_are_told_is_on_time() -> None:
    almost = evolve(STOP, now=NOON + ALERT_AFTER - SECOND, tries=6)

    assert next_try(almost) == NOON + ALERT_AFTER
    assert next_try(almost, timedelta(hours=2)) == NOON + ALERT_AFTER


def test_a_provider_that_asks_for_longer_gets_it() -> None:
    late = evolve(STOP, now=NOON + ALERT_AFTER)

    assert next_try(late, 40 * MINUTE) == late.now + 40 * MINUTE
    assert next_try(late, SECOND) == late.now + 10 * SECOND


def test_it_is_overdue_after_15_minutes() -> None:
    assert not overdue(evolve(STOP, now=NOON + ALERT_AFTER - SECOND))
    assert overdue(evolve(STOP, now=NOON + ALERT_AFTER))


def test_only_mail_can_be_held_by_a_provider() -> None:
    assert set(HOLDING) == {Channel.EMAIL_COLD, Channel.EMAIL_WARM}


def test_no_address_shows_in_what_is_logged() -> None:
    assert "ana@firma.ro" not in repr(STOP)
