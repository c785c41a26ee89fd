"""Sends warm mail by Resend, and asks it what became of what was sent or came in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import field, frozen

from outreach.adapters._http import HttpClient, HttpReply, HttpRequest, Lost, NotSent
from outreach.adapters.resend import wire
from outreach.adapters.resend.acceptance import answer
from outreach.adapters.resend.mail import completed, gone
from outreach.adapters.resend.words import address
from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured, RetryLater, Unavailable
from outreach.domain.event import SystemEvent
from outreach.domain.message import (
    Answer,
    MessageStatus,
    NotAccepted,
    Parcel,
    UnknownOutcome,
)
from outreach.domain.stop import Stop, StopKind
from outreach.ports.domains import AccountDomain
from outreach.ports.gateway import (
    Absent,
    Again,
    CannotTell,
    Confirmed,
    Found,
    Status,
)

__all__ = ["BASE_URL", "ResendGateway", "open_client"]

BASE_URL: Final = "https://api.resend.com"
CARRIES: Final = frozenset({Channel.EMAIL_WARM})
REPEATS_FOR: Final = timedelta(hours=23)
"""The vendor remembers a key for 24 hours; an hour is left for clocks and lines."""
ASK_WITHIN: Final = timedelta(seconds=20)
"""For one question: machine time."""
MOST_POLLS: Final = 20
"""Mails asked about in one call; each is a request of the account's 2 to 5 a second."""
POLL_WITHIN: Final = timedelta(minutes=1)
MOST_PAGES: Final = 5
"""Pages of 100 that a look-up reads before it gives up."""

