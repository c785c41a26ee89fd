"""What every `Senders` owes its callers.

Subclass `SendersContract` in a test module, with a fixture ``world`` that gives a
fresh `World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final
from uuid import uuid4

from attrs import evolve

from outreach.domain.budget import HARD_LIMIT, UnitSlot, WarmUp
from outreach.domain.change import DutyKind
from outreach.domain.channel import Channel
from outreach.domain.errors import NotFound, Refused
from outreach.domain.ids import SenderId
from outreach.domain.limits import Limits
from outreach.domain.message import MessageStatus, Outcome
from outreach.domain.new_sender import NewSender
from outreach.domain.sender import SenderSignal, SenderState, signalled
from outreach.ports.gateway import Status
from outreach.testing import invented
from outreach.testing.errors import raised
from outreach.testing.world import GAP, HOUR, A, World

__all__ = ["SendersContract"]

MANY: Final = 5
TWO_DAYS: Final = timedelta(days=2)


class SendersContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_importing_again_changes_nothing(self, world: World) -> None:
        """Importing the same file twice changes nothing."""
        file = [
            evolve(
                invented.new_phone(n),
                label=f"phone {n}",
                daily_limit=40,
                priority=n,
                warm_up_days=7 * (n - 1),
            )
            for n in range(1, 4)
        ]

        first = await world.senders.import_(world.tenant, file)
        await world.advance_engine(timedelta(days=2))
        second = await world.senders.import_(world.tenant, file)

        assert list(first) == list(second)
        assert len(await world.senders.all(world.tenant)) == len(file)
        assert len(await world.senders.accounts(world.tenant)) == 1
        plain, warming = first[0], first[1]
        assert (plain.state, plain.warm_up) == (SenderState.ACTIVE, None)
        assert warming.state is SenderState.WARMING
        assert warming.warm_up == WarmUp(invented.START.date(), 7)
        assert (warming.label, warming.daily_limit, warming.priority) == (
            "phone 2",
            40,
            2,
        )

    async def test_a_mailbox_warms_up_by_all_that_it_sends(self, world: World) -> None:
        mailbox = NewSender(
            number="ana@firma.ro",
            provider="smtp",
            time_zone="Europe/Bucharest",
            channel=Channel.EMAIL_COLD,
            warm_up_days=14,
            warm_up_start=5,
            limits=Limits(total_per_day=50),
        )

        (made,) = await world.senders.import_(world.tenant, [mailbox])
        (first,) = await world.senders.all(world.tenant)
        later = evolve(mailbox, warm_up_start=10)
        await world.senders.import_(world.tenant, [later])
        (raised_,) = await world.senders.all(world.tenant)
        await world.advance_engine(timedelta(days=13))
        (last,) = await world.senders.all(world.tenant)

        assert (made.state, made.warm_up) == (
            SenderState.WARMING,
            WarmUp(invented.START.date(), 14, 5),
        )
        assert [one.total for one in (first, raised_, last)] == [5, 10, 50]

    async def test_a_new_file_changes_what_it_names(self, world: World) -> None:
        (phone,) = await world.phones(label="vechi")
        paused = evolve(phone, state=SenderState.PAUSED)
        await world.senders.change(phone, paused, by="ana")
        row = evolve(invented.new_phone(1), label="nou", daily_limit=10)

        (changed,) = await world.senders.import_(world.tenant, [row])

        assert changed.id == phone.id
        assert (changed.label, changed.daily_limit) == ("nou", 10)
        assert changed.state is SenderState.PAUSED

    async def test_a_phone_belongs_to_one_tenant(self, world: World) -> None:
        """A phone belongs to one tenant and keeps its id."""
        row = invented.new_phone(1)
        (ours,) = await world.senders.import_(world.tenant, [row])

        error = await raised(Refused, world.senders.import_(world.stranger, [row]))
        (still,) = await world.senders.import_(world.tenant, [row])

        assert row.number in str(error)
        assert still == ours
        assert await world.senders.all(world.stranger) == []

    async def test_another_state_than_expected(self, world: World) -> None:
        """A change from another state than expected changes nothing."""
        (phone,) = await world.phones()
        changes = [
            evolve(phone, state=SenderState.PAUSED, state_reason=f"reason {n}")
            for n in range(MANY)
        ]

        answers = await asyncio.gather(
            *(world.senders.change(phone, after, by="ana") for after in changes)
        )
        stored = await world.senders.by_id(world.tenant, phone.id)

        assert sorted(answers) == [*[False] * (MANY - 1), True]
        assert stored == changes[answers.index(True)]

    async def test_frozen_and_woken(self, world: World) -> None:
        """A sender that may send nothing freezes its lane, and one that may again
        wakes it.
        """
        phone, _ = await world.phone_with()
        await world.quiet()
        now = await world.now()
        moves = {}

        for signal in (SenderSignal.PAUSE, SenderSignal.BANNED, SenderSignal.RETIRE):
            after = signalled(phone, signal, now, why="test").sender
            assert await world.senders.change(phone, after, by="test")
            await world.quiet()
            frozen = await world.lanes.next_wake(), await world.claims()
            assert await world.senders.change(after, phone, by="test")
            moves[signal] = frozen, await world.lanes.next_wake()

        for frozen, woken in moves.values():
            assert frozen == (None, [])
            assert woken == timedelta()
        assert len(await world.offered()) == 1

    async def test_a_lock_that_ends_is_a_duty(self, world: World) -> None:
        (phone,) = await world.phones()
        now = await world.now()
        locked = signalled(
            phone, SenderSignal.LOCKED, now, why="463", until=now + HOUR
        ).sender

        await world.senders.change(phone, locked, by="provider")
        before = await world.duties.take(A, 10)
        await world.advance_engine(HOUR)
        (duty,) = await world.duties.take(A, 10)

        assert before == []
        assert (duty.kind, duty.key) == (DutyKind.SENDER_TIMEOUT, str(phone.id))

    async def test_a_phone_is_found_by_many_words(self, world: World) -> None:
        phone, other = await world.phones(2, label="vânzări")
        (named,) = await world.phones(label="suport")
        tenant = world.tenant

        found = [
            await world.senders.get(tenant, words)
            for words in (str(phone.id), phone.number)
        ]
        by_label = await world.senders.get(tenant, "suport")
        ambiguous = await raised(NotFound, world.senders.get(tenant, "vânzări"))
        nobody = await raised(NotFound, world.senders.get(tenant, "+40799999999"))
        foreign = await raised(
            NotFound, world.senders.get(world.stranger, phone.number)
        )

        assert found == [phone, phone]
        assert by_label == named
        assert "2" in str(ambiguous)
        assert "+40799999999" in str(nobody)
        assert phone.number in str(foreign)
        assert await world.senders.by_id(tenant, other.id) == other

    async def test_an_unknown_id_is_not_found(self, world: World) -> None:
        (phone,) = await world.phones()
        unknown = SenderId(uuid4())

        await raised(NotFound, world.senders.by_id(world.tenant, unknown))
        await raised(NotFound, world.senders.by_id(world.stranger, phone.id))

    async def test_the_day_so_far(self, world: World) -> None:
        phone, _ = await world.phone_with(2, daily_limit=40)
        (quiet,) = await world.phones()
        first = await world.send()
        await world.advance_engine(TWO_DAYS)
        claim = await world.claim()
        followup, new = claim.cases
        for case in (followup, new):
            call = await world.arm(claim, case)
            await world.settle(call, Outcome.ACCEPTED)
            await world.advance_engine(GAP)
            if case is followup:
                claim = await world.claim()
        slot = UnitSlot(phone.id, (await world.now()).date())
        known = await world.known(first.draft.lead)
        await world.commit(world.change(known, external=slot))

        uses = await world.senders.all(world.tenant)

        use, idle = sorted(uses, key=lambda use: use.sender.id != phone.id)
        numbers = [one.sender.number for one in uses]
        assert numbers == sorted(numbers)
        assert (use.day_new, use.day_followups, use.external) == (1, 1, 1)
        assert (use.limit, use.waiting) == (40, 1)
        assert use.next_wake is not None
        assert (idle.sender, idle.waiting, idle.next_wake) == (quiet, 0, None)
        assert (idle.day_new, idle.limit) == (0, HARD_LIMIT)

    async def test_accounts_by_provider_and_name(self, world: World) -> None:
        await world.phones(2)
        await world.phones(provider_account="second")
        await world.phones(tenant=world.stranger)

        own = await world.senders.accounts(world.tenant)
        named = await world.senders.all_accounts(invented.PROVIDER, invented.ACCOUNT)
        none = await world.senders.all_accounts("wamm", invented.ACCOUNT)

        assert [account.name for account in own] == [invented.ACCOUNT, "second"]
        assert {account.tenant for account in named} == {world.tenant, world.stranger}
        assert none == []

    async def test_what_is_unfinished_is_asked_for_in_turn(self, world: World) -> None:
        phone, _ = await world.phone_with(3)
        refs = []
        for _ in range(3):
            call = await world.send()
            refs.append(f"ref-{call.draft.parcel.attempt}")
            await world.advance_engine(GAP)

        first = await world.senders.unfinished(phone.account, 2)
        await world.advance_engine(GAP)
        second = await world.senders.unfinished(phone.account, 2)

        assert [one.ref for one in first] == refs[:2]
        assert second[0].ref == refs[2]
        assert first[0].status is MessageStatus.ACCEPTED
        assert (first[0].sender, first[0].number) == (phone.id, phone.number)

    async def test_what_was_read_is_asked_for_no_more(self, world: World) -> None:
        phone, _ = await world.phone_with()
        call = await world.send()
        ref = f"ref-{call.draft.parcel.attempt}"
        now = await world.now()

        for status in (MessageStatus.READ, MessageStatus.SENT):
            told = Status(ref, status, now)
            await world.senders.told(phone.account, told, now)
        await world.senders.told(
            phone.account, Status("unknown", MessageStatus.READ, now), now
        )

        assert await world.senders.unfinished(phone.account, 10) == []

    async def test_a_mailbox_is_a_sender_beside_phones(self, world: World) -> None:
        row = evolve(invented.new_mailbox(1), answers=True, label="Ana")
        (phone,) = await world.phones()

        (mailbox,) = await world.senders.import_(world.tenant, [row])
        (again,) = await world.senders.import_(world.tenant, [row])
        found = await world.senders.get(world.tenant, row.number)
        uses = await world.senders.all(world.tenant)
        paused = evolve(mailbox, state=SenderState.PAUSED, state_reason="by ana")
        moved = await world.senders.change(mailbox, paused, by="ana")

        assert mailbox == again == found
        assert (mailbox.channel, mailbox.answers) == (row.channel, True)
        assert mailbox.pacing == row.pacing
        assert {use.sender.id for use in uses} == {phone.id, mailbox.id}
        assert moved
        assert await world.senders.by_id(world.tenant, mailbox.id) == paused

    async def test_an_address_is_one_tenants_and_an_accounts_name_each_tenants(
        self, world: World
    ) -> None:
        row = invented.new_mailbox(1)
        account = evolve(row, number="instantly/default", provider="instantly")
        await world.senders.import_(world.tenant, [row, account])

        error = await raised(Refused, world.senders.import_(world.stranger, [row]))
        (theirs,) = await world.senders.import_(world.stranger, [account])
        ours = await world.senders.get(world.tenant, account.number)

        assert row.number in str(error)
        assert theirs.tenant == world.stranger
        assert theirs.id != ours.id

    async def test_channels_are_those_of_senders_that_are_there(
        self, world: World
    ) -> None:
        """The channels of a tenant are those of its senders that are enabled and
        there.
        """
        tenant, seen = world.tenant, []
        seen.append(await world.senders.channels(tenant))
        (phone,) = await world.phones()
        (mailbox,) = await world.mailboxes()
        seen.append(await world.senders.channels(tenant))
        for before, after in (
            (phone, evolve(phone, state=SenderState.PAUSED)),
            (mailbox, evolve(mailbox, state=SenderState.BANNED)),
        ):
            await world.senders.change(before, after, by="ana")
        seen.append(await world.senders.channels(tenant))
        off = evolve(phone, state=SenderState.PAUSED, enabled=False)
        await world.senders.change(evolve(off, enabled=True), off, by="ana")
        seen.append(await world.senders.channels(tenant))
        stranger = await world.senders.channels(world.stranger)

        whatsapp, cold = Channel.WHATSAPP, Channel.EMAIL_COLD
        assert seen == [set(), {whatsapp, cold}, {whatsapp}, set()]
        assert stranger == set()
