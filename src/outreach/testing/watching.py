"""What every `Watch` owes its callers, with the ledger and the journeys that feed it.

Subclass `WatchContract` in a test module, with a fixture ``world`` that gives a fresh
`World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from attrs import evolve

from outreach.domain.change import Duty, DutyKind, Heard
from outreach.domain.channel import Channel
from outreach.domain.event import EventType
from outreach.domain.message import MessageStatus, Outcome
from outreach.domain.sender import Sender, SenderSignal, SenderState
from outreach.domain.signs import (
    LEAST_UNANSWERED,
    SILENCE,
    UNHEALTHY,
    Said,
    Signs,
    after_call,
)
from outreach.domain.window import local_day
from outreach.ports.gateway import Status
from outreach.testing.world import GAP, HOUR, A, Call, World

__all__ = ["WatchContract"]

MANY: Final = 70
OFTEN: Final = 6
RARELY: Final = 7
TWICE: Final = 2
REST: Final = timedelta(minutes=5)
SOON: Final = timedelta(seconds=5)


async def _due(world: World, kind: DutyKind) -> list[Duty]:
    """Duties of this kind whose time has come; they are done with."""
    taken = await world.duties.take(A, 100)
    for duty in taken:
        await world.duties.done(duty, None)
    return [duty for duty in taken if duty.kind is kind]


async def _signs(world: World, phone: Sender) -> Signs:
    return await world.watch.signs(phone.tenant, phone.id)


async def _unknown(world: World, times: int) -> None:
    for _ in range(times):
        await world.doubt()
        await world.advance_engine(GAP)


async def _told(world: World, phone: Sender, call: Call, status: MessageStatus) -> None:
    now = await world.now()
    told = Status(f"ref-{call.draft.parcel.attempt}", status, now)
    await world.senders.told(phone.account, told, now)


async def _moved(world: World, phone: Sender, state: SenderState) -> Sender:
    after = evolve(phone, state=state)
    assert await world.senders.change(phone, after, by="test")
    return after


class WatchContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_each_call_counts_once(self, world: World) -> None:
        """Each call counts once, in the commit that ends it, whoever ends it."""
        phone, _ = await world.phone_with(4)
        timing = world.timing
        seen = [await _signs(world, phone)]

        call = await world.doubt()
        seen.append(await _signs(world, phone))
        await world.settle(call, Outcome.UNKNOWN)
        await world.settle(call, Outcome.ACCEPTED)
        seen.append(await _signs(world, phone))
        await world.advance_engine(GAP)
        await world.calling()
        await world.advance_machine(timing.doubtful + timing.doubtful / 10)
        await world.intents.give_up(10)
        await world.intents.give_up(10)
        seen.append(await _signs(world, phone))
        await world.advance_engine(timing.rest + SOON)
        await world.send()
        seen.append(await _signs(world, phone))

        assert [signs.calls for signs in seen] == ["", "U", "U", "UU", "UU."]
        assert [signs.unanswered for signs in seen] == [0, 0, 0, 0, 1]
        assert await world.watch.signs(world.stranger, phone.id) == Signs()

    async def test_too_many_doubts_leave_a_duty(self, world: World) -> None:
        """Too many calls without an outcome leave a duty in the same commit."""
        phone, _ = await world.phone_with(5)
        await _unknown(world, 4)
        before = await _due(world, DutyKind.DOUBT)

        await world.doubt()
        now = await world.now()
        (duty,) = await _due(world, DutyKind.DOUBT)
        signs = await _signs(world, phone)

        assert before == []
        assert (duty.key, duty.tenant) == (str(phone.id), phone.tenant)
        assert duty.due_at <= now
        assert (signs.calls, signs.pauses) == ("", 1)
        assert signs.doubtful_at is not None
        assert now - SOON <= signs.doubtful_at <= now

    async def test_lost_calls_leave_the_same_duty(self, world: World) -> None:
        phone, _ = await world.phone_with(5)
        await _unknown(world, 4)
        await world.calling()
        await world.advance_machine(world.timing.doubtful * 2)

        await world.intents.give_up(10)

        assert [duty.key for duty in await _due(world, DutyKind.DOUBT)] == [
            str(phone.id)
        ]

    async def test_the_same_calls_pause_once(self, world: World) -> None:
        """The same calls do not ask for a second pause."""
        phone, _ = await world.phone_with(10)
        await _unknown(world, 5)
        first = await _due(world, DutyKind.DOUBT)

        await _unknown(world, 4)
        between = await _due(world, DutyKind.DOUBT)
        await _unknown(world, 1)
        second = await _due(world, DutyKind.DOUBT)
        signs = await _signs(world, phone)

        assert [len(first), len(between), len(second)] == [1, 0, 1]
        assert signs.pauses == TWICE

    async def test_a_sender_that_is_paused_already_asks_for_nothing(
        self, world: World
    ) -> None:
        phone, _ = await world.phone_with(5)
        await _unknown(world, 4)
        call = await world.calling()
        await _moved(world, phone, SenderState.PAUSED)

        await world.settle(call, Outcome.UNKNOWN)

        signs = await _signs(world, phone)
        assert await _due(world, DutyKind.DOUBT) == []
        assert (signs.calls, signs.pauses) == ("UUUUU", 0)

    async def test_every_store_counts_by_the_one_rule(self, world: World) -> None:
        phone, _ = await world.phone_with(MANY)
        signs, got, rule = Signs(), [], []
        for n in range(MANY):
            outcome = Outcome.UNKNOWN if n % OFTEN == 0 else Outcome.ACCEPTED
            refused = n % RARELY == 0
            call = await world.calling()
            changes: dict[str, Any] = {}
            if refused:
                outcome = Outcome.RELEASED
                changes = {"lane_refused": True, "rest": REST}
            now = await world.now()
            await world.settle(call, outcome, **changes)
            got.append(await _signs(world, phone))
            signs = after_call(
                signs,
                outcome,
                state=phone.state,
                day=local_day(now, phone.time_zone),
                now=now,
                refused_until=now + REST if refused else None,
                token=call.claim.token,
            ).signs
            rule.append(signs)
            await world.advance_engine(REST + SOON)

        assert got == rule
        assert {signs.pauses for signs in got} == {0, 1, TWICE}

    async def test_an_unanswered_send_is_looked_at(self, world: World) -> None:
        """Three accepted sends that are not answered are due for a look 30 minutes
        after the first.
        """
        phone, _ = await world.phone_with(LEAST_UNANSWERED)
        sent = await world.now()
        for _ in range(LEAST_UNANSWERED):
            await world.send()
            await world.advance_engine(GAP)

        await world.advance_engine(SILENCE - LEAST_UNANSWERED * GAP - SOON)
        before = await _due(world, DutyKind.SILENCE)
        signs = await _signs(world, phone)
        await world.advance_engine(SOON * 2)
        (duty,) = await _due(world, DutyKind.SILENCE)

        assert before == []
        assert signs.unanswered == LEAST_UNANSWERED
        assert signs.unanswered_since is not None
        assert sent <= signs.unanswered_since <= sent + SOON
        assert duty.key == str(phone.id)

    async def test_few_unanswered_sends_cost_no_look(self, world: World) -> None:
        phone, _ = await world.phone_with(6)
        for _ in range(6):
            call = await world.send()
            await world.advance_engine(GAP)
            await _told(world, phone, call, MessageStatus.SENT)

        await world.advance_engine(SILENCE * 2)

        assert await _due(world, DutyKind.SILENCE) == []

    async def test_what_comes_back_is_an_answer(self, world: World) -> None:
        """What comes back from a phone ends the wait, and asks for its release."""
        phone, (lead, _) = await world.phone_with(2)

        async def status(call: Call) -> None:
            await _told(world, phone, call, MessageStatus.SENT)

        async def reply(_: Call) -> None:
            now = await world.now()
            said = Heard(EventType.REPLY, Channel.WHATSAPP, now, sender=phone.id)
            change = world.change(await world.known(lead), heard=said)
            await world.commit(change)

        answers: list[Callable[[Call], Any]] = [status, reply]
        seen = []
        for answer in answers:
            call = await world.send()
            waiting = await _signs(world, phone)
            silent = await _moved(world, phone, SenderState.QUARANTINE)
            await _due(world, DutyKind.SILENCE)
            await answer(call)
            asked = await _due(world, DutyKind.SILENCE)
            seen.append((waiting.unanswered, len(asked)))
            over = await _signs(world, phone)
            assert (over.unanswered, over.unanswered_since) == (0, None)
            assert await world.senders.change(silent, phone, by="test")
            await world.advance_engine(GAP)

        assert seen == [(1, 1), (1, 1)]

    async def test_only_news_is_an_answer(self, world: World) -> None:
        """News that is none does not count as an answer."""
        phone, _ = await world.phone_with(3)
        first = await world.send()
        await _told(world, phone, first, MessageStatus.DELIVERED)
        await world.advance_engine(GAP)
        second = await world.send()

        await _told(world, phone, first, MessageStatus.DELIVERED)
        await _told(world, phone, first, MessageStatus.SENT)
        await _told(world, phone, second, MessageStatus.FAILED)
        still = await _signs(world, phone)
        await _told(world, phone, first, MessageStatus.READ)

        assert still.unanswered == 1
        assert (await _signs(world, phone)).unanswered == 0

    async def test_an_hour_of_refusals_is_looked_at(self, world: World) -> None:
        """A lane that is refused for an hour is due for a look, and again when it is
        served.
        """
        phone, _ = await world.phone_with(2)
        refused = {"lane_refused": True, "rest": HOUR / 2}
        nobody = await world.watch.refused_since(phone.tenant, phone.account)

        await world.settle(await world.calling(), Outcome.RELEASED, **refused)
        began = await world.now()
        await world.advance_engine(HOUR / 2 + SOON)
        half = await _due(world, DutyKind.REFUSAL)
        await world.settle(await world.calling(), Outcome.RELEASED, **refused)
        await world.advance_engine(HOUR / 2)
        hour = await _due(world, DutyKind.REFUSAL)
        since = await world.watch.refused_since(phone.tenant, phone.account)
        await world.advance_engine(SOON)
        await world.send()
        served = await _due(world, DutyKind.REFUSAL)
        over = await world.watch.refused_since(phone.tenant, phone.account)

        assert (nobody, half, over) == (None, [], None)
        assert [duty.key for duty in (*hour, *served)] == [str(phone.id)] * 2
        assert since is not None
        assert began - SOON <= since <= began

    async def test_one_refusal_before_a_pause_is_none_of_an_hour(
        self, world: World
    ) -> None:
        await world.phone_with(1)

        await world.settle(await world.calling(), Outcome.RELEASED, lane_refused=True)
        await world.advance_engine(UNHEALTHY * 2)

        assert await _due(world, DutyKind.REFUSAL) == []

    async def test_at_work_again_is_anew(self, world: World) -> None:
        """A sender that is at work again starts anew."""
        phone, _ = await world.phone_with(6)
        await world.send()
        await world.advance_engine(GAP)
        await _unknown(world, 5)
        paused = await _moved(world, phone, SenderState.PAUSED)
        before = await _signs(world, phone)

        locked = await _moved(world, paused, SenderState.REACHOUT_LOCKED)
        between = await _signs(world, phone)
        await _moved(world, locked, SenderState.ACTIVE)
        after = await _signs(world, phone)

        assert before.doubtful_at is not None
        assert (between.doubtful_at, between.unanswered) == (None, 1)
        assert (after.unanswered, after.unanswered_since) == (0, None)
        assert after.pauses == 1

    async def test_what_a_call_says_of_its_sender(self, world: World) -> None:
        """What the end of a call says of its sender leaves a duty in the same commit,
        and is told until it is carried out.
        """
        phone, _ = await world.phone_with(2)
        until = await world.now() + HOUR
        refused = await world.calling()
        locked = {"signal": SenderSignal.LOCKED, "signal_until": until, "detail": "463"}
        attempt = refused.draft.parcel.attempt
        early = await world.watch.said(phone.tenant, attempt)

        await world.settle(refused, Outcome.REFUSED, **locked)
        await world.settle(refused, Outcome.REFUSED, **locked)
        duties = await _due(world, DutyKind.SIGNAL)
        said = await world.watch.said(phone.tenant, attempt)
        theirs = await world.watch.said(world.stranger, attempt)
        await world.watch.carried_out(world.stranger, attempt)
        again = await world.watch.said(phone.tenant, attempt)
        await world.watch.carried_out(phone.tenant, attempt)

        assert early is theirs is None
        assert [(duty.key, duty.tenant) for duty in duties] == [
            (str(attempt), phone.tenant)
        ]
        assert said == again == Said(phone.id, SenderSignal.LOCKED, "463", until)
        assert await world.watch.said(phone.tenant, attempt) is None

    async def test_a_signal_that_comes_late_is_not_lost(self, world: World) -> None:
        phone, _ = await world.phone_with()
        call = await world.doubt()
        failed = SenderSignal.AUTH_FAILED
        said = {"signal": failed, "lane_refused": True, "detail": "401"}
        before = await _due(world, DutyKind.SIGNAL)

        await world.settle(call, Outcome.RELEASED, **said)

        attempt = call.draft.parcel.attempt
        assert before == []
        assert [duty.key for duty in await _due(world, DutyKind.SIGNAL)] == [
            str(attempt)
        ]
        assert await world.watch.said(phone.tenant, attempt) == Said(
            phone.id, failed, "401"
        )
