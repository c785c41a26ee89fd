"""News of a phone is never lost, and each incident is told once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest
from attrs import define, evolve, frozen
from tests.unit.cases import uid
from tests.usecases.engine import DAY, HOUR, MINUTE, Engine, engine

from outreach.adapters.memory import MemoryIntents
from outreach.domain.change import DutyKind
from outreach.domain.channel import Channel
from outreach.domain.errors import NotFound, Unavailable
from outreach.domain.ids import AccountId, SenderId, TenantId
from outreach.domain.message import (
    Answer,
    Left,
    NotAccepted,
    Refusal,
    Refused,
    Result,
)
from outreach.domain.new_sender import NewSender
from outreach.domain.sender import Sender, SenderSignal, SenderState
from outreach.ports.gateway import Status
from outreach.ports.senders import Account, Polled, Senders, SenderUse


@define
class Contested:
    """Senders that somebody else changes first, so many times.

    Attributes:
        times: changes that come too late.
    """

    inner: Senders
    times: int

    async def import_(
        self, tenant: TenantId, batch: Sequence[NewSender]
    ) -> Sequence[Sender]:
        return await self.inner.import_(tenant, batch)

    async def all(self, tenant: TenantId) -> Sequence[SenderUse]:
        return await self.inner.all(tenant)

    async def get(self, tenant: TenantId, words: str) -> Sender:
        return await self.inner.get(tenant, words)

    async def by_id(self, tenant: TenantId, sender: SenderId) -> Sender:
        return await self.inner.by_id(tenant, sender)

    async def change(self, before: Sender, after: Sender, *, by: str) -> bool:
        if self.times:
            self.times -= 1
            return False
        return await self.inner.change(before, after, by=by)

    async def channels(self, tenant: TenantId) -> frozenset[Channel]:
        return await self.inner.channels(tenant)

    async def accounts(self, tenant: TenantId) -> Sequence[Account]:
        return await self.inner.accounts(tenant)

    async def all_accounts(self, provider: str, name: str) -> Sequence[Account]:
        return await self.inner.all_accounts(provider, name)

    async def unfinished(self, account: AccountId, limit: int) -> Sequence[Polled]:
        return await self.inner.unfinished(account, limit)

    async def told(self, account: AccountId, status: Status, now: datetime) -> None:
        await self.inner.told(account, status, now)


async def a_phone() -> tuple[Engine, Sender]:
    here = engine()
    (phone,) = await here.world.phones()
    return here, phone


async def banned(here: Engine, phone: Sender) -> Sender:
    return await here.signal(phone.tenant, phone.id, SenderSignal.BANNED, why="403")


async def test_a_signal_is_stored_recorded_and_told() -> None:
    here, phone = await a_phone()

    after = await banned(here, phone)

    assert here.phone(phone.id) == after
    assert (after.state, after.state_reason) == (SenderState.BANNED, "403")
    (alert,) = here.alerts.told
    assert (alert.kind, alert.about) == ("phone.banned", str(phone.id))
    assert phone.number not in alert.says
    assert len(here.store.sender_moves) == 1


async def test_a_signal_that_means_nothing_stores_and_tells_nothing() -> None:
    here, phone = await a_phone()

    after = await here.signal(
        phone.tenant, phone.id, SenderSignal.CONNECTED, why="health check"
    )

    assert after == phone
    assert here.told() == []
    assert here.store.sender_moves == []


async def test_the_same_incident_is_told_once_until_it_is_over() -> None:
    here, phone = await a_phone()
    for signal in (
        SenderSignal.DISCONNECTED,
        SenderSignal.DISCONNECTED,
        SenderSignal.CONNECTED,
        SenderSignal.DISCONNECTED,
    ):
        await here.signal(phone.tenant, phone.id, signal, why="test")

    assert here.told() == ["phone.offline", "phone.offline"]


async def test_what_somebody_else_changed_meanwhile_is_decided_again() -> None:
    here, phone = await a_phone()
    contested = Contested(here.world.senders, times=4)

    after = await evolve(here.signal, senders=contested)(
        phone.tenant, phone.id, SenderSignal.BANNED, why="403"
    )

    assert after.state is SenderState.BANNED


async def test_a_ban_is_never_lost_in_silence() -> None:
    here, phone = await a_phone()
    contested = Contested(here.world.senders, times=5)

    with pytest.raises(Unavailable, match=str(phone.id)):
        await evolve(here.signal, senders=contested)(
            phone.tenant, phone.id, SenderSignal.BANNED, why="403"
        )

    assert here.phone(phone.id).state is SenderState.ACTIVE


async def test_what_ends_by_itself_leaves_a_duty() -> None:
    here, phone = await a_phone()

    await here.signal(phone.tenant, phone.id, SenderSignal.LOCKED, why="463")

    (duty,) = (
        row.duty
        for (kind, _), row in here.store.duties.items()
        if kind is DutyKind.SENDER_TIMEOUT
    )
    assert duty.key == str(phone.id)
    assert duty.due_at == here.clock.engine + DAY


async def test_a_time_out_says_when_to_look_again() -> None:
    here, phone = await a_phone()
    await here.signal(phone.tenant, phone.id, SenderSignal.LOCKED, why="463")

    early = await here.signal.time_out(phone.tenant, phone.id)
    here.pass_time(DAY)
    late = await here.signal.time_out(phone.tenant, phone.id)

    assert early == here.clock.engine
    assert late is None
    assert here.phone(phone.id).state is SenderState.ACTIVE


async def test_a_time_out_that_is_contested_is_not_forgotten() -> None:
    here, phone = await a_phone()
    await here.signal(phone.tenant, phone.id, SenderSignal.LOCKED, why="463")
    here.pass_time(DAY)
    contested = Contested(here.world.senders, times=5)

    with pytest.raises(Unavailable):
        await evolve(here.signal, senders=contested).time_out(phone.tenant, phone.id)


async def test_a_phone_that_is_not_there_is_named() -> None:
    here, phone = await a_phone()
    nobody = SenderId(uid(77))

    with pytest.raises(NotFound, match=str(nobody)):
        await here.signal(phone.tenant, nobody, SenderSignal.BANNED, why="403")


async def test_another_tenants_phone_is_not_there() -> None:
    here, phone = await a_phone()

    with pytest.raises(NotFound):
        await here.signal(here.world.stranger, phone.id, SenderSignal.BANNED, why="403")


class Killed(BaseException):
    """The process is gone."""


@frozen
class Dying(MemoryIntents):
    """T2 is committed, and whoever asked for it never hears of it."""

    async def settle(self, results: Sequence[Result]) -> Sequence[Left]:
        await MemoryIntents.settle(self, results)
        raise Killed


async def killed_after(here: Engine, answer: Answer) -> None:
    here.gateway.script(answer)
    with pytest.raises(Killed):
        await here.send(Dying(here.store))


async def test_a_lock_survives_whoever_dies_after_t2() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(2)
    until = here.clock.engine + 7 * HOUR
    await killed_after(here, Refused(Refusal.COLD_RESTRICTED, "463", until))
    before = here.phone(phone.id).state

    await here.duties()

    locked = here.phone(phone.id)
    assert before is SenderState.ACTIVE
    assert (locked.state, locked.until) == (SenderState.REACHOUT_LOCKED, until)
    assert locked.state_reason == "463"
    assert here.told() == ["phone.reachout_locked"]
    assert len(here.spent(phone)) == 1
    here.pass_time(3 * MINUTE)
    assert await here.world.claims() == []


@pytest.mark.parametrize("lane", [True, False])
async def test_failed_authentication_survives_whoever_dies_after_t2(
    *, lane: bool
) -> None:
    here = engine()
    phone, _ = await here.world.phone_with()
    failed = SenderSignal.AUTH_FAILED
    await killed_after(here, NotAccepted(lane=lane, detail="401", signal=failed))

    await here.duties()

    assert here.phone(phone.id).state is SenderState.OFFLINE
    assert here.told() == ["phone.offline"]


async def test_what_was_carried_out_at_once_is_not_done_again_by_its_duty() -> None:
    here = engine()
    phone, _ = await here.world.phone_with()
    here.gateway.script(NotAccepted(lane=True, signal=SenderSignal.PAUSE))
    await here.send()
    paused = here.phone(phone.id).state
    await here.signal(phone.tenant, phone.id, SenderSignal.RESUME, why="ok", by="ana")

    await here.duties()

    assert paused is SenderState.PAUSED
    assert here.phone(phone.id).state is SenderState.ACTIVE
