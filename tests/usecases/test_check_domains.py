"""A sender whose domain is not ready sends nothing until it is."""

from __future__ import annotations

from attrs import evolve
from tests.usecases.engine import Engine, engine

from outreach.domain.change import Duty, DutyKind
from outreach.domain.ids import AccountId
from outreach.domain.sender import Sender, SenderState
from outreach.domain.usecases.do_duties import HEALTH_EVERY
from outreach.ports.domains import AccountDomain
from outreach.testing.world import A

ACTIVE, OFFLINE = SenderState.ACTIVE, SenderState.OFFLINE


async def mailboxes(*addresses: str) -> tuple[Engine, AccountId]:
    here = engine()
    made = await here.world.phones(len(addresses))
    for sender, number in zip(made, addresses, strict=True):
        here.lane(sender).sender = evolve(sender, number=number)
    return here, made[0].account


async def check(here: Engine, account: AccountId) -> None:
    now = here.clock.engine
    await here.world.duties.put(
        [Duty(DutyKind.HEALTH, str(account), here.world.tenant, now)]
    )
    duties = evolve(here.do_duties, lists={}, domains={account: here.gateway})
    await duties(A)
    here.pass_time(HEALTH_EVERY)


def senders(here: Engine) -> list[Sender]:
    return [lane.sender for lane in here.store.lanes.values()]


async def test_only_senders_of_a_domain_that_is_not_ready_are_offline() -> None:
    here, account = await mailboxes("a@ok.ro", "b@bad.ro", "c@bad.ro", "d@no.ro")
    here.gateway.owned += [
        AccountDomain("ok.ro", ready=True),
        AccountDomain("bad.ro", ready=False, says="failed"),
    ]

    await check(here, account)

    assert [one.state for one in senders(here)] == [ACTIVE, OFFLINE, OFFLINE, OFFLINE]
    assert senders(here)[1].state_reason == "its domain is failed"
    assert here.told().count("domain.fault") == 2
    says = [one.says for one in here.alerts.told if one.kind == "domain.fault"]
    assert says == [
        "bad.ro is failed at its provider",
        "no.ro is unknown at its provider",
    ]


async def test_they_are_back_when_it_is_ready_and_the_incident_is_over() -> None:
    here, account = await mailboxes("a@bad.ro")
    here.gateway.owned.append(AccountDomain("bad.ro", ready=False, says="pending"))
    await check(here, account)
    await check(here, account)
    here.gateway.owned[:] = [AccountDomain("bad.ro", ready=True)]

    await check(here, account)

    assert [one.state for one in senders(here)] == [ACTIVE]
    assert ("domain.fault", f"{account}/bad.ro") not in here.alerts.open


async def test_a_provider_that_cannot_be_asked_says_nothing_of_its_domains() -> None:
    here, account = await mailboxes("a@bad.ro")
    here.gateway.is_reachable = False

    await check(here, account)

    assert [one.state for one in senders(here)] == [ACTIVE]


async def test_a_key_that_is_refused_is_told_and_moves_nobody() -> None:
    here, account = await mailboxes("a@bad.ro")
    here.gateway.accepts_us = False

    await check(here, account)

    assert [one.state for one in senders(here)] == [ACTIVE]
    assert here.told() == ["provider.unhealthy"]
