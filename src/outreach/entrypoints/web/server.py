"""Serves an app inside a running event loop, next to whatever else runs there.

It installs no signal handlers and writes no access log (a webhook's path holds its
token). uvicorn bounds neither the head of a request nor the time it takes: `_Line`
does. A proxy in front should bound both, and connections per address, as well; for
nginx ``client_header_timeout 10s``, ``client_body_timeout 10s``,
``client_max_body_size 1m``, ``limit_conn``, and no access log below ``/webhooks/``.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Generator, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

import uvicorn
from attrs import define, field
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from outreach.domain.errors import Misconfigured

__all__ = ["Server"]

HEAD_BYTES: Final = 64 << 10
"""Of the first line and headers of one request."""

REQUEST_SECONDS: Final = 15.0
"""From the first byte of a request to the last; the app gives up on bodies sooner."""

_CONNECTIONS: Final = 800
"""More are answered 503: below the 1,024 files that many systems allow a process."""

_KEEP_ALIVE_SECONDS: Final = 75
_GRACE_SECONDS: Final = 10
_BACKLOG: Final = 2_048
_PROXIES: Final = ("127.0.0.1", "::1")


@define(eq=False)
class Server:
    """One listening socket.

    Attributes:
        app: its lifespan is entered by `start` and left by `stop`.
        port: 0 for any free one.
        proxies: addresses whose ``X-Forwarded-For`` is believed.
    """

    app: Starlette
    host: str = "127.0.0.1"
    port: int = 8000
    proxies: Sequence[str] = _PROXIES
    _stack: AsyncExitStack = field(factory=AsyncExitStack, init=False)
    _server: _Quiet | None = field(default=None, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    async def start(self) -> int:
        """Open, serve, and answer the port that it listens on.

        Raises:
            Misconfigured: the port is taken or may not be used, or there is no such
                host; names the setting.
        """
        if self._task is not None:
            message = "this server was started before: make another"
            raise RuntimeError(message)
        listener = _listen(self.host, self.port)
        self._stack.callback(listener.close)
        try:
            await self._stack.enter_async_context(
                self.app.router.lifespan_context(self.app)
            )
            self._server = _Quiet(self._config())
            self._task = asyncio.create_task(
                self._server.serve(sockets=[listener]), name="web"
            )
            await self._server.listening(self._task)
        except BaseException:
            await self._stack.aclose()
            raise
        port: int = listener.getsockname()[1]
        return port

    async def stop(self) -> None:
        """Answer what is under way, then close. Again, or before `start`: nothing."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await asyncio.wait({self._task})
        await self._stack.aclose()

    async def wait(self) -> None:
        """Return when it has stopped; raises what it died of."""
        if self._task is not None:
            await asyncio.shield(self._task)

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self.app,
            http=_Line,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=list(self.proxies),
            limit_concurrency=_CONNECTIONS,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )


class _Quiet(uvicorn.Server):
    """Leaves signals to the process, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listens.set()

    async def listening(self, serving: asyncio.Task[None]) -> None:
        """Return when it listens; raises what kept it from that."""
        waiting = asyncio.create_task(self._listens.wait())
        await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if serving.done():
            await serving

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _Line(HttpToolsProtocol):
    """A connection whose requests have an end: in bytes of head, and in time."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._head_bytes = 0
        self._in_head = True
        self._in_message = False
        self._end: asyncio.TimerHandle | None = None
        self._wait_for_end()

    def data_received(self, data: bytes) -> None:
        if self._end is None:
            self._wait_for_end()
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_end()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._in_message = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_message, self._in_head, self._head_bytes = False, True, 0
        self._forget_end()
        super().on_message_complete()

    def _wait_for_end(self) -> None:
        self._end = self.loop.call_later(REQUEST_SECONDS, self._give_up)

    def _forget_end(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None

    def _give_up(self) -> None:
        self._end = None
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if self._in_message or not is_answering:
            self.transport.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        # Connections inherit it; uvicorn sets it only on sockets it made itself.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"port {port} is taken: set OUTREACH_WEB_PORT"
        elif isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            message = f"{host} is no address of this machine: set OUTREACH_WEB_HOST"
        elif error.errno in {errno.EACCES, errno.EPERM}:
            message = f"port {port} may not be used here: set OUTREACH_WEB_PORT"
        else:
            message = (
                f"cannot listen on {host}, port {port} ({error.strerror}): "
                "set OUTREACH_WEB_HOST and OUTREACH_WEB_PORT"
            )
        raise Misconfigured(message) from error
    return listener
