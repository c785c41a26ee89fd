"""Move a sender because of something that happened to it, and tell people."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import frozen

from outreach.domain.change import Duty, DutyKind
from outreach.domain.ids import SenderId, TenantId
from outreach.domain.sender import (
    Sender,
    SenderMove,
    SenderSignal,
    signalled,
    timed_out,
)
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.clock import Clock
from outreach.ports.duties import Duties
from outreach.ports.senders import Senders

__all__ = ["SignalSender"]

_TRIES: Final = 5


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
        """The sender as it is afterwards."""
        for _ in range(_TRIES):
            before = await self.senders.by_id(tenant, sender)
            now = await self.clock.now()
            move = signalled(before, signal, now, why=why, until=until)
            if await self._store(before, move, by):
                return move.sender
        return await self.senders.by_id(tenant, sender)

    async def time_out(self, tenant: TenantId, sender: SenderId) -> datetime | None:
        """Move a sender whose time has run out; when to look again."""
        before = await self.senders.by_id(tenant, sender)
        move = timed_out(before, await self.clock.now())
        await self._store(before, move, "time")
        return move.sender.until

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
        return True
