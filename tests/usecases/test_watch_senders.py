"""Who raises the pause rules of phones, and that no death of a worker loses one."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import evolve
from tests.usecases.engine import DAY, HOUR, MINUTE, Engine, engine

from outreach.adapters.memory.gateway import Mishap
from outreach.domain.change import Duty, DutyKind
from outreach.domain.message import MessageStatus, NotAccepted, Outcome
from outreach.domain.sender import Sender, SenderSignal, SenderState
from outreach.domain.usecases.send_next import Step
from outreach.ports.gateway import Status
from outreach.testing.world import A

QUARTER = 15 * MINUTE
LOST = Mishap.LOST_ON_THE_WAY


async def with_phone(leads: int) -> tuple[Engine, Sender]:
    here = engine()
    phone, _ = await here.world.phone_with(leads)
    return here, phone


async def send(here: Engine, times: int, *coming: Mishap | NotAccepted) -> list[Step]:
    """Send so often, with a pause of the lane after each."""
    steps = []
    here.gateway.script(*coming)
    for _ in range(times):
        steps.append(await here.send())
        here.pass_time(timedelta(seconds=150))
    return steps


async def lose(here: Engine, times: int) -> None:
    assert await send(here, times, *[LOST] * times) == [Step.UNKNOWN] * times


def state(here: Engine, phone: Sender) -> SenderState:
    return here.phone(phone.id).state


def due(here: Engine, kind: DutyKind) -> bool:
    return any(of is kind for of, _ in here.store.duties)


# --- doubt


async def test_five_lost_calls_pause_a_phone_for_a_quarter_of_an_hour() -> None:
    here, phone = await with_phone(6)
    await lose(here, 4)
    await here.duties()
    assert state(here, phone) is SenderState.ACTIVE
    here.gateway.script(LOST)
    await here.send()

    await here.duties()

    paused = here.phone(phone.id)
    assert (paused.state, paused.until) == (
        SenderState.PAUSED,
        here.clock.engine + QUARTER,
    )
    assert here.told() == ["unknown.high"]
    assert await here.world.claims() == []
    here.pass_time(QUARTER)
    await here.duties()
    assert state(here, phone) is SenderState.ACTIVE
    assert await here.send() is Step.ACCEPTED


async def test_a_lost_call_of_many_messages_is_one_lost_call() -> None:
    here, phone = await with_phone(60)
    here.gateway.script(*[LOST] * 4)
    for _ in range(4):
        assert await here.send_many(10) is Step.UNKNOWN
        here.pass_time(timedelta(seconds=150))
    await here.duties()

    assert here.outcomes().count(Outcome.UNKNOWN) == 40
    assert state(here, phone) is SenderState.ACTIVE
    assert here.told() == []
    here.gateway.script(LOST)
    await here.send_many(10)
    await here.duties()
    assert state(here, phone) is SenderState.PAUSED
    assert here.told() == ["unknown.high"]


async def test_a_worker_that_dies_after_t2_has_not_lost_the_pause() -> None:
    here, phone = await with_phone(5)
    await lose(here, 4)
    call = await here.world.calling()

    await here.world.intents.settle([call.ended(Outcome.UNKNOWN)])
    # ... and nothing more is heard of that worker; another one takes the duty.
    await here.duties()

    assert state(here, phone) is SenderState.PAUSED
    assert here.told() == ["unknown.high"]


async def test_a_worker_that_dies_after_the_pause_has_not_kept_it_silent() -> None:
    here, phone = await with_phone(5)
    await lose(here, 5)
    signs = await here.world.watch.signs(phone.tenant, phone.id)
    assert signs.doubtful_at is not None
    paused = evolve(
        phone,
        state=SenderState.PAUSED,
        state_before=SenderState.ACTIVE,
        until=signs.doubtful_at + QUARTER,
    )
    assert await here.world.senders.change(phone, paused, by="engine")

    await here.duties()

    assert here.phone(phone.id) == paused
    assert here.told() == ["unknown.high"]


async def test_calls_that_recovery_ends_count_too() -> None:
    here, phone = await with_phone(5)
    await lose(here, 4)
    await here.world.calling()
    here.clock.advance(here.world.timing.doubtful)

    assert await here.recover() == 1
    await here.duties()

    assert state(here, phone) is SenderState.PAUSED


async def test_a_pause_that_is_over_is_not_made_again_by_a_duty_taken_late() -> None:
    here, phone = await with_phone(5)
    await lose(here, 5)
    await here.watch.doubt(phone.tenant, phone.id, here.clock.engine)
    here.clock.advance_engine(QUARTER)
    await here.signal.time_out(phone.tenant, phone.id)

    await here.watch.doubt(phone.tenant, phone.id, here.clock.engine)

    assert state(here, phone) is SenderState.ACTIVE


async def test_the_third_pause_in_a_day_needs_a_person() -> None:
    here, phone = await with_phone(20)
    for _ in range(2):
        await lose(here, 5)
        await here.duties()
        assert state(here, phone) is SenderState.PAUSED
        here.pass_time(QUARTER)
        await here.duties()
        assert state(here, phone) is SenderState.ACTIVE
    await lose(here, 5)

    await here.duties()
    third = here.phone(phone.id)
    here.pass_time(2 * DAY)
    await here.duties()

    assert (third.state, third.until) == (SenderState.PAUSED, None)
    assert state(here, phone) is SenderState.PAUSED
    assert here.told().count("unknown.high") == 3
    signs = await here.world.watch.signs(phone.tenant, phone.id)
    assert signs.doubtful_at is not None
    await here.signal(phone.tenant, phone.id, SenderSignal.RESUME, why="ana")
    await here.watch.doubt(phone.tenant, phone.id, here.clock.engine)
    assert state(here, phone) is SenderState.ACTIVE


async def test_what_was_found_later_does_not_shorten_a_pause() -> None:
    here, phone = await with_phone(5)
    await send(here, 5, *[Mishap.ACCEPTED_THEN_SILENT] * 5)
    await here.look(A)
    assert Outcome.ACCEPTED in here.outcomes()

    await here.duties()

    assert state(here, phone) is SenderState.PAUSED


# --- silence


async def look(here: Engine, phone: Sender) -> datetime | None:
    """The duty of silence, and no other: a poll or a health check would be heard."""
    duty = (DutyKind.SILENCE, str(phone.id))
    if here.store.duties.pop(duty, None) is None:
        return None
    again = await here.watch.silence(phone.tenant, phone.id, here.clock.engine)
    if again is not None:
        here.store.put_duty(Duty(*duty, phone.tenant, again))
    return again


async def told(here: Engine, phone: Sender, status: MessageStatus) -> None:
    ref = here.gateway.deliveries[-1].ref
    now = here.clock.engine
    await here.world.senders.told(phone.account, Status(ref, status, now), now)


async def silent(here: Engine, phone: Sender) -> None:
    assert await send(here, 3) == [Step.ACCEPTED] * 3
    here.pass_time(30 * MINUTE)
    await look(here, phone)


async def test_a_phone_nothing_comes_back_from_is_quarantined() -> None:
    here, phone = await with_phone(4)

    await silent(here, phone)

    assert state(here, phone) is SenderState.QUARANTINE
    assert here.told() == ["phone.silent"]


async def test_an_answer_ends_the_quarantine() -> None:
    here, phone = await with_phone(4)
    await silent(here, phone)

    await told(here, phone, MessageStatus.DELIVERED)
    await look(here, phone)

    assert state(here, phone) is SenderState.ACTIVE
    assert here.alerts.open == {}


async def test_an_answer_in_time_is_no_silence() -> None:
    here, phone = await with_phone(4)
    await send(here, 3)
    await told(here, phone, MessageStatus.SENT)
    here.pass_time(HOUR)

    await look(here, phone)

    assert state(here, phone) is SenderState.ACTIVE
    assert not due(here, DutyKind.SILENCE)


async def test_of_a_provider_that_tells_nothing_silence_says_nothing() -> None:
    here, phone = await with_phone(4)
    await send(here, 3)
    here.pass_time(HOUR)

    again = await evolve(here.watch, answering={}).silence(
        phone.tenant, phone.id, here.clock.engine
    )

    assert again is None
    assert state(here, phone) is SenderState.ACTIVE


async def test_a_connection_does_not_prove_life() -> None:
    here, phone = await with_phone(4)
    await silent(here, phone)

    await here.signal(phone.tenant, phone.id, SenderSignal.CONNECTED, why="health")

    assert state(here, phone) is SenderState.QUARANTINE


async def test_that_a_phone_is_offline_says_why_it_is_silent() -> None:
    here, phone = await with_phone(4)
    await send(here, 3)
    await here.signal(phone.tenant, phone.id, SenderSignal.DISCONNECTED, why="webhook")

    here.pass_time(HOUR)
    await look(here, phone)
    await here.signal(phone.tenant, phone.id, SenderSignal.CONNECTED, why="webhook")
    await look(here, phone)

    assert state(here, phone) is SenderState.ACTIVE
    assert here.told() == ["phone.offline"]


async def test_who_resumes_a_silent_phone_gives_it_another_half_hour() -> None:
    here, phone = await with_phone(10)
    await silent(here, phone)
    await here.signal(phone.tenant, phone.id, SenderSignal.RESUME, why="ana")
    await send(here, 3)

    early = await look(here, phone)
    resumed = state(here, phone)
    here.pass_time(30 * MINUTE)
    await look(here, phone)

    assert early is not None
    assert resumed is SenderState.ACTIVE
    assert state(here, phone) is SenderState.QUARANTINE


# --- refusals


async def refuse(here: Engine, wait: timedelta) -> None:
    no = NotAccepted(lane=True, detail="429", retry_after=wait)
    here.gateway.script(no)
    assert await here.send() is Step.RELEASED


async def refusal(here: Engine) -> None:
    for (kind, key), row in list(here.store.duties.items()):
        if kind is DutyKind.REFUSAL and row.duty.due_at <= here.clock.engine:
            del here.store.duties[kind, key]
            sender = next(one for one in here.store.lanes if str(one) == key)
            await here.watch.refusal(row.duty.tenant, sender, here.clock.engine)


async def test_an_account_that_refuses_for_an_hour_is_one_incident() -> None:
    here = engine()
    for phone in await here.world.phones(2):
        await here.world.line(phone, 2)
        claim = next(c for c in await here.world.claims() if c.lane == phone.id)
        no = NotAccepted(lane=True, detail="429", retry_after=2 * HOUR)
        here.gateway.script(no)
        await here.sends()(claim, here.clock.monotonic())

    here.pass_time(HOUR - MINUTE)
    await refusal(here)
    early = here.told()
    here.pass_time(MINUTE)
    await refusal(here)

    assert early == []
    assert here.told() == ["provider.unhealthy"]
    (alert,) = here.alerts.told
    assert phone.number not in alert.says


async def test_a_lane_that_is_served_says_nothing_bad_of_the_others() -> None:
    here = engine()
    first, other = await here.world.phones(2)
    for phone in (first, other):
        await here.world.line(phone, 2)
        claim = next(c for c in await here.world.claims() if c.lane == phone.id)
        here.gateway.script(NotAccepted(lane=True, detail="429"))
        await here.sends()(claim, here.clock.monotonic())
    here.pass_time(2 * HOUR)
    for claim in await here.world.claims():
        if claim.lane == first.id:
            await here.sends()(claim, here.clock.monotonic())

    await refusal(here)

    assert here.told() == []


async def test_an_account_that_serves_again_ends_the_incident() -> None:
    here, _ = await with_phone(3)
    await refuse(here, 2 * HOUR)
    here.pass_time(HOUR)
    await refusal(here)
    here.pass_time(HOUR + MINUTE)

    assert await here.send() is Step.ACCEPTED
    await refusal(here)

    assert here.told() == ["provider.unhealthy"]
    assert here.alerts.open == {}


async def test_refusals_that_end_within_the_hour_are_told_to_nobody() -> None:
    here, _ = await with_phone(3)
    await refuse(here, 20 * MINUTE)
    here.pass_time(21 * MINUTE)
    await refuse(here, 20 * MINUTE)
    here.pass_time(21 * MINUTE)
    assert await here.send() is Step.ACCEPTED

    here.pass_time(HOUR)
    await refusal(here)

    assert here.told() == []


async def test_a_duty_of_a_phone_that_is_gone_ends() -> None:
    here, phone = await with_phone(5)
    await lose(here, 5)
    del here.store.lanes[phone.id]

    await here.duties()

    assert not due(here, DutyKind.DOUBT)
