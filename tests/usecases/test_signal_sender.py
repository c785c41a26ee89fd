"""News of a phone is never lost, and each incident is told once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest
from attrs import define, evolve
from tests.unit.cases import uid
from tests.usecases.engine import DAY, Engine, engine

from outreach.domain.change import DutyKind
from outreach.domain.errors import NotFound, Unavailable
from outreach.domain.ids import AccountId, SenderId, TenantId
from outreach.domain.sender import NewSender, Sender, SenderSignal, SenderState
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
