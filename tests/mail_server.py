"""A mail server (aiosmtpd) that says what a test tells it, and keeps what it took."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from enum import Enum, auto
from types import SimpleNamespace
from typing import Any, Final

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from attrs import define, field

__all__ = ["Ends", "MailServer", "served", "served_beside"]

HOST: Final = "127.0.0.1"
_SLOW_S: Final = 0.15
_ASKED: Final = re.compile(r" (?:RET|ENVID|NOTIFY|ORCPT)=\S+")


class Ends(Enum):
    """What the server does when a text has come in, or at a command, beside answers."""

    CUT = auto()
    """It hangs up, and takes nothing."""
    TAKEN_THEN_CUT = auto()
    TAKEN_THEN_SILENT = auto()
    TAKEN_THEN_HALF = auto()
    """It hangs up within its answer."""
    TAKEN_THEN_RUBBISH = auto()
    TAKEN_SLOWLY = auto()
    SILENT = auto()
    """It says nothing any more, and takes nothing."""


Says = str | Ends


@define(eq=False)
class MailServer:
    """What it says, and what it took.

    Attributes:
        says: by command (GREETING, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA), and END for
            the end of a text; else as aiosmtpd says.
        users: password by user; empty: it lets nobody sign in.
        taken: in order.
        reports: it offers to write reports as asked (RFC 3461).
        heard: senders and recipients, as they were given.
        leaves_out: ways to sign in that it does not offer.
        lines: all that there were.
        met: sessions that were begun.
        over_tls: whether each taken mail came by TLS.
    """

    users: dict[str, str] = field(factory=dict)
    says: dict[str, Says] = field(factory=dict)
    taken: list[Envelope] = field(factory=list)
    signed_in: list[str] = field(factory=list)
    over_tls: list[bool] = field(factory=list)
    met: int = 0
    port: int = 0
    leaves_out: tuple[str, ...] = ()
    reports: bool = False
    heard: list[str] = field(factory=list)
    lines: list[asyncio.BaseTransport] = field(factory=list)

    def session(self, **options: Any) -> SMTP:
        """One connection's side of it."""
        return _Session(
            self,
            SimpleNamespace(handle_DATA=self.take),
            authenticator=self._knows,
            auth_exclude_mechanism=self.leaves_out,
            auth_require_tls=False,
            **options,
        )

    def _knows(
        self, _s: SMTP, _session: Session, _e: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        user, password = data.login.decode(), data.password.decode()
        self.signed_in.append(f"{mechanism} {user}")
        known = self.users.get(user) == password
        return AuthResult(success=known, handled=False)

    async def take(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        says = self.says.get("END", "250 2.0.0 taken")
        takes = says.startswith("2") if isinstance(says, str) else says in _TAKES
        if takes:
            self.taken.append(envelope)
            line = server.transport
            assert line is not None
            self.over_tls.append(line.get_extra_info("sslcontext") is not None)
        if isinstance(says, str):
            return says
        return await _done(server, says)


_TAKES: Final = frozenset(Ends) - {Ends.CUT, Ends.SILENT}


async def _done(server: SMTP, ends: Ends) -> str:
    transport = server.transport
    assert isinstance(transport, asyncio.Transport)
    match ends:
        case Ends.TAKEN_SLOWLY:
            passed = asyncio.Event()
            asyncio.get_running_loop().call_later(_SLOW_S, passed.set)
            await passed.wait()
            return "250 2.0.0 taken"
        case Ends.TAKEN_THEN_RUBBISH:
            return "HTTP/1.1 200 OK"
        case Ends.TAKEN_THEN_HALF:
            transport.write(b"250 2.")
            transport.close()
        case Ends.CUT | Ends.TAKEN_THEN_CUT:
            transport.abort()
    await asyncio.Event().wait()  # until the connection is gone
    return ""


class _Session(SMTP):
    """aiosmtpd, but for the commands that the test has an answer to."""

    def __init__(self, says: MailServer, handler: Any, **options: Any) -> None:
        self._says = says
        self._greets = True
        super().__init__(handler, ident="a mail server", **options)
        for verb in ("EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA"):
            usual = self._smtp_methods.get(verb)
            self._smtp_methods[verb] = self._scripted(verb, usual)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._says.lines.append(transport)
        super().connection_made(transport)

    def _scripted(self, verb: str, usual: Any) -> Any:
        async def say(arg: str) -> None:
            if verb in {"MAIL", "RCPT"}:
                self._says.heard.append(arg)
                if self._says.reports:
                    arg = _ASKED.sub("", arg)
            says = self._says.says.get(verb)
            if says is None:
                await usual(arg)
            elif isinstance(says, str):
                await self.push(says)
            else:
                await _done(self, says)

        return say

    async def push(self, status: Any) -> None:
        if self._greets:
            self._greets = False
            self._says.met += 1
            says = self._says.says.get("GREETING", status)
            if not isinstance(says, str | bytes):
                await _done(self, says)
            status = says
        if self._says.reports and status == "250 HELP":
            await super().push("250-DSN")
        await super().push(status)


@contextlib.asynccontextmanager
async def served(
    server: MailServer, *, tls: ssl.SSLContext | None = None, implicit: bool = False
) -> AsyncIterator[MailServer]:
    """Serve in this loop, on a port of its own.

    Args:
        tls: offered by STARTTLS; with *implicit*: spoken from the first byte.
    """
    loop = asyncio.get_running_loop()
    offered = None if implicit else tls

    def session() -> SMTP:
        return server.session(loop=loop, tls_context=offered)

    listening = await loop.create_server(
        session, HOST, 0, ssl=tls if implicit else None
    )
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()
        for line in server.lines:
            if isinstance(line, asyncio.Transport):
                line.abort()
        await asyncio.sleep(0)  # so that each of them hears of it


@contextlib.contextmanager
def served_beside(server: MailServer) -> Iterator[MailServer]:
    """Serve in a thread, for processes of their own."""
    listens, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with served(server):
            listens.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert listens.wait(10)
        yield server
    finally:
        over.set()
        thread.join()
