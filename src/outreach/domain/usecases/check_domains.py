"""Ask a provider whether the domains that we send from are ready."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from outreach.domain.errors import OutreachError, RetryLater
from outreach.domain.ids import AccountId, TenantId
from outreach.domain.sender import Sender, SenderSignal, SenderState
from outreach.domain.usecases.signal_sender import SignalSender
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.domains import AccountDomain, ChecksDomains
from outreach.ports.senders import Senders

__all__ = ["CheckDomains"]

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
        self, tenant: TenantId, account: AccountId, provider: ChecksDomains
    ) -> None:
        """One alert for each domain that is at fault, until it is ready.

        Raises:
            Unavailable: the provider could not be asked; nothing is believed of it.
        """
        try:
            listed = {one.name: one for one in await provider.domains()}
        except RetryLater:
            raise
        except OutreachError as error:
            says = Alert("provider.unhealthy", str(account), str(error))
            await self.alerts.raise_(says)
            return
        await self.alerts.over("provider.unhealthy", str(account))
        told: set[str] = set()
        for use in await self.senders.all(tenant):
            sender = use.sender
            if sender.account != account or not sender.enabled:
                continue
            name = sender.number.rpartition("@")[2].lower()
            there = listed.get(name, AccountDomain(name, ready=False, says="unknown"))
            if name not in told:
                told.add(name)
                await self._tell(account, there)
            await self._move(sender, there)

    async def _tell(self, account: AccountId, domain: AccountDomain) -> None:
        about = f"{account}/{domain.name}"
        if domain.ready:
            await self.alerts.over("domain.fault", about)
            return
        says = f"{domain.name} is {domain.says or 'not ready'} at its provider"
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
