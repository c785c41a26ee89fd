"""Our own mailboxes, as they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from attrs import field, frozen

from outreach.ports.places import Place

__all__ = ["Fault", "Look", "Mail", "ReadsMailboxes"]


class Fault(StrEnum):
    """Why a mailbox could not be read."""

    REFUSED = "REFUSED"
    """The server does not accept what we sign in with."""
    AWAY = "AWAY"
    """The server cannot be reached, or breaks off, or makes no sense."""
    LATER = "LATER"
    """Nobody was asked: it failed a while ago, or there was no time left."""


@frozen
class Mail:
    """One mail.

    Attributes:
        raw: as the inbox keeps it, and the account's reader reads it.
        place: behind it.
    """

    raw: bytes = field(repr=False)
    place: Place


@frozen
class Look:
    """What a look at one mailbox found.

    Attributes:
        mailbox: its name.
        address: our address; empty: a catch-all.
        mails: that lie behind the places asked for, by folder, oldest first.
        places: where each folder is read to, once *mails* are stored.
        more: there are more, for another look.
        fault: None: it was read.
        host: where it is, for people.
        failures: how often in a row it could not be read.
        is_news: the last look in this process ended otherwise, or there was none.
    """

    mailbox: str
    address: str = field(default="", repr=False)
    mails: tuple[Mail, ...] = ()
    places: tuple[Place, ...] = ()
    more: bool = False
    fault: Fault | None = None
    host: str = ""
    failures: int = 0
    is_news: bool = False


class ReadsMailboxes(Protocol):
    """Reads many mailboxes, several at a time; each answers for itself.

    Promises:
    - a mail is told until reading goes on behind it;
    - what lies before the place is not told again;
    - a folder that is numbered anew is read again;
    - nothing in a mailbox is changed;
    - of more mails than one look takes the rest is for the next;
    - a mailbox that refuses us says so, and holds up no other;
    - one that cannot be reached says so, and is left alone for a while.
    """

    async def names(self) -> Sequence[str]:
        """Of all mailboxes there are to read, in order."""
        ...

    async def look(self, places: Mapping[str, Sequence[Place]]) -> Sequence[Look]:
        """Look at the mailboxes named; nothing about servers or networks is raised.

        Args:
            places: how far each was read; without a place a folder is read from a few
                days back.
        """
        ...
