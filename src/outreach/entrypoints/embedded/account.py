"""Who the servers run as: ourselves or, since PostgreSQL refuses root, nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final, TypedDict

from attrs import frozen

from outreach.domain.errors import Misconfigured

if sys.platform != "win32":
    import pwd

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Account"]

NOBODY_UID: Final = 65534
COMMAND_TIMEOUT_S: Final = 120


class _Switch(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@frozen
class Account:
    """A user of the system.

    Attributes:
        switched: the servers run as somebody else than this process.
    """

    uid: int
    gid: int
    switched: bool

    @classmethod
    def for_servers(cls) -> Account:
        """Ourselves; ``nobody`` if we are root (initdb needs an account by name)."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), switched=False)
        entries = [e for e in pwd.getpwall() if e.pw_uid == NOBODY_UID]
        entries += [e for e in pwd.getpwall() if e.pw_name == "nobody"]
        if entries:
            return cls(entries[0].pw_uid, entries[0].pw_gid, switched=True)
        message = (
            "PostgreSQL does not run as root and this system has no account 'nobody' "
            "to run it as: start outreach as an ordinary user, or set "
            "OUTREACH_DATABASE_URL and OUTREACH_REDIS_URL"
        )
        raise Misconfigured(message)

    @property
    def switch(self) -> _Switch:
        """What :mod:`subprocess` needs to run a child as this account."""
        if not self.switched:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def run(self, argv: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Run *argv* to its end as this account; both outputs in ``stdout``.

        Raises:
            OSError: it cannot be executed by this account.
        """
        return subprocess.run(
            argv,
            check=False,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=COMMAND_TIMEOUT_S,
            cwd="/",
            env=environment(),
            umask=0o077,
            **self.switch,
        )

    def can_enter(self, folder: Path) -> bool:
        """Whether this account reaches *folder*, whatever lies above it."""
        if not self.switched:
            return os.access(folder, os.X_OK)
        script = 'cd -P -- "$1"'
        return self.run(["/bin/sh", "-c", script, "sh", folder]).returncode == 0


def environment() -> dict[str, str]:
    """A small one of our own: a stray PGPORT or LC_ALL must not reach a server."""
    kept = {k: v for k, v in os.environ.items() if k.endswith("LD_LIBRARY_PATH")}
    return {"PATH": os.defpath, "HOME": "/", "LC_ALL": "C", "TZ": "UTC", **kept}
