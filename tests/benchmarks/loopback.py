"""An HTTP server on loopback, in a process of its own, that accepts every message, and
tells how many connections were opened to it, that of the question included.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final

__all__ = ["open_answerer"]

_ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 77\r\n\r\n"
    b'{"status":"ok","data":{"message_uid":"%036d"}}'
)
_OPENED: Final = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
_numbers: Final = count(1)


@contextmanager
def open_answerer() -> Iterator[str]:
    """Start it, as long as the block lasts; its base URL."""
    command = (sys.executable, "-m", "tests.benchmarks.loopback")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port = process.stdout.readline().strip()
            if not port:
                message = "the server of the bench did not start"
                raise RuntimeError(message)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


class _Answers(asyncio.Protocol):
    """One answer per request, whose body comes with its head or right after."""

    opened = 0
    transport: asyncio.Transport
    head: bytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.head = b""
        _Answers.opened += 1

    def data_received(self, data: bytes) -> None:
        self.head += data
        while self.head:
            head, blank, body = self.head.partition(b"\r\n\r\n")
            if not blank:
                return
            if head.startswith(b"GET /connections "):
                told = b'{"opened":%d}' % self.opened
                self.transport.write(_OPENED % (len(told), told))
                self.head = body
                continue
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            if len(body) < length:
                return
            self.head = body[length:]
            self.transport.write(_ANSWER % next(_numbers))
            if b"connection: close" in head.lower():
                self.transport.close()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Answers, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
