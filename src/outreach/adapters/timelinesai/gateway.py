"""Sends by TimelinesAI, and asks it what became of what was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import field, frozen

from outreach.adapters._http import HttpClient, HttpReply, HttpRequest, Lost, NotSent
from outreach.adapters.timelinesai import history, plan, wire
from outreach.adapters.timelinesai.acceptance import answer
from outreach.adapters.timelinesai.wire import Chat
from outreach.adapters.timelinesai.words import chat_id
from outreach.domain.allowance import Use
from outreach.domain.errors import Misconfigured, RetryLater, Unavailable
from outreach.domain.message import Answer, NotAccepted, Parcel, UnknownOutcome
from outreach.ports.gateway import Absent, AccountSender, CannotTell, Found, Status
from outreach.ports.history import Retold

__all__ = ["BASE_URL", "TimelinesGateway", "open_client"]

BASE_URL: Final = "https://app.timelines.ai/integrations/api"
REQUESTS_PER_CONNECTION: Final = 90
"""The edge answers 403 after about 100 on one connection (vendor's own client)."""
ASK_WITHIN: Final = timedelta(seconds=20)
"""For one question: machine time."""
MOST_POLLS: Final = 200
"""Messages asked about in one call; each is a request of the monthly quota."""
POLL_WITHIN: Final = timedelta(minutes=1)
POLLS_AT_ONCE: Final = 4
"""The vendor allows 30 requests a second and address, and queues 10."""
MOST_PAGES: Final = 5
"""Pages of 50 that a look-up reads before it gives up."""
MOST_CHATS: Final = 60
"""Chats whose history one look reads; hourly that is 43,200 requests a month."""
MOST_LISTED: Final = 100
"""Pages of 50 chats that one look lists: what lies further back is not seen."""

_TOO_MUCH: Final = "timelinesai has more than a look-up reads"
_ZONE_ROOM: Final = timedelta(days=1)
_CLOCK_ROOM: Final = timedelta(minutes=1)
"""By which the vendor's clock may be behind ours; its times are whole seconds."""


def open_client(
    api_key: str,
    *,
    base_url: str = BASE_URL,
    user_agent: str,
    connect_timeout: timedelta = timedelta(seconds=5),
    read_timeout: timedelta = timedelta(seconds=20),
) -> HttpClient:
    """Make the client of one workspace. Opens nothing; whoever calls it closes it.

    Raises:
        Misconfigured: the base URL or the key cannot be used.
    """
    return HttpClient(
        base_url,
        user_agent=user_agent,
        headers={"authorization": f"Bearer {api_key}"},
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        requests_per_connection=REQUESTS_PER_CONNECTION,
    )


@frozen
class TimelinesGateway:
    """Implements `Gateway`, `LooksUp`, `PollsStatus`, `ListsAccounts`, `TellsUse` and
    `ReceivesWebhooks` of :mod:`outreach.ports.gateway`, and `TellsHistory`, for one
    workspace.

    A call that is cancelled raises `asyncio.CancelledError`, as everywhere; a send
    cancelled that way may have been accepted.

    Attributes:
        client: made by `open_client`.
        ask_within: machine time for one question (not for a send).
        most_polls, poll_within: see `statuses`.
    """

    client: HttpClient = field(repr=False)
    ask_within: timedelta = ASK_WITHIN
    most_polls: int = MOST_POLLS
    poll_within: timedelta = POLL_WITHIN

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        """See `Gateway.send`; what an answer means stands in `acceptance`."""
        request = wire.send_request(parcel)
        if not isinstance(request, HttpRequest):
            return request
        match await self.client.fetch(request, within):
            case HttpReply() as reply:
                return answer(reply, sender=parcel.sender_number)
            case NotSent(why):
                return NotAccepted(lane=True, detail=f"not connected: {why}")
            case Lost(why):
                return UnknownOutcome(f"no answer: {why}")

    async def look(
        self, parcel: Parcel, since: datetime
    ) -> Found | Absent | CannotTell:
        """See `LooksUp.look`: our text, from our number, in the chat's history.

        A first touch has no chat yet; then every chat of the contact with our
        number is read.
        """
        try:
            async with asyncio.timeout(self.ask_within.total_seconds()):
                return await self._look(parcel, since)
        except TimeoutError:
            return CannotTell("no answer in time")
        except (RetryLater, Misconfigured) as error:
            return CannotTell(str(error))

    async def statuses(self, refs: Sequence[str]) -> Sequence[Status]:
        """See `PollsStatus.statuses`; one request per message.

        At most `most_polls` messages are asked about, in the order given, for at
        most `poll_within`, until the first fault: one that is left without an
        answer is to be asked about again. `Unavailable` is raised if a fault left
        all without one.
        """
        asked = list(dict.fromkeys(refs))[: self.most_polls]
        waiting = iter(asked)
        found: dict[str, Status] = {}
        faults: list[Exception] = []

        async def ask() -> None:
            for ref in waiting:
                try:
                    reply = await self._ask(wire.message_request(ref))
                    status = wire.read_status(ref, reply)
                except (RetryLater, Misconfigured) as error:
                    faults.append(error)
                else:
                    found.update({ref: status} if status else {})
                if faults:
                    return

        try:
            async with (
                asyncio.timeout(self.poll_within.total_seconds()),
                asyncio.TaskGroup() as tasks,
            ):
                for _ in range(POLLS_AT_ONCE):
                    tasks.create_task(ask())
        except TimeoutError as error:
            faults.append(error)
        if faults and not found:
            raise _unavailable(faults[0]) from faults[0]
        return [found[ref] for ref in asked if ref in found]

    async def senders(self) -> Sequence[AccountSender]:
        """See `ListsAccounts.senders`."""
        return wire.read_accounts(await self._ask(wire.accounts_request()))

    async def use(self) -> Sequence[Use]:
        """See `TellsUse.use`: the vendor's billing period, as our month.

        The vendor's period ends on a day of its own. What it has counted by then
        stands in our month until it is told anew, so that what is told is never too
        little but for the first hour of a month.
        """
        try:
            return plan.read_use(await self._ask(plan.workspace_request()))
        except Misconfigured as error:
            raise Unavailable(str(error)) from error

    async def history(self, since: datetime, passed: datetime) -> Retold:
        """See `TellsHistory.history`: a request per 50 chats, and one or more per
        chat that changed, of at most `MOST_CHATS`, for at most `poll_within`.

        A fault half-way, or the end of the time, leaves the rest to the next look.
        """
        chats: list[tuple[datetime, Chat]] = []
        done, bodies = 0, list[bytes]()
        try:
            async with asyncio.timeout(self.poll_within.total_seconds()):
                chats += await self._changed(passed)
                for last, chat in chats:
                    if done >= MOST_CHATS and last > chats[0][0]:
                        return Retold(bodies, last)
                    bodies += await self._written(chat, since)
                    done += 1
        except (RetryLater, TimeoutError) as error:
            if not done:
                raise _unavailable(error) from error
            return Retold(bodies, chats[done][0])
        return Retold(bodies)

    async def _changed(self, passed: datetime) -> list[tuple[datetime, Chat]]:
        """With the time of their last message, the one longest ago first."""
        found: dict[str, tuple[datetime, Chat]] = {}
        for number in range(1, MOST_LISTED + 1):
            request = history.changed_request(number)
            page = wire.read_chats(await self._ask(request))
            times = [chat.last for chat in page.items if chat.last is not None]
            for chat in page.items:
                if not chat.id or chat.group or chat.last is None:
                    continue
                if chat.last >= passed:
                    found[chat.id] = chat.last, chat
            if not page.has_more or (times and min(times) < passed):
                break
        return sorted(found.values(), key=lambda one: one[0])

    async def _written(self, chat: Chat, since: datetime) -> list[bytes]:
        found: list[bytes] = []
        day, before = (since - _ZONE_ROOM).date(), ""
        for _ in range(MOST_PAGES):
            request = history.written_request(chat.id, day, before)
            page = history.read_written(await self._ask(request), chat)
            found += [one.body for one in page.items if one.told_since(since)]
            last = page.items[-1] if page.items else None
            if last is None or not page.has_more or not last.uid:
                break
            if last.at is not None and last.at < since:
                break
            before = last.uid
        return found[::-1]

    async def register(self, url: str) -> None:
        """See `ReceivesWebhooks.register`; what is there already is left alone.

        A subscription under an earlier address of ours is moved here, so that the
        vendor's ten places are enough however often the address changes.
        """
        there = wire.read_webhooks(await self._ask(wire.webhooks_request()))
        for event_type in wire.EVENT_TYPES:
            wanted = wire.Webhook(event_type, url, enabled=True)
            if wanted in there:
                continue
            earlier = next((one for one in there if one.is_elsewhere(wanted)), None)
            request = (
                wire.subscribe_request(event_type, url)
                if earlier is None
                else wire.move_request(earlier, url)
            )
            reply = await self._ask(request)
            if wire.read_webhook(reply) != wanted:
                message = f"timelinesai did not take the webhook of {event_type}"
                raise Unavailable(message)

    async def _look(
        self, parcel: Parcel, since: datetime
    ) -> Found | Absent | CannotTell:
        known = chat_id(parcel.thread)
        for chat in [known] if known else await self._chats(parcel):
            found = await self._look_in(chat, parcel, since)
            if found is not None:
                return found
        return Absent()

    async def _chats(self, parcel: Parcel) -> list[str]:
        """The vendor compares numbers loosely, so they are compared again."""
        found: list[str] = []
        for number in range(1, MOST_PAGES + 1):
            request = wire.chats_request(parcel.to, number)
            page = wire.read_chats(await self._ask(request))
            found += [
                chat.id
                for chat in page.items
                if chat.contact == parcel.to and chat.account == parcel.sender_number
            ]
            if not page.has_more:
                return found
        raise Unavailable(_TOO_MUCH)

    async def _look_in(
        self, chat: str, parcel: Parcel, since: datetime
    ) -> Found | CannotTell | None:
        day, after = (since - _ZONE_ROOM).date(), ""
        for _ in range(MOST_PAGES):
            request = wire.history_request(chat, day, after)
            page = wire.read_history(await self._ask(request))
            for line in page.items:
                if line.text != parcel.text or line.sender != parcel.sender_number:
                    continue
                if line.at is None or not line.uid:
                    return CannotTell("our text is there, but not since when")
                if line.at >= since - _CLOCK_ROOM:
                    return Found(line.uid, chat)
            if not page.has_more:
                return None
            after = page.items[-1].uid if page.items else ""
            if not after:
                break
        raise Unavailable(_TOO_MUCH)

    async def _ask(self, request: HttpRequest) -> HttpReply:
        match await self.client.fetch(request, self.ask_within):
            case HttpReply() as reply:
                return reply
            case NotSent(why) | Lost(why):
                message = f"timelinesai could not be asked: {why}"
                raise Unavailable(message)


def _unavailable(error: Exception) -> Unavailable:
    wait = error.retry_after if isinstance(error, RetryLater) else None
    return Unavailable(str(error) or "timelinesai: no answer in time", retry_after=wait)
