"""INV-15: a breach pauses the sender and alerts; it is never passed over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from attrs import evolve
from tests.contract.audit_spoils import MemorySpoils
from tests.usecases.engine import DAY, HOUR, MINUTE, Engine, engine

from outreach.adapters.memory.guard import MemoryGuard
from outreach.domain.auditing import AUDIT_EVERY, Audited, Check
from outreach.domain.budget import Grant, Units, UnitSlot
from outreach.domain.change import Duty, DutyKind
from outreach.domain.errors import Unavailable
from outreach.domain.invariants import Invariant
from outreach.domain.sender import Sender, SenderSignal, SenderState
from outreach.domain.usecases.audit_ledger import ALERT, AuditLedger
from outreach.domain.usecases.send_next import Step
from outreach.ports.alerts import Alert


class Deaf(MemoryGuard):
    """Its rebuild does nothing."""

    async def rebuild(self, units: Sequence[Units]) -> None:
        del units


class Away(MemoryGuard):
    async def peek(self, slots: Sequence[UnitSlot]) -> Sequence[Grant]:
        del slots
        message = "no answer"
        raise Unavailable(message)


class Dying:
    """Alerts that end the process at the first one."""

    async def raise_(self, alert: Alert) -> None:
        raise KeyboardInterrupt(alert.kind)

    async def over(self, kind: str, about: str) -> None:
        del kind, about


async def sent() -> tuple[Engine, Sender, dict[str, Any]]:
    """A world in which one message was sent, and the ids around it."""
    here = engine()
    (phone,) = await here.world.phones()
    await here.world.line(phone)
    await here.world.quiet()
    assert await here.send() is Step.ACCEPTED
    (row,) = here.store.attempts.values()
    ids = {
        "attempt": row.parcel.attempt,
        "intent": row.intent,
        "lead": row.lead,
        "sender": phone.id,
    }
    return here, phone, ids


async def audited(here: Engine, ledger: AuditLedger | None = None) -> Audited:
    since = here.clock.engine - DAY
    return await (ledger or here.audit)(here.world.tenant, since, by="ana")


async def state(here: Engine, phone: Sender) -> SenderState:
    return (await here.world.senders.by_id(phone.tenant, phone.id)).state


async def test_a_healthy_ledger_is_left_alone() -> None:
    here, phone, _ = await sent()

    made = await audited(here)

    assert made == Audited((), (), len(Check))
    assert await state(here, phone) is SenderState.ACTIVE
    assert here.alerts.told == []


async def test_a_breach_pauses_its_sender_until_a_person_resumes_it() -> None:
    here, phone, of = await sent()
    await MemorySpoils(here.store)(Check.MESSAGE_TWICE, new=uuid4(), **of)

    made = await audited(here)

    (breach,) = made.breaches
    after = await here.world.senders.by_id(phone.tenant, phone.id)
    assert made.fresh == made.breaches
    assert breach.invariant is Invariant.ONE_SEND_PER_STEP
    assert (breach.sender, breach.tenant) == (phone.id, phone.tenant)
    assert (after.state, after.until) == (SenderState.PAUSED, None)
    assert str(of["intent"]) in after.state_reason
    assert [(one.kind, one.about) for one in here.alerts.told] == [
        (ALERT, str(phone.id))
    ]
    assert str(breach) in here.alerts.told[0].says


async def test_what_was_acted_upon_is_told_but_pauses_nobody_again() -> None:
    here, phone, of = await sent()
    await MemorySpoils(here.store)(Check.MESSAGE_TWICE, new=uuid4(), **of)
    first = await audited(here)
    await here.signal(phone.tenant, phone.id, SenderSignal.RESUME, why="looked at it")

    second = await audited(here)

    assert second.breaches == first.breaches
    assert second.fresh == ()
    assert await state(here, phone) is SenderState.ACTIVE
    assert len(here.alerts.told) == 1


async def test_a_second_breach_of_a_resumed_sender_pauses_it_again() -> None:
    here, phone, of = await sent()
    spoil = MemorySpoils(here.store)
    await spoil(Check.MESSAGE_TWICE, new=uuid4(), **of)
    await audited(here)
    await here.signal(phone.tenant, phone.id, SenderSignal.RESUME, why="looked at it")
    await spoil(Check.OTHER_PAYLOAD, **of)

    made = await audited(here)

    assert [one.invariant for one in made.fresh] == [Invariant.ATTEMPT_FIRST]
    assert await state(here, phone) is SenderState.PAUSED
    assert len(here.alerts.told) == 2


async def test_a_pause_that_would_end_by_itself_does_not_end_any_more() -> None:
    here, phone, of = await sent()
    await here.signal(phone.tenant, phone.id, SenderSignal.DOUBTFUL, why="5 of 10")
    await MemorySpoils(here.store)(Check.OTHER_PAYLOAD, **of)

    await audited(here)
    await here.signal.time_out(phone.tenant, phone.id)

    after = await here.world.senders.by_id(phone.tenant, phone.id)
    assert (after.state, after.until) == (SenderState.PAUSED, None)


async def test_a_breach_of_nobodys_alerts_all_the_same() -> None:
    here, phone, of = await sent()
    await MemorySpoils(here.store)(Check.JOURNEY_DIFFERS, **of)

    await audited(here)

    about = f"{Invariant.ORDER_IS_NOTHING} {of['lead']}"
    assert [(one.kind, one.about) for one in here.alerts.told] == [(ALERT, about)]
    assert await state(here, phone) is SenderState.ACTIVE


@pytest.mark.parametrize("signal", [SenderSignal.BANNED, SenderSignal.DISCONNECTED])
async def test_a_sender_that_is_away_alerts_all_the_same(signal: SenderSignal) -> None:
    here, phone, of = await sent()
    await here.signal(phone.tenant, phone.id, signal, why="the provider says so")
    here.alerts.told.clear()
    await MemorySpoils(here.store)(Check.OTHER_PAYLOAD, **of)

    await audited(here)

    assert [one.kind for one in here.alerts.told] == [ALERT]


async def test_an_audit_that_died_before_it_acted_acts_again() -> None:
    here, phone, of = await sent()
    await MemorySpoils(here.store)(Check.OTHER_PAYLOAD, **of)
    with pytest.raises(KeyboardInterrupt):
        await audited(here, evolve(here.audit, alerts=Dying()))

    made = await audited(here)

    assert len(made.fresh) == 1
    assert await state(here, phone) is SenderState.PAUSED


async def test_a_send_on_a_holiday_is_outside_the_window() -> None:
    here, phone, of = await sent()
    here.days.days = frozenset({here.clock.engine.date()})

    made = await audited(here)

    (breach,) = made.breaches
    assert breach.invariant is Invariant.WINDOW
    assert breach.subject == str(of["attempt"])
    assert await state(here, phone) is SenderState.PAUSED


async def test_a_send_after_the_window_closed_is_outside_it() -> None:
    here, _, of = await sent()
    here.store.attempts[of["attempt"]].called_at += 9 * HOUR

    made = await audited(here)

    assert Invariant.WINDOW in {one.invariant for one in made.breaches}


async def test_a_send_that_a_person_allowed_needs_no_window() -> None:
    here, _, of = await sent()
    row = here.store.intents[of["intent"]]
    row.intent = evolve(row.intent, permission="ana: asked for it by phone")
    here.days.days = frozenset({here.clock.engine.date()})

    made = await audited(here)

    assert made.breaches == ()


async def test_a_guard_that_lost_units_is_rebuilt_and_no_breach() -> None:
    here, _, of = await sent()
    (slot,) = await here.world.audit.slots(here.world.tenant)
    await here.guard.release(of["intent"], slot)

    made = await audited(here)

    assert made.breaches == ()
    assert await here.guard.held(slot) == {of["intent"]}


async def test_a_guard_that_cannot_be_brought_to_the_ledger_is_one() -> None:
    here, phone, of = await sent()
    (slot,) = await here.world.audit.slots(here.world.tenant)
    deaf = Deaf(here.clock.monotonic)
    await MemoryGuard.rebuild(deaf, await here.world.intents.units([slot]))
    await deaf.release(of["intent"], slot)

    made = await audited(here, evolve(here.audit, guard=deaf))

    (breach,) = made.breaches
    assert breach.invariant is Invariant.UNITS_AGREE
    assert breach.sender == phone.id


async def test_an_emptied_guard_is_no_breach() -> None:
    here, _, _ = await sent()
    here.guard.flush()

    assert (await audited(here)).breaches == ()


async def test_a_guard_that_is_away_is_said_and_the_rest_is_checked() -> None:
    here, _, of = await sent()
    await MemorySpoils(here.store)(Check.OTHER_PAYLOAD, **of)

    made = await audited(here, evolve(here.audit, guard=Away()))

    assert len(made.breaches) == 1
    assert [check for check, _ in made.left_out] == [Check.GUARD_FORGETS]
    assert made.checks == len(Check) - 1


async def test_workers_audit_every_hour() -> None:
    here, phone, of = await sent()
    now = here.clock.engine
    duty = Duty(DutyKind.AUDIT, str(phone.tenant), phone.tenant, now)
    await here.world.duties.put([duty])
    await MemorySpoils(here.store)(Check.OTHER_PAYLOAD, **of)

    await here.duties()
    await here.world.duties.put([duty])
    again = here.store.duties[DutyKind.AUDIT, str(phone.tenant)].duty.due_at

    assert await state(here, phone) is SenderState.PAUSED
    assert again <= now + AUDIT_EVERY
    assert here.store.audit.last[phone.tenant][0] == now
    assert MINUTE < AUDIT_EVERY == HOUR
