"""Waits until nobody uses the throw-away servers of a folder, then ends them.

Run by the launcher as ``python -m outreach.entrypoints.embedded.watchdog FOLDER``. It
waits for a lock that all users share: the kernel frees it when the last one is gone,
also after SIGKILL, and no thread or fork of theirs can lose the signal.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from outreach.entrypoints.embedded.account import Account
from outreach.entrypoints.embedded.folder import Folder
from outreach.entrypoints.embedded.launcher import clear

if sys.platform != "win32":
    import fcntl

__all__ = ["main"]


def main(path: Path) -> None:
    """Outlive the users of the folder *path*, but not by much."""
    folder = Folder(path, Account.for_servers())
    handle = os.open(folder.lock("alive"), os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    clear(folder)
    os.close(handle)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
