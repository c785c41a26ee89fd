"""Pause, quarantine or free a sender because of what its calls say."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from typing import Final

from attrs import frozen

from outreach.domain.ids import AccountId, AttemptId, SenderId, TenantId
from outreach.domain.sender import Sender, SenderSignal, SenderState
from outreach.domain.signs import (
    DOUBT_PAUSE,
    PAUSES_BY_ITSELF,
    SILENCE,
    UNHEALTHY,
    is_silent,
)
from outreach.domain.usecases.signal_sender import SignalSender
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.senders import Senders
from outreach.ports.watch import Watch

__all__ = ["WatchSenders"]

_GONE: Final = frozenset(
    {
        SenderState.OFFLINE,
        SenderState.RECONNECTING,
        SenderState.BANNED,
        SenderState.RETIRED,
    }
)
"""That nothing comes back from these is known already."""


@frozen
class WatchSenders:
    """Each verb is the duty of one sender; doing it twice is doing it once.

    Attributes:
        answering: accounts whose provider tells how far messages came; of the others
            silence says nothing.
    """

    watch: Watch
    senders: Senders
    signal: SignalSender
    alerts: Alerts
    answering: Container[AccountId]

    async def said(self, tenant: TenantId, attempt: AttemptId) -> None:
        """What the end of that call said of its sender, unless it is carried out.

        Raises:
            NotFound: there is no such sender.
            Unavailable: somebody else kept changing it; nothing was changed.
        """
        said = await self.watch.said(tenant, attempt)
        if said is None:
            return
        await self.signal(
            tenant, said.sender, said.signal, why=said.why, until=said.until
        )
        await self.watch.carried_out(tenant, attempt)

    async def doubt(self, tenant: TenantId, sender: SenderId, now: datetime) -> None:
        """Too many calls without an outcome: a pause, the third of a day for good.

        Raises:
            NotFound: there is no such sender.
            Unavailable: somebody else kept changing it; nothing was changed.
        """
        signs = await self.watch.signs(tenant, sender)
        if signs.doubtful_at is None:
            return
        why = "too many calls without an outcome"
        if signs.pauses > PAUSES_BY_ITSELF:
            why = f"{why}, {signs.pauses} times in a day: a person must look"
            after = await self.signal(
                tenant, sender, SenderSignal.DOUBTFUL_AGAIN, why=why
            )
        else:
            until = signs.doubtful_at + DOUBT_PAUSE
            if now >= until:
                return
            after = await self.signal(
                tenant, sender, SenderSignal.DOUBTFUL, why=why, until=until
            )
        if after.state is SenderState.PAUSED:
            # Who died between the pause and its alert must not have kept it silent.
            says = f"{after.label or sender} is {after.state}: {why}"
            await self.alerts.raise_(Alert("unknown.high", str(sender), says))

    async def silence(
        self, tenant: TenantId, sender: SenderId, now: datetime
    ) -> datetime | None:
        """Quarantine a sender nothing comes back from, or free it; when to look again.

        Raises:
            NotFound: there is no such sender.
            Unavailable: somebody else kept changing it; nothing was changed.
        """
        known = await self.senders.by_id(tenant, sender)
        signs = await self.watch.signs(tenant, sender)
        if signs.unanswered_since is None:
            await self._heard(known)
            return None
        if known.account not in self.answering or known.state in _GONE:
            return None
        if not is_silent(signs, now):
            due = signs.unanswered_since + SILENCE
            return due if now < due else None  # the next send asks for a look
        minutes = SILENCE.total_seconds() / 60
        why = f"nothing came back from {signs.unanswered} sends in {minutes:g} minutes"
        await self.signal(tenant, sender, SenderSignal.SILENT, why=why)
        says = f"{known.label or sender}: {why}"
        await self.alerts.raise_(Alert("phone.silent", str(sender), says))
        again = await self.watch.signs(tenant, sender)
        if again.unanswered_since is None:  # it came while this was written
            await self._heard(await self.senders.by_id(tenant, sender))
        return None

    async def _heard(self, sender: Sender) -> None:
        if SenderState.QUARANTINE in {sender.state, sender.state_before}:
            why = "something came back again"
            await self.signal(sender.tenant, sender.id, SenderSignal.HEARD, why=why)

    async def refusal(self, tenant: TenantId, sender: SenderId, now: datetime) -> None:
        """An account that refuses for an hour is one incident, of all its lanes.

        Raises:
            NotFound: there is no such sender.
        """
        known = await self.senders.by_id(tenant, sender)
        about = f"{known.account}/sends"
        own = (await self.watch.signs(tenant, sender)).refused_since
        if own is not None and now >= own + UNHEALTHY:
            says = f"{known.provider} has refused sends since {own.isoformat()}"
            await self.alerts.raise_(Alert("provider.unhealthy", about, says))
            return
        others = await self.watch.refused_since(tenant, known.account)
        if others is None or now < others + UNHEALTHY:
            await self.alerts.over("provider.unhealthy", about)
