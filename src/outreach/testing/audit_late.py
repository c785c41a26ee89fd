"""What every `Audit` finds lost or late: messages, calls, duties, lanes, events.

Subclass `LateContract` in a test module; see `outreach.testing.audit`.
"""

from __future__ import annotations

from outreach.domain.analysis import Analysis, ReplyIntent
from outreach.domain.auditing import Check
from outreach.domain.change import Duty, DutyKind, Heard
from outreach.domain.channel import Channel
from outreach.domain.event import EventType
from outreach.testing import invented
from outreach.testing.audit import Sent, Spoil, found, hourly, sent
from outreach.testing.world import HOUR, A, World

__all__ = ["LateContract"]


class LateContract:
    """One test for each check of what nothing moves any more."""

    async def test_an_enrolment_that_nothing_moves(
        self, world: World, spoil: Spoil
    ) -> None:
        of = await sent(world)

        await spoil(Check.LOST_ENROLMENT, **of)

        assert await found(world) == [(Check.LOST_ENROLMENT, str(of["enrolment"]))]

    async def test_a_call_that_no_lane_knows(self, world: World, spoil: Spoil) -> None:
        await world.phone_with()
        of = Sent(await world.calling()).ids

        await spoil(Check.LOST_CALL, **of)

        assert await found(world) == [(Check.LOST_CALL, str(of["attempt"]))]

    async def test_a_call_that_was_long_over_at_the_last_audit(
        self, world: World
    ) -> None:
        await world.phone_with()
        of = Sent(await world.calling()).ids
        await world.quiet()
        await world.advance_machine(2 * HOUR)
        before = await found(world)

        await hourly(world)

        assert before == []
        assert await found(world) == [(Check.LOST_CALL, str(of["attempt"]))]

    async def test_an_unknown_outcome_that_nobody_looks_for(
        self, world: World, spoil: Spoil
    ) -> None:
        await world.phone_with()
        of = Sent(await world.doubt()).ids

        await spoil(Check.LATE_ANSWER, **of)

        assert await found(world) == [(Check.LATE_ANSWER, str(of["attempt"]))]

    async def test_an_unknown_outcome_past_its_deadline(self, world: World) -> None:
        await world.phone_with()
        of = Sent(await world.doubt()).ids
        await world.advance_engine(world.timing.give_up + HOUR)
        await world.quiet()
        before = await found(world)

        await hourly(world)

        assert before == []
        assert await found(world) == [(Check.LATE_ANSWER, str(of["attempt"]))]

    async def test_a_duty_that_two_audits_saw_overdue(self, world: World) -> None:
        now = await world.now()
        duty = Duty(DutyKind.DISPATCH, str(world.tenant), world.tenant, now)
        await world.duties.put([duty])
        await world.advance_engine(2 * HOUR)
        before = await found(world)

        await hourly(world)

        assert before == []
        assert await found(world) == [
            (Check.LATE_DUTY, f"{DutyKind.DISPATCH} {world.tenant}")
        ]

    async def test_who_asks_by_hand_calls_nothing_late(self, world: World) -> None:
        now = await world.now()
        duty = Duty(DutyKind.DISPATCH, str(world.tenant), world.tenant, now)
        await world.duties.put([duty])
        await world.advance_engine(2 * HOUR)

        await world.audit.record(world.tenant, [], [], by="ana")

        assert await found(world) == []

    async def test_a_lane_that_never_wakes(self, world: World, spoil: Spoil) -> None:
        phone, _ = await world.phone_with()
        await world.quiet()

        await spoil(Check.ASLEEP, sender=phone.id)

        assert await found(world) == [(Check.ASLEEP, str(phone.id))]

    async def test_an_event_that_two_audits_saw_waiting(self, world: World) -> None:
        await world.phones()
        await world.inbox.put(invented.arrival("late"))
        await world.advance_engine(HOUR)
        before = await found(world)

        await hourly(world)

        (event,) = await world.inbox.take(A, 1)
        assert before == []
        assert await found(world) == [(Check.LATE_EVENT, str(event.id))]

    async def test_a_reply_that_stopped_nothing(self, world: World) -> None:
        _, (lead,) = await world.phone_with()
        await world.advance_engine(HOUR)
        await world.inbox.put(invented.arrival("reply"))
        (event,) = await world.inbox.take(A, 1)

        await world.commit(world.change(await world.known(lead), event=event.id))

        assert await found(world) == [(Check.REPLY_UNHEARD, str(event.id))]

    async def test_who_is_out_of_office_stops_nothing(self, world: World) -> None:
        _, (lead,) = await world.phone_with()
        await world.advance_engine(HOUR)
        await world.inbox.put(invented.arrival("reply"))
        (event,) = await world.inbox.take(A, 1)
        known = await world.known(lead)
        away = Analysis(ReplyIntent.OUT_OF_OFFICE, 0, 0.9, "ro", (), "test/1")
        heard = Heard(EventType.AUTO_REPLY, Channel.WHATSAPP, known.now, analysis=away)

        await world.commit(world.change(known, event=event.id, heard=heard))

        assert await found(world) == []
