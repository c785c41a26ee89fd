"""A provider account that can send, and what else some can do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from attrs import frozen

from outreach.domain.event import SystemEvent
from outreach.domain.message import Answer, MessageStatus, Parcel
from outreach.domain.sender import SenderState

__all__ = [
    "Absent",
    "AccountSender",
    "CannotTell",
    "Found",
    "Gateway",
    "ListsAccounts",
    "LooksUp",
    "PollsStatus",
    "Reads",
    "ReceivesWebhooks",
    "Status",
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


class Reads(Protocol):
    """Reads a provider's webhooks; no I/O."""

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        """What a body says. Never raises for any bytes: what cannot be read is
        one event of type UNKNOWN whose key is a hash of the body.
        """
        ...
