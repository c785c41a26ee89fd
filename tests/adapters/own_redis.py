"""A server of one test's own, which may be stopped and started again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from outreach.entrypoints.embedded.account import Account
from outreach.entrypoints.embedded.binaries import find_redis

__all__ = ["OwnRedis", "own_redis"]

START_S: Final = 20.0
# the shell waits for us on its standard input, so that the server ends with us
UNTIL_WE_END: Final = '"$@" & server=$!; read -r _; kill -9 $server; wait $server'


class OwnRedis:
    """A Valkey or Redis on a unix socket, whose data survives ``stop``."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._command = [
            *("/bin/sh", "-c", UNTIL_WE_END, "sh"),
            *(str(find_redis(Account.for_servers()).path), "--port", "0"),
            *("--unixsocket", str(self.socket), "--dir", str(folder), "--save", ""),
            *("--appendonly", "yes", "--appendfsync", "always", *options),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + START_S
        while not self._answers():
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.01)

    def stop(self) -> None:
        """Kill it, as a crash would."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(1)
                line.connect(str(self.socket))
                line.sendall(b"PING\r\n")
                return line.recv(64)[:5] in (b"+PONG", b"-NOAU")
        except OSError:
            return False


@contextmanager
def own_redis(*options: str) -> Iterator[OwnRedis]:
    """Start one, with further *options* of the server; stopped in the end."""
    folder = Path(tempfile.mkdtemp(prefix="outreach-redis-", dir="/tmp"))
    server = OwnRedis(folder, *options)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
