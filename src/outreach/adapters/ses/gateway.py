"""Sends warm mail by Amazon SES, and asks it how the account stands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from attrs import evolve, field, frozen

from outreach.adapters._http import HttpClient, HttpReply, HttpRequest, Lost, NotSent
from outreach.adapters.ses import wire
from outreach.adapters.ses.acceptance import answer
from outreach.adapters.ses.signing import Credentials, Signer, signer
from outreach.adapters.ses.words import message_id
from outreach.domain.allowance import Period, Use
from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured, RetryLater, Unavailable
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Parcel,
    UnknownOutcome,
)
from outreach.domain.stop import Stop, StopKind
from outreach.ports.domains import AccountDomain
from outreach.ports.gateway import Again, Confirmed

__all__ = ["Account", "SesGateway", "base_url_of", "open_account"]

CARRIES: Final = frozenset({Channel.EMAIL_WARM})
ASK_WITHIN: Final = timedelta(seconds=20)
"""For one question: machine time."""
MOST_PAGES: Final = 5
"""Pages of 1,000 identities that are read."""

_CHINA: Final = "cn-"


def base_url_of(region: str) -> str:
    """The vendor's own address for a region."""
    end = "amazonaws.com.cn" if region.startswith(_CHINA) else "amazonaws.com"
    return f"https://email.{region}.{end}"


@frozen
class Account:
    """One account in one region: its line, and what signs for it.

    Attributes:
        configuration_set: whose events are published; empty: none is named.
    """

    client: HttpClient = field(repr=False)
    sign: Signer = field(repr=False)
    region: str
    configuration_set: str = ""


def open_account(
    credentials: Credentials,
    *,
    configuration_set: str = "",
    base_url: str = "",
    user_agent: str,
    connect_timeout: timedelta = timedelta(seconds=5),
    read_timeout: timedelta = timedelta(seconds=20),
) -> Account:
    """Make the line of one account. Opens nothing; whoever calls it closes the client.

    Raises:
        Misconfigured: botocore is not installed, or the base URL or the credentials
            cannot be used.
    """
    url = base_url or base_url_of(credentials.region)
    sign = signer(url, credentials)
    client = HttpClient(
        url,
        user_agent=user_agent,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
    )
    return Account(client, sign, credentials.region, configuration_set)


@frozen
class SesGateway:
    """Implements `Gateway`, `TakesBack` and `TellsUse` of
    :mod:`outreach.ports.gateway`, and `ChecksDomains`, for one account in one region,
    which carries warm mail only (INV-8).

    The vendor knows no key of ours and has no list of what was sent: a mail without an
    answer is neither given again nor looked up. An event with its tag may settle it.

    A call that is cancelled raises `asyncio.CancelledError`, as everywhere; a send
    cancelled that way may have been accepted.

    Attributes:
        account: made by `open_account`.
        ask_within: machine time for one question (not for a send).
    """

    account: Account
    ask_within: timedelta = ASK_WITHIN

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        """See `Gateway.send`; what an answer means stands in `acceptance`.

        Raises:
            ChannelSegregationError: the parcel is not for warm mail; nothing left.
        """
        parcel.permit.demand(CARRIES)
        request = wire.send_request(parcel, self.account.configuration_set)
        if not isinstance(request, HttpRequest):
            return request
        match await self.account.client.fetch(self.account.sign(request), within):
            case HttpReply() as reply:
                return self._with_thread(answer(reply))
            case NotSent(why):
                return NotAccepted(lane=True, detail=f"not connected: {why}")
            case Lost(why):
                return UnknownOutcome(f"no answer: {why}")

    async def stop(self, stop: Stop) -> Confirmed | Again:
        """See `TakesBack.stop`.

        The vendor schedules nothing: what it accepted has left, so there is nothing to
        withdraw and no campaign to pause. An address is blocked by the account's
        suppression list, under a reason that is heeded.
        """
        match stop.kind:
            case StopKind.WITHDRAW:
                return Confirmed("nothing is held here")
            case StopKind.PAUSE:
                return Confirmed("no campaigns here")
        try:
            async with asyncio.timeout(self.ask_within.total_seconds()):
                return await self._block(stop.to)
        except TimeoutError:
            return Again("no answer in time")
        except RetryLater as error:
            return Again(str(error), error.retry_after)
        except Misconfigured as error:
            return Again(str(error))

    async def domains(self) -> Sequence[AccountDomain]:
        """See `ChecksDomains.domains`; none is ready while the account may not send.

        Raises:
            Unavailable: the provider could not be asked.
            Misconfigured: it does not accept our credentials, or does not have the
                configuration set that every mail names.
        """
        standing = await self._standing()
        await self._reasons_of_set()
        found: list[AccountDomain] = []
        after = ""
        for _ in range(MOST_PAGES):
            page, after = wire.read_identities(
                await self._ask(wire.identities_request(after))
            )
            found += page
            if not after:
                return [one if standing.sends else _off(one, standing) for one in found]
        message = "ses has more identities than are read"
        raise Unavailable(message)

    async def use(self) -> Sequence[Use]:
        """See `TellsUse.use`: what was sent in the last 24 hours, as the present day's.

        The vendor's window rolls and our day does not: what was sent yesterday counts
        until it has left the window, so that what is told is never too little.
        """
        try:
            standing = await self._standing()
        except Misconfigured as error:
            raise Unavailable(str(error)) from error
        if standing.used is None:
            return ()
        return (Use(Period.DAY, standing.used, standing.limit),)

    def _with_thread(self, said: Answer) -> Answer:
        if not isinstance(said, Accepted):
            return said
        return evolve(said, thread=message_id(said.ref, self.account.region))

    async def _block(self, to: str) -> Confirmed | Again:
        heeded = await self._reasons_of_set()
        if heeded is None:
            heeded = (await self._standing()).reasons
        if not heeded:
            return Again(
                "ses heeds no suppression list: switch on account-level suppression, "
                "and not off in the configuration set"
            )
        reply = await self._ask(wire.block_request(to, heeded[0]))
        wire.read_blocked(reply)
        return Confirmed("blocked")

    async def _standing(self) -> wire.Standing:
        return wire.read_standing(await self._ask(wire.account_request()))

    async def _reasons_of_set(self) -> tuple[str, ...] | None:
        name = self.account.configuration_set
        if not name:
            return None
        return wire.read_set(await self._ask(wire.set_request(name)))

    async def _ask(self, request: HttpRequest) -> HttpReply:
        signed = self.account.sign(request)
        match await self.account.client.fetch(signed, self.ask_within):
            case HttpReply() as reply:
                return reply
            case NotSent(why) | Lost(why):
                message = f"ses could not be asked: {why}"
                raise Unavailable(message)


def _off(domain: AccountDomain, standing: wire.Standing) -> AccountDomain:
    return evolve(domain, ready=False, says=standing.says)
