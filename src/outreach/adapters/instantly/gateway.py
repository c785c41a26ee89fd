"""Sends by Instantly: cold mail as leads of campaigns, replies in its shared inbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from attrs import evolve, field, frozen

from outreach.adapters._http import HttpClient, HttpReply, Lost, NotSent
from outreach.adapters.instantly import hooks, leads, looking, running, stopping
from outreach.adapters.instantly.api import Api
from outreach.adapters.instantly.replies import read_reply, reply_request
from outreach.adapters.instantly.words import address_of
from outreach.domain.channel import Channel
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Parcel,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.provider_campaign import CampaignCounts, CampaignPlan
from outreach.domain.stop import Stop
from outreach.ports.gateway import (
    Absent,
    Again,
    CannotTell,
    Confirmed,
    Found,
    Held,
    Running,
)

__all__ = ["BASE_URL", "InstantlyGateway", "open_client"]

BASE_URL: Final = "https://api.instantly.ai"
ASK_WITHIN: Final = timedelta(seconds=20)
"""For one question: machine time."""
MOST_BYTES: Final = 16 << 20
"""Of an answer: a page of leads, or of lost webhooks, holds whole mails."""

_REPEATS_FOR: Final = timedelta(hours=23)
_COLD: Final = frozenset({Channel.EMAIL_COLD})
_CARRIES: Final = frozenset({Channel.EMAIL_COLD, Channel.EMAIL_WARM})
_NEXT_CALL: Final = NotAccepted(
    lane=True,
    detail="of another campaign: it goes in a call of its own",
    retry_after=timedelta(seconds=1),
)


def open_client(
    api_key: str,
    *,
    base_url: str = BASE_URL,
    workspace: str = "",
    user_agent: str,
    connect_timeout: timedelta = timedelta(seconds=5),
    read_timeout: timedelta = timedelta(seconds=20),
) -> HttpClient:
    """Make the client of one workspace. Opens nothing; whoever calls it closes it.

    Args:
        workspace: id of a sub-workspace that an administrator's key acts for.

    Raises:
        Misconfigured: the base URL, the key or the workspace cannot be used.
    """
    headers = {"authorization": f"Bearer {api_key}"}
    if workspace:
        headers["x-as-workspace"] = workspace
    return HttpClient(
        base_url,
        user_agent=user_agent,
        headers=headers,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        most_bytes=MOST_BYTES,
    )


def _today() -> date:
    return datetime.now(UTC).date()


@frozen
class InstantlyGateway:
    """Implements `Gateway`, `SendsMany`, `LooksUp`, `LooksUpMany`, `RepeatsSafely`,
    `TakesBack`, `RunsCampaigns`, `ReceivesWebhooks` and `ReplaysLost` of
    :mod:`outreach.ports.gateway` for one workspace.

    A call that is cancelled raises `asyncio.CancelledError`, as everywhere; a send
    cancelled that way may have been accepted.

    Attributes:
        client: made by `open_client`.
        webhook_secret: what the vendor is told to send with each webhook.
        ask_within: machine time for one question (not for a send).
        today: from which day on a schedule must lie inside the window (UTC).
    """

    client: HttpClient = field(repr=False)
    webhook_secret: str = field(default="", repr=False)
    ask_within: timedelta = ASK_WITHIN
    today: Callable[[], date] = field(default=_today, repr=False)

    @property
    def _api(self) -> Api:
        return Api(self.client, self.ask_within)

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        """See `Gateway.send`: a lead of the parcel's campaign, or an answer to the
        mail of theirs that the parcel's thread names.

        Raises:
            ChannelSegregationError: it is no mail, or a warm one that answers none.
        """
        parcel.permit.demand(_CARRIES if parcel.thread else _COLD)
        if parcel.permit.channel is Channel.EMAIL_WARM:
            return await self._reply(parcel, within)
        (answer,) = await self._add([parcel], within)
        return answer

    async def send_many(
        self, parcels: Sequence[Parcel], within: timedelta
    ) -> Sequence[Answer]:
        """See `SendsMany.send_many`: up to 1,000 leads of one campaign.

        The first says which: what is of another campaign, is a reply, or is beyond
        the thousand waits for the next call. A reply that comes first goes alone.

        Raises:
            ChannelSegregationError: one of them is no mail, or a warm one that
                answers none; nothing leaves.
        """
        for parcel in parcels:
            parcel.permit.demand(_CARRIES if parcel.thread else _COLD)
        if parcels and parcels[0].permit.channel is Channel.EMAIL_WARM:
            first = await self._reply(parcels[0], within)
            return [first, *(_NEXT_CALL for _ in parcels[1:])]
        return await self._add(parcels, within)

    @property
    def repeats_for(self) -> timedelta:
        """See `RepeatsSafely.repeats_for`: a lead stays in its campaign."""
        return _REPEATS_FOR

    async def repeat(
        self, parcel: Parcel, since: datetime, within: timedelta
    ) -> Answer:
        """See `RepeatsSafely.repeat`: a lead that is in its campaign already is met
        there, with the id of our message. A reply is never repeated.

        A refusal proves nothing of the first time: the lead may be blocked since.
        """
        if datetime.now(UTC) - since >= _REPEATS_FOR or not parcel.campaign:
            return NotAccepted(lane=False, detail="it cannot be repeated safely")
        parcel.permit.demand(_COLD)
        (answer,) = await self._add([parcel], within)
        if isinstance(answer, Refused):
            return UnknownOutcome(f"repeated: {answer.kind}")
        return answer

    async def look(
        self, parcel: Parcel, since: datetime
    ) -> Found | Absent | CannotTell:
        """See `LooksUp.look`: the lead that bears our message's id; a reply by its
        text, whose absence proves nothing.
        """
        (found,) = await self.look_many([parcel], since)
        return found

    async def look_many(
        self, parcels: Sequence[Parcel], since: datetime
    ) -> Sequence[Found | Absent | CannotTell]:
        """See `LooksUpMany.look_many`: one answer for each, in order.

        One request for each hundred leads of a campaign; one for each reply.
        """
        return await looking.look_many(self._api, parcels, since)

    async def stop(self, stop: Stop) -> Confirmed | Again:
        """See `TakesBack.stop`."""
        return await stopping.stop(self._api, stop)

    async def ensure(self, plan: CampaignPlan, ref: str = "") -> Running | Held | Again:
        """See `RunsCampaigns.ensure`."""
        return await running.ensure(self._api, plan, ref, self.today())

    async def state(self, ref: str) -> Running | Held | Again:
        """See `RunsCampaigns.state`."""
        return await running.state(self._api, ref)

    async def resume(self, ref: str) -> Running | Held | Again:
        """See `RunsCampaigns.resume`."""
        return await running.resume(self._api, ref)

    async def counts(self, refs: Sequence[str]) -> Sequence[CampaignCounts]:
        """See `RunsCampaigns.counts`."""
        return await running.counts(self._api, refs)

    async def register(self, url: str) -> None:
        """See `ReceivesWebhooks.register`: every type of event, with our secret in
        the header ``X-Outreach-Webhook-Secret``.
        """
        await hooks.register(self._api, url, self.webhook_secret)

    async def lost(self, since: datetime) -> Sequence[bytes]:
        """See `ReplaysLost.lost`."""
        return await hooks.lost(self._api, since)

    def told_apart_by(self, secret: str) -> InstantlyGateway:
        """The same, whose webhooks bear *secret*."""
        return evolve(self, webhook_secret=secret)

    async def _reply(self, parcel: Parcel, within: timedelta) -> Answer:
        request = reply_request(parcel)
        if isinstance(request, Answer):
            return request
        match await self.client.fetch(request, within):
            case HttpReply() as reply:
                return read_reply(reply, parcel)
            case failed:
                return _no_answer(failed)

    async def _add(
        self, parcels: Sequence[Parcel], within: timedelta
    ) -> Sequence[Answer]:
        """One call; then, of those that it met in the campaign, whose they are."""
        deadline = asyncio.get_running_loop().time() + within.total_seconds()
        said: list[Answer | leads.Unsaid | None] = [leads.unfit(one) for one in parcels]
        going: dict[str, int] = {}
        campaign = next(
            (one.campaign for one, why in zip(parcels, said, strict=True) if not why),
            "",
        )
        for place, parcel in enumerate(parcels):
            if said[place] is not None:
                continue
            address = address_of(parcel.to)
            other = parcel.permit.channel is not Channel.EMAIL_COLD
            if other or parcel.campaign != campaign or len(going) == leads.MOST:
                said[place] = _NEXT_CALL
            elif address in going:
                said[place] = leads.TWICE
            else:
                going[address] = place
        if going:
            sent = [parcels[place] for place in going.values()]
            told = await self._added(sent, within)
            for place, answer in zip(going.values(), told, strict=True):
                said[place] = answer
        return await self._settled(parcels, said, deadline)

    async def _added(
        self, parcels: Sequence[Parcel], within: timedelta
    ) -> Sequence[Answer | leads.Unsaid]:
        match await self.client.fetch(leads.add_request(parcels), within):
            case HttpReply() as reply:
                return leads.answers(reply, parcels)
            case failed:
                return [_no_answer(failed) for _ in parcels]

    async def _settled(
        self,
        parcels: Sequence[Parcel],
        said: Sequence[Answer | leads.Unsaid | None],
        deadline: float,
    ) -> Sequence[Answer]:
        met = [place for place, one in enumerate(said) if isinstance(one, leads.Unsaid)]
        found: dict[int, looking.Whose] = dict.fromkeys(met, CannotTell("no time left"))
        try:
            async with asyncio.timeout_at(deadline):
                whose = await looking.whose(self._api, [parcels[n] for n in met])
            found = dict(zip(met, whose, strict=True))
        except TimeoutError:
            pass  # whose they are is looked up later, as after any lost answer
        answers: list[Answer] = []
        for place, one in enumerate(said):
            if isinstance(one, leads.Unsaid):
                answers.append(_of_the_met(found[place], one))
            else:
                answers.append(one or UnknownOutcome("not handed over"))
        return answers


def _of_the_met(found: looking.Whose, unsaid: leads.Unsaid) -> Answer:
    match found:
        case Found(ref):
            return Accepted(ref)
        case looking.Stranger():
            # It is written to for another message of this step, or by somebody else.
            return Refused(Refusal.REJECTED, "in the campaign for another message")
        case Absent():
            return unsaid.otherwise
        case CannotTell(why):
            return UnknownOutcome(f"in the campaign, and not known whose: {why}")


def _no_answer(failed: NotSent | Lost) -> Answer:
    if isinstance(failed, NotSent):
        return NotAccepted(lane=True, detail=f"not connected: {failed.why}")
    return UnknownOutcome(f"no answer: {failed.why}")
