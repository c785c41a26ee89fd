"""What every lane owes about whose turn it is.

Subclass `TurnsContract` in a test module, with a fixture ``world`` that gives a fresh
`World`; its promise is one of `Lanes`, and its docstring says so word by word.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from outreach.domain.channel import Channel
from outreach.domain.ids import LeadId, ReviewId, reply_id
from outreach.domain.message import Intent, Outcome
from outreach.domain.sender import SendClass
from outreach.testing.world import GAP, HOUR, World

__all__ = ["TurnsContract"]


async def _reply(world: World, lead: LeadId) -> None:
    """A person answers the lead."""
    known = await world.known(lead)
    reply = Intent(
        id=reply_id(world.tenant, ReviewId(uuid4()), 1),
        tenant=world.tenant,
        lead=lead,
        send_class=SendClass.APPROVED,
        channel=Channel.WHATSAPP,
        due_at=known.now,
        text="Da.",
    )
    await world.commit(world.change(known, plans=(reply,)))


async def _last_was_new(world: World) -> bool:
    await world.advance_engine(GAP)
    claim = await world.claim()
    await world.lanes.free(claim)
    return claim.last_was_new


class TurnsContract:
    """One test per promise."""

    async def test_turns(self, world: World) -> None:
        """Follow-ups and new contacts take turns, whatever replies come between."""
        phone, (lead,) = await world.phone_with()
        await world.send()
        await world.line(phone, 2)
        turns = [await _last_was_new(world)]
        released = await world.calling()
        await world.settle(released, Outcome.RELEASED, retry_in=HOUR)
        turns.append(await _last_was_new(world))
        await _reply(world, lead)
        reply = await world.send()
        turns.append(await _last_was_new(world))
        await world.advance_engine(timedelta(days=2))
        claim = await world.claim()
        (follow_up,) = [
            case for case in claim.cases if case.intent.send_class is SendClass.FOLLOWUP
        ]
        unknown = await world.arm(claim, follow_up)
        await world.settle(unknown, Outcome.UNKNOWN)
        after_follow_up = await _last_was_new(world)
        failed = await world.calling()
        await world.settle(failed, Outcome.RELEASED)

        assert reply.case.intent.send_class is SendClass.APPROVED
        assert turns == [True, True, True]
        assert failed.case.is_new
        assert not after_follow_up
        assert not await _last_was_new(world), "what was not sent took no turn"
