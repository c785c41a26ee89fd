"""A provider that is a list of what it accepted, and errs when it is told to."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum, auto

from attrs import define, evolve, field, frozen

from outreach.adapters.memory.clock import EPOCH
from outreach.adapters.memory.pause import Pause, yield_once
from outreach.domain.allowance import Use
from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.event import SystemEvent
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
from outreach.domain.stop import Stop, StopKind
from outreach.ports.domains import AccountDomain
from outreach.ports.gateway import (
    Absent,
    AccountSender,
    Again,
    CannotTell,
    Confirmed,
    Found,
    Status,
)

__all__ = ["Delivery", "MemoryGateway", "Mishap"]


class Mishap(Enum):
    """What the line can do to one call, or to one stop."""

    ACCEPTED_THEN_SILENT = auto()
    """The message is accepted, the answer is lost."""
    LOST_ON_THE_WAY = auto()
    """The message never arrives, and there is no answer."""
    NOT_CONNECTED = auto()
    """No byte leaves."""


@frozen
class Delivery:
    """A parcel that was accepted, and how far it came.

    Attributes:
        withdrawn: taken back while the provider still held it.
        left: sent on; nothing can be taken back any more.
        sender: the number it really left from.
    """

    parcel: Parcel
    ref: str
    thread: str
    sender: str
    at: datetime
    status: MessageStatus = MessageStatus.ACCEPTED
    withdrawn: bool = False
    left: bool = False


@define(eq=False)
class MemoryGateway:
    """Implements `Gateway` and every ability of :mod:`outreach.ports.gateway` but
    `ReceivesWebhooks` and `RunsCampaigns`, and `FetchesContent` and `ChecksDomains`.

    Every parcel is accepted unless the script says otherwise; ids count from 1, and
    a pair of numbers has one thread.

    Attributes:
        now: wall clock (UTC) of what is accepted, moved by hand.
        accounts: what `senders` answers; uses: what `use` does.
        is_reachable: False: no question is answered, and no byte of a send leaves.
        accepts_us: False: the credentials are not accepted.
        carries: channels of the account; a parcel for another one is refused before
            anything leaves.
        campaign: where all that it accepts belongs, by the name a stop has for it.
        repeats_for: how long it knows a message by its key.
        arrivals: sends that reached it, whatever became of them.
        questions: asked after many messages at once.
        stops: what it was told to stop, in order.
        blocked: addresses that it writes to no more.
        paused: campaigns that it sends nothing of.
        letters: texts of what came in, by the ref of the event that tells of it.
        owned: what `domains` answers.
        missed: webhooks that did not arrive, and when.
    """

    now: datetime = EPOCH
    accounts: list[AccountSender] = field(factory=list)
    uses: list[Use] = field(factory=list)
    is_reachable: bool = True
    accepts_us: bool = True
    pause: Pause = yield_once
    carries: frozenset[Channel] = frozenset(Channel)
    campaign: str = ""
    repeats_for: timedelta = timedelta(hours=23)
    arrivals: int = field(default=0, init=False)
    questions: int = field(default=0, init=False)
    deliveries: list[Delivery] = field(factory=list, init=False)
    stops: list[Stop] = field(factory=list, init=False)
    blocked: set[str] = field(factory=set, init=False)
    paused: set[str] = field(factory=set, init=False)
    letters: dict[str, str] = field(factory=dict, init=False)
    owned: list[AccountDomain] = field(factory=list, init=False)
    missed: list[tuple[datetime, bytes]] = field(factory=list, init=False)
    _deaf: deque[Mishap] = field(factory=deque, init=False)
    _script: deque[Answer | Mishap] = field(factory=deque, init=False)

    @property
    def accepted(self) -> list[Parcel]:
        """What was accepted, in order: the judge of every test."""
        return [delivery.parcel for delivery in self.deliveries]

    def script(self, *coming: Answer | Mishap) -> None:
        """Say what the next sends meet, one each; what was scripted before is gone.

        An `Accepted` is accepted under that id; other answers accept nothing, but
        for `UnknownOutcome`, which is written as the `Mishap` that leads to it.

        Raises:
            ValueError: an `UnknownOutcome` leaves open whether it was accepted.
        """
        if any(isinstance(one, UnknownOutcome) for one in coming):
            msg = (
                "an UnknownOutcome leaves open whether the message was accepted: "
                "script ACCEPTED_THEN_SILENT or LOST_ON_THE_WAY"
            )
            raise ValueError(msg)
        self._script = deque(coming)

    def progress(self, ref: str, status: MessageStatus, *, sender: str = "") -> None:
        """Say how far a message came, and from which number if not from ours.

        Raises:
            ValueError: no message with this id was accepted.
        """
        place = [delivery.ref for delivery in self.deliveries].index(ref)
        there = self.deliveries[place]
        self.deliveries[place] = evolve(
            there, status=status, sender=sender or there.sender
        )

    def ignore(self, *mishaps: Mishap) -> None:
        """Say what the next stops meet, one each; what was said before is gone."""
        self._deaf = deque(mishaps)

    def let_go(self) -> list[Parcel]:
        """Send on all that it holds and may send; answers what left now."""
        gone = []
        for place, there in enumerate(self.deliveries):
            kept = there.left or there.withdrawn or self.campaign in self.paused
            if not kept and there.parcel.to not in self.blocked:
                self.deliveries[place] = evolve(there, left=True)
                gone.append(there.parcel)
        return gone

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        """See `Gateway.send`.

        Raises:
            ChannelSegregationError: the account is not for the parcel's channel.
        """
        parcel.permit.demand(self.carries)
        await self.pause()
        coming = self._obstacle(within) or self._next()
        if coming is Mishap.NOT_CONNECTED:
            return NotAccepted(lane=True, detail="not connected")
        self.arrivals += 1
        return self._meet(parcel, coming)

    async def send_many(
        self, parcels: Sequence[Parcel], within: timedelta
    ) -> Sequence[Answer]:
        """See `SendsMany.send_many`: one arrival; a mishap befalls all of them.

        Raises:
            ChannelSegregationError: the account is not for a parcel's channel.
        """
        for parcel in parcels:
            parcel.permit.demand(self.carries)
        await self.pause()
        obstacle = self._obstacle(within)
        if obstacle is None and self._script and isinstance(self._script[0], Mishap):
            obstacle = self._next()
        if obstacle is Mishap.NOT_CONNECTED:
            return [NotAccepted(lane=True, detail="not connected") for _ in parcels]
        self.arrivals += 1
        return [self._meet(parcel, obstacle or self._next()) for parcel in parcels]

    async def repeat(
        self, parcel: Parcel, since: datetime, within: timedelta
    ) -> Answer:
        """See `RepeatsSafely.repeat`."""
        if self.now - since >= self.repeats_for:
            await self.pause()
            return NotAccepted(lane=False, detail="too late to repeat it safely")
        for there in self.deliveries:
            if there.parcel.attempt != parcel.attempt:
                continue
            await self.pause()
            if self._obstacle(within) is not None:
                return NotAccepted(lane=True, detail="not connected")
            if self._script and isinstance(self._script[0], Mishap):
                self._next()
                return UnknownOutcome("no answer")
            return Accepted(there.ref, there.thread)
        return await self.send(parcel, within)

    async def stop(self, stop: Stop) -> Confirmed | Again:
        """See `TakesBack.stop`."""
        await self.pause()
        if not self.is_reachable or not self.accepts_us:
            return Again("not connected")
        mishap = self._deaf.popleft() if self._deaf else None
        if mishap in {Mishap.NOT_CONNECTED, Mishap.LOST_ON_THE_WAY}:
            return Again("no answer")
        self.stops.append(stop)
        self._carry_out(stop)
        return Confirmed() if mishap is None else Again("no answer")

    def _carry_out(self, stop: Stop) -> None:
        match stop.kind:
            case StopKind.BLOCK:
                self.blocked.add(stop.to)
            case StopKind.PAUSE:
                self.paused.add(stop.about)
            case StopKind.WITHDRAW:
                for place, there in enumerate(self.deliveries):
                    if str(there.parcel.attempt) == stop.about:
                        self.deliveries[place] = evolve(there, withdrawn=True)

    def _meet(self, parcel: Parcel, coming: Answer | Mishap) -> Answer:
        if parcel.to in self.blocked:
            return Refused(Refusal.REJECTED, detail="blocked")
        match coming:
            case Accepted(ref, thread):
                return self._accept(parcel, ref, thread)
            case Mishap.ACCEPTED_THEN_SILENT:
                self._accept(parcel)
                return UnknownOutcome("no answer")
            case Mishap():
                return UnknownOutcome("no answer")
            case answer:
                return answer

    async def look(
        self, parcel: Parcel, since: datetime
    ) -> Found | Absent | CannotTell:
        """See `LooksUp.look`: by content, as a provider without our ids would."""
        await self.pause()
        if not self.is_reachable or not self.accepts_us:
            return CannotTell("not connected")
        for delivery in self.deliveries:
            if delivery.at >= since and delivery.parcel.hash == parcel.hash:
                return Found(delivery.ref, delivery.thread)
        return Absent()

    async def look_many(
        self, parcels: Sequence[Parcel], since: datetime
    ) -> Sequence[Found | Absent | CannotTell]:
        """See `LooksUpMany.look_many`: one question, however many there are."""
        self.questions += 1
        return [await self.look(parcel, since) for parcel in parcels]

    async def statuses(self, refs: Sequence[str]) -> Sequence[Status]:
        """See `PollsStatus.statuses`."""
        await self._question()
        known = {delivery.ref: delivery for delivery in self.deliveries}
        return [_status(known[ref]) for ref in dict.fromkeys(refs) if ref in known]

    async def use(self) -> Sequence[Use]:
        """See `TellsUse.use`: what `uses` says."""
        await self._question()
        return tuple(self.uses)

    async def senders(self) -> Sequence[AccountSender]:
        """See `ListsAccounts.senders`."""
        await self._credentials()
        return tuple(self.accounts)

    async def domains(self) -> Sequence[AccountDomain]:
        """See `ChecksDomains.domains`."""
        await self._credentials()
        return tuple(self.owned)

    async def fetch(self, event: SystemEvent) -> SystemEvent:
        """See `FetchesContent.fetch`."""
        if not event.incomplete:
            await self.pause()
            return event
        await self._credentials()
        text = self.letters.get(event.ref)
        if text is None:
            return evolve(event, incomplete=False, media=True, detail="gone")
        return evolve(event, incomplete=False, content=text)

    async def lost(self, since: datetime) -> Sequence[bytes]:
        """See `ReplaysLost.lost`."""
        await self._credentials()
        return [body for at, body in sorted(self.missed) if at >= since]

    def _next(self) -> Answer | Mishap:
        return self._script.popleft() if self._script else Accepted("")

    def _obstacle(self, within: timedelta) -> Answer | Mishap | None:
        if not self.is_reachable or within <= timedelta():
            return Mishap.NOT_CONNECTED
        if self.accepts_us:
            return None
        return NotAccepted(
            lane=True, detail="not accepted", signal=SenderSignal.AUTH_FAILED
        )

    async def _credentials(self) -> None:
        await self._question()
        if not self.accepts_us:
            msg = "the provider in memory does not accept our credentials"
            raise Misconfigured(msg)

    async def _question(self) -> None:
        await self.pause()
        if not self.is_reachable:
            msg = "the provider in memory was told not to answer"
            raise Unavailable(msg)

    def _know_us(self) -> None:
        if not self.accepts_us:
            msg = "the provider in memory does not accept our credentials"
            raise Misconfigured(msg)

    def _accept(self, parcel: Parcel, ref: str = "", thread: str = "") -> Accepted:
        delivery = Delivery(
            parcel=parcel,
            ref=ref or f"m-{len(self.deliveries) + 1}",
            thread=thread or parcel.thread or self._thread_of(parcel),
            sender=parcel.sender_number,
            at=self.now,
        )
        self.deliveries.append(delivery)
        return Accepted(delivery.ref, delivery.thread)

    def _thread_of(self, parcel: Parcel) -> str:
        ends = (parcel.sender_number, parcel.to)
        for delivery in self.deliveries:
            if (delivery.parcel.sender_number, delivery.parcel.to) == ends:
                return delivery.thread
        return f"c-{len(self.deliveries) + 1}"


def _status(delivery: Delivery) -> Status:
    return Status(
        ref=delivery.ref,
        status=delivery.status,
        at=None,
        thread=delivery.thread,
        sender=delivery.sender,
    )
