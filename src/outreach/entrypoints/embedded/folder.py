"""The data folder: where it is, who may enter it, and who uses it right now.

::

    DIR/postgres/ redis/          the data, owned by the account of the servers
    DIR/postgres.log redis.log    what they had to say
    DIR/servers.json              where the sockets are, and whether the data is kept
    DIR/*.lock                    flock files, never deleted: the kernel frees them
                                  when their holder dies, however it dies

``change.lock`` is held while servers are started or stopped. ``users.lock`` and
``alive.lock`` are shared by all users; whoever can take the first one alone is the
last user, and the watchdog of throw-away servers waits for the second one.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from outreach.domain.errors import Misconfigured
from outreach.entrypoints.embedded.account import Account

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Folder", "Membership", "State", "default_data_dir"]

ROOT_DATA_DIR: Final = Path("/var/lib/outreach")
SOCKETS_PARENT: Final = Path("/tmp")
SOCKET_PATH_BYTES: Final = 100  # a unix socket's path ends at 103 (macOS) or 107


def default_data_dir(env: Mapping[str, str]) -> Path:
    """Where data is kept unless something else is said; the folder need not exist.

    ``OUTREACH_DATA_DIR`` wins. Root gets a folder below ``/var/lib``, since the
    servers run as another user, who cannot enter a closed home. Others get the
    platform's folder for user data (XDG_DATA_HOME honoured if absolute, as the XDG
    base directory specification says).

    Raises:
        Misconfigured: there is no home folder to put it in.
    """
    if named := env.get("OUTREACH_DATA_DIR"):
        return Path(named).absolute()
    if sys.platform == "win32":
        return Path(env.get("LOCALAPPDATA") or Path.home()) / "outreach"
    if os.geteuid() == 0:
        return ROOT_DATA_DIR
    if (chosen := Path(env.get("XDG_DATA_HOME", ""))).is_absolute():
        return chosen / "outreach"
    try:
        home = Path(env["HOME"]) if env.get("HOME") else Path.home()
    except RuntimeError as error:
        message = "no home folder to keep data in: set OUTREACH_DATA_DIR"
        raise Misconfigured(message) from error
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "outreach"
    return home / ".local" / "share" / "outreach"


@frozen
class State:
    """What a running pair of servers leaves for the next process to find.

    Attributes:
        sockets: the folder of both sockets; None if it is gone or not ours.
        durable: the data is meant to be kept.
    """

    sockets: Path | None
    durable: bool


@frozen
class Folder:
    """A data folder on a disk of this machine."""

    path: Path
    account: Account

    @classmethod
    def prepare(cls, path: Path) -> Folder:
        """Make *path* if need be, and see that the servers can live in it.

        Raises:
            Misconfigured: it cannot be made, or the servers' account cannot enter it.
        """
        folder = cls(path.absolute(), Account.for_servers())
        try:
            folder._make(folder.path)
            for name in ("change", "users", "alive"):
                folder.lock(name).touch(mode=0o600)
        except OSError as error:
            message = (
                f"the data folder {path} cannot be used ({error.strerror}): set "
                "OUTREACH_DATA_DIR to a folder of yours"
            )
            raise Misconfigured(message) from error
        if not folder.account.can_enter(folder.path):
            message = (
                f"the data folder {path} cannot be entered by uid {folder.account.uid},"
                " which the servers run as because outreach was started by root: set "
                "OUTREACH_DATA_DIR to an open folder (the default is "
                f"{ROOT_DATA_DIR}), or start outreach as an ordinary user"
            )
            raise Misconfigured(message)
        return folder

    def _make(self, path: Path) -> None:
        if path.is_dir():
            return
        self._make(path.parent)
        path.mkdir(exist_ok=True)
        path.chmod(0o711 if self.account.switched else 0o700)

    def lock(self, name: str) -> Path:
        """The flock file *name*."""
        return self.path / f"{name}.lock"

    def log(self, name: str) -> Path:
        """Where server *name* writes."""
        return self.path / f"{name}.log"

    def data(self, name: str) -> Path:
        """Where server *name* keeps its data."""
        return self.path / name

    def owned(self, name: str) -> Path:
        """Make the subfolder *name* for the servers' account alone; may exist.

        Raises:
            Misconfigured: it belongs to somebody else.
        """
        path = self.data(name)
        if not path.exists():
            path.mkdir(mode=0o700)
            if self.account.switched:
                os.chown(path, self.account.uid, self.account.gid)
        if (owner := path.lstat().st_uid) != self.account.uid:
            message = (
                f"{path} belongs to uid {owner}, but the servers run as uid "
                f"{self.account.uid}: start outreach as that user, or set "
                "OUTREACH_DATA_DIR to another folder"
            )
            raise Misconfigured(message)
        return path

    def state(self) -> State | None:
        """What the last start left; None if nothing runs or is kept here."""
        path = self.path / "servers.json"
        try:
            found = json.loads(path.read_text("utf-8"))
            sockets, durable = Path(found["sockets"]), found["durable"] is True
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            message = f"{path} is damaged: remove it"
            raise Misconfigured(message) from error
        return State(sockets if self._is_ours(sockets) else None, durable=durable)

    def _is_ours(self, sockets: Path) -> bool:
        try:
            status = sockets.lstat()
        except OSError:
            return False
        private = status.st_mode == stat.S_IFDIR | 0o700
        return private and status.st_uid == self.account.uid

    def remember(self, *, durable: bool) -> Path:
        """Make a socket folder, write down where it is, and return it."""
        parent = SOCKETS_PARENT if SOCKETS_PARENT.is_dir() else tempfile.gettempdir()
        sockets = Path(tempfile.mkdtemp(prefix="outreach-", dir=parent))
        if len(os.fsencode(sockets / ".s.PGSQL.5432")) > SOCKET_PATH_BYTES:
            sockets.rmdir()
            message = (
                f"{parent} is too long a path for a socket: set TMPDIR to a shorter one"
            )
            raise Misconfigured(message)
        if self.account.switched:
            os.chown(sockets, self.account.uid, self.account.gid)
        new = self.path / "servers.json.new"
        with new.open("w", encoding="utf-8") as file:
            json.dump({"sockets": str(sockets), "durable": durable}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path / "servers.json")
        return sockets

    def forget(self) -> None:
        """Remove the socket folder and, of throw-away servers, the data."""
        if (state := self.state()) is None:
            return
        if state.sockets:
            shutil.rmtree(state.sockets, ignore_errors=True)
        if not state.durable:
            for name in ("postgres", "redis"):
                shutil.rmtree(self.data(name), ignore_errors=True)
        (self.path / "servers.json").unlink(missing_ok=True)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Be the only process that starts or stops servers here; waits its turn."""
        handle = os.open(self.lock("change"), os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def join(self) -> Membership:
        """Become a user of the servers here, until ``leave`` or death."""
        handles = []
        for name in ("alive", "users"):
            handles.append(os.open(self.lock(name), os.O_RDWR))
            fcntl.flock(handles[-1], fcntl.LOCK_SH)
        return Membership(*handles)


@frozen
class Membership:
    """One process's share in the servers of a folder."""

    _alive: int
    _users: int

    def is_last(self) -> bool:
        """Whether nobody else uses the servers; ask under ``changing`` only."""
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def leave(self) -> None:
        """Give the share back."""
        os.close(self._users)
        os.close(self._alive)
