"""An IMAP server on loopback, over real sockets, and strict: what is not in RFC 3501 is
BAD, and remembered as a violation; what would change a mailbox, as a change.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date
from typing import Final

from attrs import define, field

__all__ = ["Account", "ImapServer", "serving"]

TODAY: Final = date(2026, 12, 1)
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_LINE: Final = re.compile(
    rb"([A-Za-z0-9.]{1,20}) ([A-Za-z]+(?: (?:SEARCH|FETCH))?)(?: (.*))?"
)
_QUOTED: Final = re.compile(rb'"((?:[^"\\]|\\["\\])*)"')
_SINCE: Final = re.compile(rb"SINCE (\d{1,2})-([A-Z][a-z]{2})-(\d{4})")
_RANGE: Final = re.compile(rb"UID (\d+):\*")
_FETCH: Final = re.compile(rb"(\d+) \(UID BODY\.PEEK\[\]<0\.(\d+)>\)")
_CHANGING: Final = frozenset(
    {b"SELECT", b"STORE", b"EXPUNGE", b"APPEND", b"COPY", b"MOVE", b"CREATE", b"DELETE"}
)


@define
class Folder:
    """Mails by number, with the day they came."""

    attributes: str = ""
    numbering: int = 1
    next: int = 1
    mails: dict[int, tuple[date, bytes]] = field(factory=dict)


@define
class Account:
    """A user.

    Attributes:
        refuses: what a sign-in is answered with; empty: it is accepted.
        hangs_up: at this command, before it is answered; ``CONNECT``: at once.
        stalls: a command with this in it is never answered.
    """

    password: str
    folders: dict[str, Folder] = field(factory=dict)
    refuses: str = ""
    hangs_up: str = ""
    stalls: str = ""

    def put(self, raw: bytes, folder: str = "INBOX", day: date = TODAY) -> None:
        """A mail arrives."""
        there = self.folders[folder]
        there.mails[there.next] = (day, raw)
        there.next += 1

    def renumber(self) -> None:
        """Another UIDVALIDITY, and numbers from 1."""
        for there in self.folders.values():
            there.numbering += 1
            there.mails = dict(enumerate(there.mails.values(), 1))
            there.next = len(there.mails) + 1


@define
class ImapServer:
    """What it is asked is written down.

    Attributes:
        accounts: by user.
        tls: for STARTTLS; None: not offered.
        plain: AUTHENTICATE PLAIN is offered.
        says_next: EXAMINE tells UIDNEXT.
        greets: its first line.
        injects: said together with the answer to STARTTLS, in the clear.
    """

    accounts: dict[str, Account] = field(factory=dict)
    tls: ssl.SSLContext | None = None
    plain: bool = True
    says_next: bool = True
    greets: str = "* OK [CAPABILITY IMAP4rev1] ready"
    injects: bytes = b""
    port: int = 0
    commands: list[str] = field(factory=list)
    violations: list[str] = field(factory=list)
    changes: list[str] = field(factory=list)
    open_now: int = 0
    most_open: int = 0

    def account(self, user: str, password: str = "s3cret") -> Account:
        """Make one, with the folders that most have."""
        made = self.accounts[user] = Account(password)
        made.folders = {
            "INBOX": Folder(),
            "Drafts": Folder("\\Drafts"),
            "Sent Items": Folder("\\HasNoChildren \\Sent"),
        }
        return made

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One connection."""
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, _HungUp):
                await _Talk(self, reader, writer).all_of_it()
        finally:
            self.open_now -= 1
            writer.transport.abort()


class _HungUp(Exception):
    pass


