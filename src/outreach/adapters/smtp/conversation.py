"""One mail, one connection: what is said to a server, and how far it came.

The library speaks the protocol; when the text begins to leave is decided here, for all
that is unknown afterwards hangs on it. A connection is opened for each mail: a mailbox
writes every five to fifteen minutes, and servers hang up after five (RFC 5321,
4.5.3.2.7), so one that was kept would mostly be found dead, by a mail.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from datetime import timedelta
from importlib import import_module
from typing import Any, Final

from attrs import define, field

from outreach.adapters.smtp.acceptance import Said, Stage, answer, lost
from outreach.adapters.smtp.mail import Mail
from outreach.adapters.smtp.server import Server
from outreach.domain.login import Security
from outreach.domain.message import Answer, NotAccepted

__all__ = ["hand_over"]

_DOT: Final = re.compile(rb"(?m)^\.")
_SUCCESS: Final = range(200, 300)
_BEGIN: Final = 354
_METHODS: Final = ("plain", "login")
"""In this order, and one of them alone: two wrong sign-ins count double."""


async def hand_over(
    server: Server, mail: Mail, raw: bytes, *, hello: str, within: timedelta
) -> Answer:
    """Give *raw* to *server*, in at most *within* (machine time).

    Args:
        mail: its envelope.
        raw: the mail as it is signed.
        hello: our name for the server.

    A call that is cancelled raises `asyncio.CancelledError`; what was being sent may
    have been accepted.
    """
    if within <= timedelta():
        return NotAccepted(lane=True, detail="no time is left")
    talk = _Talk(server, hello)
    try:
        async with asyncio.timeout(within.total_seconds()):
            said = await talk.through(mail, raw)
        talk.ended()
    except TimeoutError:
        return lost(talk.stage, "no answer in time")
    except _Unsaid as error:
        return lost(talk.stage, str(error))
    except ssl.SSLError:
        return lost(talk.stage, "no TLS")
    except (OSError, UnicodeError, talk.errors) as error:
        return _broken(talk.stage, error, mail.ref)
    finally:
        talk.close()
    return answer(said, mail.ref)


def _reports(mail: Mail) -> tuple[str, str]:
    """What is asked with sender and recipient of those who can (RFC 3461): a report of
    a failure alone, with the headers, that names the attempt.
    """
    to = mail.to.replace("+", "+2B").replace("=", "+3D")
    return f" RET=HDRS ENVID={mail.named}", f" NOTIFY=FAILURE ORCPT=rfc822;{to}"


class _Unsaid(Exception):
    """The server does not offer what we insist on."""


def _broken(stage: Stage, error: Exception, ref: str) -> Answer:
    """What the library raised: an answer it did not like, or no answer."""
    code, words = getattr(error, "code", None), getattr(error, "message", "")
    if isinstance(code, int) and isinstance(words, str):
        return answer(Said(stage, code, words), ref)
    if isinstance(error.__cause__, ssl.SSLError):
        return lost(stage, "no TLS")
    return lost(stage, "not connected" if stage is Stage.CONNECT else "cut off")


@define(eq=False)
class _Talk:
    """The conversation, and the stage it is at."""

    server: Server
    hello: str
    stage: Stage = field(default=Stage.CONNECT, init=False)
    _in_step: bool = field(default=False, init=False)
    """The server waits for a command of ours."""
    _client: Any = field(init=False)

    @_client.default
    def _make(self) -> Any:
        return import_module("aiosmtplib").SMTP(
            hostname=self.server.host,
            port=self.server.port,
            local_hostname=self.hello,
            use_tls=self.server.security is Security.TLS,
            start_tls=False,
            tls_context=self.server.tls,
            timeout=None,  # the call's time bounds all of it together
        )

    @property
    def errors(self) -> type[Exception]:
        """Whatever the library raises of its own."""
        kind: type[Exception] = import_module("aiosmtplib").SMTPException
        return kind

    async def through(self, mail: Mail, raw: bytes) -> Said:
        """All of it; the answer that ended it."""
        await self._client.connect()
        said = await self._introduced()
        if said is None and self.server.user:
            said = await self._signed_in()
        if said is not None:
            return said
        asks = _reports(mail) if self._client.supports_extension("dsn") else ("", "")
        for stage, command in (
            (Stage.SENDER, f"MAIL FROM:<{mail.returns_to}>{asks[0]}"),
            (Stage.RECIPIENT, f"RCPT TO:<{mail.to}>{asks[1]}"),
        ):
            said = await self._say(stage, command.encode("ascii"))
            if said.code not in _SUCCESS:
                return said
        said = await self._say(Stage.DATA, b"DATA")
        if said.code != _BEGIN:
            return said
        return await self._text(raw)

    def ended(self) -> None:
        """The server has said its last word, and waits for ours."""
        self._in_step = True

    def close(self) -> None:
        """The connection goes with the call; a goodbye is not waited for."""
        line = self._client.protocol
        if line is not None and line.is_connected and self._in_step:
            line.write(b"QUIT\r\n")
        self._client.close()

    async def _introduced(self) -> Said | None:
        """EHLO, and again within TLS; what ended it, if anything did."""
        self.stage = Stage.HELLO
        await self._client.ehlo()
        if self.server.security is not Security.STARTTLS:
            return None
        self.stage = Stage.TLS
        if not self._client.supports_extension("starttls"):
            message = "it offers no TLS"
            raise _Unsaid(message)
        await self._client.starttls()
        self.stage = Stage.HELLO
        await self._client.ehlo()
        return None

    async def _signed_in(self) -> Said | None:
        """AUTH; what ended it, if anything did."""
        self.stage = Stage.SIGN_IN
        offered = self._client.supported_auth_methods
        method = next((one for one in _METHODS if one in offered), None)
        if method is None:
            message = "it offers no sign-in that we know"
            raise _Unsaid(message)
        sign_in = getattr(self._client, f"auth_{method}")
        await sign_in(self.server.user.encode(), self.server.password.encode())
        return None

    async def _say(self, stage: Stage, command: bytes) -> Said:
        self.stage = stage
        reply = await self._client.execute_command(command)
        return Said(stage, reply.code, reply.message)

    async def _text(self, raw: bytes) -> Said:
        """From here on nobody knows what became of it but by the server's answer."""
        line = self._client.protocol
        if line is None:
            message = "cut off"
            raise _Unsaid(message)
        line.write(_DOT.sub(b"..", raw) + b".\r\n")  # raises before anything left
        self.stage = Stage.TEXT
        reply = await line.read_response()
        return Said(Stage.TEXT, reply.code, reply.message)
