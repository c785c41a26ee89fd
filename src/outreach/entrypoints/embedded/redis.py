"""Our Valkey, or Redis: one server on a unix socket."""

from __future__ import annotations

import socket
from pathlib import Path
from signal import Signals
from typing import TYPE_CHECKING, Final

from attrs import frozen

from outreach.entrypoints.embedded.binaries import find_redis
from outreach.entrypoints.embedded.process import Process

if TYPE_CHECKING:
    from outreach.domain.errors import Misconfigured
    from outreach.entrypoints.embedded.folder import Folder

__all__ = ["Redis", "url"]

READY_S: Final = 60  # the append-only file is read first
ANSWER_S: Final = 2


def url(sockets: Path) -> str:
    """Where the server is, as redis-py and arq read it."""
    return f"unix://{_socket(sockets)}"


@frozen
class Redis:
    """The Valkey or Redis of a data folder."""

    folder: Folder
    process: Process

    @classmethod
    def of(cls, folder: Folder) -> Redis:
        """The one of *folder*, running or not."""
        pid_file = folder.data("redis") / "redis.pid"
        return cls(folder, Process(folder, "redis", "Valkey", pid_file))

    def spawn(self, sockets: Path, *, durable: bool) -> None:
        """Start it.

        Raises:
            Misconfigured: no program was found.
        """
        program = find_redis(self.folder.account)
        settings = {
            "port": "0",
            "unixsocket": str(_socket(sockets)),
            "unixsocketperm": "700",
            "dir": str(self.folder.owned("redis")),
            "pidfile": str(self.process.pid_file),
            "save": "",
            "appendonly": "yes" if durable else "no",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        options = [part for k, v in settings.items() for part in (f"--{k}", v)]
        self.process.spawn([program.path, *options], account=self.folder.account)

    def await_ready(self, sockets: Path, *, seconds: float = READY_S) -> bool:
        """Wait until it answers; False if it ends or the time is over first."""
        return self.process.await_ready(lambda: _answers(sockets), seconds=seconds)

    def is_running(self) -> bool:
        """Whether it or any child of it is alive."""
        return self.process.is_running()

    def failure(self) -> Misconfigured:
        """Why it did not get ready."""
        return self.process.failure(f"did not get ready within {READY_S} s")

    def stop(self, *, orderly: bool) -> None:
        """Shut it down: with all written, or at once."""
        first = ((Signals.SIGTERM, 30.0),) if orderly else ()
        self.process.stop(*first, (Signals.SIGKILL, 10.0))


def _socket(sockets: Path) -> Path:
    return sockets / "redis.sock"


def _answers(sockets: Path) -> bool:
    """Whether a command is served, be it by "too many clients"; not while loading."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(ANSWER_S)
            line.connect(str(_socket(sockets)))
            line.sendall(b"PING\r\n")
            return line.recv(64).startswith((b"+PONG", b"-ERR max number of clients"))
    except OSError:
        return False
