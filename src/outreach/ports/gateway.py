"""A provider account that can send, and what else some can do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from attrs import frozen

from outreach.domain.allowance import Use
from outreach.domain.event import SystemEvent
from outreach.domain.message import Answer, MessageStatus, Parcel
from outreach.domain.provider_campaign import (
    CampaignCounts,
    CampaignHold,
    CampaignPlan,
)
from outreach.domain.sender import SenderState
from outreach.domain.stop import Stop

__all__ = [
    "Absent",
    "AccountSender",
    "Acknowledges",
    "Again",
    "CannotTell",
    "Confirmed",
    "Found",
    "Gateway",
    "Held",
    "ListsAccounts",
    "LooksUp",
    "LooksUpMany",
    "PollsStatus",
    "Reads",
    "ReceivesWebhooks",
    "RepeatsSafely",
    "ReplaysLost",
    "Running",
    "RunsCampaigns",
    "SendsMany",
    "Status",
    "TakesBack",
    "TellsUse",
]


class Gateway(Protocol):
    """Sends one message.

    Promises:
    - one request per call, never repeated by the adapter or a library below it;
    - nothing the provider or the network does is raised;
    - what may have been accepted is UnknownOutcome, never NotAccepted;
    - what a provider documents as refused for good is Refused;
    - refused for now is NotAccepted for the lane, with the wait asked for.
    """

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        """Hand *parcel* to the provider, in at most *within* (machine time).

        An exception that escapes is a defect and counts as UnknownOutcome.
        """
        ...


@runtime_checkable
class SendsMany(Protocol):
    """Hands many messages over in one request.

    Promises:
    - one request for all of them, and one answer for each, in order;
    - nothing the provider or the network does is raised;
    - a lost answer is an UnknownOutcome for every message that may be there;
    - one message that is refused takes no other with it;
    - what never left is NotAccepted for the lane, for every message.
    """

    async def send_many(
        self, parcels: Sequence[Parcel], within: timedelta
    ) -> Sequence[Answer]:
        """Hand *parcels* over, in at most *within* (machine time).

        An exception that escapes, or another number of answers, is a defect and
        counts as UnknownOutcome for every parcel.
        """
        ...


@runtime_checkable
class RepeatsSafely(Protocol):
    """Can be given a message again without sending it twice.

    Promises:
    - the same message again is accepted under its first id, and sent once;
    - a message that never arrived is sent by its repetition;
    - after `repeats_for` nothing leaves the process;
    - nothing the provider or the network does is raised.
    """

    @property
    def repeats_for(self) -> timedelta:
        """How long after the first call the provider knows the message by its key
        (machine time).
        """
        ...

    async def repeat(
        self, parcel: Parcel, since: datetime, within: timedelta
    ) -> Answer:
        """Hand the same *parcel*, first handed over at *since* (wall clock, UTC), to
        the provider again, with the same key; NotAccepted if it is too late for that.
        """
        ...


@frozen
class Confirmed:
    """The provider will not send it."""

    detail: str = ""


@frozen
class Again:
    """The provider did not confirm: tell it again.

    Attributes:
        retry_after: the wait it asked for (machine time).
    """

    why: str
    retry_after: timedelta | None = None


@runtime_checkable
class TakesBack(Protocol):
    """Can be told not to send what it was given.

    Promises:
    - what is confirmed is not sent afterwards;
    - the same stop again is confirmed again;
    - what the provider does not have is confirmed;
    - a stop without an answer is to be repeated;
    - nothing the provider or the network does is raised.
    """

    async def stop(self, stop: Stop) -> Confirmed | Again:
        """Withdraw a message, block an address or pause a campaign, at once."""
        ...


@frozen
class Running:
    """The provider's campaign is there, as planned, and sends within its hours.

    Attributes:
        ref: the provider's id.
    """

    ref: str


@frozen
class Held:
    """The provider's campaign is there and sends nothing.

    Attributes:
        says: the provider's reason, in its words.
    """

    ref: str
    hold: CampaignHold
    says: str = ""


@runtime_checkable
class RunsCampaigns(Protocol):
    """Sends by campaigns of its own, to which leads are added.

    Promises:
    - asked again for the same plan, it makes no second campaign;
    - a campaign that is there already is found by its name, whoever made it;
    - nothing is written again before it was looked for;
    - it is started only after it was read back as planned;
    - one that the provider stopped (bounces, senders, suspended) is not started;
    - nothing the provider or the network does is raised.
    """

    async def ensure(self, plan: CampaignPlan, ref: str = "") -> Running | Held | Again:
        """See that the campaign of *plan* is there and started.

        Args:
            ref: the provider's id, if it is known already.
        """
        ...

    async def state(self, ref: str) -> Running | Held | Again:
        """Why the campaign sends, or does not; changes nothing."""
        ...

    async def resume(self, ref: str) -> Running | Held | Again:
        """Start it again, as a person decided."""
        ...

    async def counts(self, refs: Sequence[str]) -> Sequence[CampaignCounts]:
        """What became of the campaigns' mail; one that sent nothing yet is left out.

        Raises:
            Unavailable: the provider could not be asked.
        """
        ...


@frozen
class Found:
    """The message is at the provider."""

    ref: str
    thread: str = ""


@frozen
class Absent:
    """The provider's history is there, and the message is not in it."""


