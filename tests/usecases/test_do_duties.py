"""Everything periodic, and all that is due 'if nothing happens until then'."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from attrs import evolve
from tests.unit.cases import uid
from tests.usecases.engine import DAY, HOUR, MINUTE, REVIEWERS, SECOND, Engine, engine

from outreach.adapters.memory.stopping import stop_run
from outreach.domain.answer import asking
from outreach.domain.change import Duty, DutyKind
from outreach.domain.channel import State
from outreach.domain.ids import LeadId
from outreach.domain.journey import DeadCause
from outreach.domain.message import MessageStatus
from outreach.domain.review import (
    Priority,
    ReviewItem,
    ReviewReason,
    ReviewStatus,
    Trigger,
    sla_due,
)
from outreach.domain.sender import Sender, SenderSignal, SenderState
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.usecases.do_duties import (
    DISPATCH_EVERY,
    HEALTH_EVERY,
    POLL_EVERY,
)
from outreach.domain.usecases.send_next import Step
from outreach.ports.gateway import AccountSender, Status
from outreach.testing.world import A

ACTIVE, OFFLINE = SenderState.ACTIVE, SenderState.OFFLINE


async def put(here: Engine, kind: DutyKind, key: object) -> None:
    now = here.clock.engine
    await here.world.duties.put([Duty(kind, str(key), here.world.tenant, now)])


def due(here: Engine, kind: DutyKind) -> datetime | None:
    """When the one duty of this kind comes back; None: never."""
    dates = [
        row.duty.due_at for (of, _), row in here.store.duties.items() if of is kind
    ]
    assert len(dates) <= 1
    return dates[0] if dates else None


# --- dispatch


async def test_leads_get_their_phones_every_five_minutes() -> None:
    here = engine()
    await here.world.phones(2)
    await here.world.enrolled(await here.world.new_leads(4))

    assert await here.duties() == 1

    assert not here.store.unallocated
    assert due(here, DutyKind.DISPATCH) == here.clock.engine + DISPATCH_EVERY


# --- the end by silence


async def silent_to_the_end() -> tuple[Engine, LeadId]:
    here = engine()
    (phone,) = await here.world.phones()
    (lead,) = await here.world.line(phone, steps=1)
    await here.world.quiet()
    assert await here.send() is Step.ACCEPTED
    return here, lead


def status(here: Engine) -> EnrolmentStatus:
    (run,) = here.store.enrolments.values()
    return run.enrolment.status


async def test_seven_days_after_the_last_step_silence_ends_the_journey() -> None:
    here, lead = await silent_to_the_end()
    here.pass_time(7 * DAY - SECOND)
    assert await here.duties() == 0

    here.pass_time(SECOND)

    assert await here.duties() == 1
    assert here.journey(lead).dead_cause is DeadCause.NO_ANSWER
    assert status(here) is EnrolmentStatus.COMPLETED
    assert due(here, DutyKind.SEQUENCE_END) is None


async def test_who_has_answered_is_not_ended_by_silence() -> None:
    here, lead = await silent_to_the_end()
    (run,) = here.store.enrolments
    stop_run(here.store, run, "REPLIED")
    here.set_journey(lead, state=State.WARM_REPLY)
    here.pass_time(7 * DAY)

    await here.duties()

    assert here.journey(lead).state is State.WARM_REPLY
    assert status(here) is EnrolmentStatus.STOPPED


async def test_a_paused_run_is_not_ended_and_not_forgotten() -> None:
    here, lead = await silent_to_the_end()
    (run,) = here.store.enrolments.values()
    here.store.keep_status(run, EnrolmentStatus.PAUSED, "a person")
    here.pass_time(7 * DAY)
    await here.duties()
    assert here.journey(lead).state is State.CONTACTED_WA

    here.store.keep_status(run, EnrolmentStatus.ACTIVE, "")
    here.pass_time(DAY)
    await here.duties()

    assert here.journey(lead).dead_cause is DeadCause.NO_ANSWER


# --- the SLA


async def with_item(reason: ReviewReason, priority: Priority) -> tuple[Engine, LeadId]:
    here = engine()
    (lead,) = await here.world.new_leads()
    known = await here.world.known(lead)
    trigger = Trigger(reason, priority, text="?!")
    change = asking(here.world.change(known), known, trigger, REVIEWERS)
    await here.world.commit(change)
    return here, lead


def the_item(here: Engine) -> ReviewItem:
    (item,) = here.items()
    return item


async def test_an_item_is_warned_about_at_half_time_and_escalates_at_its_end() -> None:
    here, _ = await with_item(ReviewReason.COMPLAINT, Priority.URGENT)
    here.pass_time(30 * MINUTE - SECOND)
    assert await here.duties() == 0

    here.pass_time(SECOND)
    await here.duties()
    assert here.told() == ["sla.risk"]
    assert not the_item(here).sla_breached

    here.pass_time(30 * MINUTE - SECOND)
    assert await here.duties() == 0
    here.pass_time(SECOND)
    await here.duties()

    item = the_item(here)
    assert here.told() == ["sla.risk", "sla.breach"]
    assert item.sla_breached
    assert (item.status, item.priority) == (ReviewStatus.ESCALATED, Priority.URGENT)
    await here.duties()
    assert due(here, DutyKind.SLA) is None
    assert here.told() == ["sla.risk", "sla.breach"]


async def test_an_item_with_a_fingerprint_escalates_and_keeps_it() -> None:
    here, _ = await with_item(ReviewReason.LOW_SENTIMENT, Priority.MEDIUM)
    shown = the_item(here).fingerprint
    assert shown
    here.clock.advance_engine(14 * DAY)

    await here.duties()

    assert the_item(here).escalated_at is not None
    assert the_item(here).fingerprint == shown


async def test_an_item_somebody_is_at_work_on_escalates_when_they_leave_it() -> None:
    here, _ = await with_item(ReviewReason.COMPLAINT, Priority.URGENT)
    here.pass_time(59 * MINUTE)
    lease = 4 * MINUTE
    assert await here.world.reviews.claim(
        here.world.tenant, the_item(here).id, "ana", lease
    )

    here.pass_time(MINUTE)
    await here.duties()
    await here.duties()
    assert the_item(here).sla_breached
    assert the_item(here).escalated_at is None
    assert "sla.breach" not in here.told()

    here.pass_time(lease)
    await here.duties()
    assert the_item(here).escalated_at is not None
    assert "sla.breach" in here.told()


async def test_a_resolved_item_is_left_in_peace() -> None:
    here, lead = await with_item(ReviewReason.COMPLAINT, Priority.URGENT)
    (row,) = here.store.reviews.values()
    row.item = evolve(row.item, status=ReviewStatus.RESOLVED)
    here.pass_time(HOUR)

    await here.duties()

    assert here.told() == []
    assert here.store.reviews_of[lead]


async def test_an_item_that_is_gone_is_nobodys_duty() -> None:
    here = engine()
    await put(here, DutyKind.SLA, uid(5))

    assert await here.duties() == 1
    assert due(here, DutyKind.SLA) is None


async def test_a_warning_is_on_the_reviewers_own_clock() -> None:
    here, _ = await with_item(ReviewReason.KEYWORD_TRIGGER, Priority.HIGH)

    # Monday 10:00, four working hours: two of them are over at 12:00.
    assert due(here, DutyKind.SLA) == here.clock.engine + 2 * HOUR
    assert the_item(here).sla_due_at == sla_due(
        Priority.HIGH, here.clock.engine, REVIEWERS
    )


# --- status polls


async def polled() -> tuple[Engine, Sender]:
    here = engine()
    phone, _ = await here.world.phone_with()
    await here.world.quiet()
    await here.send()
    await put(here, DutyKind.STATUS_POLL, phone.account)
    here.pass_time(MINUTE)
    return here, phone


async def test_how_far_messages_came_is_asked_for_every_ten_minutes() -> None:
    here, _ = await polled()
    here.gateway.progress("m-1", MessageStatus.READ)

    await here.duties()

    (row,) = here.store.sent.values()
    assert row.status is MessageStatus.READ
    assert due(here, DutyKind.STATUS_POLL) == here.clock.engine + POLL_EVERY


async def test_a_message_that_left_from_another_phone_stops_the_lane() -> None:
    here, phone = await polled()
    here.gateway.progress("m-1", MessageStatus.SENT, sender="+40799999999")

    await here.duties()

    stopped = here.phone(phone.id)
    assert (stopped.state, stopped.until) == (SenderState.PAUSED, None)
    assert here.told() == ["sender.mismatch"]


async def test_a_provider_that_is_down_is_asked_again_in_a_minute() -> None:
    here, _ = await polled()
    here.gateway.is_reachable = False

    await here.duties()

    assert due(here, DutyKind.STATUS_POLL) == here.clock.engine + MINUTE


async def test_an_account_nobody_can_ask_is_asked_nothing() -> None:
    here = engine()
    await put(here, DutyKind.STATUS_POLL, uid(5))
    await put(here, DutyKind.HEALTH, uid(5))

    assert await here.duties() == 2
    assert here.told() == []


# --- health


async def healthy(
    phones: int, *connected: bool, **facts: Any
) -> tuple[Engine, list[Sender]]:
    here = engine()
    made = await here.world.phones(phones)
    for phone in made:
        here.lane(phone).sender = evolve(phone, **facts)
    here.gateway.accounts = [
        AccountSender(phone.number, "a", connected=up)
        for phone, up in zip(made, connected, strict=False)
    ]
    await put(here, DutyKind.HEALTH, made[0].account)
    return here, made


def states(here: Engine) -> list[SenderState]:
    return [lane.sender.state for lane in here.store.lanes.values()]


async def again(here: Engine) -> None:
    here.pass_time(HEALTH_EVERY)
    await here.duties()


async def test_a_phone_that_is_not_connected_is_offline_until_it_is() -> None:
    here, phones = await healthy(2, True, False)
    await here.duties()
    assert states(here) == [ACTIVE, OFFLINE]
    assert here.told() == ["phone.offline"]

    here.gateway.accounts[1] = evolve(here.gateway.accounts[1], connected=True)
    await again(here)

    assert states(here) == [ACTIVE, ACTIVE]
    assert due(here, DutyKind.HEALTH) == here.clock.engine + HEALTH_EVERY
    assert phones


async def test_a_second_outage_alerts_again_and_one_that_lasts_does_not() -> None:
    here, _ = await healthy(3, False, True, True)
    await here.duties()
    await again(here)
    assert here.told() == ["phone.offline"]

    here.gateway.accounts[0] = evolve(here.gateway.accounts[0], connected=True)
    await again(here)
    here.gateway.accounts[0] = evolve(here.gateway.accounts[0], connected=False)
    await again(here)

    assert here.told() == ["phone.offline", "phone.offline"]


@pytest.mark.parametrize(
    ("up", "degraded"),
    [((True, True, False, False), False), ((True, False, False, False), True)],
)
async def test_fewer_than_half_of_the_phones_is_a_degraded_pipeline(
    up: tuple[bool, ...], *, degraded: bool
) -> None:
    here, _ = await healthy(4, *up)

    await here.duties()

    assert ("pipeline.degraded" in here.told()) is degraded


async def test_a_pipeline_that_recovered_can_be_degraded_again() -> None:
    here, _ = await healthy(1, False)
    for connected in (False, True, False):
        here.gateway.accounts[0] = evolve(here.gateway.accounts[0], connected=connected)
        await again(here)

    assert here.told().count("pipeline.degraded") == 2


async def test_a_phone_that_a_person_paused_is_not_brought_back_by_its_connection() -> (
    None
):
    here, (phone,) = await healthy(1, False)
    await here.signal(phone.tenant, phone.id, SenderSignal.PAUSE, why="ana")
    await here.duties()
    here.gateway.accounts[0] = evolve(here.gateway.accounts[0], connected=True)

    await again(here)

    assert states(here) == [SenderState.PAUSED]


async def test_a_disabled_phone_is_not_asked_for() -> None:
    here, _ = await healthy(1, False, enabled=False)

    await here.duties()

    assert states(here) == [ACTIVE]
    assert here.told() == []


async def test_a_phone_the_provider_does_not_list_is_told_and_goes_on() -> None:
    here, _ = await healthy(2, True)

    await here.duties()

    assert states(here) == [ACTIVE, ACTIVE]
    assert here.told() == ["phone.silent"]


async def test_a_ban_that_the_provider_confirms_is_a_ban() -> None:
    here, _ = await healthy(1, False)
    here.gateway.accounts[0] = evolve(
        here.gateway.accounts[0], state=SenderState.BANNED
    )

    await here.duties()

    assert states(here) == [SenderState.BANNED]
    assert "phone.banned" in here.told()


async def test_a_phone_whose_ramp_is_done_is_active() -> None:
    here = engine()
    (phone,) = await here.world.phones(1, warm_up_days=10)
    here.gateway.accounts = [AccountSender(phone.number, "a", connected=True)]
    await put(here, DutyKind.HEALTH, phone.account)
    await here.duties()
    assert states(here) == [SenderState.WARMING]
    here.pass_time(8 * DAY)
    await here.duties()
    assert states(here) == [SenderState.WARMING]

    here.pass_time(DAY)
    await here.duties()

    assert states(here) == [ACTIVE]


async def test_credentials_that_are_not_accepted_are_told_until_they_are() -> None:
    here, _ = await healthy(1, True)
    here.gateway.accepts_us = False
    await here.duties()
    assert here.told() == ["provider.unhealthy"]

    here.gateway.accepts_us = True
    await again(here)
    here.gateway.accepts_us = False
    await again(here)

    assert here.told() == ["provider.unhealthy"] * 2


# --- time-outs


async def test_a_lock_ends_by_itself() -> None:
    here = engine()
    (phone,) = await here.world.phones()
    await here.signal(phone.tenant, phone.id, SenderSignal.LOCKED, why="463")
    here.pass_time(DAY - SECOND)
    assert await here.duties() == 0

    here.pass_time(SECOND)
    await here.duties()

    assert states(here) == [ACTIVE]
    assert due(here, DutyKind.SENDER_TIMEOUT) is None


async def test_a_lock_that_was_prolonged_ends_later() -> None:
    here = engine()
    (phone,) = await here.world.phones()
    for _ in range(2):
        await here.signal(phone.tenant, phone.id, SenderSignal.LOCKED, why="463")
        here.pass_time(12 * HOUR)

    await here.duties()
    assert states(here) == [SenderState.REACHOUT_LOCKED]
    here.pass_time(12 * HOUR)
    await here.duties()

    assert states(here) == [ACTIVE]


async def test_a_phone_that_is_gone_is_nobodys_duty() -> None:
    here = engine()
    await put(here, DutyKind.SENDER_TIMEOUT, uid(5))

    assert await here.duties() == 1
    assert due(here, DutyKind.SENDER_TIMEOUT) is None


# --- one that fails


class Broken:
    """Raises what no provider may."""

    async def statuses(self, refs: Sequence[str]) -> Sequence[Status]:
        raise KeyError(*refs)


async def test_a_duty_that_fails_delays_no_other_and_comes_back() -> None:
    here, phone = await polled()
    await put(here, DutyKind.HEALTH, phone.account)
    here.gateway.accounts = [AccountSender(phone.number, "a", connected=False)]
    duties = evolve(here.do_duties, polls={phone.account: Broken()})

    with pytest.raises(KeyError):
        await duties(A)

    assert states(here) == [OFFLINE]
    here.pass_time(MINUTE)
    assert await here.duties() == 1
    assert due(here, DutyKind.STATUS_POLL) == here.clock.engine + POLL_EVERY


async def test_a_phone_that_does_not_come_back_in_ten_minutes_is_offline() -> None:
    here, _ = await healthy(1, False)
    away = evolve(here.gateway.accounts[0], state=SenderState.RECONNECTING)
    here.gateway.accounts[0] = away
    await here.duties()
    early = states(here), here.told().count("phone.offline")

    here.pass_time(10 * MINUTE)
    await here.duties()

    assert early == ([SenderState.RECONNECTING], 0)
    assert states(here) == [OFFLINE]
    assert here.told().count("phone.offline") == 1


async def test_a_phone_that_comes_back_in_time_was_never_offline() -> None:
    here, _ = await healthy(1, False)
    up = here.gateway.accounts[0]
    here.gateway.accounts[0] = evolve(up, state=SenderState.RECONNECTING)
    await here.duties()
    here.gateway.accounts[0] = evolve(up, connected=True)

    await again(here)
    here.pass_time(10 * MINUTE)
    await here.duties()

    assert states(here) == [ACTIVE]
    assert "phone.offline" not in here.told()
