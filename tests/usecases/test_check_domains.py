"""A sender whose domain is not ready sends nothing until it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from attrs import define, evolve, field
from tests.usecases.engine import Engine, engine

from outreach.domain.budget import WarmUp
from outreach.domain.change import Duty, DutyKind
from outreach.domain.errors import Unavailable
from outreach.domain.ids import AccountId
from outreach.domain.sender import Sender, SenderState
from outreach.domain.usecases.do_duties import HEALTH_EVERY
from outreach.domain.window import local_day
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


# --- domains that we ask the DNS about ourselves


@define
class Ours:
    """What the DNS says; a domain that is not here could not be asked about."""

    says: dict[str, str] = field(factory=dict)
    asked: list[str] = field(factory=list)

    async def examine(self, names: Sequence[str]) -> Sequence[AccountDomain]:
        self.asked += names
        found = [
            AccountDomain(name, ready=not self.says[name], says=self.says[name])
            for name in names
            if name in self.says
        ]
        if names and not found:
            message = "the DNS is away"
            raise Unavailable(message)
        return found


async def examine(here: Engine, account: AccountId, dns: Ours) -> None:
    await here.world.duties.put(
        [Duty(DutyKind.HEALTH, str(account), here.world.tenant, here.clock.engine)]
    )
    duties = evolve(here.do_duties, lists={}, domains={account: dns})
    await duties(A)
    here.pass_time(HEALTH_EVERY)


def state(here: Engine, n: int = 0) -> tuple[SenderState, str]:
    one = senders(here)[n]
    return one.state, one.state_reason


async def test_a_domain_at_fault_rests_its_mailboxes_until_it_is_mended() -> None:
    here, account = await mailboxes("a@bad.ro", "b@bad.ro", "c@ok.ro")
    dns = Ours({"bad.ro": "no SPF", "ok.ro": ""})

    await examine(here, account, dns)
    fallen = [one.state for one in senders(here)]
    why = state(here)[1]
    dns.says["bad.ro"] = ""
    await examine(here, account, dns)

    assert fallen == [OFFLINE, OFFLINE, ACTIVE]
    assert why == "its domain is not ready: no SPF"
    says = [one.says for one in here.alerts.told if one.kind == "domain.fault"]
    assert says == ["bad.ro is not ready: no SPF"]
    assert [one.state for one in senders(here)] == [ACTIVE, ACTIVE, ACTIVE]
    assert ("domain.fault", f"{account}/bad.ro") not in here.alerts.open
    assert dns.asked == ["bad.ro", "ok.ro"] * 2


async def test_a_domain_in_order_brings_back_no_mailbox_that_is_away_for_itself() -> (
    None
):
    here, account = await mailboxes("a@ok.ro")
    (mailbox,) = senders(here)
    here.lane(mailbox).sender = evolve(
        mailbox, state=OFFLINE, state_reason="sign-in: 535 5.7.8 sign-in not accepted"
    )

    await examine(here, account, Ours({"ok.ro": ""}))

    assert state(here)[0] is OFFLINE


async def test_a_domain_that_could_not_be_asked_about_is_left_as_it_is() -> None:
    here, account = await mailboxes("a@bad.ro", "b@silent.ro")

    await examine(here, account, Ours({"bad.ro": "no MX"}))
    await examine(here, account, Ours())

    assert [one.state for one in senders(here)] == [OFFLINE, ACTIVE]


async def test_a_mailbox_that_a_person_paused_is_paused_again_afterwards() -> None:
    here, account = await mailboxes("a@bad.ro")
    (mailbox,) = senders(here)
    paused = evolve(mailbox, state=SenderState.PAUSED)
    here.lane(mailbox).sender = paused
    dns = Ours({"bad.ro": "no MX"})

    await examine(here, account, dns)
    during = state(here)[0]
    dns.says["bad.ro"] = ""
    await examine(here, account, dns)

    assert (during, state(here)[0]) == (OFFLINE, SenderState.PAUSED)


async def test_a_warm_up_that_is_over_is_told() -> None:
    here, account = await mailboxes("a@ok.ro", "b@ok.ro")
    today = local_day(here.clock.engine, senders(here)[0].time_zone)
    for mailbox, days in zip(senders(here), (14, 30), strict=True):
        began = today - timedelta(days=20)
        here.lane(mailbox).sender = evolve(
            mailbox, state=SenderState.WARMING, warm_up=WarmUp(began, days, 5)
        )

    await examine(here, account, Ours({"ok.ro": ""}))

    assert [one.state for one in senders(here)] == [ACTIVE, SenderState.WARMING]
