"""One small HTTP client per provider account, and what its failures prove.

It stands on the connections beneath httpx (httpcore's), and not on its client: a pool
costs time that grows with what is in flight, and the client writes every URL,
which may hold a phone number or a secret, to its log.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Final
from urllib.parse import quote

import httpcore
import httpx
from attrs import define, field, frozen

from outreach.domain.errors import Misconfigured

__all__ = [
    "HttpClient",
    "HttpReply",
    "HttpRequest",
    "Lost",
    "NotSent",
    "classify",
    "retry_after",
]

CONNECT_TIMEOUT: Final = timedelta(seconds=5)
READ_TIMEOUT: Final = timedelta(seconds=20)
KEEP_ALIVE: Final = timedelta(seconds=4)
"""Some servers hang up after 5 s of silence; a request that meets that is lost."""
LONGEST_WAIT: Final = timedelta(days=1)
"""A provider that asks for a longer wait is asked again after this one."""
MOST_BYTES: Final = 1_048_576
_UNACKNOWLEDGED_MS: Final = 10_000
"""What the kernel holds of a request when we die is given up after this long;
the grace period of a lane counts on it."""
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_PHASES: Final = 3
"""A connection takes a name look-up with TCP, then TLS; a third is left to the call."""


@frozen
class HttpRequest:
    """A request as bytes; *path* goes below the base URL and begins with a slash.

    Attributes:
        headers: of this request alone, beside those of the client.
    """

    method: str
    path: str = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)


@frozen
class HttpReply:
    """A whole answer; names of headers are lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@frozen
class NotSent:
    """No byte of the request left: the other side cannot have accepted it."""

    why: str


@frozen
class Lost:
    """The request, or part of it, may have arrived; there is no whole answer."""

    why: str


_BEFORE_THE_FIRST_BYTE: Final = (
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpcore.UnsupportedProtocol,
)
_FAILURES: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
    OSError,
)


