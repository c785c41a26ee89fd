"""What a provider sends us: is it really from there, and what does the rest say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from outreach.domain.event import SystemEvent

__all__ = [
    "Authenticates",
    "ConfirmsSubscriptions",
    "FetchesContent",
    "Keeps",
    "LearnsKeys",
    "Splits",
    "Stamps",
]


class Authenticates(Protocol):
    """Tells a provider's signed delivery from a stranger's; no I/O.

    Names of headers are lower case, values as they came (Latin-1). Nothing that a
    stranger sends is raised about.
    """

    def may_be(self, headers: Mapping[str, str], now: datetime) -> bool:
        """Whether the head alone does not rule it out: asked before a body is read.

        Args:
            now: machine time.
        """
        ...

    def is_theirs(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> bool:
        """Whether the signature over *raw* is the provider's, and fresh."""
        ...


@runtime_checkable
class Stamps(Protocol):
    """Says when a delivery was signed, where the provider does: beside `Authenticates`,
    so that a clock that is off can be told from a wrong secret.
    """

    def ahead(self, headers: Mapping[str, str], now: datetime) -> timedelta | None:
        """By how much the head's time stamp is ahead of *now* (machine time); None if
        it has none. Nobody vouches for it before the signature was found good.
        """
        ...


@runtime_checkable
class LearnsKeys(Protocol):
    """Checks signatures by keys that the provider publishes; a delivery names its own.

    Promises:
    - a delivery is theirs once its key was learnt, and not before;
    - a key is asked for once, however many deliveries name it, also at the same time;
    - what names a key that is not the provider's leads to no request;
    - a key that the provider does not have is no error: the delivery is not theirs;
    - a provider that does not answer is Unavailable, and a delivery is theirs again
      when it does.
    """

    async def learn(self, headers: Mapping[str, str], raw: bytes) -> None:
        """See that `Authenticates.is_theirs` can judge a delivery, without a word on
        whose it is. Whoever calls it bounds its time.

        Raises:
            Unavailable: the key could not be had; the delivery is to be sent again.
        """
        ...


@runtime_checkable
class ConfirmsSubscriptions(Protocol):
    """Sends nothing before somebody answered that it may.

    Promises:
    - a subscription to what is ours is confirmed at the provider;
    - again, it is confirmed again;
    - any other delivery leads to no request;
    - a provider that does not answer is Unavailable.
    """

    async def confirm(self, raw: bytes) -> None:
        """Answer *raw*, which `Authenticates.is_theirs` was true of, if it asks for an
        answer. Whoever calls it bounds its time.

        Raises:
            Unavailable: the provider did not take the answer; it is to ask again.
        """
        ...


@runtime_checkable
class Keeps(Protocol):
    """A reader whose provider's deliveries say too much, or too little, by themselves.

    Beside `outreach.ports.gateway.Reads`, which reads what was kept.
    """

    def kept(self, raw: bytes, phone_in_path: str, at: datetime) -> bytes:
        """What of *raw* is stored: without the provider's tokens, and with what only
        its path and its arrival tell. Never raises for any bytes.

        Args:
            phone_in_path: our number, where the path carries one; else empty.
            at: machine time at which it came in.
        """
        ...


@runtime_checkable
class FetchesContent(Protocol):
    """Tells the rest of an event whose webhook carries only a part of it.

    Promises:
    - what is fetched is complete, and has the key it had;
    - fetched again, it is the same;
    - an event that is complete is given back as it is, and nobody is asked;
    - what the provider no longer has is complete, as something to look at;
    - a provider that cannot be asked is Unavailable, one that refuses us is
      Misconfigured.
    """

    async def fetch(self, event: SystemEvent) -> SystemEvent:
        """The event with all that the provider knows of it.

        Raises:
            Unavailable: the provider could not be asked.
            Misconfigured: it does not accept our credentials, or not for this.
        """
        ...


@runtime_checkable
class Splits(Protocol):
    """A reader of deliveries of many events, each kept without the others."""

    def split(self, raw: bytes) -> Sequence[bytes]:
        """Bodies that together say what *raw* says, one event each; *raw* itself if
        it cannot be taken apart. Never raises for any bytes.
        """
        ...