@define
class _Talk:
    server: ImapServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    user: Account | None = None
    folder: Folder | None = None
    is_safe: bool = False

    async def all_of_it(self) -> None:
        if any(one.hangs_up == "CONNECT" for one in self.server.accounts.values()):
            raise _HungUp
        self.say(self.server.greets)
        while True:
            line = (await self.reader.readuntil(b"\r\n"))[:-2]
            known = _LINE.fullmatch(line)
            if known is None:
                self.server.violations.append(repr(line))
                self.say("* BAD unreadable")
                continue
            tag, command = known[1].decode(), known[2].upper()
            self.server.commands.append(command.decode())
            if self.user and self.user.hangs_up == command.decode():
                raise _HungUp
            if self.user and self.user.stalls and self.user.stalls in line.decode():
                continue
            if command in _CHANGING:
                self.server.changes.append(line.decode("utf-8", "replace"))
            if not await self.do(tag, command, known[3] or b""):
                return

    def say(self, line: str | bytes) -> None:
        self.writer.write((line.encode() if isinstance(line, str) else line) + b"\r\n")

    async def do(self, tag: str, command: bytes, rest: bytes) -> bool:
        match command:
            case b"CAPABILITY":
                extra = " STARTTLS" if self.server.tls and not self.is_safe else ""
                extra += " AUTH=PLAIN" if self.server.plain else ""
                self.say(f"* CAPABILITY IMAP4rev1{extra}")
                self.say(f"{tag} OK done")
            case b"STARTTLS" if self.server.tls is not None:
                self.say(f"{tag} OK begin")
                self.writer.write(self.server.injects)
                await self.writer.drain()
                await self.writer.start_tls(self.server.tls)
                self.is_safe = True
            case b"AUTHENTICATE" if rest == b"PLAIN" and self.server.plain:
                self.say("+ ")
                said = base64.b64decode((await self.reader.readuntil(b"\r\n"))[:-2])
                self.sign_in(tag, *said.decode().split("\0")[1:])
            case b"LOGIN":
                self.sign_in(tag, *(_plain(one) for one in _QUOTED.findall(rest)))
            case b"LOGOUT":
                self.say("* BYE bye")
                self.say(f"{tag} OK bye")
                await self.writer.drain()
                return False
            case _ if self.user is None:
                self.bad(tag, f"{command!r} before signing in")
            case _:
                self.do_signed_in(tag, command, rest)
        return True

    def do_signed_in(self, tag: str, command: bytes, rest: bytes) -> None:
        assert self.user is not None
        match command:
            case b"LIST" if rest == b'"" "*"':
                for name, there in self.user.folders.items():
                    self.say(f'* LIST ({there.attributes}) "/" "{name}"')
                self.say(f"{tag} OK listed")
            case b"EXAMINE":
                self.examine(tag, rest)
            case b"UID SEARCH" if self.folder is not None:
                self.search(tag, rest, self.folder)
            case b"UID FETCH" if self.folder is not None:
                self.fetch(tag, rest, self.folder)
            case _:
                self.bad(tag, repr(command))

    def bad(self, tag: str, what: str) -> None:
        self.server.violations.append(what)
        self.say(f"{tag} BAD {what}")

    def sign_in(self, tag: str, user: str, password: str) -> None:
        known = self.server.accounts.get(user)
        if known is None or known.password != password:
            self.say(f"{tag} NO [AUTHENTICATIONFAILED] no")
        elif known.refuses:
            self.say(f"{tag} {known.refuses}")
        else:
            self.user = known
            self.say(f"{tag} OK in")

    def examine(self, tag: str, rest: bytes) -> None:
        assert self.user is not None
        quoted = _QUOTED.fullmatch(rest)
        name = (quoted[1] if quoted else rest).decode()
        self.folder = self.user.folders.get(name)
        if self.folder is None:
            self.say(f"{tag} NO [NONEXISTENT] no such folder")
            return
        self.say(f"* {len(self.folder.mails)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {self.folder.numbering}] numbered")
        if self.server.says_next:
            self.say(f"* OK [UIDNEXT {self.folder.next}] next")
        self.say(f"{tag} OK [READ-ONLY] open")

    def search(self, tag: str, rest: bytes, folder: Folder) -> None:
        found = sorted(folder.mails)
        if from_ := _RANGE.fullmatch(rest):
            # The last mail is in a range that ends with *, whatever it begins with.
            found = [n for n in found if n >= int(from_[1]) or n == found[-1]]
        elif since := _SINCE.fullmatch(rest):
            month = _MONTHS.index(since[2].decode()) + 1
            day = date(int(since[3]), month, int(since[1]))
            found = [n for n in found if folder.mails[n][0] >= day]
        elif rest == b"UID *":
            found = found[-1:]
        else:
            self.bad(tag, repr(rest))
            return
        self.say(" ".join(["* SEARCH", *map(str, found)]))
        self.say(f"{tag} OK found")

    def fetch(self, tag: str, rest: bytes, folder: Folder) -> None:
        wanted = _FETCH.fullmatch(rest)
        if wanted is None:
            self.bad(tag, repr(rest))
            return
        number, most = int(wanted[1]), int(wanted[2])
        self.say("* 1 FETCH (FLAGS (\\Seen))")  # servers tell news at any time
        if number in folder.mails:
            part = folder.mails[number][1][:most]
            self.writer.write(
                b"* 2 FETCH (UID %d BODY[]<0> {%d}\r\n" % (number, len(part))
            )
            self.writer.write(part)
            self.say(")")
        self.say(f"{tag} OK fetched")


def _plain(quoted: bytes) -> str:
    return re.sub(rb"\\(.)", rb"\1", quoted).decode()


@asynccontextmanager
async def serving(
    server: ImapServer, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ImapServer]:
    """Listen on a free port of loopback; *tls*: from the first byte."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
