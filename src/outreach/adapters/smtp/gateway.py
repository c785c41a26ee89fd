"""Sends mail from mailboxes of our own, each by its own server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from attrs import field, frozen

from outreach.adapters.smtp.conversation import hand_over
from outreach.adapters.smtp.domains import Domains
from outreach.adapters.smtp.mail import Mail, write
from outreach.adapters.smtp.server import joined, named
from outreach.adapters.smtp.signing import UNSIGNED, Signer
from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured, RetryLater
from outreach.domain.login import Login
from outreach.domain.message import Accepted, Answer, NotAccepted, Parcel
from outreach.domain.sender import SenderSignal
from outreach.ports.clock import Clock
from outreach.ports.domains import NOT_READY, AccountDomain
from outreach.ports.logins import Logins

__all__ = ["Pool", "SmtpGateway"]

CARRIES: Final = frozenset({Channel.EMAIL_COLD, Channel.EMAIL_WARM})
"""Warm mail as an answer from the mailbox that was written to alone."""


@frozen(kw_only=True)
class Pool:
    """What all mailboxes of an account have in common.

    Attributes:
        login: of a mailbox that has none of its own, or not all of it.
        hello: our name for servers; an address in brackets will do (RFC 5321, 4.1.3).
        bounce_domain: see `write`.
        tls: checks servers' certificates.
    """

    login: Login
    hello: str
    bounce_domain: str = ""
    signer: Signer = UNSIGNED
    tls: ssl.SSLContext = field(factory=ssl.create_default_context, repr=False)


@frozen
class SmtpGateway:
    """Implements `outreach.ports.gateway.Gateway` and
    `outreach.ports.domains.ExaminesDomains`, for the mailboxes of one tenant.

    It has no look-up: what is not known is told by a report, an answer, or nobody.

    A call that is cancelled raises `asyncio.CancelledError`, as everywhere; a send
    cancelled that way may have been accepted.

    Attributes:
        clock: dates the mails (engine time).
        logins: asked for each send, so that a new password holds at once.
    """

    pool: Pool
    domains: Domains
    clock: Clock
    logins: Logins = field(repr=False)

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        """See `Gateway.send`; what an answer means stands in `acceptance`.

        Raises:
            ChannelSegregationError: the parcel is not for mail of a mailbox's own;
                nothing left.
        """
        parcel.permit.demand(CARRIES)
        began = self.clock.monotonic()
        try:
            async with asyncio.timeout(within.total_seconds()):
                login = await self.logins.login(parcel.sender)
                at = await self.clock.now()
                (domain,) = await self.domains.examine([_domain(parcel)])
        except TimeoutError:
            return NotAccepted(lane=True, detail="no time was left to connect")
        except RetryLater as error:
            return NotAccepted(lane=True, detail=str(error))
        except Misconfigured as error:
            return _rests(str(error))
        if not domain.ready:
            return _rests(f"{NOT_READY}{domain.says}")
        mail = write(
            parcel,
            at,
            name=named(self.pool.login, login),
            bounce_domain=self.pool.bounce_domain,
        )
        if not isinstance(mail, Mail):
            return mail
        left = within - timedelta(seconds=self.clock.monotonic() - began)
        return await self._hand_over(mail, parcel, login, left)

    async def _hand_over(
        self, mail: Mail, parcel: Parcel, login: Login | None, left: timedelta
    ) -> Answer:
        server = joined(self.pool.login, login, self.pool.tls)
        if isinstance(server, str):
            return _rests(server)
        raw = self.pool.signer.sign(mail.raw, _domain(parcel))
        made = await hand_over(server, mail, raw, hello=self.pool.hello, within=left)
        if isinstance(made, Accepted):
            return Accepted(made.ref, thread=parcel.thread or mail.ref)
        return made

    async def examine(self, names: Sequence[str]) -> Sequence[AccountDomain]:
        """See `ExaminesDomains.examine`."""
        return await self.domains.examine(names)


def _domain(parcel: Parcel) -> str:
    return parcel.sender_number.rpartition("@")[2].lower()


def _rests(why: str) -> Answer:
    """Nothing leaves before a person, or a better check, has put it right."""
    return NotAccepted(lane=True, detail=why, signal=SenderSignal.DISCONNECTED)
