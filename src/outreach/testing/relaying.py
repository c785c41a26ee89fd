"""What every `Accounts` owes its callers of how well accounts of warm mail serve, and
what ledger, lanes and allocations make of it.

Subclass `RelayContract` in a test module, with a fixture ``world`` that gives a fresh
`World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from outreach.domain.change import Duty, DutyKind, Known
from outreach.domain.channel import Channel
from outreach.domain.health import (
    PATIENCE,
    PROBE_FIRST,
    Health,
    HealthState,
)
from outreach.domain.heard import Heard
from outreach.domain.ids import IntentId, LeadId
from outreach.domain.journey import Fact, Moved, happened
from outreach.domain.message import Outcome
from outreach.domain.sender import Sender
from outreach.ports.intents import Resolution
from outreach.ports.lanes import Waiting
from outreach.testing.world import HOUR, A, Call, World

__all__ = [
    "FOUR",
    "SOON",
    "WARM",
    "RelayContract",
    "aways",
    "boxes",
    "ends",
    "health_of",
    "mails_in",
    "send_away",
    "waiting",
    "warm_leads",
]

WARM: Final = Channel.EMAIL_WARM
SOON: Final = timedelta(seconds=5)
A_SECOND: Final = timedelta(seconds=1)
PLENTY: Final = 1_000
FOUR: Final = 4


def replied(known: Known) -> Moved:
    return happened(known.journey, Fact.REPLIED, known.now, by="reply")


async def boxes(world: World) -> tuple[Sender, Sender]:
    """Warm mailboxes of two providers."""
    (first,) = await world.mailboxes(channel=WARM, provider="resend")
    (second,) = await world.mailboxes(channel=WARM, provider="ses")
    return first, second


async def warm_leads(world: World, many: int) -> list[LeadId]:
    leads = await world.new_leads(many, mail=True)
    await world.enrolled(leads, within=1_000 * HOUR)
    for lead in leads:
        await world.changed(lead, replied)
    return leads


async def mails_in(world: World, box: Sender, many: int) -> list[IntentId]:
    """Warm mail that waits in the lane of *box*, in this order, each for a lead."""
    mails: list[IntentId] = []
    for lead in await warm_leads(world, many):
        mails.append(await world.mail(box, lead, channel=WARM))
        await world.advance_engine(A_SECOND)
    return mails


async def ends(world: World, intent: IntentId, said: Heard, **changes: Any) -> Call:
    """A call for that message, and its end."""
    call = await world.call_for(intent)
    assert call.armed, f"not armed: {call.verdict}"
    outcome = {Heard.SERVED: Outcome.ACCEPTED, Heard.LOST: Outcome.UNKNOWN}
    refused = said in {Heard.REFUSED, Heard.SHUT, Heard.OF_SENDER}
    changes = {"heard": said, "lane_refused": refused, "gap": SOON, **changes}
    await world.settle(call, outcome.get(said, Outcome.RELEASED), **changes)
    await world.advance_engine(SOON)
    return call


async def health_of(world: World, box: Sender) -> Health:
    found = await world.accounts.health(world.tenant)
    return next(one.health for one in found if one.account == box.account)


async def send_away(world: World, box: Sender) -> None:
    """Its account is away: it did not accept our key, for a message of its own."""
    (mail,) = await mails_in(world, box, 1)
    await ends(world, mail, Heard.SHUT)
    assert (await health_of(world, box)).state is HealthState.AWAY


async def waiting(world: World) -> list[Waiting]:
    return list(await world.allocations.waiting(world.tenant, 100, WARM))


async def aways(world: World) -> list[Duty]:
    taken = await world.duties.take(A, PLENTY)
    for duty in taken:
        await world.duties.done(duty, None)
    return [duty for duty in taken if duty.kind is DutyKind.AWAY]


class RelayContract:
    """One test per promise, and what else a caller relies on."""

    async def test_what_goes_on(self, world: World) -> None:
        """What is provably not accepted goes on from an account that ails, and what
        waits from one that is away, if another one takes it.
        """
        box, other = await boxes(world)
        mails = await mails_in(world, box, 5)
        await world.quiet()

        await ends(world, mails[0], Heard.REFUSED)
        hiccup = await waiting(world)
        await ends(world, mails[1], Heard.REFUSED)
        ails = await waiting(world)
        for mail in mails[2:4]:
            await ends(world, mail, Heard.REFUSED)
        (duty,) = await aways(world)
        moved = await world.accounts.move_on(world.tenant, box.account, 10)
        away = await waiting(world)
        none = await world.accounts.move_on(world.tenant, box.account, 10)
        dispatch = await world.duties.take(A, 10)

        assert hiccup == []
        assert [one.intent for one in ails] == [mails[1]]
        assert ails[0].refused == {box.account: 1}
        assert duty.key == str(box.account)
        assert (moved, none) == (2, 0)
        assert {one.intent for one in away} == set(mails)
        assert DutyKind.DISPATCH in {one.kind for one in dispatch}
        given = dict.fromkeys([one.intent for one in away], other.id)
        assert await world.allocations.allocate(world.tenant, given) == len(mails)

    async def test_nothing_goes_where_nobody_takes_it(self, world: World) -> None:
        (box,) = await world.mailboxes(channel=WARM, provider="resend")
        (theirs,) = await world.mailboxes(
            channel=WARM, provider="ses", tenant=world.stranger
        )
        mails = await mails_in(world, box, 3)
        await ends(world, mails[0], Heard.SHUT)

        moved = await world.accounts.move_on(world.tenant, box.account, 10)
        foreign = await world.accounts.move_on(world.stranger, theirs.account, 10)
        known = await world.accounts.health(world.stranger)

        assert (moved, foreign, await waiting(world)) == (0, 0, [])
        assert [one.account for one in known] == [theirs.account]

    async def test_a_new_attempt_keeps_the_new_sender(self, world: World) -> None:
        """It is armed as any other is, and the lead stays with who sent it."""
        box, other = await boxes(world)
        (mail,) = await mails_in(world, box, 1)
        first = await ends(world, mail, Heard.SHUT)
        lead = first.draft.lead
        left = await world.known(lead)

        await world.allocations.allocate(world.tenant, {mail: other.id})
        second = await ends(world, mail, Heard.SERVED)
        kept = await world.known(lead)

        assert left.journey.warm_mailbox is None
        assert second.draft.parcel.account == other.account
        assert (first.draft.n, second.draft.n) == (1, 2)
        assert kept.journey.warm_mailbox == other.id

    async def test_what_may_have_been_accepted_stays(self, world: World) -> None:
        """What may have been accepted stays."""
        box, other = await boxes(world)
        mails = await mails_in(world, box, FOUR)
        for mail in mails:
            await ends(world, mail, Heard.LOST)
        gone = (await health_of(world, box)).state

        moved = await world.accounts.move_on(world.tenant, box.account, 10)
        stays = await waiting(world)
        given = dict.fromkeys(mails, other.id)
        taken = await world.allocations.allocate(world.tenant, given)
        offered = await world.offered()

        assert gone is HealthState.AWAY
        assert (moved, stays, taken, offered) == (0, [], 0, [])

    async def test_what_was_proven_not_sent_goes_on(self, world: World) -> None:
        box, _ = await boxes(world)
        (mail,) = await mails_in(world, box, 1)
        await ends(world, mail, Heard.LOST)
        await send_away(world, box)
        await world.advance_engine(world.timing.first_look)
        (doubt,) = await world.intents.doubtful(A, 10)
        await world.intents.resolve([Resolution(doubt, Outcome.NOT_SENT)])

        before = {one.intent for one in await waiting(world)}
        moved = await world.accounts.move_on(world.tenant, box.account, 10)
        after = {one.intent for one in await waiting(world)}

        assert moved == 1
        assert after - before == {mail}

    async def test_a_conversation_stays(self, world: World) -> None:
        """A conversation stays with its sender until the account is away."""
        box, _ = await boxes(world)
        (lead,) = await warm_leads(world, 1)
        await ends(world, await world.mail(box, lead, channel=WARM), Heard.SERVED)
        second = await world.mail(box, lead, channel=WARM)

        for _ in range(2):
            await ends(world, second, Heard.REFUSED, rest=2 * PATIENCE)
            await world.advance_engine(HOUR)
        ails = (await health_of(world, box)).state
        stays = await waiting(world)
        for _ in range(2):
            await ends(world, second, Heard.REFUSED, rest=2 * PATIENCE)
            await world.advance_engine(HOUR)
        gone = (await health_of(world, box)).state
        (one,) = await waiting(world)
        known = await world.known(lead)

        assert (ails, stays) == (HealthState.AILING, [])
        assert gone is HealthState.AWAY
        assert (one.intent, one.known) == (second, (box.id,))
        assert known.journey.warm_mailbox is None

    async def test_who_would_wait_long_goes_on_at_once(self, world: World) -> None:
        box, _ = await boxes(world)
        short, served, long, own = await mails_in(world, box, FOUR)

        await ends(world, short, Heard.REFUSED, rest=PATIENCE)
        await world.advance_engine(PATIENCE)
        await ends(world, served, Heard.SERVED)
        stays = await waiting(world)
        await ends(world, long, Heard.REFUSED, rest=2 * PATIENCE)
        waits = [one.intent for one in await waiting(world)]
        await world.advance_engine(2 * PATIENCE)
        await ends(world, own, Heard.OF_SENDER)
        of_sender = {one.intent for one in await waiting(world)}
        state = (await health_of(world, box)).state

        assert (stays, waits, of_sender) == ([], [long], {long, own})
        assert state is HealthState.HEALTHY

    async def test_what_a_message_tells(self, world: World) -> None:
        """Warm mail tells who refused it and whom its lead knows."""
        box, other = await boxes(world)
        (lead,) = await warm_leads(world, 1)
        await ends(world, await world.mail(box, lead, channel=WARM), Heard.SERVED)
        mail = await world.mail(box, lead, channel=WARM)
        await ends(world, mail, Heard.SHUT)
        await world.allocations.allocate(world.tenant, {mail: other.id})
        await ends(world, mail, Heard.SHUT)

        stays = await waiting(world)
        await world.advance_engine(PROBE_FIRST)
        await ends(world, mail, Heard.SERVED)
        third = await world.mail(other, lead, channel=WARM)
        await world.advance_engine(HOUR)
        for _ in range(2):
            await ends(world, third, Heard.REFUSED)
        (one,) = await waiting(world)

        assert stays == []
        assert (one.intent, one.lead) == (third, lead)
        assert one.refused[other.account] > 0
        assert one.known == (other.id, box.id)

    async def test_people_see_what_went_on(self, world: World) -> None:
        box, _ = await boxes(world)
        (mail,) = await mails_in(world, box, 1)
        call = await ends(world, mail, Heard.SHUT, detail="401 no key")

        found = await world.accounts.health(world.tenant)
        explained = await world.decisions.explain(world.tenant, call.draft.lead)

        assert [(one.provider, one.moved) for one in found] == [
            ("resend", 1),
            ("ses", 0),
        ]
        (moved,) = explained.passed
        assert (moved.intent, moved.number) == (mail, box.number)
        assert (moved.provider, moved.why) == ("resend", "401 no key")
        assert [one.through for one in explained.recorded] == [f"resend, {box.number}"]
