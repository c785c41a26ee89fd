"""Our PostgreSQL: initdb once, then one postmaster on a unix socket."""

from __future__ import annotations

import shutil
import socket
import struct
from pathlib import Path
from signal import Signals
from typing import TYPE_CHECKING, Final

from attrs import frozen

from outreach.domain.errors import Misconfigured
from outreach.entrypoints.embedded.binaries import Program, find_postgres
from outreach.entrypoints.embedded.process import Process

if TYPE_CHECKING:
    from outreach.entrypoints.embedded.folder import Folder

__all__ = ["Postgres", "url"]

PORT: Final = 5432  # only part of the socket's name
READY_S: Final = 60  # crash recovery may come first
ANSWER_S: Final = 2
STATUS_LINE: Final = 8  # of postmaster.pid
SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
MAX_CONNECTIONS: Final = 100
BUILTIN_LOCALES_FROM: Final = 17  # a C.UTF-8 that no operating system can change
NO_SUCH_PID: Final = 2**22 + 1  # above the largest that Linux and macOS give

SETTINGS: Final = {
    "listen_addresses": "",
    "max_connections": str(MAX_CONNECTIONS),
    "shared_buffers": "64MB",
    "jit": "off",  # dearer than our short statements
    "timezone": "UTC",
    "log_timezone": "UTC",
    "unix_socket_permissions": "0700",
}
THROW_AWAY: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def url(sockets: Path) -> str:
    """Where the server is, as psycopg and libpq read it."""
    return f"postgresql://postgres@/postgres?host={sockets}&port={PORT}"


@frozen
class Postgres:
    """The PostgreSQL of a data folder."""

    folder: Folder
    process: Process

    @classmethod
    def of(cls, folder: Folder) -> Postgres:
        """The one of *folder*, running or not."""
        pid_file = folder.data("postgres") / "postmaster.pid"
        return cls(folder, Process(folder, "postgres", "PostgreSQL", pid_file))

    def spawn(self, sockets: Path, *, durable: bool) -> None:
        """Make the cluster if there is none yet, and start its server.

        Raises:
            Misconfigured: no programs, wrong version, or initdb failed.
        """
        data = self.folder.data("postgres")
        program = find_postgres(self.folder.account, major=self._major())
        if not data.exists():
            self._initialise(program, durable=durable)
        self.folder.owned("postgres")
        self._free_a_reused_pid()
        for left in sockets.glob(".s.PGSQL.*"):
            left.unlink()
        options = [f"-c{k}={v}" for k, v in SETTINGS.items()]
        if not durable:
            options += [f"-c{k}={v}" for k, v in THROW_AWAY.items()]
        self.process.spawn(
            [program.path, "-D", data, "-k", sockets, "-p", str(PORT), *options],
            account=self.folder.account,
        )

    def await_ready(self, sockets: Path, *, seconds: float = READY_S) -> bool:
        """Wait until it takes connections; False if it ends or the time is over."""
        return self.process.await_ready(
            lambda: self._says_ready() and _answers(sockets), seconds=seconds
        )

    def is_running(self) -> bool:
        """Whether it or any child of it is alive."""
        return self.process.is_running()

    def failure(self) -> Misconfigured:
        """Why it did not get ready."""
        return self.process.failure(f"did not get ready within {READY_S} s")

    def stop(self, *, orderly: bool) -> None:
        """Shut it down: transactions undone and all written, or at once."""
        fast = ((Signals.SIGINT, 60.0),) if orderly else ()
        self.process.stop(*fast, (Signals.SIGQUIT, 5.0), (Signals.SIGKILL, 10.0))

    def _major(self) -> int | None:
        try:
            text = (self.folder.data("postgres") / "PG_VERSION").read_text("ascii")
        except FileNotFoundError:
            return None
        return int(text)

    def _initialise(self, program: Program, *, durable: bool) -> None:
        """Run initdb beside the final place, so that a killed one leaves no half."""
        shutil.rmtree(self.folder.data("postgres.new"), ignore_errors=True)
        new = self.folder.owned("postgres.new")
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8"]
        options += ["--locale=C", "--no-instructions"]
        if program.version[0] >= BUILTIN_LOCALES_FROM:
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not durable:
            options += ["--no-sync"]
        initdb = program.path.with_name("initdb")
        done = self.folder.account.run([initdb, "-D", new, *options])
        if done.returncode != 0:
            message = f"{initdb} failed in {new}:\n{done.stdout.rstrip()}"
            raise Misconfigured(message)
        new.rename(self.folder.data("postgres"))

    def _says_ready(self) -> bool:
        """Whether the eighth line of the pid file says so, which pg_ctl reads too."""
        try:
            lines = self.process.pid_file.read_text("ascii").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= STATUS_LINE and lines[STATUS_LINE - 1].strip() == "ready"

    def _free_a_reused_pid(self) -> None:
        """Let a dead server's pid file not bar the next one.

        PostgreSQL refuses to start while the pid in it is alive, even if it is some
        other program's by now, as after a restart of a container. The file stays, with
        the pid of nobody: by the rest of it PostgreSQL finds orphans that still hold
        its shared memory.
        """
        pid_file = self.process.pid_file
        if (
            pid_file.exists()
            and self.process.knows_strangers
            and not self.process.pid()
        ):
            rest = pid_file.read_text("ascii").partition("\n")[2]
            pid_file.write_text(f"{NO_SUCH_PID}\n{rest}", "ascii")


def _answers(sockets: Path) -> bool:
    """Whether a connection is served, be it by "too many clients".

    Asks for TLS (protocol documentation, message SSLRequest), which is answered with
    one byte before anything else is looked at.
    """
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(ANSWER_S)
            line.connect(str(sockets / f".s.PGSQL.{PORT}"))
            line.sendall(SSL_REQUEST)
            return line.recv(1) in {b"N", b"S"}
    except OSError:
        return False
