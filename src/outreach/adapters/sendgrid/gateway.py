"""Sends warm mail by SendGrid."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from attrs import field, frozen

from outreach.adapters._http import HttpClient, HttpReply, HttpRequest, Lost, NotSent
from outreach.adapters.sendgrid import wire
from outreach.adapters.sendgrid.acceptance import answer
from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured, RetryLater, Unavailable
from outreach.domain.message import Answer, NotAccepted, Parcel, UnknownOutcome
from outreach.domain.stop import Stop, StopKind
from outreach.ports.domains import AccountDomain
from outreach.ports.gateway import Again, Confirmed

__all__ = ["BASE_URL", "SendGridGateway", "open_client"]

BASE_URL: Final = "https://api.sendgrid.com"
"""Of the global region; an account of the EU's has ``https://api.eu.sendgrid.com``."""
CARRIES: Final = frozenset({Channel.EMAIL_WARM})
ASK_WITHIN: Final = timedelta(seconds=20)
"""For one question: machine time."""
MOST_PAGES: Final = 20
"""Pages of domains that are read before it is given up."""


def open_client(
    api_key: str,
    *,
    base_url: str = BASE_URL,
    user_agent: str,
    connect_timeout: timedelta = timedelta(seconds=5),
    read_timeout: timedelta = timedelta(seconds=20),
) -> HttpClient:
    """Make the client of one account. Opens nothing; whoever calls it closes it.

    Raises:
        Misconfigured: the base URL or the key cannot be used.
    """
    return HttpClient(
        base_url,
        user_agent=user_agent,
        headers={"authorization": f"Bearer {api_key}"},
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
    )


@frozen
class SendGridGateway:
    """Implements `Gateway`, `TakesBack` and `ReceivesWebhooks` of
    :mod:`outreach.ports.gateway`, and `ChecksDomains`, for one account, which carries
    warm mail only (INV-8).

    It is no `RepeatsSafely`, for the vendor knows no key of ours, and neither looks up
    nor polls: the vendor's Email Activity is sold apart. The events tell both.

    A call that is cancelled raises `asyncio.CancelledError`, as everywhere; a send
    cancelled that way may have been accepted.

    Attributes:
        client: made by `open_client`.
        keys: verification keys that our webhook route knows, see `register`.
        ask_within: machine time for one question (not for a send).
    """

    client: HttpClient = field(repr=False)
    keys: tuple[str, ...] = field(default=(), repr=False)
    ask_within: timedelta = ASK_WITHIN

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        """See `Gateway.send`; what an answer means stands in `acceptance`.

        Raises:
            ChannelSegregationError: the parcel is not for warm mail; nothing left.
        """
        parcel.permit.demand(CARRIES)
        request = wire.send_request(parcel)
        if not isinstance(request, HttpRequest):
            return request
        match await self.client.fetch(request, within):
            case HttpReply() as reply:
                return answer(reply)
            case NotSent(why):
                return NotAccepted(lane=True, detail=f"not connected: {why}")
            case Lost(why):
                return UnknownOutcome(f"no answer: {why}")

    async def stop(self, stop: Stop) -> Confirmed | Again:
        """See `TakesBack.stop`.

        The vendor holds back only what is scheduled, and we schedule nothing: what was
        accepted has left, and there is no campaign to pause.
        """
        match stop.kind:
            case StopKind.WITHDRAW:
                return Confirmed("nothing is held here: what was accepted has left")
            case StopKind.PAUSE:
                return Confirmed("no campaigns here")
        try:
            async with asyncio.timeout(self.ask_within.total_seconds()):
                reply = await self._ask(wire.block_request(stop.to))
                wire.read_blocked(reply, stop.to)
                return Confirmed("blocked")
        except TimeoutError:
            return Again("no answer in time")
        except RetryLater as error:
            return Again(str(error), error.retry_after)
        except Misconfigured as error:
            return Again(str(error))

    async def domains(self) -> Sequence[AccountDomain]:
        """See `ChecksDomains.domains`; ready if one of its entries is.

        Read until a page tells nothing new: how many the vendor gives at most at once
        is not in its documents.
        """
        seen: set[int] = set()
        found: dict[str, AccountDomain] = {}
        for _ in range(MOST_PAGES):
            page = wire.read_domains(await self._ask(wire.domains_request(len(seen))))
            if seen.issuperset(number for number, _ in page):
                return tuple(found.values())
            for number, one in page:
                seen.add(number)
                if one.name not in found or one.ready:
                    found[one.name] = one
        message = "sendgrid has more domains than are read"
        raise Unavailable(message)

    async def register(self, url: str) -> None:
        """See `ReceivesWebhooks.register`; what is there already is put right.

        A webhook's key is the vendor's to make, and only what it signs with one that
        we know is believed, so it is compared each time.

        Raises:
            Unavailable: the provider could not be asked.
            Misconfigured: it refused the address or our credentials, or signs with a
                key that is not in our settings.
        """
        listed = wire.read_webhooks(await self._ask(wire.webhooks_request()))
        there = next((one for one in listed if one.url == url), None)
        if there is None:
            known = wire.read_webhook(await self._ask(wire.webhook_request(url)))
        elif there.whole:
            known = there.id
        else:
            changed = await self._ask(wire.change_webhook_request(there))
            known = wire.read_webhook(changed)
        key = wire.read_key(await self._ask(wire.sign_request(known)))
        if key not in self.keys:
            message = (
                "sendgrid signs our webhook with another key: add the verification "
                "key that the vendor's page shows to OUTREACH_SENDGRID_WEBHOOK_SECRET"
            )
            raise Misconfigured(message)

    async def _ask(self, request: HttpRequest) -> HttpReply:
        match await self.client.fetch(request, self.ask_within):
            case HttpReply() as reply:
                return reply
            case NotSent(why) | Lost(why):
                message = f"sendgrid could not be asked: {why}"
                raise Unavailable(message)
