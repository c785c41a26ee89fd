"""Sends WhatsApp messages by Wamm."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from attrs import field, frozen

from outreach.adapters._http import HttpClient, HttpReply, HttpRequest, Lost, NotSent
from outreach.adapters.wamm import wire
from outreach.adapters.wamm.acceptance import answer
from outreach.domain.channel import Channel
from outreach.domain.message import Answer, NotAccepted, Parcel, UnknownOutcome

__all__ = ["BASE_URL", "WammGateway", "open_client"]

BASE_URL: Final = "https://app.wamm.pro/api"
CARRIES: Final = frozenset({Channel.WHATSAPP})


class _NoAnsweredHeaders(logging.Filter):
    """Keeps the headers of answers out of the library's debug log: the place that a
    redirect names repeats what was asked, with our token and the text.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("receive_response_headers.complete")


_FILTER: Final = _NoAnsweredHeaders()


def open_client(
    *,
    base_url: str = BASE_URL,
    user_agent: str,
    connect_timeout: timedelta = timedelta(seconds=5),
    read_timeout: timedelta = timedelta(seconds=20),
) -> HttpClient:
    """Make the client of one account. Opens nothing; whoever calls it closes it.

    It repeats nothing and follows no redirect: a GET here is a send. The library below
    no longer logs the headers of answers, whoever else in this process asks by it.

    Raises:
        Misconfigured: the base URL cannot be used.
    """
    logging.getLogger("httpcore.http11").addFilter(_FILTER)
    return HttpClient(
        base_url,
        user_agent=user_agent,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
    )


@frozen
class WammGateway:
    """Implements `Gateway` of :mod:`outreach.ports.gateway`, and nothing else: the
    vendor has no ids, no statuses, no history, no list of phones and nothing by which
    a message could be repeated, looked up or taken back.

    `Accepted.ref` is our own id of the attempt, so that each has one; nobody at the
    vendor knows it, and nothing proves that what was accepted arrived.

    A call that is cancelled raises `asyncio.CancelledError`, as everywhere; a send
    cancelled that way may have been accepted.

    Attributes:
        client: made by `open_client`.
    """

    client: HttpClient = field(repr=False)
    access_token: str = field(repr=False)

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        """See `Gateway.send`; what an answer means stands in `acceptance`.

        Raises:
            ChannelSegregationError: the parcel is not for WhatsApp; nothing left.
        """
        parcel.permit.demand(CARRIES)
        request = wire.send_request(parcel, self.access_token)
        if not isinstance(request, HttpRequest):
            return request
        match await self.client.fetch(request, within):
            case HttpReply() as reply:
                return answer(reply, ref=str(parcel.attempt))
            case NotSent(why):
                return NotAccepted(lane=True, detail=f"not connected: {why}")
            case Lost(why):
                return UnknownOutcome(f"no answer: {why}")
