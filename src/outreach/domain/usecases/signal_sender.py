"""Move a sender because of something that happened to it, and tell people."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import frozen

from outreach.domain.change import Duty, DutyKind
from outreach.domain.errors import Unavailable
from outreach.domain.ids import AccountId, SenderId, TenantId
from outreach.domain.sender import (
    ALERTS,
    MAIL_ALERT,
    Sender,
    SenderMove,
    SenderSignal,
    SenderState,
    signalled,
    timed_out,
)
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.clock import Clock
from outreach.ports.duties import Duties
from outreach.ports.senders import Senders

__all__ = ["WRONG_SENDER", "SignalSender"]

WRONG_SENDER: Final = "a message left from another number than the planned one"
"""Why a sender is stopped by MISMATCH."""

_TRIES: Final = 5
_AT_WORK: Final = frozenset({SenderState.ACTIVE, SenderState.WARMING})
_INCIDENTS: Final = tuple(sorted({*ALERTS.values(), MAIL_ALERT}))


@frozen
class SignalSender:
    """Load, decide, compare and set; again if somebody else moved it meanwhile."""

    senders: Senders
    duties: Duties
    clock: Clock
    alerts: Alerts

    async def __call__(
        self,
        tenant: TenantId,
        sender: SenderId,
        signal: SenderSignal,
        *,
        why: str,
        until: datetime | None = None,
        by: str = "engine",
    ) -> Sender:
        """The sender as it is afterwards.

        Raises:
            NotFound: there is no such sender.
            Unavailable: somebody else kept changing it; nothing was changed.
        """
        for _ in range(_TRIES):
            before = await self.senders.by_id(tenant, sender)
            now = await self.clock.now()
            move = signalled(before, signal, now, why=why, until=until)
            if await self._store(before, move, by):
                return move.sender
        raise _busy(sender)

    async def time_out(self, tenant: TenantId, sender: SenderId) -> datetime | None:
        """Move a sender whose time has run out; when to look again.

        Raises:
            NotFound: there is no such sender.
            Unavailable: somebody else kept changing it; nothing was changed.
        """
        for _ in range(_TRIES):
            before = await self.senders.by_id(tenant, sender)
            move = timed_out(before, await self.clock.now())
            if await self._store(before, move, "time"):
                return move.sender.until
        raise _busy(sender)

    async def have_checked(self, tenant: TenantId, account: AccountId) -> None:
        """Have the provider asked, as soon as may be, what its phones can do."""
        now = await self.clock.now()
        await self.duties.put([Duty(DutyKind.HEALTH, str(account), tenant, now)])

    async def _store(self, before: Sender, move: SenderMove, by: str) -> bool:
        if not move.moved:
            return True
        if not await self.senders.change(before, move.sender, by=by):
            return False
        if move.sender.until is not None:
            duty = Duty(
                DutyKind.SENDER_TIMEOUT,
                str(move.sender.id),
                move.sender.tenant,
                move.sender.until,
            )
            await self.duties.put([duty])
        if move.alert:
            says = f"{before.label or before.id} is {move.sender.state}"
            await self.alerts.raise_(Alert(move.alert, str(before.id), says))
        elif move.sender.state in _AT_WORK:
            for kind in _INCIDENTS:
                await self.alerts.over(kind, str(before.id))
        return True


def _busy(sender: SenderId) -> Unavailable:
    return Unavailable(f"sender {sender} changed {_TRIES} times meanwhile: try again")
