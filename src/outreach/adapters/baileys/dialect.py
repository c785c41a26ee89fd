"""What the gateway asks of a dialect: requests to write, answers to read. No I/O.

Three programs put Baileys behind HTTP, each in its own words. What they have in common
is in `gateway`; a dialect has the words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from attrs import field, frozen

from outreach.adapters._http import HttpReply, HttpRequest
from outreach.domain.message import Answer, Parcel
from outreach.ports.gateway import AccountSender, Status

__all__ = ["Askable", "Dialect", "Hook", "Line", "Page", "Polled", "written"]


@frozen
class Line:
    """A message of ours in a conversation's history."""

    ref: str
    text: str = field(repr=False)
    at: datetime | None
    thread: str = ""


@frozen
class Page:
    """A part of a history, newest first, and whether there is more."""

    lines: tuple[Line, ...]
    has_more: bool


@frozen
class Hook:
    """Where deliveries are to go, and what they are to be told by."""

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)

    def is_ours(self, url: object) -> bool:
        """Whether an address is this one, or one that we had earlier."""
        try:
            there = urlsplit(url) if isinstance(url, str) else None
        except ValueError:
            return False
        return there is not None and there.path == urlsplit(self.url).path


class Dialect(Protocol):
    """What every dialect has."""

    @property
    def name(self) -> str:
        """As in the settings."""
        ...

    def headers(self, api_key: str) -> Mapping[str, str]:
        """What every request bears."""
        ...

    def send_request(self, parcel: Parcel, to: str) -> HttpRequest:
        """Write a send; *to* is what `read_check` gave; empty: nobody was asked.

        Raises:
            UnicodeEncodeError: the text is no text.
        """
        ...

    def answer(self, reply: HttpReply, parcel: Parcel) -> Answer:
        """What an answer to a send proves."""
        ...

    def check_request(self, parcel: Parcel) -> HttpRequest | None:
        """Ask whether the recipient is on WhatsApp; None: the send does so itself."""
        ...

    def read_check(self, reply: HttpReply) -> str | None:
        """Whom to write to; None: nobody is there.

        Raises:
            Unavailable: the answer does not tell.
        """
        ...


class Askable(Dialect, Protocol):
    """What a dialect has whose gateway keeps messages and lists its numbers."""

    def history_request(
        self, parcel: Parcel, since: datetime, page: int
    ) -> HttpRequest:
        """Ask for what we wrote to the recipient, newest first; pages from 1."""
        ...

    def read_history(self, parcel: Parcel, reply: HttpReply) -> Page:
        """Read it."""
        ...

    def accounts_request(self) -> HttpRequest:
        """Ask for all numbers."""
        ...

    def read_accounts(self, reply: HttpReply) -> Sequence[AccountSender]:
        """Read them; `AccountSender.ref` is the gateway's name of one."""
        ...

    def hooks_request(self, name: str) -> HttpRequest:
        """Ask where deliveries of one number go."""
        ...

    def hook_request(
        self, name: str, reply: HttpReply, wanted: Hook
    ) -> HttpRequest | None:
        """Have them sent where we want them; None: they are.

        Raises:
            Misconfigured: they go to somebody else, and can go to one only.
        """
        ...

    def read_hooked(self, reply: HttpReply) -> None:
        """Raises:
        Unavailable, Misconfigured: that was not done.
        """
        ...


class Polled(Askable, Protocol):
    """What a dialect has whose gateway can be asked about one message."""

    def status_request(self, name: str, ref: str) -> HttpRequest:
        """Ask how far a message of one number came."""
        ...

    def read_status(self, ref: str, reply: HttpReply) -> Status | None:
        """Read it; None: the gateway does not know of it."""
        ...

    def owner(self, ref: str, names: Mapping[str, str]) -> str:
        """The gateway's name of the number that sent *ref*; empty: none of these.

        Args:
            names: by phone (E.164).
        """
        ...


def written(body: Mapping[str, Any]) -> bytes:
    """A body as JSON.

    Raises:
        UnicodeEncodeError: a text is no text.
    """
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
