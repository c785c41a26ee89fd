"""A person's decision, from what they saw to what is sent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from tests.unit.cases import uid
from tests.usecases.engine import DAY, HOUR, MINUTE, SECOND, Engine, engine
from tests.usecases.test_take_in_events import Rough, reply

from outreach.adapters.memory.rows import Standing
from outreach.domain.answer import Answer
from outreach.domain.channel import State
from outreach.domain.errors import NotFound, Refused, Stale
from outreach.domain.ids import LeadId
from outreach.domain.journey import DeadCause
from outreach.domain.review import Resolution, ReviewItem, ReviewStatus
from outreach.domain.sender import Sender
from outreach.domain.usecases.send_next import Step


async def replied() -> tuple[Engine, Sender, LeadId]:
    here = engine()
    phone, (lead,) = await here.world.phone_with()
    await here.send()
    here.pass_time(HOUR)
    await reply(here, phone, lead, "Cât costă?")
    await here.take()
    return here, phone, lead


def shown(here: Engine) -> ReviewItem:
    (item,) = here.items()
    return item


def edited(here: Engine, text: str = "Costă 10 lei.") -> Answer:
    return Answer(
        Resolution.EDITED,
        by="ana",
        fingerprint=shown(here).fingerprint or "",
        text=text,
    )


async def test_a_reply_goes_half_a_minute_later_by_the_leads_own_phone() -> None:
    here, phone, lead = await replied()

    await here.answer_review(here.world.tenant, lead, edited(here))

    assert await here.world.claims() == []
    here.pass_time(30 * SECOND - SECOND)
    assert await here.world.claims() == []
    here.pass_time(SECOND)
    assert await here.send() is Step.ACCEPTED
    parcel = here.gateway.accepted[-1]
    assert parcel.text == "Costă 10 lei."
    assert parcel.sender == phone.id
    assert parcel.thread == here.gateway.deliveries[0].thread
    assert shown(here).status is ReviewStatus.RESOLVED


async def test_a_reply_costs_nothing_and_goes_on_a_full_phone() -> None:
    here, phone, lead = await replied()
    here.lane(phone).sender = evolve(phone, daily_limit=1)
    await here.answer_review(here.world.tenant, lead, edited(here))

    here.pass_time(MINUTE)

    assert await here.send() is Step.ACCEPTED


async def test_a_reply_waits_for_the_window_unless_a_person_lets_it_go() -> None:
    here, _, lead = await replied()
    here.pass_time(8 * HOUR)  # 19:00
    await here.answer_review(here.world.tenant, lead, edited(here))
    here.pass_time(MINUTE)
    assert await here.send() is Step.PUT_OFF

    (row,) = (r for r in here.intents_of(lead) if r.standing is Standing.WAITING)
    assert row.intent.permission == ""
    other, _, other_lead = await replied()
    other.pass_time(8 * HOUR)
    allowed = evolve(edited(other), outside_window=True)
    await other.answer_review(other.world.tenant, other_lead, allowed)
    other.pass_time(MINUTE)
    assert await other.send() is Step.ACCEPTED


async def test_a_new_message_cancels_a_reply_that_has_not_gone() -> None:
    here, phone, lead = await replied()
    await here.answer_review(here.world.tenant, lead, edited(here))
    here.pass_time(10 * SECOND)

    await reply(here, phone, lead, "Nu mai vreau")
    await here.take()

    here.pass_time(DAY)
    assert await here.run() == []
    assert len(here.gateway.accepted) == 1


async def test_an_answer_to_what_has_changed_since_is_refused() -> None:
    here, phone, lead = await replied()
    answer = edited(here)
    await reply(here, phone, lead, "Alo?")
    await here.take()

    with pytest.raises(Stale, match="reviews show"):
        await here.answer_review(here.world.tenant, lead, answer)

    assert shown(here).is_open


async def test_an_answer_given_twice_is_one_reply() -> None:
    here, _, lead = await replied()
    answer = edited(here)
    await here.answer_review(here.world.tenant, lead, answer)

    with pytest.raises(NotFound):
        await here.answer_review(here.world.tenant, lead, answer)

    here.pass_time(MINUTE)
    assert (await here.run()).count(Step.ACCEPTED) == 1


async def test_a_status_that_came_in_between_is_no_reason_to_refuse() -> None:
    here, _, lead = await replied()
    rough = Rough(here.world.journeys, conflicts=4)

    change = await evolve(here.answer_review, journeys=rough)(
        here.world.tenant, lead, edited(here)
    )

    assert len(change.plans) == 1


async def test_a_lead_that_keeps_changing_is_looked_at_again() -> None:
    here, _, lead = await replied()
    rough = Rough(here.world.journeys, conflicts=5)

    with pytest.raises(Stale, match="keeps changing"):
        await evolve(here.answer_review, journeys=rough)(
            here.world.tenant, lead, edited(here)
        )


async def test_an_answer_wakes_the_workers() -> None:
    here, _, lead = await replied()

    await here.answer_review(here.world.tenant, lead, edited(here))

    assert await here.bell.wait(within=timedelta())


async def test_a_lead_that_is_not_there_is_named() -> None:
    here, _, _ = await replied()
    nobody = LeadId(uid(77))

    with pytest.raises(NotFound, match=str(nobody)):
        await here.answer_review(here.world.tenant, nobody, edited(here))


async def test_another_tenants_lead_is_not_there() -> None:
    here, _, lead = await replied()

    with pytest.raises(NotFound):
        await here.answer_review(here.world.stranger, lead, edited(here))


async def test_nothing_is_sent_to_who_opted_out_before_the_reply_went() -> None:
    here, phone, lead = await replied()
    await here.answer_review(here.world.tenant, lead, edited(here))

    await reply(here, phone, lead, "stop")
    await here.take()

    here.pass_time(DAY)
    assert await here.run() == []
    assert here.journey(lead).dead_cause is DeadCause.OPTED_OUT


async def test_an_opt_out_by_a_reviewer_suppresses_the_number() -> None:
    here, _, lead = await replied()
    answer = evolve(edited(here), resolution=Resolution.OPTED_OUT)

    await here.answer_review(here.world.tenant, lead, answer)

    (stop,) = await here.world.switches.suppressed(here.world.tenant)
    assert stop.by == "ana"
    assert here.journey(lead).opted_out


async def test_a_takeover_stops_the_engine_and_not_the_person() -> None:
    here, phone, lead = await replied()
    answer = evolve(edited(here), resolution=Resolution.TAKEOVER)
    await here.answer_review(here.world.tenant, lead, answer)
    await reply(here, phone, lead, "Deci?")
    await here.take()
    (item,) = (one for one in here.items() if one.is_open)

    mine = Answer(
        Resolution.EDITED, by="ana", fingerprint=item.fingerprint or "", text="Vă sun."
    )
    await here.answer_review(here.world.tenant, lead, mine)

    here.pass_time(MINUTE)
    assert await here.send() is Step.ACCEPTED
    assert here.journey(lead).human_controlled
    assert here.journey(lead).state is State.WARM_REPLY


async def test_a_refused_answer_changes_nothing() -> None:
    here, _, lead = await replied()

    with pytest.raises(Refused):
        await here.answer_review(here.world.tenant, lead, edited(here, text=" "))

    assert shown(here).is_open
    assert [row.intent.step_number for row in here.intents_of(lead)] == [1, 2]
