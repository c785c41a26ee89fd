"""Our own mailboxes, in memory: what tests put into them is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import define, field

from outreach.ports.mailboxes import Fault, Look, Mail
from outreach.ports.places import Place

__all__ = ["MemoryMailboxes"]

_HOST: Final = "imap.example.com"
_RESTS: Final = 3
"""Looks for which a mailbox that failed is left alone."""


@define
class _Folder:
    numbering: int = 1
    mails: list[tuple[int, bytes]] = field(factory=list)


@define
class _Box:
    folders: dict[str, _Folder] = field(factory=dict)
    fault: Fault | None = None
    failures: int = 0
    rests: int = 0
    said: Fault | str | None = ""


@define
class MemoryMailboxes:
    """Implements `outreach.ports.mailboxes.ReadsMailboxes`.

    Attributes:
        most: mails of one mailbox that one look takes.
        boxes: by address; what is put there is kept as it is.
    """

    most: int = 20
    boxes: dict[str, _Box] = field(factory=dict)

    async def names(self) -> Sequence[str]:
        """Sorted."""
        return sorted(self.boxes)

    async def look(self, places: Mapping[str, Sequence[Place]]) -> Sequence[Look]:
        """One after the other."""
        return [
            self._look(name, {one.folder: one for one in known})
            for name, known in places.items()
            if name in self.boxes
        ]

    # --- what tests do

    def open(self, address: str) -> None:
        """There is such a mailbox, empty."""
        self.boxes[address] = _Box({"received": _Folder(), "sent": _Folder()})

    def put(self, address: str, raw: bytes, folder: str = "received") -> None:
        """A mail arrives."""
        mails = self.boxes[address].folders[folder].mails
        mails.append((mails[-1][0] + 1 if mails else 1, raw))

    def renumber(self, address: str) -> None:
        """Its server numbers all mails anew."""
        for folder in self.boxes[address].folders.values():
            folder.numbering += 1
            folder.mails = [(n, raw) for n, (_, raw) in enumerate(folder.mails, 1)]

    def fail(self, address: str, fault: Fault | None) -> None:
        """From now on it cannot be read, or can again."""
        self.boxes[address].fault = fault
        self.boxes[address].rests = 0

    def _look(self, name: str, known: Mapping[str, Place]) -> Look:
        box = self.boxes[name]
        if box.rests:
            box.rests -= 1
            return Look(name, name, fault=Fault.LATER, host=_HOST)
        is_news, box.said = box.said != box.fault, box.fault
        if box.fault is not None:
            box.failures += 1
            box.rests = _RESTS
            return Look(
                name,
                name,
                fault=box.fault,
                host=_HOST,
                failures=box.failures,
                is_news=is_news,
            )
        box.failures = 0
        mails: list[Mail] = []
        places: list[Place] = []
        more = False
        for kind, folder in box.folders.items():
            was = known.get(kind)
            read = was.number if was and was.numbering == folder.numbering else 0
            left = [(n, raw) for n, raw in folder.mails if n > read]
            taken = left[: self.most - len(mails)]
            more = more or len(taken) < len(left)
            mails += [Mail(raw, Place(kind, folder.numbering, n)) for n, raw in taken]
            last = taken[-1][0] if taken else read
            places.append(Place(kind, folder.numbering, last))
        return Look(
            name, name, tuple(mails), tuple(places), more, host=_HOST, is_news=is_news
        )
