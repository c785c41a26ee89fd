"""Starting, finding again, sharing and stopping the two servers of a data folder."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Final, Self

from attrs import define, field

from outreach.domain.errors import Misconfigured
from outreach.entrypoints.embedded import postgres, redis
from outreach.entrypoints.embedded.account import Account
from outreach.entrypoints.embedded.folder import Folder, Membership
from outreach.entrypoints.embedded.postgres import Postgres
from outreach.entrypoints.embedded.process import Process
from outreach.entrypoints.embedded.redis import Redis

__all__ = ["Servers", "clear", "discard", "start"]

FOUND_READY_S: Final = 20  # a server that was left behind may be busy recovering


@define(eq=False)
class Servers:
    """Both servers, in use by this process until ``stop``; also a context manager.

    Attributes:
        postgres_url: of the superuser's database. Only this user (as root: nobody's
            account) and root can open the socket.
        redis_url: of database 0.
    """

    postgres_url: str
    redis_url: str
    _folder: Folder = field(repr=False)
    _membership: Membership | None = field(repr=False)

    def stop(self) -> None:
        """Give the servers up; they are shut down if nobody else uses them.

        Asked twice, the second time does nothing.

        Raises:
            Misconfigured: a server did not stop.
        """
        membership, self._membership = self._membership, None
        if membership is not None:
            with self._folder.changing():
                _leave(self._folder, membership)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(data_dir: Path, *, durable: bool) -> Servers:
    """Find the servers of *data_dir* or start them; several processes share them.

    Args:
        data_dir: a folder of its own; made if it does not exist.
        durable: keep the data. False is for tests: nothing is synced to the disk, and
            servers and data go with their last user, even if that user is killed.

    Raises:
        Misconfigured: no programs, a folder that cannot be used, a server that does
            not start (with the end of its log), Windows or musl.
    """
    _refuse_platforms()
    folder = Folder.prepare(data_dir)
    with folder.changing():
        membership = folder.join()
        try:
            sockets = _bring_up(folder, durable=durable)
        except BaseException:
            _leave(folder, membership)
            raise
    return Servers(
        postgres.url(sockets), redis.url(sockets), folder, membership=membership
    )


def discard(data_dir: Path) -> None:
    """Stop what a killed process left running in *data_dir*, and empty it.

    Raises:
        Misconfigured: it is in use, or never was a data folder of ours.
    """
    _refuse_platforms()
    if not data_dir.exists() or not any(data_dir.iterdir()):
        return
    folder = Folder(data_dir.absolute(), Account.for_servers())
    if not folder.lock("change").exists():
        message = (
            f"{data_dir} is no data folder of outreach, so it is not emptied: name "
            "another, or empty it by hand"
        )
        raise Misconfigured(message)
    with folder.changing():
        membership = folder.join()
        try:
            if not membership.is_last():
                message = (
                    f"{data_dir} is in use by another outreach process: end that first"
                )
                raise Misconfigured(message)
            clear(folder)
            for entry in folder.path.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                elif entry.suffix != ".lock":
                    entry.unlink()
        finally:
            membership.leave()


def clear(folder: Folder) -> None:
    """Stop both servers and remove what is not meant to outlive them.

    For the last user only.
    """
    state = folder.state()
    for server in (Postgres.of(folder), Redis.of(folder)):
        server.stop(orderly=state is None or state.durable)
    folder.forget()


def _leave(folder: Folder, membership: Membership) -> None:
    try:
        if membership.is_last():
            clear(folder)
    finally:
        membership.leave()


def _bring_up(folder: Folder, *, durable: bool) -> Path:
    """See that both servers answer; the folder of their sockets."""
    servers = (Redis.of(folder), Postgres.of(folder))
    _settle(folder, durable=durable, running=any(s.is_running() for s in servers))
    state = folder.state()
    sockets = state.sockets if state else None
    for server in servers:
        if not (sockets and server.await_ready(sockets, seconds=FOUND_READY_S)):
            server.stop(orderly=False)
    if sockets is None:
        sockets = folder.remember(durable=durable)
    if not durable:
        _watch(folder)
    missing = [server for server in servers if not server.is_running()]
    for server in missing:
        server.spawn(sockets, durable=durable)
    for server in missing:
        if not server.await_ready(sockets):
            raise server.failure()
    return sockets


def _settle(folder: Folder, *, durable: bool, running: bool) -> None:
    """See that what lies in *folder* is what is asked for, and drop left-overs."""
    state = folder.state()
    kept = state.durable if state else folder.data("postgres").exists()
    if kept and not durable:
        message = (
            f"{folder.path} holds data that is to be kept: throw-away servers, which "
            "would delete it, are refused there"
        )
        raise Misconfigured(message)
    if state and not state.durable:
        if not running:
            folder.forget()
        elif durable:
            message = (
                f"throw-away servers run in {folder.path}: use another folder for data "
                "that is to be kept"
            )
            raise Misconfigured(message)


def _watch(folder: Folder) -> None:
    """Have the servers die with their last user, however that one dies."""
    watchdog = Process(folder, "watchdog", "the watchdog", folder.path / "watchdog.pid")
    if watchdog.is_running():
        return
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    watchdog.spawn(
        [sys.executable, "-m", "outreach.entrypoints.embedded.watchdog", folder.path],
        account=Account(os.geteuid(), os.getegid(), switched=False),
        env={"PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
    )


def _refuse_platforms() -> None:
    musl = "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or "")
    if sys.platform == "win32" or musl:
        name = "Windows" if sys.platform == "win32" else "musl (Alpine)"
        message = (
            f"on {name} outreach brings no servers of its own: set "
            "OUTREACH_DATABASE_URL and OUTREACH_REDIS_URL"
        )
        raise Misconfigured(message)
