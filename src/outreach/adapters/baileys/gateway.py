"""Sends by a Baileys gateway, and asks it what became of what was sent.

One gateway for three dialects. What a dialect's program can do beyond sending is a
class of its own, so that nothing is promised that would have to be refused:

- `BaileysGateway`: sends (baileys-api);
- `AskableGateway`: has a history, lists its numbers, can be told of webhooks;
- `WahaGateway`: sends a message again without sending it twice;
- `EvolutionGateway`: tells how far one message came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, Self, TypeVar

from attrs import evolve, field, frozen

from outreach.adapters._http import HttpClient, HttpReply, HttpRequest, Lost, NotSent
from outreach.adapters.baileys.dialect import (
    Askable,
    Dialect,
    Hook,
    Page,
    Polled,
)
from outreach.domain.errors import Misconfigured, RetryLater, Unavailable
from outreach.domain.message import (
    Accepted,
    Answer,
    MessageStatus,
    NotAccepted,
    Parcel,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal
from outreach.ports.gateway import Absent, AccountSender, CannotTell, Found, Status

__all__ = [
    "AskableGateway",
    "BaileysGateway",
    "EvolutionGateway",
    "WahaGateway",
    "open_client",
]

ASK_WITHIN: Final = timedelta(seconds=20)
"""For one question: machine time."""
MOST_PAGES: Final = 5
"""Pages of a history that a look-up reads before it gives up."""
MOST_POLLS: Final = 200
POLL_WITHIN: Final = timedelta(minutes=1)
POLLS_AT_ONCE: Final = 4
REPEATS_FOR: Final = timedelta(hours=1)
"""A gateway that hangs still holds a send after minutes, not after an hour; WhatsApp
knows the id for longer."""
ACKNOWLEDGED: Final = frozenset(
    {MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ}
)

_CLOCK_ROOM: Final = timedelta(minutes=1)
"""By which WhatsApp's clock may be behind ours; its times are whole seconds."""
_NUL: Final = "\x00"


def open_client(
    dialect: Dialect,
    api_key: str,
    *,
    base_url: str,
    user_agent: str,
    connect_timeout: timedelta = timedelta(seconds=5),
    read_timeout: timedelta = timedelta(seconds=20),
) -> HttpClient:
    """Make the client of one gateway. Opens nothing; whoever calls it closes it.

    Raises:
        Misconfigured: the base URL or the key cannot be used.
    """
    return HttpClient(
        base_url,
        user_agent=user_agent,
        headers=dialect.headers(api_key),
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
    )


D = TypeVar("D", bound=Dialect)
A = TypeVar("A", bound=Askable)


@frozen
class BaileysGateway(Generic[D]):
    """Implements `Gateway` and `Acknowledges` of :mod:`outreach.ports.gateway` for the
    numbers of one gateway.

    A call that is cancelled raises `asyncio.CancelledError`, as everywhere; a send
    cancelled that way may have been accepted.

    Attributes:
        client: made by `open_client`.
        ask_within: machine time for one question (not for a send).
    """

    client: HttpClient = field(repr=False)
    dialect: D
    ask_within: timedelta = ASK_WITHIN

    @property
    def acknowledges(self) -> frozenset[MessageStatus]:
        """See `Acknowledges.acknowledges`."""
        return ACKNOWLEDGED

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        """See `Gateway.send`; what an answer means stands in the dialect's table.

        Where a send does not do so itself, the gateway is asked first whether the
        number is on WhatsApp, for WhatsApp itself says nothing about one that is not:
        the message would stay on its way for ever. A question that is not answered
        holds the lane, and nothing has left.
        """
        if not parcel.text or _NUL in parcel.text:
            return _not_text("the text is empty or has a NUL character")
        ends = _elapsed() + within.total_seconds()
        to = await self._whom(parcel, within)
        if not isinstance(to, str):
            return to
        try:
            request = self.dialect.send_request(parcel, to)
        except UnicodeEncodeError:
            return _not_text("the text is not valid Unicode")
        left = timedelta(seconds=ends - _elapsed())
        match await self.client.fetch(request, left):
            case HttpReply() as reply:
                return self.dialect.answer(reply, parcel)
            case NotSent(why):
                return NotAccepted(lane=True, detail=f"not connected: {why}")
            case Lost(why):
                return UnknownOutcome(f"no answer: {why}")

    async def _whom(self, parcel: Parcel, within: timedelta) -> str | Answer:
        request = self.dialect.check_request(parcel)
        if request is None:
            return ""
        match await self.client.fetch(request, within):
            case HttpReply() as reply:
                return self._checked(reply, parcel)
            case NotSent(why) | Lost(why):
                detail = f"not asked whether the number is on WhatsApp: {why}"
                return NotAccepted(lane=True, detail=detail)

    def _checked(self, reply: HttpReply, parcel: Parcel) -> str | Answer:
        try:
            to = self.dialect.read_check(reply)
        except Misconfigured:
            detail = f"{reply.status} key not accepted"
            signal = SenderSignal.AUTH_FAILED
            return NotAccepted(lane=True, detail=detail, signal=signal)
        except Unavailable as error:
            told = self.dialect.answer(reply, parcel)
            known = told if isinstance(told, NotAccepted) else None
            return NotAccepted(
                lane=True,
                detail=str(error),
                retry_after=error.retry_after,
                signal=known.signal if known else None,
            )
        if to is None:
            return Refused(Refusal.INVALID_RECIPIENT, "not on WhatsApp")
        return to

    async def _ask(self, request: HttpRequest) -> HttpReply:
        match await self.client.fetch(request, self.ask_within):
            case HttpReply() as reply:
                return reply
            case NotSent(why) | Lost(why):
                message = f"the WhatsApp gateway could not be asked: {why}"
                raise Unavailable(message)


