"""What became of sends whose answer was lost: asked for, never sent again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from attrs import define, evolve
from tests.unit.cases import uid
from tests.usecases.engine import HOUR, MINUTE, SECOND, Engine, engine

from outreach.adapters.memory.gateway import MemoryGateway, Mishap
from outreach.domain.channel import Channel, State
from outreach.domain.errors import Unavailable
from outreach.domain.ids import IntentId, LeadId
from outreach.domain.message import Intent, Outcome, Parcel, Refusal, Refused
from outreach.domain.review import Priority, ReviewReason
from outreach.domain.sender import SendClass
from outreach.domain.usecases.send_next import Step
from outreach.ports.gateway import Absent, CannotTell, Found
from outreach.testing.arming import opted_out
from outreach.testing.world import A, B

FIRST_LOOK, SECOND_LOOK = MINUTE, 15 * MINUTE
LATER, GIVE_UP = 2 * HOUR, 24 * HOUR


async def lost(mishap: Mishap) -> tuple[Engine, LeadId]:
    here = engine()
    _, (lead,) = await here.world.phone_with()
    here.gateway.script(mishap)
    assert await here.send() is Step.UNKNOWN
    return here, lead


async def looked(here: Engine, *, after: timedelta) -> int:
    here.pass_time(after)
    return await here.look(A)


async def test_nobody_looks_before_it_is_time() -> None:
    here, _ = await lost(Mishap.ACCEPTED_THEN_SILENT)

    assert await looked(here, after=FIRST_LOOK - SECOND) == 0


async def test_a_message_that_is_found_was_accepted_and_the_run_goes_on() -> None:
    here, lead = await lost(Mishap.ACCEPTED_THEN_SILENT)

    assert await looked(here, after=FIRST_LOOK) == 1

    (attempt,) = here.attempts()
    assert (attempt.outcome, attempt.ref) == (Outcome.ACCEPTED, "m-1")
    assert here.journey(lead).state is State.CONTACTED_WA
    assert [row.intent.step_number for row in here.intents_of(lead)] == [1, 2]
    assert await looked(here, after=GIVE_UP) == 0


async def test_a_message_that_is_not_found_is_looked_for_until_the_deadline() -> None:
    here, _ = await lost(Mishap.LOST_ON_THE_WAY)

    assert await looked(here, after=FIRST_LOOK) == 1
    assert await looked(here, after=SECOND_LOOK - SECOND) == 0
    assert await looked(here, after=SECOND) == 1
    assert await looked(here, after=LATER - SECOND) == 0
    assert await looked(here, after=SECOND) == 1

    assert here.outcomes() == [Outcome.UNKNOWN]
    assert here.gateway.arrivals == 1


# --- many at once


async def many_lost(mishap: Mishap, *, leads: int = 4) -> Engine:
    here = engine()
    await here.world.phone_with(leads)
    here.gateway.script(mishap)
    assert await here.send_many(leads) is Step.UNKNOWN
    here.pass_time(FIRST_LOOK)
    return here


async def test_many_doubts_of_one_campaign_are_one_question() -> None:
    here = await many_lost(Mishap.ACCEPTED_THEN_SILENT)

    looked_at = await evolve(here.look, lookups={}, bulk=here.accounts)(A)

    assert looked_at == 4
    assert here.gateway.questions == 1
    assert here.outcomes() == [Outcome.ACCEPTED] * 4


async def test_of_many_doubts_each_has_its_own_answer() -> None:
    here = await many_lost(Mishap.ACCEPTED_THEN_SILENT)
    del here.gateway.deliveries[1:3]

    await evolve(here.look, bulk=here.accounts)(A)

    assert here.gateway.questions == 1
    assert Counter(here.outcomes()) == {Outcome.ACCEPTED: 2, Outcome.UNKNOWN: 2}
    details = {row.detail for row in here.attempts() if row.outcome is Outcome.UNKNOWN}
    assert details == {"no answer"}


async def test_what_a_question_about_many_does_not_find_is_repeated_at_the_next() -> (
    None
):
    here = await many_lost(Mishap.LOST_ON_THE_WAY)
    both = evolve(here.look, bulk=here.accounts, repeats=here.accounts)
    sent = here.gateway.arrivals

    await both(A)
    after_one = here.gateway.arrivals
    here.pass_time(SECOND_LOOK)
    await both(A)

    assert after_one == sent
    assert here.outcomes() == [Outcome.ACCEPTED] * 4
    assert len(here.gateway.accepted) == 4


class FewerAnswers(MemoryGateway):
    async def look_many(
        self, parcels: Sequence[Parcel], since: datetime
    ) -> Sequence[Found | Absent | CannotTell]:
        return (await super().look_many(parcels, since))[1:]


class Fails(MemoryGateway):
    async def look_many(
        self, parcels: Sequence[Parcel], since: datetime
    ) -> Sequence[Found | Absent | CannotTell]:
        raise LookupError(len(parcels), since)


async def test_a_wrong_number_of_answers_says_nothing_of_anybody() -> None:
    here = await many_lost(Mishap.ACCEPTED_THEN_SILENT)
    odd = FewerAnswers(now=here.gateway.now)
    odd.deliveries = here.gateway.deliveries

    await evolve(here.look, bulk=dict.fromkeys(here.store.accounts, odd))(A)

    assert here.outcomes() == [Outcome.UNKNOWN] * 4
    assert await here.look(A) == 0


async def test_a_question_that_fails_has_failed_for_each_and_the_deadline_holds() -> (
    None
):
    here = await many_lost(Mishap.LOST_ON_THE_WAY)
    broken = evolve(here.look, bulk=dict.fromkeys(here.store.accounts, Fails()))

    with pytest.raises(LookupError):
        await broken(A)
    doubts = here.outcomes()
    here.pass_time(GIVE_UP)
    with pytest.raises(LookupError):
        await broken(A)

    assert doubts == [Outcome.UNKNOWN] * 4
    assert here.outcomes() == [Outcome.ABANDONED] * 4


async def test_doubts_of_two_campaigns_are_two_questions() -> None:
    here = await many_lost(Mishap.ACCEPTED_THEN_SILENT)
    for row in here.attempts()[:2]:
        row.parcel = evolve(row.parcel, campaign="second")

    await evolve(here.look, bulk=here.accounts)(A)

    assert here.gateway.questions == 2
    assert here.outcomes() == [Outcome.ACCEPTED] * 4


async def test_after_a_day_a_cold_message_counts_as_sent_and_nobody_is_asked() -> None:
    here, lead = await lost(Mishap.LOST_ON_THE_WAY)
    (attempt,) = here.attempts()
    assert attempt.unit is not None

    await looked(here, after=GIVE_UP)

    assert here.outcomes() == [Outcome.ABANDONED]
    assert attempt.intent in here.store.unit(attempt.unit).ids
    assert here.items() == []
    assert here.journey(lead).state is State.CONTACTED_WA
    assert here.gateway.arrivals == 1
    assert await looked(here, after=GIVE_UP) == 0


async def test_a_warm_reply_that_nobody_knows_of_is_a_persons_matter() -> None:
    here = engine()
    _, (lead,) = await here.world.phone_with()
    await here.send()
    here.pass_time(HOUR)
    reply = Intent(
        id=IntentId(uid(800)),
        tenant=here.world.tenant,
        lead=lead,
        send_class=SendClass.APPROVED,
        channel=Channel.WHATSAPP,
        due_at=here.clock.engine,
        text="Da.",
    )
    known = await here.world.known(lead)
    await here.world.commit(here.world.change(known, plans=(reply,)))
    here.gateway.script(Mishap.LOST_ON_THE_WAY)
    assert await here.send() is Step.UNKNOWN

    await looked(here, after=GIVE_UP)

    (item,) = here.items()
    assert (item.reason, item.priority) == (
        ReviewReason.SEND_UNCERTAIN,
        Priority.URGENT,
    )
    assert item.trigger == "Da."
    assert item.fingerprint
    assert item.sla_due_at == here.clock.engine + HOUR


async def test_a_provider_that_cannot_be_asked_is_waited_for() -> None:
    here, _ = await lost(Mishap.ACCEPTED_THEN_SILENT)
    deaf = evolve(here.look, lookups={})
    here.pass_time(FIRST_LOOK)

    assert await deaf(A) == 1

    assert here.outcomes() == [Outcome.UNKNOWN]
    here.pass_time(GIVE_UP)
    assert await deaf(A) == 1
    assert here.outcomes() == [Outcome.ABANDONED]


async def test_a_provider_that_does_not_answer_now_is_asked_again() -> None:
    here, _ = await lost(Mishap.ACCEPTED_THEN_SILENT)
    here.gateway.is_reachable = False
    await looked(here, after=FIRST_LOOK)
    here.gateway.is_reachable = True

    await looked(here, after=SECOND_LOOK)

    assert here.outcomes() == [Outcome.ACCEPTED]


async def test_a_message_that_turns_up_after_the_deadline_is_not_found_any_more() -> (
    None
):
    here, _ = await lost(Mishap.ACCEPTED_THEN_SILENT)
    here.gateway.is_reachable = False
    await looked(here, after=GIVE_UP)
    here.gateway.is_reachable = True

    assert await looked(here, after=GIVE_UP) == 0
    assert here.outcomes() == [Outcome.ABANDONED]


@define
class Choking:
    """Chokes on one parcel, and knows all others."""

    on: Parcel
    error: Exception

    async def look(self, parcel: Parcel, since: object) -> Found | Absent | CannotTell:
        if parcel == self.on:
            raise self.error
        return Found(f"found since {since}")


async def three_lost() -> tuple[Engine, Sequence[Parcel]]:
    here = engine()
    (phone,) = await here.world.phones()
    await here.world.line(phone, 3)
    here.gateway.script(*[Mishap.LOST_ON_THE_WAY] * 3)
    assert await here.run() == [Step.UNKNOWN] * 3
    return here, [attempt.parcel for attempt in here.attempts()]


async def test_a_look_that_fails_delays_no_other() -> None:
    here, parcels = await three_lost()
    broken = Choking(parcels[0], KeyError("a defect"))
    look = evolve(here.look, lookups=dict.fromkeys(here.accounts, broken))

    with pytest.raises(KeyError):
        await look(A)

    assert here.outcomes() == [
        Outcome.UNKNOWN,
        Outcome.ACCEPTED,
        Outcome.ACCEPTED,
    ]


async def test_while_a_store_is_down_nothing_more_is_asked() -> None:
    here, parcels = await three_lost()
    broken = Choking(parcels[0], Unavailable("down"))
    look = evolve(here.look, lookups=dict.fromkeys(here.accounts, broken))

    with pytest.raises(Unavailable):
        await look(A)

    assert here.outcomes() == [Outcome.UNKNOWN] * 3


async def test_a_doubt_is_looked_at_by_one_worker_at_a_time() -> None:
    here, _ = await lost(Mishap.LOST_ON_THE_WAY)
    here.pass_time(FIRST_LOOK)
    taken = await here.world.intents.doubtful(B, 10)

    assert len(taken) == 1
    assert await here.look(A) == 0


async def test_a_call_without_an_end_becomes_unknown_and_its_lane_goes_on() -> None:
    here = engine()
    _, _ = await here.world.phone_with(2)
    await here.world.calling()
    here.pass_time(here.world.timing.doubtful - SECOND)
    assert await here.recover() == 0

    here.pass_time(SECOND)

    assert await here.recover() == 1
    assert here.outcomes() == [Outcome.UNKNOWN]
    here.pass_time(here.world.timing.rest)
    assert await here.send() is Step.ACCEPTED


@pytest.mark.parametrize("error", [KeyError("a defect"), Unavailable("down")])
async def test_a_look_that_fails_for_a_day_ends_all_the_same(error: Exception) -> None:
    here, _ = await lost(Mishap.LOST_ON_THE_WAY)
    (parcel,) = [attempt.parcel for attempt in here.attempts()]
    broken = Choking(parcel, error)
    look = evolve(here.look, lookups=dict.fromkeys(here.accounts, broken))
    for _ in range(25):
        here.pass_time(HOUR)
        with suppress(type(error)):
            await look(A)

    (attempt,) = here.attempts()
    assert attempt.outcome is Outcome.ABANDONED
    assert attempt.detail == f"the look failed: {type(error).__name__}"


async def test_a_defect_in_a_look_is_not_met_again_before_the_next_look() -> None:
    here, _ = await lost(Mishap.LOST_ON_THE_WAY)
    (parcel,) = [attempt.parcel for attempt in here.attempts()]
    broken = Choking(parcel, KeyError("a defect"))
    look = evolve(here.look, lookups=dict.fromkeys(here.accounts, broken))
    here.pass_time(FIRST_LOOK)
    with pytest.raises(KeyError):
        await look(A)

    here.pass_time(SECOND_LOOK - SECOND)

    assert await look(A) == 0


async def test_a_provider_that_repeats_safely_is_given_the_message_again() -> None:
    for mishap in (Mishap.LOST_ON_THE_WAY, Mishap.ACCEPTED_THEN_SILENT):
        here, lead = await lost(mishap)
        here.pass_time(FIRST_LOOK)

        assert await here.repeat(A) == 1

        (attempt,) = here.attempts()
        assert (attempt.outcome, attempt.ref) == (Outcome.ACCEPTED, "m-1"), mishap
        assert len(here.gateway.accepted) == 1, mishap
        assert here.journey(lead).state is State.CONTACTED_WA


async def test_nothing_is_repeated_for_who_has_said_stop_since() -> None:
    here, lead = await lost(Mishap.LOST_ON_THE_WAY)
    await here.world.changed(lead, opted_out)
    here.pass_time(FIRST_LOOK)

    await here.repeat(A)

    assert here.gateway.arrivals == 1
    assert here.outcomes() == [Outcome.UNKNOWN]


async def test_a_repetition_without_an_answer_leaves_it_unknown() -> None:
    here, _ = await lost(Mishap.LOST_ON_THE_WAY)
    here.gateway.script(Mishap.ACCEPTED_THEN_SILENT)
    here.pass_time(FIRST_LOOK)

    await here.repeat(A)
    between = here.outcomes()
    here.pass_time(SECOND_LOOK)
    await here.repeat(A)

    assert between == [Outcome.UNKNOWN]
    assert here.outcomes() == [Outcome.ACCEPTED]
    assert len(here.gateway.accepted) == 1


async def test_a_repetition_that_is_refused_proves_that_nothing_was_sent() -> None:
    here, _ = await lost(Mishap.LOST_ON_THE_WAY)
    here.gateway.script(Refused(Refusal.INVALID_RECIPIENT))
    here.pass_time(FIRST_LOOK)

    await here.repeat(A)

    assert here.outcomes() == [Outcome.NOT_SENT]
    assert here.gateway.accepted == []


async def test_when_the_key_is_forgotten_nothing_is_repeated() -> None:
    here, _ = await lost(Mishap.LOST_ON_THE_WAY)
    here.gateway.repeats_for = MINUTE
    here.pass_time(MINUTE)

    await here.repeat(A)

    assert here.gateway.arrivals == 1
    assert here.outcomes() == [Outcome.UNKNOWN]
