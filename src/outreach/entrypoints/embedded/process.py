"""One server process: started detached, found by its lock, stopped by its pid file.

Each server inherits an open, locked file. The lock is free when the server and all
its children are gone, whoever started them and however they ended; a pid alone, which
may belong to a zombie or to a stranger by now, is only used to send signals.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from outreach.domain.errors import Misconfigured
from outreach.entrypoints.embedded.account import environment

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from signal import Signals

    from outreach.entrypoints.embedded.account import Account
    from outreach.entrypoints.embedded.folder import Folder

__all__ = ["Process", "is_locked"]

POLL_S: Final = 0.01
LOG_MAX_BYTES: Final = 10_000_000
LOG_TAIL_LINES: Final = 8


def is_locked(lock: Path) -> bool:
    """Whether some live process holds *lock*; a missing file is not locked."""
    try:
        handle = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@frozen
class Process:
    """A server of a data folder.

    Attributes:
        name: of its data, lock and log ("postgres", "redis", "watchdog").
        title: what messages call it.
        pid_file: written by the server itself; its first line is the pid.
    """

    folder: Folder
    name: str
    title: str
    pid_file: Path

    def is_running(self) -> bool:
        """Whether it or any child of it is alive."""
        return is_locked(self.folder.lock(self.name))

    def spawn(
        self,
        argv: Sequence[str | Path],
        *,
        account: Account,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start *argv* as nobody's child: it outlives us, and init reaps it.

        Raises:
            Misconfigured: one is still running.
        """
        log, lock = self.folder.log(self.name), self.folder.lock(self.name)
        if log.exists() and log.stat().st_size > LOG_MAX_BYTES:
            log.replace(log.with_suffix(".log.1"))
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            subprocess.run(
                ["/bin/sh", "-c", '"$@" &', "sh", *argv],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(handle,),
                start_new_session=True,
                cwd="/",
                env={**environment(), **(env or {})},
                umask=0o077,
                **account.switch,
            )
        except BlockingIOError as error:
            message = (
                f"{self.title} still runs in {self.folder.path} and does not answer"
            )
            raise Misconfigured(message) from error
        finally:
            os.close(output)
            os.close(handle)

    def await_ready(self, answers: Callable[[], bool], *, seconds: float) -> bool:
        """Wait until *answers*; False if it ends or the time is over first."""
        end = time.monotonic() + seconds
        while not answers():
            if time.monotonic() > end or not self.is_running():
                return False
            time.sleep(POLL_S)
        return True

    def stop(self, *steps: tuple[Signals, float]) -> None:
        """Send each step's signal and give it its seconds, until nothing is left.

        Raises:
            Misconfigured: it is still there after the last step.
        """
        for signal, seconds in steps:
            if self._is_gone_after(signal, seconds=seconds):
                return
        message = (
            f"{self.title} in {self.folder.path} does not stop: end its processes by "
            f"hand ({self.pid_file} names the first)"
        )
        raise Misconfigured(message)

    def failure(self, what: str) -> Misconfigured:
        """An error that says *what* happened, with the end of the log."""
        log = self.folder.log(self.name)
        try:
            with log.open(encoding="utf-8", errors="replace") as file:
                tail = "".join(deque(file, LOG_TAIL_LINES)).rstrip()
        except FileNotFoundError:
            tail = ""
        return Misconfigured(f"{self.title} {what}; the end of {log}:\n{tail}")

    def pid(self) -> int | None:
        """The pid in the pid file, unless it is nobody's or a stranger's by now."""
        try:
            pid = int(self.pid_file.read_text("ascii").split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        if not self.knows_strangers:
            return pid
        try:
            home = Path(f"/proc/{pid}/cwd").readlink()
        except OSError:
            return None
        return pid if home == self.folder.data(self.name).resolve() else None

    @property
    def knows_strangers(self) -> bool:
        """Whether this system tells what folder a process works in (macOS does not)."""
        return Path("/proc/self/cwd").exists()

    def _is_gone_after(self, signal: Signals, *, seconds: float) -> bool:
        """Signal it as soon as it has a pid: one that just started may have none."""
        sent = False
        end = time.monotonic() + seconds
        while self.is_running():
            if not sent and (pid := self.pid()):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal)
                sent = True
            if time.monotonic() > end:
                return False
            time.sleep(POLL_S)
        return True