@frozen
class AskableGateway(BaileysGateway[A]):
    """Implements `LooksUp`, `ListsAccounts` and `ReceivesWebhooks`, too.

    Attributes:
        webhook_secret: by which the gateway's deliveries are told from a stranger's.
    """

    webhook_secret: str = field(default="", repr=False, kw_only=True)

    def told_apart_by(self, secret: str) -> Self:
        """The same, whose webhooks bear *secret*."""
        return evolve(self, webhook_secret=secret)

    async def look(
        self, parcel: Parcel, since: datetime
    ) -> Found | Absent | CannotTell:
        """See `LooksUp.look`: our id or text, in what our number wrote to theirs."""
        try:
            async with asyncio.timeout(self.ask_within.total_seconds()):
                return await self._look(parcel, since - _CLOCK_ROOM)
        except TimeoutError:
            return CannotTell("no answer in time")
        except (RetryLater, Misconfigured) as error:
            return CannotTell(str(error))

    async def senders(self) -> Sequence[AccountSender]:
        """See `ListsAccounts.senders`."""
        reply = await self._ask(self.dialect.accounts_request())
        return self.dialect.read_accounts(reply)

    async def register(self, url: str) -> None:
        """See `ReceivesWebhooks.register`: for each of our numbers, what is there
        already is left alone, and one under an earlier address of ours is moved.
        """
        wanted = Hook(url, self.webhook_secret)
        for account in await self.senders():
            reply = await self._ask(self.dialect.hooks_request(account.ref))
            request = self.dialect.hook_request(account.ref, reply, wanted)
            if request is not None:
                self.dialect.read_hooked(await self._ask(request))

    async def _look(
        self, parcel: Parcel, since: datetime
    ) -> Found | Absent | CannotTell:
        for number in range(1, MOST_PAGES + 1):
            request = self.dialect.history_request(parcel, since, number)
            page = self.dialect.read_history(parcel, await self._ask(request))
            for line in page.lines:
                is_it = line.text == parcel.text or line.ref == str(parcel.attempt)
                if not is_it:
                    continue
                if line.at is None or not line.ref:
                    return CannotTell("our text is there, but not since when")
                if line.at >= since:
                    return Found(line.ref, line.thread)
            if not page.has_more or _reaches_back(page, since):
                return Absent()
        return CannotTell("the WhatsApp gateway has more than a look-up reads")


@frozen
class WahaGateway(AskableGateway[Askable]):
    """Implements `RepeatsSafely`, too."""

    @property
    def repeats_for(self) -> timedelta:
        """See `RepeatsSafely.repeats_for`."""
        return REPEATS_FOR

    async def repeat(
        self, parcel: Parcel, since: datetime, within: timedelta
    ) -> Answer:
        """See `RepeatsSafely.repeat`: under the same id, which WhatsApp shows once.

        An engine that takes no ids of ours would send it a second time. So the history
        is read first, and what cannot be looked for is not sent again.
        """
        if datetime.now(UTC) - since >= REPEATS_FOR:
            return NotAccepted(lane=False, detail="too late to repeat it safely")
        match await self.look(parcel, since):
            case Found(ref=ref, thread=thread):
                return Accepted(ref, thread)
            case CannotTell(why):
                return NotAccepted(lane=True, detail=f"not repeated unseen: {why}")
            case Absent():
                return await self.send(parcel, within)


@frozen
class EvolutionGateway(AskableGateway[Polled]):
    """Implements `PollsStatus`, too.

    Attributes:
        most_polls, poll_within: see `statuses`.
    """

    most_polls: int = field(default=MOST_POLLS, kw_only=True)
    poll_within: timedelta = field(default=POLL_WITHIN, kw_only=True)

    async def statuses(self, refs: Sequence[str]) -> Sequence[Status]:
        """See `PollsStatus.statuses`; one request for all numbers, and one per message.

        At most `most_polls` messages are asked about, in the order given, for at most
        `poll_within`, until the first fault; the rest is to be asked about again.
        `Unavailable` is raised if a fault left all without an answer.
        """
        asked = list(dict.fromkeys(refs))[: self.most_polls]
        waiting = iter(asked)
        found: dict[str, Status] = {}
        faults: list[Exception] = []

        async def ask(names: Mapping[str, str]) -> None:
            for ref in waiting:
                name = self.dialect.owner(ref, names)
                if not name:
                    continue
                try:
                    reply = await self._ask(self.dialect.status_request(name, ref))
                    status = self.dialect.read_status(ref, reply)
                except (RetryLater, Misconfigured) as error:
                    faults.append(error)
                    return
                found.update({ref: status} if status else {})
                if faults:
                    return

        try:
            async with asyncio.timeout(self.poll_within.total_seconds()):
                names = {one.number: one.ref for one in await self.senders()}
                async with asyncio.TaskGroup() as tasks:
                    for _ in range(POLLS_AT_ONCE):
                        tasks.create_task(ask(names))
        except (TimeoutError, RetryLater, Misconfigured) as error:
            faults.append(error)
        if faults and not found:
            raise _unavailable(faults[0]) from faults[0]
        return [found[ref] for ref in asked if ref in found]


def _reaches_back(page: Page, since: datetime) -> bool:
    """Newest comes first, so that what follows is older still."""
    last = page.lines[-1].at if page.lines else None
    return last is not None and last < since


def _unavailable(error: Exception) -> Unavailable:
    wait = error.retry_after if isinstance(error, RetryLater) else None
    says = str(error) or "the WhatsApp gateway did not answer in time"
    return Unavailable(says, retry_after=wait)


def _not_text(why: str) -> Refused:
    return Refused(Refusal.REJECTED, why)


def _elapsed() -> float:
    return asyncio.get_running_loop().time()
