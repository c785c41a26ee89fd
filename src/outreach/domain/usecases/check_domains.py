"""Ask whether the domains that we send from are ready: a provider, or the DNS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import frozen

from outreach.domain.errors import OutreachError, RetryLater
from outreach.domain.ids import AccountId, TenantId
from outreach.domain.sender import Sender, SenderSignal, SenderState
from outreach.domain.usecases.signal_sender import SignalSender
from outreach.domain.window import local_day
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.domains import (
    NOT_READY,
    AccountDomain,
    ChecksDomains,
    ExaminesDomains,
)
from outreach.ports.senders import Senders

__all__ = ["CheckDomains", "domain_of"]

_AWAY: Final = frozenset({SenderState.OFFLINE, SenderState.RECONNECTING})


@frozen
class CheckDomains:
    """A sender whose domain is not ready is OFFLINE until it is.

    Its messages keep their places: what the provider would refuse is not tried.
    """

    senders: Senders
    signal: SignalSender
    alerts: Alerts

    async def __call__(
        self,
        tenant: TenantId,
        account: AccountId,
        provider: ChecksDomains | ExaminesDomains,
        now: datetime,
    ) -> None:
        """One alert for each domain that is at fault, until it is ready.

        Raises:
            Unavailable: the provider could not be asked; nothing is believed of it.
        """
        senders = [
            use.sender
            for use in await self.senders.all(tenant)
            if use.sender.account == account and use.sender.enabled
        ]
        try:
            listed = await _asked(provider, senders)
        except RetryLater:
            raise
        except OutreachError as error:
            says = Alert("provider.unhealthy", str(account), str(error))
            await self.alerts.raise_(says)
            return
        await self.alerts.over("provider.unhealthy", str(account))
        told: set[str] = set()
        ours = isinstance(provider, ExaminesDomains)
        for sender in senders:
            name = domain_of(sender)
            unknown = AccountDomain(name, ready=False, says="unknown")
            there = listed.get(name, None if ours else unknown)
            if there is None:
                continue  # it could not be asked about
            if name not in told:
                told.add(name)
                await self._tell(account, there, at_provider=not ours)
            await (self._believe if ours else self._move)(sender, there)
            await self._ramp(sender, now)

    async def _tell(
        self, account: AccountId, domain: AccountDomain, *, at_provider: bool
    ) -> None:
        about = f"{account}/{domain.name}"
        if domain.ready:
            await self.alerts.over("domain.fault", about)
            return
        says = f"{domain.name} is {domain.says or 'not ready'} at its provider"
        if not at_provider:
            says = f"{domain.name} is not ready: {domain.says}"
        await self.alerts.raise_(Alert("domain.fault", about, says))

    async def _move(self, sender: Sender, domain: AccountDomain) -> None:
        """What is as it was costs no look at the store."""
        if domain.ready is (sender.state not in _AWAY):
            return
        signal, why = SenderSignal.CONNECTED, "its domain is ready"
        if not domain.ready:
            signal = SenderSignal.DISCONNECTED
            why = f"its domain is {domain.says or 'not ready'}"
        await self.signal(sender.tenant, sender.id, signal, why=why)

    async def _ramp(self, sender: Sender, now: datetime) -> None:
        """Out of its warm-up, once the whole limit holds."""
        warm_up, today = sender.warm_up, local_day(now, sender.time_zone)
        over = warm_up is not None and warm_up.is_over(today)
        if over and sender.state is SenderState.WARMING:
            signal, why = SenderSignal.RAMPED, "the ramp is done"
            await self.signal(sender.tenant, sender.id, signal, why=why)

    async def _believe(self, sender: Sender, domain: AccountDomain) -> None:
        """A domain is back; a mailbox that is away for another reason is not."""
        held = sender.state in _AWAY and sender.state_reason.startswith(NOT_READY)
        if domain.ready and held:
            signal, why = SenderSignal.CONNECTED, "its domain is ready"
            await self.signal(sender.tenant, sender.id, signal, why=why)
        elif not domain.ready and sender.state not in _AWAY:
            signal, why = SenderSignal.DISCONNECTED, f"{NOT_READY}{domain.says}"
            await self.signal(sender.tenant, sender.id, signal, why=why)


async def _asked(
    provider: ChecksDomains | ExaminesDomains, senders: Sequence[Sender]
) -> Mapping[str, AccountDomain]:
    """By name. Nobody is asked about the domains of nobody."""
    if not isinstance(provider, ExaminesDomains):
        return {one.name: one for one in await provider.domains()}
    names = sorted({domain_of(sender) for sender in senders})
    return {one.name: one for one in await provider.examine(names)} if names else {}


def domain_of(sender: Sender) -> str:
    """Of its address, in lower case."""
    return sender.number.rpartition("@")[2].lower()