@frozen
class CannotTell:
    """The provider could not be asked, or its answer proves nothing."""

    why: str


@runtime_checkable
class LooksUp(Protocol):
    """Can find a message it was given before."""

    async def look(
        self, parcel: Parcel, since: datetime
    ) -> Found | Absent | CannotTell:
        """Look for *parcel* among what left since *since* (wall clock, UTC)."""
        ...


@runtime_checkable
class LooksUpMany(Protocol):
    """Can find many messages it was given before by one question.

    Promises:
    - one answer for each message, in order;
    - looking for many finds what looking for one finds;
    - who cannot ask cannot tell of any of them;
    - looking for many changes nothing, and raises nothing that the network does.
    """

    async def look_many(
        self, parcels: Sequence[Parcel], since: datetime
    ) -> Sequence[Found | Absent | CannotTell]:
        """Look for all of *parcels*, which are of one campaign of the provider, among
        what left since *since* (wall clock, UTC).
        """
        ...


@frozen
class Status:
    """How far a message came.

    Attributes:
        sender: the number that really sent it, empty if the provider does not say.
    """

    ref: str
    status: MessageStatus
    at: datetime | None
    thread: str = ""
    sender: str = ""


@runtime_checkable
class PollsStatus(Protocol):
    """Tells how far messages came when asked."""

    async def statuses(self, refs: Sequence[str]) -> Sequence[Status]:
        """One answer per message that the provider knows.

        Raises:
            Unavailable: the provider could not be asked.
        """
        ...


@runtime_checkable
class Acknowledges(Protocol):
    """Tells by webhook how far every message came, without being asked.

    A sender of whose messages nothing comes back is silent, as where a poll says so.
    """

    @property
    def acknowledges(self) -> frozenset[MessageStatus]:
        """What comes of a message that arrives, and is read, as far as people let it
        be known.
        """
        ...


@runtime_checkable
class TellsUse(Protocol):
    """Tells how far the plan of the account is used."""

    async def use(self) -> Sequence[Use]:
        """The present day and month, as far as the vendor counts them, of messages
        and of calls; empty: it has not said yet.

        Raises:
            Unavailable: the provider could not be asked.
        """
        ...


@frozen
class AccountSender:
    """A number as the provider lists it."""

    number: str
    ref: str
    connected: bool
    state: SenderState | None = None


@runtime_checkable
class ListsAccounts(Protocol):
    """Tells which numbers are connected."""

    async def senders(self) -> Sequence[AccountSender]:
        """All numbers of the account.

        Raises:
            Unavailable: the provider could not be asked.
            Misconfigured: it does not accept our credentials.
        """
        ...


@runtime_checkable
class ReceivesWebhooks(Protocol):
    """Can be told where to send its webhooks."""

    async def register(self, url: str) -> None:
        """Have every event type we read sent to *url*; again changes nothing.

        Raises:
            Unavailable: the provider could not be asked.
            Misconfigured: it refused the address or our credentials.
        """
        ...


@runtime_checkable
class ReplaysLost(Protocol):
    """Tells which of its webhooks did not arrive.

    Promises:
    - a webhook that did not arrive is told, as it was sent;
    - one of before the time asked for is not told;
    - being told loses nothing: asked again, it tells the same;
    - a provider that cannot be asked is Unavailable, with a refused key Misconfigured.
    """

    async def lost(self, since: datetime) -> Sequence[bytes]:
        """Bodies that failed to arrive since *since* (wall clock, UTC), oldest first;
        a later try of the provider's may have brought one all the same.

        Raises:
            Unavailable: the provider could not be asked.
            Misconfigured: it does not accept our credentials.
        """
        ...


class Reads(Protocol):
    """Reads a provider's webhooks; no I/O."""

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        """What a body says. Never raises for any bytes: what cannot be read is
        one event of type UNKNOWN whose key is a hash of the body.
        """
        ...