def classify(error: BaseException) -> NotSent | Lost:
    """Say what a failure proves.

    httpcore raises `ConnectError` and `ConnectTimeout` for names, TCP and TLS, all
    before it writes; everything it does not name is taken for a lost answer.
    The text of *error* is not used: it may quote what was sent.
    """
    why = type(error).__name__
    return NotSent(why) if isinstance(error, _BEFORE_THE_FIRST_BYTE) else Lost(why)


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Read ``Retry-After`` (RFC 9110, 10.2.3): seconds, or a time.

    A time is read against the answer's own ``Date``, so that no clock of ours is
    asked; without one it says nothing. At most `LONGEST_WAIT`.
    """
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        seconds = float(said[:12])
        return min(timedelta(seconds=seconds), LONGEST_WAIT)
    until, now = _http_date(said), _http_date(headers.get("date", ""))
    if until is None or now is None or until <= now:
        return None
    return min(until - now, LONGEST_WAIT)


def _http_date(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _checked(base_url: str) -> str:
    url = base_url.rstrip("/")
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        parts = httpx.URL()
    is_plain = url.isprintable() and " " not in url
    is_plain = (
        is_plain and not parts.userinfo and not parts.query and not parts.fragment
    )
    if parts.scheme in {"http", "https"} and parts.host and is_plain:
        return url
    message = (
        "a provider's base URL must be http(s)://host[:port][/path], without user, "
        f"query or fragment; the one given has the scheme {parts.scheme!r}"
    )
    raise Misconfigured(message)


def _sendable(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable() and value.strip() == value):
            message = (
                f"the header {name} cannot be sent: it has spaces at an end, control "
                "or other than ASCII characters; look at the setting it is made of"
            )
            raise Misconfigured(message)
    return [(name.encode(), value.encode()) for name, value in headers.items()]


@define(eq=False)
class _Line:
    """One connection, opened by its first request, and how much it has carried."""

    connection: httpcore.AsyncHTTPConnection
    carried: int = 0
    free_since: float = 0.0


@define(eq=False, repr=False)
class HttpClient:
    """Speaks to one provider account. Follows no redirect, repeats nothing.

    Proxies named by the environment are not used: the traffic of loopback
    addresses must never leave the machine. Nothing is opened before the first
    request.

    Attributes:
        base_url: http(s)://host[:port][/path].
        user_agent: edges refuse the names of libraries.
        headers: sent with every request (the credentials).
        connect_timeout: for name and TCP, and again for TLS.
        read_timeout: between two pieces of an answer.
        requests_per_connection: the last of them asks for the connection to be
            closed; None keeps it as long as the other side does.
        most_bytes: a longer answer is a lost one.

    Raises:
        Misconfigured: the base URL is none, or a header cannot be sent.
    """

    base_url: str = field(converter=_checked)
    user_agent: str = field(kw_only=True)
    headers: Mapping[str, str] = field(factory=dict, kw_only=True)
    connect_timeout: timedelta = field(default=CONNECT_TIMEOUT, kw_only=True)
    read_timeout: timedelta = field(default=READ_TIMEOUT, kw_only=True)
    requests_per_connection: int | None = field(default=None, kw_only=True)
    most_bytes: int = field(default=MOST_BYTES, kw_only=True)
    _sent: list[tuple[bytes, bytes]] = field(init=False)
    _base: httpcore.URL = field(init=False)
    _idle: deque[_Line] = field(factory=deque, init=False)

    def __attrs_post_init__(self) -> None:
        url = httpx.URL(self.base_url)
        self._base = httpcore.URL(
            scheme=url.raw_scheme,
            host=url.raw_host,
            port=url.port,
            target=url.raw_path.rstrip(b"/"),
        )
        own = {
            "host": url.netloc.decode("ascii"),
            "user-agent": self.user_agent,
            "accept": "application/json",
            "accept-encoding": "identity",
        }
        self._sent = _sendable(own | dict(self.headers))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {httpx.URL(self.base_url).host}>"

    async def fetch(
        self, request: HttpRequest, within: timedelta
    ) -> HttpReply | NotSent | Lost:
        """Make one request; the whole call takes at most *within*.

        Nothing that the network does is raised. A cancelled call raises
        `asyncio.CancelledError`, and may have arrived.

        Raises:
            Misconfigured: a header of the request cannot be sent; nothing left.
        """
        seconds = within.total_seconds()
        if seconds <= 0:
            return NotSent("no time left")
        own = _sendable(request.headers)
        line = await self._take()
        line.carried += 1
        is_last = self._is_last(line)
        try:
            async with asyncio.timeout(seconds):
                response = await line.connection.handle_async_request(
                    self._built(request, own, seconds, last=is_last)
                )
                reply = await self._read(response)
        except _FAILURES as error:
            return classify(error)
        if isinstance(reply, HttpReply) and not is_last:
            self._give_back(line)
        return reply

    async def aclose(self) -> None:
        """Close what is open."""
        while self._idle:
            await _close(self._idle.pop())

    def _is_last(self, line: _Line) -> bool:
        most = self.requests_per_connection
        return most is not None and line.carried >= most

    async def _take(self) -> _Line:
        """The line used last, so that the others run out and are closed."""
        now = asyncio.get_running_loop().time()
        while (
            self._idle and self._idle[0].free_since < now - KEEP_ALIVE.total_seconds()
        ):
            await _close(self._idle.popleft())
        while self._idle:
            line = self._idle.pop()
            if line.connection.is_available() and not line.connection.has_expired():
                return line
            await _close(line)  # the other side has hung up
        return _Line(_connection(self._base.origin))

    def _give_back(self, line: _Line) -> None:
        line.free_since = asyncio.get_running_loop().time()
        self._idle.append(line)

    def _built(
        self,
        request: HttpRequest,
        own: list[tuple[bytes, bytes]],
        seconds: float,
        *,
        last: bool,
    ) -> httpcore.Request:
        headers = self._sent + own
        body, base = request.body, self._base
        if body is not None:
            headers.append((b"content-type", b"application/json"))
        if body is not None or request.method in _WITH_BODY:
            headers.append((b"content-length", b"%d" % len(body or b"")))
        if last:
            headers.append((b"connection", b"close"))
        connect_s = min(self.connect_timeout.total_seconds(), seconds / _PHASES)
        read_s = self.read_timeout.total_seconds()
        return httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=base.scheme,
                host=base.host,
                port=base.port,
                target=base.target + _target(request.path),
            ),
            headers=headers,
            content=body,
            extensions={
                "timeout": {"connect": connect_s, "read": read_s, "write": read_s}
            },
        )

    async def _read(self, response: httpcore.Response) -> HttpReply | Lost:
        pieces: list[bytes] = []
        size = 0
        try:
            async for piece in response.aiter_stream():
                size += len(piece)
                if size > self.most_bytes:
                    return Lost("the answer is too long")
                pieces.append(piece)
        finally:
            await response.aclose()
        headers: dict[str, str] = {}
        for raw_name, raw in response.headers:
            name, value = raw_name.decode("ascii").lower(), raw.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return HttpReply(response.status, headers, b"".join(pieces))


def _target(path: str) -> bytes:
    """As it goes over the wire; what an ordinary path has is left alone."""
    return quote(path, safe="/?&=%+:,;@!$'()*~-._").encode()


async def _close(line: _Line) -> None:
    with contextlib.suppress(*_FAILURES):
        await line.connection.aclose()


@cache
def _trust() -> ssl.SSLContext:
    """Built once: reading the certificates takes longer than a request."""
    return httpx.create_ssl_context()


def _connection(origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
    options = []
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        options.append(
            (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)
        )
    return httpcore.AsyncHTTPConnection(
        origin,
        ssl_context=_trust(),
        keepalive_expiry=KEEP_ALIVE.total_seconds(),
        socket_options=options,
    )
