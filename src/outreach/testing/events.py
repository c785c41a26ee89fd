"""What every `Journeys` owes its callers when events come in.

Subclass `EventsContract` in a test module, with a fixture ``world`` that gives a fresh
`World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any, Final
from uuid import uuid4

from attrs import evolve

from outreach.domain.address import AddressKey, phone_key
from outreach.domain.change import Done, Known, StatusChange
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import AttemptId
from outreach.domain.mail_mark import mail_mark
from outreach.domain.message import MessageStatus, Outcome
from outreach.ports.gateway import Status
from outreach.testing import invented
from outreach.testing.world import GAP, A, Call, World

__all__ = ["EventsContract"]

SOON: Final = timedelta(seconds=5)


def _event(call: Call, kind: EventType, **facts: Any) -> SystemEvent:
    """Something that happened to the message of a call, by its address alone."""
    parcel = call.draft.parcel
    event = SystemEvent(
        key=f"event/{uuid4()}",
        provider=invented.PROVIDER,
        type=kind,
        channel=Channel.WHATSAPP,
        sender=parcel.sender_number,
        address=phone_key(parcel.to),
    )
    return evolve(event, **facts)


async def _status(world: World, attempt: AttemptId, call: Call) -> MessageStatus:
    event = _event(call, EventType.READ, ref=f"ref-{attempt}")
    known = await world.journeys.match(invented.ACCOUNT, event)
    assert known is not None
    assert known.outbound is not None
    return known.outbound.status


class EventsContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_statuses_only_move_forward(self, world: World) -> None:
        """Statuses only move forward, whatever the order."""
        phone, _ = await world.phone_with()
        told = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ)
        reached = []

        for order in permutations(told):
            call = await world.send()
            for status in order:
                await self._tell(world, call, status)
            attempt = call.draft.parcel.attempt
            reached.append(await _status(world, attempt, call))
            await world.line(phone)
            await world.advance_engine(GAP)

        assert set(reached) == {MessageStatus.READ}

    async def _tell(self, world: World, call: Call, status: MessageStatus) -> None:
        known = await world.known(call.draft.lead)
        attempt = call.draft.parcel.attempt
        change = StatusChange(attempt, status, known.now)
        assert await world.commit(world.change(known, statuses=(change,))) is Done.DONE

    async def test_an_event_tells_an_unknown_outcome(self, world: World) -> None:
        _, (lead,) = await world.phone_with()
        call = await world.doubt()
        known = await world.known(lead)

        told = ((call.draft.parcel.attempt, Outcome.ACCEPTED, "m-9", "chat-9"),)
        await world.commit(world.change(known, resolves=told))
        late = await world.settle(call, Outcome.RELEASED)
        match = await world.journeys.match(
            invented.ACCOUNT, _event(call, EventType.DELIVERED, ref="m-9")
        )

        assert (late.outcome, late.spent) == (Outcome.ACCEPTED, True)
        assert match is not None
        assert match.outbound is not None
        assert match.outbound.attempt == call.draft.parcel.attempt
        await world.advance_engine(world.timing.first_look + SOON)
        assert await world.intents.doubtful(A, 10) == []

    async def test_how_an_event_is_matched(self, world: World) -> None:
        """An event is matched by the provider's id, else by what was sent, else by the
        mails that it answers, else by the conversation, else by the address.
        """
        phone, _ = await world.phone_with()
        first = await world.send(thread="chat-1")
        await world.line(phone)
        await world.advance_engine(GAP)
        second = await world.doubt()
        nowhere = AddressKey.of("phone:+40799999999")
        text, ref = second.draft.parcel.text, first.ended(Outcome.ACCEPTED).ref
        sent, reply = EventType.SENT, EventType.REPLY

        by_ref = await self._match(world, _event(second, sent, ref=ref, content=text))
        by_text = await self._match(
            world, _event(second, sent, ref="unseen", content=text, thread="chat-1")
        )
        talk = evolve(_event(second, reply, thread="chat-1"), ref="unseen")
        by_thread = await self._match(world, evolve(talk, content="Bună"))
        by_address = await self._match(world, _event(second, reply, content="Bună"))
        stranger = evolve(_event(second, reply), address=nowhere)
        unknown = await self._match(world, stranger)

        assert by_ref is not None
        assert by_text is not None
        assert by_thread is not None
        assert by_address is not None
        leads = [first.draft.lead, second.draft.lead]
        found = [by_ref, by_text, by_thread, by_address]
        assert [one.journey.lead for one in found] == [leads[i] for i in (0, 1, 0, 1)]
        assert by_ref.outbound is not None
        assert by_ref.outbound.attempt == first.draft.parcel.attempt
        assert by_text.outbound is not None
        assert by_text.outbound.outcome is Outcome.UNKNOWN
        assert by_thread.outbound is None
        assert by_address.sender == phone
        assert by_ref.contacted
        # Whether the second message arrived, nobody knows: they have not met.
        assert not by_address.contacted
        assert unknown is None

    async def test_an_answer_is_matched_by_the_mails_it_names(
        self, world: World
    ) -> None:
        phone, _ = await world.phone_with()
        first = await world.send(thread="<first@their.host>")
        await world.line(phone)
        await world.advance_engine(GAP)
        second = await world.send(thread="<second@their.host>")
        mark = mail_mark(first.draft.parcel.attempt, "ion@warm.example")
        reply = evolve(_event(second, EventType.REPLY), content="Da")

        found = [
            await self._match(world, evolve(reply, references=references))
            for references in (
                (mark,),
                ("<first@their.host>",),
                ("<of-nobody@their.host>", f"<{uuid4()}@warm.example>", mark),
                ("<of-nobody@their.host>",),
            )
        ]

        attempts = [
            None if one is None or one.outbound is None else one.outbound.attempt
            for one in found
        ]
        ours = first.draft.parcel.attempt
        assert attempts == [ours, ours, ours, None]
        assert found[3] is not None
        assert found[3].journey.lead == second.draft.lead

    async def test_the_id_that_a_mail_really_got_is_learnt_by_asking(
        self, world: World
    ) -> None:
        """A conversation that has a name keeps it."""
        await world.phone_with()
        call = await world.send(thread="<root@their.host>")
        account = call.draft.parcel.account
        ref = call.ended(Outcome.ACCEPTED).ref
        told = Status(ref, MessageStatus.SENT, None, "<late@ses.example>")

        await world.senders.told(account, told, await world.now())

        reply = evolve(_event(call, EventType.REPLY), content="Da", address=None)
        by_late = await self._match(
            world, evolve(reply, references=("<late@ses.example>",))
        )
        by_root = await self._match(world, evolve(reply, thread="<root@their.host>"))
        assert by_late is not None
        assert by_late.outbound is not None
        assert by_root is not None

    async def test_a_provider_may_tell_our_own_id_of_a_message(
        self, world: World
    ) -> None:
        """What was handed over can bear the attempt's id, and come back with it."""
        phone, _ = await world.phone_with()
        first = await world.send()
        await world.line(phone)
        await world.advance_engine(GAP)
        second = await world.doubt()
        nowhere = AddressKey.of("phone:+40799999999")

        for call in (first, second):
            own = str(call.draft.parcel.attempt)
            event = _event(call, EventType.SENT, ref=own)
            known = await self._match(world, evolve(event, address=nowhere))

            assert known is not None
            assert known.journey.lead == call.draft.lead
            assert known.outbound is not None
            assert known.outbound.attempt == call.draft.parcel.attempt
            elsewhere = await world.journeys.match("other", event)
            assert elsewhere is None

    async def _match(self, world: World, event: SystemEvent) -> Known | None:
        return await world.journeys.match(invented.ACCOUNT, event)

    async def test_the_same_text_under_another_id_is_another_message(
        self, world: World
    ) -> None:
        await world.phone_with()
        call = await world.send()
        text = call.draft.parcel.text

        echo = _event(call, EventType.SENT, ref="of-a-person", content=text)
        match = await self._match(world, echo)

        assert match is not None
        assert match.journey.lead == call.draft.lead
        assert match.outbound is None

    async def test_another_account_matches_nothing(self, world: World) -> None:
        await world.phone_with()
        call = await world.send()
        event = _event(call, EventType.REPLY)

        other_name = await world.journeys.match("other", event)
        elsewhere = evolve(event, provider="wamm")

        assert other_name is None
        assert await self._match(world, elsewhere) is None
        assert await self._match(world, event) is not None
