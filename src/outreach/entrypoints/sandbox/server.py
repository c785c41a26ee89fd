"""Runs the sandbox on loopback, on uvicorn, with connections that can be torn."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final

import attrs
import httpx
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from outreach.entrypoints.sandbox.answers import CONNECTION
from outreach.entrypoints.sandbox.app import API_PATH, create_app
from outreach.entrypoints.sandbox.instantly.routes import PATH as INSTANTLY_PATH
from outreach.entrypoints.sandbox.journal import Journal
from outreach.entrypoints.sandbox.resend.hooks import signing_secret
from outreach.entrypoints.sandbox.resend.routes import PATH as RESEND_PATH
from outreach.entrypoints.sandbox.vendor import Plan, Vendor

__all__ = ["Options", "serve"]

HOST: Final = "127.0.0.1"
_GRACE_S: Final = 1
_POLL_S: Final = 0.2
_KEEP_ALIVE_S: Final = 75
_WEBHOOK_CONNECTIONS: Final = 16
_WEBHOOK_LIMIT_S: Final = 60  # the postman's own limit is shorter


@attrs.frozen(kw_only=True)
class Options:
    """How the process lives. `announce` is a file, or None for standard output."""

    log: Path
    port: int
    plan: Plan
    announce: Path | None = None
    parent_pid: int | None = None


class _Line(HttpToolsProtocol):
    """A connection that the application can see, count on, and tear down."""

    served = 0

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.served += 1
        connection: dict[object, object] = {
            "transport": self.transport,
            "served": self.served,
        }
        self.scope["extensions"] = {CONNECTION: connection}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to `serve`: uvicorn would raise them again at the end."""
        yield


async def serve(options: Options) -> None:
    """Serve until SIGTERM, SIGINT (without a parent) or the parent's death.

    Raises OSError if the port is taken, Busy and OtherSeed for the files.
    """
    journal = Journal(options.log)
    try:
        with socket.create_server((HOST, options.port), backlog=512) as listener:
            # inherited by connections; asyncio sets it only where the protocol is named
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await _serve(options, journal, listener)
    finally:
        journal.close()


async def _serve(options: Options, journal: Journal, listener: socket.socket) -> None:
    root = f"http://{HOST}:{listener.getsockname()[1]}"
    failures: list[BaseException] = []

    def fail(error: BaseException) -> None:
        failures.append(error)
        server.should_exit = True

    async with contextlib.AsyncExitStack() as stack:
        clients: asyncio.Queue[httpx.AsyncClient] = asyncio.Queue()
        certificates = httpx.create_ssl_context()  # slow to load: once for all
        for _ in range(_WEBHOOK_CONNECTIONS):
            client = httpx.AsyncClient(
                limits=httpx.Limits(max_connections=1),
                timeout=_WEBHOOK_LIMIT_S,
                verify=certificates,
                trust_env=False,
            )
            clients.put_nowait(await stack.enter_async_context(client))
        vendor = Vendor(
            options.plan, journal=journal, clients=clients, base_url=root, fail=fail
        )
        server = _Server(
            uvicorn.Config(
                create_app(vendor),
                http=_Line,
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=_GRACE_S,
            ),
            announce=lambda: _announce(options, root, vendor.token),
        )
        _listen_to_signals(server, has_parent=options.parent_pid is not None)
        watch = asyncio.create_task(_outlive_nobody(options.parent_pid))
        await server.serve(sockets=[listener])
        watch.cancel()
        await vendor.agenda.close()
    if failures:
        raise failures[0]


def _listen_to_signals(server: uvicorn.Server, *, has_parent: bool) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True

    loop.add_signal_handler(signal.SIGTERM, stop)
    # Ctrl-C goes to the whole group; the parent still has calls to end here.
    loop.add_signal_handler(signal.SIGINT, (lambda: None) if has_parent else stop)


def _announce(options: Options, root: str, token: str) -> None:
    line = json.dumps(
        {
            "base_url": f"{root}{API_PATH}",
            "instantly_url": f"{root}{INSTANTLY_PATH}",
            "resend_url": f"{root}{RESEND_PATH}",
            "token": token,
            "signing_secret": signing_secret(token),
            "pid": os.getpid(),
            "log": str(options.log),
        }
    )
    if options.announce is None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    else:
        fresh = options.announce.with_name(f"{options.announce.name}.new")
        fresh.write_text(f"{line}\n", encoding="utf-8")
        fresh.replace(options.announce)


async def _outlive_nobody(parent_pid: int | None) -> None:
    """Die at once when the parent has: every line is written by then."""
    if parent_pid is None:
        return
    if sys.platform == "linux":
        await _wait_for_exit(parent_pid)
    else:
        await asyncio.to_thread(_poll_until_gone, parent_pid)
    os._exit(0)


async def _wait_for_exit(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _poll_until_gone(pid: int) -> None:
    while _lives(pid):
        time.sleep(_POLL_S)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
