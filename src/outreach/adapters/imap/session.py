"""One conversation with an IMAP server. Folders are opened for reading only, so that
nothing in a mailbox is changed, not even what is new to a person in it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from ipaddress import ip_address
from typing import Final

from attrs import define, field, frozen

from outreach.adapters.imap import wire
from outreach.adapters.imap.mime import MOST_BYTES
from outreach.adapters.imap.wire import Answer, Folder

__all__ = [
    "Box",
    "Broken",
    "Refused",
    "Security",
    "Session",
    "Unwilling",
    "is_loopback",
    "signed_in",
]

MOST_ANSWERS: Final = 10_000
"""Lines that answer one command."""
MOST_SAID: Final = 2_097_152
"""Bytes that answer one command."""
_LONGEST_LINE: Final = 1_048_576
_GOODBYE: Final = 2.0


class Security(StrEnum):
    """How a connection is protected."""

    TLS = "tls"
    """From its first byte (port 993)."""
    STARTTLS = "starttls"
    """From the first command on; a server that does not offer it gets nothing."""
    NONE = "none"
    """Not at all: on this machine only."""


@frozen
class Box:
    """A mailbox and how we sign in to it.

    Attributes:
        name: what its places are kept under.
        address: ours; empty: mail to many addresses comes here.

    Raises:
        ValueError: it would be spoken to unprotected over a network.
    """

    name: str
    address: str = field(repr=False)
    host: str
    port: int
    user: str = field(repr=False)
    password: str = field(repr=False)
    security: Security = Security.TLS

    def __attrs_post_init__(self) -> None:
        """Refuse to say a password where others can hear it."""
        if self.security is Security.NONE and not is_loopback(self.host):
            message = "an unprotected connection is for a server on this machine only"
            raise ValueError(message)


class Refused(Exception):
    """The server does not accept what we sign in with."""


class Broken(Exception):
    """It cannot be reached, breaks off, makes no sense, or is busy."""


class Unwilling(Broken):
    """It understands what it was asked for, and does not do it."""


def is_loopback(host: str) -> bool:
    """Whether a name or address can only be this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@asynccontextmanager
async def signed_in(box: Box, tls: ssl.SSLContext) -> AsyncIterator[Session]:
    """Connect and sign in; the connection goes with the block.

    Raises:
        Refused: the server does not accept what we sign in with.
        Broken: anything else that servers and networks do, in the block too.
    """
    try:
        session = await _connect(box, tls)
        try:
            await session.sign_in(box)
            yield session
            await session.say_goodbye()
        finally:
            session.close()
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
        message = f"{type(error).__name__} while reading a mailbox"
        raise Broken(message) from error


async def _connect(box: Box, tls: ssl.SSLContext) -> Session:
    at_once = tls if box.security is Security.TLS else None
    reader, writer = await asyncio.open_connection(
        box.host, box.port, ssl=at_once, limit=_LONGEST_LINE
    )
    session = Session(reader, writer)
    try:
        await session.greeted()
        if box.security is Security.STARTTLS:
            await session.start_tls(tls, box.host)
    except BaseException:
        session.close()
        raise
    return session


