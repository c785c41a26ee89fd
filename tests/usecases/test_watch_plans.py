"""A plan that is nearly used is told once, and a full one holds its whole account."""

from __future__ import annotations

from attrs import evolve
from tests.usecases.engine import DAY, HOUR, MINUTE, Engine, engine

from outreach.domain.allowance import Allowance, Counted, Period, Use
from outreach.domain.change import Duty, DutyKind
from outreach.domain.decision import Reason
from outreach.domain.sender import Sender
from outreach.domain.usecases.send_next import Step
from outreach.testing.world import A


async def bounded(allowance: Allowance, *, leads: int = 9) -> tuple[Engine, Sender]:
    here = engine()
    phone, _ = await here.world.phone_with(leads)
    await here.world.accounts.allow(here.world.tenant, phone.account, allowance)
    return here, phone


async def asked(here: Engine) -> None:
    """The vendor, by the duty of its account."""
    (account,) = here.store.accounts
    tells = evolve(here.plans, tells={account: here.gateway})
    await evolve(here.do_duties, plans=tells)(A)


# --- 80 %


async def test_at_80_percent_people_are_told_once_until_the_period_ends() -> None:
    here, phone = await bounded(Allowance(per_day=10), leads=20)

    told = []
    for _ in range(10):
        assert await here.send() is Step.ACCEPTED
        await here.duties()
        here.pass_time(3 * MINUTE)
        told.append(here.told().count("provider.quota"))
    during = set(here.alerts.open)
    here.pass_time(DAY)
    await here.duties()

    assert told == [0] * 7 + [1] * 3
    assert during == {("provider.quota", f"{phone.account}/day")}
    assert not during & set(here.alerts.open)
    assert here.told().count("provider.quota") == 1


async def test_the_alert_says_how_much_is_used_and_until_when() -> None:
    here, phone = await bounded(Allowance(per_month=1))

    await here.send()
    await here.duties()

    (alert,) = [one for one in here.alerts.told if one.kind == "provider.quota"]
    assert alert.about == f"{phone.account}/month"
    assert alert.says == (
        "1 of 1 messages of its month are used; it ends at 2026-04-01T00:00:00+00:00"
    )


# --- what the vendor tells


async def test_the_vendor_is_asked_every_hour() -> None:
    here, phone = await bounded(Allowance(per_day=10))
    now = here.clock.engine
    duty = Duty(DutyKind.PLAN, str(phone.account), phone.tenant, now)
    await here.world.duties.put([duty])
    here.gateway.uses = [Use(Period.DAY, 8, 10)]

    await asked(here)
    first = here.told()
    here.gateway.uses = [Use(Period.DAY, 2, 100)]
    here.pass_time(HOUR)
    await asked(here)

    assert first == ["provider.quota"]
    assert not here.alerts.open
    view = await here.world.accounts.view(phone.tenant, phone.account)
    assert [(plan.used, plan.limit) for plan in view.plans] == [(2, 10)]


async def test_a_vendor_that_does_not_answer_is_asked_again() -> None:
    here, phone = await bounded(Allowance())
    duty = Duty(DutyKind.PLAN, str(phone.account), phone.tenant, here.clock.engine)
    await here.world.duties.put([duty])
    here.gateway.is_reachable = False

    await asked(here)
    here.gateway.is_reachable = True
    here.gateway.uses = [Use(Period.DAY, 5, 5)]
    here.pass_time(HOUR)
    await asked(here)

    assert here.told() == ["provider.quota"]
    assert await here.world.claims() == []


async def test_calls_that_run_out_are_told_once_and_hold_nothing_back() -> None:
    here, phone = await bounded(Allowance())
    duty = Duty(DutyKind.PLAN, str(phone.account), phone.tenant, here.clock.engine)
    await here.world.duties.put([duty])
    told = []
    for used in (79, 80, 90, 1):
        here.gateway.uses = [Use(Period.MONTH, used, 100, Counted.CALLS)]
        await asked(here)
        told.append((here.told().count("provider.quota"), len(here.alerts.open)))
        here.pass_time(HOUR)

    (alert,) = here.alerts.told
    assert told == [(0, 0), (1, 1), (1, 1), (1, 0)]
    assert alert.about == f"{phone.account}/calls"
    assert alert.says == "80 of 100 calls of its month are used"
    view = await here.world.accounts.view(phone.tenant, phone.account)
    assert view.plans == ()
    assert await here.send() is Step.ACCEPTED


# --- a send


async def test_a_call_of_many_takes_what_the_plan_has_left() -> None:
    here, phone = await bounded(Allowance(per_day=4))

    assert await here.send_many(9) is Step.ACCEPTED

    assert len(here.gateway.accepted) == 4
    assert here.spent(phone) == await here.reserved(phone)
    assert len(here.spent(phone)) == 4
    here.pass_time(HOUR)
    assert await here.world.claims() == []
    here.pass_time(DAY - HOUR)
    await here.send_many(9)
    assert len(here.gateway.accepted) == 8


async def test_no_lane_of_a_full_account_costs_anything() -> None:
    here = engine()
    phones = await here.world.phones(20)
    for phone in phones:
        await here.world.line(phone, 2)
    tenant, account = here.world.tenant, phones[0].account
    await here.world.accounts.allow(tenant, account, Allowance(per_day=1))
    (claim, *_) = await here.world.claims(limit=1)

    await here.sends()(claim, here.clock.monotonic())
    before = len(here.store.decisions)
    claims = await here.world.claims(limit=50)

    assert claims == []
    assert len(here.store.decisions) == before == 1
    await here.world.quiet()
    wait = await here.world.lanes.next_wake()
    assert wait is not None
    assert wait > 10 * HOUR


async def test_a_claim_that_meets_a_full_plan_closes_the_account() -> None:
    here, phone = await bounded(Allowance(per_day=2))
    claim = await here.world.claim()
    uses = [Use(Period.DAY, 2)]
    await here.world.accounts.told(phone.tenant, phone.account, uses)

    step = await here.sends()(claim, here.clock.monotonic())

    assert step is Step.NOT_ARMED
    assert here.gateway.arrivals == 0
    assert await here.reserved(phone) == frozenset()
    assert here.lane(phone).lease is None
    assert await here.world.claims() == []


async def test_a_message_that_waits_for_the_plan_is_put_off_with_its_account() -> None:
    here, phone = await bounded(Allowance(per_day=2))
    uses = [Use(Period.DAY, 2)]
    await here.world.accounts.told(phone.tenant, phone.account, uses)
    here.store.meters[phone.account].opens_at = None

    assert await here.send() is Step.PUT_OFF

    assert here.reasons() == [Reason.BUDGET_EXCEEDED]
    assert await here.world.claims() == []


async def test_an_empty_bucket_fails_no_message_and_wakes_in_time() -> None:
    here, phone = await bounded(Allowance(rate=0.001))

    assert await here.send() is Step.ACCEPTED
    here.pass_time(3 * MINUTE)
    early = await here.world.claims()
    await here.world.quiet()
    wait = await here.world.lanes.next_wake()
    assert wait is not None
    here.pass_time(wait)

    assert early == []
    assert wait > 13 * MINUTE
    assert await here.send() is Step.ACCEPTED
    assert here.reasons() == [Reason.OK] * 2
    assert phone.account in here.store.meters
