"""What every `Accounts` owes its callers of how well accounts of warm mail serve.

Subclass `HealthContract` in a test module, with a fixture ``world`` that gives a fresh
`World`; `outreach.testing.relaying` has what goes on from an account that does not. A
docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from attrs import evolve

from outreach.domain.health import (
    AWAY_AT,
    PROBE_FIRST,
    WELL,
    Health,
    HealthState,
    after_call,
)
from outreach.domain.heard import Heard
from outreach.domain.message import NotArmed, Outcome, WhyNotArmed
from outreach.domain.sender import SendClass
from outreach.testing.relaying import (
    FOUR,
    SOON,
    WARM,
    aways,
    boxes,
    ends,
    health_of,
    mails_in,
    send_away,
    waiting,
    warm_leads,
)
from outreach.testing.world import HOUR, A, B, World

__all__ = ["HealthContract"]

_BAD: Final = (Heard.REFUSED, Heard.LOST)
A_MOMENT: Final = timedelta(seconds=30)
WORDS: Final = (
    *(Heard.SERVED, Heard.LOST, Heard.NOTHING, Heard.REFUSED, Heard.OF_SENDER),
    *_BAD * 3,
    *(Heard.NOTHING, Heard.OF_SENDER, Heard.SHUT, Heard.SERVED),
    *_BAD,
    *(Heard.LOST, Heard.SERVED, Heard.SERVED, Heard.REFUSED),
    *[Heard.SERVED] * 8,
    *(Heard.SHUT, Heard.REFUSED, Heard.SERVED, Heard.SHUT),
)
"""What leads through every state and out of it again."""


class HealthContract:
    """One test per promise, and what else a caller relies on."""

    async def test_what_counts(self, world: World) -> None:
        """How well an account of warm mail serves is counted in the commit that ends a
        call.
        """
        box, _ = await boxes(world)
        mails = await mails_in(world, box, 3)
        seen = [await health_of(world, box)]

        words = (Heard.LOST, Heard.SERVED, Heard.REFUSED)
        for mail, said in zip(mails, words, strict=True):
            await ends(world, mail, said, detail=f"it {said}")
            seen.append(await health_of(world, box))

        assert [one.score for one in seen] == [0, 2, 1, 3]
        assert {one.state for one in seen} == {HealthState.HEALTHY}
        assert seen[-1].why == "it REFUSED"

    async def test_every_store_counts_by_the_one_rule(self, world: World) -> None:
        box, _ = await boxes(world)
        (lead,) = await warm_leads(world, 1)
        told: list[tuple[Health, Health]] = []

        for n, said in enumerate(WORDS):
            rest = 3 * HOUR if n % 7 == FOUR else timedelta()
            facts = {"send_class": SendClass.APPROVED, "permission": "ana"}
            mail = await world.mail(box, lead, channel=WARM, **facts)
            call = await world.call_for(mail)
            claimed = await health_of(world, box)
            outcome = Outcome.ACCEPTED  # of the account it says something else
            await world.settle(call, outcome, heard=said, rest=rest, detail=said)
            now = await world.now()
            probe = claimed.lane is not None
            ours = after_call(
                claimed, said, now, asked=rest, why=str(said), probe=probe
            )
            told.append((await health_of(world, box), ours))
            await world.advance_engine(4 * HOUR)

        for one, ours in told:
            assert _untimed(one) == _untimed(ours)
            assert _near(one.until, ours.until)
            assert _near(one.since, ours.since)
            assert _near(one.refused_at, ours.refused_at)
        assert {one.state for one, _ in told} == set(HealthState)

    async def test_refusals_at_once_count_once(self, world: World) -> None:
        box, _ = await boxes(world)
        await mails_in(world, box, 2)
        (other,) = await world.mailboxes(channel=WARM, provider="resend")
        await mails_in(world, other, 2)
        calls = [await world.arm(claim) for claim in await world.claims()]

        for call in calls:
            await world.settle(
                call, Outcome.RELEASED, heard=Heard.REFUSED, lane_refused=True
            )
        together = (await health_of(world, box)).score
        await world.advance_engine(HOUR)
        later = [await world.arm(claim) for claim in await world.claims()]
        for call in later:
            await world.settle(call, Outcome.UNKNOWN, heard=Heard.LOST)

        assert [len(calls), len(later)] == [2, 2]
        assert (together, (await health_of(world, box)).score) == (2, 6)

    async def test_an_account_that_never_fails_has_no_record(
        self, world: World
    ) -> None:
        box, _ = await boxes(world)
        (mail,) = await mails_in(world, box, 1)

        await ends(world, mail, Heard.SERVED)

        assert await health_of(world, box) == WELL

    async def test_one_call_at_a_time_tries_it(self, world: World) -> None:
        """An account that is away is given one call at a time, once it is to be
        tried.
        """
        (box,) = await world.mailboxes(channel=WARM, provider="resend")
        (other,) = await world.mailboxes(channel=WARM, provider="resend")
        mails = [*await mails_in(world, box, 2), *await mails_in(world, other, 1)]
        await ends(world, mails[0], Heard.SHUT)
        await world.quiet()

        at_once = await world.claims()
        wait = await world.lanes.next_wake()
        await world.advance_engine(PROBE_FIRST)
        first, second = await world.claims(A), await world.claims(B)
        call = await world.arm(first[0])
        await world.settle(
            call, Outcome.RELEASED, heard=Heard.REFUSED, lane_refused=True, gap=SOON
        )
        after = await health_of(world, box)
        await world.advance_engine(PROBE_FIRST)
        again = await world.claims()
        await world.advance_engine(PROBE_FIRST)
        later = await world.claims()

        assert at_once == []
        assert wait is not None
        assert PROBE_FIRST - 2 * SOON < wait <= PROBE_FIRST
        assert (len(first), second) == (1, [])
        assert call.armed
        assert (after.state, after.tries) == (HealthState.AWAY, 1)
        assert (again, len(later)) == ([], 1)

    async def test_a_try_without_a_call_is_made_again(self, world: World) -> None:
        """A claim that was to try an account and makes no call is tried again."""
        (box,) = await world.mailboxes(channel=WARM, provider="resend")
        mails = await mails_in(world, box, 2)
        await ends(world, mails[0], Heard.SHUT)
        await world.advance_engine(PROBE_FIRST)

        (claim,) = await world.claims()
        meanwhile = await world.claims(B)
        await world.lanes.free(claim)
        (again,) = await world.claims(B)
        call = await world.arm(again)

        assert meanwhile == []
        assert call.armed

    async def test_t1_asks_for_the_account(self, world: World) -> None:
        """Whoever claimed before it went away makes no call."""
        (box,) = await world.mailboxes(channel=WARM, provider="resend")
        (other,) = await world.mailboxes(channel=WARM, provider="resend")
        (mail,) = await mails_in(world, box, 1)
        await mails_in(world, other, 1)
        claims = {claim.lane: claim for claim in await world.claims()}
        call = await world.arm(claims[box.id])
        await world.settle(call, Outcome.RELEASED, heard=Heard.SHUT)

        late = await world.arm(claims[other.id])

        assert call.draft.parcel.intent == mail
        assert isinstance(late.verdict, NotArmed)
        assert late.verdict.why is WhyNotArmed.AWAY

    async def test_rooms_of_an_account_that_is_away(self, world: World) -> None:
        """An account that is away has no room, but for one message once it is to be
        tried.
        """
        box, other = await boxes(world)
        before = await _rooms(world)
        await send_away(world, box)
        gone = await _rooms(world)
        await world.advance_engine(PROBE_FIRST)
        due = await _rooms(world)
        (mail,) = [one.intent for one in await waiting(world)]
        await world.allocations.allocate(world.tenant, {mail: box.id})
        given = await _rooms(world)

        assert before == {box.id: None, other.id: None}
        assert gone == {box.id: 0, other.id: None}
        assert due == {box.id: 1, other.id: None}
        assert given == {box.id: 0, other.id: None}

    async def test_what_is_back_ends_its_incident(self, world: World) -> None:
        (box,) = await world.mailboxes(channel=WARM, provider="resend")
        mails = await mails_in(world, box, 2)
        await world.quiet()
        await ends(world, mails[0], Heard.SHUT)
        gone = await aways(world)
        await world.advance_engine(PROBE_FIRST)
        await ends(world, mails[1], Heard.SERVED)
        back = await aways(world)
        after = await health_of(world, box)

        assert len(gone) == len(back) == 1
        assert (after.state, after.score) == (HealthState.AILING, AWAY_AT // 2)


async def _rooms(world: World) -> dict[Any, int | None]:
    rooms = await world.allocations.rooms(world.tenant)
    return {room.sender.id: room.account for room in rooms}


def _untimed(one: Health) -> Health:
    return evolve(one, since=None, until=None, refused_at=None)


def _near(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) < A_MOMENT
