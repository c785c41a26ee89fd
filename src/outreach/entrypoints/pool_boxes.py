"""The mailboxes of our own pool, read by the logins that they send with."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from attrs import define, field

from outreach.adapters.imap import Box, Security, Source
from outreach.domain.ids import SenderId, TenantId, account_id
from outreach.domain.sender import SenderState
from outreach.entrypoints.imap_settings import ImapTable
from outreach.entrypoints.smtp_settings import SmtpTable
from outreach.ports.logins import Logins
from outreach.ports.senders import Senders

__all__ = ["PoolBoxes"]

_KNOWN_FOR: Final = timedelta(minutes=1)
"""Machine time after which the list of mailboxes is asked for again."""
_TLS_PORT: Final = 993


@define
class PoolBoxes:
    """Implements `outreach.adapters.imap.Source`: those that the settings and a file
    name, and every mailbox of the pool that is not retired. What the file says of one
    of these goes first.

    Attributes:
        named: by settings and file.
        imap: where the pool's mailboxes are; their server of mail that leaves may be
            another one.
        smtp: login of mailboxes that have none of their own.
        monotonic: seconds.
    """

    named: Source
    imap: ImapTable
    smtp: SmtpTable
    tenant: TenantId
    senders: Senders
    logins: Logins
    monotonic: Callable[[], float] = time.monotonic
    _known: Mapping[str, SenderId] = field(factory=dict, init=False, repr=False)
    _until: float | None = field(default=None, init=False)

    async def names(self) -> Sequence[str]:
        """Sorted."""
        return sorted({*await self.named.names(), *await self._pool()})

    async def boxes(self, names: Sequence[str]) -> Sequence[Box]:
        """Those of them that there are, with what they sign in with now; one that has
        no login is none.

        Raises:
            Unavailable: the store did not answer.
            Misconfigured: a login was sealed with a key that is not there any more.
        """
        named = {box.name: box for box in await self.named.boxes(names)}
        pool = await self._pool()
        found = list(named.values())
        for name in names:
            if name in pool and name not in named:
                found += await self._box(name, pool[name])
        return found

    async def _box(self, address: str, sender: SenderId) -> list[Box]:
        login = await self.logins.login(sender)
        user, password = self.smtp.user, self.smtp.password.reveal
        if login is not None and login.user:
            user, password = login.user, login.password
        if not user:
            return []
        port = self.imap.port or _TLS_PORT
        usual = Security.TLS if port == _TLS_PORT else Security.STARTTLS
        said = Security(self.imap.security) if self.imap.security else usual
        return [Box(address, address, self.imap.host, port, user, password, said)]

    async def _pool(self) -> Mapping[str, SenderId]:
        now = self.monotonic()
        if self._until is None or now >= self._until:
            ours = account_id(self.tenant, "smtp", "default")
            uses = await self.senders.all(self.tenant)
            self._known = {
                use.sender.number: use.sender.id
                for use in uses
                if use.sender.account == ours
                and use.sender.state is not SenderState.RETIRED
            }
            self._until = now + _KNOWN_FOR.total_seconds()
        return self._known
