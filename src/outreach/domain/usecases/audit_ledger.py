"""Check the invariants over a live ledger, and act on every breach."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from outreach.domain.auditing import (
    Audited,
    Check,
    Finding,
    SendFact,
    breach_of,
    outside_window,
)
from outreach.domain.budget import GuardCode, UnitSlot
from outreach.domain.errors import NotFound, Unavailable
from outreach.domain.ids import TenantId
from outreach.domain.invariants import Breach
from outreach.domain.sender import SenderSignal
from outreach.domain.usecases.signal_sender import SignalSender
from outreach.domain.window import Window
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.audit import Audit, Cursor
from outreach.ports.calendar import Calendar
from outreach.ports.guard import Guard
from outreach.ports.intents import Intents

__all__ = ["ALERT", "AuditLedger"]

ALERT: Final = "invariant.breach"

_PAGE: Final = 2_000
_A_DAY: Final = timedelta(days=1)


@frozen
class AuditLedger:
    """INV-15: what an audit finds pauses the senders concerned and alerts.

    It is recorded only after that, so that an audit that dies on its way acts again;
    what is recorded does not pause again a sender that a person has let go on.
    """

    audit: Audit
    intents: Intents
    guard: Guard
    calendar: Calendar
    signal: SignalSender
    alerts: Alerts

    async def __call__(self, tenant: TenantId, since: datetime, *, by: str) -> Audited:
        """Check everything since an engine time.

        Args:
            tenant: whose.
            since: see `outreach.ports.audit.Audit`.
            by: who asked for it, for the record.

        Raises:
            Unavailable: the ledger does not answer.
        """
        found = [*await self.audit.findings(tenant, since)]
        found += await self._windows(tenant, since)
        left_out: list[tuple[Check, str]] = []
        try:
            found += await self._guard(tenant)
        except Unavailable as error:
            left_out.append((Check.GUARD_FORGETS, str(error)))
        news = await self.audit.news(tenant, found)
        fresh = [breach_of(tenant, one) for one in news]
        for breach in fresh:
            await self._act(tenant, breach)
        await self.audit.record(tenant, found, news, by=by)
        return Audited(
            tuple(breach_of(tenant, one) for one in found),
            tuple(fresh),
            len(Check) - len(left_out),
            tuple(left_out),
        )

    async def _act(self, tenant: TenantId, breach: Breach) -> None:
        about = breach.sender or f"{breach.invariant} {breach.subject}"
        await self.alerts.raise_(Alert(ALERT, str(about), str(breach)))
        if breach.sender is None:
            return
        try:
            await self.signal(
                tenant, breach.sender, SenderSignal.BREACH, why=str(breach)
            )
        except NotFound:
            return  # it is gone, and sends nothing

    async def _windows(self, tenant: TenantId, since: datetime) -> list[Finding]:
        found: list[Finding] = []
        after: Cursor | None = None
        while page := await self.audit.sends(tenant, since, after, _PAGE):
            seen = (outside_window(fact, self._holidays(fact)) for fact in page)
            found += [one for one in seen if one is not None]
            after = (page[-1].called_at, page[-1].attempt)
        return found

    def _holidays(self, fact: SendFact) -> Window:
        """From a day back, for it may be last year there."""
        year = (fact.called_at - _A_DAY).year
        days = self.calendar.holidays(fact.window.country, year)
        return evolve(fact.window, holidays=days)

    async def _guard(self, tenant: TenantId) -> list[Finding]:
        """Where guard and ledger differ it is rebuilt, which is what reconciles them.

        It may hold more than the ledger afterwards, for what is asked for this very
        moment; never less. A slot that must be rebuilt first is no breach: nothing is
        granted from it.
        """
        slots = list(await self.audit.slots(tenant))
        short = await self._short(slots)
        if short:
            await self.guard.rebuild(await self.intents.units(short))
        return [
            Finding(Check.GUARD_FORGETS, f"{slot.sender} {slot.day}", "", slot.sender)
            for slot in await self._short(short)
        ]

    async def _short(self, slots: Sequence[UnitSlot]) -> list[UnitSlot]:
        """Slots whose guard lacks a unit that the ledger held before and after."""
        if not slots:
            return []
        before = await self.intents.units(slots)
        grants = await self.guard.peek(slots)
        after = await self.intents.units(slots)
        return [
            one.slot
            for one, grant, then in zip(before, grants, after, strict=True)
            if grant.code is GuardCode.OK and grant.used < len({*one.ids} & {*then.ids})
        ]
