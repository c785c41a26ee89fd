"""A server on loopback that answers as it is told, errs as lines and servers do,
and counts what arrived: for tests of adapters that speak HTTP.

It knows no provider. It speaks just enough HTTP/1.1 over bare sockets to do what a
web framework would not let it do: hang up in the middle, or say nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field, frozen

__all__ = ["Asked", "FaultServer", "Hangs", "HangsUp", "Reaction", "Says", "unused_url"]

_LINGER_AND_RESET: Final = struct.pack("ii", 1, 0)
_END_OF_HEAD: Final = b"\r\n\r\n"


@frozen
class Asked:
    """A request that arrived whole.

    Attributes:
        headers: names in lower case.
        connection: counts from 1.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query, decoded."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@frozen
class Says:
    """Answers: *body* as it is, or as JSON if it is no bytes; after *after_s*."""

    status: int = 200
    body: object = b""
    headers: Mapping[str, str] = field(factory=dict)
    after_s: float = 0.0

    def head_and_body(self) -> tuple[bytes, bytes]:
        """The bytes of the answer."""
        is_raw = isinstance(self.body, bytes)
        body = self.body if isinstance(self.body, bytes) else _dumped(self.body)
        headers = {
            "content-type": "text/html" if is_raw else "application/json",
            "content-length": str(len(body)),
            **self.headers,
        }
        lines = [f"HTTP/1.1 {self.status} -"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines).encode() + _END_OF_HEAD, body


@frozen
class Hangs:
    """Never answers."""


@frozen
class HangsUp:
    """Sends *part*, then ends the connection, by a reset unless *politely*."""

    part: bytes = b""
    politely: bool = False


Reaction = Says | Hangs | HangsUp
Handler = Callable[[Asked], Reaction]


def unused_url() -> str:
    """The URL of a loopback port that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as plug:
        return f"http://127.0.0.1:{plug.getsockname()[1]}"


@define(eq=False)
class FaultServer:
    """Serves between ``async with`` and its end.

    Attributes:
        react: decides about each request; may be replaced while it runs.
        asked: every request that arrived whole, in order.
    """

    react: Handler
    asked: list[Asked] = field(factory=list, init=False)
    _server: asyncio.Server | None = field(default=None, init=False)
    _connections: dict[int, asyncio.Task[None]] = field(factory=dict, init=False)
    _count: int = field(default=0, init=False)
    _news: asyncio.Event = field(factory=asyncio.Event, init=False)

    @property
    def url(self) -> str:
        """http://127.0.0.1:port."""
        assert self._server is not None, "it serves inside 'async with' only"
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def until_asked(self, number: int) -> None:
        """Wait until that many requests have arrived; for one waiter at a time."""
        while len(self.asked) < number:
            self._news.clear()
            await self._news.wait()

    async def until_open(self, number: int) -> None:
        """Wait until so many connections are open; for one waiter at a time."""
        while len(self._connections) != number:
            self._news.clear()
            await self._news.wait()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._connections.values()):
            task.cancel()
        await asyncio.gather(*self._connections.values(), return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._count += 1
        number = self._count
        task = asyncio.current_task()
        assert task is not None
        self._connections[number] = task
        try:
            while (asked := await _read(reader, number)) is not None:
                self.asked.append(asked)
                self._news.set()
                if not await _do(self.react(asked), asked, writer):
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # The other side is gone, or the test is over.
            pass
        finally:
            del self._connections[number]
            self._news.set()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader, connection: int) -> Asked | None:
    try:
        head = await reader.readuntil(_END_OF_HEAD)
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body, connection)


async def _do(reaction: Reaction, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    """React, and say whether the connection lives on."""
    match reaction:
        case Says(after_s=wait) as answer:
            await asyncio.sleep(wait)
            writer.write(b"".join(answer.head_and_body()))
            await writer.drain()
            return asked.headers.get("connection") != "close"
        case HangsUp(part, politely):
            writer.write(part)
            await writer.drain()
            if not politely:
                plug: socket.socket = writer.get_extra_info("socket")
                plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_AND_RESET)
                writer.transport.abort()
            return False
        case Hangs():
            await asyncio.Event().wait()
    return False


def _dumped(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
