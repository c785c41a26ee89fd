"""Reads our own mailboxes by IMAP, several at a time.

A connection for each look: for thousands of mailboxes looked at every few minutes,
lines that are kept open would cost each of them a socket and its server a process all
day.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from attrs import define, evolve, field

from outreach.adapters.imap.kept import RECEIVED, SENT, Kept, keep
from outreach.adapters.imap.session import (
    Box,
    Broken,
    Refused,
    Session,
    Unwilling,
    signed_in,
)
from outreach.adapters.imap.wire import since
from outreach.ports.mailboxes import Fault, Look, Mail
from outreach.ports.places import Place

__all__ = ["ImapMailboxes", "Source"]

LOOKS_BACK: Final = timedelta(days=14)
"""How old a mail may be that a first look reads: by then nobody answers any more."""
MOST_MAILS: Final = 20
"""Of one mailbox, in one look."""
MOST_BYTES: Final = 16_777_216
"""Of all mailboxes, in one look: they are in memory together."""
AT_ONCE: Final = 8
"""Connections of one process."""
BOX_WITHIN: Final = timedelta(seconds=10)
LOOK_WITHIN: Final = timedelta(seconds=30)
"""For all mailboxes of a look: what is left then is for the next one."""
RESTS: Final = timedelta(minutes=1)
"""After the first failure; doubled with each one more."""
RESTS_REFUSED: Final = timedelta(minutes=10)
"""Longer, for servers lock out who tries too often."""
MOST_REST: Final = timedelta(hours=1)

_INBOX: Final = b"INBOX"
_DOUBLINGS: Final = 6


class Source(Protocol):
    """Where mailboxes are known from."""

    async def names(self) -> Sequence[str]:
        """Of all there are, in an order that lasts."""
        ...

    async def boxes(self, names: Sequence[str]) -> Sequence[Box]:
        """Those of them that there are, with what we sign in with now."""
        ...


@define
class _Known:
    """What this process remembers of a mailbox."""

    sent: bytes | None = None
    looked_for_sent: bool = False
    said: Fault | str | None = ""
    failures: int = 0
    rests_until: float = 0.0


@define
class ImapMailboxes:
    """Implements `outreach.ports.mailboxes.ReadsMailboxes`.

    Attributes:
        source: asked anew each time, so that a new password holds.
        wall: wall clock, by which a first look reads back.
        monotonic: seconds, by which mailboxes that fail are left alone.
        tls: checks the servers' certificates.
    """

    source: Source
    tls: ssl.SSLContext = field(factory=ssl.create_default_context, repr=False)
    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    most_mails: int = MOST_MAILS
    most_bytes: int = MOST_BYTES
    box_within: timedelta = BOX_WITHIN
    look_within: timedelta = LOOK_WITHIN
    _known: dict[str, _Known] = field(factory=dict, init=False, repr=False)
    _at_once: asyncio.Semaphore = field(
        factory=lambda: asyncio.Semaphore(AT_ONCE), init=False, repr=False
    )

    async def names(self) -> Sequence[str]:
        """As the source has them."""
        return await self.source.names()

    async def look(self, places: Mapping[str, Sequence[Place]]) -> Sequence[Look]:
        """See `ReadsMailboxes.look`."""
        boxes = await self.source.boxes(list(places))
        room = _Room(self.most_bytes)
        looks = [
            asyncio.ensure_future(self._look(box, places[box.name], room))
            for box in boxes
        ]
        if not looks:
            return []
        try:
            await asyncio.wait(looks, timeout=self.look_within.total_seconds())
        finally:
            for one in looks:
                one.cancel()
        ended = await asyncio.gather(*looks, return_exceptions=True)
        return [
            Look(box.name, box.address, fault=Fault.LATER, host=box.host)
            if isinstance(one, asyncio.CancelledError)
            else _raised(one)
            for box, one in zip(boxes, ended, strict=True)
        ]

    async def _look(self, box: Box, places: Sequence[Place], room: _Room) -> Look:
        known = self._known.setdefault(box.name, _Known())
        plain = Look(box.name, box.address, host=box.host)
        if self.monotonic() < known.rests_until:
            return evolve(plain, fault=Fault.LATER)
        read = _Read(room)
        try:
            async with (
                self._at_once,
                asyncio.timeout(self.box_within.total_seconds()),
                signed_in(box, self.tls) as session,
            ):
                await self._read(session, known, places, read)
        except Refused:
            return self._failed(plain, known, Fault.REFUSED)
        except (Broken, TimeoutError):
            if not read.mails:
                return self._failed(plain, known, Fault.AWAY)
            # A slow line brings some of them each time, and so all of them in the end.
            read.more, read.places = True, []
        is_news, known.said = known.said is not None, None
        known.failures, known.rests_until = 0, 0.0
        mails = tuple(
            Mail(keep(Kept(box.address, place.folder, raw)), place)
            for raw, place in read.mails
        )
        return evolve(
            plain,
            mails=mails,
            places=tuple(read.places),
            more=read.more,
            is_news=is_news,
        )

    def _failed(self, plain: Look, known: _Known, fault: Fault) -> Look:
        is_news, known.said = known.said != fault, fault
        rests = RESTS_REFUSED if fault is Fault.REFUSED else RESTS
        wait = min(MOST_REST, rests * 2 ** min(known.failures, _DOUBLINGS))
        known.failures += 1
        known.rests_until = self.monotonic() + wait.total_seconds()
        return evolve(plain, fault=fault, failures=known.failures, is_news=is_news)

    async def _read(
        self, session: Session, known: _Known, places: Sequence[Place], read: _Read
    ) -> None:
        if not known.looked_for_sent:
            known.sent = await session.sent_folder()
            known.looked_for_sent = True
        was = {one.folder: one for one in places}
        await self._read_folder(session, RECEIVED, _INBOX, was.get(RECEIVED), read)
        if known.sent is None:
            return
        try:
            await self._read_folder(session, SENT, known.sent, was.get(SENT), read)
        except Unwilling:
            # It was renamed, or is no more: the next look asks for it again.
            known.looked_for_sent = False

    async def _read_folder(
        self,
        session: Session,
        folder: str,
        name: bytes,
        was: Place | None,
        read: _Read,
    ) -> None:
        opened = await session.examine(name)
        if was is not None and was.numbering == opened.numbering:
            behind = was.number
            if opened.next is not None and opened.next <= behind + 1:
                return
            wanted = await session.search(b"UID %d:*" % (behind + 1))
        else:
            behind = 0
            wanted = await session.search(b"SINCE " + self._first_day())
        # A range to the last mail has the last one in it, however old.
        numbers = [one for one in wanted if one > behind]
        for number in numbers:
            if len(read.mails) >= self.most_mails or read.room.bytes <= 0:
                read.more = True
                behind = max(behind, numbers[0] - 1)
                break
            raw = await session.fetch(number)
            behind = number
            if raw is not None:
                read.room.bytes -= len(raw)
                read.mails.append((raw, Place(folder, opened.numbering, number)))
        else:
            if opened.next is not None:
                behind = max(behind, opened.next - 1)
            elif not behind:
                # Nothing of these days, and no word of the next: all there is, is old.
                behind = max(await session.search(b"UID *"), default=0)
        read.places.append(Place(folder, opened.numbering, behind))

    def _first_day(self) -> bytes:
        from_ = (self.wall() - LOOKS_BACK).date()
        return since(from_)


@define
class _Room:
    """Bytes that may still be read in this look."""

    bytes: int


@define
class _Read:
    """What was read so far."""

    room: _Room
    mails: list[tuple[bytes, Place]] = field(factory=list)
    places: list[Place] = field(factory=list)
    more: bool = False


def _raised(one: Look | BaseException) -> Look:
    if isinstance(one, BaseException):
        raise one
    return one