@define(eq=False)
class Session:
    """What is said and answered, one command at a time."""

    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter
    _said: int = field(default=0, init=False)
    _clear: asyncio.StreamWriter | None = field(default=None, init=False)
    """Of the line before it was protected: it closes the line when it goes."""

    async def greeted(self) -> None:
        """Raises Broken if it is no server that we can sign in to."""
        answer = await self._answer()
        if not answer.line.upper().startswith(b"* OK"):
            message = "the server does not greet us as one that takes sign-ins"
            raise Broken(message)

    async def start_tls(self, tls: ssl.SSLContext, host: str) -> None:
        """Protect the line; what came in the clear is forgotten with its reader."""
        await self._done(b"STARTTLS")
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_LONGEST_LINE)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport = await loop.start_tls(
            self._writer.transport, protocol, tls, server_hostname=host
        )
        if transport is None:
            message = "the connection ended before it was protected"
            raise Broken(message)
        protocol.connection_made(transport)
        self._reader, self._clear = reader, self._writer
        self._writer = asyncio.StreamWriter(transport, protocol, reader, loop)

    async def sign_in(self, box: Box) -> None:
        """Raises Refused, Broken."""
        able = wire.capabilities(await self._done(b"CAPABILITY"))
        if b"AUTH=PLAIN" in able:
            login = wire.plain_login(box.user, box.password)
            last = await self._say(b"AUTHENTICATE PLAIN", then=login)
        elif b"LOGINDISABLED" in able:
            message = "the server takes no sign-in that we know"
            raise Broken(message)
        else:
            pair = wire.quoted(box.user) + b" " + wire.quoted(box.password)
            last = await self._say(b"LOGIN " + pair)
        answer = last[-1]
        match _status(answer):
            case b"OK":
                return
            case b"NO" if not wire.is_temporary(answer):
                message = "the server does not accept our sign-in"
                raise Refused(message)
        message = "the server takes no sign-in now"
        raise Broken(message)

    async def sent_folder(self) -> bytes | None:
        """Its name, as it is to be said; None: there is none."""
        return wire.sent_folder(await self._done(b'LIST "" "*"'))

    async def examine(self, folder: bytes) -> Folder:
        """Open a folder for reading only."""
        found = wire.examined(await self._done(b"EXAMINE " + folder))
        if found is None:
            message = "the server does not number its mails"
            raise Broken(message)
        return found

    async def search(self, what: bytes) -> list[int]:
        """Numbers of mails, ascending."""
        return wire.found_numbers(await self._done(b"UID SEARCH " + what))

    async def fetch(self, number: int) -> bytes | None:
        """The beginning of a mail; None: it is gone."""
        what = f"UID FETCH {number} (UID BODY.PEEK[]<0.{MOST_BYTES}>)".encode()
        return wire.fetched(await self._done(what), number)

    async def say_goodbye(self) -> None:
        """It is polite, and not waited for long."""
        with suppress(OSError, EOFError, TimeoutError, Broken):
            async with asyncio.timeout(_GOODBYE):
                await self._say(b"LOGOUT")

    def close(self) -> None:
        """At once."""
        self._writer.transport.abort()

    async def _done(self, command: bytes) -> list[Answer]:
        answers = await self._say(command)
        status = _status(answers[-1])
        if status != b"OK":
            message = f"the server does not do {command.split()[0].decode()}"
            raise (Unwilling if status == b"NO" else Broken)(message)
        return answers

    async def _say(self, command: bytes, then: bytes = b"") -> list[Answer]:
        """All that is answered, the tagged line last.

        Args:
            then: what is said when the server asks to go on.
        """
        self._said += 1
        tag = b"a%d" % self._said
        self._writer.write(tag + b" " + command + b"\r\n")
        await self._writer.drain()
        answers: list[Answer] = []
        size = 0
        while len(answers) < MOST_ANSWERS and size < MOST_SAID:
            answer = await self._answer()
            answers.append(answer)
            size += len(answer.line) + sum(map(len, answer.literals))
            if answer.line.startswith(tag + b" "):
                return answers
            if answer.line.startswith(b"+") and then:
                self._writer.write(then + b"\r\n")
                await self._writer.drain()
                then = b""
            elif answer.line[:5].upper() == b"* BYE" and command != b"LOGOUT":
                break
        message = "the server ended the conversation"
        raise Broken(message)

    async def _answer(self) -> Answer:
        line = b""
        literals: list[bytes] = []
        while True:
            piece = (await self._reader.readuntil(b"\r\n"))[:-2]
            line += piece
            follows = wire.LITERAL.search(piece)
            if follows is None:
                return Answer(line, tuple(literals))
            size = int(follows[1])
            if size > MOST_BYTES or len(line) > _LONGEST_LINE:
                message = "the server says more than it was asked for"
                raise Broken(message)
            literals.append(await self._reader.readexactly(size))


def _status(answer: Answer) -> bytes:
    """OK, NO or BAD."""
    return [*answer.line.split(b" ", 2), b"", b""][1].upper()