_CLOCK_ROOM: Final = timedelta(minutes=1)
"""By which the vendor's clock may be behind ours."""
_LEAVING: Final = frozenset({"queued", "scheduled"})


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
class ResendGateway:
    """Implements `Gateway`, `RepeatsSafely`, `LooksUp`, `PollsStatus`, `TakesBack` and
    `ReceivesWebhooks` of :mod:`outreach.ports.gateway`, `FetchesContent` and
    `ChecksDomains`, for one account, which carries warm mail only (INV-8).

    A call that is cancelled raises `asyncio.CancelledError`, as everywhere; a send
    cancelled that way may have been accepted.

    Attributes:
        client: made by `open_client`.
        secrets: signing secrets that our webhook route knows, see `register`.
        ask_within: machine time for one question (not for a send).
        most_polls, poll_within: see `statuses`.
    """

    client: HttpClient = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    ask_within: timedelta = ASK_WITHIN
    most_polls: int = MOST_POLLS
    poll_within: timedelta = POLL_WITHIN

    @property
    def repeats_for(self) -> timedelta:
        """See `RepeatsSafely.repeats_for`."""
        return REPEATS_FOR

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

    async def repeat(
        self, parcel: Parcel, since: datetime, within: timedelta
    ) -> Answer:
        """See `RepeatsSafely.repeat`: the same body under the same key.

        Raises:
            ChannelSegregationError: the parcel is not for warm mail; nothing left.
        """
        if datetime.now(UTC) - since >= REPEATS_FOR:
            return NotAccepted(lane=False, detail="too late to repeat it safely")
        return await self.send(parcel, within)

    async def look(
        self, parcel: Parcel, since: datetime
    ) -> Found | Absent | CannotTell:
        """See `LooksUp.look`: our text, from our address to theirs, in the list of what
        the account sent, which is read back to *since*.
        """
        try:
            async with asyncio.timeout(self.ask_within.total_seconds()):
                return await self._look(parcel, since - _CLOCK_ROOM)
        except TimeoutError:
            return CannotTell("no answer in time")
        except (RetryLater, Misconfigured) as error:
            return CannotTell(str(error))

    async def statuses(self, refs: Sequence[str]) -> Sequence[Status]:
        """See `PollsStatus.statuses`; one request per mail, one after the other.

        At most `most_polls` mails are asked about, in the order given, for at most
        `poll_within`, until the first fault: one that is left without an answer is to
        be asked about again. `Unavailable` is raised if a fault left all without one.
        """
        found: list[Status] = []
        try:
            async with asyncio.timeout(self.poll_within.total_seconds()):
                for ref in list(dict.fromkeys(refs))[: self.most_polls]:
                    mail = await self._mail(ref)
                    if mail is not None and mail.status is not MessageStatus.UNKNOWN:
                        found.append(_status(ref, mail))
        except (RetryLater, Misconfigured, TimeoutError) as error:
            if not found:
                wait = error.retry_after if isinstance(error, RetryLater) else None
                says = str(error) or "resend: no answer in time"
                raise Unavailable(says, retry_after=wait) from error
        return found

    async def stop(self, stop: Stop) -> Confirmed | Again:
        """See `TakesBack.stop`.

        We schedule nothing, so what the account accepted has left: there is nothing to
        withdraw and no campaign to pause, unless a person scheduled a mail of ours.
        """
        try:
            async with asyncio.timeout(self.ask_within.total_seconds()):
                match stop.kind:
                    case StopKind.BLOCK:
                        reply = await self._ask(wire.block_request(stop.to))
                        wire.read_blocked(reply)
                        return Confirmed("blocked")
                    case StopKind.PAUSE:
                        return Confirmed("no campaigns here")
                return await self._withdraw(stop)
        except TimeoutError:
            return Again("no answer in time")
        except RetryLater as error:
            return Again(str(error), error.retry_after)
        except Misconfigured as error:
            return Again(str(error))

    async def fetch(self, event: SystemEvent) -> SystemEvent:
        """See `FetchesContent.fetch`."""
        if not event.incomplete:
            return event
        mail = wire.read_received(await self._ask(wire.received_request(event.ref)))
        return gone(event) if mail is None else completed(event, mail)

    async def domains(self) -> Sequence[AccountDomain]:
        """See `ChecksDomains.domains`."""
        found: list[AccountDomain] = []
        after, more = "", True
        for _ in range(MOST_PAGES):
            page, more, after = wire.read_domains(
                await self._ask(wire.domains_request(after))
            )
            found += page
            if not more:
                return found
        message = "resend has more domains than are read"
        raise Unavailable(message)

    async def register(self, url: str) -> None:
        """See `ReceivesWebhooks.register`; what is there already is put right.

        The vendor makes up the secret of a webhook, and only what it signs with a
        secret of ours is believed, so the secret is compared each time.

        Raises:
            Unavailable: the provider could not be asked.
            Misconfigured: it refused the address or our credentials, or signs with a
                secret that is not in our settings.
        """
        listed = wire.read_webhooks(await self._ask(wire.webhooks_request()))
        there = next((one for one in listed if one.url == url), None)
        if there is None:
            made = await self._ask(wire.webhook_request(url))
            self._check(wire.read_secret(made))
            return
        if not (there.enabled and there.events.issuperset(wire.EVENT_TYPES)):
            changed = await self._ask(wire.change_webhook_request(there.id))
            wire.read_secret(changed)
        self._check(wire.read_secret(await self._ask(wire.webhooks_request(there.id))))

    def _check(self, secret: str) -> None:
        if secret in self.secrets:
            return
        message = (
            "resend signs our webhook with another secret: add the one that its "
            "webhooks page shows to OUTREACH_RESEND_WEBHOOK_SECRET"
        )
        raise Misconfigured(message)

    async def _look(
        self, parcel: Parcel, since: datetime
    ) -> Found | Absent | CannotTell:
        after = ""
        for _ in range(MOST_PAGES):
            request = wire.mails_request(after)
            mails, more = wire.read_mails(await self._ask(request))
            found = await self._look_among(mails, parcel, since)
            if found is not None:
                return found
            times = [one.at for one in mails if one.at is not None]
            if len(times) < len(mails) or times != sorted(times, reverse=True):
                return CannotTell("the list of mails has no order")
            if not more or (times and times[-1] < since):
                return Absent()
            after = mails[-1].id if mails else ""
            if not after:
                return CannotTell("the list of mails does not go on")
        return CannotTell("resend has more mails than a look-up reads")

    async def _look_among(
        self, mails: Sequence[wire.Mail], parcel: Parcel, since: datetime
    ) -> Found | CannotTell | None:
        """A list may leave texts out, so what looks like ours is asked for."""
        for listed in mails:
            if not _may_be(listed, parcel) or not listed.id:
                continue
            if listed.at is None:
                return CannotTell("our mail is there, but not since when")
            if listed.at < since:
                continue
            mail = await self._mail(listed.id)
            if mail is None or mail.text is None:
                return CannotTell("a mail like ours is there, without its text")
            if _same_text(mail.text, parcel.text):
                return Found(mail.id, parcel.thread or mail.message_id)
        return None

    async def _withdraw(self, stop: Stop) -> Confirmed | Again:
        if not stop.ref:
            return Confirmed("nothing is held here")
        mail = await self._mail(stop.ref)
        if mail is None:
            return Confirmed("not known here")
        if mail.word not in _LEAVING:
            return Confirmed(f"nothing to withdraw: {mail.word}")
        if wire.read_cancelled(await self._ask(wire.cancel_request(stop.ref))):
            return Confirmed("cancelled")
        return Again(f"not cancelled while {mail.word}")

    async def _mail(self, ref: str) -> wire.Mail | None:
        return wire.read_mail(await self._ask(wire.mail_request(ref)))

    async def _ask(self, request: HttpRequest) -> HttpReply:
        match await self.client.fetch(request, self.ask_within):
            case HttpReply() as reply:
                return reply
            case NotSent(why) | Lost(why):
                message = f"resend could not be asked: {why}"
                raise Unavailable(message)


def _may_be(mail: wire.Mail, parcel: Parcel) -> bool:
    return (
        mail.sender == address(parcel.sender_number)
        and mail.to == (address(parcel.to),)
        and mail.subject == parcel.subject
    )


def _same_text(theirs: str, ours: str) -> bool:
    """Ends of lines, and what stands at the end, are a matter of transport."""
    return theirs.split() == ours.split()


def _status(ref: str, mail: wire.Mail) -> Status:
    """The sender is what we said, so it is left out: it would prove nothing."""
    return Status(ref=ref, status=mail.status, at=None, thread=mail.message_id)
