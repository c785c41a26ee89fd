"""Many messages of one lane in one claim and one call, and what can happen then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from tests.usecases.engine import DAY, HOUR, MINUTE, Engine, engine
from tests.usecases.test_send_next import Rough

from outreach.adapters.memory.gateway import MemoryGateway, Mishap
from outreach.domain.case import Case
from outreach.domain.channel import Channel
from outreach.domain.decision import Decision, Reason
from outreach.domain.errors import AnswerLost, Unavailable
from outreach.domain.journey import Fact, happened
from outreach.domain.limits import Limits
from outreach.domain.message import (
    Accepted,
    Answer,
    Draft,
    NotAccepted,
    Outcome,
    Parcel,
    Refusal,
    Refused,
)
from outreach.domain.outcome import draft_of
from outreach.domain.sender import SendClass, Sender, SenderState
from outreach.domain.usecases import send_next
from outreach.domain.usecases.send_next import Step
from outreach.testing.world import B

MANY = 10


async def test_all_that_a_call_takes_leave_in_one_request() -> None:
    here = engine()
    phone, leads = await here.world.phone_with(5)

    step = await here.send_many(4)

    assert step is Step.ACCEPTED
    assert here.gateway.arrivals == 1
    assert len({parcel.to for parcel in here.gateway.accepted}) == 4
    assert here.outcomes() == [Outcome.ACCEPTED] * 4
    assert len(here.spent(phone)) == 4
    assert here.spent(phone) == await here.reserved(phone)
    waiting = [lead for lead in leads if len(here.intents_of(lead)) == 1]
    assert len(waiting) == 1


async def test_a_call_of_many_is_followed_by_one_gap() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(6)

    await here.send_many(3)

    rest = here.lane(phone).gate_at - here.clock.engine
    assert timedelta(seconds=30) <= rest <= timedelta(seconds=150)
    here.pass_time(rest)
    await here.send_many(3)
    assert here.gateway.arrivals == 2
    assert len(here.gateway.accepted) == 6


async def test_each_message_of_a_call_has_its_own_answer() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(4)
    here.gateway.script(
        Accepted("one"),
        Refused(Refusal.INVALID_RECIPIENT),
        NotAccepted(lane=False, detail="unclear"),
        Accepted("four"),
    )

    await here.send_many(4)

    assert here.outcomes() == [
        Outcome.ACCEPTED,
        Outcome.REFUSED,
        Outcome.RELEASED,
        Outcome.ACCEPTED,
    ]
    assert len(here.spent(phone)) == 2
    assert here.spent(phone) == await here.reserved(phone)


async def test_an_account_of_single_messages_is_given_single_messages() -> None:
    here = engine()
    await here.world.phone_with(3)
    counts = dict.fromkeys(here.store.accounts, MANY)
    claim = await here.world.claim(many=counts)

    await evolve(here.sends(), bulk={})(claim, here.clock.monotonic())

    assert len(claim.cases) == 3
    assert len(here.gateway.accepted) == 1


# --- lost


@pytest.mark.parametrize(
    "mishap", [Mishap.ACCEPTED_THEN_SILENT, Mishap.LOST_ON_THE_WAY]
)
async def test_a_lost_answer_is_many_doubts_and_one_lost_call(mishap: Mishap) -> None:
    here = engine()
    phone, _ = await here.world.phone_with(MANY)
    here.gateway.script(mishap)

    assert await here.send_many(MANY) is Step.UNKNOWN

    assert here.outcomes() == [Outcome.UNKNOWN] * MANY
    assert len(here.spent(phone)) == MANY
    assert here.store.signs[phone.id].calls == "U"
    await here.duties()
    assert here.phone(phone.id).state is SenderState.ACTIVE


async def test_the_fifth_lost_call_pauses_whatever_each_had_on_board() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(15)

    states = []
    for _ in range(5):
        here.gateway.script(Mishap.LOST_ON_THE_WAY)
        await here.send_many(3)
        await here.duties()
        states.append(here.phone(phone.id).state)
        here.pass_time(3 * MINUTE)

    assert states == [SenderState.ACTIVE] * 4 + [SenderState.PAUSED]


class Wrong(MemoryGateway):
    """Accepts all of them and loses one answer."""

    async def send_many(
        self, parcels: Sequence[Parcel], within: timedelta
    ) -> Sequence[Answer]:
        answers = await super().send_many(parcels, within)
        return answers[1:]


class Broken(MemoryGateway):
    """Accepts all of them and fails."""

    async def send_many(
        self, parcels: Sequence[Parcel], within: timedelta
    ) -> Sequence[Answer]:
        await super().send_many(parcels, within)
        raise RuntimeError


@pytest.mark.parametrize("made", [Wrong, Broken])
async def test_a_defect_of_the_gateway_leaves_all_of_them_unknown(
    made: type[MemoryGateway],
) -> None:
    here = engine()
    here.gateway = made(now=here.clock.machine)
    await here.world.phone_with(3)

    assert await here.send_many(3) is Step.UNKNOWN

    assert here.outcomes() == [Outcome.UNKNOWN] * 3
    assert len(here.gateway.accepted) == 3


# --- never left


async def test_what_is_too_late_stays_here_and_costs_nothing() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(3)

    assert await here.send_many(3, late=6.0) is Step.RELEASED

    assert here.gateway.arrivals == 0
    assert here.spent(phone) == frozenset() == await here.reserved(phone)
    here.pass_time(3 * MINUTE)
    await here.send_many(3)
    assert len(here.gateway.accepted) == 3


async def test_a_store_that_fails_before_t1_leaves_nothing_taken() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(3)
    rough = Rough(here.world.intents, arm_fails=Unavailable("down"))

    with pytest.raises(Unavailable):
        await here.send_many(3, rough)

    assert await here.reserved(phone) == frozenset()
    assert here.lane(phone).lease is None
    assert await here.send_many(3) is Step.ACCEPTED


async def test_when_t1s_answer_is_lost_none_of_them_is_called() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(3)
    rough = Rough(here.world.intents, arm_fails=AnswerLost("lost"))

    with pytest.raises(AnswerLost):
        await here.send_many(3, rough)
    here.pass_time(MINUTE)
    await here.recover()

    assert here.gateway.arrivals == 0
    assert here.outcomes() == [Outcome.UNKNOWN] * 3
    assert len(here.spent(phone)) == 3


async def test_what_one_call_says_of_its_sender_is_said_once() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(4)
    here.gateway.accepts_us = False

    await here.send_many(4)

    assert here.phone(phone.id).state is SenderState.OFFLINE
    assert len({row.signal for row in here.attempts()}) == 1
    assert here.told() == ["phone.offline"]
    assert here.spent(phone) == frozenset() == await here.reserved(phone)


# --- who goes along


async def test_a_phone_sends_its_limit_and_one_decision_holds_the_rest() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(9, daily_limit=4)

    await here.send_many(MANY)

    assert len(here.gateway.accepted) == 4
    assert here.reasons().count(Reason.QUOTA_EXCEEDED) == 1
    assert here.spent(phone) == await here.reserved(phone)
    assert await here.world.claims() == []
    here.pass_time(DAY)
    await here.send_many(MANY)
    assert len(here.gateway.accepted) == 8


async def test_what_cannot_go_is_put_off_beside_those_that_go() -> None:
    here = engine()
    _, leads = await here.world.phone_with(5)
    here.set_journey(leads[0], human_controlled=True)
    here.set_journey(leads[3], human_controlled=True)

    assert await here.send_many(MANY) is Step.ACCEPTED

    assert len(here.gateway.accepted) == 3
    assert here.reasons().count(Reason.HUMAN_CONTROL) == 2
    here.pass_time(3 * MINUTE)
    assert await here.world.claims() == []


async def test_when_nothing_can_go_nothing_is_called() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(5)
    here.pass_time(8 * HOUR)  # 18:00

    assert await here.send_many(MANY) is Step.PUT_OFF

    assert here.gateway.arrivals == 0
    assert here.reasons() == [Reason.OUTSIDE_WINDOW]
    assert here.lane(phone).lease is None
    assert await here.world.claims() == []


async def test_a_phone_that_is_full_is_put_off_by_one_decision() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(7, daily_limit=1)
    await here.send()
    here.pass_time(3 * MINUTE)

    assert await here.send_many(MANY) is Step.PUT_OFF

    assert here.reasons() == [Reason.OK, Reason.QUOTA_EXCEEDED]
    assert len(here.spent(phone)) == 1
    assert await here.world.claims() == []


async def test_a_lane_that_has_sent_enough_is_put_off_by_one_decision() -> None:
    here = engine()
    await here.world.phone_with(7, limits=Limits(total_per_day=2))

    assert await here.send_many(MANY) is Step.ACCEPTED

    assert len(here.gateway.accepted) == 2
    assert here.reasons().count(Reason.BUDGET_EXCEEDED) == 1
    here.pass_time(3 * MINUTE)
    assert await here.world.claims() == []


async def test_what_t1_refuses_gives_its_unit_back_and_the_others_go() -> None:
    here = engine()
    phone, leads = await here.world.phone_with(4)

    async def opts_out() -> None:
        journey = here.journey(leads[1])
        moved = happened(journey, Fact.OPTED_OUT, here.clock.engine, by="reply")
        here.store.keep_moved(moved)

    await here.send_many(MANY, Rough(here.world.intents, before=opts_out))

    assert len(here.gateway.accepted) == 3
    assert here.spent(phone) == await here.reserved(phone)
    assert len(here.spent(phone)) == 3


async def test_when_t1_refuses_all_the_lane_goes_on() -> None:
    here = engine()
    phone, leads = await here.world.phone_with(3)

    async def changes() -> None:
        for lead in leads:
            here.set_journey(lead, reason="something happened")

    step = await here.send_many(MANY, Rough(here.world.intents, before=changes))

    assert step is Step.NOT_ARMED
    assert await here.reserved(phone) == frozenset()
    assert await here.send_many(MANY) is Step.ACCEPTED
    assert len(here.gateway.accepted) == 3


async def test_a_ledger_fuller_than_the_guard_lets_go_what_there_is_room_for() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(5, daily_limit=4)

    async def writes_himself() -> None:
        here.store.unit(here.slot(phone)).external = 2

    await here.send_many(MANY, Rough(here.world.intents, before=writes_himself))

    assert len(here.gateway.accepted) == 2
    assert await here.reserved(phone) >= here.spent(phone)
    here.pass_time(3 * MINUTE)
    assert await here.world.claims() == []


async def test_a_reply_goes_alone() -> None:
    here = engine()
    (phone,) = await here.world.phones()
    leads = await here.world.line(phone, 4, mail=True)
    reply = await here.world.mail(
        phone, leads[0], send_class=SendClass.APPROVED, channel=Channel.WHATSAPP
    )

    await here.send_many(MANY)

    assert [parcel.intent for parcel in here.gateway.accepted] == [reply]
    here.pass_time(3 * MINUTE)
    await here.send_many(MANY)
    assert len(here.gateway.accepted) > 2


async def test_a_lead_has_one_message_in_a_call() -> None:
    here = engine()
    phone, (lead, _) = await here.world.phone_with(2)
    await here.world.mail(
        phone, lead, send_class=SendClass.FOLLOWUP, channel=Channel.WHATSAPP
    )

    await here.send_many(MANY)

    leads = [row.lead for row in here.attempts()]
    assert len(leads) == 2
    assert len(set(leads)) == 2


async def test_a_call_carries_one_campaign_of_the_provider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = engine()
    phone, leads = await here.world.phone_with(6)
    others = set(leads[1::2])

    def placed(case: Case, sender: Sender, made: Decision, text: str) -> Draft:
        draft = draft_of(case, sender, made, text)
        campaign = "second" if case.intent.lead in others else "first"
        return evolve(draft, parcel=evolve(draft.parcel, campaign=campaign))

    monkeypatch.setattr(send_next, "draft_of", placed)

    await here.send_many(MANY)
    first = {parcel.campaign for parcel in here.gateway.accepted}
    await rested(here, phone)
    await here.send_many(MANY)

    assert len(first) == 1
    assert here.gateway.arrivals == 2
    assert len(here.gateway.accepted) == 6
    assert here.reasons() == [Reason.OK] * 6


async def rested(here: Engine, phone: Sender) -> None:
    here.pass_time(here.lane(phone).gate_at - here.clock.engine)


# --- crashes


@pytest.fixture
def graves() -> Iterator[list[Any]]:
    """Coroutines of workers that are dead: not run again, and closed at the end."""
    dead: list[Any] = []
    yield dead
    for coroutine in dead:
        coroutine.close()


def dies_after(graves: list[Any], coroutine: Any, steps: int) -> bool:
    """Run it for so many suspensions; False: it came to its end before."""
    try:
        for _ in range(steps):
            coroutine.send(None)
    except StopIteration:
        return False
    graves.append(coroutine)
    return True


async def crashed_after(
    graves: list[Any], steps: int, mishap: Mishap | None
) -> Engine | None:
    """A worker that dies in a call of four; None: it lived to its end."""
    here = engine()
    await here.world.phone_with(6)
    if mishap is not None:
        here.gateway.script(mishap)
    claim = await here.world.claim(many=dict.fromkeys(here.store.accounts, 4))
    sends = here.sends()(claim, here.clock.monotonic())
    return here if dies_after(graves, sends, steps) else None


@pytest.mark.parametrize("mishap", [None, Mishap.ACCEPTED_THEN_SILENT])
async def test_a_worker_that_dies_at_any_moment_sends_nothing_twice(
    mishap: Mishap | None, graves: list[Any]
) -> None:
    died = 0
    outcomes: set[Outcome] = set()
    while (here := await crashed_after(graves, died + 1, mishap)) is not None:
        died += 1
        here.pass_time(here.world.timing.lease + here.world.timing.grace)
        await here.recover()
        outcomes |= set(here.outcomes())
        for _ in range(12):
            here.pass_time(3 * MINUTE)
            await here.look(B)
            for one in await here.world.claims(
                B, many=dict.fromkeys(here.store.accounts, 4)
            ):
                await here.sends()(one, here.clock.monotonic())
        assert all(row.outcome is not Outcome.CALLING for row in here.attempts())
        sent = [parcel.intent for parcel in here.gateway.accepted]
        assert len(sent) == len(set(sent)), died
        known = {row.intent for row in here.attempts()}
        assert set(sent) <= known, died
        assert len(known) == 6, died
        (phone,) = (lane.sender for lane in here.store.lanes.values())
        assert len(here.spent(phone)) == 6, died

    # Before the guard, its rebuild (2) and the guard again, T1, the call, and T2.
    assert died == 7
    assert outcomes == {Outcome.UNKNOWN}
