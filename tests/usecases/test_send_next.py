"""The send, from a claim to what T2 left, and everything that can happen on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest
from attrs import define, evolve, field
from tests.unit.cases import uid
from tests.usecases.engine import DAY, HOUR, MINUTE, SECOND, Engine, engine

from outreach.adapters.memory.gateway import MemoryGateway, Mishap
from outreach.adapters.memory.rows import Standing
from outreach.domain.address import phone_key
from outreach.domain.budget import Ask, Grant, Units, UnitSlot
from outreach.domain.channel import State
from outreach.domain.decision import Decision, Reason
from outreach.domain.errors import AnswerLost, OutreachError, Unavailable
from outreach.domain.ids import Incarnation, IntentId
from outreach.domain.journey import DeadCause
from outreach.domain.message import (
    Answer,
    Armed,
    Draft,
    Left,
    NotAccepted,
    NotArmed,
    Outcome,
    Parcel,
    Refusal,
    Refused,
    Result,
)
from outreach.domain.review import ReviewReason
from outreach.domain.sender import Sender, SenderSignal, SenderState
from outreach.domain.suppression import Suppression, SuppressionReason, SwitchScope
from outreach.domain.usecases.send_next import LOOK_AGAIN, Step
from outreach.domain.window import next_midnight
from outreach.ports.intents import Doubt, Intents, Resolution
from outreach.ports.lanes import Claim
from outreach.testing.invented import arrival, enrolment


@define
class Rough:
    """The ledger over a bad line, or with something that comes first.

    Attributes:
        before: happens between the guard's answer and T1.
        arm_fails: raised instead of T1's answer; `AnswerLost` after T1 was done.
        settle_fails: raised by T2, one each.
    """

    inner: Intents
    before: Callable[[], Awaitable[object]] | None = None
    arm_fails: OutreachError | None = None
    settle_fails: list[OutreachError] = field(factory=list)

    async def arm(
        self, claim: Claim, drafts: Sequence[tuple[Draft, Decision]]
    ) -> Sequence[Armed | NotArmed]:
        if self.before is not None:
            await self.before()
        if isinstance(self.arm_fails, Unavailable):
            raise self.arm_fails
        verdicts = await self.inner.arm(claim, drafts)
        if self.arm_fails is not None:
            raise self.arm_fails
        return verdicts

    async def settle(self, results: Sequence[Result]) -> Sequence[Left]:
        if self.settle_fails:
            raise self.settle_fails.pop()
        return await self.inner.settle(results)

    async def give_up(self, limit: int) -> Sequence[Left]:
        return await self.inner.give_up(limit)

    async def doubtful(self, who: Incarnation, limit: int) -> Sequence[Doubt]:
        return await self.inner.doubtful(who, limit)

    async def may_repeat(self, doubt: Doubt) -> bool:
        return await self.inner.may_repeat(doubt)

    async def resolve(self, resolutions: Sequence[Resolution]) -> Sequence[Left]:
        return await self.inner.resolve(resolutions)

    async def units(
        self, slots: Sequence[UnitSlot], budgets: Sequence[str] = ()
    ) -> Sequence[Units]:
        return await self.inner.units(slots, budgets)


async def taken(world: Engine, phone: Sender, *rids: IntentId) -> None:
    """Reservations at the guard that the ledger knows nothing of."""
    slot = world.slot(phone)
    units = await world.world.intents.units([slot])
    await world.guard.rebuild(units)
    for rid in rids:
        ask = Ask(rid, slot, 1, phone.daily_limit, world.store.epoch, DAY)
        await world.guard.reserve([ask])


# --- all is well


async def test_a_message_is_sent_and_everything_that_follows_is_on_record() -> None:
    here = engine()
    phone, (lead,) = await here.world.phone_with()

    assert await here.send() is Step.ACCEPTED

    (parcel,) = here.gateway.accepted
    journey = here.journey(lead)
    first, second = here.intents_of(lead)
    assert parcel.text == "Agro 2 SRL, pasul 1"
    assert parcel.sender_number == phone.number
    assert journey.state is State.CONTACTED_WA
    assert journey.phone == phone.id
    assert here.spent(phone) == {parcel.intent} == await here.reserved(phone)
    assert first.standing is Standing.SENT
    assert second.intent.due_at == here.clock.engine + 2 * DAY
    assert here.reasons() == [Reason.OK]


async def test_the_lane_rests_for_a_drawn_gap_from_the_end_of_the_call() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(2)

    await here.send()

    rest = here.lane(phone).gate_at - here.clock.engine
    assert timedelta(seconds=30) <= rest <= timedelta(seconds=150)
    here.pass_time(rest - SECOND)
    assert await here.world.claims() == []
    here.pass_time(SECOND)
    assert len(await here.world.claims()) == 1


async def test_a_phone_sends_its_limit_and_the_rest_waits_for_the_next_morning() -> (
    None
):
    here = engine()
    phone, leads = await here.world.phone_with(12, daily_limit=7)

    steps = await here.run()

    assert steps.count(Step.ACCEPTED) == 7
    assert steps[-1] is Step.PUT_OFF
    assert len(here.gateway.accepted) == 7
    assert here.reasons().count(Reason.QUOTA_EXCEEDED) == 1
    assert here.lane(phone).new_gate_at == next_midnight(
        here.clock.engine, phone.time_zone
    )
    here.pass_time(DAY)
    assert (await here.run()).count(Step.ACCEPTED) == 5
    assert len({parcel.to for parcel in here.gateway.accepted}) == len(leads)


async def test_a_follow_up_costs_nothing_on_a_full_phone() -> None:
    here = engine()
    phone, (lead,) = await here.world.phone_with(1, daily_limit=1)
    await here.send()
    here.pass_time(2 * DAY)
    here.store.unit(here.slot(phone)).ids[IntentId(uid(500))] = None

    assert await here.send() is Step.ACCEPTED

    assert len(here.gateway.accepted) == 2
    assert len(here.intents_of(lead)) == 2


async def test_a_claim_with_nothing_in_it_frees_the_lane() -> None:
    here = engine()
    phone, _ = await here.world.phone_with()
    claim = await here.world.claim()

    step = await here.sends()(evolve(claim, cases=()), here.clock.monotonic())

    assert step is Step.NOTHING
    assert here.lane(phone).lease is None


# --- decided not now


async def test_a_closed_window_is_held_for_all_its_messages_by_one_decision() -> None:
    here = engine()
    _, _ = await here.world.phone_with(3)
    here.pass_time(8 * HOUR)  # 18:00

    assert await here.send() is Step.PUT_OFF

    assert here.reasons() == [Reason.OUTSIDE_WINDOW]
    assert await here.world.claims() == []
    await here.world.quiet()
    assert await here.world.lanes.next_wake() == 15 * HOUR


async def test_a_holiday_is_no_working_day() -> None:
    here = engine()
    await here.world.phone_with()
    today = here.clock.engine.date()
    here.days.days = frozenset({today})

    assert await here.send() is Step.PUT_OFF

    await here.world.quiet()
    assert await here.world.lanes.next_wake() == 23 * HOUR


async def test_a_message_that_only_a_person_can_lift_is_looked_at_again() -> None:
    here = engine()
    _, (lead,) = await here.world.phone_with()
    here.set_journey(lead, human_controlled=True)

    assert await here.send() is Step.PUT_OFF

    assert here.reasons() == [Reason.HUMAN_CONTROL]
    await here.world.quiet()
    assert await here.world.lanes.next_wake() == LOOK_AGAIN


async def test_a_message_that_will_never_go_is_cancelled_with_its_run() -> None:
    here = engine()
    _, (lead,) = await here.world.phone_with()
    here.set_journey(lead, state=State.DEAD, dead_cause=DeadCause.LOST)

    assert await here.send() is Step.PUT_OFF

    (row,) = here.intents_of(lead)
    assert (row.standing, row.why) == (Standing.CANCELLED, "STOPPED")
    assert await here.world.claims() == []


async def test_a_lead_that_lacks_what_its_template_needs_is_held() -> None:
    here = engine()
    _, (lead,) = await here.world.phone_with()
    here.store.leads[lead] = evolve(here.store.leads[lead], company_name="")

    assert await here.send() is Step.PUT_OFF

    assert here.reasons() == [Reason.NO_TEMPLATE]
    assert here.gateway.arrivals == 0


async def test_what_cannot_go_does_not_hold_up_those_behind_it() -> None:
    here = engine()
    (phone,) = await here.world.phones()
    held, other, behind = await here.world.new_leads(3)
    _, sequence = await here.world.campaign()
    due = here.clock.engine
    runs = [
        enrolment(here.world.tenant, held, sequence, due - 2 * MINUTE),
        evolve(
            enrolment(here.world.tenant, other, sequence, due - MINUTE),
            zones=("Europe/Athens",),
        ),
        enrolment(here.world.tenant, behind, sequence, due),
    ]
    campaign, _ = await here.world.campaign()
    await here.world.campaigns.enroll(here.world.tenant, campaign, runs)
    given = {run.first.id: phone.id for run in runs if run.first is not None}
    await here.world.allocations.allocate(here.world.tenant, given)
    here.set_journey(held, human_controlled=True)

    steps = await here.run()

    assert steps == [Step.PUT_OFF, Step.ACCEPTED, Step.ACCEPTED]
    # The held message was put off before anything was sent, and so the one
    # behind it in the same window is offered.
    assert here.reasons()[0] is Reason.HUMAN_CONTROL


async def test_a_full_phone_waits_for_its_own_midnight_whatever_the_leads_keep() -> (
    None
):
    here = engine()
    phone, _ = await here.world.phone_with(2, daily_limit=1)
    await here.send()
    here.pass_time(3 * MINUTE)
    tomorrow = here.clock.engine.date() + DAY
    here.days.days = frozenset({tomorrow})

    assert await here.send() is Step.PUT_OFF

    midnight = next_midnight(here.clock.engine, phone.time_zone)
    assert here.lane(phone).new_gate_at == midnight


# --- the guard


async def test_an_empty_guard_is_rebuilt_before_it_allows_anything() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(3, daily_limit=2)
    await here.send()
    here.pass_time(3 * MINUTE)
    here.guard.flush()

    await here.run()

    assert len(here.gateway.accepted) == 2
    assert await here.reserved(phone) == here.spent(phone)


async def test_a_guard_that_is_fuller_than_the_ledger_sends_less_and_never_more() -> (
    None
):
    here = engine()
    phone, _ = await here.world.phone_with(1, daily_limit=2)
    await taken(here, phone, IntentId(uid(901)), IntentId(uid(902)))

    assert await here.send() is Step.PUT_OFF

    assert here.reasons() == [Reason.QUOTA_EXCEEDED]
    assert here.gateway.arrivals == 0


async def test_a_guard_that_leaked_long_ago_follows_the_ledger() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(1, daily_limit=2)
    await taken(here, phone, IntentId(uid(901)), IntentId(uid(902)))
    here.pass_time(11 * MINUTE)

    assert await here.send() is Step.ACCEPTED

    assert await here.reserved(phone) == here.spent(phone)


async def test_a_guard_of_another_epoch_is_asked_again_in_a_moment() -> None:
    here = engine()
    phone, _ = await here.world.phone_with()
    claim = await here.world.claim()
    before = evolve(claim, epoch=claim.epoch - 1)

    step = await here.sends()(before, here.clock.monotonic())

    assert step is Step.PUT_OFF
    assert here.reasons() == [Reason.NEED_REBUILD]
    assert here.lane(phone).new_gate_at is None
    here.pass_time(5 * SECOND)
    assert await here.send() is Step.ACCEPTED


async def test_messages_of_people_count_at_the_guard_too() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(3, daily_limit=3)
    here.store.unit(here.slot(phone)).external = 2

    await here.run()

    assert len(here.gateway.accepted) == 1


class Down:
    """A guard that does not answer."""

    async def reserve(self, asks: Sequence[Ask]) -> Sequence[Grant]:
        raise _down(asks)

    async def release(self, rid: IntentId, slot: UnitSlot) -> None:
        raise _down(rid, slot)

    async def rebuild(self, units: Sequence[Units]) -> None:
        raise _down(units)

    async def peek(self, slots: Sequence[UnitSlot]) -> Sequence[Grant]:
        raise _down(slots)


def _down(*asked: object) -> Unavailable:
    return Unavailable(f"the guard is down: {asked}")


async def test_without_a_guard_nothing_is_sent_and_the_lane_is_free() -> None:
    here = engine()
    phone, _ = await here.world.phone_with()
    claim = await here.world.claim()

    with pytest.raises(Unavailable):
        await evolve(here.sends(), guard=Down())(claim, here.clock.monotonic())

    assert here.gateway.arrivals == 0
    assert here.lane(phone).lease is None
    assert await here.send() is Step.ACCEPTED


async def test_a_unit_that_the_guard_does_not_take_back_is_no_failure() -> None:
    here = engine()
    _, _ = await here.world.phone_with()

    here.gateway.script(Refused(Refusal.INVALID_RECIPIENT))
    send = here.sends()

    class Half(Down):
        async def reserve(self, asks: Sequence[Ask]) -> Sequence[Grant]:
            return await here.guard.reserve(asks)

        async def rebuild(self, units: Sequence[Units]) -> None:
            await here.guard.rebuild(units)

    claim = await here.world.claim()
    step = await evolve(send, guard=Half())(claim, here.clock.monotonic())

    assert step is Step.REFUSED


# --- T1 says no


async def stale(here: Engine, phone: Sender) -> None:
    del phone
    (lead,) = here.store.leads
    here.set_journey(lead, reason="something happened")


async def suppressed(here: Engine, phone: Sender) -> None:
    del phone
    (lead,) = here.store.leads
    key = phone_key(here.store.leads[lead].phone)
    stop = Suppression(key, SuppressionReason.OPT_OUT, "ana", here.clock.engine)
    await here.world.switches.suppress(here.world.tenant, [stop])


async def switched_off(here: Engine, phone: Sender) -> None:
    del phone
    await here.world.switches.throw(
        here.world.tenant, SwitchScope.TENANT, "", reason="stop", by="ana"
    )


async def paused(here: Engine, phone: Sender) -> None:
    await here.signal(phone.tenant, phone.id, SenderSignal.PAUSE, why="ana")


async def late(here: Engine, phone: Sender) -> None:
    del phone
    here.clock.advance_engine(8 * HOUR)


async def inbox_behind(here: Engine, phone: Sender) -> None:
    del phone
    (lead,) = here.store.leads
    key = phone_key(here.store.leads[lead].phone)
    await here.world.inbox.put(arrival("reply", address=key))


async def fenced(here: Engine, phone: Sender) -> None:
    here.lane(phone).token += 1


async def taken_meanwhile(here: Engine, phone: Sender) -> None:
    del phone
    (row,) = here.store.intents.values()
    here.store.end(row, Standing.HELD, "somebody else")


async def full(here: Engine, phone: Sender) -> None:
    for n in range(phone.daily_limit):
        here.store.unit(here.slot(phone)).ids[IntentId(uid(600 + n))] = None


Happens = Callable[[Engine, Sender], Awaitable[None]]


async def refused_by_t1(happens: Happens) -> tuple[Engine, Sender]:
    here = engine()
    phone, _ = await here.world.phone_with()
    rough = Rough(here.world.intents, before=lambda: happens(here, phone))

    assert await here.send(rough) is Step.NOT_ARMED

    assert here.gateway.arrivals == 0
    assert here.attempts() == []
    return here, phone


@pytest.mark.parametrize(
    "happens", [stale, suppressed, switched_off, paused, late, inbox_behind]
)
async def test_what_t1_refuses_leaves_the_process_never_and_takes_no_unit(
    happens: Happens,
) -> None:
    here, phone = await refused_by_t1(happens)

    assert here.spent(phone) == frozenset()
    assert await here.reserved(phone) == frozenset()


@pytest.mark.parametrize("happens", [fenced, taken_meanwhile])
async def test_a_reservation_that_may_be_anothers_is_left_alone(
    happens: Happens,
) -> None:
    here, phone = await refused_by_t1(happens)

    # By the intent's id: whoever else sends this message holds the same one.
    assert len(await here.reserved(phone)) == 1


async def test_a_ledger_that_is_full_when_the_guard_was_not_rebuilds_the_guard() -> (
    None
):
    here, phone = await refused_by_t1(full)

    assert await here.reserved(phone) >= here.spent(phone)
    assert len(here.spent(phone)) == phone.daily_limit
    assert await here.world.claims() == []


async def test_an_opt_out_that_was_faster_than_t1_wins() -> None:
    here, _ = await refused_by_t1(suppressed)

    (lead,) = here.store.leads
    assert here.journey(lead).opted_out
    assert await here.run() == []


async def test_what_was_late_goes_the_next_morning() -> None:
    here, _ = await refused_by_t1(late)

    assert await here.send() is Step.PUT_OFF
    here.pass_time(15 * HOUR)
    assert await here.send() is Step.ACCEPTED


# --- T1 and the call


async def test_a_lost_answer_of_t1_means_never_calling() -> None:
    here = engine()
    phone, _ = await here.world.phone_with()
    rough = Rough(here.world.intents, arm_fails=AnswerLost("gone"))

    with pytest.raises(AnswerLost):
        await here.send(rough)

    assert here.gateway.arrivals == 0
    assert here.outcomes() == [Outcome.CALLING]
    here.pass_time(MINUTE)
    assert await here.recover() == 1
    assert here.outcomes() == [Outcome.UNKNOWN]
    assert len(here.spent(phone)) == 1


async def test_a_t1_that_was_never_asked_costs_nothing() -> None:
    here = engine()
    phone, _ = await here.world.phone_with()
    rough = Rough(here.world.intents, arm_fails=Unavailable("down"))

    with pytest.raises(Unavailable):
        await here.send(rough)

    assert await here.reserved(phone) == frozenset()
    assert here.lane(phone).lease is None
    assert await here.send() is Step.ACCEPTED


async def test_a_unit_is_given_back_before_another_can_have_the_lane() -> None:
    here = engine()
    phone, _ = await here.world.phone_with()
    ours: list[bool] = []

    class Watching(Down):
        async def reserve(self, asks: Sequence[Ask]) -> Sequence[Grant]:
            return await here.guard.reserve(asks)

        async def rebuild(self, units: Sequence[Units]) -> None:
            await here.guard.rebuild(units)

        async def release(self, rid: IntentId, slot: UnitSlot) -> None:
            ours.append(here.lane(phone).lease is not None)
            await here.guard.release(rid, slot)

    rough = Rough(here.world.intents, arm_fails=Unavailable("down"))
    claim = await here.world.claim()
    send = evolve(here.sends(rough), guard=Watching())
    with pytest.raises(Unavailable):
        await send(claim, here.clock.monotonic())

    assert ours == [True]


async def test_a_worker_that_is_late_after_its_claim_does_not_call() -> None:
    here = engine()
    phone, (lead,) = await here.world.phone_with()
    budget = here.world.timing.call_budget.total_seconds()

    assert await here.send(late=budget + 0.001) is Step.RELEASED

    (row,) = here.intents_of(lead)
    assert here.gateway.arrivals == 0
    assert here.spent(phone) == frozenset() == await here.reserved(phone)
    assert (row.standing, row.intent.attempts) == (Standing.WAITING, 0)
    here.pass_time(3 * MINUTE)
    assert await here.send(late=budget) is Step.ACCEPTED


async def test_a_gateway_that_raises_may_have_sent() -> None:
    here = engine()
    phone, _ = await here.world.phone_with()

    class Defect(MemoryGateway):
        async def send(self, parcel: Parcel, within: timedelta) -> Answer:
            await super().send(parcel, within)
            message = "after the call"
            raise RuntimeError(message)

    send = evolve(here.sends(), gateways={phone.account: Defect()})

    step = await send(await here.world.claim(), here.clock.monotonic())

    assert step is Step.UNKNOWN
    (attempt,) = here.attempts()
    assert "RuntimeError" in attempt.detail
    assert here.spent(phone) == {attempt.intent}


async def test_an_account_without_a_gateway_sends_nothing_and_backs_off() -> None:
    here = engine()
    phone, _ = await here.world.phone_with()

    step = await evolve(here.sends(), gateways={})(
        await here.world.claim(), here.clock.monotonic()
    )

    assert step is Step.RELEASED
    assert here.spent(phone) == frozenset()


# --- each answer


async def test_a_refused_recipient_gives_the_unit_back_and_ends_the_journey() -> None:
    here = engine()
    phone, (lead,) = await here.world.phone_with()
    here.gateway.script(Refused(Refusal.INVALID_RECIPIENT))

    assert await here.send() is Step.REFUSED

    assert here.journey(lead).dead_cause is DeadCause.UNREACHABLE
    assert here.spent(phone) == frozenset() == await here.reserved(phone)
    assert here.items() == []


async def test_a_rejected_message_asks_a_person_and_kills_nobody() -> None:
    here = engine()
    _, (lead,) = await here.world.phone_with()
    here.gateway.script(Refused(Refusal.REJECTED, "413"))

    assert await here.send() is Step.REFUSED

    assert here.journey(lead).state is State.COLD
    assert [item.reason for item in here.items()] == [ReviewReason.SEND_FAILED]
    assert await here.run() == []


async def test_a_phone_that_whatsapp_locks_keeps_its_unit_and_meets_no_strangers() -> (
    None
):
    here = engine()
    phone, (first, second) = await here.world.phone_with(2)
    until = here.clock.engine + 7 * HOUR
    here.gateway.script(Refused(Refusal.COLD_RESTRICTED, "463", until))

    assert await here.send() is Step.REFUSED

    locked = here.phone(phone.id)
    assert (locked.state, locked.until) == (SenderState.REACHOUT_LOCKED, until)
    assert len(here.spent(phone)) == 1
    assert here.told() == ["phone.reachout_locked"]
    assert [item.lead for item in here.items()] in ([first], [second])
    here.pass_time(3 * MINUTE)
    assert await here.world.claims() == []


async def test_refused_for_now_holds_the_lane_as_long_as_was_asked() -> None:
    here = engine()
    phone, (lead,) = await here.world.phone_with()
    here.gateway.script(NotAccepted(lane=True, retry_after=10 * MINUTE))

    assert await here.send() is Step.RELEASED

    (row,) = here.intents_of(lead)
    assert row.intent.attempts == 0
    assert here.spent(phone) == frozenset() == await here.reserved(phone)
    here.pass_time(10 * MINUTE - SECOND)
    assert await here.world.claims() == []
    here.pass_time(SECOND)
    assert await here.send() is Step.ACCEPTED


async def test_refused_for_now_again_and_again_waits_longer_and_longer() -> None:
    here = engine()
    phone, _ = await here.world.phone_with()
    waits: list[timedelta] = []
    for _ in range(8):
        here.gateway.script(NotAccepted(lane=True))
        assert await here.send() is Step.RELEASED
        wait = here.lane(phone).gate_at - here.clock.engine
        waits.append(wait)
        here.pass_time(wait)

    assert waits[-1] > 45 * MINUTE
    assert all(wait <= HOUR for wait in waits)
    assert waits[-1] > waits[3] > waits[0]


async def test_credentials_that_are_not_accepted_take_the_phone_offline() -> None:
    here = engine()
    phone, _ = await here.world.phone_with()
    here.gateway.accepts_us = False

    assert await here.send() is Step.RELEASED

    assert here.phone(phone.id).state is SenderState.OFFLINE
    assert here.told() == ["phone.offline"]
    here.pass_time(DAY)
    assert await here.world.claims() == []


async def test_five_failures_of_one_message_ask_a_person_and_hold_its_run() -> None:
    here = engine()
    phone, (lead,) = await here.world.phone_with()
    steps: list[Step] = []
    for _ in range(5):
        here.gateway.script(NotAccepted(lane=False, detail="400 unclear"))
        steps.append(await here.send())
        here.pass_time(HOUR)

    assert steps == [Step.RELEASED] * 5
    (row,) = here.intents_of(lead)
    assert row.standing is Standing.HELD
    assert [item.reason for item in here.items()] == [ReviewReason.SEND_FAILED]
    assert here.spent(phone) == frozenset()
    assert await here.world.claims() == []


@pytest.mark.parametrize(
    "mishap", [Mishap.ACCEPTED_THEN_SILENT, Mishap.LOST_ON_THE_WAY]
)
async def test_a_lost_answer_counts_as_sent_and_is_never_sent_again(
    mishap: Mishap,
) -> None:
    here = engine()
    phone, (lead,) = await here.world.phone_with()
    here.gateway.script(mishap)

    assert await here.send() is Step.UNKNOWN

    (attempt,) = here.attempts()
    assert attempt.outcome is Outcome.UNKNOWN
    assert here.journey(lead).state is State.CONTACTED_WA
    assert here.spent(phone) == {attempt.intent} == await here.reserved(phone)
    here.pass_time(HOUR)
    assert await here.run() == []
    assert here.gateway.arrivals == 1


# --- T2


async def test_t2_is_asked_again_when_its_answer_is_lost() -> None:
    here = engine()
    _, (lead,) = await here.world.phone_with()
    rough = Rough(
        here.world.intents, settle_fails=[AnswerLost("gone"), Unavailable("down")]
    )

    assert await here.send(rough) is Step.ACCEPTED

    assert here.journey(lead).state is State.CONTACTED_WA
    assert len(here.gateway.accepted) == 1


async def test_a_t2_that_never_lands_becomes_unknown_and_not_a_second_send() -> None:
    here = engine()
    phone, _ = await here.world.phone_with()
    rough = Rough(here.world.intents, settle_fails=[Unavailable("down")] * 5)

    with pytest.raises(Unavailable):
        await here.send(rough)

    here.pass_time(MINUTE)
    assert await here.recover() == 1
    here.pass_time(HOUR)
    assert await here.run() == []
    assert len(here.gateway.accepted) == 1
    assert len(here.spent(phone)) == 1


async def test_the_guard_holds_what_the_ledger_holds_after_every_end() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(12)
    here.gateway.script(
        NotAccepted(lane=True),
        Refused(Refusal.INVALID_RECIPIENT),
        Mishap.ACCEPTED_THEN_SILENT,
        NotAccepted(lane=False),
        Refused(Refusal.REJECTED),
        Mishap.NOT_CONNECTED,
    )

    await here.run()

    assert await here.reserved(phone) == here.spent(phone)
